"""Activation maximization as in 2017 (kcct-fujimotolab/3DCNN), to compare with."""

import numpy as np
import tensorflow as tf

from actioncnn.visualize import objectives
from actioncnn.visualize.result import results


def climb_as_in_2017(model, layer, chosen, settings, steps):
    """Results for the units `chosen`: mean output, Adam without bias correction, no bounds.

    Each frame is normalized by its own mean and deviation when it is saved, so the frames show something else than what
    was found; `saved` says how much of the activation they keep.
    """
    shape = model.reading.shape
    rng = np.random.default_rng([settings.seed, *chosen[:1]])
    first = clips = ((rng.random((len(chosen), *shape)) - 0.5) * 20 + 128).astype(np.float32)
    target, axes = tf.constant(chosen, tf.int32), tuple(range(1, len(shape) + 1))

    @tf.function(autograph=False)
    def gradient_of(clips):
        with tf.GradientTape() as tape:
            tape.watch(clips)
            score = objectives.score(model.look(layer, clips), target, "mean")
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
    return results(model, layer, chosen, first, clips.astype(np.float32), frames, np.array(curve))
