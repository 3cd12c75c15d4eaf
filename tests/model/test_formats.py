"""Exported models of all kinds say what the model says, in the programs that will run them."""

import keras
import numpy as np
import pytest
from keras import layers

from actioncnn import device
from actioncnn.errors import UserError
from actioncnn.model import formats
from actioncnn.model.loading import read_facts
from actioncnn.train import networks

device.setup("float32")
CLIP = (16, 16, 4, 1)
NETWORKS = {
    "cnn2d": lambda: networks.cnn2d((16, 16, 3), 3),
    "residual": lambda: networks.residual(CLIP, 3, widths=(4, 6, 8)),
    "ensemble": lambda: networks.average([networks.cnn3d(CLIP, 3), networks.cnn3d(CLIP, 3)]),
}


def clips(shape, count=5):
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "format"),
    [
        ("cnn2d", "tflite"),
        ("residual", "tflite"),
        ("residual", "onnx"),
        ("ensemble", "tflite"),
        ("ensemble", "savedmodel"),
        ("ensemble", "keras"),
    ],
)  # cnn3d in all formats: tests/scripts/test_export.py
def test_the_networks_of_the_suite(kind, format, tmp_path):
    keras.utils.set_random_seed(0)
    model, path = NETWORKS[kind](), tmp_path / f"net.{format}"
    shown = clips(model.input_shape[1:])
    note = formats.write_export(model, format, path, {"classes": ["a", "b", "c"]})
    assert note is None  # so LiteRT needs no operations of TensorFlow
    (answer,) = formats.open_export(format, path)(shown)
    assert format != "keras" or read_facts(path)["classes"] == ["a", "b", "c"]
    assert np.abs(answer - model.predict_on_batch(shown)).max() < 1e-5
    assert answer.shape == (5, 3) and np.ptp(answer, axis=0).max() > 1e-3  # the clips differ
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kind", [layers.MaxPooling3D, layers.AveragePooling3D])
def test_pooling_over_sides_is_pooling_over_the_box(kind, padding):
    model = keras.Sequential([keras.Input((5, 7, 8, 2)), kind((2, 3, 2), (1, 2, 3), padding=padding)])
    shown = clips((5, 7, 8, 2)) - 200
    flat = formats.flat_pooling(model)
    assert flat.output_shape == model.output_shape
    np.testing.assert_allclose(flat.predict_on_batch(shown), model.predict_on_batch(shown), rtol=1e-5, atol=1e-4)
    assert np.array_equal(model.predict_on_batch(shown), model.predict_on_batch(shown))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "tflite", "savedmodel"])
def test_networks_of_others(format, tmp_path):
    """Several inputs become one, several outputs stay; the statistics of a Normalization are not taken for inputs."""
    clips_in = [keras.Input(CLIP), keras.Input(CLIP)]
    steps = [layers.Normalization(mean=[100.0], variance=[900.0]), layers.Conv3D(2, 3), layers.Flatten()]
    branches = [keras.Sequential([keras.Input(CLIP), *steps])(clip) for clip in clips_in]
    x = layers.Concatenate()(branches)
    network = keras.Model(clips_in, {"b": layers.Dense(3, "softmax", name="verb")(x), "a": layers.Dense(2)(x)})
    formats.write_export(network, format, tmp_path / "net")
    shown = clips(CLIP)
    answers = formats.open_export(format, tmp_path / "net")(shown)
    for answer, expected in zip(answers, keras.tree.flatten(network.predict_on_batch([shown, shown])), strict=True):
        np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "tflite", "savedmodel", "keras"])
def test_augmentation_layers_are_exported_as_in_prediction(format, tmp_path):
    steps = [layers.RandomFlip(), layers.RandomRotation(0.3), layers.RandomContrast(0.5)]
    network = keras.Sequential([keras.Input((12, 12, 3)), *steps, layers.Flatten(), layers.Dense(3, "softmax")])
    formats.write_export(network, format, tmp_path / f"net.{format}", {})
    shown = clips((12, 12, 3)) / 255
    (answer,) = formats.open_export(format, tmp_path / f"net.{format}")(shown)
    np.testing.assert_allclose(answer, network(shown, training=False), atol=1e-5)


@pytest.mark.slow
def test_what_litert_has_no_operation_for(tmp_path, monkeypatch):
    """It is said; the interpreter, which has no operations of TensorFlow, ends in one line."""
    monkeypatch.setattr(formats, "POOLING", {})
    steps = [layers.MaxPooling3D(2), layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((6, 6, 4, 1)), *steps])
    assert "Select TF ops" in formats.write_export(model, "tflite", tmp_path / "net.tflite")
    with pytest.raises(UserError, match="net.tflite: is written, but not checked: .*Select TensorFlow op"):
        formats.open_export("tflite", tmp_path / "net.tflite")


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    def fail(model, path, facts):
        raise ValueError("no such\noperation")

    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    (tmp_path / "net.onnx").write_text("the old one")
    monkeypatch.setitem(formats.FORMATS, "onnx", formats.FORMATS["onnx"]._replace(write=fail))
    with pytest.raises(UserError, match="--format onnx: the model cannot be converted: ValueError: no such operation$"):
        formats.write_export(model, "onnx", tmp_path / "net.onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the old one"]
    monkeypatch.setitem(formats.FORMATS, "onnx", formats.FORMATS["onnx"]._replace(packages=("no_such_package",)))
    with pytest.raises(UserError, match="no-such-package is not installed: pip install -r requirements-export.txt"):
        formats.write_export(model, "onnx", tmp_path / "net.onnx")
