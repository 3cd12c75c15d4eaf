"""File names of public datasets: the class and the group that they tell."""

import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ENDING = re.compile(
    r"\.(264|265|3g2|3gp|3gpp|amv|asf|avi|divx|dv|f4v|flv|gif|h264|h265|hevc|ivf|m1v|m2t|m2ts|m2v|m4v|mjpeg|mjpg|mkv|mod|"
    r"mov|mp2v|mp4|mpe|mpeg|mpg|mpv|mts|mxf|nut|ogm|ogv|ps|qt|rm|rmvb|tod|ts|vob|webm|wmv|wtv|xvid|y4m)$",
    re.IGNORECASE,
)
HMDB51 = (
    "brush_hair|cartwheel|catch|chew|clap|climb|climb_stairs|dive|draw_sword|dribble|drink|eat|fall_floor|fencing|"
    "flic_flac|golf|handstand|hit|hug|jump|kick|kick_ball|kiss|laugh|pick|pour|pullup|punch|push|pushup|ride_bike|"
    "ride_horse|run|shake_hands|shoot_ball|shoot_bow|shoot_gun|sit|situp|smile|smoke|somersault|stand|swing_baseball|"
    "sword|sword_exercise|talk|throw|turn|walk|wave"
)
_UCF101 = """applyeyemakeup applylipstick archery babycrawling balancebeam bandmarching baseballpitch basketball
    basketballdunk benchpress biking billiards blowdryhair blowingcandles bodyweightsquats bowling boxingpunchingbag
    boxingspeedbag breaststroke brushingteeth cleanandjerk cliffdiving cricketbowling cricketshot cuttinginkitchen
    diving drumming fencing fieldhockeypenalty floorgymnastics frisbeecatch frontcrawl golfswing haircut hammering
    hammerthrow handstandpushups handstandwalking headmassage highjump horserace horseriding hulahoop icedancing
    javelinthrow jugglingballs jumpingjack jumprope kayaking knitting longjump lunges militaryparade mixing
    moppingfloor nunchucks parallelbars pizzatossing playingcello playingdaf playingdhol playingflute playingguitar
    playingpiano playingsitar playingtabla playingviolin polevault pommelhorse pullups punch pushups rafting
    rockclimbingindoor ropeclimbing rowing salsaspin shavingbeard shotput skateboarding skiing skijet skydiving
    soccerjuggling soccerpenalty stillrings sumowrestling surfing swing tabletennisshot taichi tennisswing
    throwdiscus trampolinejumping typing unevenbars volleyballspiking walkingwithdog wallpushups writingonboard
    yoyo"""

UCF101 = frozenset(_UCF101.split())  # its classes, casefolded


class Pattern(NamedTuple):
    """How a dataset names its files; `name` and `group` of the expression are class and group."""

    dataset: str
    example: str
    expression: str  # of the whole name without its ending
    sure: bool = True  # it tells the class where folders say the same; else only where they tell none
    special: bool = False  # so long that no other name has this form: it tells the group whatever the folders say


