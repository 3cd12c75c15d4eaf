"""Small networks, saved, and what tests of model files ask of them."""

import numpy as np
import pytest

from actioncnn.errors import UserError
from actioncnn.model import loading

keras = pytest.importorskip("keras")
layers = keras.layers
CLIP, FRAME = (6, 6, 4, 1), (9, 9, 3)


def inputs(shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 3, (3, *shape)).astype("float32")


def randomized(model):
    """All weights random and positive, so that no ReLU hides a difference and variances are valid."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.05, 0.4, weight.shape) for weight in model.get_weights()])
    return model


def cnn3d(name=None, first=1):
    steps = [
        layers.Input(CLIP),
        layers.Conv3D(3, 3, padding="same", activation="relu", name=f"conv3d_{2 * first - 1}"),
        layers.Conv3D(2, 3, padding="same", activation="softmax", name=f"conv3d_{2 * first}"),
        layers.MaxPooling3D(2, padding="same", name=f"max_pooling3d_{first}"),
        layers.Dropout(0.25, name=f"dropout_{first}"),
        layers.Flatten(name=f"flatten_{first}"),
        layers.Dense(4, activation="sigmoid", name=f"dense_{2 * first - 1}"),
        layers.Dense(3, name=f"dense_{2 * first}"),
        layers.Activation("softmax", name=f"activation_{first}"),
    ]
    return keras.Sequential(steps, name=name)


def cnn2d():
    x = frame = keras.Input(FRAME, name="input_1")
    for layer in (
        layers.Rescaling(1 / 127.5, -1),
        layers.Conv2D(4, 3, kernel_regularizer="l2", name="conv2d_1"),
        layers.BatchNormalization(name="batch_normalization_1"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax", name="dense_1"),
    ):
        x = layer(x)
    return keras.Model(frame, x)


def ensemble():
    """Nested models with equal names inside, and one input for all."""
    clip = keras.Input(CLIP, name="input_1")
    return keras.Model(clip, layers.Average(name="average_1")([cnn3d("member_1")(clip), cnn3d("member_2")(clip)]))


def same(model, loaded, x):
    np.testing.assert_array_equal(model(x, training=False), loaded(x, training=False))
    return True


def fails(*paths):
    with pytest.raises(UserError) as caught:
        loading.load_model(*paths)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(tuple(map(str, paths)))
    return message
