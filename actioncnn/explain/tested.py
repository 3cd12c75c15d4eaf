"""The test clips of a training run: predictions.csv, and where their files are."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

from actioncnn.data import index
from actioncnn.errors import UserError


class Tested(NamedTuple):
    """A test clip."""

    path: Path
    true: str  # class
    predicted: str | None  # what the run took it for
    confidence: float | None


def tested(run, videos=None):
    """The test clips of the run in a directory, as Tested, whose files lie in `videos`, by default where they did.

    UserError: there is no such run, its files are not there.
    """
    path = run / "predictions.csv"
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = [
                (row["file"], row["true"], row["predicted"], float(row["confidence"])) for row in csv.DictReader(file)
            ]
        folder = videos or Path(json.loads((run / "args.json").read_text("utf-8"))["options"]["videos"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = getattr(error, "strerror", None) or "is damaged"
        raise UserError(f"--run: {getattr(error, 'filename', None) or path}: {problem}; give a finished run") from None
    clips = [Tested(folder / name, *rest) for name, *rest in rows]
    there = [clip for clip in clips if clip.path.exists()]
    if not there:
        raise UserError(f"--run: the test clips of {run} are not in {folder}; give their directory with --videos")
    return there


def mistakes(clips, count):
    """The `count` most confident mistakes among Tested clips."""
    return sorted((clip for clip in clips if clip.predicted != clip.true), key=lambda clip: -clip.confidence)[:count]


def labelled(directory, classes):
    """The videos of a dataset whose class is one of `classes`, as Tested. UserError: there is none."""
    videos = index.scan(directory, test=True)
    found = [Tested(video.path, video.name, None, None) for video in videos if video.name in classes]
    if not found:
        raise UserError(f"--videos: no video in {directory} is of a class of the model, as {classes[0]}")
    return found
