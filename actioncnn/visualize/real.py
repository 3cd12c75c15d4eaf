"""The real clips that units respond to most: they tell people more than made ones (Borowski 2020)."""

from typing import NamedTuple

import numpy as np

from actioncnn.data import store
from actioncnn.visualize import objectives
from actioncnn.visualize.maximize import CHUNK


class RealClip(NamedTuple):
    """A clip of a dataset."""

    frames: np.ndarray  # uint8 (H, W, T, C)
    activation: float
    file: str


def best_real(model, layer, chosen, videos):
    """The RealClip among some index.Videos that each unit responds to most."""
    height, width, *_, channels = model.reading.shape
    clips, failures = store.load_clips(videos, model.sampling, model.files.cache)
    clips = model.sampling.pick(clips)
    good = np.array([row for row in range(len(videos)) if row not in failures])
    values = np.concatenate(
        [activations(model, layer, chosen, clips[rows]) for rows in np.array_split(good, -(-len(good) // CHUNK))]
    )
    return [
        RealClip(np.reshape(clips[row], (height, width, -1, channels)), float(value), videos[row].path.name)
        for row, value in zip(good[values.argmax(0)], values.max(0), strict=True)
    ]


def activations(model, layer, chosen, clips):
    """Activation (B, units) of each unit `chosen` for each clip."""
    seen = model.look(layer, clips)
    return np.stack([objectives.measure(seen, np.full(len(clips), unit)).numpy() for unit in chosen], 1)
