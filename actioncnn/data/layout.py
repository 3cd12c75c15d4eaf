"""Folders of a dataset -> class, group and side of its videos.

The class is the first folder that has siblings, below a train, val or test folder. Where these are people, cameras or
parts by their names, the classes are the folders in them. A folder that differs within a class is the group, that of
people before others. File names of public datasets go before folders that do not contradict them.
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from actioncnn.cli import count, shorten
from actioncnn.data import names
from actioncnn.data.copies import whole, without_copies
from actioncnn.data.folder_words import acts, kind_of, letters, people, side_in, side_of
from actioncnn.data.names import fold
from actioncnn.errors import UserError

RECUR = 0.6  # of all pairs of an outer and an inner folder that there could be, at least


class Folder(NamedTuple):
    """A folder with videos."""

    parts: tuple  # names of the folders below the directory that lead to it
    path: Path
    files: list  # names of its videos
    pictures: bool = False  # they are folders of pictures


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
    sides: dict  # {folder at `side`: train, val or test}


def read(tree, root, class_level=None, group_level=None):
    """The Place of each video in a directory, and lines to tell the user.

    tree: its Folders. root: the directory's name, the class of what lies in no folder, where no folder has siblings.
    class_level, group_level: which folder is the class, the group, from 1, if not those that are found. UserError:
    there is no such folder, or it is the user who has to say which one is the class.
    """
    tree, notes = without_copies(tree)
    tree = with_clip_level(tree, class_level)
    asked = class_level is not None
    telling = [each.parts for each in tree if asked or not all(agrees(file, each.parts) for file in each.files)]
    levels, more, doubt = find_levels([each.parts for each in tree], telling, class_level, group_level)
    if doubt and not all(names.match(file, only_sure=False) for each in tree for file in each.files):
        raise UserError(f"--videos: {doubt}")
    if doubt:  # the names of the files tell what the folders do not
        levels = levels._replace(name=None, group=None)
    places, left = [], defaultdict(list)
    for parts, folder, files, _ in tree:
        side = levels.sides.get(at(parts, levels.side))
        inner = tuple(part for level, part in enumerate(parts) if level != levels.side)
        said = at(parts, levels.name)
        of_folder = said if levels.name is not None else (inner or (None,))[-1]
        group = at(parts, levels.group)
        for file in files:
            known = names.match(file, only_sure=said is not None)
            by_name = known and not asked and (said is None or agrees(file, parts))
            of_known = known and group_level is None and (by_name or known.special)
            place = Place(
                folder / file,
                known.name if by_name else of_folder,
                known.group if of_known else group,
                side,
                known.dataset if by_name else "",
                len(parts),
            )
            if levels.side is not None and not side:
                left["beside the train and test folders"].append(place)
            elif place.name is None:
                left["in no class folder"].append(place)
            else:
                places.append(place)
    if not places and levels.side is None:  # a folder of videos is a class
        places = [place._replace(name=root) for place in left.pop("in no class folder", ())]
    notes += more
    notes += [
        f"left out: {count(len(videos), 'video')} {why}, such as {videos[0].path}" for why, videos in left.items()
    ]
    return places, notes


def at(parts, level):
    """The folder at a level, None where there is none."""
    return parts[level] if level is not None and len(parts) > level else None


def agrees(file, parts):
    """Whether a file's name tells a class, and that is a folder's name, or begins or ends so."""
    known = names.match(file)
    if not known:
        return False
    name = letters(known.name)
    folders = (letters(part) for part in parts)
    return any(name == part or (min(len(name), len(part)) > 3 and (name in part or part in name)) for part in folders)


def with_clip_level(tree, class_level):
    """The Folders, where folders of pictures are the classes with these among the parts: person/class/0001.jpg."""
    if not all(each.pictures for each in tree):
        return tree
    lifted = [each._replace(parts=whole(each)) for each in tree]
    below = max(len(each.parts) for each in tree)
    if class_level is not None:
        return lifted if class_level > below else tree
    level, _, _ = name_level([each.parts for each in tree])
    if level is None:
        return tree
    deeper, _, _ = name_level([each.parts for each in lifted])
    return lifted if deeper is not None and deeper >= min(len(each.parts) for each in tree) else tree


def find_levels(folders, telling, class_level, group_level):
    """(the Levels of a dataset, lines to tell the user, what makes it doubtful that a folder is the class, or "").

    folders: names of all folders below the directory, each as (outermost, ..., innermost). telling: those of them that
    hold videos whose class only the folder tells.
    """
    side, sides = side_level(folders)
    if side is not None:  # a folder that says the side says nothing else, and those beside it nothing at all
        telling = [p[:side] + ("",) + p[side + 1 :] for p in telling if len(p) > side and p[side] in sides]
    level, notes, doubt = name_level(telling) if class_level is None else (class_level - 1, [], "")
    if class_level is not None and (level == side or not any(len(parts) > level for parts in telling)):
        raise UserError(f"--class-level {class_level}: no class folder there; {example(telling)}")
    group = group_level_of(telling, level) if group_level is None else group_level - 1
    if group_level is not None and (group in (side, level) or not any(len(parts) > group for parts in folders)):
        raise UserError(f"--group-level {group_level}: no folder of groups there; {example(folders)}")
    return Levels(side, level, group, sides), notes, doubt


def example(folders):
    return f"the folders go like {'/'.join(max(folders, key=len, default=()))}/"


def side_level(folders):
    """(the level of train, val and test folders, {folder there: its side}); (None, {}) where there is none.

    It is the first level with siblings, or a deeper one that has no others. Other words may stand beside those of sides
    (ucf101_train, ucf101_test), where they are the same or no folder is without a side.
    """
    beside = True
    for level in range(max(map(len, folders), default=0)):
        here = {parts[level] for parts in folders if len(parts) > level}
        strict = {name: side_of(name) for name in here}
        loose = {name: side_in(name) for name in here}
        for sides, alike in ((strict, True), ({name: side for name, (side, _) in loose.items()}, False)):
            sided = {name: side for name, side in sides.items() if side}
            alone = len(sided) < len(here)
            if not {"train"} < set(sided.values()) or (alone and not beside):
                continue
            if alike or not alone or len({loose[name][1] for name in sided}) == 1:
                return level, sided
        beside = beside and len(here) == 1
    return None, {}


def siblings(folders, start=0):
    """The first level from `start` on where folders have two names or more, that differ not only in case."""
    for level in range(start, max(map(len, folders), default=0)):
        if len({fold(parts[level]) for parts in folders if len(parts) > level}) > 1:
            return level
    return None


def name_level(folders):
    """(the level of the classes, None where no folder has siblings; what was assumed; why it is doubtful, or "")."""
    level, notes = siblings(folders), []
    while level is not None:
        inner = siblings(folders, level + 1)
        here = {parts[level] for parts in folders if len(parts) > level}
        below = {parts[inner] for parts in folders if len(parts) > inner} if inner is not None else set()
        outer_kind, inner_kind = kind_of(here), kind_of(below) if below else ""
        if outer_kind == "outer" and (not below or inner_kind == "takes"):
            return level, notes, doubt_about(folders, level, here)
        if not below or outer_kind == "classes":
            break
        pairs = {(parts[level], fold(parts[inner])) for parts in folders if len(parts) > inner}
        outers, inners = ({pair[i] for pair in pairs} for i in (0, 1))
        recur = len(inners) > 1 and len(outers) > 1 and len(pairs) >= RECUR * len(outers) * len(inners)
        if not recur and not (outer_kind == "outer" and (inner_kind == "outer" or not people(here))):
            if outer_kind == "outer":
                return level, notes, doubt_about(folders, level, here, inner)
            break
        recurring = f"the same folders ({shorten(sorted(inners), 3)}) lie in {shorten(sorted(outers), 3)}"
        if not recur:
            recurring = f"{shorten(sorted(outers), 3)} are no classes by their names, but have folders with siblings"
        if outer_kind != "outer" and not (inner_kind == "names" and (outer_kind == "alike" or acts(below, here))):
            if inner_kind in ("names", "alike"):
                notes.append(f"{recurring}: if they are the classes, give --class-level {inner + 1}")
            break
        notes.append(f"{recurring}: so they are the classes; --class-level {level + 1} takes the outer ones")
        level = inner
    return level, notes, ""


def doubt_about(folders, level, here, inner=None):
    """The line that asks which folder is the class."""
    there = f"the folders {shorten(sorted(here), 3)} are people, cameras or parts by their names"
    own = f"--class-level {level + 1}"
    if inner is None:
        remedy = "put the videos in a folder for each class, or name the classes in a list (--train-list)"
        return f"{there}, and nothing in them tells a class; {remedy}; if they are the classes, give {own}"
    return f"{there}: give --class-level {inner + 1} if the folders in them are the classes, {own} if they are"


def group_level_of(folders, name):
    """The level of the groups: one that differs within a class, None where none does.

    That of people by their names goes first, then the first of other names, then the first of cameras, takes, numbers.
    """
    ranked = []
    for level in range(max(map(len, folders), default=0) if name is not None else 0):
        in_class, here = defaultdict(set), set()
        for parts in folders:
            if level != name and len(parts) > max(level, name):
                in_class[fold(parts[name])].add(parts[level])
                here.add(parts[level])
        if any(len(inside) > 1 for inside in in_class.values()):
            kind = kind_of(here)
            ranked.append((0 if kind == "outer" and people(here) else 1 if kind in ("names", "alike") else 2, level))
    return min(ranked)[1] if ranked else None


def keep_sides(places, twins, listed=False):
    """The places on a train and a test side, or on none, and lines to tell the user.

    val is what is tested on where there is no test; else it is left out. Of a video on both sides the one in train is
    left out. twins: {path: what equal videos share}. listed: the sides are those of lists.
    """
    sides = {place.side for place in places}
    if "train" not in sides or len(sides) == 1:
        alone = sorted(sides - {None})
        notes = [f"no side but {alone[0]} has videos of classes: the split is made anew"] if alone else []
        return [place._replace(side=None) for place in places], notes
    notes = []
    if "test" not in sides:
        places = [place._replace(side="test") if place.side == "val" else place for place in places]
        notes = [f"there is no test {'list' if listed else 'folder'}: val is what is tested on"]
    for side in sorted({str(place.side) for place in places} - {"train", "test"}):
        left = sum(str(place.side) == side for place in places)
        places = [place for place in places if str(place.side) != side]
        why = "; there is a test side" if side == "val" else ""
        notes.append(f"left out: {count(left, 'video')} of the {side} side{why}")
    tested = {twins[place.path] for place in places if place.side == "test" and place.path in twins}
    both = {place.path for place in places if place.side == "train" and twins.get(place.path) in tested}
    left = Counter(fold(place.name) for place in places if place.side == "train" and place.path not in both)
    kept = {place.path for place in places if place.path in both and not left[fold(place.name)]}
    if gone := both - kept:
        notes.append(f"left out of training: {count(len(gone), 'video')} that test has too, such as {min(gone)}")
        places = [place for place in places if place.path not in gone]
    if kept:
        notes.append(
            f"{count(len(kept), 'training video')} that test has too, such as {min(kept)}: this inflates accuracy"
        )
    return places, notes
