"""The clips that a model is tested on: those that its run tested, or those of any labelled dataset."""

from __future__ import annotations

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from actioncnn.cli import count, say, shorten, warn
from actioncnn.data import index, splits, twins
from actioncnn.data.dataset import Dataset, divide, name_and_size, relative, understand
from actioncnn.data.index import Video
from actioncnn.data.options import NONE, DatasetOptions
from actioncnn.errors import UserError
from actioncnn.model.labels import find_label
from actioncnn.runs.record import Record
from actioncnn.runs.run import Run, read_run
from actioncnn.video import pool
from actioncnn.video.segment import source

if TYPE_CHECKING:
    from actioncnn.model.model import ModelFiles
    from actioncnn.runs.find import Found

LAYOUT = ("class_level", "group_level", "train_list", "test_list")  # options that say which class a video has


class TestClip(NamedTuple):
    """A test clip of a run."""

    path: Path
    true: str  # class
    predicted: str  # class
    confidence: float


def clips_of_run(folder: Path, directory: Path | None = None) -> list[TestClip]:
    """The TestClips of the run in a folder whose files are there, in `directory` or where they were.

    UserError: there is no such run, or none of its files is there.
    """
    run = read_run(folder)
    directory = directory or directory_of(run)
    if not directory:
        raise UserError(f"--run {folder}: does not say where its videos are; give --videos")
    rows = zip(run.files, run.true, run.ranked, strict=True)
    clips = [TestClip(Path(directory, name), true, *ranked[0]) for name, true, ranked in rows if is_within(name)]
    there = [clip for clip in clips if source(clip.path).exists()] or in_other_folders(clips, directory)
    if not there:
        raise UserError(f"--run: the test clips of {folder} are not in {directory}; give their directory with --videos")
    return there


def in_other_folders(clips: Sequence[TestClip], directory: Path) -> list[TestClip]:
    """The TestClips whose files lie in other folders of a directory, and have names that no other file has."""
    there = defaultdict(list)
    for path in index.video_paths(directory) if Path(directory).is_dir() else ():
        there[path.name].append(path)
    alone = Counter(clip.path.name for clip in clips)
    return [
        clip._replace(path=there[clip.path.name][0])
        for clip in clips
        if alone[clip.path.name] == len(there[clip.path.name]) == 1
    ]


def directory_of(run: Run) -> Path | None:
    """Where the videos of a Run are: as its record says, or in the directory that its command named, seen from here."""
    options = run.record.dataset_options
    stored, named = options and options.videos, run.options.get("videos")
    return stored if stored and (stored.is_dir() or not isinstance(named, str)) else named and Path(named)


def clip_reader(directory: Path, workers: int | None = None) -> Callable[[Run, Sequence[int]], dict[int, np.ndarray]]:
    """A function of a Run and rows of its predictions: {row: clip as its network took it} of those in a directory.

    The command line names the directory: what is shown may be sent to others, and the record may come from a stranger.
    """

    def read(run: Run, rows: Sequence[int]) -> dict[int, np.ndarray]:
        sampling = run.record.sampling
        if not sampling:
            warn(f"note: {run.folder} does not say which frames its network takes: its page is without clips")
            return {}
        paths = {row: directory / run.files[row] for row in rows if is_within(run.files[row])}
        there = {row: path for row, path in paths.items() if source(path).exists()}
        if len(there) < len(paths):
            missing = f"{len(paths) - len(there)} of {len(rows)} clips to show are not in {directory}"
            warn(f"note: {missing}: the page is without them; give the directory of the run's videos")
        answers = pool.clips(there, sampling, workers) if there else ()
        return {row: sampling.pick(clip) for row, clip in answers if isinstance(clip, np.ndarray)}

    return read


def is_within(name: str) -> bool:
    """Whether the path of a test clip stays within the dataset."""
    name = os.path.normpath(name)
    return not os.path.isabs(name) and name.split(os.sep)[0] != os.pardir


def mistakes(
    clips: Sequence[TestClip], number: int, true: str | None = None, predicted: str | None = None
) -> list[TestClip]:
    """The `number` most confident mistakes among TestClips: of the class `true`, taken for the class `predicted`.

    None: of any class.
    """
    wrong = [clip for clip in clips if clip.predicted != clip.true]
    wrong = [clip for clip in wrong if true in (None, clip.true) and predicted in (None, clip.predicted)]
    return sorted(wrong, key=lambda clip: -clip.confidence)[:number]


def least_sure(clips: Sequence[TestClip], number: int, true: str | None = None) -> list[TestClip]:
    """The `number` least confident right ones among TestClips, of the class `true`; None: of any class."""
    right = [clip for clip in clips if clip.predicted == clip.true and true in (None, clip.true)]
    return sorted(right, key=lambda clip: clip.confidence)[:number]


