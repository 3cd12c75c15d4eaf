"""The networks, side by side: each a function (input_shape, nclass, instead) -> uncompiled keras.Model.

All take raw frames, 0 to 255: the rescaling is in the model, so what predicts with it needs to know nothing else.
Those of 2017 also bring each clip to mean 0 and deviation 1, and then learn in a third of the steps.
The 3D networks take clips (height, width, time, channel) and turn them to time first inside: oneDNN's Conv3D is
about 10 % faster so. Layers are named by type and a count from 1 (`conv3d_1`, `dense_2`).
"""

import re
from collections import Counter

import keras
from keras import layers

TIME_FIRST = (3, 1, 2, 4)
HE = "he_normal"  # He 2015, for layers behind ReLU
MOMENTUM = 0.8  # of batch normalization: the usual .99 takes longer to settle than a small dataset trains


def numbered(instead=None):
    """A function layer(type, ...) that makes layers named by type and a count from 1.

    instead: {type: another one that is made in its place, under its name}, as layers.IN_TRAINING.
    """
    counts = Counter()

    def layer(kind, *args, **kwargs):
        counts[kind] += 1
        snake = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()  # MaxPooling3D -> max_pooling3d
        return (instead or {}).get(kind, kind)(*args, name=f"{snake}_{counts[kind]}", **kwargs)

    return layer


def chain(input_shape, steps):
    """A functional model of layers one behind the other."""
    inputs = x = keras.Input(input_shape, name="input_1")
    for step in steps:
        x = step(x)
    return keras.Model(inputs, x)


def scaling(layer, axes):
    """Steps that bring 0-255 to mean 0 and deviation 1 over `axes`, a flat input to 0."""
    normalize = layer(layers.LayerNormalization, axis=axes, center=False, scale=False)
    return [layer(layers.Rescaling, 1 / 127.5, -1), normalize]


def cnn3d(input_shape, nclass, instead=None):
    """The 3D CNN of 2017 with scaled input and ReLU throughout: clips (H, W, T, C) -> probabilities (nclass,)."""
    layer = numbered(instead)
    steps = [*scaling(layer, axes=(1, 2, 3, 4)), layer(layers.Permute, TIME_FIRST)]
    steps += convolutions(layer, layers.Conv3D, layers.MaxPooling3D, 3)
    return chain(input_shape, steps + head(layer, nclass))


def cnn2d(input_shape, nclass, instead=None):
    """The 2D CNN of 2017 with scaled input and ReLU throughout: frames (H, W, C) -> probabilities (nclass,)."""
    layer = numbered(instead)
    steps = [*scaling(layer, axes=(1, 2, 3)), *convolutions(layer, layers.Conv2D, layers.MaxPooling2D, 2)]
    return chain(input_shape, steps + head(layer, nclass))


def convolutions(layer, kind, pooling, window):
    """The steps of 2017 up to its dense layers: twice two convolutions and a pooling over `window`."""
    steps = []
    for filters in (32, 64):
        steps += [layer(kind, filters, 3, padding="same", activation="relu") for _ in range(2)]
        steps += [layer(pooling, window, padding="same"), layer(layers.Dropout, 0.25)]
    return steps


def residual(input_shape, nclass, instead=None, widths=(24, 48, 96)):
    """A residual (2+1)D network: clips (H, W, T, C) -> probabilities (nclass,).

    Each convolution is one over space and one over time (R(2+1)D, Tran 2018), in residual blocks (He 2016) with batch
    normalization; global average pooling (Lin 2014) in place of the large dense layer. Beside each frame the network
    sees what sets it apart from the clip's mean: what moves, without the ground behind it.
    """
    layer = numbered(instead)

    def space(x, filters):
        return layer(layers.Conv3D, filters, (1, 3, 3), padding="same", activation="relu", kernel_initializer=HE)(x)

    def time(x, filters):
        x = layer(layers.Conv3D, filters, (3, 1, 1), padding="same", use_bias=False, kernel_initializer=HE)(x)
        return layer(layers.BatchNormalization, momentum=MOMENTUM)(x)

    relu = lambda x: layer(layers.Activation, "relu")(x)  # noqa: E731
    inputs = keras.Input(input_shape, name="input_1")
    x = layer(layers.Permute, TIME_FIRST)(layer(layers.Rescaling, 1 / 127.5, -1)(inputs))
    mean = layer(layers.AveragePooling3D, (input_shape[2], 1, 1))(x)
    x = layer(layers.Concatenate)([x, layer(layers.Subtract)([x, mean])])
    x = layer(layers.MaxPooling3D, (1, 2, 2))(space(x, widths[0]))  # full resolution is most of the cost
    x = relu(time(x, widths[0]))
    for filters in widths[1:]:
        x = relu(time(space(x, filters), filters))
        x = relu(layer(layers.Add)([x, time(space(x, filters), filters)]))
        if filters != widths[-1]:
            x = layer(layers.MaxPooling3D, 2, padding="same")(x)
    x = layer(layers.Dropout, 0.3)(layer(layers.GlobalAveragePooling3D)(x))
    return keras.Model(inputs, layer(layers.Dense, nclass, activation="softmax", dtype="float32")(x))


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
