"""The runs of a training script: a plan is carried out, split by split, to the files in --output."""

import contextlib
import tempfile
import time
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from actioncnn import device, files
from actioncnn.cli import count, say, warn
from actioncnn.data.clips import Rows, test_views
from actioncnn.data.dataset import digest, relative, untold_groups
from actioncnn.files import check_room, make_output, sweep
from actioncnn.model.saving import save_model
from actioncnn.pages import run_page
from actioncnn.runs import folder, metrics, results, tables
from actioncnn.runs.classes import write_classes
from actioncnn.runs.record import identity, write_record
from actioncnn.runs.tested import clip_reader
from actioncnn.train.plan import Part, Plan, plan_training
from actioncnn.train.start import Start

PICTURES = 8 << 20  # bytes; those of 101 classes take half of it


def train(options, network):
    """Trains a network, or an ensemble of it, as options.Options say and writes all outputs."""
    start = Start(options.start, options.sampling, options.output) if options.start else None
    make_output(options.output)
    several = options.split == "all" or options.split.startswith("folds:")
    with folder.alone(options.output) if device.cluster()[1] == 0 else contextlib.nullcontext():
        for place in (options.output, tempfile.gettempdir()):
            sweep(place)
        if not options.resume:  # before hours of reading
            written = folder.PARTED if several else folder.names(network.stem, options.members)
            folder.check_free(options.output, written, options.overwrite)
        carry_out(plan_training(options, network, start))


def carry_out(plan):
    """Trains and tests on each part of a Plan."""
    output, rows, told = plan.options.output, [], []
    if plan.in_parts:
        whole = plan.record_of_all()
        folder.open_run(output, whole, folder.PARTED, plan.options.resume, plan.device.chief)
    for part in plan.parts:
        describe(plan.options.videos, part, [note for note in part.notes if note not in told])
        told += part.notes
        rows.append({"split": part.split} | Run(plan, part).complete())
    if plan.in_parts and plan.device.chief:
        figures = summarize(output, plan.parts, rows)
        run_page.try_to_write(output, clip_reader(plan.options.workers))
        folder.close_run(output, whole, figures)
    for row, reason in plan.data.failures.items():
        warn(f"left out: {plan.data.videos[row].path}: {reason}")
    say(f"results: {output}")


def describe(directory, part, notes):
    """Says what a run works on."""
    sides, data = [], part.data
    for side, rows in (("train", data.train), ("test", data.test)):
        groups = len({data.videos[row].group for row in rows} - {None})
        sides.append(count(len(rows), f"{side} clip") + (f" of {count(groups, 'group')}" if groups else ""))
    classes = f"{len(data.videos)} of {len(data.classes)} classes in {directory}"
    say(f"videos: {classes}; split {part.split}: {', '.join(sides)}")
    for note in notes:
        say(f"note: {note}")