class Chosen(NamedTuple):
    """The videos of a dataset that a model is tested on."""

    dataset: Dataset
    videos: list[Video]
    labels: list[int] | None  # of the videos, where the model's classes are given
    words: str  # which videos these are
    seen: int | None  # how many of them the model was trained on; None: that cannot be told


def choose_videos(
    directory: Path,
    given: Mapping[str, Any],
    files: ModelFiles | Found | None = None,
    classes: Sequence[str] | None = None,
) -> Chosen:
    """Chosen videos of a dataset, whose layout and test side are by default those of the run that made the model.

    given: {option: value} as options.given has it. files: of runs.find, with the record of the model's run. classes:
    those of the model, in label order; videos of other classes are left out, and these are named; None: any will do.
    It prints how the directory was understood. UserError: it cannot be understood, or has none of the classes.
    """
    record, folder = (files.record, files.model.parent) if files else (None, None)
    options = record.dataset_options if record else None
    dataset, with_run = understand_as(directory, given, options, classes)
    of_run = sides_of_run(dataset, folder, record)
    say(*dataset.understood)
    if with_run:
        say(f"dataset: understood as by the run in {folder} ({with_run})")
    for note in dataset.notes:
        warn(f"note: {note}")
    split, lists = given.get("split"), given.keys() & {"train_list", "test_list"}
    if split and split != NONE:
        seed = options.seed if options and of_run else 0
        names, notes = splits.resolve(dataset.videos, split, seed)
        dataset, more = divide(dataset, names[0], seed)
        for note in notes + more:
            warn(f"note: {note}")
    elif of_run and not split and not lists:
        dataset = of_run
    videos = dataset.videos if split == NONE else dataset.test_videos()
    kind = "clip" if len(videos) == len(dataset.videos) else "test clip"
    words = f"{count(len(videos), kind)} of {f'the run in {folder}' if dataset is of_run else directory}"
    if wanted := {name: given[name] for name in ("nclass", "classes") if name in given}:
        names = index.named_classes(dataset.classes, wanted["classes"]) if "classes" in wanted else dataset.classes
        videos = [video for video in videos if video.name in names[: wanted.get("nclass")]]
    videos, labels = with_labels(videos, classes) if classes else (videos, None)
    trained = {video.path for video in of_run.videos if video.side == "train"} if of_run else set()
    seen = sum(video.path in trained for video in videos) if of_run else trained_on(folder, record, videos)
    return Chosen(dataset, videos, labels, words, seen)


def with_labels(videos: Sequence[Video], classes: Sequence[str]) -> tuple[list[Video], list[int]]:
    """The videos whose class is one of `classes`, in any case, and their labels; the other classes are named."""
    label_of = {name: find_label(name, classes) for name in dict.fromkeys(video.name for video in videos)}
    known = [video for video in videos if label_of[video.name] is not None]
    if others := [name for name, label in label_of.items() if label is None]:
        left = count(len(videos) - len(known), "video")
        warn(f"note: left out: {left} of {count(len(others), 'class')} that the model does not know: {shorten(others)}")
    return known, [label_of[video.name] for video in known]


def understand_as(
    directory: Path,
    given: Mapping[str, Any],
    options: DatasetOptions | None = None,
    classes: Sequence[str] | None = None,
) -> tuple[Dataset, str]:
    """(Dataset of a directory with all of its classes, the options in words that a run's DatasetOptions gave, or "").

    The run's options are tried first. A directory that cannot be understood by them, that then has none of the
    `classes`, or out of which its lists lead, is understood by itself.
    """
    layout = {name: value for name, value in given.items() if name not in ("split", "nclass", "classes")}
    if given.get("split") in splits.TEST_GROUPS:  # it may also say which list of several
        layout["split"] = given["split"]
    alone = replace(DatasetOptions(videos=directory, nclass=None), **layout)
    as_run = replace(options, **({"videos": directory, "nclass": None, "classes": None} | layout)) if options else alone
    known, problems = {name.casefold() for name in classes or ()}, []
    for each in dict.fromkeys((as_run, alone)):
        try:
            dataset = understand(each)
        except UserError as error:
            problems.append(error)
            continue
        by_lists = each is not alone and bool(each.train_list)
        of_run = options is not None and by_lists and not is_same_place(directory, options.videos)
        if of_run and not all(is_within(relative(video, directory)) for video in dataset.videos):
            continue
        if classes is None or known & {name.casefold() for name in dataset.classes}:
            taken = {name: getattr(each, name) for name in LAYOUT}
            taken = {name: value for name, value in taken.items() if value and name not in given}
            return dataset, " ".join(f"--{name.replace('_', '-')} {value}" for name, value in taken.items())
        problems.append(UserError(unknown(directory, dataset.classes, classes)))
    lost = [path for path in (as_run.train_list, as_run.test_list) if path and not path.exists()]
    if lost:
        raise UserError(
            f"--videos {directory}: the run took its classes from {lost[0]}, which is not there; give --train-list"
            " and --test-list"
        )
    raise problems[-1]


