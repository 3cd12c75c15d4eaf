"""What makes steps of gradients: Adam or Muon, at a rate that falls as a cosine.

All weights are one vector here. So a step takes a few large operations instead of a dozen small ones for each variable:
on a GPU, starting the small ones takes longer than computing them.
"""

import math
from itertools import groupby

import keras
import tensorflow as tf

BETAS = 0.9, 0.999  # of Adam's two means, as Kingma 2015 has them
EPSILON = 1e-7
MOMENTUM = 0.95  # of Muon, and the next four as well as in Jordan 2024
NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315  # a x + b x^3 + c x^5 brings what is between 0 and 1 near 1 in
ITERATIONS = 5
SIZE = 0.2  # root mean square of a step of Muon over its rate: that of Adam, about (Liu 2025, arXiv 2502.16982)
DECAY = 0.1  # of Muon's kernels in a step, over its rate; apart from the gradient (Loshchilov 2019)
SCALE = 2.0**15  # by which losses are multiplied at the start, where gradients are float16
PATIENCE = 2000  # steps without overflow, after which the scale is doubled


def learning_rate(recipe, steps):
    """The rate as a function of the step, of `steps` in all."""
    return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(steps, 1), alpha=recipe.final)


def flat(tensors):
    """One vector of all values of the tensors."""
    return tf.concat([tf.reshape(each, (-1,)) for each in tensors], 0)


def cut(vector, like):
    """The parts of a vector that `flat` made, as tensors of the shapes of the variables `like`."""
    parts = tf.split(vector, [math.prod(variable.shape) for variable in like])
    return [tf.reshape(part, variable.shape) for part, variable in zip(parts, like, strict=True)]


class Optimizer:
    """Changes weights by the recipe's optimizer, and keeps the mean of the last ones where the recipe wants it.

    Each copy of the network has its own, which does the same: all are given the gradient of all. Make it in the scope
    of the strategy.
    """

    def __init__(self, recipe, steps, weights, scaled=False):
        """weights: trainable variables. scaled: whether gradients are float16, which overflow and underflow."""
        kernels = [each for each in weights if recipe.optimizer == "muon" and len(each.shape) > 3]
        self.kernels = sorted(kernels, key=filters)
        self.weights = self.kernels + [each for each in weights if not any(each is kernel for kernel in kernels)]
        self.parts = [sum(math.prod(each.shape) for each in kernels), -1]  # of Muon, of Adam
        count = sum(math.prod(each.shape) for each in weights)
        self.rate = learning_rate(recipe, steps)
        self.share = 1 / max(recipe.average * steps, 1) if recipe.average else 0  # of the newest weights in the mean
        sizes = {"momentum": count, "square": count - self.parts[0], "mean": count if self.share else 0}
        self.state = {name: tf.Variable(tf.zeros(size), trainable=False) for name, size in sizes.items()}
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.scale = tf.Variable(SCALE, trainable=False) if scaled else None
        self.patience = tf.Variable(0, trainable=False, dtype=tf.int64)  # steps since the scale changed

    @property
    def variables(self):
        """All that a later step follows from, beside the weights."""
        return [*self.state.values(), self.step, *([] if self.scale is None else [self.scale, self.patience])]

    def scaled(self, loss):
        return loss if self.scale is None else loss * self.scale

    def apply(self, gradient):
        """A step. gradient: of `scaled` losses by `weights`, flat, float32, the sum of those of all copies.

        A sum that is not finite changes nothing but the scale of losses, on all copies alike.
        """
        if self.scale is None:
            return self.put(*self.moved(gradient))
        finite = tf.reduce_all(tf.math.is_finite(gradient))
        weights, state = self.moved(gradient / self.scale)
        state = {name: tf.where(finite, value, self.state[name]) for name, value in state.items()}
        self.put(tf.where(finite, weights, flat(self.weights)), state, tf.cast(finite, tf.int64))
        grown = self.patience + 1 == PATIENCE
        self.scale.assign(tf.where(finite, tf.where(grown, 2 * self.scale, self.scale), self.scale / 2))
        self.patience.assign(tf.where(tf.logical_and(finite, ~grown), self.patience + 1, 0))

    def moved(self, gradient):
        """The weights, flat, and the state after a step."""
        rate, vectors = self.rate(self.step), (flat(self.weights), gradient, self.state["momentum"])
        weights, gradients, momenta = (tf.split(vector, self.parts) for vector in vectors)
        state, changes = {}, [weights[0], None]
        changes[1], momenta[1], state["square"] = adam(gradients[1], momenta[1], self.state["square"], rate, self.step)
        if self.kernels:
            changes[0], momenta[0] = muon(weights[0], gradients[0], momenta[0], rate, self.kernels)
        weights = tf.concat(weights, 0) - tf.concat(changes, 0)
        state["momentum"] = tf.concat(momenta, 0)
        if self.share:
            share = tf.where(self.step == 0, 1.0, self.share)
            state["mean"] = (1 - share) * self.state["mean"] + share * weights
        return weights, state

    def put(self, weights, state, steps=1):
        for variable, value in zip(self.weights, cut(weights, self.weights), strict=True):
            variable.assign(value)
        for name, value in state.items():
            self.state[name].assign(value)
        self.step.assign_add(steps)

    def take_mean(self):
        """Has the mean take the place of the weights."""
        for variable, value in zip(self.weights, cut(self.state["mean"].read_value(), self.weights), strict=True):
            variable.assign(value)


def adam(gradient, momentum, square, rate, step):
    """What is taken off weights (Kingma 2015), and the two means after that."""
    first, second = (1 - tf.pow(beta, tf.cast(step + 1, tf.float32)) for beta in BETAS)
    momentum = momentum + (gradient - momentum) * (1 - BETAS[0])
    square = square + (tf.square(gradient) - square) * (1 - BETAS[1])
    return momentum * (rate * tf.sqrt(second) / first) / (tf.sqrt(square) + EPSILON), momentum, square


def muon(weights, gradient, momentum, rate, kernels):
    """What is taken off the weights of kernels (Jordan 2024), and the momentum after that; all flat."""
    momentum = gradient + MOMENTUM * momentum
    ahead = cut(gradient + MOMENTUM * momentum, kernels)
    return rate * (DECAY * weights + flat(of_one_size(ahead))), momentum


def filters(kernel):
    return kernel.shape[-1]


def of_one_size(kernels):
    """Kernels as matrices (inputs of a filter, filters), all their singular values brought to about 1, then to SIZE.

    So what few clips ask for counts as what most do. Kernels of as many filters, neighbours here, are one tensor
    (kernels, inputs, filters), and computed at once; the rows of zeros that fill it stay zeros.
    """
    steps = []
    for _, alike in groupby(kernels, key=filters):
        matrices = [tf.reshape(kernel, (-1, filters(kernel))) for kernel in alike]
        most = max(matrix.shape[0] for matrix in matrices)
        filled = tf.stack([tf.pad(matrix, ((0, most - matrix.shape[0]), (0, 0))) for matrix in matrices])
        for matrix, step in zip(matrices, tf.unstack(newton_schulz(filled)), strict=True):
            steps.append(step[: matrix.shape[0]] * SIZE * math.sqrt(max(matrix.shape)))
    return steps


def newton_schulz(x):
    """Matrices (N, rows, columns), all their singular values brought to about 1 by the Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    x = x / (tf.norm(x, axis=(-2, -1), keepdims=True) + EPSILON)
    for _ in range(ITERATIONS):
        square = tf.matmul(x, x, transpose_a=True)
        x = a * x + x @ (b * square + c * square @ square)
    return x
