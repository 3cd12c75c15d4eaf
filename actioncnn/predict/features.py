"""What the last layer before the head makes of clips: written as arrays, and compared with a run's training clips."""

import io
import os
from pathlib import Path

import numpy as np

from actioncnn.cli import bar, warn
from actioncnn.data.dataset import divide, load_dataset
from actioncnn.data.index import class_and_group
from actioncnn.errors import UserError

BATCH = 64  # clips
NEAREST = 5  # training clips that are named


def as_npz(results, classes):
    """The bytes of an .npz file, a row for each clip, N in all, of results (path, rows).

    features: float32 (N, units); files: their names; classes: what their names or folders tell, "" where that is none
    of the model's; predicted: what the model says; probabilities: float32 (N, names); names: of the model's classes;
    start, end: seconds, of windows.
    """
    clips = [(str(path), row) for path, rows in results for row in rows]
    true = [class_and_group(file)[0] for file, _ in clips]
    values = {
        "features": np.array([row.features for _, row in clips], np.float32),
        "files": [file for file, _ in clips],
        "classes": [name if name in classes else "" for name in true],
        "predicted": [classes[int(np.argmax(row.probabilities))] for _, row in clips],
        "probabilities": np.array([row.probabilities for _, row in clips], np.float32),
        "names": classes,
    }
    if any(row.start is not None for _, row in clips):
        values |= {name: np.array([getattr(row, name) for _, row in clips]) for name in ("start", "end")}
    content = io.BytesIO()
    np.savez(content, **{name: np.asarray(value) for name, value in values.items()})
    return content.getvalue()


def nearest(model, workers=None):
    """A function of a path and Row: the training clips whose features point most nearly where the Row's do (cosine).

    [{"file", "class", "similarity"}], the clip itself left out. None, and a line that says why, where the model's run
    or its videos are not there.
    """
    try:
        data = trained_on(model, workers)
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


def trained_on(model, workers):
    """dataset.Data of the run that made the model. UserError: args.json or the videos that it names are not there."""
    args = model.files.args
    options = args.get("options", {})
    if not {"videos", "nclass"} <= options.keys() or not {"split", "seed"} <= args.keys():
        raise UserError(f"no args.json tells of the run that made {model.files.model}")
    directory = Path(options["videos"])
    layout = {name: Path(options[name]) for name in ("train_list", "test_list") if options.get(name)}
    layout |= {"class_level": options.get("class_level")}
    layout |= {"split": options.get("split", "1"), "say": lambda *_, **__: None}
    data, _ = load_dataset(directory, options["nclass"], model.sampling, options.get("cache"), workers, **layout)
    return divide(data, args["split"], args["seed"])[0]


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
