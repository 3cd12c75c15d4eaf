"""What the last layer before the head makes of clips: written as arrays, and compared with a run's training clips."""

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from actioncnn.cli import bar, warn
from actioncnn.data.clips import read_clips
from actioncnn.data.dataset import understand
from actioncnn.data.index import class_and_group
from actioncnn.errors import UserError
from actioncnn.runs.tested import sides_of_run

BATCH = 64  # clips
NEAREST = 5  # training clips that are named


def as_npz(results, classes, files=None):
    """The bytes of an .npz file, a row for each clip, N in all, of results (path, rows).

    features: float32 (N, units); files: their names; classes: what their names or folders tell, "" where that is none
    of the model's; predicted: what the model says; probabilities: float32 (N, names); names: of the model's classes;
    start, end: seconds, of windows.
    """
    clips = [(str(path), row) for path, rows in results for row in rows]
    of_run = classes_of_run(files) if files else {}
    true = [of_run.get(os.path.realpath(file)) or class_of(file, classes) for file, _ in clips]
    values = {
        "features": np.array([row.features for _, row in clips], np.float32),
        "files": [file for file, _ in clips],
        "classes": true,
        "predicted": [classes[int(np.argmax(row.probabilities))] for _, row in clips],
        "probabilities": np.array([row.probabilities for _, row in clips], np.float32),
        "names": classes,
    }
    if any(row.start is not None for _, row in clips):
        values |= {name: np.array([getattr(row, name) for _, row in clips]) for name in ("start", "end")}
    content = io.BytesIO()
    np.savez(content, **{name: np.asarray(value) for name, value in values.items()})
    return content.getvalue()


def classes_of_run(files):
    """{real path: class} of the videos of the run that made the model, as far as they are there."""
    options = files.record.dataset_options if files.record else None
    with contextlib.suppress(UserError):
        videos = understand(options).videos if options else []
        return {os.path.realpath(video.path): video.name for video in videos}
    return {}


def class_of(file, classes):
    """The class that a file's name tells, or the innermost of its folders that is one of `classes`; "" for none."""
    known = {name.casefold(): name for name in reversed(classes)}
    names = [class_and_group(file)[0], *(folder.name for folder in Path(file).absolute().parents)]
    return next((known[name.casefold()] for name in names if name.casefold() in known), "")


def nearest(model, cache=None, workers=None):
    """A function of a path and Row: the training clips whose features point most nearly where the Row's do (cosine).

    [{"file", "class", "similarity"}], the clip itself left out. None, and a line that says why, where the model's run
    or its videos are not there.
    """
    try:
        data = training_clips(model.files, model.sampling, cache, workers)
    except UserError as error:
        warn(f"note: no nearest training clips: {error}")
        return None
    units = directions(features_of(model, data))
    videos = [data.videos[row] for row in data.train]
    places = np.array([os.path.realpath(video.path) for video in videos])

    def told(path, row):
        similarity = units @ directions(row.features[None])[0]
        similarity[places == os.path.realpath(path)] = -np.inf
        best = np.argsort(-similarity, kind="stable")[: min(NEAREST, np.isfinite(similarity).sum())]
        return [
            {"file": str(videos[i].path), "class": videos[i].name, "similarity": float(similarity[i])} for i in best
        ]

    return told


def training_clips(files, sampling, cache, workers):
    """LabelledClips of the model's run, with its training rows. UserError: its videos cannot be found."""
    record = files.record
    options = record.dataset_options if record else None
    if options is None:
        raise UserError(f"--features: {files.model} is not from a run of this suite: its training clips are unknown")
    dataset = sides_of_run(understand(options), files.model.parent, record)
    if dataset is None:
        raise UserError(f"the videos in {options.videos} are not those of the run that made {files.model}")
    data, _ = read_clips(dataset, sampling, cache or files.cache, workers)
    rows = [row for row, video in enumerate(data.videos) if video.side == "train" and row not in data.failures]
    return replace(data, train=np.array(rows))


def features_of(model, data):
    """Features of the training clips, float32 (N, units)."""
    parts = []
    with bar(total=len(data.train), unit="clip", desc="training clips") as progress:
        for start in range(0, len(data.train), BATCH):
            parts.append(model.features(data.clips[data.train[start : start + BATCH]]))
            progress.update(len(parts[-1]))
    return np.concatenate(parts)


def directions(features):
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
