"""What a network is trained and tested on: clips, classes and the rows of each side of a split."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from actioncnn import clips, dataset


class Sampling(NamedTuple):
    """What a network is shown of a video."""

    size: int  # pixels, width and height
    depth: int  # frames; 0: a 2D network takes the middle one
    color: bool
    skip: bool  # evenly spaced frames, else the first ones
    scrambled: bool = False  # the colour clips of 2017, see classifier.scramble

    def options(self):
        """Options for clips.load and extract.decoded; of two frames at even intervals the second is the middle one."""
        return {"size": self.size, "depth": self.depth or 2, "color": self.color, "skip": self.skip}

    def pick(self, clips):
        """The network's input of what was read: uint8 (..., H, W, T, C), where it is 2D frames (..., H, W, C)."""
        return clips if self.depth else clips[..., -1, :]

    def views(self, videos, count, cache_dir=None, workers=None):
        """`count` inputs of each video, a list of arrays as `pick` gives them: frames between those of the first view.

        Without `skip` the views follow each other.
        """
        depth = max(self.depth, 1)
        array, _ = clips.load(videos, **self.options() | {"depth": depth * count}, cache_dir=cache_dir, workers=workers)
        frames = [slice(i, None, count) if self.skip else slice(i * depth, (i + 1) * depth) for i in range(count)]
        return [self.pick(array[:, :, :, view]) for view in frames]


@dataclass
class Data:
    """What a network is trained and tested on; rows index `clips`, where failed videos left zeros."""

    sampling: Sampling
    clips: np.ndarray  # uint8 (N, size, size, depth, channels), for a 2D network (N, size, size, channels)
    videos: list
    classes: list
    targets: np.ndarray  # float32 (N, nclass) one-hot
    train: np.ndarray = None
    test: np.ndarray = None

    @property
    def shape(self):
        return self.clips.shape[1:]


class TestClips:
    """The test clips as an array that is read only where it is indexed."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data.test)

    def __getitem__(self, place):
        return self.data.clips[self.data.test[place]]


def load(args, depth):
    """(Data without its split, notes, failures) of the dataset in args.videos; depth 0 for a 2D network."""
    videos = dataset.scan(args.videos)
    found = len({video.name for video in videos})
    videos, classes = dataset.choose_classes(videos, args.nclass)
    notes = [f"{args.videos} has {found} classes, fewer than --nclass {args.nclass}: all are used"] * (
        found < args.nclass
    )
    sampling = Sampling(args.size, depth, args.color, getattr(args, "skip", True))
    array, failures = clips.load(videos, **sampling.options(), cache_dir=args.cache, workers=args.workers)
    label = {name: index for index, name in enumerate(classes)}
    targets = np.eye(len(classes), dtype=np.float32)[[label[video.name] for video in videos]]
    return Data(sampling, sampling.pick(array), videos, classes, targets), notes, failures


def divide(videos, failures, split, seed):
    """(training rows, test rows, notes) of the videos that gave frames."""
    good = np.array([index for index in range(len(videos)) if index not in failures])
    train, test, notes = dataset.split([videos[index] for index in good], split, seed)
    return good[train], good[test], notes
