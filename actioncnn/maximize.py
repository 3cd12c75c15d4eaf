"""Activation maximization: the clip that a unit of a network responds to most, among clips with a natural spectrum.

The clip is a sigmoid of filtered white noise w, so its values stay in the input's range. The filter passes amplitudes
as 1 / frequency in space and time, as in natural films (Dong & Atick 1995); contrast and flicker are bounded. Steepest
ascent in w is ascent preconditioned for such films (Olah 2017, Feature Visualization), so 20 steps already give large
moving shapes. A shift in each step, evenly spread over all, keeps what does not hang on a single pixel or frame.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from actioncnn import objectives, units
from actioncnn.cli import UserError
from actioncnn.film import Film, rms, to_frames, to_input

RATE, LAST_RATE, MOMENTUM = 0.6, 0.06, 0.5  # steps as shares of the ball's radius, falling as a cosine
# multiples of the first two, 1 / p and 1 / p^2 with p^3 = p + 1, fill a square evenly; of the golden ratio, a line
SPREAD = np.array([0.7549, 0.5698, 0.618])
FRAMES = 2  # shift of a class in time, at most: what is found hangs on no frame, and other networks know it better
LEAK = 0.1  # gradient through ReLUs that are off, falling to 0 halfway
CHUNK = 32  # clips in a batch


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
    low: float = 0.0  # the input's range
    high: float = 255.0
    classic: bool = False


class Result(NamedTuple):
    """What was found for one unit."""

    unit: int
    frames: np.ndarray  # uint8 (H, W, T, C), T = 1 for a frame
    clip: np.ndarray  # `frames` as the network takes them, float32 (H, W, T, C) or (H, W, C)
    before: float  # activation (logit of a class, else mean output) of the noise at the start
    found: float  # of the clip before it is rounded to 8 bits
    saved: float  # of `frames`
    probability: float | None  # of the class by `frames`, where the unit stands for one
    winner: int | None  # the most probable class
    curve: list  # objective before each iteration, and of what was found


def maximize(model, layer, chosen, settings, progress=iter):
    """Results for the units `chosen` of a layer, in their order. `progress` wraps the list of all steps."""
    ascend = classic if settings.classic else ascent
    jobs = np.repeat(chosen, settings.restarts)
    chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
    steps = iter(progress([None] * (len(chunks) * settings.iterations)))
    try:
        results = [result for chunk in chunks for result in ascend(model, layer, chunk, settings, steps)]
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"--model: TensorFlow cannot compute it: {cause(error)}") from error
    tries = [results[start : start + settings.restarts] for start in range(0, len(results), settings.restarts)]
    return [max(group, key=lambda result: result.curve[-1]) for group in tries]


def cause(error):
    """The line of a message of Keras or TensorFlow that says what is wrong."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Exception encountered")] + [type(error).__name__]
    return lines[0]


