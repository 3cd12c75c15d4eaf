"""What makes steps of gradients: Adam or Muon, at a rate that falls as a cosine."""

from functools import partial

import keras
from keras import ops

from actioncnn.train import averaging

DECAY = 0.1  # of Muon's kernels in a step, over its rate; apart from the gradient (Loshchilov 2019)


class Muon(keras.optimizers.Muon):
    """Muon (Jordan 2024) for the kernels of convolutions, each as a matrix (inputs of a filter, filters); Adam else.

    A step is the momentum with all singular values brought to about 1: what few clips ask for counts as what most do.
    It is as large (root mean square) as one of Adam (Liu 2025, arXiv 2502.16982). Keras's own is for matrices alone.
    """

    def _should_use_adamw(self, variable):
        return len(variable.shape) < 4

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_sub(variable, lr * DECAY * variable)
        super()._muon_update_step(gradient, variable, lr, m)

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x):
        return ops.reshape(super().lr_adjust(ops.reshape(x, (-1, x.shape[-1]))), x.shape)


KINDS = {"adam": keras.optimizers.Adam, "muon": partial(Muon, weight_decay=None, adam_weight_decay=None)}


def learning_rate(recipe, steps):
    """The rate as a function of the step, of `steps` in all."""
    return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(steps, 1), alpha=recipe.final)


def make(recipe, steps):
    """The optimizer of a training of `steps` steps by a recipes.Recipe."""
    return KINDS[recipe.optimizer](learning_rate(recipe, steps), **averaging.options(recipe.average, steps))
