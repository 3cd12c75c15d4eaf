"""The mean of a network's weights over the last steps of its training, in place of the last ones.

While the learning rate is not small the weights wander about a minimum; their mean is nearer to it, and in a flatter
place, where networks are better on what they have not seen (Izmailov 2018). Keras keeps an exponential mean.
"""

import keras
import tensorflow as tf

BATCHES = 50  # that batch normalization takes its statistics of


def options(share, steps):
    """Those of a Keras optimizer that averages over the last `share` of the steps, about; none if it is 0."""
    return {"use_ema": True, "ema_momentum": 1 - 1 / max(share * steps, 1)} if share else {}


def average(model, elements, look):
    """Puts the mean in the place of the weights of a model, and takes the statistics of batch normalization anew.

    Those that it has are of other weights. elements: batches; look(element) shows one to the model as in training.
    """
    model.optimizer.finalize_variable_values(model.trainable_variables)
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization) and each.trainable]
    if not norms:
        return
    former, momentum = [norm.momentum for norm in norms], tf.Variable(0.0, trainable=False)
    for norm in norms:
        norm.momentum = momentum
    for done, element in enumerate(elements):
        momentum.assign(done / (done + 1))  # so they are the mean of all batches
        look(element)
    for norm, its in zip(norms, former, strict=True):
        norm.momentum = its
