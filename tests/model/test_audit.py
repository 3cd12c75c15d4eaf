"""A stranger's model files: nothing in them runs, reaches out or fills the memory."""

import json
import zipfile

import h5py
import numpy as np
import pytest
from saved_models import fails, keras

from actioncnn.errors import UserError
from actioncnn.model import audit, loading, saving
from actioncnn.model.saving import save_model

layers = keras.layers

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
    file.create_dataset("layers/more", (audit.FREE_VALUES, 10), "f4", chunks=True)


def item_bomb(file, other):
    file.create_dataset("layers/more", (1,), np.dtype(("V", 1 << 30)), chunks=True)


def deep_groups(file, other):
    file.create_group("/".join("g" * 1000))


def many_groups(file, other):
    for number in range(audit.BOUNDS["groups and arrays"] + 1):
        file.create_group(f"many/{number}")


def long_attribute(file, other):
    file.create_dataset("layers/more", (1,), "f4").attrs.create("x", np.zeros(1, np.dtype(("V", 60_000))))


ATTACKS = [external_link, soft_link, external_storage, virtual_dataset, shape_bomb]


@pytest.mark.parametrize("attack", [*ATTACKS, item_bomb, deep_groups, many_groups, long_attribute])
def test_weights_that_reach_out_or_cost_the_machine_are_refused(attack, saved, tmp_path, monkeypatch):
    monkeypatch.setitem(audit.BOUNDS, "groups and arrays", 2000)
    monkeypatch.setitem(audit.BOUNDS, "bytes of JSON", 50_000)
    _, json_path, hd5_path = saved
    with h5py.File(tmp_path / "secret.hd5", "w") as other:
        other["x"] = np.ones(2, "f4")
    with h5py.File(hd5_path, "a") as file:
        attack(file, tmp_path / "secret.hd5")
    assert "refused" in fails(json_path, hd5_path)


CHANGES = {
    "layers": lambda config: config["config"]["layers"].extend(config["config"]["layers"][-1:] * 2000),
    "values of a clip in a layer": lambda config: config["config"]["layers"][0]["config"].update(
        batch_shape=[None, 6, 6, 2_000_000_000, 1]
    ),
    "bytes of JSON": lambda config: config.update(more="x" * (5 << 20)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_bounds_of_an_architecture(what, tmp_path):
    steps = [keras.layers.Input((6, 6, 4, 1)), keras.layers.Conv3D(2, 3), keras.layers.GlobalAveragePooling3D()]
    model = keras.Sequential([*steps, keras.layers.Dense(2)])
    config = json.loads(model.to_json())
    saving.save_model(model, tmp_path / "m.json", tmp_path / "m.hd5")
    CHANGES[what](config)
    (tmp_path / "m.json").write_text(json.dumps(config))
    reason = fails(tmp_path / "m.json", tmp_path / "m.hd5")
    assert f" {what}, more than " in reason and "--large True" in reason


def test_bounds_can_be_lifted(monkeypatch):
    monkeypatch.setattr(audit, "BOUNDS", {"layers": 3})
    with pytest.raises(UserError, match="has 4 layers, more than 3"):
        audit.bounded("layers", 4)
    audit.lift_bounds()
    audit.bounded("layers", 10**9)


def test_weights_must_be_numbers(tmp_path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
    saving.save_model(model, tmp_path / "m.json", tmp_path / "m.hd5")
    assert "kernel' are not all numbers" in fails(tmp_path / "m.json", tmp_path / "m.hd5")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(packing, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w", packing) as archive:
        archive.writestr("config.json", "{}")
    assert "config.json in it is packed in a way that Keras does not use" in fails(tmp_path / "m.keras")


def test_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "FREE_VALUES", 1000)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 4001)
    assert fails(path).endswith("to 4001 bytes: refused")


ATTENTION = {
    "scores of two heads": (36_000, 1, lambda x: layers.MultiHeadAttention(2, 2)(x, x)),
    "scores": (36_000, 1, lambda x: layers.Attention()([x, x])),
    "sums of all pairs": (3000, 64, lambda x: layers.AdditiveAttention()([x, x])),
    "scores over a picture": (32_400, 1, lambda x: layers.MultiHeadAttention(1, 2, attention_axes=(1,))(x, x)),
}


@pytest.mark.parametrize(("places", "channels", "attend"), ATTENTION.values(), ids=ATTENTION)
def test_attention_over_many_places_takes_gigabytes(tmp_path, places, channels, attend):
    clip = keras.Input((places, channels))
    scores = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(attend(clip)))
    save_model(keras.Model(clip, scores), keras_path=tmp_path / "m.keras")
    with pytest.raises(UserError, match=r"m.keras.*values of a clip"):
        loading.load_model(tmp_path / "m.keras")


def test_attention_over_few_places_is_read(tmp_path):
    clip = keras.Input((16, 8, 4))
    model = keras.Model(clip, layers.MultiHeadAttention(2, 2)(clip, clip))
    save_model(model, keras_path=tmp_path / "m.keras")
    assert audit.sizes_of(loading.load_model(tmp_path / "m.keras"))[1] == 2 * (16 * 8) ** 2


@pytest.mark.parametrize("frames", [(), (4,)], ids=["nested", "TimeDistributed"])
def test_sizes_that_a_nested_model_leaves_open_are_counted(frames, tmp_path):
    steps = [keras.Input((None, None, 1)), layers.UpSampling2D(1000), layers.GlobalAveragePooling2D()]
    inner, clip = keras.Sequential(steps), keras.Input((*frames, 100, 100, 1))
    scores = (layers.TimeDistributed(inner) if frames else inner)(clip)
    save_model(keras.Model(clip, layers.Dense(2)(layers.Flatten()(scores))), keras_path=tmp_path / "m.keras")
    with pytest.raises(UserError, match="has 10000000000 values of a clip in a layer"):
        loading.load_model(tmp_path / "m.keras")


def test_a_nested_model_of_any_size_is_read(tmp_path):
    inner = keras.Sequential([keras.Input((None, None, 1)), layers.UpSampling2D(2), layers.GlobalMaxPooling2D()])
    clip = keras.Input((3, 6, 6, 1))
    save_model(keras.Model(clip, layers.TimeDistributed(inner)(clip)), keras_path=tmp_path / "m.keras")
    assert audit.sizes_of(loading.load_model(tmp_path / "m.keras"))[1] == 12 * 12
