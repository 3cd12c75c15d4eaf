"""A saved model tested on a labelled dataset: what a training run writes about its test clips, for classes by name."""

import os
from pathlib import Path

import numpy as np

from actioncnn.cli import bar, count, say, shorten, warn
from actioncnn.data import cache, index
from actioncnn.errors import UserError
from actioncnn.files import make_output
from actioncnn.model.labels import find_label
from actioncnn.model.model import open_model
from actioncnn.runs import metrics, results, tables

BATCH = 64  # clips


def evaluate(files, directory, output=None, cache_dir=None, workers=None, views=1):
    """Tests the model of these ModelFiles on the videos of a directory, and writes the reports to `output`.

    Videos of classes that the model does not know are left out, and the classes named. Returns the exit code: 1 where
    a video gave no frame, else 0.
    """
    videos = index.scan(directory, test=True)
    model = open_model(files, views)
    videos, labels = known(videos, model.classes)
    output = output or Path(f"evaluation_{directory.absolute().name}")
    make_output(output)
    if trained_on(files, directory):
        warn(f"note: the model was trained on videos of {directory}, which flatters these figures")
    clips, failures = cache.load_clips(videos, model.reads, cache_dir, workers)
    good = [row for row in range(len(videos)) if row not in failures]
    truth = np.array(labels)[good]
    probabilities = predict(model, Rows(model.reads.pick(clips), good))
    figures = metrics.evaluate(truth, probabilities)
    classes = model.classes
    say(f"videos: {len(good)} of {len(set(labels))} classes in {directory}; the model knows {len(classes)}")
    of_views = f"mean of {views} views, " if views > 1 else ""
    say(f"test: {of_views}{tables.told(figures, truth)}")
    paths = [os.path.relpath(videos[row].path, directory) for row in good]
    shown = Rows(model.sampling.views(clips, views)[0], good)
    results.write_evaluation(output, shown, paths, classes, truth, probabilities)
    counts = {"videos": len(videos), "tested": len(good), "classes": len(set(truth.tolist()))}
    values = {"model": files.model, "weights": files.weights, "videos": directory, "views": views, "counts": counts}
    tables.write_json(output / "metrics.json", values | {"metrics": figures}, indent=2)
    for row, reason in failures.items():
        warn(f"left out: {videos[row].path}: {reason}")
    say(f"results: {output}")
    return 1 if failures else 0


def trained_on(files, directory):
    """Whether args.json beside the model names this directory, as seen from here."""
    trained = files.args.get("options", {}).get("videos")
    return trained is not None and os.path.realpath(trained) == os.path.realpath(directory)


def known(videos, classes):
    """The videos of classes that the model knows, in any case, and their labels; the other classes are told.

    UserError: it knows none.
    """
    label_of = {name: find_label(name, classes) for name in {video.name: None for video in videos}}
    unknown = [name for name, label in label_of.items() if label is None]
    if len(unknown) == len(label_of):
        raise UserError(
            f"--videos: the model knows none of its classes ({shorten(unknown)}), but {shorten(classes)}; give the"
            " directory of a dataset with these classes, or other names with --classes FILE"
        )
    if unknown:
        left = count(sum(label_of[video.name] is None for video in videos), "video")
        warn(
            f"note: left out: {left} of {count(len(unknown), 'class')} that the model does not know: {shorten(unknown)}"
        )
    videos = [video for video in videos if label_of[video.name] is not None]
    return videos, [label_of[video.name] for video in videos]


class Rows:
    """Some rows of an array of clips, read only where they are indexed."""

    def __init__(self, clips, rows):
        self.clips, self.rows = clips, np.array(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        return self.clips[self.rows[place]]


def predict(model, clips):
    """Probabilities of clips, float32 (N, classes)."""
    probabilities = []
    with bar(total=len(clips), unit="clip", desc="testing") as progress:
        for start in range(0, len(clips), BATCH):
            probabilities.append(model(clips[start : start + BATCH]))
            progress.update(len(probabilities[-1]))
    return np.concatenate(probabilities)
