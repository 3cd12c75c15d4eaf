"""Models for other programs: SavedModel, ONNX, LiteRT (`.tflite`), `.keras`; and how each of them is run.

All take clips as the model takes them, float32, and give all of its outputs. `describe` says how to make clips and what
to make of the outputs. Call device.setup before anything here.
"""

import contextlib
import importlib
import io
import os
import warnings
from typing import NamedTuple

import numpy as np

from actioncnn import device, files
from actioncnn.errors import UserError, one_line
from actioncnn.model.head import MEANINGS, names_of
from actioncnn.model.legacy import leaves
from actioncnn.model.loading import load_model
from actioncnn.model.saving import save_model

CONTENTS = "made_by_export.txt"  # in an exported folder: what else is in it, a line each
PACKAGES = "pip install -r requirements-export.txt"
SELECT = (
    "needs the Select TF ops of LiteRT, which phones link as an extra: a layer of this model has no LiteRT operation"
)


def write_savedmodel(network, path, facts):
    network = without_augmentation(network)
    network.export(path, format="tf_saved_model", verbose=False, input_signature=clips_of(network))


def write_onnx(network, path, facts):
    network = plain_normalization(without_augmentation(network))
    network.export(path, format="onnx", verbose=False, input_signature=clips_of(network))


def clips_of(network, count=None):
    """What an exported network is called with: `count` clips, None for any number."""
    import tensorflow as tf

    return [tf.TensorSpec((count, *network.inputs[0].shape[1:]), name="clip")]


def write_keras(network, path, facts):
    save_model(network, keras_path=path, facts=facts)


def write_tflite(network, path, facts):
    """One clip a call, in operations of LiteRT alone where that can be -> None, or a note on what it needs."""
    import tensorflow as tf

    network, ops = flat_pooling(network), tf.lite.OpsSet
    options = {"format": "litert", "input_signature": clips_of(network, 1), "verbose": False}
    try:
        network.export(path, **options, target_spec={"supported_ops": [ops.TFLITE_BUILTINS]})
        return None
    except Exception:  # whatever the converter raises: what it cannot do here it may do with TensorFlow's operations
        network.export(path, **options)
        return SELECT


def open_savedmodel(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return lambda clips: loaded.serve(clips)  # `loaded` must live as long as its function


def open_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda clips: session.run(None, {name: clips})


def open_keras(path):
    network = load_model(path)
    several = len(network.inputs)
    return lambda clips: network.predict_on_batch([clips] * several if several > 1 else clips)


def open_tflite(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()  # an operation that is not there is told here
    run = interpreter.get_signature_runner()
    (name,), outputs = run.get_input_details(), sorted(run.get_output_details(), key=lambda name: (len(name), name))

    def answer(clips):
        answers = [run(**{name: clip[None]}) for clip in clips]
        return [np.concatenate([each[output] for each in answers]) for output in outputs]

    return answer


class Format(NamedTuple):
    """What writes a format (network, path, facts), what runs it (path -> function of clips), the packages of both."""

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


def write_export(network, format, path, facts=None):
    """Writes a keras.Model to `path`, a file or for `savedmodel` a directory, whole or not at all.

    facts: what a `.keras` file tells beside, as saving.save_model takes it. In the other formats a network of several
    inputs, which all are given the same, has one. Returns None, or a note on what the file needs. UserError: the
    format's converter refuses the network.
    """
    check_packages(format)
    check_replaceable(path)
    files.sweep(path.parent)
    with files.temporary_folder(path.parent) as folder:
        new = folder / f"new.{format}"
        try:
            with quiet():
                network = network if format == "keras" else of_one_input(network)
                note = FORMATS[format].write(network, str(new), facts or {})
        except Exception as error:  # converters fail in any way on layers that they do not know
            raise UserError(f"--format {format}: the model cannot be converted: {one_line(error)}") from error
        if new.is_dir():
            (new / CONTENTS).write_text("".join(f"{name}\n" for name in contents(new)))
        if path.is_dir():
            path.replace(folder / "former")
        new.replace(path)
    return note


def contents(folder):
    """Paths of all that is in a folder, within it, sorted."""
    return sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.name != CONTENTS)


def check_replaceable(path):
    """UserError: what stands at a path is neither a file nor a folder that holds what an export put there, no more."""
    if not os.path.lexists(path) or (path.is_file() and not path.is_symlink()):
        return
    with contextlib.suppress(OSError):
        if not path.is_symlink() and files.read_text(path / CONTENTS).splitlines() == contents(path):
            return
    raise UserError(f"{path}: was not made by an export alone; move it away, or give another --output")


def of_one_input(network):
    """The same network with one input that is given to all of its inputs, and a list of its outputs."""
    import keras

    if len(network.inputs) == len(network.outputs) == 1:
        return network
    clip = keras.Input(network.inputs[0].shape[1:])
    several = len(network.inputs)
    return keras.Model(clip, keras.tree.flatten(network([clip] * several if several > 1 else clip)))


def open_export(format, path):
    """A function that runs an exported model: clips, float32 (B, ...) -> list of its outputs, float32 (B, ...).

    UserError: it cannot be run here, as Select TF ops cannot.
    """
    import keras

    with checking(path), quiet():
        run = FORMATS[format].open(path)

    def answer(clips):
        with checking(path):
            return [np.asarray(output) for output in keras.tree.flatten(run(clips))]

    return answer


@contextlib.contextmanager
def checking(path):
    """UserError in place of whatever a runtime says of what it does not know."""
    try:
        yield
    except Exception as error:
        raise UserError(f"{path}: is written, but not checked: {one_line(error)}") from error


@contextlib.contextmanager
def quiet():
    """Converters and interpreters talk, in Python and in C++."""
    with device.quiet(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        yield


def flat_pooling(network):
    """The same network with 3D pooling as 2D pooling over pictures and then over frames, which LiteRT has."""

    def change(layer):
        kind = POOLING.get(type(layer).__name__) if getattr(layer, "data_format", "") == "channels_last" else None
        return kind and (lambda clips: pool_flat(kind, layer, clips))

    return changed(network, change)


def plain_normalization(network):
    """The same network with the statistics of Normalization layers as constants, which tf2onnx takes for inputs."""
    import keras

    def change(layer):
        if not isinstance(layer, keras.layers.Normalization) or layer.invert:
            return None
        mean = np.asarray(layer.mean)
        deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), keras.config.epsilon())
        return lambda clips: (clips - mean) / deviation

    return changed(network, change)


