"""A saved model as a classifier of videos: what it wants to see of a video, and the names of what it says.

`find_model` needs no Keras, so that videos can be decoded while Keras is being imported; `Classifier` loads the model.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actioncnn.cli import warn
from actioncnn.errors import UserError
from actioncnn.model import head, loading
from actioncnn.model.reading import Asked, naming, note, read
from actioncnn.runs.classes import class_names
from actioncnn.runs.find import find
from actioncnn.video.sampling import Sampling


class ModelFiles(NamedTuple):
    """Where a model is, and what args.json says of it: None where there is none of its own."""

    model: Path
    weights: Path
    sampling: Sampling | None
    classes: Path | None  # --classes
    asked: Asked = Asked()  # XX
    record: object = None  # --range, --axes, --scrambled, --output-layer


def find_model(run=None, model=None, weights=None, classes=None, asked=Asked()):  # noqa: B008 - immutable
    """ModelFiles of the model in the directory `run`, or of `model`, whose weights by default lie beside it.

    UserError: a file is missing, or `run` does not say which of several models it is.
    """
    model, weights, record = find(run, model, weights)
    if classes and not classes.is_file():
        raise UserError(f"--classes: {classes}: no such file")
    sampling = record.sampling or sampling_told(weights)
    return ModelFiles(model, weights, sampling, classes, asked, record)


def sampling_told(weights):
    """The Sampling that a file of weights tells, else None."""
    with contextlib.suppress(TypeError):
        return Sampling(**loading.told(weights, "sampling"))


class Classifier:
    """The model of some ModelFiles: probabilities of clips. What it has to assume, it says."""

    def __init__(self, files, features=False):
        """features: whether the method of this name will be asked for."""
        from actioncnn import device

        jit_compile = device.setup("float32").jit_compile
        self.model = loading.load_model(files.model, files.weights)
        self.model.compile(jit_compile=jit_compile)
        with naming(files.model):
            self.reading = reading_of(self.model, files)
            self.head = head.find(self.model, files.asked.output)
            self.sampling = self.reads = sampling_of(self.reading, files)  # reads: the frames that it is called with
        self.of_run = files.sampling is not None
        say_assumed(self.reading.assumed | self.head.assumed, self.sampling, files)
        self.classes = classes_of(self.head.count, files)
        self.before_head = head.features(self.model, self.head.place) if features else None

    @property
    def assumed(self):
        """What the model is taken to take and to say, a dict for JSON; None where that is known."""
        if self.of_run and not self.reading.assumed and not self.head.assumed:
            return None
        return self.reading.as_dict() | self.head.as_dict()

    def __call__(self, clips):
        """uint8 clips as Sampling.pick gives them -> probabilities, float32 (B, classes)."""
        outputs = self.model.predict_on_batch(self.feed(clips))
        return np.asarray(self.head.probabilities(outputs))

    def features(self, clips):
        """uint8 clips -> what the last layer with weights is given, float32 (B, units); None where not asked for."""
        return self.before_head and np.asarray(self.before_head(self.feed(clips), training=False))

    def feed(self, clips):
        """What the model is called with for uint8 clips: each of its inputs is given the same."""
        fed = np.asarray(self.reading.feed(np.asarray(clips, np.float32)))
        return [fed] * len(self.model.inputs) if len(self.model.inputs) > 1 else fed


class Views(Classifier):
    """The mean of what a model says of several views of a video, which are clips of it with other frames."""

    def __init__(self, files, count):
        super().__init__(files)
        self.count, self.reads = count, self.sampling.viewed(count)

    def __call__(self, clips):
        """uint8 clips of the frames of all views -> probabilities, float32 (B, classes)."""
        answers = [super(Views, self).__call__(view) for view in self.sampling.views(clips, self.count)]
        return np.mean(answers, axis=0)


def load_classifier(files, views=1, features=False):
    """The Classifier of ModelFiles, of more than one view Views."""
    return Views(files, views) if views > 1 else Classifier(files, features)


def reading_of(model, files):
    """The reading.Reading of a loaded model; a run's args.json tells of this suite's."""
    asked = files.asked
    if files.sampling and asked.scrambled is None:
        asked = asked._replace(scrambled=files.sampling.scrambled)
    return read(model, (files.model.name, files.weights.name), asked, ours=files.sampling is not None)


def sampling_of(reading, files):
    """The Sampling in the files, if it fits the model's input, else that of the input's shape."""
    height, width, *depth, channels = reading.shape
    if channels not in (1, 3):
        raise UserError(f"its input {reading.shape} has {channels} channels; gray or RGB frames have 1 or 3")
    size = height if height == width else (height, width)
    needed = Sampling(size, depth[0] if depth else 0, channels == 3, scrambled=reading.scrambled)
    if files.sampling and files.sampling[:3] != needed[:3]:
        raise UserError(f"is not the model that {files.model.parent / 'args.json'} describes; move that away")
    return files.sampling or needed


def say_assumed(assumed, sampling, files):
    others = []
    if not files.sampling:
        frames = f"{sampling.depth} frames at even intervals" if sampling.depth else "the middle frame"
        others = [frames, f"{sampling.width}x{sampling.height} pixels, {'RGB' if sampling.color else 'gray'}"]
    if line := note(files.model, assumed, *others):
        warn(f"note: {'' if files.sampling else 'no args.json for '}{line}")


def classes_of(count, files):
    """Names of the classes in label order."""
    names = class_names(files.model, count, files.classes, loading.told_classes(files.weights))
    if names is None:
        warn(f"note: no names for the classes of {files.model}: give them with --classes FILE")
    return names or [f"class {label}" for label in range(count)]
