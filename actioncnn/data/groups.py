"""Groups of clips that belong together: which are UCF-101's, and which are held out for testing."""

import hashlib
from collections import Counter, defaultdict

from actioncnn.data.names import UCF101

GROUPS = set(range(1, 26))  # of each class of UCF-101
TEST_SHARE = 0.2
EQUAL = 1e-9  # shares that differ by less


def official_classes(videos):
    """Classes whose groups are those of UCF-101: all 25, or some of them in a class of its name."""
    groups = defaultdict(set)
    for video in videos:
        if video.group is not None:
            groups[video.name].add(video.group)
    return {name for name, of in groups.items() if of == GROUPS or (of <= GROUPS and name.casefold() in UCF101)}


def hold_out(videos):
    """The (class, group) pairs to test on: whole groups, about TEST_SHARE of each class's clips.

    Groups are asked in the order of a hash of their names, so that more videos change little, and taken where that
    brings the classes that they are in nearer to the share. A class with two groups or more has one on each side; where
    that is impossible with groups that are in several classes, a group is held out of one class alone.
    """
    shares, total = defaultdict(dict), Counter(video.name for video in videos)
    for (group, name), count in Counter((video.group, video.name) for video in videos).items():
        shares[group][name] = count / total[name]
    left = Counter(name for of_group in shares.values() for name in of_group)  # groups of a class to train on
    several = {name for name, count in left.items() if count > 1}
    tested, held = Counter(), set()

    def gain(group):
        return sum(
            abs(tested[name] - TEST_SHARE) - abs(tested[name] + share - TEST_SHARE)
            for name, share in shares[group].items()
        )

    def fits(group):
        return all(left[name] > 1 for name in shares[group] if name in several)

    def take(group, names):
        held.update((name, group) for name in names)
        left.subtract(names)
        tested.update({name: shares[group][name] for name in names})

    order = sorted(shares, key=lambda group: hashlib.sha256(str(group).encode(errors="replace")).digest())
    for group in order:
        if gain(group) > EQUAL and fits(group):
            take(group, list(shares[group]))
    for name in sorted(several):
        if not tested[name]:
            groups = sorted((group for group in order if name in shares[group]), key=gain, reverse=True)
            group = next(filter(fits, groups), None)
            take(*((groups[0], [name]) if group is None else (group, list(shares[group]))))
    return held
