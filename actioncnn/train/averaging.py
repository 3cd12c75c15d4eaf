"""The mean of a network's weights over the last steps of its training, in place of the last ones.

While the learning rate is not small the weights wander about a minimum; their mean is nearer to it, and in a flatter
place, where networks are better on what they have not seen (Izmailov 2018).
"""

import keras
import tensorflow as tf

BATCHES = 50  # at most, that batch normalization takes its statistics of


def renew_statistics(model, elements, look):
    """Takes the statistics of batch normalization anew: those that a model has are of other weights than the mean.

    elements: batches; look(element) shows one to the model as in training.
    """
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization) and each.trainable]
    if not norms:
        return
    former, momentum = [norm.momentum for norm in norms], tf.Variable(0.0, trainable=False)
    for norm in norms:
        norm.momentum = momentum
    for done, element in enumerate(elements):
        momentum.assign(done / (done + 1))  # so they are the mean of all batches
        look(element)
    for norm, before in zip(norms, former, strict=True):
        norm.momentum = before
