"""A directory or lists of videos -> index of videos, with their classes, groups and sides.

UCF-101 films a few people or scenes per class, 4-7 clips each: a group (gNN in the file name). Clips of one group are
near-identical, so a fair split keeps whole groups on one side (Soomro, Zamir, Shah: UCF101, CRCV-TR-12-01, 2012).
"""

import contextlib
import gc
import glob
import os
import re
import unicodedata
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from actioncnn.cli import count, shorten, warn
from actioncnn.data import layout, lists, names, twins
from actioncnn.data.layout import Folder
from actioncnn.data.names import is_video  # what other rooms ask
from actioncnn.errors import UserError
from actioncnn.video import frame_folder

UCF101 = (
    "for UCF-101 get UCF101.rar (6.5 GB) from https://www.crcv.ucf.edu/data/UCF101.php, unpack it with"
    " `unrar x UCF101.rar` and give its folder with --videos; `make demo` makes a small dataset"
)
FORMS = f"a folder for each class, two or more, or a list (--train-list), or files with names such as {names.forms()}"
BREAK = re.compile("[\r\n]")  # becomes \\r and \\n in a class's name, which is a line of classes.txt
KINDS = 6  # of paths that are shown as examples
SYSTEM = {"$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir", "#recycle", "__MACOSX"}  # as hidden ones


class Video(NamedTuple):
    path: Path  # of a file, or of a folder of pictures
    name: str  # class
    group: int | str | None
    side: str | None = None  # train or test, where the user's folders or lists say


class Index(NamedTuple):
    """The videos of a directory, lines that say how it was understood, and what else the user should know."""

    videos: list
    understood: list
    notes: list
    twins: dict = {}  # {path: what equal videos share}


def scan(directory):
    """All videos in a directory as list of Video, sorted by class, group and file name; notes go to standard error."""
    listed = understand(directory)
    for note in listed.notes:
        warn(note)
    return listed.videos


def understand(directory, class_level=None, train_list=None, test_list=None, split="1", group_level=None):
    """The Index of a directory, at any depth: layout.py says what folders mean, lists.py what lists may hold.

    Flat, UCF-101/<Class>/ and one folder per class give the same order for the same files. Hidden files and folders are
    passed over, and files that are not videos, which are counted. Names of classes that differ in case, or in how an
    accent is written, are one class.
    UserError: no such directory, or no video in it; a list that can't be read.
    """
    directory = Path(directory)
    if not directory.exists():
        raise UserError(f"--videos: {directory} does not exist; {UCF101}")
    if not directory.is_dir():
        raise UserError(f"--videos: {directory} is not a directory; give the one that holds the videos")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise UserError(f"--videos: {directory} cannot be read; check its permissions")
    with uncollected():
        return _understood(directory, (class_level, group_level), train_list, test_list, split)


