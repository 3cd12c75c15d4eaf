import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from actioncnn import modelfile, trust
from actioncnn.cli import UserError

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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A compiled and trained 2D CNN, and the folder of its two files."""
    folder = tmp_path_factory.mktemp("saved")
    model = randomized(cnn2d())
    model.compile("adam", "categorical_crossentropy")
    model.fit(inputs(FRAME), np.eye(3), verbose=0)
    modelfile.save(model, folder / "m.json", folder / "m.hd5")
    return model, folder


@pytest.fixture
def saved(trained, tmp_path):
    """The same with copies of the files: model, JSON, HDF5."""
    model, folder = trained
    files = [Path(shutil.copy(folder / name, tmp_path)) for name in ("m.json", "m.hd5")]
    return model, *files


def same(model, loaded, x):
    np.testing.assert_array_equal(model(x, training=False), loaded(x, training=False))
    return True


def fails(*paths):
    with pytest.raises(UserError) as caught:
        modelfile.load(*paths)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(tuple(map(str, paths)))
    return message


def test_import_leaves_keras_alone():
    code = "import sys, actioncnn.modelfile; sys.exit(any(name in sys.modules for name in ('keras', 'h5py', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(modelfile.__file__).parents[1]).returncode == 0


@pytest.mark.parametrize(("build", "shape"), [(cnn2d, FRAME), (cnn3d, CLIP), (ensemble, CLIP)])
def test_round_trip_is_exact(build, shape, tmp_path):
    model = randomized(build())
    modelfile.save(model, tmp_path / "m.json", tmp_path / "m.hd5")
    loaded = modelfile.load(tmp_path / "m.json", tmp_path / "m.hd5")
    assert same(model, loaded, inputs(shape))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.hd5", "m.json"]


def test_files_hold_no_training_state(saved):
    model, json_path, hd5_path = saved
    with h5py.File(hd5_path) as file:
        assert "optimizer" not in file
    assert "compile_config" not in json.loads(json_path.read_text())
    loaded = modelfile.load(json_path, hd5_path)
    assert not loaded.compiled
    assert same(model, loaded, inputs(FRAME))


def test_loads_keras_and_full_h5_files(saved, tmp_path):
    model, json_path, _ = saved
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    for paths in [("m.keras",), ("m.h5",), (json_path, "m.keras"), (json_path, "m.h5")]:
        assert same(model, modelfile.load(*(tmp_path / path for path in paths)), inputs(FRAME))


def test_failed_save_keeps_the_old_files(saved, monkeypatch):
    model, json_path, hd5_path = saved
    before = json_path.read_bytes(), hd5_path.read_bytes()

    def full_disk(self, path):
        path.write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(model), "save_weights", full_disk)
    with pytest.raises(UserError, match="m.hd5: cannot be written: No space left"):
        modelfile.save(model, json_path, hd5_path)
    assert before == (json_path.read_bytes(), hd5_path.read_bytes())
    assert len(list(json_path.parent.iterdir())) == 2
    with pytest.raises(UserError, match="cannot be written"):
        modelfile.save(model, json_path.parent / "none" / "m.json", json_path.parent / "none" / "m.hd5")


# ------------------------------------------------------------------------------------ files of Keras 1 and Keras 2


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
    loaded = modelfile.load(json_path, old_weights(tmp_path / "m.hd5", units, "1.2.0", group))
    assert same(model, loaded, inputs(CLIP))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


def joined(outputs, axis):
    return np.concatenate(outputs, axis=-1)


MERGES = [("ave", np.mean), ("sum", np.sum), ("mul", np.prod), ("max", np.max), ("concat", joined)]


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
    loaded = modelfile.load(json_path, old_weights(tmp_path / "m.hd5", units, "1.2.0"))
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
    loaded = modelfile.load(json_path, old_weights(tmp_path / "m.hd5", [(m.name, m) for m in members[::-1]]))
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
    loaded = modelfile.load(json_path, old_weights(tmp_path / "m.hd5", [("inner", inner), ("bn", norm)]))
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
    assert same(model, modelfile.load(json_path, old_weights(tmp_path / "m.hd5", units)), inputs(FRAME) - 1)


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
    loaded = modelfile.load(tmp_path / "m.json", tmp_path / "m.h5")
    np.testing.assert_allclose(loaded(inputs(FRAME)), model(inputs(FRAME)), rtol=2e-6)


@pytest.mark.parametrize(
    ("step", "key", "value", "reason"),
    [
        (0, "dim_ordering", "th", "'conv3d_1' has data_format 'th'"),
        (1, "activation", "hard_sigmoid", "'conv3d_2' has activation 'hard_sigmoid'"),
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


# ------------------------------------------------------------------------------------------------- a user's mistakes


def test_what_is_not_a_model(saved, tmp_path):
    _, json_path, hd5_path = saved
    bad = tmp_path / "bad"
    assert "no such file" in fails(tmp_path / "none.json", hd5_path)
    assert "no such file" in fails(json_path, tmp_path / "none.hd5")
    assert "no such file" in fails(tmp_path, hd5_path)
    assert "no HDF5 file of weights" in fails(json_path)
    assert "holds weights only" in fails(hd5_path)
    for content, reason in [
        (b"", "no model in it"),
        (b'{"class_name": "Sequ', "no model in it"),
        (b"[" * 100_000, "no model in it"),
        (b"\xff\x00", "no model in it"),
        (b"[1, 2]", "not of a Sequential or functional"),
        (b'{"class_name": "Dense", "config": {}}', "not of a Sequential or functional"),
        (b'{"class_name": "Sequential", "config": 3}', "Keras cannot build"),
        (b'{"class_name": "Sequential", "config": {"name": "s", "layers": []}}', "Keras cannot build"),
    ]:
        bad.write_bytes(content)
        assert reason in fails(bad, hd5_path), content


def test_damaged_weights(saved, tmp_path):
    model, json_path, hd5_path = saved
    whole = hd5_path.read_bytes()
    bad = tmp_path / "bad.hd5"
    for content in (b"", b"no HDF5", whole[: len(whole) // 2]):
        bad.write_bytes(content)
        assert "no HDF5 file of weights, or a damaged one" in fails(json_path, bad)
    with h5py.File(bad, "w") as file:
        file["something"] = [1.0]
    assert "holds no weights" in fails(json_path, bad)


def test_damaged_keras_file(saved, tmp_path):
    model, *_ = saved
    path = tmp_path / "m.keras"
    model.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    fails(path)
    path.write_bytes(whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
    fails(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert "without config.json" in fails(path)


def test_weights_of_another_model(saved, tmp_path):
    model, json_path, hd5_path = saved
    wider = tmp_path / "wider.json"
    wider.write_text(json_path.read_text().replace('"units": 3', '"units": 5'))
    reason = "'dense_1' has the shapes [(4, 5), (5,)] in the architecture, [(4, 3), (3,)] in the weights"
    assert reason in fails(wider, hd5_path)
    config = json.loads(json_path.read_text())
    config["config"]["layers"] = [layer for layer in config["config"]["layers"] if layer["name"] != "dense_1"]
    config["config"]["output_layers"] = [config["config"]["layers"][-1]["name"], 0, 0]
    wider.write_text(json.dumps(config))
    assert "more layers than the architecture" in fails(wider, hd5_path)
    modelfile.save(cnn3d(), tmp_path / "other.json", tmp_path / "other.hd5")
    fails(json_path, tmp_path / "other.hd5")


# -------------------------------------------------------------------------------------------------- a stranger's files

HOSTILE = [
    ({"class_name": "Lambda"}, "'dense_1' is or contains 'Lambda'"),
    ({"class_name": "TFSMLayer"}, "'dense_1' is or contains 'TFSMLayer'"),
    ({"class_name": "Evil", "module": "keras_cv.evil"}, "'dense_1' is or contains 'keras_cv.evil.Evil'"),
    ({"class_name": "Dense", "module": "keras_cv.evil"}, "'dense_1' is or contains 'keras_cv.evil.Dense'"),
    ({"registered_name": "stranger>Dense"}, "'dense_1' is or contains 'stranger>Dense'"),
    ({"class_name": ["Dense"]}, "no model in it"),
    ({"config": {"name": "dense_1", "units": 3, "activation": "evil"}}, "'dense_1' has the unknown activation 'evil'"),
    (
        {"config": {"name": "d", "units": 3, "activation": {"class_name": "function", "config": "f"}}},
        "'d' is or contains",
    ),
    ({"config": {"name": "d", "units": {"class_name": "__lambda__", "config": {"value": ""}}}}, "'d' is or contains"),
    ({"config": {"name": "dense_1", "units": 10**12}}, "has 5000000000"),
]


@pytest.mark.parametrize(("change", "reason"), HOSTILE)
@pytest.mark.parametrize("kind", ["json", "keras"])
def test_foreign_code_is_refused_before_it_is_imported(change, reason, kind, saved, tmp_path, monkeypatch):
    """Keras itself would import keras_cv: here a package that leaves a trace."""
    model, json_path, hd5_path = saved
    package = tmp_path / "path" / "keras_cv"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "evil.py").write_text("raise SystemExit('a stranger ran code')")
    monkeypatch.syspath_prepend(package.parent)
    config = json.loads(json_path.read_text())
    config["config"]["layers"][-1] |= change
    path = tmp_path / f"bad.{kind}"
    if kind == "json":
        path.write_text(json.dumps(config))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.write(hd5_path, "model.weights.h5")
    assert reason in fails(path, hd5_path)


def test_old_lambda_is_refused(tmp_path):
    steps = keras1_cnn3d()
    steps[4] = {"class_name": "Lambda", "config": {"name": "lambda_1", "function": ["4wEA", None, None]}}
    path = write(tmp_path / "m.json", "Sequential", steps)
    model = cnn3d()
    hd5_path = old_weights(tmp_path / "m.hd5", [(layer.name, layer) for layer in model.layers])
    assert "'lambda_1' is or contains 'Lambda'" in fails(path, hd5_path)
    steps[4] = {"class_name": "Flatten", "config": {"name": "f"}, "registered_name": "stranger>Flatten"}
    assert "'f' is a custom 'stranger>Flatten'" in fails(write(path, "Sequential", steps), hd5_path)


def external_link(file, other):
    file["layers/more"] = h5py.ExternalLink(other, "/layers")


def soft_link(file, other):
    file["layers/more"] = h5py.SoftLink("/vars")


def external_storage(file, other):
    file.create_dataset("layers/more", (2,), "f4", external=[(str(other), 0, 8)])


def virtual_dataset(file, other):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(other, "x", (2,))
    file.create_virtual_dataset("layers/more", layout)


def shape_bomb(file, other):
    file.create_dataset("layers/more", (trust.FREE_VALUES, 10), "f4", chunks=True)


@pytest.mark.parametrize("attack", [external_link, soft_link, external_storage, virtual_dataset, shape_bomb])
def test_weights_that_reach_out_are_refused(attack, saved, tmp_path):
    _, json_path, hd5_path = saved
    with h5py.File(tmp_path / "secret.hd5", "w") as other:
        other["x"] = np.ones(2, "f4")
    with h5py.File(hd5_path, "a") as file:
        attack(file, tmp_path / "secret.hd5")
    assert fails(json_path, hd5_path).endswith("refused")


def test_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "FREE_VALUES", 1000)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 4001)
    assert fails(path).endswith("to 4001 bytes: refused")
