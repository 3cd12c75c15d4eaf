"""A stranger's model files: nothing in them runs, reaches out or fills the memory."""

import json
import zipfile

import h5py
import numpy as np
import pytest
from saved_models import fails

from actioncnn.modelfile import audit

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


@pytest.mark.parametrize("attack", [external_link, soft_link, external_storage, virtual_dataset, shape_bomb])
def test_weights_that_reach_out_are_refused(attack, saved, tmp_path):
    _, json_path, hd5_path = saved
    with h5py.File(tmp_path / "secret.hd5", "w") as other:
        other["x"] = np.ones(2, "f4")
    with h5py.File(hd5_path, "a") as file:
        attack(file, tmp_path / "secret.hd5")
    assert fails(json_path, hd5_path).endswith("refused")


def test_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "FREE_VALUES", 1000)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 4001)
    assert fails(path).endswith("to 4001 bytes: refused")
