"""Fine-tuning: a network begins with the weights of a trained one, layer by layer, where the shapes fit."""

from difflib import SequenceMatcher
from functools import cached_property

from actioncnn.cli import count, say
from actioncnn.errors import UserError
from actioncnn.runs.classes import BESIDE, read_classes
from actioncnn.runs.find import find_files
from actioncnn.runs.tested import trained_on
from actioncnn.video.sampling import Sampling

SHAPE = ("size", "depth", "color")  # options of the training scripts that the shape of a model's input tells
KINDS = {False: "single frames", True: "clips"}  # by whether the network takes clips


class Start:
    """The model that --start names: the directory of a run, or a file of a model.

    Raises UserError, without Keras, where it is absent, lies in `output`, or says that it took other frames than
    `sampling`, a Sampling.
    """

    def __init__(self, path, sampling, output=None):
        self.path, self.sampling = path, sampling
        self.said = {}  # {number of an ensemble's member, else 0: the line that says what was copied}
        run, model = (path, None) if path.is_dir() else (None, path)
        self.model, self.weights, self.record = find_files(run, model, option="--start")
        folder = self.model.parent
        if output and folder.resolve() in (
            each.resolve() for each in (output, *output.glob("split_*"), *output.glob("fold*"))
        ):
            raise UserError(f"--start {path}: lies in --output, which this run replaces; give another --output")
        if self.record.sampling:
            self.check(self.record.sampling, (*SHAPE, "skip"))

    def check(self, trained, names):
        """UserError if the model takes other frames than `sampling`.

        trained: the model's Sampling. names: the options that are compared.
        """
        clips = trained.depth > 0
        if clips != (self.sampling.depth > 0):
            takes, other = KINDS[clips], KINDS[not clips]
            raise UserError(f"--start {self.path}: takes {takes}, this script {other}; give a model of {other}")
        wrong = [name for name in names if getattr(trained, name) != getattr(self.sampling, name)]
        if wrong:
            right, given = (
                " ".join(f"--{name} {getattr(sampling, name)}" for name in wrong)
                for sampling in (trained, self.sampling)
            )
            raise UserError(f"--start {self.path}: its model takes {right}, not {given}; give {right}")

    def notes_on(self, data):
        """A line, in a list, where the model was trained on some of the test clips of LabelledClips."""
        if not self.record:
            return [f"--start {self.path}: what it was trained on is not known; it may be clips that are tested here"]
        seen = trained_on(self.model.parent, self.record, [data.videos[row] for row in data.test])
        if seen is None:
            videos = self.record.options.get("videos")
            return [f"--start {self.path}: its videos are not in {videos}, so it may have been trained on test clips"]
        of_all = f"{seen} of {count(len(data.test), 'test clip')}"
        return [f"--start {self.path}: was trained on {of_all}, which inflates accuracy"] if seen else []

    @cached_property
    def classes(self):
        """The class names of the model; None if no file has them."""
        from actioncnn.model import loading

        path = self.model.parent / BESIDE
        return loading.read_facts(self.weights).get("classes") or (read_classes(path) if path.is_file() else None)

    @cached_property
    def members(self):
        """The layers of the network, or of each member of an ensemble: lists of (kind of the layer, its weights)."""
        from actioncnn.model.legacy import leaves
        from actioncnn.model.loading import load_model

        model = load_model(self.model, self.weights)
        shape = model.input_shape
        if not isinstance(shape, tuple) or len(shape) not in (4, 5) or shape[1] != shape[2]:
            raise UserError(f"--start {self.path}: its input {shape} is not (height, width, [frames,] colours)")
        self.check(Sampling(shape[1], shape[3] if len(shape) == 5 else 0, shape[-1] == 3), SHAPE)
        parts = [layer for layer in model.layers if layer.weights]
        ensemble = len(parts) > 1 and all(hasattr(layer, "layers") for layer in parts)
        of_each = ([layer for layer in leaves(part) if layer.weights] for part in (parts if ensemble else [model]))
        return [[(kind(layer), layer.get_weights()) for layer in layers] for layers in of_each]

    def begun(self, build, classes, member=0, freeze=False, quiet=False):
        """A function that builds the network of build(instead), copies weights into it and prints what was copied."""

        def begin(instead=None):
            model = build(instead=instead)
            self.said[member] = self.take(model, classes, member, freeze)
            if not quiet:
                say(f"start: {self.said[member]}")
            return model

        return begin

    def take(self, model, classes, member=0, freeze=False):
        """Copies the weights of all layers that fit into a network -> a line that says which were copied and which not.

        The last layer is copied only if the classes have the same names in the same order. If the model is an ensemble,
        its member number `member` is used, or the first ones again if it has fewer. freeze: layers that were copied are
        not trained, except for the last one.
        """
        old = self.members[member % len(self.members)]
        *body, head = layers = [layer for layer in model.layers if layer.weights]
        same = self.classes == list(classes)
        taken = fitting([kind(layer) for layer in (layers if same else body)], [shapes for shapes, _ in old])
        if not taken:
            remedy = "give one that this script trained"
            raise UserError(f"--start {self.path}: no layer has the shape of one of this network; {remedy}")
        for place, source in taken.items():
            layers[place].set_weights(old[source][1])
            layers[place].trainable = layers[place] is head or not freeze
        why = dict.fromkeys((layer.name for layer in body), "no such shape")
        why[head.name] = "other classes" if self.classes and not same else f"no {BESIDE}" if not same else "other shape"
        new = [f"{layer.name} ({why[layer.name]})" for place, layer in enumerate(layers) if place not in taken]
        line = f"{len(taken)} of {len(layers)} layers have the weights of {self.model}; new: {', '.join(new) or 'none'}"
        if freeze:
            trained = [layer.name for layer in layers if layer.trainable]
            line += f"; not trained: all layers except {', '.join(trained)}"
        return line


def kind(layer):
    """The type of a layer and the shapes of its weights: these must be equal for weights to be copied."""
    return type(layer).__name__, *(tuple(weight.shape) for weight in layer.weights)


def fitting(new, old):
    """{place in `new`: place in `old`} of the layers that match, in the same order; kinds of layers as in `kind`.

    The longest run of equal layers is matched first, then those before and after it.
    """
    blocks = SequenceMatcher(None, new, old, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
