"""The procedure of 2017."""

import keras
import pytest
from keras import layers
from small_networks import climb

from actioncnn.train import networks


def test_classic_is_the_procedure_of_2017():
    keras.utils.set_random_seed(0)
    steps = [layers.Rescaling(1 / 127.5, -1), layers.Conv3D(2, 3, name="c"), layers.Flatten(), layers.Dense(2)]
    result = climb(networks.chain((12, 12, 4, 1), steps), "c", [1], classic=True, iterations=30)[0]
    assert result.curve[-1] > result.curve[0]
    frame = result.frames[:, :, 0].astype(float)
    assert frame.mean() == pytest.approx(127, abs=4) and frame.std() == pytest.approx(25.5, abs=4)
