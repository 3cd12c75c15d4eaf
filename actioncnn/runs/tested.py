"""The clips that a model is tested on: those that its run tested, or those of any labelled dataset."""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn.cli import count, say, shorten, warn
from actioncnn.data import splits
from actioncnn.data.dataset import Dataset, divide, name_and_size, relative, understand
from actioncnn.data.index import Video
from actioncnn.data.options import NONE, DatasetOptions
from actioncnn.errors import UserError
from actioncnn.model.labels import find_label
from actioncnn.runs.run import read_run
from actioncnn.video import pool
from actioncnn.video.segment import source

LAYOUT = ("class_level", "group_level", "train_list", "test_list")  # options that say which class a video has


class TestClip(NamedTuple):
    """A test clip of a run."""

    path: Path
    true: str  # class
    predicted: str  # class
    confidence: float


def clips_of_run(folder, directory=None):
    """The TestClips of the run in a folder whose files are there, in `directory` or where they were.

    UserError: there is no such run, or none of its files is there.
    """
    run = read_run(folder)
    directory = directory or directory_of(run)
    if not directory:
        raise UserError(f"--run {folder}: does not say where its videos are; give --videos")
    rows = zip(run.files, run.true, run.ranked, strict=True)
    clips = [TestClip(Path(directory, name), true, *ranked[0]) for name, true, ranked in rows if is_within(name)]
    there = [clip for clip in clips if source(clip.path).exists()]
    if not there:
        raise UserError(f"--run: the test clips of {folder} are not in {directory}; give their directory with --videos")
    return there


def directory_of(run):
    """Where the videos of a Run are: as its record says, or in the directory that its command named, seen from here."""
    options = run.record.dataset_options
    stored, named = options and options.videos, run.options.get("videos")
    return stored if stored and (stored.is_dir() or not isinstance(named, str)) else named and Path(named)


def clip_reader(directory, workers=None):
    """A function of a Run and rows of its predictions: {row: clip as its network took it} of those in a directory.

    The command line names the directory: what is shown may be sent to others, and the record may come from a stranger.
    """

    def read(run, rows):
        sampling = run.record.sampling
        if not sampling:
            warn(f"note: {run.folder} does not say which frames its network takes: its page is without clips")
            return {}
        paths = {row: directory / run.files[row] for row in rows if is_within(run.files[row])}
        there = {row: path for row, path in paths.items() if source(path).exists()}
        if len(there) < len(rows):
            missing = f"{len(rows) - len(there)} of {len(rows)} clips to show are not in {directory}"
            warn(f"note: {missing}: the page is without them; give the directory of the run's videos")
        answers = pool.clips(there, sampling, workers) if there else ()
        return {row: sampling.pick(clip) for row, clip in answers if isinstance(clip, np.ndarray)}

    return read


def is_within(name):
    """Whether the path of a test clip stays within the dataset."""
    name = os.path.normpath(name)
    return not os.path.isabs(name) and name.split(os.sep)[0] != os.pardir


def mistakes(clips, number, true=None, predicted=None):
    """The `number` most confident mistakes among TestClips: of the class `true`, taken for the class `predicted`.

    None: of any class.
    """
    wrong = [clip for clip in clips if clip.predicted != clip.true]
    wrong = [clip for clip in wrong if true in (None, clip.true) and predicted in (None, clip.predicted)]
    return sorted(wrong, key=lambda clip: -clip.confidence)[:number]


class Chosen(NamedTuple):
    """The videos of a dataset that a model is tested on."""

    dataset: Dataset
    videos: list[Video]
    labels: list[int] | None  # of the videos, where the model's classes are given
    words: str  # which videos these are
    seen: int | None  # how many of them the model was trained on; None: that cannot be told


def choose_videos(directory, given, files=None, classes=None):
    """Chosen videos of a dataset, whose layout and test side are by default those of the run that made the model.

    given: {option: value} as options.given has it. files: of runs.find, with the record of the model's run. classes:
    those of the model, in label order; videos of other classes are left out, and these are named; None: any will do.
    It prints how the directory was understood. UserError: it cannot be understood, or has none of the classes.
    """
    record, folder = (files.record, files.model.parent) if files else (None, None)
    options = record.dataset_options if record else None
    dataset, with_run = understand_as(directory, given, options, classes)
    own = bool(options) and is_same(dataset, options, record)
    say(*dataset.understood)
    if with_run:
        say(f"dataset: understood as by the run in {folder} ({with_run})")
    for note in dataset.notes:
        warn(f"note: {note}")
    split = given.get("split")
    if own:
        dataset = with_sides_of_run(dataset, folder, record)
    trained = {video.path for video in dataset.videos if video.side == "train"} if own else set()
    if split and split != NONE:
        names, notes = splits.resolve(dataset.videos, split, options.seed if own else 0)
        dataset, more = divide(dataset, names[0], options.seed if own else 0)
        for note in notes + more:
            warn(f"note: {note}")
    videos = dataset.videos if split == NONE else dataset.test_videos()
    words = f"{count(len(videos), 'clip')} of {directory}"
    if own and not split:
        words = f"{count(len(videos), 'test clip')} of the run in {folder}"
    elif len(videos) < len(dataset.videos):
        words = f"{count(len(videos), 'test clip')} of {directory}"
    videos, labels = with_labels(videos, classes) if classes else (videos, None)
    seen = sum(video.path in trained for video in videos) if own else trained_on(folder, record, videos)
    return Chosen(dataset, videos, labels, words, seen)


