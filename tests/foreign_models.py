"""Models of others, of each kind that the suite has to understand, and clips for them."""

import keras
import numpy as np
from keras import layers

from actioncnn.model.model import open_model
from actioncnn.model.reading import Asked
from actioncnn.model.saving import save_model
from actioncnn.runs.find import find_model

CLIPS = np.random.default_rng(0).integers(0, 256, (3, 12, 16, 5, 3), np.uint8)  # (B, H, W, T, C)
SQUARE = CLIPS[:, :, :12]
TIME_FIRST = (0, 3, 1, 2, 4)


def model(shape, *steps, count=4, last="softmax"):
    keras.utils.set_random_seed(1)
    steps = [*steps, layers.Flatten(), layers.Dense(count, activation=last, kernel_initializer="random_normal")]
    return keras.Sequential([keras.Input(shape), *steps])


def conv3d(shape, first=(), **options):
    return model(shape, *first, layers.Conv3D(3, 3, activation="relu"), **options)


def save(model, folder, kind="keras", name="m"):
    path = folder / f"{name}.{'json' if kind == 'json' else kind}"
    if kind == "json":
        save_model(model, path, path.with_suffix(".hd5"))
    else:
        model.save(path)
    return path


def classifier(path, **asked):
    return open_model(find_model(model=path, asked=Asked(**asked)))


def forward(model, inputs):
    outputs = model(inputs, training=False)
    return np.asarray(outputs)


def unit(clips):
    return clips.astype(np.float32) / 255


def bgr(clips):
    """As OpenCV reads colour, which is assumed of networks of clips that do not rescale their input."""
    return unit(clips)[..., ::-1]


def time_first(clips):
    return unit(clips).transpose(TIME_FIRST)


def bgr_time_first(clips):
    return time_first(clips)[..., ::-1]


def whole_time_first(clips):
    return clips.astype(np.float32).transpose(TIME_FIRST)


def flat(steps):
    return [layers.TimeDistributed(step) for step in steps]


COLOUR, WIDE = (5, 12, 12, 3), (5, 12, 16, 3)
KINDS = {
    "time first by shape": (lambda: conv3d(COLOUR), SQUARE, bgr_time_first, "THWC"),
    "frames that are not square": (lambda: conv3d((12, 16, 5, 3)), CLIPS, bgr, "HWTC"),
    "not square, time first": (lambda: conv3d(WIDE), CLIPS, bgr_time_first, "THWC"),
    "TimeDistributed": (
        lambda: model(WIDE, *flat([layers.Conv2D(3, 3), layers.Flatten()]), layers.LSTM(4)),
        CLIPS, bgr_time_first, "THWC",
    ),
    "ConvLSTM2D": (lambda: model(WIDE, layers.ConvLSTM2D(3, 3)), CLIPS, bgr_time_first, "THWC"),
    "as long as wide, told by a later layer": (
        lambda: model((12, 12, 12, 1), layers.Conv3D(2, 3), layers.TimeDistributed(layers.Flatten())),
        SQUARE[..., 0].repeat(3, 3)[:, :, :, :12, None], time_first, "THWC",
    ),
    "own Rescaling": (
        lambda: conv3d((12, 12, 5, 3), [layers.Rescaling(1 / 127.5, -1)]), SQUARE, np.float32, "HWTC",
    ),
    "own Rescaling in a wrapped network": (
        lambda: model(COLOUR, layers.TimeDistributed(keras.Sequential(
            [keras.Input((12, 12, 3)), layers.Rescaling(1 / 255), layers.Flatten()]
        ))), SQUARE, whole_time_first, "THWC",
    ),
    "own Rescaling from 0-1": (lambda: conv3d(COLOUR, [layers.Rescaling(2, -1)]), SQUARE, time_first, "THWC"),
    "own Normalization of 0-255": (
        lambda: conv3d((12, 12, 5, 3), [layers.Normalization(mean=[110.0] * 3, variance=[4000.0] * 3)]),
        SQUARE, np.float32, "HWTC",
    ),
    "own Normalization of 0-1": (
        lambda: conv3d((12, 12, 5, 3), [layers.Normalization(mean=[0.4] * 3, variance=[0.06] * 3)]),
        SQUARE, unit, "HWTC",
    ),
    "turned to time first by itself": (
        lambda: conv3d((12, 12, 12, 1), [layers.Permute((3, 1, 2, 4))]),
        SQUARE[..., 0].repeat(3, 3)[:, :, :, :12, None], unit, "HWTC",
    ),
    "frames": (lambda: model((12, 16, 3), layers.Conv2D(3, 3)), CLIPS[:, :, :, 0], unit, "HWC"),
}  # fmt: skip


def softmax(values):
    shares = np.exp(values - values.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def pair(second):
    return np.concatenate([1 - second, second], 1)


OUTPUTS = {
    "logits": ({"count": 3, "last": None}, softmax),
    "labels": ({"count": 3, "last": "sigmoid"}, np.asarray),
    "one sigmoid": ({"count": 1, "last": "sigmoid"}, pair),
    "one logit": ({"count": 1, "last": None}, lambda values: pair(1 / (1 + np.exp(-values)))),
    "probabilities": ({"count": 3, "last": "softmax"}, np.asarray),
}


def of_2017(channels, pool=3):
    def convolution(filters, **options):
        return layers.Conv3D(filters, 3, padding="same", activation="relu", **options)

    steps = [convolution(4), convolution(4), layers.MaxPooling3D(pool, padding="same"), layers.Dropout(0.25)]
    steps += [convolution(8), convolution(8), layers.MaxPooling3D(pool, padding="same"), layers.Dropout(0.25)]
    return model((12, 12, 5, channels), *steps, layers.Flatten(), layers.Dense(9, "sigmoid"))


def two_heads():
    clip = keras.Input(COLOUR)
    x = layers.Flatten()(clip)
    return keras.Model(clip, [layers.Dense(3, "softmax", name="verb")(x), layers.Dense(4, name="noun")(x)])
