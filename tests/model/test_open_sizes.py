"""Models that take any number or size of frames: --depth and --size tell."""

import keras
import numpy as np
import pytest
from foreign_models import CLIPS, SQUARE, classifier, forward, save
from keras import layers

from actioncnn.errors import UserError


def network(shape, *steps):
    average = {4: layers.GlobalAveragePooling3D, 3: layers.GlobalAveragePooling2D}[len(shape)]
    steps = steps or [layers.Conv3D(2, 2) if len(shape) == 4 else layers.Conv2D(2, 2), average()]
    return keras.Sequential([keras.Input(shape), *steps, layers.Dense(3, activation="softmax")])


def of_frames(shape):
    inner = keras.Sequential([keras.Input(shape[1:]), layers.Conv2D(2, 2), layers.GlobalMaxPooling2D()])
    return network(shape, layers.TimeDistributed(inner), layers.LSTM(3))


PLAIN = {"range": (0, 255), "colour": "RGB"}
KINDS = {  # the network, what is asked, its clips, the order of their axes in its input
    "any number, time first": (lambda: network((None, 12, 12, 3)), {"depth": 5}, SQUARE, (0, 3, 1, 2, 4)),
    "any number, time last": (lambda: network((12, 12, None, 3)), {"depth": 5}, SQUARE, (0, 1, 2, 3, 4)),
    "any size, time first": (lambda: network((5, None, None, 3)), {"size": 12}, SQUARE, (0, 3, 1, 2, 4)),
    "any height": (lambda: network((None, 16, 5, 3)), {"size": 12, "axes": "HWTC"}, CLIPS, (0, 1, 2, 3, 4)),
    "any clip, by its layers": (
        lambda: of_frames((None, None, None, 3)), {"depth": 5, "size": 12}, SQUARE, (0, 3, 1, 2, 4),
    ),
    "any clip, as asked": (
        lambda: network((None, None, None, 3)), {"depth": 5, "size": 12, "axes": "HWTC"}, SQUARE, (0, 1, 2, 3, 4),
    ),
    "any frame": (lambda: network((None, None, 3)), {"size": 12}, SQUARE[:, :, :, 0], (0, 1, 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("saved", ["keras", "h5"])
def test_sizes_are_as_asked(kind, saved, tmp_path):
    build, asked, clips, order = KINDS[kind]
    model = build()
    expected = forward(model, clips.astype(np.float32).transpose(order))
    opened = classifier(save(model, tmp_path, saved), **PLAIN, **asked)
    np.testing.assert_allclose(opened(clips), expected, atol=1e-6)
    assert opened.sampling.depth == asked.get("depth", 5 if clips.ndim == 5 else 0)


MISSING = {
    "--depth": ((None, 12, 12, 3), {}),
    "--size": ((5, None, None, 3), {}),
    "--axes HWTC or --axes THWC": ((None, None, None, 3), {"depth": 5, "size": 12}),
    "--depth: the model's own number of frames is fixed": ((5, 12, 12, 3), {"depth": 4}),
    "--size: the model's own size of frames is fixed": ((None, 12, 12, 3), {"depth": 5, "size": 4}),
}


@pytest.mark.parametrize("words", MISSING)
def test_what_is_missing_is_named(words, tmp_path):
    shape, asked = MISSING[words]
    path = save(network(shape), tmp_path)
    with pytest.raises(UserError) as error:
        classifier(path, **asked)
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value)


def test_too_many_frames_are_refused(tmp_path):
    path = save(network((None, 64, 64, 3)), tmp_path)
    with pytest.raises(UserError, match="values of a clip in a layer"):
        classifier(path, depth=100_000)