def with_labels(videos, classes):
    """The videos whose class is one of `classes`, in any case, and their labels; the other classes are named."""
    label_of = {name: find_label(name, classes) for name in dict.fromkeys(video.name for video in videos)}
    known = [video for video in videos if label_of[video.name] is not None]
    if others := [name for name, label in label_of.items() if label is None]:
        left = count(len(videos) - len(known), "video")
        warn(f"note: left out: {left} of {count(len(others), 'class')} that the model does not know: {shorten(others)}")
    return known, [label_of[video.name] for video in known]


def understand_as(directory, given, options=None, classes=None):
    """(Dataset of a directory, the options in words that were taken from the DatasetOptions of a run, or "").

    The run's options are tried first. A directory that cannot be understood by them, or that then has none of the
    `classes`, is understood by itself.
    """
    layout = {name: value for name, value in given.items() if name != "split" or value in splits.TEST_GROUPS}
    alone = replace(DatasetOptions(videos=directory, nclass=None), **layout)
    as_run = replace(options, **({"videos": directory, "nclass": None, "classes": None} | layout)) if options else alone
    known, problems = {name.casefold() for name in classes or ()}, []
    for each in dict.fromkeys((as_run, alone)):
        try:
            dataset = understand(each)
        except UserError as error:
            problems.append(error)
            continue
        if classes is None or known & {name.casefold() for name in dataset.classes}:
            taken = {name: getattr(each, name) for name in LAYOUT}
            taken = {name: value for name, value in taken.items() if value and name not in given}
            return dataset, " ".join(f"--{name.replace('_', '-')} {value}" for name, value in taken.items())
        problems.append(UserError(unknown(directory, dataset.classes, classes)))
    raise problems[-1]


def unknown(directory, names, classes):
    """The line on a dataset of which a model knows no class."""
    return (
        f"--videos {directory}: the model knows none of its classes ({shorten(names)}), but {shorten(classes)}; if"
        " another folder names the class, give --class-level, or the names with --classes FILE"
    )


def is_same(dataset, options, record):
    """Whether a Dataset is the one of a run: understood alike at the same place, or with the same files."""
    here, there = dataset.options, options
    if os.path.realpath(here.videos) == os.path.realpath(there.videos):
        return all(getattr(here, name) == getattr(there, name) for name in LAYOUT)
    prints = record.fingerprints
    return bool(prints) and prints.items() <= dataset.fingerprints().items()


def with_sides_of_run(dataset, folder, record):
    """The Dataset of a run with the sides that its videos were on: what it tested is in its table of predictions."""
    try:
        tested = {os.path.normpath(name) for name in read_run(folder).files}
    except UserError:
        return divide(dataset, record.get("split", "1"), record.get("seed", 0))[0]
    names = [relative(video, dataset.options.videos) for video in dataset.videos]
    if not tested & set(names):  # the same files in other folders
        tested, names = {os.path.basename(name) for name in tested}, [video.path.name for video in dataset.videos]
    prints, changed = record.fingerprints, False
    if prints:
        now = dataset.fingerprints()
        changed = any(now.get(name) != value for name, value in prints.items())
    if changed:
        warn(f"note: {dataset.options.videos} has changed since the training: only what the run tested is a test clip")
    used = prints or dict.fromkeys(dataset.classes[: record.dataset_options.nclass])
    videos = [
        video._replace(side="test" if name in tested else "train")
        for name, video in zip(names, dataset.videos, strict=True)
        if video.name in used
    ]
    return replace(dataset, videos=videos, classes=[name for name in dataset.classes if name in used])


def trained_on(folder, record, videos):
    """How many of some videos the run in a folder was trained on, by the names and sizes of their files.

    None: its dataset is no longer there.
    """
    options = record.dataset_options if record else None
    try:
        dataset = with_sides_of_run(understand(options), folder, record) if options else None
    except UserError:
        dataset = None
    if dataset is None:
        return None
    seen = {name_and_size(video.path) for video in dataset.videos if video.side == "train"}
    return sum(name_and_size(video.path) in seen for video in videos)
