"""The layers of a network in training are Keras's, but for the speed and for where their random numbers come from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from actioncnn.train.repeatable import BatchNormalization, Dropout, key, uniform

CLIPS = np.random.default_rng(0).normal(3, 2, (8, 3, 5, 4, 24)).astype(np.float32)


@pytest.mark.parametrize("channels", [16, 24])
def test_batch_normalization_is_that_of_keras(channels):
    layers = [kind(momentum=0.5) for kind in (keras.layers.BatchNormalization, BatchNormalization)]
    for layer in layers:
        layer.build((None, 3, 5, 4, channels))
        layer.set_weights([np.full(channels, value) for value in (1.5, 0.3, 0.2, 2.0)])
    clips = CLIPS[..., :channels]
    for training in (True, False):
        expected, found = (layer(clips, training=training).numpy() for layer in layers)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    for expected, found in zip(layers[0].get_weights(), layers[1].get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_dropout_follows_from_key_and_step():
    layer, ones = Dropout(0.25), np.ones((40, 500), np.float32)
    layer.key = key(7, 3)
    first = layer(ones, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)} and abs((first > 0).mean() - 0.75) < 0.02
    assert np.array_equal(layer(ones, training=True), first) and np.array_equal(layer(ones, training=False), ones)
    layer.key = key(7, 4)
    assert not np.array_equal(layer(ones, training=True), first)
    layer.key = key(8, 3)
    assert not np.array_equal(layer(ones, training=True), first)


def test_random_numbers_are_those_of_tensorflow():
    assert np.array_equal(uniform((5, 3), key(4, -2)), tf.random.stateless_uniform((5, 3), (4, -2)))
