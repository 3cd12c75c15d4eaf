"""Activation maximization: the clip that a unit of a network responds to most, among clips with a natural spectrum.

The clip is a sigmoid of filtered white noise w, so its values stay in the input's range. The filter passes amplitudes
as 1 / frequency in space and time, as in natural films (Dong & Atick 1995); contrast and flicker are bounded. Steepest
ascent in w is ascent preconditioned for such films (Olah 2017, Feature Visualization), so 20 steps already give large
moving shapes. A random shift in each step keeps what does not hang on a single pixel.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from actioncnn import units

FLICKER = 0.085  # mean change from frame to frame, share of the range, at most: natural clips have .02 to .04
RATE, LAST_RATE, MOMENTUM = 0.6, 0.06, 0.8  # steps as shares of the ball's radius, falling as a cosine
START = 0.3  # contrast of the noise to start from, as a share of what it may be
LEAK = 0.1  # gradient through ReLUs that are off, falling to 0 halfway
FRAME_RATE = 32  # a frame counts in time as 1/32 of the width counts in space: slow motion of large shapes first
CHROMA = 0.3  # amplitude of colour against that of gray: most of nature's variance is gray (Ruderman 1998)
STILL = 0.3  # amplitude of what doesn't move against that of what does
CHUNK = 32  # clips in a batch


@dataclass(frozen=True)
class Settings:
    """How to climb; the defaults are those of visualize_input.py."""

    iterations: int = 20
    objective: str = "auto"  # auto, margin, logit or mean
    tv: float = 1.0  # smoothness in space, 0: white
    tv_time: float = 3.0  # smoothness in time, 0: any speed
    contrast: float = 0.7  # rms before the sigmoid, at most; .5: a standard deviation of .12, as in nature
    jitter: int = 3  # pixels, at most
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
    curve: list  # objective by iteration


def maximize(model, layer, chosen, settings, progress=iter):
    """Results for the units `chosen` of a layer, in their order. `progress` wraps the list of all steps."""
    ascend = classic if settings.classic else ascent
    jobs = np.repeat(chosen, settings.restarts)
    chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
    steps = iter(progress([None] * (len(chunks) * settings.iterations)))
    results = [result for chunk in chunks for result in ascend(model, layer, chunk, settings, steps)]
    tries = [results[start : start + settings.restarts] for start in range(0, len(results), settings.restarts)]
    return [max(group, key=lambda result: result.curve[-1]) for group in tries]


def ascent(model, layer, chosen, settings, steps):
    film = Film(units.input_shape(model), settings)
    shifts = np.random.default_rng(settings.seed)
    start = best = white = film.start(settings.seed, chosen)
    step = compile_step(model, layer, tf.constant(chosen, tf.int32), film, settings.objective)
    velocity, top, curve = tf.zeros_like(white), tf.fill([len(chosen)], -np.inf), []
    for i in range(settings.iterations):
        next(steps)
        phase = i / settings.iterations
        rate = LAST_RATE + (RATE - LAST_RATE) * (1 + np.cos(np.pi * phase)) / 2
        shift = shifts.integers(-settings.jitter, settings.jitter, 2, endpoint=True)
        scalars = rate / (1 - MOMENTUM ** (i + 1)), LEAK * max(0, 1 - 2 * phase)
        before = white
        white, velocity, score = step(
            white, velocity, tf.constant(shift, tf.int32), *map(lambda value: tf.constant(value, tf.float32), scalars)
        )
        best, top = (
            tf.where(score[:, None, None, None, None] > top[:, None, None, None, None], before, best),
            tf.maximum(score, top),
        )
        curve.append(score.numpy())
    tries = [film.clips(each) for each in (white, best, start)]
    scores = [units.score(units.look(model, layer, clips), chosen, settings.objective).numpy() for clips in tries]
    last = np.stack(tries)[np.argmax(scores, 0), range(len(chosen))]  # rough landscapes throw an ascent back
    return results(model, layer, chosen, tries[-1], last, to_frames(last, settings), np.array(curve), settings)


def compile_step(model, layer, chosen, film, objective):
    @tf.function(autograph=False)
    def step(white, velocity, shift, rate, leak):
        filtered = film.filter(white)
        with tf.GradientTape() as tape:
            tape.watch(filtered)
            clips = tf.roll(film.expose(filtered), shift, (1, 2))
            score = units.score(units.look(model, layer, clips, leak), chosen, objective)
        gradient = film.filter(tape.gradient(score, filtered, unconnected_gradients="zero"))  # it is its own transpose
        size = rms(gradient)
        alive = tf.math.is_finite(size) & (size > 0)
        gradient = tf.where(alive, gradient / tf.where(alive, size, 1), tf.random.normal(tf.shape(white)))
        gradient = film.keep_calm(filtered, gradient)
        velocity = MOMENTUM * velocity + (1 - MOMENTUM) * gradient
        white = film.bound(white + rate * film.contrast * velocity)
        return white, velocity, score

    return step


class Film:
    """White noise <-> clips: tensors w (B, C, H, W, T) and clips (B, H, W, T, C), or (B, H, W, C) for a 2D network."""

    def __init__(self, shape, settings):
        self.flat = len(shape) == 3
        height, width, depth, self.channels = (*shape[:2], 1, shape[2]) if self.flat else shape
        self.size = (self.channels, height, width, depth)
        self.smooth_time = depth > 1 and settings.tv_time > 0
        self.contrast, self.low, self.high = settings.contrast, settings.low, settings.high
        rows, columns = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
        times = np.fft.rfftfreq(depth) * FRAME_RATE
        space = rows[:, None, None] ** 2 + columns[None, :, None] ** 2
        gain = 1 / np.sqrt(1 + settings.tv * space + settings.tv_time * times**2)
        gain[:, :, 0] *= STILL
        self.gain = tf.constant(gain / self._norm(gain, depth), tf.complex64)
        self.mix = tf.constant(CHROMA * np.eye(self.channels) + (1 - CHROMA) / self.channels, tf.float32)

    def _norm(self, gain, depth):
        twice = np.full(gain.shape[2], 2.0)  # rfft leaves out the mirrored frequencies
        twice[0] = 1
        if depth % 2 == 0:
            twice[-1] = 1
        return np.sqrt((gain**2 * twice).sum() / (gain.shape[0] * gain.shape[1] * depth))

    def start(self, seed, chosen):
        """Weak noise for each of `chosen`, its own for a unit that comes again."""
        keys = [(seed, unit, list(chosen[:place]).count(unit)) for place, unit in enumerate(chosen)]
        white = tf.constant([np.random.default_rng(key).standard_normal(self.size) for key in keys], tf.float32)
        return white * START * self.contrast / rms(white)

    def bound(self, white):
        """A film within its contrast; what moves is weakened until the film flickers no more than FLICKER."""
        white *= tf.minimum(1.0, self.contrast / rms(white))
        if not self.smooth_time:
            return white
        still = tf.reduce_mean(white, axis=4, keepdims=True)
        return still + (white - still) * tf.minimum(1.0, FLICKER / self.flicker(self.filter(white)))

    def keep_calm(self, filtered, gradient):
        """The gradient without the part that adds flicker, for films that have all they may (Rosen 1960)."""
        if not self.smooth_time:
            return gradient
        with tf.GradientTape() as tape:
            tape.watch(filtered)
            flicker = self.flicker(filtered)
        normal = self.filter(tape.gradient(flicker, filtered))
        normal /= tf.sqrt(total(normal * normal)) + 1e-20
        return gradient - tf.where(flicker > 0.95 * FLICKER, tf.maximum(total(gradient * normal), 0), 0) * normal

    def flicker(self, filtered):
        """Mean change between frames, share of the range, (B, 1, 1, 1, 1)."""
        shown = tf.sigmoid(filtered)
        return tf.reduce_mean(tf.abs(shown[..., 1:] - shown[..., :-1]), axis=[1, 2, 3, 4], keepdims=True)

    def clips(self, white):
        return self.expose(self.filter(white))

    def filter(self, white):
        return tf.signal.irfft3d(tf.signal.rfft3d(white) * self.gain, self.size[1:])

    def expose(self, filtered):
        values = tf.sigmoid(tf.einsum("bchwt,cd->bhwtd", filtered, self.mix))
        values = self.low + (self.high - self.low) * values
        return values[:, :, :, 0] if self.flat else values


def total(values):
    return tf.reduce_sum(values, axis=[1, 2, 3, 4], keepdims=True)


def rms(values):
    return tf.sqrt(tf.reduce_mean(tf.square(values), axis=[1, 2, 3, 4], keepdims=True))


def to_frames(clips, settings):
    """Clips in the input's range -> uint8 of the same shape, one value map for all."""
    return np.rint(
        (np.clip(clips, settings.low, settings.high) - settings.low) * 255 / (settings.high - settings.low)
    ).astype(np.uint8)


