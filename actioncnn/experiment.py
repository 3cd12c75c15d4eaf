"""One run of a training script: from its options to the files in --output. Called once the options are parsed."""

import json
import os
import re
import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

import numpy as np

from actioncnn import clips, dataset, modelfile, report
from actioncnn.batches import select
from actioncnn.cli import UserError, warn

SEGMENT = (
    2  # frames cached for each frame of a clip, of which training draws one; a third would cost 15 % of extraction
)
SINGLE = 6  # the same where a 2D network takes a single frame of a video
MIRRORED = re.compile("left|right|clockwise", re.IGNORECASE)  # classes that a mirror turns into others
UNLIKE = ("output", "cache", "workers", "resume", "views")  # options that may differ between a run and its resumption


@dataclass
class Data:
    """What a network is trained and tested on; rows index `array`, whose clips failed videos left at zero."""

    clips: np.ndarray  # uint8 (N, size, size, K * max(depth, 1), channels), memory-mapped
    depth: int  # frames of a clip; 0: a 2D network takes a single frame (size, size, channels)
    offset: int  # the frame of each segment of K that is the contract's
    videos: list
    classes: list
    targets: np.ndarray  # float32 (N, nclass) one-hot
    train: np.ndarray = None
    test: np.ndarray = None

    @property
    def shape(self):
        height, width, _, channels = self.clips.shape[1:]
        return (height, width, self.depth, channels) if self.depth else (height, width, channels)


class TestClips:
    """The test clips as an array of (H, W, depth, C) clips that is read only where it is indexed."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data.test)

    def __getitem__(self, place):
        data = self.data
        return select(data.clips[data.test[place]][None], max(data.depth, 1), data.offset)[0]


def train(args, network, stem, recipe, depth=None):
    """Trains `network` (a name in models) as `args` (of cli.training_parser) say and writes all outputs.

    stem: file name of the model without ending. depth: frames of a clip, 0 for a 2D network.
    """
    depth = args.depth if depth is None else depth
    make_output(args.output)
    data, notes, failures = load(args, depth)
    recipe = adapt(recipe, args, data.classes)
    splits = ["1", "2", "3"] if args.split == "all" else [args.split]
    parts = [
        divide(data.videos, failures, split, args.seed) for split in splits
    ]  # a wrong split ends here, not after hours
    from actioncnn import device

    name, policy, jit_compile = device.setup(args.precision)
    print(f"device: {name}, {policy}")
    rows = []
    for split, (data.train, data.test, more) in zip(splits, parts, strict=True):
        output = args.output / f"split_{split}" if args.split == "all" else args.output
        describe(args, split, data, notes + more)
        run = Run(args, network, stem, recipe, data, output, split, {"device": name, "precision": policy})
        rows.append({"split": split} | run.complete(jit_compile))
    if args.split == "all":
        summarize(args.output, rows)
    for line in clips.report_failures(data.videos, failures):
        warn(line)
    print(f"results: {args.output}")


def make_output(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written ({error.strerror}); name another directory") from None


def load(args, depth):
    """(Data without its split, notes, failures) of the dataset in args.videos."""
    videos = dataset.scan(args.videos)
    found = len({video.name for video in videos})
    videos, classes = dataset.choose_classes(videos, args.nclass)
    notes = [f"{args.videos} has {found} classes, fewer than --nclass {args.nclass}: all are used"] * (
        found < args.nclass
    )
    skip = getattr(args, "skip", True)
    segment = (SEGMENT if depth else SINGLE) if skip else 1
    array, failures = clips.load(videos, args.size, max(depth, 1) * segment, args.color, skip, args.cache, args.workers)
    label = {name: index for index, name in enumerate(classes)}
    targets = np.eye(len(classes), dtype=np.float32)[[label[video.name] for video in videos]]
    offset = 0 if depth else segment // 2  # a single frame is the middle one; a clip's are floor(i * n / depth)
    return Data(array, depth, offset, videos, classes, targets), notes, failures


def divide(videos, failures, split, seed):
    """(training rows, test rows, notes) of the videos that gave frames."""
    good = np.array([index for index in range(len(videos)) if index not in failures])
    train, test, notes = dataset.split([videos[index] for index in good], split, seed)
    return good[train], good[test], notes


def adapt(recipe, args, classes):
    """The script's recipe with what the options and the class names say of it."""
    flip = args.flip
    if flip is None:
        flip = not any(MIRRORED.search(name) for name in classes)
    how = recipe.augment._replace(flip=flip) if args.augment else type(recipe.augment)()
    return replace(recipe, augment=how, learning_rate=args.learning_rate or recipe.learning_rate)


def describe(args, split, data, notes):
    """Says what a run works on."""
    groups = [len({data.videos[row].group for row in rows} - {None}) for rows in (data.train, data.test)]
    print(
        f"videos: {len(data.videos)} of {len(data.classes)} classes in {args.videos}; split {split}: "
        f"{len(data.train)} train clips of {groups[0]} groups, {len(data.test)} test clips of {groups[1]} groups"
    )
    for note in notes:
        print(f"note: {note}")
    sys.stdout.flush()


