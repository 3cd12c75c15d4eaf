"""What a network is trained and tested on: clips, classes and the rows of each side of a split."""

import hashlib
import json
import os
from dataclasses import dataclass, replace

import numpy as np

from actioncnn.cli import say
from actioncnn.data import batches, cache, index, splits
from actioncnn.errors import UserError
from actioncnn.video.sampling import Sampling


@dataclass(frozen=True)
class Data:
    """Clips and their classes; rows index `clips`, where failed videos left zeros."""

    sampling: Sampling
    clips: np.ndarray  # uint8 (N, size, size, depth, channels), for a 2D network (N, size, size, channels)
    videos: list  # of index.Video
    classes: list
    targets: np.ndarray  # float32 (N, nclass) one-hot, zeros where no video of the class gave a frame
    failures: dict  # {row: reason} of the videos that gave no frame
    train: np.ndarray = None
    test: np.ndarray = None
    content: str = ""  # digest of the clips, their names and classes
    doubled: np.ndarray = None  # of 3D clips twice the frames, those of `clips` and one between each two

    @property
    def shape(self):
        return self.clips.shape[1:]

    @property
    def stored(self):
        """What training frames are drawn of: `doubled`, or `clips` where there is none."""
        return self.clips if self.doubled is None else self.doubled

    def untold_groups(self, rows):
        """Groups of these videos; None where file names tell those of all videos."""
        if all(index.class_and_group(video.path)[1] == video.group for video in self.videos):
            return None
        return [self.videos[row].group for row in rows]

    def labels(self, rows):
        """True classes, int (rows,)."""
        return self.targets[rows].argmax(1)


def load_dataset(directory, nclass, sampling, cache_dir=None, workers=None, say=say, **layout):
    """Data of a directory, without a split, and lines to tell the user.

    say: is told how it was understood, line by line, before hours of reading. layout: what else index.understand takes.
    """
    dataset = index.understand(directory, **layout)
    for line in dataset.understood:
        say(line)
    videos = dataset.videos
    count = len({video.name for video in videos})
    videos, classes = index.choose_classes(videos, nclass)
    fewer = f"{directory} has {count} classes, fewer than --nclass {nclass}: all are used"
    stored, failures = cache.load_doubled(videos, sampling, cache_dir, workers)
    clips, doubled = sampling.single(stored), None if sampling.doubled() == sampling else stored
    classes, lost = with_frames(videos, classes, failures)
    label = {name: number for number, name in enumerate(classes)}
    labels = np.array([label.get(video.name, -1) for video in videos])
    targets = (labels[:, None] == range(len(classes))).astype(np.float32)
    names = [(os.path.relpath(video.path, directory), video.name) for video in videos]
    content = digest(names, cache.checksums(videos, sampling, cache_dir))
    data = Data(sampling, sampling.pick(clips), videos, classes, targets, failures, content=content, doubled=doubled)
    return data, dataset.notes + [fewer] * (count < nclass) + lost


def with_frames(videos, classes, failures):
    """The classes of which a video gave frames, and lines that name the others. UserError: fewer than two."""
    left = {video.name for row, video in enumerate(videos) if row not in failures}
    notes = []
    for name in classes:
        if name not in left:
            rows = [row for row, video in enumerate(videos) if video.name == name]
            first = f"{videos[rows[0]].path}: {failures[rows[0]]}"
            notes.append(f"class {name} is left out: none of its {len(rows)} videos gives a frame; the first, {first}")
    if len(left) < 2:
        raise UserError(f"--videos: only one class has videos that give frames ({min(left)}); {'; '.join(notes)}")
    return [name for name in classes if name in left], notes


def resolve(data, split, seed):
    """What --split means for the videos that gave frames: names of splits, and lines to tell the user."""
    return splits.resolve([video for row, video in enumerate(data.videos) if row not in data.failures], split, seed)


def digest(*values):
    """Hexadecimal digest of values of JSON."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def extract_shard(directory, nclass, sampling, shard, cache_dir=None, workers=None, **layout):
    """Reads a shard of what load_dataset reads -> number of its clips, how many the cache had, {video: reason}."""
    videos, _ = index.choose_classes(index.understand(directory, **layout).videos, nclass)
    had, failures = cache.extract_shard(videos, sampling, shard, cache_dir, workers)
    number, count = shard
    return len(range(number - 1, len(videos), count)), had, {videos[row].path: failures[row] for row in failures}


def divide(data, split, seed):
    """The Data with the rows of a split of the videos that gave frames, and lines to tell the user."""
    good = np.array([row for row in range(len(data.videos)) if row not in data.failures])
    train, test, notes = splits.split([data.videos[row] for row in good], split, seed)
    return replace(data, train=good[train], test=good[test]), notes


def test_views(data, count, cache_dir=None, workers=None):
    """`count` Data of the test clips alone, each with other frames of them, as Sampling.views says."""
    videos, rows = [data.videos[row] for row in data.test], np.arange(len(data.test))
    clips, _ = cache.load_clips(videos, data.sampling.viewed(count), cache_dir, workers)
    same = {"videos": videos, "targets": data.targets[data.test], "train": None, "test": rows}
    same |= {"failures": {}, "doubled": None}
    return [replace(data, clips=view, **same) for view in data.sampling.views(clips, count)]


class TestClips:
    """The test clips as an array that is read only where it is indexed."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data.test)

    def __getitem__(self, place):
        batches.check_whole(self.data.clips)
        return self.data.clips[self.data.test[place]]
