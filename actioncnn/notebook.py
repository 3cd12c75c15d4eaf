"""Five calls for notebooks: read a dataset, train, load a model, classify videos, explain a prediction.

The scripts do the same with more options and files; docs/python.md shows these calls. Each raises errors.UserError,
whose text names what is wrong and what helps.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np

from actioncnn.data import clips as data_clips
from actioncnn.data.dataset import understand
from actioncnn.data.options import DatasetOptions
from actioncnn.errors import UserError
from actioncnn.train.options import ClipOptions, Options
from actioncnn.train.recipes import NETWORKS
from actioncnn.video.sampling import Sampling


def read_dataset(videos, split="1", size=32, depth=10, color=False, nclass=None, **options):
    """The clips of a directory of videos, with the rows of the training and the test side.

    Args:
        videos: the directory, laid out as the scripts take it.
        split: as --split names it; one split, not "all" or "folds:K".
        size, depth, color: of a clip: pixels, frames, RGB or gray.
        nclass: how many classes, in alphabetical order; None: all.
        options: others of data.options.DatasetOptions, such as classes, class_level, train_list.

    Returns:
        data.clips.LabelledClips: `clips` uint8 (N, size, size, depth, channels), `targets` float32 (N, classes),
        `classes`, `train` and `test`, int arrays of rows, and `videos`.
    """
    wanted = DatasetOptions(videos=Path(videos), split=split, nclass=nclass, **options)
    data, _ = data_clips.read_clips(understand(wanted), Sampling(size, depth, color))
    names, _ = data_clips.resolve_split(data, split, wanted.seed)
    if len(names) > 1:
        raise UserError(f"split {split} stands for {len(names)} splits; name one of them: {', '.join(names)}")
    return data_clips.divide_clips(data, names[0], wanted.seed)[0]


def train(videos, output, network="3dcnn", **options):
    """Trains a network as its script does, and writes the same files.

    Args:
        videos, output: directories of the dataset and of the results.
        network: "3dcnn", "3dcnn-my-model" or "2dcnn".
        options: those of the script, with _ for -, such as epoch=40, batch=16, overwrite=True.

    Returns:
        runs.run.Run: `options`, `metrics` and more of the run in `output`.
    """
    from actioncnn.runs.run import read_run
    from actioncnn.train import run

    networks = {each.script: each for each in NETWORKS.values()}
    if network not in networks:
        raise UserError(f"there is no network {network}; give one of {', '.join(networks)}")
    chosen = networks[network]
    kind = ClipOptions if chosen.dimensions == 3 else Options
    if unknown := options.keys() - {each.name for each in fields(kind)}:
        raise UserError(f"{network} has no option {min(unknown)}; see docs/options.md")
    run.train(kind(videos=Path(videos), output=Path(output), **options), chosen)
    return read_run(Path(output))


def load(run_or_model):
    """The model.model.Model of a run's directory, or of a model's file (.json, .keras, .h5).

    Called with clips, uint8 (B, H, W, T, C), it gives probabilities, float32 (B, classes).
    """
    from actioncnn.model.model import open_model
    from actioncnn.runs.find import find_model

    return open_model(find_model(model=Path(run_or_model)))


def read_video(model, video):
    """The clip of a video file that a model takes: uint8 (H, W, T, C), of a 2D network (H, W, C)."""
    from actioncnn.video.decode import read_clip

    return model.sampling.pick(read_clip(Path(video), model.sampling))


def classify(model, videos):
    """The predictions of a model for video files.

    Returns:
        A list with {class: probability} for each file, the most probable class first.
    """
    shares = model(np.stack([read_video(model, video) for video in videos]))
    orders = np.argsort(-shares, axis=1)
    return [{model.classes[label]: float(row[label]) for label in order} for row, order in zip(shares, orders)]


def explain(model, video, name=None):
    """What in a video speaks for a class and what against it.

    Args:
        name: of the class; None: the one that is predicted.

    Returns:
        (clip, evidence): uint8 (H, W, T, C) and float32 (T, H, W), above 0 where a pixel speaks for the class.
    """
    from actioncnn.explain.evidence import find_evidence
    from actioncnn.model.labels import label_of

    clip = read_video(model, video)
    label = int(model(clip[None]).argmax()) if name is None else label_of(name, model.classes, "class")
    return clip, find_evidence(model, clip, label)
