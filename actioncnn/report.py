"""What a training run writes into its output directory: tables, settings, curves, confusion matrix, examples.

Takes arrays and plain data, never datasets, and models only in `plot_model`. Every file appears whole or not at all:
it is written under a temporary name and renamed, so that nothing written is lost by a later failure. A picture that
cannot be drawn costs one line on standard error, never the run.
"""

import csv
import functools
import io
import json
import math
import os
import shutil
import sysconfig
import warnings
from pathlib import Path

import numpy as np

from actioncnn import examples, pictures
from actioncnn.cli import warn

COLUMNS = ("epoch", "loss", "acc", "val_loss", "val_acc")
TOP = 5  # classes named per clip in predictions.csv


def write_file(path, data):
    """Write text (UTF-8) or bytes to a file, whole or not at all."""
    path = Path(path)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")  # file names that are not UTF-8 come back as they were
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_classes(directory, classes):
    """classes.txt: class names in label order, one a line."""
    write_file(Path(directory) / "classes.txt", "".join(f"{name}\n" for name in classes))


def read_classes(directory):
    """Class names of a directory's classes.txt, in label order."""
    text = (Path(directory) / "classes.txt").read_text("utf-8", "surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


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


def write_args(directory, values):
    """args.json: the options as used and what else describes the run, in the given order."""
    write_file(Path(directory) / "args.json", json.dumps(plain(values), indent=2) + "\n")


def write_table(path, columns, rows):
    """Tab-separated table: a header of `columns`, then a line for each row, a dict; floats with 6 decimals."""
    lines = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    write_file(path, "".join("\t".join(line) + "\n" for line in lines))


def _cell(value):
    if value is None:
        return "nan"
    return f"{value:.6f}" if isinstance(value, float | np.floating) else str(value)


def write_result(directory, history, name="result.txt"):
    """Epochs 1, 2, ... of a run, a row each; history: dicts with the COLUMNS as keys, nan where missing."""
    write_table(Path(directory) / name, COLUMNS, history)


def read_result(directory, name="result.txt"):
    """The history that `write_result` wrote, rounded to 6 decimals."""
    header, *rows = (line.split("\t") for line in (Path(directory) / name).read_text().splitlines())
    return [
        {key: int(cell) if key == "epoch" else float(cell) for key, cell in zip(header, row, strict=True)}
        for row in rows
    ]


def picture(path, draw, *args):
    """Write the figure `draw(*args)` as PNG. False, and one line on standard error, where that fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # glyphs that the bundled font lacks, one warning each
            data = pictures.png(draw, *args)
        write_file(path, data)
        return True
    except Exception as error:  # a picture is the least of a run's results
        not_drawn(path, error)
        return False


@functools.cache  # curves are drawn after each epoch, and would fail after each
def warn_once(message):
    warn(message)


def not_drawn(path, error):
    warn_once(f"warning: {path} is not drawn: " + " ".join(f"{type(error).__name__}: {error}".split())[:200])


def plot_curves(directory, history, names=("model_accuracy.png", "model_loss.png")):
    """Accuracy and loss by epoch, training and validation; history as in `write_result`. True if both are drawn."""
    draws = (pictures.accuracy, pictures.loss)
    drawn = [picture(Path(directory) / name, draw, history) for name, draw in zip(names, draws, strict=True)]
    return all(drawn)


def plot_model(model, path):
    """Graph of a Keras model with shapes, as PNG. False, and one line on standard error, where that fails.

    Models within it are drawn with their layers, or, where there are many, as boxes one below the other.
    """
    try:
        from keras import Model
        from keras.utils import model_to_dot

        nested = sum(isinstance(layer, Model) for layer in model.layers)
        few = nested <= 3
        dot = model_to_dot(model, show_shapes=True, expand_nested=few, rankdir="TB" if few else "LR", dpi=100)
        write_file(path, dot.create(prog=graphviz(), format="png"))
        return True
    except Exception as error:
        not_drawn(path, error)
        return False


def graphviz():
    """Graphviz from PyPI, which is beside Python even where no virtual environment is active, else a system's `dot`."""
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    program = shutil.which("graphviz-pure", path=places) or shutil.which("dot")
    if not program:
        raise FileNotFoundError("there is no Graphviz; pip install graphviz-pure")
    return program


def write_predictions(directory, files, classes, truth, probabilities):
    """predictions.csv: file, true class, predicted class, confidence, and the next classes of the first five.

    files: N names; truth: int (N,); probabilities: float (N, classes).
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities)
    order = ranking(probabilities)[:, :TOP]
    header = ["file", "true", "predicted", "confidence"]
    for rank in range(2, min(TOP, len(classes)) + 1):
        header += [f"predicted_{rank}", f"confidence_{rank}"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for file, true, row, best in zip(files, truth, probabilities, order, strict=True):
        named = [cell for label in best for cell in (classes[label], f"{row[label]:.7g}")]
        writer.writerow([file, classes[true], *named])
    write_file(Path(directory) / "predictions.csv", text.getvalue())


def ranking(probabilities):
    """Labels by falling probability, int (N, classes); of equal ones the lower label first, as `argmax` has it."""
    return np.argsort(-np.asarray(probabilities, np.float64), axis=1, kind="stable")


def topk(probabilities, truth, k):
    """Share of clips whose true class is among the k most probable; nan without clips."""
    if len(truth) == 0:
        return math.nan
    return float((ranking(probabilities)[:, :k] == np.asarray(truth)[:, None]).any(1).mean())


def confusion(truth, predicted, nclass):
    """Counts, int (nclass, nclass): row = true class, column = predicted class."""
    matrix = np.zeros((nclass, nclass), int)
    np.add.at(matrix, (np.asarray(truth, int), np.asarray(predicted, int)), 1)
    return matrix


def class_accuracy(matrix):
    """Share of each class's clips that are right, float (classes,); nan for a class without clips."""
    counts = matrix.sum(1)
    return np.where(counts > 0, matrix.diagonal() / np.maximum(counts, 1), np.nan)


def write_confusions(directory, matrix, classes, count=30):
    """confusions.txt: the `count` most frequent confusions, worst first."""
    clips = matrix.sum(1)
    wrong = [(matrix[i, j], matrix[i, j] / clips[i], i, j) for i, j in np.argwhere(matrix) if i != j]
    wrong.sort(key=lambda item: (-item[0], -item[1], item[2], item[3]))
    lines = [f"{classes[i]} -> {classes[j]}: {n} of {clips[i]} clips" for n, _, i, j in wrong[:count]]
    if len(wrong) > count:
        lines.append(f"and {len(wrong) - count} more pairs of classes with at most {wrong[count][0]} clips")
    write_file(Path(directory) / "confusions.txt", "\n".join(lines or ["no clip is wrong"]) + "\n")


def plot_confusion(directory, matrix, classes):
    """confusion_matrix.png: rows = true classes, columns = predicted ones, color = share of the row."""
    return picture(Path(directory) / "confusion_matrix.png", pictures.confusion, matrix, classes)


def plot_class_accuracy(directory, matrix, classes):
    """class_accuracy.png: a bar for each class that has clips, best first."""
    return picture(Path(directory) / "class_accuracy.png", pictures.class_accuracy, matrix, classes)


def plot_examples(directory, clips, files, classes, truth, probabilities, count=12):
    """examples.png: the most confident mistakes, then the most confident right clips, of as many classes as possible.

    clips: uint8 (N, H, W, T, C) or (N, H, W, C), gray or RGB, read only where shown; truth: int (N,);
    probabilities: (N, classes).
    """
    path = Path(directory) / "examples.png"
    return picture(path, examples.examples, clips, files, classes, truth, probabilities, count)


def write_evaluation(directory, clips, files, classes, truth, probabilities):
    """All that is written about the test clips; returns {"top1", "top5", "mean_class_accuracy"}, nan without clips.

    clips: uint8 (N, H, W, T, C) or (N, H, W, C); files: N paths within the dataset; truth: int (N,);
    probabilities: (N, classes).
    """
    write_predictions(directory, files, classes, truth, probabilities)
    matrix = confusion(truth, np.argmax(probabilities, axis=1), len(classes))
    write_confusions(directory, matrix, classes)
    if len(truth):
        plot_confusion(directory, matrix, classes)
        plot_class_accuracy(directory, matrix, classes)
        plot_examples(directory, clips, files, classes, truth, probabilities)
    rates = class_accuracy(matrix)
    mean = float(np.nanmean(rates)) if len(truth) else math.nan
    return {"top1": topk(probabilities, truth, 1), "top5": topk(probabilities, truth, 5), "mean_class_accuracy": mean}