@contextlib.contextmanager
def uncollected():
    """No garbage collection meanwhile: to look through a million objects that all stay is a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _understood(directory, levels, train_list, test_list, split):
    notes, passed, said = [], Counter(), []
    tree = list(walk(directory, notes, passed))
    if not tree:
        others = f" (passed over: {told_kinds(passed)})" if passed else ""
        raise UserError(f"--videos: no video in {directory}{others}; {UCF101}")
    for option, told, level in zip(("class", "group"), ("classes", "groups"), levels, strict=True):
        if level and (train_list or test_list):
            raise UserError(f"--{option}-level: the lists name the {told}; leave one of the two out")
    if train_list or test_list:
        places, said, more = lists.read(tree, directory, train_list, test_list, split)
    else:
        places, more = layout.read(tree, directory.absolute().name, *levels)
    alike = twins.find_twins(places)
    shared = twins.joined(alike[0] + alike[1])
    places, about_sides = layout.keep_sides(places, shared, listed=bool(train_list))
    if not places:
        raise UserError(f"--videos: no video of a class in {directory}; {'; '.join(more)}; give {FORMS}")
    places = [place._replace(name=BREAK.sub(lambda found: repr(found[0])[1:-1], place.name)) for place in places]
    videos, spellings = one_spelling([Video(p.path, p.name, p.group, p.side) for p in places])
    about_twins = twins.told(*alike, places)
    said = describe(directory, videos, places) + said + [f"passed over: {told_kinds(passed)}"] * bool(passed)
    return Index(sorted(videos, key=_order), said, notes + more + about_sides + about_twins + spellings, shared)


def told_kinds(passed):
    """What was passed over, in words: numbers of files by their ending."""
    kinds = [f"{number} {ending}" for ending, number in passed.most_common()]
    return f"{shorten(kinds)} (not named as videos)"


def walk(directory, notes, passed=None):
    """The Folders of a directory, the outer ones first.

    Each folder once, even where links lead back to it; what is hidden is passed over. notes: gets a line for a folder
    that cannot be read. passed: Counter of the endings of other files.
    """
    seen, waiting = set(), [((), str(directory))]
    while waiting:
        parts, folder = waiting.pop()
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            inner, files = contents(folder)
        except OSError as error:
            notes.append(f"left out: {folder}: {error.strerror}")
            continue
        videos = videos_among(folder, files)
        if videos:
            yield Folder(parts, Path(folder), videos)
        elif parts and is_of_frames(folder, files, inner):  # a video in the folder above
            yield Folder(parts[:-1], Path(folder).parent, [parts[-1]], True)
            continue
        if passed is not None and len(videos) < len(files):
            passed.update(map(ending_of, set(files).difference(videos)))
        waiting += [((*parts, name), f"{folder}/{name}") for name in reversed(inner)]


def ending_of(name):
    return f".{name.rpartition('.')[2].lower()}" if "." in name else "without an ending"


def is_of_frames(folder, files, inner):
    """Whether a folder with these files, none of them a video, and inner folders is one video.

    It holds numbered pictures; what the folders in it hold, if they hold any, was computed of them.
    """
    pictures = set(filter(frame_folder.is_numbered, files))
    return bool(pictures) and all(is_computed(f"{folder}/{name}", name, pictures) for name in inner)


def is_computed(folder, name, pictures):
    """Whether a folder holds no video of its own: masks, flow, crops of a folder's pictures, or no picture at all."""
    try:
        inner, files = contents(folder)
    except OSError:
        return True
    if frame_folder.COMPUTED.search(name) or pictures & set(files):
        return True
    if videos_among(folder, files) or any(map(frame_folder.is_numbered, files)):
        return False
    return all(is_computed(f"{folder}/{each}", each, pictures) for each in inner)


def contents(folder):
    """Names of the folders and of the files in a folder, sorted, but for hidden ones."""
    with os.scandir(folder) as entries:
        entries = [
            (entry.is_dir(), entry.name) for entry in entries if entry.name[0] != "." and entry.name not in SYSTEM
        ]
    inner, files = (sorted(name for is_dir, name in entries if is_dir == kind) for kind in (True, False))
    return inner, files


def videos_among(folder, files):
    return [name for name in files if is_video(name)] + frame_folder.animations(folder, files)


def one_spelling(videos):
    """The videos with one spelling of each class's name, and a line for each name with more."""
    spellings = {}
    for name in sorted({video.name for video in videos}, reverse=True):
        spellings.setdefault(names.fold(name), []).append(name)
    several = [found[::-1] for found in spellings.values() if len(found) > 1]
    notes = [f"{' and '.join(found)} {differ(found)}: they are one class" for found in several]
    if several:
        videos = [video._replace(name=spellings[names.fold(video.name)][-1]) for video in videos]
    return videos, notes


def differ(spellings):
    """In what spellings of one name differ, in words."""
    alike = {unicodedata.normalize("NFC", name) for name in spellings}
    return "differ in case only" if len(alike) > 1 else "differ only in how their accents are written"


