"""Files of Keras 1 and Keras 2, written here as those wrote them."""

import json

import h5py
import numpy as np
import pytest
from saved_models import CLIP, FRAME, cnn3d, fails, inputs, keras, layers, randomized, same

from actioncnn.model import loading, saving


def old_weights(path, units, version="2.0.8", group=None, backend="tensorflow"):
    """Weights as Keras 1 ("1.2.0") or 2 wrote them: groups, datasets and attributes by name."""
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        root.attrs["layer_names"] = [name.encode() for name, _ in units]
        root.attrs["keras_version"], root.attrs["backend"] = version.encode(), backend.encode()
        for name, unit in units:
            weights = unit.trainable_weights + unit.non_trainable_weights
            if version[0] == "1":
                names = [f"{name}_{suffix}" for suffix, _ in zip("Wbmv", weights, strict=False)]
            else:
                names = [f"{name}/{weight.name}_{i}:0" for i, weight in enumerate(weights)]
            layer = root.create_group(name)
            layer.attrs["weight_names"] = [weight.encode() for weight in names]
            for key, weight in zip(names, weights, strict=True):
                layer[key] = weight.numpy()
    return path


def keras1_cnn3d(first=1):
    """The list of layers of cnn3d, in the JSON of Keras 1.2."""
    training = {"init": "glorot_uniform", "W_regularizer": None, "b_regularizer": None, "activity_regularizer": None}
    training |= {"W_constraint": None, "b_constraint": None, "trainable": True, "bias": True}
    conv = training | {f"kernel_dim{i}": 3 for i in (1, 2, 3)} | {"border_mode": "same", "dim_ordering": "tf"}
    conv |= {"subsample": [1, 1, 1]}
    pool = {"pool_size": [2, 2, 2], "strides": [2, 2, 2], "border_mode": "same", "dim_ordering": "tf"}
    entry = {"batch_input_shape": [None, *CLIP], "input_dtype": "float32"}
    steps = [
        ("Convolution3D", f"conv3d_{2 * first - 1}", conv | entry | {"nb_filter": 3, "activation": "relu"}),
        ("Convolution3D", f"conv3d_{2 * first}", conv | {"nb_filter": 2, "activation": "softmax"}),
        ("MaxPooling3D", f"max_pooling3d_{first}", pool),
        ("Dropout", f"dropout_{first}", {"p": 0.25, "trainable": True}),
        ("Flatten", f"flatten_{first}", {"trainable": True}),
        ("Dense", f"dense_{2 * first - 1}", training | {"output_dim": 4, "input_dim": 48, "activation": "sigmoid"}),
        ("Dense", f"dense_{2 * first}", training | {"output_dim": 3, "input_dim": 4, "activation": "linear"}),
        ("Activation", f"activation_{first}", {"activation": "softmax", "trainable": True}),
    ]
    return [{"class_name": kind, "config": config | {"name": name}} for kind, name, config in steps]


def keras2_conv(name, filters, **more):
    zeros = {"class_name": "Zeros", "config": {}}
    scaling = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}
    config = {"name": name, "trainable": True, "filters": filters, "kernel_size": [3, 3], "strides": [1, 1]}
    config |= {"padding": "valid", "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "linear"}
    config |= {"use_bias": True, "bias_initializer": zeros, "kernel_regularizer": None, "bias_constraint": None}
    config |= {"kernel_initializer": {"class_name": "VarianceScaling", "config": scaling}}
    return {"class_name": "Conv2D", "config": config | more}


def keras2_input(name, shape):
    config = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "name": name}
    return {"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}


def write(path, class_name, config):
    path.write_text(json.dumps({"class_name": class_name, "config": config, "keras_version": "1.2.0"}))
    return path


@pytest.mark.parametrize("group", [None, "model_weights"])
def test_keras1_sequential(group, tmp_path):
    model = randomized(cnn3d())
    json_path = write(tmp_path / "m.json", "Sequential", keras1_cnn3d())
    units = [(layer.name, layer) for layer in model.layers]
    loaded = loading.load_model(json_path, old_weights(tmp_path / "m.hd5", units, "1.2.0", group))
    assert same(model, loaded, inputs(CLIP))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


def joined(outputs, axis):
    return np.concatenate(outputs, axis=-1)


MERGES = [("ave", np.mean), ("concat", joined)]
MERGES += [
    pytest.param(*merge, marks=pytest.mark.slow) for merge in (("sum", np.sum), ("mul", np.prod), ("max", np.max))
]


@pytest.mark.parametrize(("mode", "merge"), MERGES)
def test_keras1_ensemble_of_merged_sequentials(mode, merge, tmp_path):
    members = [randomized(cnn3d(first=i)) for i in (1, 2, 3)]
    members[1].set_weights([weight / 2 for weight in members[1].get_weights()])
    branches = [{"class_name": "Sequential", "config": keras1_cnn3d(i)} for i in (1, 2, 3)]
    config = {
        "name": "merge_1",
        "mode": mode,
        "mode_type": "raw",
        "concat_axis": -1,
        "dot_axes": -1,
        "layers": branches,
    }
    json_path = write(tmp_path / "m.json", "Sequential", [{"class_name": "Merge", "config": config}])
    units = [(layer.name, layer) for member in members for layer in member.layers]
    loaded = loading.load_model(json_path, old_weights(tmp_path / "m.hd5", units, "1.2.0"))
    x = [inputs(CLIP, i) for i in range(3)]
    expected = merge([member(clip) for member, clip in zip(members, x, strict=True)], axis=0)
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-6)


