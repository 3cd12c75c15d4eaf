"""The test clips of a training run: predictions.csv, and where their files are."""

from pathlib import Path
from typing import NamedTuple

from actioncnn.data import index
from actioncnn.errors import UserError
from actioncnn.runs.run import read_run


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
    done = read_run(run)
    if not (folder := videos or done.options.get("videos")):
        raise UserError(f"--run: {run / 'args.json'} does not tell where its videos are; give --videos")
    rows = zip(done.files, done.true, done.ranked, strict=True)
    clips = [Tested(Path(folder, name), true, *ranked[0]) for name, true, ranked in rows]
    there = [clip for clip in clips if clip.path.exists()]
    if not there:
        raise UserError(f"--run: the test clips of {run} are not in {folder}; give their directory with --videos")
    return there


def mistakes(clips, count, true=None, predicted=None):
    """The `count` most confident mistakes among Tested clips: of the class `true`, taken for the class `predicted`.

    None: of any class.
    """
    wrong = [clip for clip in clips if clip.predicted != clip.true]
    wrong = [clip for clip in wrong if true in (None, clip.true) and predicted in (None, clip.predicted)]
    return sorted(wrong, key=lambda clip: -clip.confidence)[:count]


def labelled(directory, classes):
    """The videos of a dataset whose class is one of `classes`, as Tested. UserError: there is none."""
    videos = index.scan(directory, test=True)
    clips = [Tested(video.path, video.name, None, None) for video in videos if video.name in classes]
    if not clips:
        raise UserError(f"--videos: no video in {directory} is of a class of the model, as {classes[0]}")
    return clips
