"""What a training will do, worked out before a network is built: its data, its splits and the folders of its runs."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from actioncnn import device
from actioncnn.cli import count, say
from actioncnn.data import mirroring
from actioncnn.data.clips import LabelledClips, divide_clips, read_clips, resolve_split
from actioncnn.data.dataset import understand
from actioncnn.runs import folder, record
from actioncnn.runs.record import Record
from actioncnn.train.options import Options
from actioncnn.train.recipes import Network, Recipe, adapt
from actioncnn.train.start import Start


@dataclass(frozen=True)
class Part:
    """One split of the data, on which one network or ensemble is trained, and the folder of this run."""

    split: str
    output: Path
    data: LabelledClips
    notes: list  # what the user is told of it


@dataclass(frozen=True)
class Plan:
    """All that a training follows from."""

    options: Options
    network: Network
    recipe: Recipe
    data: LabelledClips
    parts: list[Part]
    notes: list  # what the user is told of the data
    device: device.Device
    start: Start | None = None

    @property
    def written(self):
        """Names of the files that the run on each part writes."""
        return folder.names(self.network.stem, self.options.members)

    @property
    def in_parts(self):
        """Whether --output holds a folder for each split."""
        return [part.output for part in self.parts] != [self.options.output]

    def record_of(self, part):
        """The Record of the run on a Part, without figures."""
        about = self.options, self.network, self.recipe, part.data, part.split, self.device, part.notes
        return record.new_record(*about)

    def record_of_all(self):
        """The Record of the runs on all parts together, without figures."""
        about = self.options, self.network, self.recipe, self.data, self.options.split, self.device, self.notes
        return Record(record.new_record(*about), parts=[part.output.name for part in self.parts])


def facts_of(options, data, network):
    """What all machines that train together must have alike."""
    named = ("batch", "epoch", "seed", "size", "split")
    facts = {f"--{name}": getattr(options, name) for name in named}
    return facts | {"the network": network.name, "the clips": data.content[:8], "TensorFlow": version("tensorflow")}


def plan_training(options, network, start=None):
    """Reads the videos, divides them and starts Keras -> Plan.

    UserError: the videos cannot be read or divided so.
    """
    dataset = understand(options.dataset)
    say(*dataset.understood)
    drawn = options.augment and network.recipe.augment.frames
    data, lost = read_clips(dataset, options.sampling, options.cache, options.workers, drawn)
    names, why = resolve_split(data, options.split, options.seed)
    divided = [divide_clips(data, name, options.seed) for name in names]  # a wrong split ends here, not hours later
    fewest = min(len(clips.train) for clips, _ in divided)
    options = options.settled(fewest)
    on = device.setup(options.precision, options.gpus, training=True)
    device.agree(on, facts_of(options, data, network))
    say(f"device: {on.name}, {on.precision}; batches of {count(min(options.batch, fewest), 'clip')}")
    recipe = adapt(network.recipe, options, data.classes)
    notes = dataset.notes + lost + why
    if options.augment:
        say(mirroring.told(data.classes, recipe.augment.flip, options.flip is not None))
    parts = []
    for name, (clips, more) in zip(names, divided, strict=True):
        output = options.output / part_of(name) if len(names) > 1 else options.output
        more += start.notes_on(clips) if start else []
        parts.append(Part(name, output, clips, notes + more))
    return Plan(options, network, recipe, data, parts, notes, on, start)


def part_of(split):
    """The folder in --output of one split of several."""
    return split if split.startswith("fold") else f"split_{split}"