def test_keras2_ensemble_with_an_input_for_each_member(tmp_path):
    members = [randomized(cnn3d(f"sequential_{i}", i)) for i in (1, 2)]
    members[1].set_weights([weight / 2 for weight in members[1].get_weights()])
    graph = [keras2_input(f"input_{i}", CLIP) for i in (1, 2)]
    for i, member in enumerate(members, 1):
        nodes = [[[f"input_{i}", 0, 0, {}]]]
        graph.append(
            {"class_name": "Sequential", "config": keras1_cnn3d(i), "name": member.name, "inbound_nodes": nodes}
        )
    nodes = [[["sequential_1", 1, 0, {}], ["sequential_2", 1, 0, {}]]]
    graph.append(
        {"class_name": "Average", "config": {"name": "average_1"}, "name": "average_1", "inbound_nodes": nodes}
    )
    ends = {"input_layers": [["input_1", 0, 0], ["input_2", 0, 0]], "output_layers": [["average_1", 0, 0]]}
    json_path = write(tmp_path / "m.json", "Model", {"name": "model_1", "layers": graph, **ends})
    loaded = loading.load_model(json_path, old_weights(tmp_path / "m.hd5", [(m.name, m) for m in members[::-1]]))
    x = [inputs(CLIP, i) for i in range(2)]
    np.testing.assert_allclose(loaded(x), (members[0](x[0]) + members[1](x[1])) / 2, rtol=1e-6)


def keras2_functional(activation="relu"):
    """A nested model that is called twice, batch normalization as TensorFlow 1 wrote it, and one shared input."""
    inner = [keras2_input("input_2", FRAME), keras2_conv("conv2d_1", 4)]
    inner[1] |= {"name": "conv2d_1", "inbound_nodes": [[["input_2", 0, 0, {}]]]}
    ends = {"input_layers": [["input_2", 0, 0]], "output_layers": [["conv2d_1", 0, 0]]}
    normalization = {"name": "bn", "axis": [3], "momentum": 0.9, "epsilon": 0.01, "center": True, "scale": True}
    normalization |= {"fused": True, "renorm": False, "virtual_batch_size": None, "gamma_initializer": "ones"}
    graph = [
        keras2_input("input_1", FRAME),
        {"class_name": "LeakyReLU", "config": {"alpha": {"type": "ndarray", "value": 0.2}}, "name": "leaky"},
        {"class_name": "Model", "config": {"name": "inner", "layers": inner, **ends}, "name": "inner"},
        {"class_name": "Add", "config": {"name": "add_1"}, "name": "add_1"},
        {"class_name": "BatchNormalizationV1", "config": normalization, "name": "bn"},
        {"class_name": "Activation", "config": {"activation": activation}, "name": "block/act"},
        {"class_name": "GlobalMaxPooling2D", "config": {"data_format": "channels_last"}, "name": "pool"},
    ]
    calls = [["input_1", 0]], ["input_1", 0], ["add_1", 0], ["bn", 0], ["block/act", 0]
    graph[1]["inbound_nodes"] = [[["input_1", 0, 0, {}]]]
    graph[2]["inbound_nodes"] = [[["input_1", 0, 0, {}]], [["leaky", 0, 0, {"training": False}]]]
    graph[3]["inbound_nodes"] = [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]]
    for layer, (source, call) in zip(graph[4:], calls[2:], strict=True):
        layer["inbound_nodes"] = [[[source, call, 0, {}]]]
    return {"name": "m", "layers": graph, "input_layers": [["input_1", 0, 0]], "output_layers": [["pool", 0, 0]]}


