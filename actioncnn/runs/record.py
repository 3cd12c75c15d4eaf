"""The record of a run: what was asked, on which data, and with what result. This is the one reader and writer of it."""

import json
import os
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from actioncnn import __version__, files
from actioncnn.cli import program
from actioncnn.data.clips import LabelledClips
from actioncnn.data.dataset import digest
from actioncnn.data.options import DatasetOptions, options_of
from actioncnn.device import Device
from actioncnn.errors import UserError
from actioncnn.model.audit import check_sampling
from actioncnn.runs.tables import plain, write_json
from actioncnn.video.sampling import Sampling

ARGS = "args.json"
MAX_BYTES = 16 << 20
PLAIN_NAME = re.compile(r"[\w-]{1,100}")  # of a model and of a part: they become names of files
MAX_LEVELS = 12  # of lists and dicts in each other; runs write 5
MAX_NUMBER = 1 << 63
MAX_TEXT = 20_000  # characters
PLAIN = str | int | float | None
PLAIN_DICT = object()  # the kind of a dict without lists and dicts in it
OPTIONS = {  # of the training scripts, which other code counts with; the others are only shown
    "epoch": int,
    "seed": int,
    "nmodel": int | None,
    "videos": str,
    "cache": str | None,
    "split": str,
}
KINDS = {
    "script": str,
    "options": dict,
    "seed": int,
    "network": str,
    "model": str,
    "dataset": dict,
    "sampling": dict,
    "split": str,
    "recipe": dict,
    "counts": PLAIN_DICT,
    "versions": PLAIN_DICT,
    "metrics": dict | None,
    "notes": list,
    "tested": str,
    "verdicts": list,
    "parts": list,
    "replaces": list,
    "parameters": int,
    "seconds": int | float,
}
NEEDED = {
    "options",
    "model",
    "parts",
    "replaces",
    "metrics",
}  # for what a folder's life needs
START_ANEW = "start anew with --overwrite True in place of --resume"
UNLIKE = {"output", "cache", "workers", "gpus", "views"}  # options that may differ between a run and its resumption
RESULT_FOLLOWS_FROM = ("options", "split", "network", "recipe", "precision", "data")
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless")


class Record(dict):
    """A record as JSON has it, of this version or an earlier one. Values of another kind than runs write are left out.

    `damaged` names these values.
    """

    damaged: Sequence[str] = ()

    @property
    def options(self) -> dict[str, Any]:
        """{name: value} of the training script's options, without values of another kind than runs write."""
        pairs = self.get("options", {}).items()
        return {name: value for name, value in pairs if is_of_kind(value, OPTIONS.get(name, object))}

    @property
    def unfinished(self) -> bool:
        return "metrics" in self and self["metrics"] is None

    @property
    def sampling(self) -> Sampling | None:
        """The Sampling of the network's clips; None where the record has none."""
        try:
            if "sampling" in self:
                told = Sampling(**self["sampling"])
            else:  # as the first version wrote it
                options = self.options
                told = Sampling(options["size"], self["depth"], self["channels"] == 3, options.get("skip", True))
            check_sampling(told)
            return told
        except (KeyError, TypeError, UserError):
            return None

    @property
    def dataset_options(self) -> DatasetOptions | None:
        """The DatasetOptions of the data, with its one split; None where the record does not name a directory."""
        values = self.get("dataset") or {"seed": self.get("seed")} | self.options
        return options_of(values) if isinstance(values.get("videos"), str) else None

    @property
    def fingerprints(self) -> dict[str, str]:
        """{class: digest of its files}, empty for runs of earlier versions."""
        values = self.get("dataset", {}).get("fingerprints")
        return values if isinstance(values, dict) else {}

    @property
    def cache(self) -> Path | None:
        """The folder of the run's clips, if there are clips in it; None: it is the default one, or not there.

        So a record from a stranger cannot have files written where no store is.
        """
        folder = Path(self.options.get("cache") or "")
        return folder if any(folder.glob("store-*.index")) else None

    @property
    def origin(self) -> dict[str, Any]:
        """What names the files that the run wrote, a dict for JSON."""
        return {name: self[name] for name in ("options", "model", "parts") if name in self}


def read_record(folder: Path) -> Record | None:
    """The Record in a folder; None where there is none. UserError: it is damaged."""
    path = folder / ARGS
    if not os.path.lexists(path):
        return None
    try:
        values = json.loads(files.read(path, MAX_BYTES))
        check_plain(values)
        if not isinstance(values, dict):
            raise ValueError("not as a run writes it")
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "strerror", None) or error
        raise UserError(
            f"{path}: is damaged ({reason}); move it away, or replace the run with --overwrite True"
        ) from None
    record = Record({name: value for name, value in values.items() if is_of_kind(value, KINDS.get(name, object))})
    record.damaged = sorted(values.keys() - record.keys())
    return record


