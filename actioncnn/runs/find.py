"""Where a model is: the files of a training run's directory, or those that belong to a model's file. Needs no Keras."""

import json
from pathlib import Path
from typing import NamedTuple

from actioncnn.errors import UserError
from actioncnn.model.loading import read_facts
from actioncnn.model.model import ModelFiles, sampling_told
from actioncnn.model.reading import Asked
from actioncnn.runs.classes import find_names
from actioncnn.video.sampling import told_of

WEIGHTS = (".hd5", ".h5", ".hdf5", ".weights.h5")  # endings beside a JSON, in this order


def find_model(run=None, model=None, weights=None, classes=None, asked=Asked()):  # noqa: B008 - immutable
    """model.ModelFiles of the model in the directory `run`, or of `model`, whose weights by default lie beside it.

    classes: the file of --classes. UserError: a file is missing, or `run` does not say which of several models it is.
    """
    model, weights, args = find_files(run, model, weights)
    facts = read_facts(weights)
    names = find_names(model, classes, facts.get("classes"))
    sampling = told_of(args, model.parent) or (None if asked.axes else sampling_told(facts))
    return ModelFiles(model, weights, args, facts, sampling, names, asked)


class Found(NamedTuple):
    """The files of a model, and what args.json beside them says of it: {} where there is none of its own."""

    model: Path
    weights: Path
    args: dict


def find_files(run=None, model=None, weights=None, option="--run"):
    """Found of the model in the directory `run`, or of `model`: a file, its weights by default beside it, or a run.

    UserError: a file is missing, or `run` does not say which of several models it is. option: that named the directory.
    """
    if not run and model.is_dir():
        run, model, option = model, None, "--model"
    args = read_args(run or model.parent)
    if run:
        check_finished(run, args)
        model = only_model(run, args, option)
    if args.get("model") not in (model.name.removesuffix(".json"), model.stem):
        args = {}  # of another model
    check_finished(model.parent, args)
    weights = weights or weights_beside(model)
    for name, path in (("--model" if option == "--run" else option, model), ("--weights", weights)):
        if not path.is_file():
            raise UserError(f"{name}: {path}: no such file")
    return Found(model, weights, args)


def check_finished(folder, args):
    """UserError: args.json says that a run has begun there, and not that it has ended."""
    if "metrics" in args and args["metrics"] is None:
        raise UserError(f"{folder}: holds a run that has not ended; go on with it by --resume True")


def read_args(folder):
    """What args.json in a folder says, {} where there is none. UserError: it is damaged."""
    path = folder / "args.json"
    try:
        args = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error}); move it away to go by the model alone") from None
    return args if isinstance(args, dict) else {}


def only_model(folder, args, option="--run"):
    """Path of the one model in a run's folder. UserError: there is none, or there are several."""
    if not folder.is_dir():
        raise UserError(f"{option}: {folder} is not a directory; give the --output of a training run")
    named = folder / f"{args.get('model')}.json"
    models = [named] if args else sorted(path for path in folder.glob("*.json") if weights_beside(path) != path)
    if len(models) == 1 and models[0].is_file():
        return models[0]
    if parts := sorted(path.parent for path in folder.glob("*/args.json")):
        raise UserError(f"{option}: {folder} holds several runs; give one of them, as {parts[0]}")
    problem = "no model" if len(models) < 2 and not named.is_file() else "several models"
    remedy = "--model and --weights" if option == "--run" else "the model's file"
    raise UserError(f"{option}: {problem} in {folder}; give {remedy}")


def weights_beside(model):
    """The weights that belong to a JSON; the file itself where it is no JSON, or there are none."""
    stem = model.with_suffix("") if model.suffix == ".json" else None
    paths = [path for ending in WEIGHTS if stem and (path := stem.with_name(stem.name + ending)).is_file()]
    return paths[0] if paths else model