def test_keras2_functional_model(tmp_path):
    inner_input, frame = keras.Input(FRAME), keras.Input(FRAME)
    inner = keras.Model(inner_input, layers.Conv2D(4, 3)(inner_input), name="inner")
    norm = layers.BatchNormalization(epsilon=0.01, name="bn")
    x = norm(layers.Add()([inner(frame), inner(layers.LeakyReLU(negative_slope=0.2)(frame))]))
    model = randomized(keras.Model(frame, layers.GlobalMaxPooling2D()(layers.ReLU()(x))))
    json_path = write(tmp_path / "m.json", "Model", keras2_functional())
    loaded = loading.load_model(json_path, old_weights(tmp_path / "m.hd5", [("inner", inner), ("bn", norm)]))
    x = inputs(FRAME) - 1
    assert same(model, loaded, x)
    assert loaded.predict(x, verbose=0).shape == (3, 4)
    assert {"inner", "bn", "block_act"} < {layer.name for layer in loaded.layers}


def test_keras2_sequential_2d(tmp_path):
    steps = [
        keras2_conv("conv2d_1", 4, batch_input_shape=[None, *FRAME], dtype="float32"),
        {"class_name": "PReLU", "config": {"name": "p_re_lu_1", "shared_axes": [1, 2], "alpha_initializer": "zeros"}},
        {"class_name": "ELU", "config": {"name": "elu_1", "alpha": 0.7}},
        {"class_name": "Permute", "config": {"name": "permute_1", "dims": [3, 1, 2]}},
        {"class_name": "Reshape", "config": {"name": "reshape_1", "target_shape": [4, 49]}},
        {"class_name": "Flatten", "config": {"name": "flatten_1"}},
        {"class_name": "Dense", "config": {"name": "dense_1", "units": 3, "activation": "softmax"}},
    ]
    convolution, slope, dense = layers.Conv2D(4, 3), layers.PReLU(shared_axes=[1, 2]), layers.Dense(3, "softmax")
    rest = [layers.ELU(0.7), layers.Permute((3, 1, 2)), layers.Reshape((4, 49)), layers.Flatten()]
    model = randomized(keras.Sequential([layers.Input(FRAME), convolution, slope, *rest, dense]))
    json_path = write(tmp_path / "m.json", "Sequential", {"name": "s", "layers": steps})
    units = [("renamed", convolution), ("p_re_lu_1", slope), ("dense_1", dense)]  # then the order counts
    assert same(model, loading.load_model(json_path, old_weights(tmp_path / "m.hd5", units)), inputs(FRAME) - 1)


def test_agrees_with_keras2_itself(tmp_path):
    keras2 = pytest.importorskip("tf_keras")
    old = keras2.layers
    frame = keras2.Input(FRAME)
    inner = keras2.Sequential([old.Conv2D(4, 3, input_shape=FRAME), old.BatchNormalization(), old.LeakyReLU(0.2)])
    x = old.Concatenate()([inner(frame), inner(old.ReLU(2.0)(frame))])
    model = keras2.Model(frame, old.Dense(3, activation="softmax")(old.GlobalAveragePooling2D()(x)))
    model = randomized(model)
    (tmp_path / "m.json").write_text(model.to_json())
    model.save_weights(tmp_path / "m.h5")
    loaded = loading.load_model(tmp_path / "m.json", tmp_path / "m.h5")
    np.testing.assert_allclose(loaded(inputs(FRAME)), model(inputs(FRAME)), rtol=2e-6)


def hard_sigmoid(x):
    """As Keras 1 and 2 computed it."""
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


SEQUENCE = (4, 6, 6, 2)
OLD = {"implementation": 1, "unit_forget_bias": True, "dropout": 0.0, "time_major": False}  # of keys that come and go


