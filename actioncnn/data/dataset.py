"""A dataset: how a directory of videos was understood. Scripts hand it to each other, and a run stores it."""

import hashlib
import json
import os
from collections import defaultdict
from dataclasses import dataclass, field, replace

from actioncnn.cli import count
from actioncnn.data import index, splits
from actioncnn.data.index import Video
from actioncnn.data.options import DatasetOptions
from actioncnn.video.segment import source


@dataclass(frozen=True)
class Dataset:
    """The videos of a dataset with their classes, groups and sides, and what they follow from."""

    options: DatasetOptions
    videos: list[Video]
    classes: list[str]  # in label order
    understood: list[str]  # lines that say how the directory was understood
    notes: list[str]  # what else the user should know
    twins: dict = field(default_factory=dict)  # {path: what equal videos share}

    def as_dict(self):
        """For JSON: the options from which `understand` and `divide` make it again, and fingerprints of its classes."""
        return self.options.located() | {"fingerprints": self.fingerprints()}

    def fingerprints(self):
        """{class: digest of the names and sizes of its files}: where these are equal, so are the videos."""
        files = defaultdict(list)
        for video in self.videos:
            files[video.name].append(name_and_size(video.path))
        return {name: digest(sorted(of_class))[:16] for name, of_class in files.items()}

    def test_videos(self):
        """The videos of the test side; all of them where there are no sides."""
        return [video for video in self.videos if video.side == "test"] or self.videos


def digest(*values):
    """Hexadecimal digest of values of JSON's types."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def name_and_size(path):
    """What tells a video from others, wherever it lies: its name and bytes, of a folder those of two pictures."""
    whole = source(path)
    try:
        if whole != path:  # a part of a video
            return path.name, whole.stat().st_size
        if not path.is_dir():
            return path.name, path.stat().st_size
        pictures = sorted(os.listdir(path))
        return path.name, len(pictures) * 2**32 + sum((path / pictures[end]).stat().st_size for end in (0, -1))
    except (OSError, IndexError):  # a link to nowhere, an empty folder
        return path.name, 0


def understand(options):
    """The Dataset of the directory that DatasetOptions name; `nclass` None: all classes, even if it is only one.

    UserError: there is no such directory, no video in it, or a list cannot be read.
    """
    lists = options.train_list, options.test_list
    listed = index.understand(options.videos, options.class_level, *lists, options.split, options.group_level)
    notes = list(listed.notes)
    if options.nclass is None:
        classes = index.classes_of(listed.videos)
        classes = index.named_classes(classes, options.classes) if options.classes else classes
        videos = [video for video in listed.videos if video.name in set(classes)]
    else:
        videos, classes = index.choose_classes(listed.videos, options.nclass, options.classes)
        notes += about_number(options, len(classes), len(index.classes_of(listed.videos)))
    return Dataset(options, videos, classes, listed.understood, notes, listed.twins)


def about_number(options, used, there):
    """A line, in a list, where a dataset has more or fewer classes than --nclass; fewer than the default are usual."""
    if options.classes or used == there == options.nclass:
        return []
    if used < there:
        return [f"{options.videos} has {there} classes: the first {used} are used; --nclass {there} uses all"]
    fewer = f"{options.videos} has {used} classes, fewer than --nclass {options.nclass}: all are used"
    return [] if options.nclass == DatasetOptions.nclass else [fewer]


def divide(dataset, split, seed, failures=()):
    """The Dataset whose videos are on the sides that a split gives them, and lines to tell the user.

    split: a name as splits.resolve gives it. failures: rows of videos that gave no frame; they are on no side. Nor are
    twins of test clips, unless a class would have no other clip to train on. UserError: one of the sides is empty.
    """
    good = [row for row in range(len(dataset.videos)) if row not in failures]
    train, test, notes = splits.split([dataset.videos[row] for row in good], split, seed)
    if dataset.twins:
        train, more = without_twins([dataset.videos[row] for row in good], train, test, dataset.twins)
        notes += more
    sides = dict.fromkeys((good[place] for place in train), "train") | dict.fromkeys((good[i] for i in test), "test")
    videos = [video._replace(side=sides.get(row)) for row, video in enumerate(dataset.videos)]
    return replace(dataset, videos=videos), notes


def without_twins(videos, train, test, twins):
    """The training rows without twins of test clips, and lines that say so."""
    tested = {twins[videos[row].path] for row in test if videos[row].path in twins}
    both = [row for row in train if twins.get(videos[row].path) in tested]
    others = {videos[row].name for row in set(train) - set(both)}
    gone = {row for row in both if videos[row].name in others}
    notes = []
    if gone:
        such = f"such as {videos[min(gone)].path}"
        notes.append(f"left out of training: {count(len(gone), 'video')} that the test side has too, {such}")
    if len(gone) < len(both):
        notes.append(
            f"{count(len(both) - len(gone), 'training video')} that the test side has too: this inflates accuracy"
        )
    return [row for row in train if row not in gone], notes


def tags(videos):
    """Four hexadecimal digits for each video, in one string, that tell whether its file is another one's copy."""
    return "".join(digest(name_and_size(video.path))[:4] for video in videos)


def relative(video, directory):
    """The path of a video within a directory, as it is written into tables."""
    return os.path.relpath(video.path, directory)


def untold_groups(videos):
    """Groups of videos; None where the names of their files tell all of them."""
    groups = [video.group for video in videos]
    return None if groups == [index.class_and_group(video.path)[1] for video in videos] else groups
