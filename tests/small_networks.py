"""Small networks, trained in seconds where a result must mean something, and of every kind."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from actioncnn.model.model import ModelFiles, Names, make_model
from actioncnn.model.reading import Asked
from actioncnn.train import networks
from actioncnn.visualize.maximize import maximize_units
from actioncnn.visualize.result import Settings

SHAPE = (16, 16, 6, 1)


def bars(count, seed):
    """Clips of a soft vertical bar that moves left (class 0) or right (class 1) by one or two pixels a frame."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    place = rng.uniform(0, 16, count)[:, None] + (2 * labels - 1)[:, None] * rng.uniform(1, 2, (count, 1)) * np.arange(
        6
    )
    distance = (np.arange(16)[None, :, None] - place[:, None] + 8) % 16 - 8
    clips = 128 + 80 * rng.choice([-1, 1], (count, 1, 1)) * np.exp(-(distance**2) / 8)
    clips = np.broadcast_to(clips[:, None, :, :, None], (count, *SHAPE))
    return (clips + rng.normal(0, 10, clips.shape)).clip(0, 255).astype(np.float32), labels


def trained(seed):
    keras.utils.set_random_seed(seed)
    layer = networks.numbered()
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), layer(layers.Permute, networks.TIME_FIRST)]
    steps += [layer(layers.Conv3D, 8, 3, activation="relu"), layer(layers.Conv3D, 8, 3, activation="relu")]
    steps += [layer(layers.MaxPooling3D, (1, 2, 2)), layer(layers.Flatten)]
    model = networks.chain(SHAPE, [*steps, layer(layers.Dense, 2, activation="softmax")])
    model.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    clips, labels = bars(400, seed)
    model.fit(clips, labels, batch_size=40, epochs=6, verbose=0)
    clips, labels = bars(100, 99)
    assert model.evaluate(clips, labels, verbose=0)[1] > 0.95
    return model


def several_inputs():
    first, second = keras.Input((12, 12, 4, 1)), keras.Input((12, 12, 4, 1))
    features = [layers.Flatten()(layers.Conv3D(2, 3, activation="relu")(each)) for each in (first, second)]
    shares = [layers.Dense(3, activation="softmax")(each) for each in features]
    return keras.Model([first, second], layers.Average()(shares))


def odd_layers():
    kinds = [layers.Conv3D(4, 3), layers.Activation("softmax"), layers.ReLU(), layers.LeakyReLU(), layers.PReLU()]
    kinds += [
        layers.MaxPooling3D(2),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(5, activation="sigmoid"),
    ]
    return keras.Sequential([keras.Input((12, 12, 4, 1)), *kinds, layers.Dense(3), layers.Activation("softmax")])


def nested():
    branch = keras.Sequential(
        [keras.Input((12, 12, 3)), layers.Conv2D(4, 3, name="c"), layers.Flatten()], name="branch"
    )
    inputs = keras.Input((12, 12, 3))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(branch(inputs))))


def recurrent():
    inputs = keras.Input((12, 12, 4, 1))
    x = layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu"))(layers.Permute((3, 1, 2, 4))(inputs))
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.LSTM(4)(layers.TimeDistributed(layers.Flatten())(x)))
    )


def ensemble():
    def member():
        layer = networks.numbered()
        steps = [layer(layers.Rescaling, 1 / 255), layer(layers.Conv3D, 2, 3, activation="relu"), layer(layers.Flatten)]
        return networks.chain((8, 8, 4, 3), [*steps, layer(layers.Dense, 3, activation="softmax")])

    return networks.average([member(), member()])


def model_of(network, names=(), **asked):
    """The Model of a keras.Model of others, which no file describes; names: of classes; asked: as options ask of it."""
    path = Path("m.keras")
    return make_model(
        network,
        ModelFiles(path, path, {}, {}, None, (Names(names),) if names else (), Asked(**asked)),
        classifies=False,
    )


def climb(network, name, chosen, range=(0, 255), **settings):
    model = model_of(network, range=range)
    return maximize_units(model, model.find_layer(name)[1], chosen, Settings(**settings))