def ascent(model, layer, chosen, settings, steps):
    of_class = units.gives_classes(model, layer)
    film = Film(units.input_shape(model), settings, of_class)
    shifts = spread_shifts(settings, min(FRAMES, film.margin // 2) if of_class else 0)
    start = best = white = film.start(settings.seed, chosen)
    step = compile_step(model, layer, tf.constant(chosen, tf.int32), film, settings.objective)
    velocity, top, curve = tf.zeros_like(white), tf.fill([len(chosen)], -np.inf), []
    for i in range(settings.iterations):
        next(steps)
        phase = i / settings.iterations
        rate = LAST_RATE + (RATE - LAST_RATE) * (1 + np.cos(np.pi * phase)) / 2
        scalars = rate / (1 - MOMENTUM ** (i + 1)), LEAK * max(0, 1 - 2 * phase)
        before = white
        white, velocity, score = step(
            white, velocity, tf.constant(shifts[i]), *(tf.constant(value, tf.float32) for value in scalars)
        )
        best, top = (
            tf.where(score[:, None, None, None, None] > top[:, None, None, None, None], before, best),
            tf.maximum(score, top),
        )
        curve.append(score.numpy())
    tries = [film.clips(each) for each in (white, best, start)]
    scores = [objectives.score(units.look(model, layer, clips), chosen, settings.objective).numpy() for clips in tries]
    last = np.stack(tries)[np.argmax(scores, 0), range(len(chosen))]  # rough landscapes throw an ascent back
    curve.append(np.max(scores, 0))
    return results(model, layer, chosen, tries[-1], last, to_frames(last, settings), np.array(curve), settings)


def spread_shifts(settings, frames):
    """Shifts of all iterations in y, x and time, int32 (iterations, 3), -most to most - 1, evenly spread.

    (Roberts 2018.) As many are even as odd, and the default is fair to 3 as well: each place of a pooling window
    counts alike.
    """
    most = np.array([settings.jitter, settings.jitter, min(frames, settings.jitter)], np.int32)
    places = np.random.default_rng(settings.seed).random(3) + np.arange(settings.iterations)[:, None] * SPREAD
    return (places % 1 * np.maximum(2 * most, 1)).astype(np.int32) - most


def compile_step(model, layer, chosen, film, objective):
    @tf.function(autograph=False)
    def step(white, velocity, shift, rate, leak):
        filtered = film.filter(white)
        with tf.GradientTape() as tape:
            tape.watch(filtered)
            clips = film.expose(tf.roll(filtered, shift, (2, 3, 4)))
            score = objectives.score(units.look(model, layer, clips, leak), chosen, objective)
        gradient = film.filter(tape.gradient(score, filtered, unconnected_gradients="zero"))  # it is its own transpose
        size = rms(gradient)
        alive = tf.math.is_finite(size) & (size > 0)
        gradient = tf.where(alive, gradient / tf.where(alive, size, 1), tf.random.normal(tf.shape(white)))
        gradient = film.keep_calm(filtered, gradient)
        velocity = MOMENTUM * velocity + (1 - MOMENTUM) * gradient
        white = film.bound(white + rate * film.contrast * velocity)
        return white, velocity, score

    return step


def show(model, layer, chosen, clips):
    """(activation (B,), probability (B,) or None, most probable class (B,) or None) of unit chosen[b] for clips[b]."""
    seen = units.look(model, layer, tf.constant(clips))
    activation = objectives.measure(seen, chosen).numpy()
    if not seen.logits:
        return activation, None, None
    probabilities = seen.output.numpy()
    return activation, probabilities[range(len(chosen)), chosen], probabilities.argmax(1)


def results(model, layer, chosen, first, last, frames, curve, settings):
    """A Result for each clip; `curve` is (iterations + 1, B)."""
    before, _, _ = show(model, layer, chosen, first)
    found, _, _ = show(model, layer, chosen, last)
    clips = to_input(frames, settings)
    saved, probability, winner = show(model, layer, chosen, clips)
    frames = frames if frames.ndim == 5 else frames[:, :, :, None]
    return [
        Result(
            int(unit), frames[b], clips[b], float(before[b]), float(found[b]), float(saved[b]),
            None if probability is None else float(probability[b]), None if winner is None else int(winner[b]),
            [float(value) for value in curve[:, b]],
        )
        for b, unit in enumerate(chosen)
    ]  # fmt: skip


def classic(model, layer, chosen, settings, steps):
    """The procedure of 2017 (kcct-fujimotolab/3DCNN): mean output, Adam without bias correction, no bounds.

    Each frame is normalized by its own mean and deviation when it is saved, so the frames show something else than what
    was found; `saved` says how much of the activation they keep.
    """
    shape = units.input_shape(model)
    rng = np.random.default_rng([settings.seed, *chosen[:1]])
    first = clips = ((rng.random((len(chosen), *shape)) - 0.5) * 20 + 128).astype(np.float32)
    target, axes = tf.constant(chosen, tf.int32), tuple(range(1, len(shape) + 1))

    @tf.function(autograph=False)
    def gradient_of(clips):
        with tf.GradientTape() as tape:
            tape.watch(clips)
            score = objectives.score(units.look(model, layer, clips), target, "mean")
        return score, tape.gradient(score, clips)

    moment, square, curve = 0, 0, []
    for _ in range(settings.iterations):
        next(steps)
        score, gradient = (value.numpy() for value in gradient_of(tf.constant(clips)))
        gradient /= np.sqrt(np.mean(gradient**2, axes, keepdims=True)) + 1e-5
        moment, square = 0.9 * moment + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        clips = clips + moment / np.sqrt(square + 1e-7)
        curve.append(score)
    curve.append(gradient_of(tf.constant(clips))[0].numpy())
    mean, deviation = clips.mean((1, 2, -1), keepdims=True), clips.std((1, 2, -1), keepdims=True)
    frames = (np.clip((clips - mean) / (deviation + 1e-5) * 0.1 + 0.5, 0, 1) * 255).astype(np.uint8)
    return results(model, layer, chosen, first, clips.astype(np.float32), frames, np.array(curve), settings)
