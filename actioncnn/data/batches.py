"""Which clips a step of training or testing is made of, and how they come to the device.

Training clips come in a stream: all of them in a random order, then all of them in another, and so on; each batch
takes the next ones. So all batches have one size, no batch of a few clips ends an epoch, and batch number `step` of a
run is a function of (seed, step) alone: a resumed run sees what an uninterrupted one would have seen.
"""

import functools

import numpy as np


@functools.lru_cache(maxsize=4)
def order(count, seed, epoch):
    return np.random.default_rng((seed, epoch)).permutation(count)


def training_places(count, batch, seed, step):
    """Which of `count` training clips batch number `step` holds, int (batch,), ascending: the disk likes it."""
    first = step * batch
    epochs = range(first // count, (first + batch - 1) // count + 1)
    stream = np.concatenate([order(count, seed, epoch) for epoch in epochs])
    return np.sort(stream[first - epochs[0] * count :][:batch])


def steps_until(count, batch, epoch):
    """Number of steps after which each of `count` clips has been seen `epoch` times; at least one for each epoch."""
    return max(-(-count * epoch // batch), epoch)


def testing_places(count, batch, step):
    """Which of `count` test clips batch number `step` holds, in order; the last is filled with the first clip."""
    places = np.arange(step * batch, (step + 1) * batch)
    return np.where(places < count, places, 0)


def batches(clips, rows, choose, steps, part=0, parts=1, copies=1):
    """tf.data.Dataset of (step, places in its batch, rows of `clips`, these clips) for each of `steps`, a range.

    clips: store.Clips, or an array uint8 (N, ...); None: they lie on the device, and are not read. rows: of `clips`,
    that a batch is chosen of. choose(step): which of `rows` a batch holds. Of each batch this is part number `part` of
    `parts`, cut further into one element for each of `copies` of the network here.
    """
    import tensorflow as tf

    def load(number):
        step, copy = divmod(int(number), copies)
        chosen = choose(step)
        size = len(chosen) // (parts * copies)
        places = np.arange(size, dtype=np.int32) + (part * copies + copy) * size
        picked = rows[chosen[places]].astype(np.int32)
        read = np.zeros(0, np.uint8) if clips is None else clips[picked]
        return np.int64(step), places, picked, read

    def element(number):
        types = [tf.int64, tf.int32, tf.int32, tf.uint8]
        step, places, picked, read = tf.numpy_function(load, [number], types)
        size = len(choose(steps.start)) // (parts * copies)
        step.set_shape(())
        places.set_shape((size,))
        picked.set_shape((size,))
        read.set_shape((0,) if clips is None else (size, *clips.shape[1:]))
        return step, places, picked, read

    numbers = tf.data.Dataset.range(steps.start * copies, steps.stop * copies)
    return numbers.map(element, num_parallel_calls=2, deterministic=True).prefetch(2)
