"""Folders of a dataset -> class, group and side of its videos.

The class is the first folder that has siblings, below a train, val or test folder; the first other folder that differs
within a class is the group. Where the folders with siblings are people, cameras or parts, and the same folders lie in
most of them, those are the classes. A file name of a public dataset goes before the folders.
"""

import filecmp
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from actioncnn.cli import count, shorten
from actioncnn.data import names
from actioncnn.errors import UserError

SIDES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SIDES |= dict.fromkeys(("val", "valid", "validation", "dev"), "val")
AROUND = "rawframes|frames|videos?|clips|images|data|set|split"  # words beside that of a side: test_set, videos_train
SIDE = re.compile(rf"((?:{AROUND})[ _-]?)?({'|'.join(SIDES)})([ _-]?(?:{AROUND}))?", re.IGNORECASE)
OUTER = re.compile(  # a folder of these is no class where the same folders lie in each of them
    r"(person|people|subject|subj|sub|actor|user|speaker|spk|signer|performer|participant|volunteer|patient|player|id|"
    r"[fmpsu]|camera|cam|view|session|scene|part|batch|set|fold|day|room|site|location)[ _-]?\d+",
    re.IGNORECASE,
)
RECUR = 0.6  # of all pairs of an outer and an inner folder that there could be, at least


class Place(NamedTuple):
    """A video and what its name and folders tell."""

    path: Path
    name: str  # class
    group: str | int | None
    side: str | None  # train, val or test
    how: str  # whose file names these are, or ""
    depth: int = 0  # folders above it


class Levels(NamedTuple):
    """Which folder tells what: its number below the directory, from 0; None: there is none."""

    side: int | None
    name: int | None
    group: int | None


def read(tree, root, class_level=None):
    """The Place of each video in a directory, and lines to tell the user.

    tree: (names of the folders below the directory, their path, file names of the videos) of each folder. root: the
    directory's name, the class of what lies in no folder, where no folder has siblings. class_level: which folder is
    the class, from 1, if not the one that is found. UserError: there is no such folder.
    """
    telling = [parts for parts, _, files in tree if class_level or not all(map(names.tells, files))]
    levels, notes = find_levels([parts for parts, _, _ in tree], telling, class_level)
    places, left = [], defaultdict(list)
    for parts, folder, files in tree:
        side = side_of(parts[levels.side]) if at(parts, levels.side) else None
        inner = tuple(part for level, part in enumerate(parts) if level != levels.side)
        of_folder = at(parts, levels.name) if levels.name is not None else (inner or (None,))[-1]
        group = at(parts, levels.group)
        for file in files:
            known = names.match(file, only_sure=at(parts, levels.name) is not None)
            name = known.name if known and not class_level else of_folder
            group_here, how = (known.group, known.dataset) if known else (group, "")
            place = Place(folder / file, name, group_here, side, how, len(parts))
            if levels.side is not None and not side:
                left["beside the train and test folders"].append(place)
            elif name is None:
                left["in no class folder"].append(place)
            else:
                places.append(place)
    if not places and levels.side is None:  # a folder of videos is a class
        places = [place._replace(name=root) for place in left.pop("in no class folder", ())]
    notes += [f"left out: {count(len(found), 'video')} {why}, such as {found[0].path}" for why, found in left.items()]
    return places, notes


def at(parts, level):
    """The folder at a level, None where there is none."""
    return parts[level] if level is not None and len(parts) > level else None


def side_of(folder):
    """train, val or test, None if a folder is named like none of them."""
    fit = SIDE.fullmatch(folder)
    return SIDES[fit[2].lower()] if fit else None


def find_levels(folders, telling, class_level):
    """The Levels of a dataset, and lines to tell the user.

    folders: names of all folders below the directory, each as (outermost, ..., innermost). telling: those of them that
    hold videos whose class only the folder tells.
    """
    side = side_level(folders)
    if side is not None:  # a folder that says the side says nothing else, and those beside it nothing at all
        telling = [p[:side] + ("",) + p[side + 1 :] for p in telling if len(p) > side and side_of(p[side])]
    level, notes = name_level(telling) if class_level is None else (class_level - 1, [])
    if class_level is not None and (level == side or not any(len(parts) > level for parts in telling)):
        deepest = max(telling, key=len, default=())
        raise UserError(f"--class-level {class_level}: no class folder there; the folders go like {'/'.join(deepest)}/")
    return Levels(side, level, group_level(telling, level)), notes


