"""One run of a training script: from its options to the files in --output. Called once the options are parsed."""

import json
import os
import re
import sys
from dataclasses import replace
from functools import partial
from importlib.metadata import version

import numpy as np

from actioncnn import clips, modelfile, report
from actioncnn.cli import UserError, warn
from actioncnn.data import TestClips, divide, load

MIRRORED = re.compile("left|right|clockwise", re.IGNORECASE)  # classes that a mirror turns into others
UNLIKE = ("output", "cache", "workers", "resume", "views")  # options that may differ between a run and its resumption


def train(args, network, stem, recipe, depth=None):
    """Trains `network` (a name in models) as `args` (of cli.training_parser) say and writes all outputs.

    stem: file name of the model without ending. depth: frames of a clip, 0 for a 2D network.
    """
    depth = args.depth if depth is None else depth
    make_output(args.output)
    data, notes, failures = load(args, depth)
    recipe = adapt(recipe, args, data.classes)
    if args.augment and args.flip is None and not recipe.augment.flip:
        notes.append("class names say left, right or clockwise, so clips are not mirrored; --flip True would")
    splits = ["1", "2", "3"] if args.split == "all" else [args.split]
    parts = [divide(data.videos, failures, split, args.seed) for split in splits]  # a wrong one ends here, not later
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
        self.save(model)
        metrics = self.evaluate(model)
        if self.members:
            row = {"loss": metrics["loss"], "acc": metrics["top1"]}
            report.write_table(self.output / "result.txt", row.keys(), [row])
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
            "depth": self.data.sampling.depth,
            "channels": self.data.shape[-1],
            "recipe": self.recipe.as_dict(),
            "counts": self.counts(),
            "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "opencv-python-headless")},
            **self.facts,
            "metrics": metrics,
        }
        report.write_args(self.output, values)

    def counts(self):
        data = self.data
        sizes = {"videos": data.videos, "classes": data.classes, "train": data.train, "test": data.test}
        return {name: len(values) for name, values in sizes.items()}

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
        if former["counts"] != self.counts():
            raise UserError(
                f"--resume: the videos are not those of the run in {self.output}; start anew without --resume"
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
        files = [os.path.relpath(data.videos[row].path, self.args.videos) for row in data.test]
        metrics = {"loss": float(-np.log(probabilities[range(len(truth)), truth].clip(1e-7)).mean())}
        metrics |= report.write_evaluation(self.output, TestClips(data), files, data.classes, truth, probabilities)
        print(f"test: loss {metrics['loss']:.4f}, top-1 {metrics['top1']:.4f}, top-5 {metrics['top5']:.4f}")
        if self.args.views > 1:
            metrics["top1_views"] = report.topk(self.predict_views(model), truth, 1)
            print(f"test: top-1 over {self.args.views} temporal views {metrics['top1_views']:.4f}")
        return metrics

    def predict_views(self, model):
        """Probabilities averaged over --views temporal views."""
        from actioncnn import training

        args, data = self.args, self.data
        videos = [data.videos[row] for row in data.test]
        views = data.sampling.views(videos, args.views, args.cache, args.workers)
        same = {"test": np.arange(len(videos)), "targets": data.targets[data.test]}
        views = [replace(data, clips=view, **same) for view in views]
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
