"""Models out and in, and files that are not what they should be."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest
from saved_models import CLIP, FRAME, cnn2d, cnn3d, ensemble, fails, inputs, keras, layers, randomized, same

from actioncnn.errors import UserError
from actioncnn.model import loading, saving


def test_import_leaves_keras_alone():
    heavy = "any(name in sys.modules for name in ('keras', 'h5py', 'numpy'))"
    code = f"import sys, actioncnn.model.loading; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(loading.__file__).parents[2]).returncode == 0


@pytest.mark.parametrize(("build", "shape"), [(cnn2d, FRAME), (cnn3d, CLIP), (ensemble, CLIP)])
def test_round_trip_is_exact(build, shape, tmp_path):
    model = randomized(build())
    saving.save_model(model, tmp_path / "m.json", tmp_path / "m.hd5")
    loaded = loading.load_model(tmp_path / "m.json", tmp_path / "m.hd5")
    assert same(model, loaded, inputs(shape))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.hd5", "m.json"]


def test_files_hold_no_training_state(saved):
    model, json_path, hd5_path = saved
    with h5py.File(hd5_path) as file:
        assert "optimizer" not in file
    assert "compile_config" not in json.loads(json_path.read_text())
    loaded = loading.load_model(json_path, hd5_path)
    assert not loaded.compiled
    assert same(model, loaded, inputs(FRAME))


def test_loads_keras_and_full_h5_files(saved, tmp_path):
    model, json_path, _ = saved
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    for paths in [("m.keras",), ("m.h5",), (json_path, "m.keras"), (json_path, "m.h5")]:
        assert same(model, loading.load_model(*(tmp_path / path for path in paths)), inputs(FRAME))


def test_failed_save_keeps_the_old_files(saved, monkeypatch):
    model, json_path, hd5_path = saved
    before = json_path.read_bytes(), hd5_path.read_bytes()

    def full_disk(path, content):
        with path.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UserError, match=r"m.hd5: cannot be written \(No space left on device; it needs \d+ bytes"):
        saving.save_model(model, json_path, hd5_path)
    monkeypatch.undo()
    assert before == (json_path.read_bytes(), hd5_path.read_bytes())
    assert len(list(json_path.parent.iterdir())) == 2
    with pytest.raises(UserError, match="cannot be written"):
        saving.save_model(model, json_path.parent / "none" / "m.json", json_path.parent / "none" / "m.hd5")


def test_one_file_for_keras_tells_the_classes(saved, tmp_path):
    import keras

    model, told = saved[0], {"classes": ["a", "bad\udcffname", "篮球"], "sampling": {"size": 9}}
    contents = []
    for name in "xy":
        paths = [tmp_path / f"{name}{ending}" for ending in (".json", ".hd5", ".keras")]
        saving.save_model(model, *paths, told)
        contents.append([path.read_bytes() for path in paths])
        assert same(model, loading.load_model(paths[2]), inputs(FRAME))
        assert same(model, keras.saving.load_model(paths[2]), inputs(FRAME))
        assert [loading.read_facts(path).get("classes") for path in paths] == [None, told["classes"], told["classes"]]
    assert contents[0] == contents[1]
    with zipfile.ZipFile(tmp_path / "x.keras") as archive:
        assert json.loads(archive.read("metadata.json"))["sampling"] == {"size": 9}
    assert model.compiled


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


def test_weights_that_are_changed_are_not_taken(saved, tmp_path):
    """A single bit of any array is noticed, though what it makes is a number still."""
    _, json_path, hd5_path = saved
    whole, arrays = hd5_path.read_bytes(), []
    with h5py.File(hd5_path) as file:
        file.visititems(lambda name, item: arrays.append(item.id) if getattr(item, "shape", ()) else None)
        places = [(array.get_chunk_info(0).byte_offset, array.get_chunk_info(0).size) for array in arrays]
    for number, (start, size) in enumerate(places):
        place = start + number * 997 % size
        (tmp_path / "bad.hd5").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert "is damaged, as its checksum tells" in fails(json_path, tmp_path / "bad.hd5")


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
    saving.save_model(cnn3d(), tmp_path / "other.json", tmp_path / "other.hd5")
    fails(json_path, tmp_path / "other.hd5")


@pytest.mark.parametrize("kind", ["keras", "h5", "json"])
def test_spectral_normalization(kind, tmp_path):
    """Its wrapped layer's kernel is stored twice, once as its own."""
    steps = [layers.Input(CLIP), layers.SpectralNormalization(layers.Conv3D(2, 3)), layers.Flatten(), layers.Dense(3)]
    model = randomized(keras.Sequential(steps))
    path, weights = tmp_path / f"m.{kind}", tmp_path / "m.weights.h5"
    if kind == "json":
        path.write_text(model.to_json())
        model.save_weights(weights)
    else:
        model.save(path)
    assert same(model, loading.load_model(path, weights if kind == "json" else None), inputs(CLIP))