def side_level(folders):
    """The level of train, val and test folders: the first one with siblings, or a deeper one that has no others."""
    beside = True
    for level in range(max(map(len, folders), default=0)):
        here = {parts[level] for parts in folders if len(parts) > level}
        sides = {side_of(name) for name in here}
        if "train" in sides and sides & {"val", "test"} and (beside or None not in sides):
            return level
        beside = beside and len(here) == 1
    return None


def siblings(folders, start=0):
    """The first level from `start` on where folders have two names or more, that differ not only in case."""
    for level in range(start, max(map(len, folders), default=0)):
        if len({parts[level].casefold() for parts in folders if len(parts) > level}) > 1:
            return level
    return None


def name_level(folders):
    """The level of the classes, None where no folder has siblings, and what was assumed."""
    level, notes = siblings(folders), []
    while level is not None and (inner := siblings(folders, level + 1)) is not None:
        pairs = {(parts[level], parts[inner].casefold()) for parts in folders if len(parts) > inner}
        outers, inners = ({pair[i] for pair in pairs} for i in (0, 1))
        if len(inners) < 2 or len(outers) < 2 or len(pairs) < RECUR * len(outers) * len(inners):
            break
        recurring = f"the same folders ({shorten(sorted(inners), 3)}) lie in {shorten(sorted(outers), 3)}"
        if not all(OUTER.fullmatch(parts[level]) for parts in folders if len(parts) > level):
            if not any(OUTER.fullmatch(name) or name.isdecimal() for name in inners):
                notes.append(f"{recurring}: if they are the classes, give --class-level {inner + 1}")
            break
        notes.append(f"{recurring}: so they are the classes; --class-level {level + 1} takes the outer ones")
        level = inner
    return level, notes


def group_level(folders, name):
    """The first level that differs within a class, None where none does."""
    for level in range(max(map(len, folders), default=0) if name is not None else 0):
        in_class = defaultdict(set)
        for parts in folders:
            if level != name and len(parts) > max(level, name):
                in_class[parts[name].casefold()].add(parts[level])
        if any(len(found) > 1 for found in in_class.values()):
            return level
    return None


def keep_sides(places):
    """The places on a train and a test side, or on none, and lines to tell the user.

    val is what is tested on where there is no test; else it is left out. Of a file on both sides its copy in train is
    left out.
    """
    found = {place.side for place in places}
    if "train" not in found or len(found) == 1:
        alone = sorted(found - {None})
        notes = [f"no side but {alone[0]} has videos of classes: the split is made anew"] if alone else []
        return [place._replace(side=None) for place in places], notes
    notes = []
    if "test" not in found:
        places = [place._replace(side="test") if place.side == "val" else place for place in places]
        notes = ["there is no test folder: val is what is tested on"]
    elif "val" in found:
        left = sum(place.side == "val" for place in places)
        places = [place for place in places if place.side != "val"]
        notes = [f"left out: {count(left, 'video')} of the val side; there is a test side"]
    twins = copies(places)
    if twins:
        notes.append(f"left out of training: {count(len(twins), 'video')} that test has too, such as {min(twins)}")
        places = [place for place in places if place.path not in twins]
    return places, notes


def copies(places):
    """Paths in train of files that test has too, by class, file name and content."""
    tested = {(place.name.casefold(), place.path.name): place.path for place in places if place.side == "test"}
    twins = set()
    for place in places:
        other = place.side == "train" and tested.get((place.name.casefold(), place.path.name))
        if other and same(place.path, other):
            twins.add(place.path)
    return twins


def same(path, other):
    """Whether two files have the same content, which is not empty."""
    try:
        return other.stat().st_size > 0 and filecmp.cmp(path, other, shallow=False)
    except OSError:  # a link to nowhere; reported when it is read
        return False
