"""One run of a training script: from its options to the files in --output."""

import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from actioncnn import device
from actioncnn.cli import program, warn
from actioncnn.data.cache import default_cache
from actioncnn.data.dataset import Data, TestClips, divide, load_dataset, resolve, test_views
from actioncnn.errors import UserError
from actioncnn.files import make_output
from actioncnn.modelfile.classes import write_classes
from actioncnn.modelfile.io import save_model
from actioncnn.report import clips, metrics, results, run_page, tables
from actioncnn.train.options import Options
from actioncnn.train.recipes import Augment, Network, Recipe

MIRRORED = re.compile("left|right|clockwise", re.IGNORECASE)  # classes that a mirror turns into others
UNLIKE = ("output", "cache", "workers", "gpus", "resume", "views")  # may differ between a run and its resumption


def train(options, network):
    """Trains a network, or an ensemble of it, as options.Options say and writes all outputs."""
    make_output(options.output)
    data, notes = load_dataset(
        options.videos, options.nclass, options.sampling, options.cache, options.workers, **options.layout
    )
    recipe = adapt(network.recipe, options, data.classes)
    if options.augment and options.flip is None and not recipe.augment.flip:
        notes.append("class names say left, right or clockwise, so clips are not mirrored; --flip True would")
    names, why = resolve(data, options.split, options.seed)
    notes += why
    splits = [divide(data, name, options.seed) for name in names]  # a wrong one ends here, not later
    on = device.setup(options.precision, options.gpus, options.cache or default_cache())
    print(f"device: {on.name}, {on.precision}")
    rows = []
    for name, (part, more) in zip(names, splits, strict=True):
        output = options.output / folder_of(name) if len(names) > 1 else options.output
        describe(options.videos, name, part, notes + more)
        rows.append({"split": name} | Run(options, network, recipe, part, name, output, on, notes + more).complete())
    if len(names) > 1 and on.chief:
        summarize(options.output, rows)
        run_page.try_to_write(options.output, clips.reader(options.workers))
    for row, reason in data.failures.items():
        warn(f"left out: {data.videos[row].path}: {reason}")
    print(f"results: {options.output}")


def folder_of(split):
    """The folder in --output of one split of several."""
    return split if split.startswith("fold") else f"split_{split}"


def adapt(recipe, options, classes):
    """The network's recipe with what the options and the class names say of it."""
    flip = may_be_mirrored(classes) if options.flip is None else options.flip
    how = recipe.augment._replace(flip=flip) if options.augment else Augment()
    return replace(recipe, augment=how, learning_rate=options.learning_rate or recipe.learning_rate)


def may_be_mirrored(classes):
    return not any(MIRRORED.search(name) for name in classes)


def describe(directory, split, data, notes):
    """Says what a run works on."""
    groups = [len({data.videos[row].group for row in rows} - {None}) for rows in (data.train, data.test)]
    print(
        f"videos: {len(data.videos)} of {len(data.classes)} classes in {directory}; split {split}: "
        f"{len(data.train)} train clips of {groups[0]} groups, {len(data.test)} test clips of {groups[1]} groups"
    )
    for note in notes:
        print(f"note: {note}")
    sys.stdout.flush()


