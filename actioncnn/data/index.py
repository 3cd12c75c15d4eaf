"""A directory of videos -> index of videos, with their classes and groups.

UCF-101 films a few people or scenes per class, 4-7 clips each: a group (gNN in the file name). Clips of one group are
near-identical, so a fair split keeps whole groups on one side (Soomro, Zamir, Shah: UCF101, CRCV-TR-12-01, 2012).
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from actioncnn.errors import UserError
from actioncnn.video import pictures

UCF_NAME = re.compile(r"v_(?P<name>.+)_g(?P<group>\d+)_c\d+$")
ENDING = re.compile(
    r"\.(3g2|3gp|asf|avi|divx|f4v|flv|gif|m2ts|m2v|m4v|mkv|mov|mp4|mpe|mpeg|mpg|mts|mxf|ogm|ogv|ps|rm|rmvb|ts|vob|webm|wmv)$",
    re.IGNORECASE,
)
LEVELS = 4  # folders below the given one: archive folder / train or test / class / folder of pictures
UCF101 = (
    "for UCF-101 get UCF101.rar (6.5 GB) from https://www.crcv.ucf.edu/data/UCF101.php, unpack it with"
    " `unrar x UCF101.rar` and give its folder with --videos; `make demo` makes a small dataset"
)


class Video(NamedTuple):
    path: Path  # of a file, or of a folder of pictures
    name: str  # class
    group: int | None


def scan(directory):
    """All videos in a directory, at most LEVELS folders deep: list of Video, sorted by class, group and file name.

    Flat, UCF-101/<Class>/ and one folder per class give the same order for the same files. Hidden files and folders
    and files that are not videos are passed over. Names of classes that differ in case only are one class. UserError:
    no such directory, or no video in it.
    """
    directory = Path(directory)
    if not directory.exists():
        raise UserError(f"--videos: {directory} does not exist; {UCF101}")
    if not directory.is_dir():
        raise UserError(f"--videos: {directory} is not a directory; give the one that holds the videos")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise UserError(f"--videos: {directory} cannot be read; check its permissions")
    videos = [Video(path, *class_and_group(path)) for path in video_paths(directory)]
    if not videos:
        raise UserError(f"--videos: no video in {directory}; {UCF101}")
    spelling = {name.casefold(): name for name in sorted({video.name for video in videos}, reverse=True)}
    videos = [video._replace(name=spelling[video.name.casefold()]) for video in videos]
    return sorted(videos, key=_order)


def choose_classes(videos, nclass):
    """The videos of the first `nclass` classes in alphabetical order, and these classes' names in label order.

    There may be fewer classes than `nclass`: compare the number of names. UserError: fewer than two classes.
    """
    names = sorted({video.name for video in videos}, key=alphabetical)
    if len(names) < 2:
        raise UserError(
            f"--videos: only one class ({names[0]}) in {videos[0].path.parent}; give a directory with a folder for each"
            " class, two or more, or with files named v_<Class>_gNN_cNN"
        )
    if nclass < 2:
        raise UserError(f"--nclass {nclass}: there must be two classes or more to tell apart")
    chosen = set(names[:nclass])
    return [video for video in videos if video.name in chosen], names[:nclass]


def class_and_group(filename):
    """(class, group) of v_<Class>_gNN_cNN; (name of the folder, None) of other names."""
    path = Path(filename)
    match = UCF_NAME.match(path.stem)
    return (match["name"], int(match["group"])) if match else (path.absolute().parent.name, None)


def is_video(name):
    return bool(ENDING.search(name))


def video_paths(directory, levels=LEVELS, itself=False):
    """Paths of the videos in a directory; each folder once, even where links lead back to it.

    A folder of numbered pictures without a video is one too, the directory `itself` only if that is said.
    """
    seen = set()
    for folder, folders, files in os.walk(directory, followlinks=True):
        level = len(Path(folder).relative_to(directory).parts)
        known = (real := os.path.realpath(folder)) in seen
        seen.add(real)
        folders[:] = [] if known or level >= levels else sorted(name for name in folders if name[0] != ".")
        if known:
            continue
        names = [name for name in files if name[0] != "." and is_video(name)] + pictures.animations(folder, files)
        yield from (Path(folder, name) for name in names)
        if not names and (level or itself) and pictures.are_frames(files, folders):
            yield Path(folder)
            folders.clear()


def is_clip(folder):
    """Whether a folder is one video, its frames as pictures."""
    return next(video_paths(folder, itself=True), None) == Path(folder)


def alphabetical(name):
    return name.casefold(), name  # Hammering before HammerThrow, as in the official class list


def _order(video):
    return alphabetical(video.name), -1 if video.group is None else video.group, video.path.name, video.path
