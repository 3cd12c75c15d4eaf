"""Batches of clips for training and testing, read by index from the memory-mapped array of clips.

Batch number `step` of a run is a function of (seed, step) alone: order, augmentation and all. So a resumed run sees
the batches that an uninterrupted one would have seen, and no generator's state has to be kept.
"""

import mmap
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Augment(NamedTuple):
    """How training clips are varied at random; Augment() with all at zero leaves them as they are."""

    flip: bool = False  # mirror left-right, half of the clips
    scale: float = 0.0  # side of the crop: 1 - scale to 1 of the frame, then resized to it
    light: float = 0.0  # contrast 1 +- light, brightness +- light * 128


def augment(clips, how, rng):
    """uint8 clips (B, H, W, T, C) or frames (B, H, W, C) -> float32 in 0-255."""
    one_each = (len(clips),) + (1,) * (clips.ndim - 1)
    if how.flip:
        clips = np.where(rng.random(one_each) < 0.5, clips[:, :, ::-1], clips)
    if how.scale:
        clips = np.stack([crop(clip, how.scale, rng) for clip in clips])
    clips = clips.astype(np.float32)
    if how.light:
        contrast = rng.uniform(1 - how.light, 1 + how.light, one_each).astype(np.float32)
        brightness = rng.uniform(-how.light, how.light, one_each).astype(np.float32) * 128
        clips = np.clip((clips - 127.5) * contrast + 127.5 + brightness, 0, 255)
    return clips


def crop(clip, scale, rng):
    """A random box of a clip (H, W, T, C) or frame (H, W, C), the same in all frames, resized to the full frame."""
    import cv2

    height, width = clip.shape[:2]
    sides = rng.uniform(1 - scale, 1, 2)
    h, w = max(1, round(height * sides[0])), max(1, round(width * sides[1]))
    y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    box = np.ascontiguousarray(clip[y : y + h, x : x + w]).reshape(h, w, -1)  # OpenCV takes up to 512 channels at once
    return cv2.resize(box, (width, height), interpolation=cv2.INTER_LINEAR).reshape(clip.shape)


def read(clips, rows):
    """Copies rows out of the array; what was read of a memory-mapped file no longer counts as this process's memory."""
    copied = clips[rows]
    if isinstance(clips, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        clips._mmap.madvise(mmap.MADV_DONTNEED)  # the pages stay in the system's cache
    return copied


def training_steps(count, batch):
    return -(-count // batch)


def training_batches(clips, rows, targets, how, batch, seed, first_step, last_step):
    """tf.data.Dataset of (float32 clips, float32 targets), steps first_step to last_step.

    `clips`, uint8 (N, H, W, T, C), or frames (N, H, W, C), may be memory-mapped; `rows` are the training clips in it,
    `targets` their one-hot classes, aligned with `rows`.
    """
    per_epoch = training_steps(len(rows), batch)

    @lru_cache(maxsize=2)
    def order(epoch):
        return np.random.default_rng((seed, epoch)).permutation(len(rows))

    def load(step):
        epoch, place = divmod(int(step), per_epoch)
        chosen = order(epoch)[place * batch : (place + 1) * batch]
        picked = chosen[np.argsort(rows[chosen], kind="stable")]  # ascending in the file: the disk likes it
        rng = np.random.default_rng((seed, 1 << 20, int(step)))
        return augment(read(clips, rows[picked]), how, rng), targets[picked].astype(np.float32)

    return _dataset(load, range(first_step, last_step), clips.shape[1:], targets.shape[1])


def evaluation_batches(clips, rows, targets, batch):
    """tf.data.Dataset of (float32 clips, float32 targets) of the test clips, in order, never augmented."""

    def load(start):
        picked = slice(int(start), int(start) + batch)
        return read(clips, rows[picked]).astype(np.float32), targets[picked].astype(np.float32)

    return _dataset(load, range(0, len(rows), batch), clips.shape[1:], targets.shape[1])


def _dataset(load, steps, shape, nclass):
    import tensorflow as tf

    def batch(step):
        x, y = tf.numpy_function(load, [step], [tf.float32, tf.float32])
        return tf.ensure_shape(x, (None, *shape)), tf.ensure_shape(y, (None, nclass))

    numbers = tf.data.Dataset.range(steps.start, steps.stop, steps.step)
    data = numbers.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)
    return data.apply(tf.data.experimental.assert_cardinality(len(steps)))
