"""Command-line options about a dataset. Nothing heavy is imported here, so that `--help` answers at once."""

import os
from argparse import ArgumentTypeError
from dataclasses import dataclass, fields
from pathlib import Path

from actioncnn.cli import option, whole_number

# The groups of `--help`, by how often they are needed; names and defaults of the main options are those of 2017
MAIN, RUN, DATASET, TRAINING, SPEED = GROUPS = (
    "main options",
    "repeat, continue or replace a run",
    "dataset and split",
    "training",
    "speed and memory",
)
NONE = "none"  # of --split, where a model is tested


def split_name(text):
    """1, 2, 3, groups, folds:K, all or random"""
    if text in ("1", "2", "3", "groups", "all", "random"):
        return text
    if not text.startswith("folds:"):
        raise ArgumentTypeError(f"{text!r} is none of 1, 2, 3, groups, folds:K, all, random")
    return f"folds:{whole_number(2)(text.removeprefix('folds:'))}"


def class_names(text):
    """Names with commas between, or a file with a name in each line -> tuple of names."""
    path = Path(text)
    try:
        names = path.read_text("utf-8-sig").splitlines() if path.is_file() else text.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(
            f"{text!r} cannot be read ({error}); give names A,B or a file with a name in each line"
        ) from None
    names = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not names:
        raise ArgumentTypeError(f"{text!r} has no names; give names A,B or a file with a name in each line")
    return names


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """Where a dataset is and how to understand it."""

    videos: Path = option(MAIN, Path("UCF101"), "directory of the dataset", Path, metavar="DIR")
    nclass: int | None = option(
        MAIN, 101, "number of classes to use: the first ones in alphabetical order", whole_number(2), metavar="N"
    )
    classes: tuple | None = option(
        DATASET, None, "the classes to use: names A,B or a file with one name in each line (default: the first "
        "--nclass)", class_names, metavar="A,B|FILE",
    )  # fmt: skip
    split: str = option(
        DATASET, "1", "which videos are for testing; 1, 2 or 3: that official split of UCF-101, for other datasets "
        "their own train and test folders or lists, or else whole groups; groups: hold out whole groups; folds:K: "
        "train K times, so that each clip is tested once; all: the three official splits, or else three folds; "
        "random: a fifth of the videos, which inflates accuracy if clips of one scene are on both sides", split_name,
        metavar="1|2|3|groups|folds:K|all|random",
    )  # fmt: skip
    train_list: Path | None = option(
        DATASET, None, "list of the training videos: lines `file label`, or CSV or JSON with columns such as file, "
        "label, group (subject, signer), split, and start and end of a segment (in seconds, or start_frame and "
        "end_frame); or a folder with the lists of UCF-101 or HMDB-51", Path, metavar="FILE",
    )  # fmt: skip
    test_list: Path | None = option(DATASET, None, "list of the test videos, in the same form", Path, metavar="FILE")
    class_level: int | None = option(
        DATASET, None, "level of the folders that name the class; 1: those directly in --videos (default: the first "
        "level with several folders)", whole_number(1), metavar="N",
    )  # fmt: skip
    group_level: int | None = option(
        DATASET, None, "level of the folders that name the group, such as the person (default: folders that are people "
        "by their names, or else the first level that differs within a class)", whole_number(1), metavar="N",
    )  # fmt: skip
    seed: int = option(
        RUN, 0, "seed of every random choice; the same seed gives the same result", whole_number(0), metavar="N"
    )

    @property
    def dataset(self):
        """Only the options of this class, without those of subclasses."""
        return DatasetOptions(**{each.name: getattr(self, each.name) for each in fields(DatasetOptions)})

    def located(self):
        """These, as a dict for JSON, with absolute paths, so that the dataset is found again from any directory."""
        values = {each.name: getattr(self, each.name) for each in fields(DatasetOptions)}
        return {name: os.path.abspath(value) if isinstance(value, Path) else value for name, value in values.items()}


def options_of(values):
    """The DatasetOptions in a dict of JSON's types, such as `as_dict` gives, or the options of a training run.

    Values that are missing, or of another type, are as if they were not given.
    """
    kinds = dict.fromkeys(("videos", "split", "train_list", "test_list"), str) | {"classes": list | tuple}
    kinds |= dict.fromkeys(("nclass", "class_level", "group_level", "seed"), int)
    convert = dict.fromkeys(PATHS, Path) | {"classes": tuple}
    given = {
        name: convert.get(name, kind)(values[name])
        for name, kind in kinds.items()
        if isinstance(values.get(name), kind) and not isinstance(values[name], bool)
    }
    return DatasetOptions(**given)


PATHS = ("videos", "train_list", "test_list")
OF_TESTS = (
    "nclass",
    "split",
    "train_list",
    "test_list",
    "class_level",
    "group_level",
)  # for all scripts that test models


def split_to_test(text):
    """1, 2, 3, groups, random or none"""
    if text not in ("1", "2", "3", "groups", "random", NONE):
        raise ArgumentTypeError(f"{text!r} is none of 1, 2, 3, groups, random, none")
    return text


def add_test_options(group, of_run="that of the run", classes=None):
    """Adds the options of a dataset that a model is tested on to an argparse group; None is what the run says of it.

    of_run: the default in words. classes: what --classes is for, where the script has none of its own.
    """
    add, alike = group.add_argument, f"as the training scripts take it (default: {of_run})"
    add(
        "--nclass", type=whole_number(2), help=f"number of classes, in alphabetical order (default: {of_run}, else all)"
    )
    if classes:
        add("--classes", type=class_names, metavar="A,B|FILE", help=classes)
    sides = (
        "whose test clips are taken, as the training scripts have it; none: all clips (default: that of the run, if "
    )
    sides += "this is its dataset, else the test folders or the test list, if there are any, else all clips)"
    add("--split", type=split_to_test, help=sides, metavar="1|2|3|groups|random|none")
    add("--train-list", type=Path, help=f"list of the training videos, {alike}")
    add("--test-list", type=Path, help=f"list of the test videos, {alike}")
    add("--class-level", type=whole_number(1), help=f"which folder below --videos names the class, {alike}")
    add("--group-level", type=whole_number(1), help=f"which folder below --videos names the group, {alike}")


def given(args):
    """{name: value} of the options of `add_test_options` that a command line gives."""
    return {name: getattr(args, name) for name in OF_TESTS if getattr(args, name) is not None}
