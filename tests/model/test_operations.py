"""Operations in functional models: of Keras 3 as it writes them, of Keras 2 in configs as that wrote them."""

import json

import h5py
import numpy as np
import pytest
from foreign_models import COLOUR, SQUARE, classifier, forward, save
from keras import Input, Model, layers, ops

from actioncnn.errors import UserError
from actioncnn.model import loading, outline

FRAME = (6, 6, 1)
INPUTS = np.random.default_rng(0).random((2, *FRAME)).astype(np.float32)


def functional(function, shape=COLOUR):
    clip = Input(shape)
    return Model(clip, layers.Dense(3, activation="softmax")(layers.Flatten()(function(clip))))


KERAS_3 = {
    "x / 255": (lambda x: x / 255.0, 255),
    "x / 127.5 - 1": (lambda x: x / 127.5 - 1, 255),
    "x * 2 - 1": (lambda x: x * 2 - 1, 1),
    "a slice": (lambda x: layers.TimeDistributed(layers.Flatten())(x)[:, -1], None),
    "a mean": (lambda x: ops.mean(layers.Conv3D(2, 3)(x), axis=[1, 2, 3]), None),
    "stack, max, relu": (lambda x: ops.relu(ops.max(ops.stack([x, x], -1), -1)), None),
    "concatenate, reshape": (lambda x: ops.reshape(ops.concatenate([x, x], -1), (-1, 5, 144, 6)), None),
    "transpose": (lambda x: ops.transpose(ops.expand_dims(x, 1), (0, 2, 1, 3, 4, 5)), None),
}


@pytest.mark.parametrize("kind", ["json", "keras"])
@pytest.mark.parametrize("name", KERAS_3)
def test_operations_of_keras_3(name, kind, tmp_path):
    function, white = KERAS_3[name]
    network = functional(function)
    path = save(network, tmp_path, kind)
    loaded = loading.load_model(path, path.with_suffix(".hd5") if kind == "json" else None)
    clips = np.moveaxis(SQUARE, 3, 1).astype(np.float32)
    np.testing.assert_allclose(forward(loaded, clips), forward(network, clips), atol=1e-6)
    assert outline.own_scale(loaded) == white
    if white:
        assert classifier(path).reading.high == white


@pytest.mark.parametrize("function", [lambda x: ops.tile(x, (1, 99, 1, 1, 1)), lambda x: ops.repeat(x, 9, 1), ops.erf])
def test_other_operations_are_refused(function, tmp_path):
    with pytest.raises(UserError, match="refused"):
        loading.load_model(save(functional(function), tmp_path))


def test_operations_in_a_full_model_h5_are_one_line_with_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"m\.h5: layer 'true_divide.*\.keras"):
        loading.load_model(save(functional(lambda x: x / 255.0), tmp_path, "h5"))


def test_what_broadcasts_to_too_much_is_refused(tmp_path):
    clip = Input((20_000,))
    sums = ops.expand_dims(clip, 1) + ops.expand_dims(clip, 2)
    network = Model(clip, ops.mean(sums, axis=[1]))
    with pytest.raises(UserError, match="values of a clip"):
        loading.load_model(save(network, tmp_path))


def operation(name, function, *node):
    kind = "SlicingOpLambda" if "getitem" in function else "TFOpLambda"
    config = {"name": name, "function": function, "trainable": True, "dtype": "float32"}
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": [list(node)]}


def keras_2(*steps, last):
    """The config of a functional model of Keras 2: an input, steps, Flatten and a dense layer of two units."""
    entry = {"batch_input_shape": [None, *FRAME], "name": "frame", "dtype": "float32", "sparse": False}
    flat = {"name": "flat", "trainable": True, "dtype": "float32", "data_format": "channels_last"}
    dense = {
        "name": "dense",
        "trainable": True,
        "dtype": "float32",
        "units": 2,
        "activation": "linear",
        "use_bias": True,
    }
    graph = [{"class_name": "InputLayer", "config": entry, "name": "frame", "inbound_nodes": []}, *steps]
    graph += [{"class_name": "Flatten", "config": flat, "name": "flat", "inbound_nodes": [[[last, 0, 0, {}]]]}]
    graph += [{"class_name": "Dense", "config": dense, "name": "dense", "inbound_nodes": [[["flat", 0, 0, {}]]]}]
    ends = {"input_layers": [["frame", 0, 0]], "output_layers": {"verb": ["dense", 0, 0]}}
    return {"class_name": "Functional", "config": {"name": "m", "layers": graph, **ends}, "keras_version": "2.12.0"}


