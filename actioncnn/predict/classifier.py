"""A saved model as a classifier of videos: what it wants to see of a video, and the names of what it says.

`find_model` needs no Keras, so that videos can be decoded while Keras is being imported; `Classifier` loads the model.
"""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn.cli import warn
from actioncnn.errors import UserError
from actioncnn.modelfile import io
from actioncnn.modelfile.classes import class_names
from actioncnn.video.sampling import Sampling, of_run

WEIGHTS = (".hd5", ".h5", ".hdf5", ".weights.h5")  # endings beside a JSON, in this order


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
    args = read_args(run or model.parent)
    if run:
        check_finished(run, args)
        model = only_model(run, args)
    if args.get("model") != model.name.removesuffix(".json").removesuffix(".keras"):
        args = {}  # of another model
    check_finished(model.parent, args)
    weights = weights or weights_beside(model)
    for option, path in (("--model", model), ("--weights", weights), ("--classes", classes)):
        if path and not path.is_file():
            raise UserError(f"{option}: {path}: no such file")
    try:
        sampling = of_run(args) if args else None
    except (KeyError, TypeError) as error:
        problem = f"has no {error}" if isinstance(error, KeyError) else "is damaged"
        raise UserError(f"{model.parent / 'args.json'}: {problem}; move it away to do without") from None
    return ModelFiles(model, weights, sampling, classes)


def check_finished(folder, args):
    """UserError: args.json says that a run has begun there, and not that it has ended."""
    if "metrics" in args and args["metrics"] is None:
        raise UserError(f"{folder}: holds a run that has not ended; go on with it by --resume True")


def read_args(folder):
    path = folder / "args.json"
    try:
        args = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error}); move it away to go by the model alone") from None
    return args if isinstance(args, dict) else {}


def only_model(folder, args):
    if not folder.is_dir():
        raise UserError(f"--run: {folder} is not a directory; give the --output of a training run")
    named = folder / f"{args.get('model')}.json"
    models = [named] if args else sorted(path for path in folder.glob("*.json") if weights_beside(path) != path)
    if len(models) == 1 and models[0].is_file():
        return models[0]
    if parts := sorted(path.parent for path in folder.glob("*/args.json")):
        raise UserError(f"--run: {folder} holds several runs; give one of them, as {parts[0]}")
    problem = "no model" if len(models) < 2 and not named.is_file() else "several models"
    raise UserError(f"--run: {problem} in {folder}; give --model and --weights")


def weights_beside(model):
    """The weights that belong to a JSON; the file itself where it is no JSON, or there are none."""
    stem = model.with_suffix("") if model.suffix == ".json" else None
    paths = [path for ending in WEIGHTS if stem and (path := stem.with_name(stem.name + ending)).is_file()]
    return paths[0] if paths else model


class Classifier:
    """The model of some ModelFiles: probabilities of clips. What it has to assume, it says."""

    def __init__(self, files):
        from actioncnn import device

        jit_compile = device.setup("float32").jit_compile
        self.model = io.load_model(files.model, files.weights)
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
        with contextlib.suppress(TypeError):
            told = Sampling(**io.told(files.weights, "sampling"))
            if told[:3] == needed[:3]:
                return told
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
    names = class_names(files.model, shape[1], files.classes, io.told_classes(files.weights))
    if names is None:
        warn(f"note: no names for the classes of {files.model}: give them with --classes FILE")
    return names or [f"class {label}" for label in range(shape[1])]


def before_keras_3(path):
    try:
        return not str(json.loads(path.read_text("utf-8")).get("keras_version", "3")).startswith("3")
    except (ValueError, UnicodeDecodeError):  # one file for all: .keras, .h5
        return False
