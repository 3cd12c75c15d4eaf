"""A directory of videos -> index of videos, classes and groups; splits into training and test clips.

UCF-101 films a few people or scenes per class, 4-7 clips each: a group (gNN in the file name). Clips of one group are
near-identical, so a fair split keeps whole groups on one side (Soomro, Zamir, Shah: UCF101, CRCV-TR-12-01, 2012).
"""

import os
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn.cli import UserError
from videoto3d import split_name

ENDING = re.compile(
    r"\.(3g2|3gp|asf|avi|divx|f4v|flv|m2ts|m2v|m4v|mkv|mov|mp4|mpe|mpeg|mpg|mts|mxf|ogm|ogv|ps|rm|rmvb|ts|vob|webm|wmv)$",
    re.IGNORECASE,
)
LEVELS = 3  # folders below the given one: archive folder / train or test / class
TEST_GROUPS = {"1": range(1, 8), "2": range(8, 15), "3": range(15, 22)}  # the official lists follow this rule
TEST_SHARE = 0.2
UCF101 = (
    "for UCF-101 get UCF101.rar (6.5 GB) from https://www.crcv.ucf.edu/data/UCF101.php, unpack it with"
    " `unrar x UCF101.rar` and give its folder with --videos; `make demo` makes a small dataset"
)


class Video(NamedTuple):
    path: Path
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
    videos = [Video(path, *split_name(path)) for path in _find(directory)]
    if not videos:
        raise UserError(f"--videos: no video in {directory}; {UCF101}")
    spelling = {name.casefold(): name for name in sorted({video.name for video in videos}, reverse=True)}
    videos = [video._replace(name=spelling[video.name.casefold()]) for video in videos]
    return sorted(videos, key=_order)


def choose_classes(videos, nclass):
    """The videos of the first `nclass` classes in alphabetical order, and these classes' names in label order.

    There may be fewer classes than `nclass`: compare the number of names. UserError: fewer than two classes.
    """
    names = sorted({video.name for video in videos}, key=_alphabetical)
    if len(names) < 2:
        raise UserError(
            f"--videos: only one class ({names[0]}) in {videos[0].path.parent}; give a directory with a folder for each"
            " class, two or more, or with files named v_<Class>_gNN_cNN"
        )
    if nclass < 2:
        raise UserError(f"--nclass {nclass}: there must be two classes or more to tell apart")
    chosen = set(names[:nclass])
    return [video for video in videos if video.name in chosen], names[:nclass]


def split(videos, split, seed):
    """Indices of the training clips, of the test clips (int arrays, ascending), and lines to tell the user.

    split "1", "2", "3": the official test groups. "random": a draw of 20 % of each class for testing, which follows
    from seed and class name alone. A video without a group is drawn too. UserError: one of the sides is empty.
    """
    official = TEST_GROUPS.get(split, ())
    test = np.array([video.group in official for video in videos])
    for name, indices in _by_class(videos, lambda video: not official or video.group is None).items():
        count = max(1, round(TEST_SHARE * len(indices))) if len(indices) > 1 else 0
        test[_shuffle(indices, seed, name)[:count]] = True
    if test.all() or not test.any():
        side = "training" if test.all() else "test"
        others = ", ".join(f"--split {other}" for other in [*TEST_GROUPS, "random"] if other != split)
        grouped = official and any(video.group is not None for video in videos)
        remedy = f"try {others}" if grouped else "add videos: a class with two or more gets test clips"
        raise UserError(f"--split {split} leaves no {side} clip; {remedy}")
    train, test = np.flatnonzero(~test), np.flatnonzero(test)
    return train, test, _notes(videos, split, train, test)


def folds(videos, k, seed):
    """k pairs (training indices, test indices) that test every clip once; a group is never on both sides.

    Clips with the same group number stay together across classes too (the demo's groups share their scene). Each k
    neighbouring group numbers are spread over the k folds, so that classes with few groups still are. A video without
    a group counts as a group of its own. UserError: fewer groups than folds.
    """
    fold = np.zeros(len(videos), int)
    groups = sorted({video.group for video in videos if video.group is not None})
    orders = [np.random.default_rng([seed, block]).permutation(k) for block in range(len(groups) // k + 1)]
    of_group = {group: orders[i // k][i % k] for i, group in enumerate(groups)}
    for i, video in enumerate(videos):
        fold[i] = of_group.get(video.group, 0)
    for name, indices in _by_class(videos, lambda video: video.group is None).items():
        fold[_shuffle(indices, seed, name)] = np.arange(len(indices)) % k
    if len(np.unique(fold)) < k:
        raise UserError(f"too few groups for {k} folds; take fewer folds")
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _find(directory):
    """Paths of the videos in a directory; each folder once, even where links lead back to it."""
    seen = set()
    for folder, folders, files in os.walk(directory, followlinks=True):
        level = len(Path(folder).relative_to(directory).parts)
        known = (real := os.path.realpath(folder)) in seen
        seen.add(real)
        folders[:] = [] if known or level == LEVELS else sorted(name for name in folders if name[0] != ".")
        for name in [] if known else files:
            if name[0] != "." and ENDING.search(name):
                yield Path(folder, name)


def _alphabetical(name):
    return name.casefold(), name  # Hammering before HammerThrow, as in the official class list


def _order(video):
    return _alphabetical(video.name), -1 if video.group is None else video.group, video.path.name, video.path


def _by_class(videos, wanted):
    """{class: indices of its wanted videos}"""
    classes = {}
    for i, video in enumerate(videos):
        if wanted(video):
            classes.setdefault(video.name, []).append(i)
    return classes


def _shuffle(indices, seed, name):
    """Indices of a class in an order of its own: which classes are used beside it changes nothing."""
    return np.random.default_rng([seed, zlib.crc32(name.encode(errors="replace"))]).permutation(indices)


def _notes(videos, split, train, test):
    sides = {"training": [videos[i] for i in train], "test": [videos[i] for i in test]}
    groups = [{(video.name, video.group) for video in side if video.group is not None} for side in sides.values()]
    both, total, ungrouped = (
        len(groups[0] & groups[1]),
        len(groups[0] | groups[1]),
        sum(v.group is None for v in videos),
    )
    notes = []
    if not total and split != "random":
        notes.append(f"no video is named v_<Class>_gNN_cNN, which --split {split} needs: the split is random")
    elif ungrouped and split != "random":
        notes.append(f"{ungrouped} videos are not named v_<Class>_gNN_cNN: of these a random 20 % are test clips")
    if both:
        notes.append(f"--split {split} puts clips of {both} of {total} groups on both sides, which inflates accuracy")
    elif split == "random" or not total:
        notes.append("a random split may put near-identical clips on both sides, which inflates accuracy")
    for side, present in sides.items():
        absent = sorted({v.name for v in videos} - {v.name for v in present}, key=_alphabetical)
        if absent:
            notes.append(f"--split {split} leaves no {side} clip of {_shorten(absent)}")
    return notes


def _shorten(names, most=5):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