STEPS = {  # the steps, and what they make of INPUTS
    "x / 255": ([operation("a", "math.truediv", "frame", 0, 0, {"y": 255.0, "name": None})], INPUTS / 255),
    "1 - 2 x": (
        [
            operation("b", "math.multiply", "frame", 0, 0, {"y": 2.0, "name": None}),
            operation("a", "math.subtract", "_CONSTANT_VALUE", -1, 1.0, {"y": ["b", 0, 0], "name": None}),
        ],
        1 - 2 * INPUTS,
    ),
    "x + x": ([operation("a", "__operators__.add", "frame", 0, 0, {"y": ["frame", 0, 0], "name": None})], 2 * INPUTS),
    "a slice": (
        [
            operation(
                "a", "__operators__.getitem", "frame", 0, 0,
                {"slice_spec": [{"start": None, "stop": None, "step": None}, -1]},
            )
        ],
        INPUTS[:, -1],
    ),
    "a mean": ([operation("a", "math.reduce_mean", "frame", 0, 0, {"axis": [1, 2]})], INPUTS.mean((1, 2))),
    "concat": (
        [operation("a", "concat", ["frame", 0, 0, {"axis": -1}], ["frame", 0, 0, {"axis": -1}])],
        np.concatenate([INPUTS, INPUTS], -1),
    ),
    "reshape": ([operation("a", "reshape", "frame", 0, 0, {"shape": [-1, 36]})], INPUTS.reshape(2, 36)),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_operations_of_keras_2(name, tmp_path):
    steps, expected = STEPS[name]
    expected = expected.reshape(2, -1)
    rng = np.random.default_rng(1)
    kernel, bias = rng.normal(size=(expected.shape[1], 2)).astype(np.float32), np.ones(2, np.float32)
    (tmp_path / "m.json").write_text(json.dumps(keras_2(*steps, last="a")))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["layer_names"], file.attrs["keras_version"] = [b"dense"], b"2.12.0"
        group = file.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        group["dense/kernel:0"], group["dense/bias:0"] = kernel, bias
    loaded = loading.load_model(tmp_path / "m.json", tmp_path / "m.h5")
    np.testing.assert_allclose(forward(loaded, INPUTS), expected @ kernel + bias, atol=1e-5)


def test_an_operation_of_keras_2_that_is_refused(tmp_path):
    config = keras_2(operation("a", "io.read_file", "frame", 0, 0, {}), last="a")
    (tmp_path / "m.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="read_file"):
        loading.outlined(tmp_path / "m.json", lambda model: None)


def test_a_dictionary_of_outputs_of_keras_2_keeps_the_weights_of_each(tmp_path):
    """A `.keras` file has weights by the order of layers, which is that of the names: not that of the dictionary."""
    frame = Input(FRAME)
    flat = layers.Flatten()(frame)
    heads = [layers.Dense(2, name=name, bias_initializer="random_normal")(flat) for name in ("noun", "verb")]
    network = Model(frame, heads)
    network.save_weights(tmp_path / "m.weights.h5")
    config = keras_2(last="frame")
    dense = config["config"]["layers"].pop()
    for name in ("noun", "verb"):
        config["config"]["layers"].append(dense | {"name": name, "config": dense["config"] | {"name": name}})
    config["config"]["output_layers"] = {name: [name, 0, 0] for name in ("verb", "noun")}
    (tmp_path / "m.json").write_text(json.dumps(config))
    loaded = loading.load_model(tmp_path / "m.json", tmp_path / "m.weights.h5")
    assert loaded.output_names == ["noun", "verb"]
    for expected, answer in zip(network(INPUTS), loaded(INPUTS), strict=True):
        np.testing.assert_array_equal(answer, expected)
