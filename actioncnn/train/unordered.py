"""What a trained network knows of its test clips when their frames are shuffled: whether it goes by motion."""

import tensorflow as tf

from actioncnn.cli import say
from actioncnn.runs.metrics import tell_motion
from actioncnn.train import loop
from actioncnn.train.repeatable import key, uniform


def tell(model, data, probabilities, options, device):
    """Prints a line on it, and returns it in a list; none of frames, which have no order.

    probabilities: of the test clips as they are.
    """
    if data.sampling.depth < 2 or not len(data.test):
        return []
    mixed = loop.predict(without_order(model, options.seed), data, options.batch, device)
    right, right_mixed = (each.argmax(1) == data.labels(data.test) for each in (probabilities, mixed))
    line = str(tell_motion(right, right_mixed, len(data.classes)))
    say(f"test: {line}")
    return [line]


def without_order(model, seed):
    """A model that is shown the frames of each of its clips (B, H, W, T, C) in a random order."""
    drawn_by = key(seed, 0)

    def answer(clips, training):
        draws = uniform((tf.shape(clips)[0], clips.shape[3]), drawn_by)
        clips = tf.cast(clips, tf.float32)  # no GPU gathers 8-bit pixels
        return model(tf.gather(clips, tf.argsort(draws), axis=3, batch_dims=1), training=training)

    return answer
