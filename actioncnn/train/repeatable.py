"""What is random in a training, and what two layers of Keras are meanwhile: the same function of the weights, faster.

networks.numbered takes these layers in place of Keras's own, under the same names; what is saved holds Keras's.
"""

import keras
import tensorflow as tf

LANES = 16  # of a vector of bfloat16 or float32: oneDNN is ten times slower where channels are no multiple of it
PHILOX = 1  # the generator that TensorFlow takes on CPUs and GPUs (Salmon 2011)


def key(seed, step):
    """What random numbers of a step follow from, int64 (3,): the key of a generator, and its counter.

    Call it where the host computes: on a GPU, TensorFlow would copy `step` back for it, and wait.
    """
    pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])
    return tf.bitcast(tf.concat(tf.raw_ops.StatelessRandomGetKeyCounter(seed=pair), 0), tf.int64)


def uniform(shape, key):
    """Random numbers from 0 to 1, float32: those of tf.random.stateless_uniform on CPUs and GPUs. XLA draws others."""
    of, counter = tf.bitcast(key[:1], tf.uint64), tf.bitcast(key[1:], tf.uint64)
    return tf.raw_ops.StatelessRandomUniformV2(shape=shape, key=of, counter=counter, alg=PHILOX)


def replicas():
    """(number of this copy of the network, number of copies) where a batch is divided among devices."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def sum_of_copies(tensor):
    """The sum over all copies of the network, on each of them."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce("SUM", tensor) if context.num_replicas_in_sync > 1 else tensor


class Dropout(keras.layers.Dropout):
    """Dropout whose mask follows from a key, as one mask for all copies of the network.

    So a resumed run, or one on more devices, draws what an uninterrupted one on one device draws.
    """

    key = None  # set at each training step

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        copy, copies = replicas()
        size = tf.shape(inputs)[0]
        shape = tf.concat([[size * copies], tf.shape(inputs)[1:]], 0)
        draws = uniform(shape, self.key)[copy * size : (copy + 1) * size]
        return inputs * tf.cast(draws >= self.rate, inputs.dtype) / (1 - self.rate)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization in one kernel, in the precision of its input; Keras's takes a dozen, in float32.

    Copies of the network have statistics of the whole batch.
    """

    def call(self, inputs, training=False):
        if not training or not self.trainable:
            return super().call(inputs, training)
        normalize = normalize_here if replicas()[1] == 1 else normalize_together
        outputs, mean, variance = normalize(inputs, self.gamma, self.beta, self.epsilon)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def normalize_here(inputs, gamma, beta, epsilon):
    """(outputs, mean, variance) of the clips of one device."""
    shape, channels = tf.shape(inputs), inputs.shape[-1]
    filling = -channels % LANES
    flat = tf.reshape(inputs, (shape[0], -1, shape[-2], channels))  # the kernel takes pictures
    flat = tf.pad(flat, ((0, 0), (0, 0), (0, 0), (0, filling))) if filling else flat
    gamma, beta = (tf.pad(tf.cast(weight, tf.float32), ((0, filling),)) for weight in (gamma, beta))
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(flat, gamma, beta, epsilon=epsilon)
    count = tf.cast(tf.size(inputs) / channels, tf.float32)
    variance = variance * (count - 1) / count  # the kernel's is over count - 1
    return tf.reshape(outputs[..., :channels], shape), mean[:channels], variance[:channels]


def normalize_together(inputs, gamma, beta, epsilon):
    """The same of the clips of all copies of the network, which exchange their sums at once."""
    channels = inputs.shape[-1]
    flat = tf.reshape(tf.cast(inputs, tf.float32), (-1, channels))
    count = tf.cast(tf.shape(flat)[0] * replicas()[1], tf.float32)
    sums = sum_of_copies(tf.concat([tf.reduce_sum(flat, 0), tf.reduce_sum(tf.square(flat), 0)], 0))
    mean, square = tf.split(sums / count, 2)
    variance = tf.maximum(square - tf.square(mean), 0)
    scale = gamma * tf.math.rsqrt(variance + epsilon)
    outputs = tf.cast(flat * scale + (beta - mean * scale), inputs.dtype)
    return tf.reshape(outputs, tf.shape(inputs)), mean, variance


IN_TRAINING = {keras.layers.Dropout: Dropout, keras.layers.BatchNormalization: BatchNormalization}
