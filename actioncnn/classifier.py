"""A saved model as a classifier of videos: what it wants to see of a video, and the names of what it says.

`find` needs no Keras, so that videos can be decoded while Keras is being imported; `Classifier` loads the model.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn import modelfile
from actioncnn.cli import UserError, warn
from actioncnn.data import Sampling

WEIGHTS = (".hd5", ".h5", ".hdf5", ".weights.h5")  # endings beside a JSON, in this order


class Files(NamedTuple):
    """Where a model is, and what args.json says of it: None where there is none of its own."""

    model: Path
    weights: Path
    sampling: Sampling | None
    classes: Path | None


def find(run=None, model=None, weights=None, classes=None):
    """Files of the model in the directory `run`, or of `model`, whose weights by default lie beside it.

    UserError: a file is missing, or `run` does not say which of several models it is.
    """
    args = _read_args(run or model.parent)
    if run:
        model = _only_model(run, args)
    if args.get("model") != model.name.removesuffix(".json"):
        args = {}  # of another model
    weights = weights or _beside(model)
    for option, path in (("--model", model), ("--weights", weights), ("--classes", classes)):
        if path and not path.is_file():
            raise UserError(f"{option}: {path}: no such file")
    beside = model.parent / "classes.txt"
    classes = classes or (beside if beside.is_file() else None)
    try:
        options = args.get("options", {})
        sampling = args and Sampling(options["size"], args["depth"], args["channels"] == 3, options.get("skip", True))
    except KeyError as error:
        raise UserError(f"{model.parent / 'args.json'}: has no {error}; move it away to do without") from None
    return Files(model, weights, sampling or None, classes)


def _read_args(folder):
    path = folder / "args.json"
    try:
        args = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); move it away to go by the model alone") from None
    return args if isinstance(args, dict) else {}


def _only_model(folder, args):
    if not folder.is_dir():
        raise UserError(f"--run: {folder} is not a directory; give the --output of a training run")
    named = folder / f"{args.get('model')}.json"
    found = [named] if args else sorted(path for path in folder.glob("*.json") if _beside(path) != path)
    if len(found) == 1 and found[0].is_file():
        return found[0]
    if parts := sorted(path.parent for path in folder.glob("*/args.json")):
        raise UserError(f"--run: {folder} holds several runs; give one of them, as {parts[0]}")
    problem = "no model" if len(found) < 2 and not named.is_file() else "several models"
    raise UserError(f"--run: {problem} in {folder}; give --model and --weights")


def _beside(model):
    """The weights that belong to a JSON; the file itself where it is no JSON, or there are none."""
    stem = model.with_suffix("") if model.suffix == ".json" else None
    found = [path for ending in WEIGHTS if stem and (path := stem.with_name(stem.name + ending)).is_file()]
    return found[0] if found else model


class Classifier:
    """The model of some Files: probabilities of clips. What it has to assume, it says."""

    def __init__(self, files):
        from actioncnn import device

        jit_compile = device.setup("float32")[2]
        self.model = modelfile.load(files.model, files.weights)
        self.model.compile(jit_compile=jit_compile)
        self.sampling = self._check(files)
        self.classes = self._name(files)

    def __call__(self, clips):
        """uint8 clips as Sampling.pick gives them -> probabilities, float32 (B, classes)."""
        batch = np.asarray(clips, np.float32)
        if self.sampling.scrambled:
            batch = scramble(batch)
        return self.model.predict_on_batch(batch)

    def _check(self, files):
        """The Sampling in the files, if it fits the model's input, else that of the input's shape."""
        shape, path = self.model.input_shape, files.model
        if not isinstance(shape, tuple) or len(shape) not in (4, 5) or shape[-1] not in (1, 3) or None in shape[1:]:
            raise UserError(f"{path}: its input {shape} is not (height, width, [frames,] 1 or 3 colours)")
        if shape[1] != shape[2]:
            raise UserError(f"{path}: takes frames of {shape[2]}x{shape[1]} pixels; only square ones are supported")
        size, depth, color = shape[1], shape[3] if len(shape) == 5 else 0, shape[-1] == 3
        if not files.sampling:
            scrambled = depth > 0 and color and _before_keras_3(path)
            self._say_assumed(path, size, depth, color, scrambled)
            return Sampling(size, depth, color, True, scrambled)
        if files.sampling[:3] != (size, depth, color):
            raise UserError(f"{path}: is not the model that {path.parent / 'args.json'} describes; move that away")
        return files.sampling

    def _say_assumed(self, path, size, depth, color, scrambled):
        frames = f"{depth} frames at even intervals" if depth else "the middle frame"
        order = ", BGR and in the order of axes of the 2017 scripts" if scrambled else ""
        pixels = f"{size}x{size} pixels, {'colour' if color else 'gray'}{order}"
        warn(f"note: no args.json for {path}: assumed {frames}, {pixels}")

    def _name(self, files):
        """Names of the classes in label order."""
        shape = self.model.output_shape
        if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
            raise UserError(f"{files.model}: its output {shape} is not one probability for each class")
        if not files.classes:
            warn(f"note: no classes.txt with {files.model}: give the names of the classes with --classes FILE")
            return [f"class {label}" for label in range(shape[1])]
        text = files.classes.read_text("utf-8", "surrogateescape")
        names = text.removesuffix("\n").split("\n")
        if len(names) != shape[1]:
            raise UserError(
                f"{files.classes}: {len(names)} names for the {shape[1]} classes of the model; give them with --classes"
            )
        return names


def _before_keras_3(path):
    try:
        return not str(json.loads(path.read_text("utf-8")).get("keras_version", "3")).startswith("3")
    except (ValueError, UnicodeDecodeError):  # one file for all: .keras, .h5
        return False


def scramble(clips):
    """Colour clips as the scripts of 2017 fed them: BGR, and (H, W, C, T) reshaped, not transposed, to (H, W, T, C)."""
    return np.moveaxis(clips[..., ::-1], 3, 4).reshape(clips.shape)
