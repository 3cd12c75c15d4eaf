"""What a trained network knows of its test clips when their frames are shuffled: whether it goes by motion."""

import tensorflow as tf

from actioncnn.cli import say
from actioncnn.data.groups import scenes
from actioncnn.runs import metrics
from actioncnn.train import loop
from actioncnn.train.repeatable import key, uniform


def tell(model, data, probabilities, options, device):
    """Prints a line on it, and returns it in a list; of frames, which have no order, whether chance is as good.

    probabilities: of the test clips as they are.
    """
    truth, groups = data.labels(data.test), scenes([data.videos[row] for row in data.test])
    right = probabilities.argmax(1) == truth
    if data.sampling.depth < 2 or not len(data.test):
        lines = metrics.tell_chance(right, truth, groups)
    else:
        mixed = loop.predict(without_order(model, options.seed), data, options.batch, device)
        lines = [metrics.tell_motion(right, mixed.argmax(1) == truth, truth, groups)]
    for line in lines:
        say(f"test: {line}")
    return lines


def without_order(model, seed):
    """A model that is shown the frames of each of its clips (B, H, W, T, C) in a random order."""
    drawn_by = key(seed, 0)

    def answer(clips, training):
        draws = uniform((tf.shape(clips)[0], clips.shape[3]), drawn_by)
        clips = tf.cast(clips, tf.float32)  # no GPU gathers 8-bit pixels
        return model(tf.gather(clips, tf.argsort(draws), axis=3, batch_dims=1), training=training)

    return answer
