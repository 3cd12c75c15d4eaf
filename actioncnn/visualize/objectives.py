"""What an ascent climbs and what is said of a unit: functions of the layers.Seen that a call of the model showed."""

import tensorflow as tf

from actioncnn.model.layers import NoSuchUnitError, margin


def measure(seen, units):
    """What a unit shows: its logit where it stands for a class, else its mean output, (B,) for units int (B,)."""
    return mean_of(seen.logits[0] if len(seen.logits) == 1 else seen.output, units)


def mean_of(values, units):
    """(B, ..., K) -> (B,): the mean over all positions of unit units[b]."""
    own = tf.gather(values, units, axis=-1, batch_dims=1)
    return tf.reduce_mean(tf.reshape(own, (tf.shape(own)[0], -1)), axis=1)


def soft_minimum(margins, softness=4.0):
    """Of (members, B), between mean and least: at softness 1 one member alone is climbed, which others see less in."""
    return softness * (tf.math.log(float(margins.shape[0])) - tf.reduce_logsumexp(-margins / softness, axis=0))


def score(seen, units, objective):
    """What an ascent climbs, (B,).

    auto: the margin of a class, else the mean; before the activation function where that saturates.
    margin: log(p / (1 - p)) of a class (the raw logit is not the class: it may rise while other logits rise more); of
    an ensemble's members the soft minimum, so that the least sure counts most. logit: before the activation function.
    mean: the layer's output, as in 2017.
    """
    if objective in ("auto", "margin") and seen.logits:
        return soft_minimum(tf.stack([margin(logits, units) for logits in seen.logits]))
    if objective == "margin":
        raise NoSuchUnitError("--objective margin: the layer does not give the probabilities of classes")
    if objective == "logit" and seen.logits:
        return tf.add_n([mean_of(logits, units) for logits in seen.logits]) / len(seen.logits)
    if objective == "logit" or (objective == "auto" and seen.saturates):
        return mean_of(seen.before, units)
    return mean_of(seen.output, units)
