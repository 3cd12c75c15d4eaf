"""What a network is trained and tested on: the clips of a dataset, their classes, and the rows of each side."""

from dataclasses import dataclass, replace

import numpy as np

from actioncnn.data import splits, store
from actioncnn.data.dataset import Dataset, digest, divide, relative
from actioncnn.errors import UserError
from actioncnn.video.sampling import Sampling


@dataclass(frozen=True)
class LabelledClips:
    """Clips and their classes; rows index `clips`, where failed videos left zeros."""

    dataset: Dataset
    sampling: Sampling
    clips: store.Clips  # uint8 (N, size, size, depth, channels), for a 2D network (N, size, size, channels)
    classes: list  # those of the dataset that have a video that gives frames
    targets: np.ndarray  # float32 (N, nclass) one-hot, zeros where no video of the class gave a frame
    failures: dict  # {row: reason} of the videos that gave no frame
    train: np.ndarray | None = None
    test: np.ndarray | None = None
    content: str = ""  # digest of the clips, their names and classes
    doubled: store.Clips | None = (
        None  # where frames are drawn: twice the frames, those of `clips` and one between each two
    )

    @property
    def videos(self):
        return self.dataset.videos

    @property
    def shape(self):
        return self.clips.shape[1:]

    @property
    def stored(self):
        """What training frames are drawn of: `doubled`, or `clips` where there is none."""
        return self.clips if self.doubled is None else self.doubled

    def labels(self, rows):
        """True classes, int (rows,)."""
        return self.targets[rows].argmax(1)


def read_clips(dataset, sampling, cache_dir=None, workers=None, drawn=False):
    """LabelledClips of a Dataset, without a split, and lines about classes that gave no frame.

    drawn: whether a training draws its frames from twice as many.
    """
    videos, drawn = dataset.videos, drawn and sampling.has_between
    stored, failures = store.load_clips(videos, sampling, cache_dir, workers, drawn)
    clips, doubled = (sampling.single(stored), stored) if drawn else (stored, None)
    classes, notes = with_frames(videos, dataset.classes, failures)
    label = {name: number for number, name in enumerate(classes)}
    labels = np.array([label.get(video.name, -1) for video in videos])
    targets = (labels[:, None] == range(len(classes))).astype(np.float32)
    names = [(relative(video, dataset.options.videos), video.name) for video in videos]
    content = digest(names, stored.checksums)
    picked = sampling.pick(clips)
    return LabelledClips(dataset, sampling, picked, classes, targets, failures, content=content, doubled=doubled), notes


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


def resolve_split(data, split, seed):
    """What --split means for the videos that gave frames: names of splits, and lines to tell the user."""
    return splits.resolve([video for row, video in enumerate(data.videos) if row not in data.failures], split, seed)


def divide_clips(data, split, seed):
    """The LabelledClips with the rows of a split of the videos that gave frames, and lines to tell the user."""
    divided, notes = divide(data.dataset, split, seed, data.failures)
    rows = {side: [row for row, video in enumerate(divided.videos) if video.side == side] for side in ("train", "test")}
    return replace(data, dataset=divided, **{side: np.array(of_side) for side, of_side in rows.items()}), notes


def test_views(data, count, cache_dir=None, workers=None):
    """`count` LabelledClips of the test clips alone, each with other frames of them, as Sampling.views says."""
    videos, rows = [data.videos[row] for row in data.test], np.arange(len(data.test))
    clips, _ = store.load_clips(videos, data.sampling.viewed(count), cache_dir, workers)
    same = {"dataset": replace(data.dataset, videos=videos), "targets": data.targets[data.test]}
    same |= {"train": None, "test": rows, "failures": {}, "doubled": None}
    return [replace(data, clips=view, **same) for view in data.sampling.views(clips, count)]


class Rows:
    """Some rows of an array of clips, read only where they are indexed."""

    def __init__(self, clips, rows):
        self.clips, self.rows = clips, np.asarray(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        return self.clips[self.rows[place]]
