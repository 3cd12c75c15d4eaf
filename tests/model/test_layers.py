"""Layers and units are found by name, whatever the model."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_networks import ensemble, nested

from actioncnn.errors import UserError
from actioncnn.model.layers import NoSuchUnitError, find_layer, input_shape, leaky, parse_units
from actioncnn.train import networks


def test_leak_changes_gradients_only():
    x = tf.constant([-1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = leaky(x, 0.1)
    assert y.numpy().tolist() == [0, 2]
    assert np.allclose(tape.gradient(y, x), [0.1, 1])


def test_find_takes_quotes_paths_and_ends():
    model = nested()
    assert find_layer(model, "'branch/c'")[0] == find_layer(model, ' "c" ')[0] == "branch/c"
    with pytest.raises(NoSuchUnitError, match="did you mean branch"):
        find_layer(model, "brunch")
    with pytest.raises(NoSuchUnitError, match="several branches; did you mean member_0/dense_1 or member_1/dense_1"):
        find_layer(ensemble(), "dense_1")


@pytest.mark.parametrize(
    "text, chosen",
    [("3", [3]), ("0,4,7", [0, 4, 7]), ("2-5", [2, 3, 4, 5]), ("all", list(range(8))), ("7, 0-1,1", [0, 1, 7])],
)
def test_choose(text, chosen):
    assert parse_units(text, 8) == chosen


@pytest.mark.parametrize("text", ["8", "-1", "", "x", "3-1", "0-8", "1,", "99999999999999999999", "0-", "²"])
def test_choose_refuses(text):
    with pytest.raises(NoSuchUnitError, match="--index"):
        parse_units(text, 8)


def test_inputs_that_cannot_be_pictures():
    with pytest.raises(UserError, match="one clip"):
        input_shape(networks.chain((5,), [layers.Dense(2)]))