PATTERNS = (
    Pattern("UCF-101, UCF-50", "v_YoYo_g01_c02.avi", r"v_(?P<name>.+)_g(?P<group>\d{1,9})_c\d+", special=True),
    Pattern(
        "KTH", "person01_boxing_d1_uncomp.avi", r"(?P<group>person\d+)_(?P<name>[a-z]+)_d\d(_uncomp)?", special=True
    ),
    Pattern(
        "Weizmann",
        "daria_bend.avi",
        r"(?P<group>daria|denis|eli|ido|ira|lena|lyova|moshe|shahar)_"
        r"(?P<name>bend|jack|jump|pjump|run|side|skip|walk|wave1|wave2)\d?",
    ),
    Pattern(
        "HMDB-51",
        "April_09_brush_hair_u_nm_np1_ba_goo_0.avi",  # film, class, body part, camera, people, view, quality, clip
        rf"(?P<group>.+?)_(?P<name>{HMDB51})_[fhlu]_(nm|cm)_np\d+_(ba|fr|le|ri)_(bad|goo|med)_\d+",
        special=True,
    ),
    Pattern(
        "NTU RGB+D",
        "S001C001P003R001A024_rgb.avi",
        r"S\d{3}C\d{3}(?P<group>P\d{3})R\d{3}(?P<name>A\d{3})(_rgb)?",
        special=True,
    ),
    Pattern("UTD-MHAD", "a1_s3_t1_color.avi", r"(?P<name>a\d+)_(?P<group>s\d+)_[et]\d+(_color|_rgb)?"),
    Pattern("RAVDESS", "01-01-06-01-02-01-12.mp4", r"\d\d-\d\d-(?P<name>\d\d)-\d\d-\d\d-\d\d-(?P<group>\d\d)"),
    Pattern("CREMA-D", "1001_DFA_ANG_XX.flv", r"(?P<group>1\d{3})_[A-Z]{3}_(?P<name>[A-Z]{3})_(LO|MD|HI|XX?)"),
    Pattern("UCF-Crime", "Abuse001_x264.mp4", r"(?P<name>[A-Za-z]+(_[A-Za-z]+)*?)_?\d{3}_x264"),
    Pattern("UCF-11", "v_shooting_01_02.mpg", r"v_(?P<name>[a-z_]+)_(?P<group>\d\d)_\d\d", False),
    Pattern("Hockey Fights", "fi12_xvid.avi", r"(?P<name>fi|no)\d+_xvid", False),
    Pattern("LSA64", "001_004_002.mp4", r"(?P<name>\d{3})_(?P<group>\d{3})_\d{3}", False),
)


def _any(patterns):
    """One expression that fits what any of them does: 300,000 names are asked at once."""
    return re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", pattern.expression) for pattern in patterns))


_SURE = _any(pattern for pattern in PATTERNS if pattern.sure)
_ALL = _any(PATTERNS)


class Known(NamedTuple):
    """What a name tells."""

    name: str  # class
    group: str | int | None
    dataset: str

    @property
    def special(self):
        """Whether no other name has this form by chance."""
        return self.dataset in SPECIAL


SPECIAL = {pattern.dataset for pattern in PATTERNS if pattern.special}
_EACH = [(pattern, re.compile(pattern.expression)) for pattern in PATTERNS]


def match(filename, only_sure=True):
    """What a file's name tells, as Known, or None. UCF-101's groups are int, others text.

    only_sure: by the patterns that hold whatever the folders say.
    """
    name = stem(filename)
    if not (_SURE if only_sure else _ALL).fullmatch(name):
        return None
    for pattern, expression in _EACH:
        if (pattern.sure or not only_sure) and (fit := expression.fullmatch(name)):
            group = fit.groupdict().get("group")
            return Known(fit["name"], int(group) if pattern is PATTERNS[0] else group, pattern.dataset)


def fold(name):
    """The form in which names are compared: upper and lower case, and the ways to write an accent, are alike."""
    return (
        name.casefold()
        if name.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    )


def stem(filename):
    return filename.rpartition(".")[0] or filename


def forms():
    """The names that are understood, in a line."""
    return ", ".join(f"{pattern.example} ({pattern.dataset})" for pattern in PATTERNS)


def is_video(filename):
    return bool(ENDING.search(filename))


def told_apart(paths):
    """The shortest ends of paths that tell them apart: {path: text}; of a name that no other has, the name alone."""
    parts = {path: path.parts for path in map(Path, paths)}
    ends = dict.fromkeys(parts, 1)
    while True:
        texts = {path: "/".join(parts[path][-count:]) for path, count in ends.items()}
        seen = Counter(texts.values())
        alike = [path for path, text in texts.items() if seen[text] > 1 and ends[path] < len(parts[path])]
        if not alike:
            return texts
        ends |= {path: ends[path] + 1 for path in alike}