def recurrent(activation):
    """Layers with a hard sigmoid each: `activation` itself, or its name."""
    gate, sigmoid = {"recurrent_activation": activation}, {"activation": activation}
    return [
        layers.ConvLSTM2D(3, 3, return_sequences=True, **gate),
        layers.Conv3D(3, 3, padding="same", **sigmoid),
        layers.TimeDistributed(layers.SeparableConv2D(2, 3, **sigmoid)),
        layers.Activation(activation),
        layers.TimeDistributed(layers.Flatten()),
        layers.Bidirectional(layers.GRU(3, return_sequences=True, reset_after=False, **gate)),
        layers.LSTM(4, **gate),
        layers.Dense(3, **sigmoid),
    ]


def keras2_config(layer):
    """The config of a layer of Keras 3 in the JSON of Keras 2, as far as these differ."""
    if "layer" in (config := layer.get_config()):
        inner = {"layer": keras2_config(layer.layer if hasattr(layer, "layer") else layer.forward_layer)}
        config = {"name": config["name"], **inner} | ({"merge_mode": "concat"} if "merge_mode" in config else {})
        return {"class_name": type(layer).__name__, "config": config}
    config = {key: value for key, value in config.items() if not isinstance(value, dict) and "quant" not in key}
    config = {key: value for key, value in config.items() if key not in ("reset_after", "seed", "dtype")}
    return {"class_name": type(layer).__name__, "config": config | (OLD if isinstance(layer, layers.LSTM) else {})}


def test_keras2_hard_sigmoid(tmp_path):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input(SEQUENCE), *recurrent(hard_sigmoid)])
    for layer in (model.layers[5].forward_layer, model.layers[5].backward_layer):  # Keras makes its own, by the name
        layer.cell.recurrent_activation = hard_sigmoid
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    config = [keras2_config(layer) for layer in recurrent("hard_sigmoid")]
    for entry, layer in zip(config, model.layers, strict=True):
        entry["config"]["name"] = layer.name
    config[0]["config"]["batch_input_shape"] = [None, *SEQUENCE]
    json_path = write(tmp_path / "m.json", "Sequential", {"name": "s", "layers": config})
    loaded = loading.load_model(
        json_path, old_weights(tmp_path / "m.h5", [(layer.name, layer) for layer in model.layers])
    )
    x = rng.normal(0, 1, (3, *SEQUENCE)).astype("float32")
    expected = np.asarray(model(x))
    np.testing.assert_allclose(loaded(x), expected, atol=2e-6)
    assert ((expected > 0) & (expected < 1)).all()
    saving.save_model(loaded, tmp_path / "new.json", tmp_path / "new.hd5")  # nothing in it is special to this suite
    np.testing.assert_array_equal(loading.load_model(tmp_path / "new.json", tmp_path / "new.hd5")(x), loaded(x))


def test_keras2_functional_hard_sigmoid(tmp_path):
    frame = keras.Input(FRAME)
    pool = layers.GlobalMaxPooling2D()
    inner_input = keras.Input(FRAME)
    inner = keras.Model(inner_input, layers.Conv2D(4, 3)(inner_input), name="inner")
    norm = layers.BatchNormalization(epsilon=0.01, name="bn")
    x = norm(layers.Add()([inner(frame), inner(layers.LeakyReLU(negative_slope=0.2)(frame))]))
    model = randomized(keras.Model(frame, pool(layers.Activation(hard_sigmoid)(x))))
    json_path = write(tmp_path / "m.json", "Model", keras2_functional("hard_sigmoid"))
    loaded = loading.load_model(json_path, old_weights(tmp_path / "m.hd5", [("inner", inner), ("bn", norm)]))
    x = (inputs(FRAME) - 1.5) / 5
    np.testing.assert_allclose(loaded(x), model(x), atol=1e-6)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_keras1_keeps_the_gates_apart(kind, tmp_path):
    gates = {layers.LSTM: "icfo", layers.GRU: "zrh"}[kind]
    today = {layers.LSTM: "ifco", layers.GRU: "zrh"}[kind]
    options = {} if kind is layers.LSTM else {"reset_after": False}
    layer, dense = kind(5, recurrent_activation=hard_sigmoid, name="r", **options), layers.Dense(3, name="d")
    model = keras.Sequential([keras.Input((4, 7)), layer, dense])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    old = {"output_dim": 5, "inner_activation": "hard_sigmoid", "activation": "tanh", "inner_init": "orthogonal"}
    old |= {"init": "glorot_uniform", "consume_less": "cpu", "dropout_W": 0.0, "dropout_U": 0.0, "U_regularizer": None}
    old |= {"batch_input_shape": [None, 4, 7], "return_sequences": False, "go_backwards": False, "input_dim": 7}
    steps = [{"class_name": kind.__name__, "config": old | {"name": "r"}}]
    steps += [{"class_name": "Dense", "config": {"name": "d", "output_dim": 3, "bias": True, "activation": "linear"}}]
    path = old_weights(tmp_path / "m.hd5", [("r", layer), ("d", dense)], "1.2.0")
    parts = [dict(zip(today, np.split(weight, len(today), -1), strict=True)) for weight in layer.get_weights()]
    with h5py.File(path, "a") as file:
        names = [f"r_{part}_{gate}" for gate in gates for part in "WUb"]
        file["r"].attrs["weight_names"] = [name.encode() for name in names]
        for name in names:
            file["r"][name] = parts["WUb".index(name[2])][name[4]]
    x = rng.normal(0, 1, (3, 4, 7)).astype("float32")
    loaded = loading.load_model(write(tmp_path / "m.json", "Sequential", steps), path)
    np.testing.assert_allclose(loaded(x), model(x), atol=2e-6)


