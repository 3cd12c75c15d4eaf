"""What a training run tells of itself: which table and which picture is in which file of --output.

A picture that cannot be drawn costs one line on standard error, never the run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from actioncnn import files
from actioncnn.cli import say, warn
from actioncnn.errors import UserError, one_line
from actioncnn.figures import charts
from actioncnn.figures.diagram import draw_network
from actioncnn.figures.examples import draw_examples
from actioncnn.runs import metrics, tables

if TYPE_CHECKING:
    import keras

WRITTEN = (  # all that this module writes of a run, but for the curves
    "model.png",
    "predictions.csv",
    "confusions.txt",
    "confusion_matrix.png",
    "class_accuracy.png",
    "class_report.csv",
    "examples.png",
)


def picture(path: Path, make: Callable[..., bytes], *args: Any) -> bool:
    """Writes the picture that make(*args) gives as bytes. False, and one line on standard error, where that fails.

    UserError: it cannot be written.
    """
    try:
        content = make(*args)
    except Exception as error:  # a picture is the least of a run's results
        reason = error if isinstance(error, UserError) else one_line(error)
        warn_once(f"warning: {path} is not drawn: {reason}")
        return False
    files.write(path, content)
    return True


@functools.cache  # curves are drawn after each epoch, and would fail after each
def warn_once(message: str) -> None:
    warn(message)


def plot_curves(
    directory: Path, history: tables.History, names: tuple[str, str] = ("model_accuracy.png", "model_loss.png")
) -> None:
    """Accuracy and loss by epoch, training and validation; history as in tables.write_history."""
    for name, draw, key in zip(names, (charts.accuracy, charts.loss), ("acc", "loss"), strict=True):
        picture(directory / name, charts.png, draw, charts.training_curves(history, key))


def write_curves(directory: Path, history: tables.History, member: int | None = None) -> None:
    """result.txt and the curves of a network, or of member number `member` of an ensemble."""
    of_member, prefix = ("", "model") if member is None else (f"_{member}", member)
    tables.write_history(directory / f"result{of_member}.txt", history)
    plot_curves(directory, history, (f"{prefix}_accuracy.png", f"{prefix}_loss.png"))


def write_figures(directory: Path, figures: Mapping[str, float]) -> None:
    """result.txt of an ensemble: loss and accuracy of the merged network."""
    row = {"loss": figures["loss"], "acc": figures["top1"]}
    files.write(directory / "result.txt", tables.table_text(row.keys(), [row]))


def write_splits(directory: Path, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Prints and writes result.txt of several splits, and of folds their test clips in one table -> means, a dict.

    rows: {"split", "loss", "top1", "mean_class_accuracy"} of each split, the runs of which lie in the directory.
    """
    columns, names = ("loss", "top1", "mean_class_accuracy"), [row["split"] for row in rows]
    means, deviations = (
        {name: float(of([row[name] for row in rows])) for name in columns} for of in (np.mean, partial(np.std, ddof=1))
    )
    splits = "three splits" if names[0] == "1" else f"{len(rows)} folds"
    told = f"{splits}: mean of their top-1 {means['top1']:.4f}, standard deviation {deviations['top1']:.4f}"
    parts = [directory / name / "predictions.csv" for name in names]
    if all(part.is_file() for part in parts):
        right = [row["true"] == row["predicted"] for part in parts for row in tables.csv_rows(part)]
        told += f"; of all clips {np.mean(right):.4f}"
    say(told)
    rows = [*rows, {"split": "mean"} | means, {"split": "std"} | deviations]
    contents = {"result.txt": tables.table_text(("split", *columns), rows)}
    if names[0].startswith("fold"):
        contents["predictions.csv"] = tables.joined_csv([directory / name / "predictions.csv" for name in names])
    for name, text in contents.items():
        files.write(directory / name, text)
    return means


def plot_model(directory: Path, model: keras.Model) -> None:
    picture(directory / "model.png", draw_network, model)


def write_evaluation(
    directory: Path,
    clips: np.ndarray | Sequence[np.ndarray],
    videos: Sequence[Path | str],
    classes: Sequence[str],
    truth: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str] | None = None,
) -> None:
    """All that is written about the test clips.

    clips: uint8 (N, H, W, T, C) or (N, H, W, C), gray or RGB, read only where shown; videos: N paths within the
    dataset; truth: int (N,); probabilities: float (N, classes); groups: those of the clips, or
    None where names tell them.
    """
    tables.write_predictions(directory / "predictions.csv", videos, classes, truth, probabilities, groups)
    matrix = metrics.confusion(truth, np.argmax(probabilities, axis=1), len(classes))
    tables.write_class_report(directory / "class_report.csv", matrix, classes)
    tables.write_confusions(directory / "confusions.txt", matrix, classes)
    if not len(truth):
        return
    picture(directory / "confusion_matrix.png", charts.png, charts.confusion, matrix, classes)
    picture(directory / "class_accuracy.png", charts.png, charts.class_accuracy, matrix, classes)
    picture(directory / "examples.png", draw_examples, clips, videos, classes, truth, probabilities)
