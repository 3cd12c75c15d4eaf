"""What a training run tells of itself: which table and which picture is in which file of --output.

A picture that cannot be drawn costs one line on standard error, never the run.
"""

import functools

import numpy as np

from actioncnn import files
from actioncnn.cli import warn
from actioncnn.errors import one_line
from actioncnn.figures import charts
from actioncnn.figures.diagram import draw_network
from actioncnn.figures.examples import draw_examples
from actioncnn.runs import metrics, tables

WRITTEN = (  # all that this module writes of a run, but for the curves
    "model.png",
    "predictions.csv",
    "confusions.txt",
    "confusion_matrix.png",
    "class_accuracy.png",
    "class_report.csv",
    "examples.png",
)


def picture(path, make, *args):
    """Writes the picture that make(*args) gives as bytes. False, and one line on standard error, where that fails.

    UserError: it cannot be written.
    """
    try:
        content = make(*args)
    except Exception as error:  # a picture is the least of a run's results
        warn_once(f"warning: {path} is not drawn: {one_line(error)}")
        return False
    files.write(path, content)
    return True


@functools.cache  # curves are drawn after each epoch, and would fail after each
def warn_once(message):
    warn(message)


def plot_curves(directory, history, names=("model_accuracy.png", "model_loss.png")):
    """Accuracy and loss by epoch, training and validation; history as in tables.write_history."""
    for name, draw, key in zip(names, (charts.accuracy, charts.loss), ("acc", "loss"), strict=True):
        picture(directory / name, charts.png, draw, charts.training_curves(history, key))


def plot_model(directory, model):
    picture(directory / "model.png", draw_network, model)


def write_evaluation(directory, clips, videos, classes, truth, probabilities, groups=None):
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
