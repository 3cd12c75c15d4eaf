"""The options of the training scripts, as typed objects: each field is a line of `--help`, a default and a record.

Nothing heavy is imported here, so that `--help` and usage errors answer at once.
"""

from argparse import ArgumentTypeError
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path

from actioncnn.cli import SWITCH, parser, positive, whole_number
from actioncnn.train.recipes import NETWORKS, by_script, default_batch
from actioncnn.video.sampling import Sampling

OF_2017, DATASET, TRAINING = "options of 2017", "dataset", "training"


def split_name(text):
    """1, 2, 3, groups, folds:K, all or random"""
    if text in ("1", "2", "3", "groups", "all", "random"):
        return text
    if not text.startswith("folds:"):
        raise ArgumentTypeError(f"{text!r} is none of 1, 2, 3, groups, folds:K, all, random")
    return f"folds:{whole_number(2)(text.removeprefix('folds:'))}"


def option(group, default, help, type, **kind):
    """A field with its group in `--help` and what add_argument takes; a default of None or MISSING is not named."""
    named = "" if default is None or default is MISSING else f" (default: {default})"
    kind |= SWITCH if type is bool else {"type": type}
    return field(default=default, metadata={"group": group, "argument": kind | {"help": help + named}})


@dataclass(frozen=True, kw_only=True)
class Options:
    """What all training scripts take."""

    batch: int | None = option(
        OF_2017, None, "batch size (default: 128; on fewer than 3,072 training clips 64, on fewer than 1,536 32)",
        whole_number(1),
    )  # fmt: skip
    epoch: int = option(OF_2017, 100, "number of epochs", whole_number(1))
    videos: Path = option(OF_2017, Path("UCF101"), "directory where the dataset is stored", Path)
    nclass: int = option(OF_2017, 101, "number of classes to use, in alphabetical order", whole_number(2))
    output: Path = option(
        OF_2017, MISSING, "directory for the results; made if missing; a run that is in it is kept, and the new one "
        "refused, without --overwrite or --resume", Path, required=True,
    )  # fmt: skip
    color: bool = option(OF_2017, False, "RGB frames instead of grayscale", bool)
    split: str = option(
        DATASET, "1", "official split 1, 2 or 3 of UCF-101, of other videos their own train and test folders, else as "
        "groups: whole groups are held out; folds:K: K trainings that test each clip once; all: the three official "
        "ones, else folds:3; random: 80/20 over videos, which inflates accuracy", split_name,
        metavar="1|2|3|groups|folds:K|all|random",
    )  # fmt: skip
    train_list: Path | None = option(
        DATASET, None, "list of the training videos: UCF-101's, CSV of file, label and maybe group, or a folder of "
        "UCF-101's or HMDB-51's lists", Path,
    )  # fmt: skip
    test_list: Path | None = option(DATASET, None, "list of the test videos", Path)
    class_level: int | None = option(
        DATASET, None, "which folder below --videos names the class, 1 the first (default: the first with siblings)",
        whole_number(1),
    )  # fmt: skip
    size: int = option(DATASET, 32, "width and height of a frame in pixels", whole_number(8))
    cache: Path | None = option(
        DATASET, None, "directory of the cache of extracted frames (default: ~/.cache/actioncnn)", Path
    )
    workers: int | None = option(
        DATASET, None, "processes that extract frames (default: one per core)", whole_number(1)
    )
    seed: int = option(TRAINING, 0, "of every random choice; the same seed gives the same result", whole_number(0))
    learning_rate: float | None = option(TRAINING, None, "rate at the start (default: that of the recipe)", positive)
    augment: bool = option(TRAINING, True, "vary the training clips at random", bool)
    flip: bool | None = option(
        TRAINING, None, "mirror clips at random; default: unless a class name says left, right or clockwise", bool
    )
    balance: bool = option(TRAINING, False, "weigh classes by their rarity: each counts alike in the loss", bool)
    views: int = option(
        TRAINING, 1, "also report test accuracy averaged over this many temporal views of each video", whole_number(1)
    )
    start: Path | None = option(
        TRAINING, None, "fine-tune: begin with the weights of a trained model, a run's directory or a model's file "
        "(.json, .keras, .h5); layers of other shapes, and the last one where the classes differ, begin anew", Path
    )  # fmt: skip
    freeze: bool = option(TRAINING, False, "train only what --start does not bring, and the last layer", bool)
    precision: str = option(
        TRAINING, "auto", "mixed: 16-bit arithmetic; auto: mixed where the GPU or CPU is made for it", str,
        choices=["auto", "float32", "mixed"],
    )  # fmt: skip
    gpus: int | None = option(TRAINING, None, "GPUs that share each batch (default: all)", whole_number(1))
    resume: bool = option(
        TRAINING, False, "go on with a run that was interrupted, from the checkpoint in --output", bool
    )
    overwrite: bool = option(TRAINING, False, "replace the run in --output, from the start of the new one", bool)
    members = None  # number of networks that are averaged, where one is not trained for itself

    def settled(self, clips):
        """These, with the batch size that the default is for so many training clips."""
        return replace(self, batch=self.batch or default_batch(clips))

    @property
    def layout(self):
        """What index.understand takes beside the directory."""
        return {name: getattr(self, name) for name in ("class_level", "train_list", "test_list", "split")}

    @property
    def sampling(self):
        return Sampling(self.size, 0, self.color)


@dataclass(frozen=True, kw_only=True)
class ClipOptions(Options):
    """Those of a network that takes clips."""

    skip: bool = option(OF_2017, True, "frames at even intervals over the whole video; False: the first ones", bool)
    depth: int = option(OF_2017, 10, "number of frames", whole_number(1))

    @property
    def sampling(self):
        return Sampling(self.size, self.depth, self.color, self.skip)


@dataclass(frozen=True, kw_only=True)
class EnsembleOptions(ClipOptions):
    """Those of several such networks."""

    nmodel: int = option(OF_2017, 3, "number of models", whole_number(1))
    network: str = option(
        TRAINING, "3dcnn", "the network, by its script", str, choices=[each.script for each in NETWORKS.values()]
    )

    @property
    def members(self):
        return self.nmodel

    @property
    def sampling(self):
        clips = super().sampling
        return clips if by_script(self.network).dimensions == 3 else clips._replace(depth=0, skip=True)


def parse(kind, description, words=None):
    """The options of a command line (`words`, by default that of the script) as an object of the class `kind`."""
    command = parser(description)
    for group in (OF_2017, DATASET, TRAINING):
        of_group = command.add_argument_group(group)
        for each in fields(kind):
            if each.metadata["group"] == group:
                default = None if each.default is MISSING else each.default
                of_group.add_argument("--" + each.name.replace("_", "-"), default=default, **each.metadata["argument"])
    options = kind(**vars(command.parse_args(words)))
    if options.resume and options.overwrite:
        command.error("--resume goes on with the run in --output, --overwrite replaces it: give one of them")
    if options.freeze and not options.start:
        command.error("--freeze needs --start RUN or MODEL, whose layers it keeps as they are")
    return options
