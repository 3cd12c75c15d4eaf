"""The options of the training scripts, as typed objects: each field is a line of `--help` and of the record of a run.

Nothing heavy is imported here, so that `--help` and usage errors answer at once.
"""

from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path

from actioncnn.cli import option, parser, positive, whole_number
from actioncnn.data.options import DATASET, GROUPS, MAIN, RUN, SPEED, TRAINING, DatasetOptions
from actioncnn.train.recipes import NETWORKS, by_script, default_batch
from actioncnn.video.sampling import Sampling

CLIP_OPTIONS = ("skip", "depth")  # only of networks that take clips


@dataclass(frozen=True, kw_only=True)
class Options(DatasetOptions):
    """The options of all training scripts."""

    batch: int | None = option(
        MAIN, None, "clips in each training step (default: 128; 64 with fewer than 3,072 training clips, 32 with fewer "
        "than 1,536)", whole_number(1), metavar="N",
    )  # fmt: skip
    epoch: int = option(MAIN, 100, "number of epochs", whole_number(1), metavar="N")
    output: Path = option(
        MAIN, MISSING, "required: directory for the results; it is made if missing, and a run that is already there is "
        "only replaced with --overwrite", Path, required=True, metavar="DIR",
    )  # fmt: skip
    color: bool = option(MAIN, False, "use RGB frames instead of grayscale", bool)
    size: int = option(DATASET, 32, "width and height of a frame in pixels", whole_number(8), metavar="N")
    cache: Path | None = option(
        SPEED, None, "directory where decoded frames are kept (default: ~/.cache/actioncnn)", Path, metavar="DIR"
    )
    workers: int | None = option(
        SPEED, None, "number of processes that decode videos (default: one per core)", whole_number(1), metavar="N"
    )
    learning_rate: float | None = option(
        TRAINING, None, "learning rate at the start (default: .001; .01 for 3dcnn-my-model.py)", positive, metavar="X"
    )
    augment: bool = option(TRAINING, True, "vary the training clips at random: crop, brightness, contrast", bool)
    flip: bool | None = option(
        TRAINING, None, "also mirror half of the training clips (default: True, unless a class name says left or "
        "right, in any of many languages)", bool,
    )  # fmt: skip
    balance: bool = option(
        TRAINING, False, "weight classes in the loss so that small ones count as much as large", bool
    )
    views: int = option(
        TRAINING, 1, "also report the test accuracy averaged over this many sets of frames of each video",
        whole_number(1), metavar="N",
    )  # fmt: skip
    start: Path | None = option(
        TRAINING, None, "fine-tune: start from the weights of a trained model, the directory of a run or a model file "
        "(.json, .keras, .h5); layers of other shapes start anew, and so does the last one if the classes differ", Path,
        metavar="PATH",
    )  # fmt: skip
    freeze: bool = option(
        TRAINING, False, "with --start: train only the last layer and layers that --start has no weights for", bool
    )
    precision: str = option(
        SPEED, "auto", "mixed: 16-bit arithmetic with float32 weights; auto: mixed on GPUs with tensor cores and CPUs "
        "with AMX, else float32", str, choices=["auto", "float32", "mixed"],
    )  # fmt: skip
    gpus: int = option(SPEED, 1, "number of GPUs that share each batch", whole_number(1), metavar="N")
    resume: bool = option(RUN, False, "continue the interrupted run in --output; repeat its command with this", bool)
    overwrite: bool = option(RUN, False, "replace the run in --output", bool)
    members = None  # number of networks of an ensemble; None: one network is trained

    def settled(self, clips):
        """The same options, where --batch is not given with the default batch size for `clips` training clips."""
        return replace(self, batch=self.batch or default_batch(clips))

    def as_dict(self):
        """{name: value} for the record of a run, without options that say how it begins."""
        return {name: value for name, value in asdict(self).items() if name not in ("resume", "overwrite")}

    @property
    def sampling(self):
        return Sampling(self.size, 0, self.color)


@dataclass(frozen=True, kw_only=True)
class ClipOptions(Options):
    """The options of a network that takes clips."""

    skip: bool = option(MAIN, True, "frames at even intervals over the whole video; False: the first frames", bool)
    depth: int = option(MAIN, 10, "number of frames of each video", whole_number(1), metavar="N")

    @property
    def sampling(self):
        return Sampling(self.size, self.depth, self.color, self.skip)


@dataclass(frozen=True, kw_only=True)
class EnsembleOptions(ClipOptions):
    """The options of an ensemble."""

    nmodel: int = option(MAIN, 3, "number of models that are trained and averaged", whole_number(1), metavar="N")
    network: str = option(
        TRAINING,
        "3dcnn",
        "network of the models, named as its script",
        str,
        choices=[each.script for each in NETWORKS.values()],
    )

    @property
    def members(self):
        return self.nmodel

    @property
    def takes_frames(self):
        """Whether the network takes single frames, so that --skip and --depth mean nothing."""
        return by_script(self.network).dimensions == 2

    def as_dict(self):
        return {
            name: value
            for name, value in super().as_dict().items()
            if not self.takes_frames or name not in CLIP_OPTIONS
        }

    @property
    def sampling(self):
        clips = super().sampling
        return clips._replace(depth=0, skip=True) if self.takes_frames else clips


def parse(kind, description, words=None):
    """The options of a command line as an object of the class `kind`.

    words: the command line without the script's name; by default that of this process.
    """
    command = parser(description)
    for group in GROUPS:
        of_group = command.add_argument_group(group)
        for each in fields(kind):
            if each.metadata["group"] == group:
                default = None if each.default is MISSING else each.default
                of_group.add_argument("--" + each.name.replace("_", "-"), default=default, **each.metadata["argument"])
    options = kind(**vars(command.parse_args(words)))
    if options.resume and options.overwrite:
        command.error("--resume continues the run in --output, --overwrite replaces it: give only one of them")
    if options.freeze and not options.start:
        command.error("--freeze needs --start, which names the run or model whose layers are not trained")
    for name in CLIP_OPTIONS if getattr(options, "takes_frames", False) else ():
        if getattr(options, name) != getattr(kind, name):
            command.error(f"--{name} {getattr(options, name)}: --network {options.network} takes single frames")
    return options