def unknown(directory: Path, names: Sequence[str], classes: Sequence[str]) -> str:
    """The line on a dataset of which a model knows no class."""
    return (
        f"--videos {directory}: the model knows none of its classes ({shorten(names)}), but {shorten(classes)}; if"
        " another folder names the class, give --class-level, or the names with --classes FILE"
    )


def is_same_place(path: Path | str, other: Path | str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def sides_of_run(dataset: Dataset, folder: Path | None, record: Record | None) -> Dataset | None:
    """The Dataset of a run with the sides that its videos were on; None: the Dataset is not that of the run.

    It is where its files are those of the run's record, or where it lies where that lay and has its classes. What was
    tested is in the run's table of predictions. UserError: none of that is there.
    """
    options = record.dataset_options if record else None
    if folder is None or record is None or options is None:
        return None
    prints, now = record.fingerprints, dataset.fingerprints()
    names = [relative(video, dataset.options.videos) for video in dataset.videos]
    tested = set()
    with contextlib.suppress(UserError):
        tested = {os.path.normpath(name) for name in read_run(folder).files}
    if is_same_place(dataset.options.videos, options.videos):
        layouts = ([getattr(each, name) for name in LAYOUT] for each in (dataset.options, options))
        own = prints.keys() <= now.keys() if prints else len(set(map(str, layouts))) == 1
    else:
        own = prints.items() <= now.items() if prints else bool(tested) and tested <= set(names)
    if not own:
        return None
    if not tested:
        return divide(dataset, record.get("split", "1"), record.get("seed", 0))[0]
    rows = matching_rows(tested, names)
    if not rows:
        raise UserError(
            f"--videos {dataset.options.videos}: the test clips of the run in {folder} are not there; give --split none"
            " for all clips, or the directory that has them"
        )
    if any(now[name] != value for name, value in prints.items()):
        warn(f"note: {dataset.options.videos} has changed since the training: only what the run tested is a test clip")
    used = prints or dict.fromkeys(dataset.classes[: options.nclass])
    videos = [
        video._replace(side="test" if row in rows else "train")
        for row, video in enumerate(dataset.videos)
        if video.name in used
    ]
    return replace(dataset, videos=videos, classes=[name for name in dataset.classes if name in used])


def matching_rows(tested: set[str], names: Sequence[str]) -> set[int]:
    """Which of the files `names` are among those that a run `tested`, a set of rows; both are relative paths.

    Equal paths match. If there are none, paths match where one is the end of the other. If there are none of these
    either, file names match that occur once on both sides.
    """
    if rows := {row for row, name in enumerate(names) if name in tested}:
        return rows
    ends = {end for name in tested for end in ends_of_path(name)}
    if rows := {row for row, name in enumerate(names) if name in ends or tested & set(ends_of_path(name))}:
        return rows
    here, there = (Counter(map(os.path.basename, paths)) for paths in (names, tested))
    return {row for row, name in enumerate(map(os.path.basename, names)) if here[name] == there[name] == 1}


def ends_of_path(name: str) -> list[str]:
    """The paths below the outer folders of a path, but for the mere name of its file."""
    parts = name.split(os.sep)
    return [os.sep.join(parts[start:]) for start in range(1, len(parts) - 1)]


def trained_on(folder: Path | None, record: Record | None, videos: Sequence[Video]) -> int | None:
    """How many of some videos the run in a folder was trained on, by the content of their files.

    None: its dataset is no longer there.
    """
    options = record.dataset_options if record else None
    try:
        dataset = sides_of_run(understand(options), folder, record) if options else None
    except UserError:
        dataset = None
    if dataset is None:
        return None
    by_size = defaultdict(list)
    for video in dataset.videos:
        if video.side == "train":
            by_size[name_and_size(video.path)[1]].append(video.path)
    return sum(is_among(video.path, by_size) for video in videos)


def is_among(path: Path, by_size: Mapping[int, Sequence[Path]]) -> bool:
    """Whether a file has the content of one of those of its size, {size: paths}; of folders the path alone counts."""
    size = name_and_size(path)[1]
    alike = by_size.get(size, ())
    if path in alike or not alike:
        return bool(alike)
    content = twins.ends_of(path, size)
    return content is not None and any(twins.ends_of(other, size) == content for other in alike)