@dataclass(frozen=True)
class Run:
    """The training of one network, or of the members of an ensemble, on one split, and the files that it writes."""

    plan: Plan
    part: Part
    started: float = field(default_factory=time.monotonic)

    @property
    def options(self):
        return self.plan.options

    @property
    def device(self):
        return self.plan.device

    @property
    def data(self):
        return self.part.data

    @property
    def output(self):
        return self.part.output

    def complete(self):
        """Trains and tests, and, on the first of several machines, writes -> the test figures."""
        device.begin_anew()  # what Keras names follows from no other split
        self.check_room()
        if figures := folder.open_run(self.output, self.record, self.written, self.options.resume, self.device.chief):
            say(f"note: the run in {self.output} had ended; nothing is left to do")
            return figures
        if self.device.chief:
            write_classes(self.output, self.data.classes)
        model = self.train_members() if self.options.members else self.train_one()
        probabilities, figures = self.evaluate(model)
        if self.device.chief:
            self.write(model, probabilities, figures)
        return figures

    @cached_property
    def record(self):
        return self.plan.record_of(self.part)

    @cached_property
    def written(self):
        return folder.names(self.plan.network.stem, self.options.members)

    @property
    def build(self):
        from actioncnn.train import networks

        return partial(getattr(networks, self.plan.network.name), self.data.shape, len(self.data.classes))

    def check_room(self):
        """UserError: the disk has no room for checkpoints, model and pictures."""
        weights, members = 4 * self.build().count_params(), self.options.members or 1
        device.begin_anew()
        state = 4 * weights + (1 << 16)  # with the two moments of Adam and the mean, and what HDF5 adds
        if not self.device.chief:
            return  # it writes nothing; but machines wait for ever for one that has built other networks before
        total = (members + 1) * state + 2 * members * weights + PICTURES  # one state more: the new beside the former
        paths = [self.output / name for name in self.written]
        there = sum(path.stat().st_size for path in paths if path.is_file())
        check_room(self.options.output, total - there, max(state, members * weights))

    def write(self, model, probabilities, figures):
        data, path = self.data, self.output / self.plan.network.stem
        facts = {"classes": data.classes, "sampling": data.sampling._asdict()}
        save_model(model, path.with_suffix(".json"), path.with_suffix(".hd5"), path.with_suffix(".keras"), facts)
        results.plot_model(self.output, model)
        videos, tested = [data.videos[row] for row in data.test], Rows(data.clips, data.test)
        names = [relative(video, self.options.videos) for video in videos]
        about = data.classes, data.labels(data.test), probabilities, untold_groups(videos)
        results.write_evaluation(self.output, tested, names, *about)
        if self.options.members:
            row = {"loss": figures["loss"], "acc": figures["top1"]}
            tables.write_table(self.output / "result.txt", row.keys(), [row])
        told = {"start": list(self.plan.start.said.values())} if self.plan.start else {}
        told |= {"parameters": model.count_params(), "notes": self.part.notes}
        write_record(self.output, self.record, **told, metrics=None)  # for the page, which reads it
        run_page.try_to_write(self.output, lambda _, rows: {row: tested[row] for row in rows})
        if not self.options.resume:
            files.write(self.output / "seconds.txt", f"{time.monotonic() - self.started:.1f}\n")
        folder.close_run(self.output, self.record | told, figures, folder.checkpoints(self.options.members))

    def train_one(self, member=None):
        """A trained network in float32; its curves and its table are written after each epoch."""
        from actioncnn.runs.checkpoint import Checkpoint
        from actioncnn.train import loop

        suffix, prefix = ("", "model") if member is None else (f"_{member}", member)

        def write(history):
            tables.write_history(self.output / f"result{suffix}.txt", history)
            results.plot_curves(self.output, history, (f"{prefix}_accuracy.png", f"{prefix}_loss.png"))

        path, run = self.output / f"checkpoint{suffix}.h5", digest(identity(self.record), member)
        how = member or 0, self.options.freeze, path.exists()
        model, history = loop.fit(
            self.plan.start.begun(self.build, self.data.classes, *how) if self.plan.start else self.build,
            self.data,
            self.plan.recipe,
            batch=self.options.batch,
            epochs=self.options.epoch,
            seed=member_seed(self.options.seed, member or 0),
            balance=self.options.balance,
            device=self.device,
            checkpoint=Checkpoint(path, run, self.options.resume),
            on_epoch=write,
        )
        if self.device.chief:
            write(history)
        return loop.in_float32(self.build, model)

    def train_members(self):
        """The average of networks of different seeds, trained one after the other."""
        from actioncnn.train import networks

        members = []
        for member in range(self.options.members):
            say(f"model {member + 1} of {self.options.members}")
            members.append(self.train_one(member))
            device.begin_anew()  # without its optimizer and compiled steps
        return networks.average(members)

    def evaluate(self, model):
        """Tests the final model -> probabilities of the test clips, dict of figures."""
        from actioncnn.train import loop, unordered

        data, options, truth = self.data, self.options, self.data.labels(self.data.test)
        figures = metrics.evaluate(truth, probabilities := loop.predict(model, data, options.batch, self.device))
        say(f"test: {tables.told(figures, truth)}")
        if options.views > 1:
            views = test_views(data, options.views, options.cache, options.workers)
            averaged = np.mean([loop.predict(model, view, options.batch, self.device) for view in views], axis=0)
            figures["top1_views"] = metrics.topk(averaged, truth, 1)
            say(f"test: top-1 over {options.views} temporal views {figures['top1_views']:.4f}")
        self.part.notes.extend(unordered.tell(model, data, probabilities, options, self.device))
        return probabilities, figures


def member_seed(seed, member):
    """The seed of an ensemble's member: the first has that of the run, and no two runs share one of the others."""
    return int(np.random.SeedSequence((seed, member)).generate_state(1)[0]) if member else seed


def summarize(output, parts, rows):
    """Writes result.txt of several splits: loss and accuracy of each, mean, deviation; of folds all predictions.

    Returns the means.
    """
    folders = [part.output for part in parts]
    columns = {name: [row[name] for row in rows] for name in ("loss", "top1", "mean_class_accuracy")}
    for label, of in (("mean", np.mean), ("std", partial(np.std, ddof=1))):
        rows.append({"split": label} | {name: float(of(values)) for name, values in columns.items()})
    tables.write_table(output / "result.txt", ("split", *columns), rows)
    if folders[0].name.startswith("fold"):
        tables.join_csv(output / "predictions.csv", [folder / "predictions.csv" for folder in folders])
    mean, std = rows[-2]["top1"], rows[-1]["top1"]
    count = "three splits" if rows[0]["split"] == "1" else f"{len(folders)} folds"
    say(f"{count}: top-1 {mean:.4f}, standard deviation {std:.4f}")
    return {name: rows[-2][name] for name in columns}
