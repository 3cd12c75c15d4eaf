"""Splits of an index into training and test clips."""

import zlib

import numpy as np

from actioncnn.data.index import alphabetical
from actioncnn.errors import UserError

TEST_GROUPS = {"1": range(1, 8), "2": range(8, 15), "3": range(15, 22)}  # the official lists follow this rule
TEST_SHARE = 0.2


def split(videos, split, seed):
    """Indices of the training clips, of the test clips (int arrays, ascending), and lines to tell the user.

    split "1", "2", "3": the official test groups. "random": a draw of 20 % of each class for testing, which follows
    from seed and class name alone. A video without a group is drawn too. UserError: one of the sides is empty.
    """
    official = TEST_GROUPS.get(split, ())
    test = np.array([video.group in official for video in videos])
    for name, indices in _by_class(videos, lambda video: not official or video.group is None).items():
        count = max(1, round(TEST_SHARE * len(indices))) if len(indices) > 1 else 0
        test[shuffle(indices, seed, name)[:count]] = True
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
        fold[shuffle(indices, seed, name)] = np.arange(len(indices)) % k
    if len(np.unique(fold)) < k:
        raise UserError(f"too few groups for {k} folds; take fewer folds")
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


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
        absent = sorted({v.name for v in videos} - {v.name for v in present}, key=alphabetical)
        if absent:
            notes.append(f"--split {split} leaves no {side} clip of {_shorten(absent)}")
    return notes


def _shorten(names, most=5):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
