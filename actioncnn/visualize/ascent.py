"""Activation maximization: the clip that a unit of a network responds to most, among clips with a natural spectrum.

The clip is a sigmoid of filtered white noise w, so it stays between black and white. The filter passes amplitudes
as 1 / frequency in space and time, as in natural films (Dong & Atick 1995); contrast and flicker are bounded. Steepest
ascent in w is ascent preconditioned for such films (Olah 2017, Feature Visualization), so 20 steps already give large
moving shapes. A shift in each step, evenly spread over all, keeps what does not hang on a single pixel or frame.
"""

import numpy as np
import tensorflow as tf

from actioncnn.visualize import objectives
from actioncnn.visualize.result import results
from actioncnn.visualize.spectrum import Film, rms, to_frames

RATE = 0.6  # the first step, as a share of the ball's radius; they fall as a cosine
LAST_RATE = 0.06  # the last step
MOMENTUM = 0.5  # share of a step that is that of the former one
# multiples of the first two, 1 / p and 1 / p^2 with p^3 = p + 1, fill a square evenly; of the golden ratio, a line
SPREAD = np.array([0.7549, 0.5698, 0.618])
SHIFT_IN_TIME = 2  # frames, of a class, at most: what is found hangs on no frame, and other networks know it better
LEAK = 0.1  # gradient through ReLUs that are off, falling to 0 halfway


def climb(model, layer, chosen, settings, steps):
    """Results for the units `chosen`, each climbed from noise; `steps` is advanced by each iteration."""
    of_class = model.gives_classes(layer)
    film = Film(model.reading.shape, settings, of_class)
    shifts = spread_shifts(settings, min(SHIFT_IN_TIME, film.margin // 2) if of_class else 0)
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
    seen = [model.look(layer, clips) for clips in tries]
    scores = [objectives.score(each, chosen, settings.objective).numpy() for each in seen]
    last = np.stack(tries)[np.argmax(scores, 0), range(len(chosen))]  # rough landscapes throw an ascent back
    curve.append(np.max(scores, 0))
    return results(model, layer, chosen, tries[-1], last, to_frames(last), np.array(curve))


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
            score = objectives.score(model.look(layer, clips, leak), chosen, objective)
        gradient = film.filter(tape.gradient(score, filtered, unconnected_gradients="zero"))  # it is its own transpose
        size = rms(gradient)
        alive = tf.math.is_finite(size) & (size > 0)
        gradient = tf.where(alive, gradient / tf.where(alive, size, 1), tf.random.normal(tf.shape(white)))
        gradient = film.keep_calm(filtered, gradient)
        velocity = MOMENTUM * velocity + (1 - MOMENTUM) * gradient
        white = film.bound(white + rate * film.contrast * velocity)
        return white, velocity, score

    return step
