"""The real clips that units respond to most: they tell people more than made ones (Borowski 2020)."""

from typing import NamedTuple

import numpy as np

from actioncnn.data import cache
from actioncnn.errors import UserError
from actioncnn.model import layers
from actioncnn.video.sampling import Sampling
from actioncnn.visualize import objectives
from actioncnn.visualize.maximize import CHUNK


class RealClip(NamedTuple):
    """A clip of a dataset."""

    frames: np.ndarray  # uint8 (H, W, T, C)
    activation: float
    file: str


def best_real(model, reading, layer, chosen, videos):
    """The RealClip among some index.Videos that each unit responds to most."""
    height, width, *depth, channels = reading.shape
    if channels not in (1, 3):
        raise UserError(f"--videos: the model takes frames of {channels} channels, not gray or RGB ones")
    size = height if height == width else (height, width)
    sampling = Sampling(size, depth[0] if depth else 0, channels == 3)
    clips, failures = cache.load_clips(videos, sampling)
    clips = sampling.pick(clips)
    good = np.array([row for row in range(len(videos)) if row not in failures])
    values = np.concatenate(
        [
            activations(model, layer, chosen, reading.feed(clips[rows].astype(np.float32)))
            for rows in np.array_split(good, -(-len(good) // CHUNK))
        ]
    )
    return [
        RealClip(np.reshape(clips[row], (height, width, -1, channels)), float(value), videos[row].path.name)
        for row, value in zip(good[values.argmax(0)], values.max(0), strict=True)
    ]


def activations(model, layer, chosen, inputs):
    """Activation (B, units) of each unit `chosen` for each clip."""
    seen = layers.look(model, layer, inputs)
    return np.stack([objectives.measure(seen, np.full(len(inputs), unit)).numpy() for unit in chosen], 1)
