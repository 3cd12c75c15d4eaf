"""What a network is trained and tested on: clips, classes and the rows of each side of a split."""

from dataclasses import dataclass

import numpy as np

from actioncnn import clips, dataset
from actioncnn.batches import select

SEGMENT = 2  # frames cached for each frame of a clip, of which training draws one; a third costs 15 % of extraction
SINGLE = 6  # the same where a 2D network takes a single frame of a video


@dataclass
class Data:
    """What a network is trained and tested on; rows index `array`, whose clips failed videos left at zero."""

    clips: np.ndarray  # uint8 (N, size, size, K * max(depth, 1), channels), memory-mapped
    depth: int  # frames of a clip; 0: a 2D network takes a single frame (size, size, channels)
    offset: int  # the frame of each segment of K that is the contract's
    videos: list
    classes: list
    targets: np.ndarray  # float32 (N, nclass) one-hot
    train: np.ndarray = None
    test: np.ndarray = None

    @property
    def shape(self):
        height, width, _, channels = self.clips.shape[1:]
        return (height, width, self.depth, channels) if self.depth else (height, width, channels)


class TestClips:
    """The test clips as an array of (H, W, depth, C) clips that is read only where it is indexed."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data.test)

    def __getitem__(self, place):
        data = self.data
        return select(data.clips[data.test[place]][None], max(data.depth, 1), data.offset)[0]


def load(args, depth):
    """(Data without its split, notes, failures) of the dataset in args.videos."""
    videos = dataset.scan(args.videos)
    found = len({video.name for video in videos})
    videos, classes = dataset.choose_classes(videos, args.nclass)
    notes = [f"{args.videos} has {found} classes, fewer than --nclass {args.nclass}: all are used"] * (
        found < args.nclass
    )
    skip = getattr(args, "skip", True)
    segment = (SEGMENT if depth else SINGLE) if skip else 1
    array, failures = clips.load(videos, args.size, max(depth, 1) * segment, args.color, skip, args.cache, args.workers)
    label = {name: index for index, name in enumerate(classes)}
    targets = np.eye(len(classes), dtype=np.float32)[[label[video.name] for video in videos]]
    offset = 0 if depth else segment // 2  # a single frame is the middle one; a clip's are floor(i * n / depth)
    return Data(array, depth, offset, videos, classes, targets), notes, failures


def divide(videos, failures, split, seed):
    """(training rows, test rows, notes) of the videos that gave frames."""
    good = np.array([index for index in range(len(videos)) if index not in failures])
    train, test, notes = dataset.split([videos[index] for index in good], split, seed)
    return good[train], good[test], notes
