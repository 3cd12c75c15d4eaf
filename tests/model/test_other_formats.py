"""Files that are no model of Keras: one line says what each is, and what to do."""

import io
import json
import pickle
import zipfile

import h5py
import numpy as np
import pytest
from foreign_models import COLOUR, classifier, conv3d, save

from actioncnn.errors import UserError


def archive(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return content.getvalue()


FILES = {
    "model.h5": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    "model.json": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + bytes(40), "TFLite"),
    "renamed.h5": (b"\x1c\0\0\0TFL3" + bytes(40), "TFLite"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch", "ONNX"),
    "frozen.pb": (b"\n\x0c\n\x01x\x12\x0bPlaceholder", "graph"),
    "model.pkl": (pickle.dumps({"a": 1}), "pickle"),
    "pickled.h5": (pickle.dumps({"a": 1}), "pickle"),
    "model.pt": (archive("model/data.pkl", "model/data/0"), "PyTorch"),
    "old.pth": (b"whatever", "PyTorch"),
    "weights.npz": (archive("a.npy"), "NumPy"),
    "tfjs.json": (json.dumps({"modelTopology": {}, "weightsManifest": []}).encode(), "tensorflowjs_converter"),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_named_with_a_remedy(name, tmp_path):
    content, words = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as error:
        classifier(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value)


def test_a_pointer_in_place_of_the_weights(tmp_path):
    path = save(conv3d(COLOUR), tmp_path, "json")
    path.with_suffix(".hd5").write_bytes(FILES["model.h5"][0])
    with pytest.raises(UserError, match=r"m\.hd5: .*git lfs pull"):
        classifier(path)


@pytest.mark.parametrize("keras_2", [False, True])
def test_a_saved_model(keras_2, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    if keras_2:
        (tmp_path / "keras_metadata.pb").write_bytes(b"x")
    with pytest.raises(UserError, match="tf_keras" if keras_2 else "exported"):
        classifier(tmp_path)


def test_data_in_hdf5(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["images"] = np.zeros(9)
    with pytest.raises(UserError, match="data"):
        classifier(tmp_path / "data.h5")
    path = save(conv3d(COLOUR), tmp_path, "json")
    (tmp_path / "data.h5").rename(path.with_suffix(".hd5"))
    with pytest.raises(UserError, match="data"):
        classifier(path)
