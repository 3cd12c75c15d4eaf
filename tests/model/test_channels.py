"""Models with their channels first give what Keras gives, for clips that have them last."""

import numpy as np
import pytest
from foreign_models import SQUARE, classifier, save
from saved_models import fails, randomized

from actioncnn.model import loading

keras = pytest.importorskip("keras")
layers = keras.layers
FIRST = {"data_format": "channels_first"}
CLIP, FRAMES = (3, 5, 12, 12), (5, 3, 12, 12)


def conv(x, **options):
    return layers.Conv3D(2, 2, **FIRST, **options)(x)


def branches(x):
    y = layers.MaxPooling3D(2, **FIRST)(layers.BatchNormalization(axis=1)(conv(x, activation="relu")))
    y = layers.Concatenate(axis=1)([y, layers.Conv3D(2, 2, padding="same", **FIRST)(y)])
    return layers.GlobalAveragePooling3D(**FIRST)(layers.Add()([y, layers.Conv3D(4, 2, padding="same", **FIRST)(y)]))


def twice(x):
    shared = layers.Conv3D(3, 1, **FIRST)
    return layers.Add()([shared(x), shared(layers.ReLU()(x))])


def nested(x):
    clip = keras.Input(CLIP)
    return layers.GlobalMaxPooling3D(**FIRST)(keras.Model(clip, conv(clip))(x))


def of_frames(x):
    return layers.TimeDistributed(layers.Flatten())(layers.TimeDistributed(layers.Conv2D(2, 3, **FIRST))(x))


def recurrent(x):
    x = layers.ConvLSTM2D(2, 3, return_sequences=True, **FIRST)(x)
    return layers.ConvLSTM2D(2, 3, **FIRST)(layers.BatchNormalization(axis=2)(x))


KINDS = {  # the layers, the input
    "branches": (branches, CLIP),
    "a flattening that knows of it": (lambda x: layers.Flatten(**FIRST)(conv(x)), CLIP),
    "zeros around": (lambda x: layers.ZeroPadding3D(1, **FIRST)(conv(x)), CLIP),
    "the second layer called twice": (twice, CLIP),
    "one that does not": (conv, CLIP),
    "batch normalization along another axis": (lambda x: layers.BatchNormalization()(conv(x)), CLIP),
    "a layer between that is not known": (lambda x: conv(layers.PReLU()(conv(x))), CLIP),
    "softmax along another axis": (lambda x: layers.Activation("softmax")(conv(x)), CLIP),
    "scaled by numbers": (lambda x: conv(layers.Rescaling(2.0, -1)(x / 255.0 - 0.5)), CLIP),
    "scaled by a row": (lambda x: conv(layers.Rescaling([1.0] * 12, [2.0] * 11 + [0.0])(x)), CLIP),
    "an own Permute": (lambda x: conv(layers.Permute((4, 1, 2, 3))(x)), (12, 12, 5, 3)),
    "nested": (nested, CLIP),
    "frames": (lambda x: layers.MaxPooling2D(2, **FIRST)(layers.Conv2D(2, 3, **FIRST)(x)), (3, 12, 12)),
    "TimeDistributed": (of_frames, FRAMES),
    "ConvLSTM2D": (recurrent, FRAMES),
}  # fmt: skip


def moved(inputs, kind):
    """Inputs with the channels last."""
    shape = KINDS[kind][1]
    return inputs if shape[-1] == 3 else np.moveaxis(inputs, 1 + shape.index(3), -1)


@pytest.mark.parametrize("kind", KINDS)
def test_gives_what_keras_gives(kind, tmp_path):
    function, shape = KINDS[kind]
    clip = keras.Input(shape)
    network = randomized(keras.Model(clip, layers.Dense(3)(layers.Flatten()(function(clip)))))
    inputs = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    expected = np.asarray(network(inputs))
    loaded = loading.load_model(save(network, tmp_path))
    assert loaded.input_shape == (None, *(shape if shape[-1] == 3 else (*(side for side in shape if side != 3), 3)))
    np.testing.assert_allclose(loaded(moved(inputs, kind)), expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(expected, axis=0).min() > 1e-3
    assert sum(getattr(layer, "data_format", "") == "channels_first" for layer in loaded.layers) == 0


def test_a_sequential_model_predicts_and_shows_its_channels(tmp_path):
    steps = [keras.Input(CLIP), layers.Conv3D(2, 2, name="c", **FIRST), layers.MaxPooling3D(2, **FIRST)]
    network = keras.Sequential([*steps, layers.Flatten(), layers.Dense(3, activation="softmax")])
    model = classifier(save(network, tmp_path), range=(0, 1), colour="RGB")
    assert model.reading.axes == "THWC" and model.count_units(model.find_layer("c")[1]) == 2
    clips = np.moveaxis(SQUARE, 3, 1).astype(np.float32) / 255  # (B, T, H, W, C)
    np.testing.assert_allclose(model(SQUARE), network(np.moveaxis(clips, -1, 1)), atol=1e-6)


def test_a_softmax_inside_cannot_be_turned(tmp_path):
    clip = keras.Input(CLIP)
    network = keras.Model(clip, layers.Dense(3)(layers.Flatten()(conv(clip, activation="softmax", name="c"))))
    assert "'c' with channels_first has a softmax" in fails(save(network, tmp_path))


def test_biases_belong_to_channels(tmp_path):
    """Keras 3.15 itself adds them along the width where an output is as wide as its layer has filters."""
    clip = keras.Input((5, 2, 5, 5))
    sums = layers.Conv3D(5, 1, **FIRST)
    network = randomized(keras.Model(clip, layers.GlobalMaxPooling3D(**FIRST)(sums(clip))))
    clips = np.random.default_rng(0).normal(size=(2, 2, 5, 5, 5)).astype(np.float32)
    kernel, bias = sums.get_weights()
    loaded = loading.load_model(save(network, tmp_path))
    np.testing.assert_allclose(loaded(clips), (clips @ kernel[0, 0, 0] + bias).max((1, 2, 3)), rtol=1e-5)