class Run:
    """The training of one network, or of --nmodel of them, on one split, and the files that it writes."""

    def __init__(self, args, network, stem, recipe, data, output, split, facts):
        self.args, self.network, self.stem, self.recipe, self.data = args, network, stem, recipe, data
        self.output, self.split, self.facts = output, split, facts
        self.members = getattr(args, "nmodel", None)

    def complete(self, jit_compile):
        """Trains, tests and writes -> the test figures."""
        self.output.mkdir(exist_ok=True)
        options = vars(self.args)
        if not self.args.resume:
            for stale in self.output.glob("checkpoint*.h5"):
                stale.unlink()
        elif finished := self.check_resumed():
            return finished
        report.write_classes(self.output, self.data.classes)
        self.write_args(options)
        model = self.train_members(jit_compile) if self.members else self.train_one(jit_compile)
        metrics = self.evaluate(model)
        if self.members:
            report.write_table(
                self.output / "result.txt", ("loss", "acc"), [{"loss": metrics["loss"], "acc": metrics["top1"]}]
            )
        self.save(model)
        self.write_args(options, metrics)
        for checkpoint in self.output.glob("checkpoint*.h5"):
            checkpoint.unlink()
        return metrics

    def write_args(self, options, metrics=None):
        values = {
            "options": options,
            "seed": self.args.seed,
            "split": self.split,
            "model": self.stem,
            "depth": self.data.depth,
            "channels": self.data.clips.shape[4],
            "recipe": self.recipe.as_dict(),
            "counts": {
                "videos": len(self.data.videos),
                "classes": len(self.data.classes),
                "train": len(self.data.train),
                "test": len(self.data.test),
            },
            "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "opencv-python-headless")},
            **self.facts,
            "metrics": metrics,
        }
        report.write_args(self.output, values)

    def check_resumed(self):
        """The figures of a run that had ended, else None; UserError where the former run was another one."""
        try:
            former = json.loads((self.output / "args.json").read_text())
        except (OSError, ValueError):
            return None
        now = json.loads(json.dumps(vars(self.args), default=str))
        for name, value in now.items():
            if name not in UNLIKE and former["options"].get(name) != value:
                option = "--" + name.replace("_", "-")
                raise UserError(
                    f"--resume: {self.output} holds a run with {option} {former['options'].get(name)}, not {value}; "
                    "give the same options, or start anew without --resume"
                )
        if former["metrics"]:
            print(f"note: the run in {self.output} had ended; nothing is left to do")
        return former["metrics"]

    def train_one(self, jit_compile, member=None):
        """A trained network in float32; its curves and its table are written after each epoch."""
        from actioncnn import models, training

        suffix, prefix = ("", "model") if member is None else (f"_{member}", member)
        pictures = f"{prefix}_accuracy.png", f"{prefix}_loss.png"

        def write(history):
            report.write_result(self.output, history, f"result{suffix}.txt")
            report.plot_curves(self.output, history, pictures)

        build = partial(getattr(models, self.network), self.data.shape, len(self.data.classes))
        model, history = training.fit(
            build,
            self.data,
            self.recipe,
            batch=self.args.batch,
            epochs=self.args.epoch,
            seed=self.args.seed + (member or 0),
            jit_compile=jit_compile,
            checkpoint=self.output / f"checkpoint{suffix}.h5",
            on_epoch=write,
        )
        write(history)
        if not np.isfinite(history[-1]["loss"]):
            raise UserError(f"the loss is not a number after epoch {len(history)}; try a smaller --learning-rate")
        return training.in_float32(build, model)

    def train_members(self, jit_compile):
        """The average of --nmodel networks of different seeds, trained one after the other."""
        import keras

        from actioncnn import models

        members = []
        for member in range(self.members):
            print(f"model {member + 1} of {self.members}", flush=True)
            members.append(self.train_one(jit_compile, member))
            keras.backend.clear_session(free_memory=True)  # its optimizer and compiled steps
        return models.average(members)

    def evaluate(self, model):
        """Tests the final model, writes predictions and their pictures -> dict of figures."""
        from actioncnn import training

        data, batch = self.data, self.args.batch
        truth = data.targets[data.test].argmax(1)
        probabilities = training.predict(model, data, batch)
        root = self.args.videos
        files = [os.path.relpath(data.videos[row].path, root) for row in data.test]
        shown = TestClips(data)
        metrics = {"loss": float(-np.log(probabilities[range(len(truth)), truth].clip(1e-7)).mean())}
        metrics |= report.write_evaluation(self.output, shown, files, data.classes, truth, probabilities)
        print(f"test: loss {metrics['loss']:.4f}, top-1 {metrics['top1']:.4f}, top-5 {metrics['top5']:.4f}")
        if self.args.views > 1:
            metrics["top1_views"] = report.topk(self.predict_views(model), truth, 1)
            print(f"test: top-1 over {self.args.views} temporal views {metrics['top1_views']:.4f}")
        return metrics

    def predict_views(self, model):
        """Probabilities averaged over --views temporal views: clips that begin at other frames of their segments."""
        from actioncnn import training

        args, data = self.args, self.data
        videos, depth = [data.videos[row] for row in data.test], max(data.depth, 1)
        skip = getattr(args, "skip", True)
        array, _ = clips.load(videos, args.size, depth * args.views, args.color, skip, args.cache, args.workers)
        rows = np.arange(len(videos))
        views = [
            replace(data, clips=array, test=rows, targets=data.targets[data.test], offset=offset)
            for offset in range(args.views)
        ]
        return np.mean([training.predict(model, view, args.batch) for view in views], axis=0)

    def save(self, model):
        path = self.output / self.stem
        modelfile.save(model, path.with_suffix(".json"), path.with_suffix(".hd5"))
        report.plot_model(model, self.output / "model.png")


def summarize(output, rows):
    """result.txt of --split all: loss and accuracy of each split, their mean and standard deviation."""
    figures = {name: [row[name] for row in rows] for name in ("loss", "top1", "mean_class_accuracy")}
    for label, of in (("mean", np.mean), ("std", partial(np.std, ddof=1))):
        rows.append({"split": label} | {name: float(of(values)) for name, values in figures.items()})
    report.write_table(output / "result.txt", ("split", *figures), rows)
    mean, std = rows[-2]["top1"], rows[-1]["top1"]
    print(f"three splits: top-1 {mean:.4f}, standard deviation {std:.4f}")
