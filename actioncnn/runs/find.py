"""Where a model is: the files of a training run's directory, or those that belong to a model's file. Needs no Keras."""

from pathlib import Path
from typing import NamedTuple

from actioncnn.errors import UserError
from actioncnn.model.loading import read_facts
from actioncnn.model.model import ModelFiles, sampling_told
from actioncnn.model.other_formats import what_else
from actioncnn.model.reading import Asked
from actioncnn.runs.classes import find_names
from actioncnn.runs.record import ARGS, Record, read_record

WEIGHTS = (".hd5", ".h5", ".hdf5", ".weights.h5")  # endings beside a JSON, in this order


def find_model(
    run: Path | None = None,
    model: Path | None = None,
    weights: Path | None = None,
    classes: Path | None = None,
    asked: Asked = Asked(),  # noqa: B008 - immutable
) -> ModelFiles:
    """model.ModelFiles of the model in the directory `run`, or of `model`, whose weights by default lie beside it.

    classes: the file of --classes. UserError: a file is missing, or `run` does not say which of several models it is.
    """
    model, weights, record = find_files(run, model, weights)
    facts = read_facts(weights)
    names = find_names(model, classes, facts.get("classes"))
    sampling = record.sampling or (None if asked.axes else sampling_told(facts))
    return ModelFiles(model, weights, record, facts, sampling, names, asked)


class Found(NamedTuple):
    """The files of a model, and the Record of the run that made it, an empty one where there is none."""

    model: Path
    weights: Path
    record: Record


def find_files(
    run: Path | None = None, model: Path | None = None, weights: Path | None = None, option: str = "--run"
) -> Found:
    """Found of the model in the directory `run`, or of `model`: a file, its weights by default beside it, or a run.

    UserError: a file is missing, or `run` does not say which of several models it is. option: that named the directory.
    """
    place = run or model
    if place is None:
        raise UserError(f"{option}: give the --output of a training run, or a model's file")
    if place.is_dir() and (text := what_else(place)):
        raise UserError(f"{place}: {text}")
    if run or place.is_dir():
        option = option if run else "--model"
        record = read_record(place) or Record()
        check_finished(place, record)
        model = only_model(place, record, option)
    else:
        record, model = read_record(place.parent) or Record(), place
    if record.get("model") not in (model.name.removesuffix(".json"), model.stem):
        record = Record()  # of another model
    check_finished(model.parent, record)
    if record and not record.sampling:
        raise UserError(
            f"{model.parent / ARGS}: is damaged (which frames the model takes); move it away to go by the model alone"
        )
    weights = weights or weights_beside(model)
    for name, path in (("--model" if option == "--run" else option, model), ("--weights", weights)):
        if not path.is_file():
            raise UserError(f"{name}: {path}: no such file")
    return Found(model, weights, record)


def check_finished(folder: Path, record: Record) -> None:
    """UserError: the run in a folder has begun and not ended."""
    if record.unfinished:
        raise UserError(f"{folder}: holds a run that has not ended; go on with it by --resume True")


def only_model(folder: Path, record: Record, option: str = "--run") -> Path:
    """Path of the one model in a run's folder. UserError: there is none, or there are several."""
    if not folder.is_dir():
        raise UserError(f"{option}: {folder} is not a directory; give the --output of a training run")
    named = folder / f"{record.get('model')}.json"
    models = [named] if record else sorted(path for path in folder.glob("*.json") if weights_beside(path) != path)
    if len(models) == 1 and models[0].is_file():
        return models[0]
    if parts := sorted(path.parent for path in folder.glob(f"*/{ARGS}")):
        raise UserError(f"{option}: {folder} holds several runs; give one of them, as {parts[0]}")
    problem = "no model" if len(models) < 2 and not named.is_file() else "several models"
    remedy = "--model and --weights" if option == "--run" else "the model's file"
    raise UserError(f"{option}: {problem} in {folder}; give {remedy}")


def weights_beside(model: Path) -> Path:
    """The weights that belong to a JSON; the file itself where it is no JSON, or there are none."""
    stem = model.with_suffix("") if model.suffix == ".json" else None
    paths = [path for ending in WEIGHTS if stem and (path := stem.with_name(stem.name + ending)).is_file()]
    return paths[0] if paths else model
