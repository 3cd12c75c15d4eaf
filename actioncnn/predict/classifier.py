"""A saved model as a classifier of videos: what it wants to see of a video, and the names of what it says.

`find_model` needs no Keras, so that videos can be decoded while Keras is being imported; `Classifier` loads the model.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn.cli import warn
from actioncnn.errors import UserError
from actioncnn.modelfile.classes import class_names
from actioncnn.modelfile.find import find
from actioncnn.video.sampling import Sampling, told_of


class ModelFiles(NamedTuple):
    """Where a model is, and what args.json says of it: None where there is none of its own."""

    model: Path
    weights: Path
    sampling: Sampling | None
    classes: Path | None  # --classes


def find_model(run=None, model=None, weights=None, classes=None):
    """ModelFiles of the model in the directory `run`, or of `model`, whose weights by default lie beside it.

    UserError: a file is missing, or `run` does not say which of several models it is.
    """
    model, weights, args = find(run, model, weights)
    if classes and not classes.is_file():
        raise UserError(f"--classes: {classes}: no such file")
    return ModelFiles(model, weights, told_of(args, model.parent), classes)


class Classifier:
    """The model of some ModelFiles: probabilities of clips. What it has to assume, it says."""

    def __init__(self, files):
        from actioncnn import device
        from actioncnn.modelfile.io import load_model

        jit_compile = device.setup("float32").jit_compile
        self.model = load_model(files.model, files.weights)
        self.model.compile(jit_compile=jit_compile)
        self.sampling = sampling_of(self.model, files)
        self.classes = classes_of(self.model, files)

    def __call__(self, clips):
        """uint8 clips as Sampling.pick gives them -> probabilities, float32 (B, classes)."""
        return self.model.predict_on_batch(self.sampling.shown(np.asarray(clips, np.float32)))


def sampling_of(model, files):
    """The Sampling in the files, if it fits the model's input, else that of the input's shape."""
    shape, path = model.input_shape, files.model
    if not isinstance(shape, tuple) or len(shape) not in (4, 5) or shape[-1] not in (1, 3) or None in shape[1:]:
        raise UserError(f"{path}: its input {shape} is not (height, width, [frames,] 1 or 3 colours)")
    if shape[1] != shape[2]:
        raise UserError(f"{path}: takes frames of {shape[2]}x{shape[1]} pixels; only square ones are supported")
    needed = Sampling(shape[1], shape[3] if len(shape) == 5 else 0, shape[-1] == 3)
    if not files.sampling:
        assumed = needed._replace(scrambled=needed.depth > 0 and needed.color and before_keras_3(path))
        say_assumed(path, assumed)
        return assumed
    if files.sampling[:3] != needed[:3]:
        raise UserError(f"{path}: is not the model that {path.parent / 'args.json'} describes; move that away")
    return files.sampling


def say_assumed(path, sampling):
    frames = f"{sampling.depth} frames at even intervals" if sampling.depth else "the middle frame"
    order = ", BGR and in the order of axes of the 2017 scripts" if sampling.scrambled else ""
    pixels = f"{sampling.size}x{sampling.size} pixels, {'colour' if sampling.color else 'gray'}{order}"
    warn(f"note: no args.json for {path}: assumed {frames}, {pixels}")


def classes_of(model, files):
    """Names of the classes in label order."""
    shape = model.output_shape
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
        raise UserError(f"{files.model}: its output {shape} is not one probability for each class")
    names = class_names(files.model, shape[1], files.classes)
    if names is None:
        warn(f"note: no names for the classes of {files.model}: give them with --classes FILE")
    return names or [f"class {label}" for label in range(shape[1])]


def before_keras_3(path):
    try:
        return not str(json.loads(path.read_text("utf-8")).get("keras_version", "3")).startswith("3")
    except (ValueError, UnicodeDecodeError):  # one file for all: .keras, .h5
        return False