@dataclass(frozen=True)
class Run:
    """The training of one network, or of the members of an ensemble, on one split, and the files that it writes."""

    options: Options
    network: Network
    recipe: Recipe
    data: Data
    split: str
    output: Path
    device: device.Device
    notes: list  # what the user was told
    started: float = field(default_factory=time.monotonic)

    def complete(self):
        """Trains and tests, and, on the first of several machines, writes -> the test figures."""
        if self.options.resume and (figures := self.check_resumed()):
            return figures
        if self.device.chief:
            self.output.mkdir(exist_ok=True)
            if not self.options.resume:
                self.remove_checkpoints()
            write_classes(self.output, self.data.classes)
            self.write_args()
        model = self.train_members() if self.options.members else self.train_one()
        probabilities, figures = self.evaluate(model)
        if self.device.chief:
            self.write(model, probabilities, figures)
        return figures

    def write(self, model, probabilities, figures):
        save_model(model, *(self.output / f"{self.network.stem}.{ending}" for ending in ("json", "hd5")))
        results.plot_model(self.output, model)
        data = self.data
        videos = [os.path.relpath(data.videos[row].path, self.options.videos) for row in data.test]
        tested, about = TestClips(data), (data.labels(data.test), probabilities, data.untold_groups(data.test))
        results.write_evaluation(self.output, tested, videos, data.classes, *about)
        if self.options.members:
            row = {"loss": figures["loss"], "acc": figures["top1"]}
            tables.write_table(self.output / "result.txt", row.keys(), [row])
        seconds = None if self.options.resume else round(time.monotonic() - self.started, 1)
        self.write_args(figures, parameters=model.count_params(), seconds=seconds)
        run_page.try_to_write(self.output, lambda _, rows: {row: tested[row] for row in rows})
        self.remove_checkpoints()

    def remove_checkpoints(self):
        for checkpoint in self.output.glob("checkpoint*.h5"):
            checkpoint.unlink()

    def write_args(self, figures=None, **more):
        values = {
            "script": program(),
            "options": asdict(self.options),
            "seed": self.options.seed,
            "split": self.split,
            "model": self.network.stem,
            "sampling": self.data.sampling._asdict(),
            "recipe": self.recipe.as_dict(),
            "counts": self.counts,
            "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "opencv-python-headless")},
            "device": self.device.name,
            "precision": self.device.precision,
            "notes": self.notes,
            "metrics": figures,
        }
        tables.write_json(self.output / "args.json", values | more, indent=2)

    @cached_property
    def counts(self):
        return {name: len(getattr(self.data, name)) for name in ("videos", "classes", "train", "test")}

    def check_resumed(self):
        """The figures of a run that had ended, else None; UserError where the former run was another one."""
        try:
            former = json.loads((self.output / "args.json").read_text())
        except (OSError, ValueError):
            return None
        for name, value in json.loads(json.dumps(asdict(self.options), default=str)).items():
            if name not in UNLIKE and former["options"].get(name) != value:
                option, before = "--" + name.replace("_", "-"), former["options"].get(name)
                why = " (the learning rate falls over all epochs: a longer run differs from its start)" * (
                    name == "epoch"
                )
                raise UserError(
                    f"--resume: {self.output} holds a run with {option} {before}, not {value}{why}; "
                    "give the same options, or start anew without --resume"
                )
        if former["counts"] != self.counts:
            raise UserError(
                f"--resume: the videos are not those of the run in {self.output}; start anew without --resume"
            )
        if former["metrics"]:
            print(f"note: the run in {self.output} had ended; nothing is left to do")
        return former["metrics"]

    def train_one(self, member=None):
        """A trained network in float32; its curves and its table are written after each epoch."""
        from actioncnn.train import loop, networks

        suffix, prefix = ("", "model") if member is None else (f"_{member}", member)

        def write(history):
            tables.write_history(self.output / f"result{suffix}.txt", history)
            results.plot_curves(self.output, history, (f"{prefix}_accuracy.png", f"{prefix}_loss.png"))

        build = partial(getattr(networks, self.network.name), self.data.shape, len(self.data.classes))
        model, history = loop.fit(
            build,
            self.data,
            self.recipe,
            batch=self.options.batch,
            epochs=self.options.epoch,
            seed=self.options.seed + (member or 0),
            balance=self.options.balance,
            device=self.device,
            checkpoint=self.output / f"checkpoint{suffix}.h5",
            on_epoch=write,
        )
        if self.device.chief:
            write(history)
        if not np.isfinite(history[-1]["loss"]):
            raise UserError(f"the loss is not a number after epoch {len(history)}; try a smaller --learning-rate")
        return loop.in_float32(build, model)

    def train_members(self):
        """The average of networks of different seeds, trained one after the other."""
        import keras

        from actioncnn.train import networks

        members = []
        for member in range(self.options.members):
            print(f"model {member + 1} of {self.options.members}", flush=True)
            members.append(self.train_one(member))
            keras.backend.clear_session(free_memory=True)  # its optimizer and compiled steps
        return networks.average(members)

    def evaluate(self, model):
        """Tests the final model -> probabilities of the test clips, dict of figures."""
        from actioncnn.train import loop

        data, options = self.data, self.options
        truth, probabilities = data.labels(data.test), loop.predict(model, data, options.batch, self.device)
        figures = metrics.evaluate(truth, probabilities)
        print(f"test: {tables.told(figures, truth)}")
        if options.views > 1:
            views = test_views(data, options.views, options.cache, options.workers)
            averaged = np.mean([loop.predict(model, view, options.batch, self.device) for view in views], axis=0)
            figures["top1_views"] = metrics.topk(averaged, truth, 1)
            print(f"test: top-1 over {options.views} temporal views {figures['top1_views']:.4f}")
        return probabilities, figures


def summarize(output, rows):
    """Writes result.txt of several splits: loss and accuracy of each, mean, deviation; of folds all predictions too."""
    folders = [output / folder_of(row["split"]) for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("loss", "top1", "mean_class_accuracy")}
    for label, of in (("mean", np.mean), ("std", partial(np.std, ddof=1))):
        rows.append({"split": label} | {name: float(of(values)) for name, values in columns.items()})
    tables.write_table(output / "result.txt", ("split", *columns), rows)
    if folders[0].name.startswith("fold"):
        tables.join_csv(output / "predictions.csv", [folder / "predictions.csv" for folder in folders])
    mean, std = rows[-2]["top1"], rows[-1]["top1"]
    count = "three splits" if rows[0]["split"] == "1" else f"{len(folders)} folds"
    print(f"{count}: top-1 {mean:.4f}, standard deviation {std:.4f}")