def check_plain(value: object, levels: int = MAX_LEVELS) -> None:
    """ValueError: a value of JSON is nested too deeply, or has text or numbers that cannot be written or shown."""
    if not levels:
        raise ValueError("nested too deeply")
    if isinstance(value, dict | list):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            check_plain(item, levels - 1)
    elif isinstance(value, str):
        value.encode("utf-8", "surrogateescape")
        if "\0" in value or len(value) > MAX_TEXT:
            raise ValueError("a text is no text, or is too long")
    elif isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        raise ValueError("a number is too large")


def is_of_kind(value: object, kind: Any) -> bool:
    """Whether a value of JSON is of a kind in KINDS or OPTIONS: numbers are not below 0, text is not blank."""
    if isinstance(value, bool):
        return kind in (bool, object, PLAIN)
    if isinstance(value, dict) and kind is PLAIN_DICT:
        return all(is_of_kind(item, PLAIN) for item in value.values())
    below = isinstance(value, int | float) and value < 0 and kind not in (object, PLAIN)
    blank = kind is str and isinstance(value, str) and not value.strip()
    return isinstance(value, dict if kind is PLAIN_DICT else kind) and not below and not blank


def check_whole(folder: Path, record: Record) -> None:
    """UserError: the record lacks what says which files the run wrote and whether it has ended."""
    whole = not NEEDED & {*record.damaged} and "metrics" in record and is_figures(record["metrics"])
    if not whole or not all(map(is_origin, [record, *record.get("replaces", [])])):
        raise UserError(f"{folder / ARGS}: is damaged (not as a run writes it); --overwrite True starts anew")


def is_origin(values: object) -> bool:
    """Whether a value read from JSON names the files that a run wrote, and no others."""
    if not isinstance(values, dict) or not isinstance(values.get("options"), dict):
        return False
    parts = values.get("parts", [])
    return isinstance(parts, list) and all(
        isinstance(name, str) and PLAIN_NAME.fullmatch(name) for name in [values.get("model", "none"), *parts]
    )


def is_figures(figures: Any) -> bool:
    """Whether a value read from JSON is None, or the figures of a run that has ended."""
    numbers = int | float | None
    return figures is None or (
        {"loss", "top1", "mean_class_accuracy"} <= figures.keys()
        and all(isinstance(value, numbers) and not isinstance(value, bool) for value in figures.values())
    )


def write_record(folder: Path, record: Record, **values: Any) -> None:
    """Writes a record with further values."""
    write_json(folder / ARGS, record | values, indent=2)


def new_record(
    options: Any, network: Any, recipe: Any, data: LabelledClips, split: str, device: Device, notes: Sequence[str]
) -> Record:
    """The Record of a run that begins, but for its figures; data: LabelledClips."""
    rows = [None if side is None else side.tolist() for side in (data.train, data.test)]
    sides = {name: len(getattr(data, name)) for name in ("train", "test") if getattr(data, name) is not None}
    values = {
        "script": program(),
        "options": options.as_dict(),
        "seed": options.seed,
        "split": split,
        "network": network.name,
        "model": network.stem,
        "dataset": data.dataset.as_dict(),
        "sampling": data.sampling._asdict(),
        "recipe": recipe.as_dict(),
        "counts": {"videos": len(data.videos), "classes": len(data.classes)} | sides,
        "data": digest(data.content, rows),
        "versions": {"actioncnn": __version__} | {name: version(name) for name in PACKAGES},
        "device": device.name,
        "precision": device.precision,
        "notes": notes,
    }
    return Record(plain(values))


def identity(record: Record) -> str:
    """Digest of all that the result of a run follows from."""
    chosen = {name: record[name] for name in RESULT_FOLLOWS_FROM}
    return digest(chosen | {"options": {k: v for k, v in record["options"].items() if k not in UNLIKE}})


def check_same(folder: Path, former: Record, record: Record) -> None:
    """UserError: the run in a folder, whose record is `former`, is not the one of the record."""
    for name, value in record["options"].items():
        before = former["options"].get(name)
        if name not in UNLIKE and before != value:
            option = "--" + name.replace("_", "-")
            why = " (the learning rate falls over all epochs: a longer run differs from its start)"
            raise UserError(
                f"--resume: {folder} holds a run with {option} {before}, not {value}{why if name == 'epoch' else ''}; "
                f"give the same options, or {START_ANEW}"
            )
    for name in ("network", "precision"):
        if former.get(name, record[name]) != record[name]:
            is_not = f"{name} {former[name]}, not {record[name]}"
            raise UserError(f"--resume: {folder} holds a run with {is_not}; {START_ANEW}")
    if former.get("counts") != record["counts"] or former.get("data", record["data"]) != record["data"]:
        raise UserError(f"--resume: the videos are not those of the run in {folder}; {START_ANEW}")