def to_input(frames, settings):
    """uint8 frames -> float32 in the input's range, same shape: what the network gets for what a viewer sees."""
    return (settings.low + frames * ((settings.high - settings.low) / 255)).astype(np.float32)


def show(model, layer, chosen, clips):
    """(activation (B,), probability (B,) or None, most probable class (B,) or None) of unit chosen[b] for clips[b]."""
    seen = units.look(model, layer, tf.constant(clips))
    activation = units.measure(seen, chosen).numpy()
    if not seen.logits:
        return activation, None, None
    probabilities = seen.output.numpy()
    return activation, probabilities[range(len(chosen)), chosen], probabilities.argmax(1)


def results(model, layer, chosen, first, last, frames, curve, settings):
    """A Result for each clip; `curve` is (iterations, B)."""
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
            score = units.score(units.look(model, layer, clips), target, "mean")
        return score, tape.gradient(score, clips)

    moment, square, curve = 0, 0, []
    for _ in range(settings.iterations):
        next(steps)
        score, gradient = (value.numpy() for value in gradient_of(tf.constant(clips)))
        gradient /= np.sqrt(np.mean(gradient**2, axes, keepdims=True)) + 1e-5
        moment, square = 0.9 * moment + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        clips = clips + moment / np.sqrt(square + 1e-7)
        curve.append(score)
    mean, deviation = clips.mean((1, 2, -1), keepdims=True), clips.std((1, 2, -1), keepdims=True)
    frames = (np.clip((clips - mean) / (deviation + 1e-5) * 0.1 + 0.5, 0, 1) * 255).astype(np.uint8)
    return results(model, layer, chosen, first, clips.astype(np.float32), frames, np.array(curve), settings)
