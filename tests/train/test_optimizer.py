"""How the weights are changed: the rate, and the steps of Muon."""

import keras
import numpy as np
import pytest

from actioncnn.train import optimizer
from actioncnn.train.recipes import Recipe


def test_the_rate_decays_or_stays():
    for final, expected in ((0, [1, 0.5, 0]), (1, [1, 1, 1])):
        rate = optimizer.learning_rate(Recipe(learning_rate=1.0, final=final), 100)
        assert [float(rate(step)) for step in (0, 50, 100)] == pytest.approx(expected, abs=1e-3)


@pytest.fixture
def model():
    layers = [keras.layers.Conv3D(16, 2), keras.layers.Flatten(), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((4, 4, 4, 3)), *layers])


def steps_of(model, kind, gradients, start=0):
    """The weights after one step at a rate of .1, all from `start`."""
    model.set_weights([np.full_like(each, start) for each in model.get_weights()])
    recipe = Recipe(kind, 0.1, final=1)
    model.compile(optimizer.make(recipe, 1))
    model.optimizer.apply([keras.ops.convert_to_tensor(each) for each in gradients], model.trainable_variables)
    return model.get_weights()


def test_muon_brings_the_singular_values_of_a_kernel_to_one_size_and_leaves_the_rest_to_adam(model):
    random = np.random.default_rng(0)
    gradients = [random.normal(size=each.shape).astype(np.float32) for each in model.get_weights()]
    scales = np.geomspace(1, 30, 16)
    gradients[0] *= scales  # one filter's are 30 times as large as another's
    steps = steps_of(model, "muon", gradients)
    kernel = steps[0].reshape(24, 16)
    values = np.linalg.svd(kernel, compute_uv=False)
    assert np.linalg.cond(gradients[0].reshape(24, 16)) > 30 and values.max() < 2.5 * values.min()
    assert np.vdot(kernel, gradients[0]) < 0
    assert np.sqrt(np.mean(kernel**2)) == pytest.approx(0.1 * 0.2, rel=0.3)  # of Adam .2 of the rate, about
    for mine, of_adam in zip(steps[1:], steps_of(model, "adam", gradients)[1:], strict=True):
        np.testing.assert_allclose(mine, of_adam, rtol=1e-5)


def test_without_gradient_only_muons_kernels_decay(model):
    kernel, *others = steps_of(model, "muon", [np.zeros_like(each) for each in model.get_weights()], start=1)
    np.testing.assert_allclose(kernel, 1 - 0.1 * optimizer.DECAY, rtol=1e-6)
    assert all((each == 1).all() for each in others)