def describe(directory, videos, places):
    """Lines that say what was understood: how much there is, and an example of each kind of path."""
    classes = classes_of(videos)
    groups = {video.group for video in videos} - {None}
    lines = [f"{directory}: {count(len(videos), 'video')}, {count(len(classes), 'class')} ({shorten(classes)})"]
    lines[0] += f", {count(len(groups), 'group')}" if groups else ", no groups"
    kinds, examples = Counter(), {}
    for place in places:
        kind = place.how, place.depth, place.side, place.group is None
        kinds[kind] += 1
        examples.setdefault(kind, place)
    for kind, number in kinds.most_common(KINDS):
        path, name, group, side, how, _ = examples[kind]
        told = [f"class {name}", f"group {group}" * (group is not None), f"{side} side" * bool(side)]
        told = ", ".join(each for each in told if each) + f" (names follow {how})" * bool(how)
        lines.append(f"{count(number, 'video')} like {os.path.relpath(path, directory)}: {told}")
    return lines + [f"and {len(kinds) - KINDS} more kinds of paths"] * (len(kinds) > KINDS)


def classes_of(videos):
    """Names of the classes of videos, in label order."""
    return sorted({video.name for video in videos}, key=alphabetical)


def choose_classes(videos, nclass, wanted=()):
    """The videos of the first `nclass` classes in alphabetical order, and these classes' names in label order.

    wanted: names of the classes to choose, in any case, instead. There may be fewer classes than `nclass`: compare the
    number of names. UserError: fewer than two classes, or none of a wanted name.
    """
    classes = classes_of(videos)
    if wanted:
        classes, nclass = named_classes(classes, wanted), len(classes)
    if len(classes) < 2:
        if wanted:
            raise UserError(f"--classes: only one class ({classes[0]}); name two or more to tell apart")
        raise UserError(f"--videos: only one class ({classes[0]}) in {videos[0].path.parent}; give {FORMS}")
    if nclass < 2:
        raise UserError(f"--nclass {nclass}: there must be two classes or more to tell apart")
    chosen = set(classes[:nclass])
    return [video for video in videos if video.name in chosen], classes[:nclass]


def named_classes(classes, wanted):
    """Those of some classes whose names are wanted, in their order. UserError: there is no class of a wanted name."""
    spellings = {names.fold(name): name for name in classes} | {name: name for name in classes}
    for name in wanted:
        if name not in spellings and names.fold(name) not in spellings:
            raise UserError(f"--classes: there is no class {name}, but {shorten(classes, 8)}")
    chosen = {spellings.get(name) or spellings[names.fold(name)] for name in wanted}
    return [name for name in classes if name in chosen]


def class_and_group(filename):
    """(class, group) of a file name as public datasets give it; (name of the folder, None) of other names."""
    path = Path(filename)
    known = names.match(path.name)
    return known[:2] if known else (path.absolute().parent.name, None)


def video_paths(directory):
    """Paths of the videos in a directory, at any depth; the directory itself, if it is one of pictures.

    A folder that cannot be read is told.
    """
    with contextlib.suppress(OSError):  # which `walk` tells
        if is_clip(directory):
            return [Path(directory)]
    notes = []
    paths = sorted(each.path / file for each in walk(directory, notes) for file in each.files)
    for note in notes:
        warn(note)
    return paths


def expand(names):
    """Paths of the videos in files, directories and patterns; another name stays, to be reported."""
    return [path for name in names for path in videos_named(name) or [Path(name)]]


def videos_named(name):
    """Paths of the videos in a directory, which may be one of pictures, or in what fits a pattern."""
    path = Path(name)
    if path.exists():
        return video_paths(path) if path.is_dir() else []
    matches = map(Path, sorted(glob.glob(name, recursive=True)))
    paths = (video_paths(match) if match.is_dir() else [match] for match in matches)
    return list(dict.fromkeys(chain.from_iterable(paths)))  # `**` names what is in a folder beside the folder


def is_clip(folder):
    """Whether a folder is one video, its frames as pictures."""
    inner, files = contents(folder)
    return not videos_among(folder, files) and is_of_frames(folder, files, inner)


def alphabetical(name):
    return name.casefold(), name  # Hammering before HammerThrow, as in the official class list


def group_order(group):
    """Sorts groups: none, then numbers, then text."""
    return (0, group, "") if isinstance(group, int) else (-1 if group is None else 1, 0, group or "")


def _order(video):
    return alphabetical(video.name), group_order(video.group), video.path.name, video.path