def without_augmentation(network):
    """The same network with augmentation layers as in prediction, for exports that would call them as in training."""

    def change(layer):
        if not type(layer).__name__.startswith("Random"):
            return None
        return lambda clips, training=False: layer.call(clips, training=False)

    return changed(network, change)


def changed(network, change):
    """A copy of a network in which `change(layer)`, where it gives a function, computes what the layer does."""
    import keras

    if not any(map(change, leaves(network))):
        return network

    def clone(layer):
        new, function = type(layer).from_config(layer.get_config()), change(layer)
        if function:
            new.call = function
        return new

    copy = keras.models.clone_model(network, clone_function=clone, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


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


def steps(sampling, reading):
    """How a clip is made of frames as they decode, in this order, for people."""
    colour = reading.colour if sampling.color else "gray, 8 bits"
    low, span = reading.scale
    if isinstance(reading.low, tuple):
        scale = "; ".join(f"{channel} * {b:.9g} + {a:.9g}" for channel, a, b in zip(reading.colour, low, span))
    else:
        scale = f"value * {span:.9g} + {low:.9g}"
    order = "stack the frames along time, in the order of `axes`"
    resize = f"resize the 8-bit colour frame to {sampling.width}x{sampling.height} and round to 8 bits"
    return ["turn upright", resize, f"convert to {colour}, and round", scale, order]


def names_in(format, path, network):
    """(name of the input, names of the outputs) by which a program calls an exported model.

    Of a SavedModel, whose `serve` takes clips by place, those of its outputs are their places; so are those of Keras.
    """
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.get_inputs()[0].name, [each.name for each in session.get_outputs()]
    if format == "tflite":
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(str(path)).get_signature_runner()
        outputs = sorted(runner.get_output_details(), key=lambda name: (len(name), name))
        return next(iter(runner.get_input_details())), outputs
    return "clip" if format == "savedmodel" else network.inputs[0].name, list(range(len(network.outputs)))


def describe(format, path, model):
    """What a program that runs an exported Model must know, a dict for JSON."""
    sampling, reading, head, network = model.sampling, model.reading, model.head, model.network
    depth, count = sampling.depth, 1 if format == "tflite" else None
    even = f"{depth} of the video's n frames, frame i is number floor(i * n / {depth}), counted from 0"
    first = f"the first {depth}; a shorter video is filled up with its last"
    middle = "frame number floor(n / 2) of the n frames of the video, counted from 0"
    frames = (even if sampling.skip else first) + "; in order of time" if depth else middle
    counted = "; n is the container's count of frames, or, where one of the wanted does not decode, the number that do"
    frames += counted if sampling.skip or not depth else ""
    names = names_in(format, path, network)
    words = {"H": "height", "W": "width", "T": "time", "C": "channel"}
    colour = reading.colour if sampling.color else "gray (.299 R + .587 G + .114 B)"
    if reading.scrambled:
        colour = "BGR; (height, width, channel, time) in memory, read as if it were the shape above: as in 2017"
    about = {
        "file": path.name,
        "input": {
            "shape": [count, *network.inputs[0].shape[1:]],
            "axes": ["clip", *(words[axis] for axis in reading.axes)],
            "dtype": "float32",
            "range": [reading.low, reading.high],
            "channels": colour,
            "frames": frames,
            "size": f"whole frames resized to {sampling.width}x{sampling.height} by area averaging",
            "steps": steps(sampling, reading),
            "rotation": "turn a frame upright first, as the container's rotation says (videos of phones)",
            "name": names[0],
        },
        "output": {
            "shape": [count, *network.outputs[head.place].shape[1:]],
            "dtype": "float32",
            "meaning": MEANINGS[head.kind],
            "name": names[1][head.place],
            "labels": "labels.txt, a line each, in this order",
        },
        "reading": reading.as_dict(),
        "head": head.as_dict(),
        "sampling": sampling._asdict(),
    }
    if len(network.outputs) > 1:
        about["output"] |= {"number": head.place, "of": names_of(network)}
    if len(network.inputs) > 1 and format == "keras":
        about["input"]["inputs"] = f"{len(network.inputs)}, each is given the same"
    return about
