"""Models for other programs: SavedModel, ONNX, LiteRT (`.tflite`), `.keras`; and how each of them is run.

All take the clips that the model takes, float32, and give its probabilities. Call device.setup before anything here.
"""

import contextlib
import importlib
import io
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn import device
from actioncnn.errors import UserError, one_line
from actioncnn.model.loading import load_model
from actioncnn.model.saving import save_model

PACKAGES = "pip install -r requirements-export.txt"
SELECT = (
    "needs the Select TF ops of LiteRT, which phones link as an extra: a layer of this model has no LiteRT operation"
)


def write_savedmodel(model, path, facts):
    model.export(path, format="tf_saved_model", verbose=False, input_signature=clips_of(model))


def write_onnx(model, path, facts):
    model.export(path, format="onnx", verbose=False, input_signature=clips_of(model))


def clips_of(model, count=None):
    """What an exported model is called with: `count` clips, None for any number."""
    import tensorflow as tf

    return [tf.TensorSpec((count, *model.input_shape[1:]), name="clip")]


def write_keras(model, path, facts):
    save_model(model, keras_path=path, facts=facts)


def write_tflite(model, path, facts):
    """One clip a call, in operations of LiteRT alone where that can be -> None, or a note on what it needs."""
    import tensorflow as tf

    model, ops = flat_pooling(model), tf.lite.OpsSet
    how = {"format": "litert", "input_signature": clips_of(model, 1), "verbose": False}
    try:
        model.export(path, **how, target_spec={"supported_ops": [ops.TFLITE_BUILTINS]})
        return None
    except Exception:  # whatever the converter raises: what it cannot do here it may do with TensorFlow's operations
        model.export(path, **how)
        return SELECT


def open_savedmodel(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return lambda clips: loaded.serve(clips).numpy()  # `loaded` must live as long as its function


def open_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda clips: session.run(None, {name: clips})[0]


def open_keras(path):
    return load_model(path).predict_on_batch


def open_tflite(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()  # an operation that is not there is told here
    run = interpreter.get_signature_runner()
    (name,), (answer,) = run.get_input_details(), run.get_output_details()
    return lambda clips: np.concatenate([run(**{name: clip[None]})[answer] for clip in clips])


class Format(NamedTuple):
    """What writes a format (model, path, facts), what runs it (path -> function of clips), the packages of both."""

    write: object
    open: object
    packages: tuple = ()


FORMATS = {
    "savedmodel": Format(write_savedmodel, open_savedmodel),
    "onnx": Format(write_onnx, open_onnx, ("tf2onnx", "onnx", "onnxruntime")),
    "tflite": Format(write_tflite, open_tflite, ("ai_edge_litert",)),
    "keras": Format(write_keras, open_keras),
}


def check_packages(format):
    """UserError, with the command that installs it, where a package is missing that FORMATS[format] needs."""
    for package in FORMATS[format].packages:
        if importlib.util.find_spec(package) is None:
            raise UserError(f"--format {format}: {package.replace('_', '-')} is not installed: {PACKAGES}")


def export(model, format, path, facts=None):
    """Writes a model to `path`, a file or for `savedmodel` a directory, whole or not at all.

    facts: what a `.keras` file tells beside, as saving.save_model takes it. Returns None, or a note on what it needs.
    UserError: the format's converter refuses the model.
    """
    check_packages(format)
    with tempfile.TemporaryDirectory(prefix=".export", dir=path.parent) as folder:
        new = Path(folder, f"new.{format}")
        try:
            with quiet():
                note = FORMATS[format].write(model, str(new), facts or {})
        except Exception as error:  # converters fail in any way on layers that they do not know
            raise UserError(f"--format {format}: the model cannot be converted: {one_line(error)}") from error
        if path.is_dir():
            shutil.rmtree(path)
        new.replace(path)
    return note


def opened(format, path):
    """A function that runs an exported model: clips, float32 (B, ...) -> probabilities, float32 (B, classes).

    UserError: it cannot be run here, as Select TF ops cannot.
    """
    try:
        with quiet():
            return FORMATS[format].open(path)
    except Exception as error:  # whatever a runtime says of what it does not know
        raise UserError(f"{path}: is written, but not checked: {one_line(error)}") from error


@contextlib.contextmanager
def quiet():
    """Converters and interpreters talk, in Python and in C++."""
    with device.quiet(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        yield


def flat_pooling(model):
    """The same model with 3D pooling as 2D pooling over pictures and then over frames, which LiteRT has."""
    import keras

    def clone(layer):
        kind = POOLING.get(type(layer).__name__) if getattr(layer, "data_format", "") == "channels_last" else None
        new = type(layer).from_config(layer.get_config())
        if kind:
            new.call = lambda clips: pool_flat(kind, layer, clips)
        return new

    flat = keras.models.clone_model(model, clone_function=clone, recursive=True)
    flat.set_weights(model.get_weights())
    return flat


POOLING = {"MaxPooling3D": "max_pool", "AveragePooling3D": "average_pool"}


def pool_flat(kind, layer, clips):
    """What a 3D pooling layer makes of clips (B, T, H, W, C): maxima and means over a box are those over its sides."""
    import keras

    pool, (_, frames, height, width, channels) = getattr(keras.ops, kind), clips.shape
    sides, strides = layer.pool_size, layer.strides
    clips = keras.ops.reshape(clips, (-1, height, width, channels))
    clips = pool(clips, sides[1:], strides[1:], layer.padding, "channels_last")
    height, width = clips.shape[1:3]
    clips = keras.ops.reshape(clips, (-1, frames, height * width, channels))
    clips = pool(clips, (sides[0], 1), (strides[0], 1), layer.padding, "channels_last")
    return keras.ops.reshape(clips, (-1, clips.shape[1], height, width, channels))


def describe(format, path, sampling, model):
    """What a program that runs an exported model must know, a dict for JSON; sampling: the Sampling of its clips."""
    size, depth = sampling.size, sampling.depth
    even = f"{depth} of the video's n, frame i is number floor(i * n / {depth}), counted from 0"
    first = f"the first {depth} of the video; a shorter one is filled up with its last"
    frames = (even if sampling.skip else first) + "; in order of time" if depth else "the middle one of the video"
    axes = ["clip", "height", "width", *(["time"] if depth else []), "channel"]
    colour = "RGB" if sampling.color else "gray (.299 R + .587 G + .114 B)"
    if sampling.scrambled:
        colour = "BGR; (height, width, channel, time) in memory, read as if it were the shape above: as in 2017"
    shape = [1 if format == "tflite" else None, *model.input_shape[1:]]
    return {
        "file": path.name,
        "input": {"shape": shape, "axes": axes, "dtype": "float32", "range": [0, 255], "channels": colour}
        | {"frames": frames, "size": f"whole frames resized to {size}x{size} by area averaging"},
        "output": {"shape": [shape[0], model.output_shape[1]], "dtype": "float32", "meaning": "probabilities"}
        | {"labels": "labels.txt, a line each, in this order"},
    }
