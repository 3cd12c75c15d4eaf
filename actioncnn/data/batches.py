"""Batches of clips for training and testing, read by index from the memory-mapped array of clips.

Batch number `step` of a run is a function of (seed, step) alone: order, augmentation and all. So a resumed run sees
the batches that an uninterrupted one would have seen, and no generator's state has to be kept.
"""

import mmap
from functools import lru_cache

import numpy as np


def copy_rows(clips, rows):
    """Copies rows out of the array; what was read of a memory-mapped file no longer counts as this process's memory."""
    copied = clips[rows]
    if isinstance(clips, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        clips._mmap.madvise(mmap.MADV_DONTNEED)  # the pages stay in the system's cache
    return copied


def training_steps(count, batch):
    return -(-count // batch)


def training_batches(clips, rows, targets, vary, batch, seed, first_step, last_step):
    """tf.data.Dataset of (float32 clips, float32 targets), steps first_step to last_step.

    `clips`, uint8 (N, H, W, T, C), or frames (N, H, W, C), may be memory-mapped; `rows` are the training clips in it,
    `targets` their one-hot classes, aligned with `rows`. vary(uint8 clips, generator): what a batch of them becomes.
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
        return vary(copy_rows(clips, rows[picked]), rng), targets[picked].astype(np.float32)

    return _dataset(load, range(first_step, last_step), clips.shape[1:], targets.shape[1])


def evaluation_batches(clips, rows, targets, batch):
    """tf.data.Dataset of (float32 clips, float32 targets) of the test clips, in order, never augmented."""

    def load(start):
        picked = slice(int(start), int(start) + batch)
        return copy_rows(clips, rows[picked]).astype(np.float32), targets[picked].astype(np.float32)

    return _dataset(load, range(0, len(rows), batch), clips.shape[1:], targets.shape[1])


def _dataset(load, steps, shape, nclass):
    import tensorflow as tf

    def batch(step):
        x, y = tf.numpy_function(load, [step], [tf.float32, tf.float32])
        return tf.ensure_shape(x, (None, *shape)), tf.ensure_shape(y, (None, nclass))

    numbers = tf.data.Dataset.range(steps.start, steps.stop, steps.step)
    data = numbers.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)
    return data.apply(tf.data.experimental.assert_cardinality(len(steps)))
