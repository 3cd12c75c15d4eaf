"""Training clips varied at random, as a recipe says: a network that sees each clip a little otherwise learns more.

In the graph, on any device, as a function of a key (repeatable.key). A crop resized to the frame is linear in its
pixels and separable, so it is two products with matrices; mirroring reverses one of them.
"""

import numpy as np
import tensorflow as tf

from actioncnn.train.repeatable import uniform

DRAWS = 7  # random numbers a clip


def draw(clips, key, places, batch):
    """One frame of each two: uint8 (B, H, W, 2 T, C) -> (B, H, W, T, C), as in temporal segments (Wang 2016).

    key, places and batch as in `augment`.
    """
    height, width, count, channels = clips.shape[1:]
    second = tf.gather(uniform((batch, count // 2), key), places) < 0.5
    pairs = tf.reshape(clips, (-1, height, width, count // 2, 2, channels))
    return tf.where(second[:, None, None, :, None], pairs[..., 1, :], pairs[..., 0, :])


def augment(clips, how, key, places, batch):
    """Clips (B, H, W, T, C) or frames (B, H, W, C), uint8, varied by a recipes.Augment -> float32 in 0-255.

    places: int (B,), of these clips in the batch of `batch` clips that the step is trained on.
    """
    height, width, *rest = clips.shape[1:]
    shape, values = (-1, height, width, *rest), int(np.prod(rest))
    clips = tf.cast(clips, tf.float32)
    draws = tf.gather(uniform((batch, DRAWS), key), places)
    flip, tall, wide, top, left, contrast, brightness = tf.unstack(draws, axis=1)
    if how.flip or how.crop != (1, 1):
        least, most = how.crop
        rows, columns = (
            resizing(side, most - (most - least) * draw, place)
            for side, draw, place in ((height, tall, top), (width, wide, left))
        )
        if how.flip:
            columns = tf.where(flip[:, None, None] < 0.5, columns[:, ::-1], columns)
        clips = rows @ tf.reshape(clips, (-1, height, width * values))
        clips = tf.reshape(columns[:, None] @ tf.reshape(clips, (-1, height, width, values)), shape)
    if how.light:
        one_each = (-1, *(1 for _ in shape[1:]))
        contrast = tf.reshape(1 + how.light * (2 * contrast - 1), one_each)
        brightness = tf.reshape(how.light * (2 * brightness - 1) * 128, one_each)
        clips = tf.clip_by_value((clips - 127.5) * contrast + 127.5 + brightness, 0, 255)
    return clips


def resizing(side, share, place):
    """Matrices (B, side, side) that resize a span of `side` pixels to all of them, bilinearly.

    share: length of the span over `side`, (B,); beyond 1 the pixels at the edges are repeated. place: of its start
    among all whole pixels that are possible, 0 to 1.
    """
    length = tf.maximum(tf.round(side * share), 1)[:, None]
    start = tf.minimum(side - length, 0) + tf.floor(place[:, None] * (tf.abs(side - length) + 1))
    centres = (tf.range(side, dtype=tf.float32) + 0.5) * length / side - 0.5
    centres = tf.clip_by_value(start + tf.clip_by_value(centres, 0, length - 1), 0, side - 1)
    return tf.maximum(0.0, 1 - tf.abs(centres[:, :, None] - tf.range(side, dtype=tf.float32)))
