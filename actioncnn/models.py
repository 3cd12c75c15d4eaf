"""The networks, side by side: each a function (input_shape, nclass) -> uncompiled keras.Model.

All take raw frames, 0 to 255: the rescaling is in the model, so what predicts with it needs to know nothing else.
The 3D networks take clips (height, width, time, channel) and turn them to time first inside: oneDNN's Conv3D is
about 10 % faster so. Layers are named by type and a count from 1 (`conv3d_1`, `dense_2`).
"""

from collections import Counter

import keras
from keras import layers

TIME_FIRST = (3, 1, 2, 4)


def numbered():
    """A function layer(type, ...) that makes layers named by type and a count from 1."""
    counts = Counter()

    def layer(kind, *args, **kwargs):
        counts[kind] += 1
        snake = keras.src.utils.naming.to_snake_case(kind.__name__)
        return kind(*args, name=f"{snake}_{counts[kind]}", **kwargs)

    return layer


def chain(input_shape, steps):
    """A functional model of layers one behind the other."""
    inputs = x = keras.Input(input_shape, name="input_1")
    for step in steps:
        x = step(x)
    return keras.Model(inputs, x)


def cnn3d(input_shape, nclass):
    """The 3D CNN of 2017 with scaled input and ReLU throughout: clips (H, W, T, C) -> probabilities (nclass,)."""
    layer = numbered()
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), layer(layers.Permute, TIME_FIRST)]
    for filters in (32, 64):
        for _ in range(2):
            steps.append(layer(layers.Conv3D, filters, 3, padding="same", activation="relu"))
        steps.append(layer(layers.MaxPooling3D, 3, padding="same"))
        steps.append(layer(layers.Dropout, 0.25))
    return chain(input_shape, steps + head(layer, nclass))


def cnn2d(input_shape, nclass):
    """The 2D CNN of 2017 with scaled input and ReLU throughout: frames (H, W, C) -> probabilities (nclass,)."""
    layer = numbered()
    steps = [layer(layers.Rescaling, 1 / 127.5, -1)]
    for filters in (32, 64):
        for _ in range(2):
            steps.append(layer(layers.Conv2D, filters, 3, padding="same", activation="relu"))
        steps.append(layer(layers.MaxPooling2D, 2, padding="same"))
        steps.append(layer(layers.Dropout, 0.25))
    return chain(input_shape, steps + head(layer, nclass))


def head(layer, nclass):
    return [
        layer(layers.Flatten),
        layer(layers.Dense, 512, activation="relu"),
        layer(layers.Dropout, 0.5),
        layer(layers.Dense, nclass, activation="softmax", dtype="float32"),
    ]


def average(members):
    """One model of several of the same input: the mean of their probabilities. Member i is the nested `member_i`."""
    inputs = keras.Input(members[0].input_shape[1:], name="input_1")
    for index, member in enumerate(members):
        member.name = f"member_{index}"
    outputs = [member(inputs) for member in members]
    if len(outputs) == 1:
        return keras.Model(inputs, outputs)
    return keras.Model(inputs, layers.Average(name="average_1")(outputs))
