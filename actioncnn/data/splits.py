"""Splits of an index into training and test clips, by name.

1, 2, 3         the official ones of UCF-101, of classes with its groups; of other classes whole groups are held out
groups          whole groups are held out, in all classes that they are in
fold_1_of_3     one of three splits that test each clip once and hold out whole groups
given           the user's own train and test folders or lists
random          over videos
"""

import re
import zlib
from collections import Counter

import numpy as np

from actioncnn.cli import shorten
from actioncnn.data.groups import TEST_SHARE, hold_out, official_classes, scene
from actioncnn.data.index import alphabetical, group_order
from actioncnn.errors import UserError

TEST_GROUPS = {"1": range(1, 8), "2": range(8, 15), "3": range(15, 22)}  # the official lists follow this rule
DEFAULT = "1"  # of --split
OPTIONS = (*TEST_GROUPS, "groups", "random")  # names that --split takes too
FOLD = re.compile(r"fold_(\d+)_of_(\d+)")
ALL_FOLDS = 3  # of --split all, where there are no official splits


def resolve(videos, split, seed):
    """What --split means for these videos: names for `split`, one or several, and lines to tell the user.

    1, the default, is `given` where there are sides, else official where a class has UCF-101's groups, else `groups`
    where there are groups, else `random`; so are 2 and 3. all are the three official splits, or three folds. UserError:
    more folds than groups.
    """
    official, grouped = official_classes(videos), any(video.group is not None for video in videos)
    sides = any(video.side for video in videos)
    anew = ["the train and test folders or lists are not kept: all videos are divided anew"] * sides
    if split == "all" and official and all(_works(videos, name, seed) for name in TEST_GROUPS):
        return list(TEST_GROUPS), anew
    if split == "all" or split.startswith("folds:"):
        k = ALL_FOLDS if split == "all" else int(split.removeprefix("folds:"))
        folds(videos, k, seed)
        notes = [f"--split all: {_why_not_official(official)}: {k} folds test each clip once"] * (split == "all")
        return [f"fold_{number}_of_{k}" for number in range(1, k + 1)], notes + anew
    numbered = split in TEST_GROUPS
    names = ["given"] * (numbered and sides) + [split] * (not numbered or bool(official))
    names += ["groups"] * grouped * numbered + ["random"]
    name = next((name for name in names if _works(videos, name, seed)), split)
    notes = anew if name != "given" else []
    if name == split or (name == "given" and split == DEFAULT):
        return [name], notes
    asked = "" if split == DEFAULT else f"--split {split}: "
    return [name], [f"{asked}{_why(name, official, grouped)}", *notes]


def _why(name, official, grouped):
    """Why a split is another one than --split says."""
    if name == "given":
        return "the train and test folders or lists are the split; --split groups or random divides all anew"
    if name == "groups":
        return f"{_why_not_official(official)}: whole groups are held out, as by --split groups"
    if grouped:
        return "no split by groups is possible: the split is random"
    return "no file name and no folder below those of the classes tells a group: the split is random"


def _why_not_official(official):
    if official:
        return "the official split of UCF-101 leaves one side empty"
    return "the official splits are UCF-101's, with 25 groups a class"


def _works(videos, name, seed):
    if name == "groups" and all(video.group is None for video in videos):
        return False
    test = _test_side(videos, name, seed)
    return test.any() and not test.all()


def split(videos, split, seed):
    """Indices of the training clips, of the test clips (int arrays, ascending), and lines to tell the user.

    split: a name as `resolve` gives it. Where that is one by groups, a video without a group is drawn as for "random":
    20 % of each class for testing, which follows from seed and class name alone. UserError: one of the sides is empty.
    """
    test = _test_side(videos, split, seed)
    if test.all() or not test.any():
        side = "training" if test.all() else "test"
        others = [f"--split {name}" for name in OPTIONS if _works(videos, name, seed)]
        remedy = f"try {', '.join(others)}" if others else "add videos: a class with two or more gets test clips"
        raise UserError(f"{_called(split)} leaves no {side} clip; {remedy}")
    train, test = np.flatnonzero(~test), np.flatnonzero(test)
    return train, test, _notes(videos, split, train, test)


def _test_side(videos, split, seed):
    """Which videos are for testing, bool (N,)."""
    if split == "given":
        return np.array([video.side == "test" for video in videos])
    if fold := FOLD.fullmatch(split):
        return _folds(videos, int(fold[2]), seed) == int(fold[1]) - 1
    test = np.zeros(len(videos), bool)
    official = official_classes(videos) if split in TEST_GROUPS else ()
    by_group = split != "random"
    for i, video in enumerate(videos):
        test[i] = video.name in official and video.group in TEST_GROUPS[split]
    rest = [video for video in videos if by_group and video.group is not None and video.name not in official]
    held = hold_out(rest)
    for i, video in enumerate(videos):
        test[i] |= (video.name, video.group) in held
    for name, indices in _by_class(videos, lambda video: not by_group or video.group is None).items():
        count = max(1, round(TEST_SHARE * len(indices))) if len(indices) > 1 else 0
        test[shuffle(indices, seed, name)[:count]] = True
    return test


