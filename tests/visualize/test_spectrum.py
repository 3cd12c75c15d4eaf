"""Films hold no more detail than natural clips have."""

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import SHAPE, climb

from actioncnn.visualize import spectrum
from actioncnn.visualize.result import Settings


def detail(frames):
    """Share of the power of frames (16, 16, T) above half of Nyquist's frequency."""
    power = np.abs(np.fft.fft2(frames - frames.mean(), axes=(0, 1))) ** 2
    frequency = np.abs(np.fft.fftfreq(16))
    return power[np.maximum(frequency[:, None], frequency) > 0.25].sum() / (power.sum() + 1e-9)


@pytest.mark.parametrize("channels", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_detail_is_bounded_for_a_unit_that_wants_nothing_else(channels):
    inputs = keras.Input((*SHAPE[:3], channels))
    model = keras.Sequential([inputs, layers.Conv3D(1, (2, 2, 1), strides=(2, 2, 1), name="checks")])
    checks = np.array([[1, -1], [-1, 1]], np.float32)[:, :, None, None, None]
    model.layers[0].set_weights([np.tile(checks, (1, 1, 1, channels, 1)), np.zeros(1)])
    bounded, unbounded = (climb(model, "checks", [0], tv=tv)[0].frames.mean(-1) for tv in (1, 0))
    assert detail(bounded) < 0.2 and detail(unbounded) > 0.4


def test_detail_of_a_faint_film_counts_its_rounding():
    settings = Settings(contrast=0.01)
    faint = spectrum.Film(SHAPE, settings)
    white = faint.start(0, [0])
    for _ in range(10):  # as in an ascent, the bound is approached step by step
        white = faint.bound(white)
    assert detail(spectrum.to_frames(faint.clips(white))[0, ..., 0]) < 0.19
