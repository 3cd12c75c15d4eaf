"""A saved model tested on a labelled dataset: what a training run writes about its test clips, for classes by name."""

from pathlib import Path

import numpy as np

from actioncnn.cli import bar, count, say, warn
from actioncnn.data import store
from actioncnn.data.clips import Rows
from actioncnn.data.dataset import relative, untold_groups
from actioncnn.data.groups import scenes
from actioncnn.errors import UserError
from actioncnn.files import make_output
from actioncnn.model.model import open_model
from actioncnn.runs import metrics, results, tables
from actioncnn.runs.outputs import check_outputs, files_of, files_of_dataset
from actioncnn.runs.tested import choose_videos

BATCH = 64  # clips


def evaluate(files, directory, given, output=None, cache_dir=None, workers=None, views=1):
    """Tests the model of these ModelFiles on the videos of a dataset, and writes the reports to `output`.

    given: {option: value} of the dataset, as options.given has it. Videos of classes that the model does not know are
    left out, and the classes named. Returns the exit code: 1 where a video gave no frame, else 0.
    """
    model = open_model(files, views)
    if model.gives_number:
        raise UserError(f"--videos: {files.model} gives one number for a clip; only classes can be tested")
    chosen = choose_videos(directory, given, files, model.classes)
    videos = chosen.videos
    output = output or Path(f"evaluation_{directory.absolute().name}")
    paths = [("--output", output / name) for name in (*results.WRITTEN, "metrics.json")]
    check_outputs(paths, [*files_of_dataset(chosen.dataset), *files_of(files)])
    make_output(output)
    if chosen.seen:
        of_all = f"{chosen.seen} of these {count(len(videos), 'clip')}"
        warn(f"note: the model was trained on {of_all}, which flatters its figures")
    if chosen.seen is None and model.ours:
        warn("note: whether the model was trained on these clips cannot be told: its run or its videos are not there")
    clips, failures = store.load_clips(videos, model.reads, cache_dir or files.cache, workers)
    good = [row for row in range(len(videos)) if row not in failures]
    truth = np.array(chosen.labels)[good]
    probabilities = predict(model, Rows(model.reads.pick(clips), good))
    figures = metrics.evaluate(truth, probabilities)
    classes = model.classes
    say(f"videos: {chosen.words}, {len(good)} of {len(set(chosen.labels))} classes; the model knows {len(classes)}")
    of_views = f"mean of {views} views, " if views > 1 else ""
    say(f"test: {of_views}{metrics.in_words(figures, truth, len(classes))}")
    for line in metrics.tell_chance(probabilities.argmax(1) == truth, truth, scenes([videos[row] for row in good])):
        say(f"test: {line}")
    paths = [relative(videos[row], directory) for row in good]
    groups = untold_groups([videos[row] for row in good])
    shown = Rows(model.sampling.views(clips, views)[0], good)
    results.write_evaluation(output, shown, paths, classes, truth, probabilities, groups)
    counts = {"videos": len(videos), "tested": len(good), "classes": len(set(truth.tolist()))}
    values = {"model": files.model, "weights": files.weights, "videos": directory, "views": views, "counts": counts}
    values |= {"dataset": chosen.dataset.as_dict(), "trained_on": chosen.seen}
    tables.write_json(output / "metrics.json", values | {"metrics": figures}, indent=2)
    for row, reason in failures.items():
        warn(f"left out: {videos[row].path}: {reason}")
    say(f"results: {output}")
    return 1 if failures else 0


def predict(model, clips):
    """Probabilities of clips, float32 (N, classes)."""
    probabilities = []
    with bar(total=len(clips), unit="clip", desc="testing") as progress:
        for start in range(0, len(clips), BATCH):
            probabilities.append(model(clips[start : start + BATCH]))
            progress.update(len(probabilities[-1]))
    return np.concatenate(probabilities)
