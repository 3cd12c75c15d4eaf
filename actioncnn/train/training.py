"""One training: a network, or the members of an ensemble, on one split, and the files that it writes."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from actioncnn import device, files
from actioncnn.cli import count, say
from actioncnn.data.clips import LabelledClips, Rows, test_views
from actioncnn.data.dataset import digest, relative, tags, untold_groups
from actioncnn.data.groups import scenes
from actioncnn.model.saving import MARK, save_model
from actioncnn.pages import run_page
from actioncnn.runs import folder, metrics, results
from actioncnn.runs.classes import write_classes
from actioncnn.runs.record import identity, write_record
from actioncnn.train.plan import Part, Plan

PICTURES = 8 << 20  # bytes; those of 101 classes take half of it


@dataclass(frozen=True)
class Training:
    """The training on one Part of a Plan."""

    plan: Plan
    part: Part

    @property
    def data(self) -> LabelledClips:
        return self.part.data

    def run(self, told=()):
        """Trains and tests, and, on the first of several machines, writes -> the test figures.

        told: notes that the user has been told already.
        """
        started, plan, output = time.monotonic(), self.plan, self.part.output
        self.describe(told)
        device.begin_anew()  # so that the names that Keras gives to layers do not depend on earlier splits
        self.check_disk()
        record, chief = plan.record_of(self.part), plan.device.chief
        if figures := folder.open_run(output, record, plan.written, plan.options.resume, chief):
            say(f"note: the run in {output} had ended; nothing is left to do")
            return figures
        if chief:
            write_classes(output, self.data.classes)
        model = self.train_members(record) if plan.options.members else self.train_network(record)
        probabilities, figures, verdicts = self.evaluate(model)
        if chief:
            record |= {"start": list(plan.start.said.values())} if plan.start else {}
            record |= {"parameters": model.count_params(), "notes": self.part.notes, "verdicts": verdicts}
            record["tested"] = tags(self.data.videos[row] for row in self.data.test)
            self.write(model, record, probabilities, figures)
            if not plan.options.resume:
                files.write(output / "seconds.txt", f"{time.monotonic() - started:.1f}\n")
            folder.close_run(output, record, figures, folder.checkpoints(plan.options.members))
        return figures

    def describe(self, told):
        """Says what is trained and tested on."""
        sides, videos = [], self.data.videos
        for side, rows in (("training", self.data.train), ("test", self.data.test)):
            groups = len(set(scenes([videos[row] for row in rows if videos[row].group is not None])))
            sides.append(count(len(rows), f"{side} clip") + (f" of {count(groups, 'group')}" if groups else ""))
        say(f"{count(len(self.data.classes), 'class')}, split {self.part.split}: {', '.join(sides)}")
        for note in self.part.notes:
            if note not in told:
                say(f"note: {note}")

    def build(self, instead=None):
        """The network for these clips and classes."""
        from actioncnn.train import networks

        return getattr(networks, self.plan.network.name)(self.data.shape, len(self.data.classes), instead)

    def check_disk(self):
        """UserError: the disk has no room for checkpoints, model and pictures."""
        weights, members = 4 * self.build().count_params(), self.plan.options.members or 1
        device.begin_anew()
        state = 4 * weights + (1 << 16)  # with the two moments of Adam and the mean, and what HDF5 adds
        if not self.plan.device.chief:
            return  # it writes nothing; but every worker must build the same networks, or the collectives hang
        total = (members + 1) * state + 2 * members * weights + PICTURES  # one state more: the new beside the former
        paths = [self.part.output / name for name in self.plan.written]
        there = sum(path.stat().st_size for path in paths if path.is_file())
        files.check_room(self.plan.options.output, total - there, max(state, members * weights))

    def train_network(self, record, member=None):
        """A trained network in float32; its curves and its table are written on the way."""
        from actioncnn.runs.checkpoint import Checkpoint
        from actioncnn.train import loop

        plan, options, output = self.plan, self.plan.options, self.part.output
        suffix = "" if member is None else f"_{member}"
        path, begin = output / f"checkpoint{suffix}.h5", self.build
        if plan.start:
            begin = plan.start.begun(self.build, self.data.classes, member or 0, options.freeze, path.exists())
        model, history = loop.fit(
            begin,
            self.data,
            plan.recipe,
            batch=options.batch,
            epochs=options.epoch,
            seed=member_seed(options.seed, member or 0),
            balance=options.balance,
            device=plan.device,
            checkpoint=Checkpoint(path, digest(identity(record), member), options.resume),
            on_epoch=partial(results.write_curves, output, member=member),
        )
        if plan.device.chief:
            results.write_curves(output, history, member=member)
        return loop.in_float32(self.build, model)

    def train_members(self, record):
        """The average of networks of different seeds, trained one after the other."""
        from actioncnn.train import networks

        members = []
        for member in range(self.plan.options.members):
            say(f"model {member + 1} of {self.plan.options.members}")
            members.append(self.train_network(record, member))
            device.begin_anew()  # without its optimizer and compiled steps
        return networks.average(members)

    def evaluate(self, model):
        """Tests the final model -> probabilities of the test clips, dict of figures, lines on motion and chance."""
        from actioncnn.train import loop, unordered

        data, options, on = self.data, self.plan.options, self.plan.device
        predict = partial(loop.predict, model, batch=options.batch, device=on)
        truth, probabilities = data.labels(data.test), predict(data)
        figures = metrics.evaluate(truth, probabilities)
        say(f"test: {metrics.in_words(figures, truth, len(data.classes))}")
        if options.views > 1:
            views = test_views(data, options.views, options.cache, options.workers)
            figures["top1_views"] = metrics.topk(np.mean([predict(view) for view in views], axis=0), truth, 1)
            say(f"test: top-1 over {options.views} temporal views {figures['top1_views']:.4f}")
        return probabilities, figures, unordered.tell(model, data, probabilities, options, on)

    def write(self, model, record, probabilities, figures):
        """Writes the model, what is said of the test clips, and report.html."""
        data, output, path = self.data, self.part.output, self.part.output / self.plan.network.stem
        facts = {"classes": data.classes, "sampling": data.sampling._asdict()} | MARK
        save_model(model, path.with_suffix(".json"), path.with_suffix(".hd5"), path.with_suffix(".keras"), facts)
        results.plot_model(output, model)
        videos, clips = [data.videos[row] for row in data.test], Rows(data.clips, data.test)
        names = [relative(video, self.plan.options.videos) for video in videos]
        about = data.classes, data.labels(data.test), probabilities, untold_groups(videos)
        results.write_evaluation(output, clips, names, *about)
        if self.plan.options.members:
            results.write_figures(output, figures)
        write_record(output, record, metrics=None)  # the page reads it, so this comes first
        run_page.try_to_write(output, lambda _, rows: {row: clips[row] for row in rows})


def member_seed(seed, member):
    """The seed of an ensemble's member: the first has that of the run, and no two runs share one of the others."""
    return int(np.random.SeedSequence((seed, member)).generate_state(1)[0]) if member else seed