def folds(videos, k, seed):
    """k pairs (training indices, test indices) that test every clip once; a group is never on both sides.

    Clips with the same group stay together across classes too (the demo's groups share their scene). Each k
    neighbouring groups are spread over the k folds, so that classes with few groups still are. Videos without a group
    stay together in a class that has groups, since some may be of one; else each is for itself. UserError: fewer groups
    than folds.
    """
    fold = _folds(videos, k, seed)
    if len(np.unique(fold)) < k:
        fewer = next((less for less in range(k - 1, 1, -1) if len(np.unique(_folds(videos, less, seed))) == less), None)
        remedy = f"take {f'--split folds:{fewer}' if fewer else '--split random'}"
        raise UserError(f"too few groups for {k} folds; {remedy}")
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _folds(videos, k, seed):
    """The fold that tests each video, int (N,)."""
    fold = np.zeros(len(videos), int)
    groups = sorted({video.group for video in videos if video.group is not None}, key=group_order)
    orders = [np.random.default_rng([seed, block]).permutation(k) for block in range(len(groups) // k + 1)]
    of_group = {group: orders[i // k][i % k] for i, group in enumerate(groups)}
    for i, video in enumerate(videos):
        fold[i] = of_group.get(video.group, 0)
    grouped = {video.name for video in videos if video.group is not None}
    for name, indices in _by_class(videos, lambda video: video.group is None).items():
        order = shuffle(indices, seed, name)
        fold[order] = order[0] % k if name in grouped else np.arange(len(indices)) % k
    return fold


def _by_class(videos, wanted):
    """{class: indices of its wanted videos}"""
    classes = {}
    for i, video in enumerate(videos):
        if wanted(video):
            classes.setdefault(video.name, []).append(i)
    return classes


def shuffle(items, seed, name):
    """What a class has in an order of its own, a list: which classes are used beside it changes nothing."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode(errors="replace"))])
    return [items[place] for place in rng.permutation(len(items))]


def _called(split):
    return (
        f"--split {split}" if split in OPTIONS else "the given split" if split == "given" else split.replace("_", " ")
    )


def _notes(videos, split, train, test):
    sides = {"training": [videos[i] for i in train], "test": [videos[i] for i in test]}
    groups = [{(video.name, video.group) for video in side if video.group is not None} for side in sides.values()]
    both, total = len(groups[0] & groups[1]), len(groups[0] | groups[1])
    ungrouped = sum(video.group is None for video in videos)
    said = _called(split)
    notes = []
    if ungrouped and total and FOLD.fullmatch(split):
        grouped = {video.name for video in videos if video.group is not None}
        mixed = sorted({video.name for video in videos if video.group is None} & grouped, key=alphabetical)
        where = (
            f": those of {shorten(mixed)} are tested together"
            if mixed
            else ": each is on any side, which may inflate accuracy"
        )
        notes.append(f"{ungrouped} videos have no group{where}")
    elif ungrouped and total and split not in ("random", "given"):
        notes.append(f"{ungrouped} videos have no group: of these a random 20 % are test clips")
    if both:
        notes.append(f"{said} puts clips of {both} of {total} groups on both sides, which inflates accuracy")
    elif split == "random" or (not total and split != "given"):
        notes.append("a random split may put near-identical clips on both sides, which inflates accuracy")
    notes += _about_groups(videos, split, groups)
    for side, present in sides.items():
        absent = sorted({v.name for v in videos} - {v.name for v in present}, key=alphabetical)
        if absent:
            notes.append(f"{said} leaves no {side} clip of {shorten(absent)}")
    return notes


def _about_groups(videos, split, groups):
    """What is said of groups that are held out but are not UCF-101's."""
    official = official_classes(videos) if split in TEST_GROUPS else set()
    if split == "given" or split == "random" or not any(name not in official for side in groups for name, _ in side):
        return []
    own = sorted({name for side in groups for name, _ in side} - official, key=alphabetical)
    notes = [f"{shorten(own)}: not UCF-101's groups: whole groups are held out"] * bool(official)
    across = [{scene(*pair) for pair in side if pair[0] not in official} for side in groups]
    classes = Counter(scene(*pair) for pair in groups[0] | groups[1] if pair[0] not in official)
    recur = sum(count > 1 for count in classes.values())
    if both := across[0] & across[1]:
        some = shorten(sorted(map(str, both)))
        notes.append(f"groups that are trained on in one class and tested in another: {some}")
    elif recur:
        notes.append(f"{recur} of {len(classes)} groups are in several classes: each is on one side in all of them")
    return notes
