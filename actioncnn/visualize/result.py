"""What is asked of an ascent and what is found, for any procedure."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from actioncnn.visualize import objectives


@dataclass(frozen=True)
class Settings:
    """How to climb; the defaults are those of visualize_input.py."""

    iterations: int = 20
    objective: str = "auto"  # auto, margin, logit or mean
    tv: float = 1.0  # smoothness in space, 0: white
    tv_time: float = 3.0  # smoothness in time, 0: any speed
    contrast: float = 0.7  # rms before the sigmoid, at most; .5: a standard deviation of .12, as in nature
    jitter: int = 3  # pixels, at most; 0: none in time either
    restarts: int = 1
    seed: int = 0
    classic: bool = False


class Result(NamedTuple):
    """What was found for one unit."""

    unit: int
    frames: np.ndarray  # uint8 (H, W, T, C), T = 1 for a frame
    clip: np.ndarray  # `frames` as the network takes them, float32, in its range and order of axes
    before: float  # activation (logit of a class, else mean output) of the noise at the start
    found: float  # of the clip before it is rounded to 8 bits
    saved: float  # of `frames`
    probability: float | None  # of the class by `frames`, where the unit stands for one
    winner: int | None  # the most probable class
    curve: list  # objective before each iteration, and of what was found


def show(model, layer, chosen, clips):
    """(activation (B,), probability (B,) or None, most probable class (B,) or None) of unit chosen[b] for clips[b]."""
    seen = model.look(layer, clips)
    activation = objectives.measure(seen, chosen).numpy()
    if not seen.logits:
        return activation, None, None
    probabilities = seen.probabilities.numpy()
    return activation, probabilities[range(len(chosen)), chosen], probabilities.argmax(1)


def results(model, layer, chosen, first, last, frames, curve):
    """A Result for each clip of 0 to 255 and its uint8 `frames`; `curve` is (iterations + 1, B)."""
    before, _, _ = show(model, layer, chosen, first)
    after, _, _ = show(model, layer, chosen, last)
    clips = model.feed(frames)
    saved, probability, winner = show(model, layer, chosen, frames)
    frames = frames if frames.ndim == 5 else frames[:, :, :, None]
    return [
        Result(
            int(unit), frames[b], clips[b], float(before[b]), float(after[b]), float(saved[b]),
            None if probability is None else float(probability[b]), None if winner is None else int(winner[b]),
            [float(value) for value in curve[:, b]],
        )
        for b, unit in enumerate(chosen)
    ]  # fmt: skip
