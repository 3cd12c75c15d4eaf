"""Results as text: tables, CSV, JSON."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np

from actioncnn import files
from actioncnn.report.metrics import class_figures, ranking

COLUMNS = ("epoch", "loss", "acc", "val_loss", "val_acc")
TOP = 5  # classes named per clip in predictions.csv


def plain(value):
    """Settings as JSON knows them: paths as text, numpy as numbers and lists, numbers that are not finite as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def write_json(path, values, indent=1):
    files.write(path, json.dumps(plain(values), indent=indent) + "\n")


def write_table(path, columns, rows):
    """Tab-separated table: a header of `columns`, then a line for each row, a dict; floats with 6 decimals."""
    lines = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    files.write(path, "".join("\t".join(line) + "\n" for line in lines))


def _cell(value):
    if value is None:
        return "nan"
    return f"{value:.6f}" if isinstance(value, float | np.floating) else str(value)


def write_history(path, history):
    """Epochs 1, 2, ... of a run, a row each; history: dicts with the COLUMNS as keys, nan where missing."""
    write_table(path, COLUMNS, history)


def read_history(path):
    """The history that `write_history` wrote, rounded to 6 decimals."""
    header, *rows = (line.split("\t") for line in Path(path).read_text().splitlines())
    return [
        {key: int(cell) if key == "epoch" else float(cell) for key, cell in zip(header, row, strict=True)}
        for row in rows
    ]


def best_classes(probabilities, classes, top):
    """[(class, probability)] of the `top` most probable classes; probabilities: (classes,)."""
    return [(classes[label], float(probabilities[label])) for label in ranking(probabilities[None])[0][:top]]


def predictions_csv(columns, rows, classes, top=TOP, last=()):
    """CSV, as text: `columns`, then predicted class, confidence and the next of the first `top` classes.

    rows: (cells of the columns, probabilities (classes,)); last: (name, cells) of a column at the end.
    """
    header = [*columns, "predicted", "confidence"]
    for rank in range(2, min(top, len(classes)) + 1):
        header += [f"predicted_{rank}", f"confidence_{rank}"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, *last[:1]])
    for place, (cells, probabilities) in enumerate(rows):
        named = best_classes(probabilities, classes, top)
        shares = (cell for name, share in named for cell in (name, f"{share:.7g}"))
        writer.writerow([*cells, *shares, *(each[place] for each in last[1:])])
    return text.getvalue()


def write_predictions(path, videos, classes, truth, probabilities, groups=None):
    """predictions.csv of a test; videos: N names; truth: int (N,); probabilities: float (N, classes).

    groups: those of the videos, N, where their names do not tell them.
    """
    rows = zip(zip(videos, (classes[true] for true in truth)), np.asarray(probabilities), strict=True)
    files.write(
        path, predictions_csv(["file", "true"], rows, classes, last=() if groups is None else ("group", groups))
    )


def told(figures, truth):
    """The figures of metrics.evaluate in a line; mean class accuracy where the tested classes differ in size.

    truth: int (N,), of the tested clips.
    """
    named = {"loss": "loss", "top1": "top-1", "top5": "top-5", "mean_class_accuracy": "mean class accuracy"}
    if len(set(np.unique(truth, return_counts=True)[1])) < 2:
        del named["mean_class_accuracy"]
    return ", ".join(f"{name} {figures[key]:.4f}" for key, name in named.items())


def write_class_report(path, matrix, classes):
    """class_report.csv: precision, recall, F1 and number of clips of each class; empty where there is none.

    matrix: as metrics.confusion gives it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "precision", "recall", "f1", "clips"])
    for name, *shares, clips in zip(classes, *class_figures(matrix), matrix.sum(1)):
        writer.writerow([name, *("" if np.isnan(share) else f"{share:.6f}" for share in shares), clips])
    files.write(path, text.getvalue())


def join_csv(path, parts):
    """The rows of CSV files of the same columns, sorted, in one file."""
    headers, rows = zip(*(part.read_text(errors="surrogateescape").split("\n", 1) for part in parts), strict=True)
    rows = sorted(csv.reader(io.StringIO("".join(rows), newline="")))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    files.write(path, headers[0] + "\n" + text.getvalue())


def write_confusions(path, matrix, classes, count=30):
    """confusions.txt: the `count` most frequent confusions, worst first; matrix as metrics.confusion gives it."""
    clips = matrix.sum(1)
    wrong = [(matrix[i, j], matrix[i, j] / clips[i], i, j) for i, j in np.argwhere(matrix) if i != j]
    wrong.sort(key=lambda item: (-item[0], -item[1], item[2], item[3]))
    lines = [f"{classes[i]} -> {classes[j]}: {n} of {clips[i]} clips" for n, _, i, j in wrong[:count]]
    if len(wrong) > count:
        lines.append(f"and {len(wrong) - count} more pairs of classes with at most {wrong[count][0]} clips")
    files.write(path, "\n".join(lines or ["no clip is wrong"]) + "\n")
