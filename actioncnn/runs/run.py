"""What a training run left in its --output, read back: of this version or an earlier one, whole or not."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from actioncnn import files
from actioncnn.data.groups import scene
from actioncnn.data.index import alphabetical, class_and_group
from actioncnn.errors import UserError
from actioncnn.model.audit import check_weights
from actioncnn.runs import tables
from actioncnn.runs.classes import BESIDE, read_classes
from actioncnn.runs.metrics import chance, confusion
from actioncnn.runs.record import ARGS, Record, read_record

PARTS = ("split_*", "fold_*")  # folders of --split all and of --split folds:K


@dataclass
class Run:
    """One run: its options and figures, its test clips and what it took them for."""

    folder: Path
    name: str
    record: Record
    classes: list[str]
    files: list[str] = field(default_factory=list)  # of the test clips, within the dataset
    true: list[str] = field(default_factory=list)  # class names
    ranked: list[list[tuple[str, float]]] = field(default_factory=list)  # (class, probability) of each clip, best first
    told_groups: list[str | None] = field(default_factory=list)  # what the table says of each clip's group
    tags: dict[str, str] = field(
        default_factory=dict
    )  # {file: digits that tell its content}, as far as the record has them
    of_parts: list[float] = field(default_factory=list)  # top-1 of each split or fold, where the run has several
    histories: dict[str, tables.History] = field(default_factory=dict)  # by member or part, "" of the only one
    missing: list[str] = field(default_factory=list)  # which file is not there, and what is left out for it

    @property
    def options(self) -> dict[str, Any]:
        return self.record.options

    @cached_property
    def groups(self) -> list[str | None]:
        """The group of each clip as text, from the table or from its file name; None where no group is known."""
        pairs = zip(self.told_groups, self.files)
        groups = [class_and_group(file)[1] if told is None else told for told, file in pairs]
        return [None if group in (None, "") else str(group) for group in groups]

    @property
    def scenes(self) -> list[str | None]:
        """What tells the group of each clip from those of other classes, as text; None where none is known."""
        numbers = [int(group) if group and group.isdecimal() and len(group) < 10 else group for group in self.groups]
        return [None if group is None else str(scene(name, group)) for name, group in zip(self.true, numbers)]

    @property
    def predicted(self) -> list[str]:
        return [ranked[0][0] for ranked in self.ranked]

    @property
    def right(self) -> np.ndarray:
        """Whether each clip's best class is the true one, bool (N,)."""
        return np.array([ranked[0][0] == true for ranked, true in zip(self.ranked, self.true)], bool)

    @property
    def right_of_5(self) -> np.ndarray:
        return np.array(
            [true in [name for name, _ in ranked[:5]] for ranked, true in zip(self.ranked, self.true)], bool
        )

    @property
    def script(self) -> str:
        """The script that made it, as far as the run tells."""
        if "script" in self.record:
            return self.record["script"]
        if "nmodel" in self.options:
            return "3dcnn_ensemble.py"
        return "2dcnn.py" if self.record.get("model") == "ucf101cnnmodel" else "3dcnn.py or 3dcnn-my-model.py"

    @property
    def notes(self) -> list[str]:
        """What the user was told of the data; earlier versions did not write it down."""
        if "notes" in self.record:
            return [str(line) for line in self.record["notes"]]
        inflated = "a random split may put near-identical clips on both sides, which inflates accuracy"
        return [inflated] if self.record.get("split") == "random" else []

    @property
    def verdicts(self) -> list[str]:
        """What the run concluded of motion and of chance."""
        return [str(line) for line in self.record.get("verdicts", [])]

    @property
    def chance(self) -> float:
        return chance(self.true)

    @property
    def matrix(self) -> np.ndarray:
        """Counts (classes, classes): row = true class, column = predicted class."""
        label = {name: number for number, name in enumerate(self.classes)}
        return confusion([label[name] for name in self.true], [label[name] for name in self.predicted], len(label))


