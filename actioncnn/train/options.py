"""The options of the training scripts, as typed objects: each field is a line of `--help`, a default and a record.

Nothing heavy is imported here, so that `--help` and usage errors answer at once.
"""

from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path

from actioncnn.cli import option, parser, positive, whole_number
from actioncnn.data.options import DATASET, OF_2017, TRAINING, DatasetOptions
from actioncnn.train.recipes import NETWORKS, by_script, default_batch
from actioncnn.video.sampling import Sampling

OF_CLIPS = ("skip", "depth")  # options of networks that take clips


@dataclass(frozen=True, kw_only=True)
class Options(DatasetOptions):
    """What all training scripts take."""

    batch: int | None = option(
        OF_2017, None, "batch size (default: 128; on fewer than 3,072 training clips 64, on fewer than 1,536 32)",
        whole_number(1),
    )  # fmt: skip
    epoch: int = option(OF_2017, 100, "number of epochs", whole_number(1))
    output: Path = option(
        OF_2017, MISSING, "directory for the results; made if missing; a run that is in it is kept, and the new one "
        "refused, without --overwrite or --resume", Path, required=True,
    )  # fmt: skip
    color: bool = option(OF_2017, False, "RGB frames instead of grayscale", bool)
    size: int = option(DATASET, 32, "width and height of a frame in pixels", whole_number(8))
    cache: Path | None = option(
        DATASET, None, "directory of the cache of extracted frames (default: ~/.cache/actioncnn)", Path
    )
    workers: int | None = option(
        DATASET, None, "processes that extract frames (default: one per core)", whole_number(1)
    )
    learning_rate: float | None = option(TRAINING, None, "rate at the start (default: that of the recipe)", positive)
    augment: bool = option(TRAINING, True, "vary the training clips at random", bool)
    flip: bool | None = option(
        TRAINING,
        None,
        "mirror clips at random; default: unless a class name says left or right, in any of many languages",
        bool,
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
    gpus: int = option(TRAINING, 1, "GPUs that share each batch", whole_number(1))
    resume: bool = option(
        TRAINING, False, "go on with a run that was interrupted, from the checkpoint in --output", bool
    )
    overwrite: bool = option(TRAINING, False, "replace the run in --output, from the start of the new one", bool)
    members = None  # number of networks that are averaged, where one is not trained for itself

    def settled(self, clips):
        """These, with the batch size that the default is for so many training clips."""
        return replace(self, batch=self.batch or default_batch(clips))

    def as_dict(self):
        """The options that say what a run is, for its record."""
        return {name: value for name, value in asdict(self).items() if name not in ("resume", "overwrite")}

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
    def of_frames(self):
        """Whether the network takes single frames, so that --skip and --depth mean nothing."""
        return by_script(self.network).dimensions == 2

    def as_dict(self):
        return {name: value for name, value in super().as_dict().items() if not self.of_frames or name not in OF_CLIPS}

    @property
    def sampling(self):
        clips = super().sampling
        return clips._replace(depth=0, skip=True) if self.of_frames else clips


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
    for name in OF_CLIPS if getattr(options, "of_frames", False) else ():
        if getattr(options, name) != getattr(kind, name):
            command.error(f"--{name} {getattr(options, name)}: --network {options.network} takes single frames")
    return options
