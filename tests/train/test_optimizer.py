"""How the weights are changed: the rate, and the steps of Muon."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from actioncnn.train import optimizer
from actioncnn.train.recipes import Recipe


def test_the_rate_decays_or_stays():
    for final, expected in ((0, [1, 0.5, 0]), (1, [1, 1, 1])):
        rate = optimizer.learning_rate(Recipe(learning_rate=1.0, final=final), 100)
        assert [float(rate(step)) for step in (0, 50, 100)] == pytest.approx(expected, abs=1e-3)


@pytest.fixture
def weights():
    shapes = (2, 2, 2, 3, 16), (16,), (3, 1, 1, 2, 24), (2, 5), (1, 3, 3, 3, 16)
    return [tf.Variable(tf.zeros(shape)) for shape in shapes]


def random_like(weights, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=each.shape).astype(np.float32) for each in weights]


def steps_of(weights, kind, *gradients, start=0, scaled=False, average=0):
    """The optimizer and the weights after steps by these gradients at a rate of .1, all from `start`."""
    for each in weights:
        each.assign(np.full(each.shape, start))
    made = optimizer.Optimizer(Recipe(kind, 0.1, final=1, average=average), 1, weights, scaled)
    place = [next(i for i, each in enumerate(weights) if each is mine) for mine in made.weights]
    for each in gradients:
        made.apply(optimizer.flat([each[i] for i in place]))
    return made, [each.numpy() for each in weights]


def test_adam_is_that_of_keras(weights):
    gradients = [random_like(weights, seed) for seed in range(4)]
    _, mine = steps_of(weights, "adam", *gradients)
    theirs = keras.optimizers.Adam(0.1)
    variables = [keras.Variable(np.zeros(each.shape)) for each in weights]
    for each in gradients:
        theirs.apply(each, variables)
    for here, there in zip(mine, variables, strict=True):
        np.testing.assert_allclose(here, there.numpy(), atol=2e-6)


def test_muon_is_that_of_keras_for_each_matrix(weights):
    """Keras computes one kernel at a time, and without the decay."""
    gradients = [random_like(weights, seed) for seed in range(3)]
    made, _ = steps_of(weights, "muon", gradients[0])
    theirs = keras.optimizers.Muon()
    assert [kernel.shape[-1] for kernel in made.kernels] == [16, 16, 24]
    ahead = [gradients[1][0], gradients[1][4], gradients[1][2]]
    for mine, gradient in zip(optimizer.of_one_size(list(map(tf.constant, ahead))), ahead, strict=True):
        matrix = tf.reshape(gradient, (-1, gradient.shape[-1]))
        step = theirs.lr_adjust(theirs.zeropower_via_newtonschulz5(matrix, 5))
        np.testing.assert_allclose(mine, step, atol=2e-4)


def test_muon_brings_the_singular_values_of_a_kernel_to_one_size_and_leaves_the_rest_to_adam(weights):
    gradients = random_like(weights)
    scales = np.geomspace(1, 30, 16)
    gradients[0] *= scales  # one filter's are 30 times as large as another's
    _, steps = steps_of(weights, "muon", gradients)
    kernel = steps[0].reshape(24, 16)
    values = np.linalg.svd(kernel, compute_uv=False)
    assert np.linalg.cond(gradients[0].reshape(24, 16)) > 30 and values.max() < 2.5 * values.min()
    assert np.vdot(kernel, gradients[0]) < 0
    assert np.sqrt(np.mean(kernel**2)) == pytest.approx(0.1 * 0.2, rel=0.3)  # of Adam .2 of the rate, about
    _, by_adam = steps_of(weights, "adam", gradients)
    for place in (1, 3):
        np.testing.assert_allclose(steps[place], by_adam[place], rtol=1e-5)


def test_without_gradient_only_muons_kernels_decay(weights):
    _, steps = steps_of(weights, "muon", [np.zeros(each.shape, np.float32) for each in weights], start=1)
    for place, each in enumerate(steps):
        np.testing.assert_allclose(each, 1 - 0.1 * optimizer.DECAY if place in (0, 2, 4) else 1, rtol=1e-6)


def test_an_overflow_changes_nothing_but_the_scale(weights, monkeypatch):
    monkeypatch.setattr(optimizer, "PATIENCE", 2)
    one, bad = random_like(weights), random_like(weights)
    scaled = [each * np.float32(optimizer.SCALE) for each in one]
    bad[1][3] = np.inf
    made, steps = steps_of(weights, "muon", scaled, scaled=True, average=0.5)
    _, plain = steps_of([tf.Variable(each) for each in weights], "muon", one, average=0.5)
    state = [each.numpy() for each in made.variables[:4]]
    made.apply(optimizer.flat([bad[i] for i in (0, 4, 2, 1, 3)]))
    for before, here, there in zip(steps, weights, plain, strict=True):
        assert np.array_equal(before, here)
        np.testing.assert_allclose(here, there, atol=1e-5)
    assert all(np.array_equal(before, here) for before, here in zip(state, made.variables[:4], strict=True))
    scales = [made.scale.numpy()]
    for _ in range(4):
        made.apply(optimizer.flat([each / optimizer.SCALE for each in scaled]))
        scales.append(made.scale.numpy())
    assert [scale / optimizer.SCALE for scale in scales] == [1 / 2, 1 / 2, 1, 1, 2]


def test_the_mean_is_kept_and_taken(weights):
    gradients = [random_like(weights, seed) for seed in range(3)]
    mean = None
    for count in (1, 2, 3):
        made, steps = steps_of(weights, "muon", *gradients[:count], average=4)
        mean = steps if count == 1 else [0.75 * old + 0.25 * new for old, new in zip(mean, steps, strict=True)]
    made.take_mean()
    for here, expected in zip(weights, mean, strict=True):
        np.testing.assert_allclose(here, expected, atol=1e-6)
    assert optimizer.Optimizer(Recipe("adam"), 1, weights).state["mean"].shape == (0,)