def read_run(folder: Path | str) -> Run:
    """The Run in a folder. UserError: there is none, or it has not tested anything."""
    folder = Path(folder)
    parts = [part.parent for pattern in PARTS for part in folder.glob(f"{pattern}/{ARGS}")]
    parts.sort(key=lambda part: (len(part.name), part.name))
    args = next((record for path in (folder, *parts) if (record := read_record(path)) is not None), None)
    if args is None:
        raise UserError(f"{folder}: no run of a training script ({ARGS} is missing); give its --output")
    run = Run(folder, folder.resolve().name, args, [])
    tables_of = [folder] if (folder / "predictions.csv").is_file() else parts
    for part in tables_of:
        read_predictions(run, part / "predictions.csv")
    run.tags = tags_of(parts or [folder])
    if not run.files:
        raise UserError(
            f"{folder}: this run has tested no clip (predictions.csv is missing or empty); let it end first"
        )
    run.classes = classes_of(run, (parts or [folder])[0] / BESIDE)
    for part in parts or [folder]:
        read_histories(run, part, f"{part.name} " if parts else "")
    if not run.histories:
        run.missing.append("result.txt is not there: no curves")
    records = [read_record(part) or Record() for part in parts]
    run.of_parts = [record["metrics"]["top1"] for record in records if record.get("metrics")]
    if parts:  # what holds for the first of them alone
        for name in ("split", "counts", "seconds"):
            args.pop(name, None)
        args["split"] = run.options.get("split")
    with contextlib.suppress(OSError, ValueError):
        args["seconds"] = sum(float(files.read_text(part / "seconds.txt", 100)) for part in parts or [folder])
    if "parameters" not in args:
        args["parameters"] = count_parameters((parts or [folder])[0], args)
    return run


def tags_of(folders: Iterable[Path]) -> dict[str, str]:
    """{file: four digits that tell its content} of the test clips of runs; empty for runs of earlier versions."""
    found: dict[str, str] = {}
    for folder in folders:
        with contextlib.suppress(UserError, OSError, KeyError):
            tested = (read_record(folder) or Record()).get("tested", "")
            names = [row["file"] for row in tables.csv_rows(folder / "predictions.csv")]
            if len(tested) == 4 * len(names):
                found |= {name: tested[4 * row : 4 * row + 4] for row, name in enumerate(names)}
    return found


def read_predictions(run: Run, path: Path) -> None:
    """Adds the test clips of a predictions.csv. UserError: it is none."""
    try:
        rows = tables.csv_rows(path)
    except FileNotFoundError:
        rows = []
        run.missing.append(f"{path.relative_to(run.folder)} is not there: its test clips are left out")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: not the table of a training run ({reason}); leave this run out") from None
    told: dict[tuple[str, str], list[tuple[str, float]]] = {}
    try:
        for row in rows:
            names = ["predicted", *(key for key in row if key and key.startswith("predicted_"))]
            ranked = [(row[name], float(row[name.replace("predicted", "confidence")])) for name in names]
            if not all(0 <= share <= 1.001 for _, share in ranked):
                raise ValueError(f"{row['file']}: a confidence is not between 0 and 1")
            clip = row["file"], row["true"]
            if told.setdefault(clip, ranked) != ranked:
                raise ValueError(f"{row['file']}: it is there twice, with other predictions")
            if told[clip] is not ranked:
                continue  # the same line once more
            run.files.append(row["file"])
            run.true.append(row["true"])
            run.ranked.append(ranked)
            run.told_groups.append(row.get("group"))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: not the table of a training run ({error}); train again or leave this run out"
        ) from None


def classes_of(run: Run, path: Path) -> list[str]:
    """The names of classes.txt, and behind them what the predictions name beside these."""
    named = {*run.true, *(name for ranked in run.ranked for name, _ in ranked)}
    try:
        classes = read_classes(path)
    except OSError:
        classes = []
        run.missing.append("classes.txt is not there: classes are those that predictions.csv names")
    return [*dict.fromkeys(classes), *sorted(named - set(classes), key=alphabetical)]


def read_histories(run: Run, folder: Path, prefix: str) -> None:
    """Adds the rows of result.txt by epoch, and of result_0.txt and so on of the members of an ensemble."""
    members = sorted(folder.glob("result_*.txt"), key=lambda path: (len(path.name), path.name))
    for path in members or [folder / "result.txt"]:
        try:
            rows = [row for row in tables.read_history(path) if "epoch" in row]
        except (OSError, ValueError):
            continue
        if rows:
            run.histories[(prefix + path.stem.removeprefix("result").replace("_", "member ")).strip()] = rows


def count_parameters(folder: Path, args: Record) -> int | None:
    """Numbers in the saved weights; None where they cannot be read."""
    import h5py

    total = 0

    def add(name, item):
        nonlocal total
        total += item.size if isinstance(item, h5py.Dataset) and "seed_generator" not in name else 0

    try:
        path = folder / f"{Path(args['model']).name}.hd5"
        if not path.is_file():  # HDF5 would wait for a pipe
            return None
        with h5py.File(path) as file:
            check_weights(file, path.stat().st_size)
            file.visititems(add)
    except Exception:  # whatever a damaged or hostile file leads to: it is only a figure on a page
        return None
    return total
