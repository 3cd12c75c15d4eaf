"""What two layers of Keras are while a network is trained: the same function of the weights, faster, and repeatable.

networks.numbered takes them in place of Keras's own, under the same names; what is saved holds Keras's.
"""

import keras
import tensorflow as tf

LANES = 16  # of a vector of bfloat16 or float32: oneDNN is ten times slower where channels are no multiple of it


def replicas():
    """(number of this copy of the network, number of copies) where a batch is divided among devices."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


class Dropout(keras.layers.Dropout):
    """Dropout whose mask follows from `key` and `step`, as one mask for all copies of the network.

    So a resumed run, or one on more devices, draws what an uninterrupted one on one device draws.
    """

    key = 0  # of the run's seed and the layer
    step = 0  # a tensor, set at each training step

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        copy, copies = replicas()
        size = tf.shape(inputs)[0]
        seed = tf.stack([tf.constant(self.key, tf.int64), tf.cast(self.step, tf.int64)])
        shape = tf.concat([[size * copies], tf.shape(inputs)[1:]], 0)
        draws = tf.random.stateless_uniform(shape, seed)[copy * size : (copy + 1) * size]
        return inputs * tf.cast(draws >= self.rate, inputs.dtype) / (1 - self.rate)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization in one kernel, in the precision of its input; Keras's takes a dozen, in float32.

    Copies of the network have statistics of the whole batch.
    """

    def __init__(self, **options):
        super().__init__(**options, synchronized=tf.distribute.get_strategy().num_replicas_in_sync > 1)

    def call(self, inputs, training=False):
        if not training or not self.trainable or self.synchronized:
            return super().call(inputs, training)
        shape, channels = tf.shape(inputs), inputs.shape[-1]
        filling = -channels % LANES
        flat = tf.reshape(inputs, (shape[0], -1, shape[-2], channels))  # the kernel takes pictures
        flat = tf.pad(flat, ((0, 0), (0, 0), (0, 0), (0, filling))) if filling else flat
        gamma, beta = (tf.pad(tf.cast(weight, tf.float32), ((0, filling),)) for weight in (self.gamma, self.beta))
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(flat, gamma, beta, epsilon=self.epsilon)
        count = tf.cast(tf.size(inputs) / channels, tf.float32)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            average.assign(average * self.momentum + value[:channels] * (1 - self.momentum))
        return tf.reshape(outputs[..., :channels], shape)


IN_TRAINING = {keras.layers.Dropout: Dropout, keras.layers.BatchNormalization: BatchNormalization}
