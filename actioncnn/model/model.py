"""A model of any origin as a classifier of clips: one value for all that scripts ask of it.

`runs.find.find_model` gives the ModelFiles and needs no Keras, so that videos can be decoded while Keras is being
imported; `open_model` then loads the Model. What has to be assumed of it, it says.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from actioncnn.cli import warn
from actioncnn.errors import UserError, one_line
from actioncnn.model import audit, loading
from actioncnn.model.head import NUMBER, Head, choose_head, features_before
from actioncnn.model.reading import Asked, Reading, infer_reading, naming, note, told_of
from actioncnn.model.saving import MARK
from actioncnn.video.sampling import Sampling


class Names(NamedTuple):
    """Names of classes in label order, of a file that may belong to a model."""

    names: Sequence[str]
    source: str = ""  # the option and file, for messages; "": the model's own file
    required: bool = False  # whether another number of classes is an error


class ModelFiles(NamedTuple):
    """Where a model is, and what is known of it before it is loaded."""

    model: Path
    weights: Path
    record: Any  # of the run that made it: a runs.record.Record, empty where there is none
    facts: dict  # what its own file says, of loading.read_facts
    sampling: Sampling | None  # what one of these two says
    names: tuple[Names, ...] = ()  # the first of the right number counts
    asked: Asked = Asked()  # --range, --colour, --axes, --scrambled, --output-layer, --depth, --size

    @property
    def known_names(self):
        """Names of the classes that can be trusted before the model is loaded; None where there are none such."""
        first = self.names[0] if self.names else None
        return first.names if first and (first.required or not first.source or self.record) else None

    @property
    def cache(self):
        """The folder in which the model's run stored its decoded clips; None means the default folder."""
        return self.record.cache if self.record else None

    @property
    def ours(self):
        """Whether a training run of this suite wrote it: its record or its mark says so."""
        return bool(self.record) or MARK.items() <= self.facts.items()


MOST_VALUES = 10**8  # of the largest layer for all clips that a network is given at once, 400 MB


def sampling_told(facts):
    """The Sampling that the facts of a model's file stand for; None where they hold none or a damaged one."""
    with contextlib.suppress(TypeError, UserError):
        told = Sampling(**facts.get("sampling"))
        audit.check_sampling(told)
        sides = told.size if isinstance(told.size, list) else [told.size]
        return told._replace(size=sides[0] if len(sides) == 1 else tuple(sides))
    return None


def open_model(files, views=1, classifies=True):
    """The Model of some ModelFiles.

    views: over how many sets of frames its probabilities are averaged. classifies: False asks for its layers alone;
    then head, sampling and names may be None, and nothing is printed. UserError: the model cannot be loaded, or cannot
    be used so.
    """
    from actioncnn import device

    device.setup("float32")
    if files.weights == files.model and files.model.suffix == ".json":
        loading.check_kind(files.model)
        raise UserError(f"--weights: no weights are beside {files.model}; give their file")
    network = loading.load_model(files.model, files.weights, files.asked)
    network.compile(jit_compile=False)  # XLA would compile anew for each number of clips
    with naming(files.model):
        model = make_model(network, files, views, classifies)
    if classifies:
        model.tell_assumed()
    return model


def make_model(network, files, views=1, classifies=True):
    """The Model of a loaded keras.Model. See `open_model`."""
    asked = files.asked.or_else(told_of(files.facts))
    if files.sampling:
        asked = asked.or_else(Asked(scrambled=files.sampling.scrambled))
    reading = infer_reading(network, (files.model.name, files.weights.name), asked, files.ours)
    head = sampling = None
    strict = contextlib.nullcontext()
    lenient = strict if classifies else contextlib.suppress(UserError)
    with strict if files.asked.output else lenient:
        two = any(len(each.names) == 2 for each in files.names)
        head = choose_head(network, asked.output, known_kind(files.facts, asked.output), two)
    with lenient:
        sampling = choose_sampling(reading, files)
    if head:
        audit.bounded("classes", head.count)
    names = choose_names(head.count, files.names) if head else None
    return Model(network, reading, head, sampling, names, files, views)


def known_kind(facts, output):
    """The kind of the head `output`, where the model's file tells it."""
    told = facts.get("head")
    return told.get("taken_for") if isinstance(told, dict) and told.get("output") == output else None


