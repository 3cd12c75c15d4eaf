"""Groups of clips that belong together: which are UCF-101's, and which are held out for testing."""

import hashlib
from collections import Counter, defaultdict

from actioncnn.data.names import UCF101

GROUPS = set(range(1, 26))  # of each class of UCF-101
TEST_SHARE = 0.2
EQUAL = 1e-9  # shares that differ by less


def official_classes(videos):
    """Classes whose groups are those of UCF-101: all 25, or some of them where all classes have names of its classes.

    A class of a user's own that is called so stands beside other classes.
    """
    groups = defaultdict(set)
    for video in videos:
        groups[video.name].add(video.group)
    official = {name for name, of in groups.items() if of - {None} == GROUPS}
    part = {name for name, of in groups.items() if None not in of and of <= GROUPS and name.casefold() in UCF101}
    return official | part if official | part == groups.keys() else official


def scene(name, group):
    """What tells a class's group from others: UCF-101 numbers the groups of each class anew, else a group is one in all
    classes (speakers, films)."""
    return (name, group) if name.casefold() in UCF101 and group in GROUPS else group


def scenes(videos):
    """What tells the group of each Video from those of other classes; a video without one is a group of its own."""
    return [str(video.path if video.group is None else scene(video.name, video.group)) for video in videos]


def hold_out(videos):
    """The (class, group) pairs to test on: whole groups, about TEST_SHARE of each class's clips.

    Groups are asked in the order of a hash of their names, so that more videos change little, and taken where that
    brings the classes that they are in nearer to the share. A class with two groups or more has one on each side; where
    that is impossible with groups that are in several classes, a group is held out of one class alone.
    """
    shares, total = defaultdict(dict), Counter(video.name for video in videos)
    for (name, group), clips in Counter((video.name, video.group) for video in videos).items():
        shares[scene(name, group), group][name] = clips / total[name]
    held = Held(shares)
    order = sorted(shares, key=lambda key: hashlib.sha256(str(key[0]).encode(errors="replace")).digest())
    for key in order:
        if held.gain(key) > EQUAL and held.fits(key, total):
            held.take(key, list(shares[key]))
    count = Counter(name for of_group in shares.values() for name in of_group)
    several = {name for name in total if count[name] > 1}
    for name in sorted(several):
        if not held.tested[name]:
            keys = sorted((key for key in order if name in shares[key]), key=held.gain, reverse=True)
            key = next((key for of in (total, several) for key in keys if held.fits(key, of)), None)
            held.take(*((keys[0], [name]) if key is None else (key, list(shares[key]))))
    return held.pairs


class Held:
    """What is held out so far, of {(scene, group): {class: its share of the class's clips}}."""

    def __init__(self, shares):
        self.shares, self.pairs, self.tested = shares, set(), Counter()
        self.left = Counter(name for of_group in shares.values() for name in of_group)  # groups to train on

    def gain(self, key):
        """How much nearer to TEST_SHARE its classes come, all together, if a group is held out too."""
        before = sum(abs(self.tested[name] - TEST_SHARE) for name in self.shares[key])
        return before - sum(abs(self.tested[name] + share - TEST_SHARE) for name, share in self.shares[key].items())

    def fits(self, key, classes):
        """Whether each of some classes keeps a group to train on."""
        return all(self.left[name] > 1 for name in self.shares[key] if name in classes)

    def take(self, key, classes):
        self.pairs.update((name, key[1]) for name in classes)
        self.left.subtract(classes)
        self.tested.update({name: self.shares[key][name] for name in classes})