def test_hard_sigmoids_that_cannot_be_carried_over(tmp_path):
    layer = layers.LSTM(3, name="r")
    layer.build((None, 4, 7))
    config = {"name": "r", "units": 3, "activation": "hard_sigmoid", "batch_input_shape": [None, 4, 7]}
    path = write(tmp_path / "m.json", "Sequential", {"layers": [{"class_name": "LSTM", "config": config}]})
    assert "'r' has activation 'hard_sigmoid'" in fails(path, old_weights(tmp_path / "m.hd5", [("r", layer)]))


@pytest.mark.parametrize("config", [{"name": "Sequential", "layers": [{"name": "Dense"}]}, {"name": "Graph"}])
def test_a_model_of_keras_0_is_one_true_line(config, tmp_path):
    (tmp_path / "m.json").write_text(json.dumps(config))
    assert "not of a Sequential or functional Keras model" in fails(tmp_path / "m.json", tmp_path / "m.hd5")


@pytest.mark.parametrize(
    ("step", "key", "value", "reason"),
    [
        (0, "dim_ordering", "th", "'conv3d_1' has data_format 'th'"),
        (4, "name", None, "no model in it"),
        (5, "output_dim", "many", "Keras cannot build"),
        (5, "mystery", 3, "mystery"),
    ],
)
def test_keras1_models_that_cannot_be_translated(step, key, value, reason, tmp_path):
    steps = keras1_cnn3d()
    steps[step]["config"][key] = value
    json_path = write(tmp_path / "m.json", "Sequential", steps)
    model = cnn3d()
    hd5_path = old_weights(tmp_path / "m.hd5", [(layer.name, layer) for layer in model.layers], "1.2.0")
    assert reason in fails(json_path, hd5_path)


def test_old_weights_that_do_not_fit(tmp_path):
    json_path = write(tmp_path / "m.json", "Sequential", keras1_cnn3d())
    model = cnn3d()
    units = [(layer.name, layer) for layer in model.layers]
    assert "3 layers have weights in the file, 4 in" in fails(json_path, old_weights(tmp_path / "a", units[:-2]))
    assert "Theano" in fails(json_path, old_weights(tmp_path / "b", units, backend="theano"))
    other = [(name, layers.Dense(7, name=name)) if name == "dense_2" else (name, layer) for name, layer in units]
    other[-2][1].build((None, 4))
    message = fails(json_path, old_weights(tmp_path / "c", other))
    assert "'dense_2' has the shapes [(4, 3), (3,)] in the architecture, [(4, 7), (7,)] in the weights" in message


def test_old_lambda_is_refused(tmp_path):
    steps = keras1_cnn3d()
    steps[4] = {"class_name": "Lambda", "config": {"name": "lambda_1", "function": ["4wEA", None, None]}}
    path = write(tmp_path / "m.json", "Sequential", steps)
    model = cnn3d()
    hd5_path = old_weights(tmp_path / "m.hd5", [(layer.name, layer) for layer in model.layers])
    assert "'lambda_1' is or contains 'Lambda'" in fails(path, hd5_path)
    steps[4] = {"class_name": "Flatten", "config": {"name": "f"}, "registered_name": "stranger>Flatten"}
    assert "'f' is a custom 'stranger>Flatten'" in fails(write(path, "Sequential", steps), hd5_path)