def choose_sampling(reading, files):
    """The Sampling in the files, if it fits the model's input, else that of the input's shape."""
    height, width, *depth, channels = reading.shape
    if channels not in (1, 3):
        raise UserError(f"its input {reading.shape} has {channels} channels; gray or RGB frames have 1 or 3")
    size = height if height == width else (height, width)
    needed = Sampling(size, depth[0] if depth else 0, channels == 3, scrambled=reading.scrambled)
    if not files.sampling:
        return needed
    if files.sampling[:3] == needed[:3]:
        return files.sampling._replace(scrambled=reading.scrambled)
    if files.record:
        raise UserError(f"is not the model of the run in {files.model.parent}; move it to a folder of its own")
    raise UserError("takes other frames than its file says; export it anew")


def choose_names(count, names):
    """The first of some Names that are `count`; None: there are none. UserError: those of --classes do not fit."""
    for given in names:
        if len(given.names) == count:
            return list(given.names)
        problem = f"{given.source}: {len(given.names)} names for {count} classes"
        if given.required:
            raise UserError(f"{problem}; give a file with one name a line, in label order")
        if given.source:
            warn(f"note: {problem}: not used; give the names with --classes FILE")
    return None


@dataclass
class Model:
    """A classifier of clips. Probabilities, log odds, features and classes are those of the chosen head.

    Where clips are asked for: uint8 or float (B, H, W, T, C), of a 2D network (B, H, W, C), 0 to 255, RGB or gray, as
    `sampling.pick` gives them.
    """

    network: Any  # keras.Model
    reading: Reading
    head: Head | None  # None: it does not classify, and its layers alone were asked for
    sampling: Sampling | None  # None: it takes no gray or RGB frames, and its layers alone were asked for
    names: list | None  # of the classes in label order; None where no file tells them
    files: ModelFiles
    views: int = 1

    @property
    def cache(self):
        """The folder in which the model's run stored its decoded clips; None means the default folder."""
        return self.record.cache if self.record else None

    @property
    def ours(self):
        """Whether a training run of this suite wrote it."""
        return self.files.ours

    @property
    def classes(self):
        """Names of the classes in label order; where no file tells them "class 0" and so on."""
        numbered = [f"class {label}" for label in range(self.head.count)]
        return self.names or (["number"] if self.gives_number else numbered)

    @property
    def gives_number(self):
        """Whether its output is one number, as of a regression, and no class."""
        return self.head.kind == NUMBER

    @property
    def reads(self):
        """The Sampling of the frames that a call needs: more than one clip's where `views` is above 1."""
        return self.sampling.viewed(self.views)

    @property
    def assumed(self):
        """What the model is taken to take and to say, a dict for JSON; None where that is known."""
        if self.files.sampling and not self.reading.assumed and not self.head.assumed:
            return None
        return self.reading.as_dict() | self.head.as_dict()

    @property
    def facts(self):
        """What an exported file tells beside the network, so that it is read back as what it is; a dict for JSON."""
        facts = {"classes": self.classes, "sampling": self.sampling._asdict()}
        facts |= {"reading": self.reading.as_dict(), "head": self.head.as_dict()}
        return facts | (MARK if self.ours else {})

    def tell_assumed(self):
        """Prints, in a line, what was assumed, and in another one that the classes have no names."""
        others, shown = [], self.sampling
        if not self.files.sampling:
            frames = f"{shown.depth} evenly spaced frames" if shown.depth else "the middle frame"
            others = [f"{frames}, {shown.width}x{shown.height} pixels, {'in colour' if shown.color else 'gray'}"]
        if line := note(self.files.model, self.reading.assumed | self.head.assumed, *others):
            warn(f"note: {line}")
        if not self.names and not self.gives_number:
            warn(f"note: no names for the classes of {self.files.model}: give them with --classes FILE")

    def tell_reading(self):
        """Prints, in a line, what was assumed of the input."""
        if line := note(self.files.model, self.reading.assumed):
            warn(f"note: {line}")

    def __call__(self, clips):
        """Clips, of several views those of `reads` -> probabilities, float32 (B, classes)."""
        views = [clips] if self.views == 1 else self.sampling.views(clips, self.views)
        return np.mean([self._answer(view) for view in views], axis=0)

    def _answer(self, clips):
        return np.asarray(self.head.probabilities(self.outputs(clips)))

    def outputs(self, clips):
        """Clips -> list of all outputs of the network, float32 (B, ...). UserError: one is not a finite number."""
        from keras import tree

        parts = [clips[start : start + self._at_once] for start in range(0, len(clips), self._at_once)]
        try:
            answers = [tree.flatten(self.network.predict_on_batch(self.inputs(part))) for part in parts]
        except (ValueError, TypeError) as error:  # a model of another version of Keras may not fit its own input
            raise UserError(f"{self.files.model}: Keras cannot run it: {one_line(error)}") from error
        outputs = answers[0] if len(answers) == 1 else [np.concatenate(each) for each in zip(*answers, strict=True)]
        if not all(np.isfinite(output).all() for output in outputs):
            raise UserError(f"{self.files.model}: answers with NaN or infinite numbers; its weights are too large")
        return outputs

    def feed(self, clips):
        """Clips, array or tensor -> what each input of the network is given, float32, an array for an array."""
        if not isinstance(clips, np.ndarray):
            return self.reading.feed(clips)
        return np.asarray(self.reading.feed(clips.astype(np.float32)))

    def inputs(self, clips):
        """What the network is called with for clips: each of its inputs is given the same."""
        fed = self.feed(clips)
        return [fed] * len(self.network.inputs) if len(self.network.inputs) > 1 else fed

    def features(self, clips):
        """Clips -> what the last layer with weights before the head is given, float32 (B, units)."""
        parts = [clips[start : start + self._at_once] for start in range(0, len(clips), self._at_once)]
        return np.concatenate([np.asarray(self._before_head(self.inputs(part), training=False)) for part in parts])

    @cached_property
    def _at_once(self):
        """How many clips the network is given at once, so that no layer has more values than MOST_VALUES of them."""
        return max(1, MOST_VALUES // max(1, audit.sizes_of(self.network)[1]))

    @cached_property
    def _before_head(self):
        return features_before(self.network, self.head.place)

    def log_odds(self, inputs, label, against=None):
        """log(p / (1 - p)) of a label, or log(p / q) of two classes: tensor (B,); of an ensemble its members' mean.

        Labels do not exclude each other: of two of them it is the difference of their log odds. inputs: what `feed`
        gives, a tensor where gradients are asked for.
        """
        import tensorflow as tf

        from actioncnn.model import head, layers

        seen = layers.look(self.network, self.network.layers[-1], inputs, head=self.head)
        members = self.head.log_odds(seen.members, seen.outputs)
        if against is not None:
            odds = [each[:, label] - each[:, against] for each in members]
        elif self.head.kind in (head.LABELS, head.NUMBER):
            odds = [each[:, label] for each in members]
        else:
            odds = [layers.margin(each, tf.fill([len(inputs)], label)) for each in members]
        return tf.add_n(odds) / len(odds)

    def find_layer(self, name):
        """(path, layer) of the layer `name`. layers.NoSuchUnitError: there is none."""
        from actioncnn.model import layers

        return layers.find_layer(self.network, name)

    def count_units(self, layer):
        from actioncnn.model import layers

        return layers.count_units(self.network, layer)

    def look(self, layer, clips, leak=None):
        """What the network shows of one of its layers for clips: layers.Seen. Use it inside a tf.function."""
        from actioncnn.model import layers

        return layers.look(self.network, layer, self.feed(clips), leak, self.head)

    def gives_classes(self, layer):
        """Whether the units of a layer are classes, with a probability each."""
        return bool(self.look(layer, np.zeros((1, *self.reading.shape), np.float32)).logits)

    def names_of(self, layer):
        """Names of the units of a layer that gives the classes of the head; None: it does not, or they have none."""
        seen = self.look(layer, np.zeros((1, *self.reading.shape), np.float32))
        return self.names if self.names and seen.of_head and seen.output.shape[-1] == len(self.names) else None


def list_layers(path):
    """Lines with names, types, output shapes and unit counts of the layers of the model in a file."""
    from actioncnn import device

    device.setup("float32")
    from actioncnn.model import layers

    return loading.outlined(path, layers.layer_table)
