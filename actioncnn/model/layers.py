"""Layers and units of any classification model: found by name, computed for a clip.

A unit is one output of a dense layer, or one channel of a layer with more axes. Nothing is rebuilt: the model
itself is called and what passes through the layer is noted, so nested and branched models need no special case.
"""

import contextlib
import difflib
import re
from typing import NamedTuple

import keras
import tensorflow as tf

from actioncnn.errors import UserError, printable
from actioncnn.model.head import LOGITS, makers
from actioncnn.model.reading import input_shape

SOFTMAX = keras.activations.softmax
RELU = keras.activations.relu
SATURATING = (SOFTMAX, keras.activations.sigmoid, keras.activations.tanh, keras.activations.hard_sigmoid)


class NoSuchUnitError(UserError):
    """The model has no such layer or unit; a usage error."""


class Seen(NamedTuple):
    """What a call of the model showed of one layer, and of the head."""

    output: tf.Tensor  # (B, ..., K)
    before: tf.Tensor  # the same before the layer's activation function, or `output` where it has none
    logits: list  # of (B, K), where the layer gives the classes' probabilities: one, or of an average one a member
    saturates: bool  # whether that function stops passing gradients where it is far from 0
    outputs: object  # what the call of the model gives
    of_head: bool  # whether the layer's units are those of the head, which gives the classes
    members: list  # what the activation functions of the head's layers are given: one, or of an average one a member

    @property
    def probabilities(self):
        """Of the classes, (B, K), where the layer gives them."""
        raw = len(self.logits) == 1 and self.logits[0] is self.output
        return tf.nn.softmax(self.output) if raw else self.output


def tree(model, prefix=""):
    """{path: layer} of all layers; those of a nested model follow it as `branch/layer`."""
    paths = {}
    for layer in model.layers:
        paths[prefix + layer.name] = layer
        if isinstance(layer, keras.Model):
            paths |= tree(layer, f"{prefix}{layer.name}/")
    return paths


def find_layer(model, name):
    """(path, layer) of the layer `name`, a path or its unambiguous end. Raises NoSuchUnitError, with near matches."""
    paths, name = tree(model), name.strip().strip("'\"").strip()
    ends = [path for path in paths if path == name] or [path for path in paths if path.endswith(f"/{name}")]
    ends = ends or [path for path in paths if printable(path) == name]  # as the table shows it
    if len(ends) == 1:
        return ends[0], paths[ends[0]]
    near = ends or difflib.get_close_matches(name, paths, 5, 0.5)
    problem = "in several branches" if ends else "not in the model"
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise NoSuchUnitError(f"--name: layer {name!r} is {problem}; {hint}--layernames True lists all layers")


def layer_table(model):
    """Lines with names, types, output shapes and unit counts of all layers."""
    rows = [("name", "type", "output shape", "units")]
    for path, layer in tree(model).items():
        shape = output_shape(layer)
        rows.append((printable(path), type(layer).__name__, str(shape or "?"), str(shape[-1] if shape else "?")))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def output_shape(layer):
    """Shape of a layer's output without the batch, or None where Keras does not know it."""
    with contextlib.suppress(AttributeError, ValueError):
        output = layer.output[0] if isinstance(layer.output, list) else layer.output
        return tuple(output.shape[1:])


def count_units(model, layer):
    """Number of units of a layer."""
    shape = output_shape(layer) or look(model, layer, tf.zeros((1, *input_shape(model)))).output.shape
    return shape[-1]


def parse_units(text, count):
    """Units that `--index` names: `3`, `0,4,7`, `0-9`, `all` or a mixture -> sorted list. Raises NoSuchUnitError."""
    chosen = set()
    for part in text.replace(" ", "").split(","):
        span = re.fullmatch(r"(\d+)(?:-(\d+))?", part) or re.fullmatch(r"(?i)()(all)", part)
        if not span:
            raise NoSuchUnitError(f"--index {text}: give units from 0 to {count - 1} as 3, 0,4,7, 0-9 or all")
        first, last = (0, count - 1) if not span[1] else (int(span[1]), int(span[2] or span[1]))
        if not first <= last < count:
            raise NoSuchUnitError(f"--index {text}: the layer has the units 0 to {count - 1}")
        chosen |= set(range(first, last + 1))
    return sorted(chosen)


def look(model, layer, inputs, leak=None, head=None):
    """Calls a keras.Model as in prediction -> Seen of `layer`. Use it inside a tf.function.

    inputs: clips or frames as the model takes them, float32; each of its inputs is given the same. head: the head.Head
    whose classes count; None: only a layer with a softmax of its own gives classes. leak: share of the gradient that
    passes a ReLU which is off, so that dead units come to life (the "redirected ReLU gradient" of lucid, Olah 2017),
    None: nothing; the values stay those of the model.
    """
    notes = Notes()
    with contextlib.ExitStack() as stack:
        for each in leaves(model):
            stack.enter_context(_watched(each, leak, notes))
        stack.enter_context(_noted(layer, notes))
        outputs = model([inputs] * len(model.inputs) if len(model.inputs) > 1 else inputs, training=False)
    output = inputs if notes.output is None else notes.output  # an input layer is never called
    before = notes.given.get(id(layer), [output])[-1]
    last = unique(makers(model.outputs[head.place])) if head else []
    members = [each for maker in last for each in notes.given.get(id(maker), [])]
    of_head = head is not None and (
        output is keras.tree.flatten(outputs)[head.place] or any(layer is maker for maker in last)
    )
    if len(output.shape) != 2:
        logits = []
    elif is_softmax(layer):
        logits = [before]
    elif of_head and head.kind == LOGITS:
        logits = [output]
    elif of_head and all(map(is_softmax, last)):  # the average of members, or what follows the softmax
        logits = [each for each in members if each.shape == output.shape]
    else:
        logits = []
    saturates = is_softmax(layer) or _activation(layer)[1] in SATURATING
    return Seen(output, before, logits, saturates, outputs, of_head, members)


def leaves(model):
    return [layer for layer in unique(tree(model).values()) if not isinstance(layer, keras.Model)]


def unique(layers):
    return list({id(layer): layer for layer in layers}.values())


def is_softmax(layer):
    return isinstance(layer, keras.layers.Softmax) or getattr(layer, "activation", None) is SOFTMAX


def margin(logits, labels):
    """Logit of a class less the log of the summed exponentials of the others, log(p / (1 - p)): (B, K) -> (B,).

    labels: int (B,).
    """
    others = tf.one_hot(labels, logits.shape[-1], on_value=-float("inf"), off_value=0.0)
    return tf.gather(logits, labels, axis=-1, batch_dims=1) - tf.reduce_logsumexp(logits + others, axis=1)


class Notes:
    """What passes by while the model is called."""

    def __init__(self):
        self.output = None  # of the layer that is looked at
        self.given = {}  # {id of a layer: what its activation function is given, call by call}


@contextlib.contextmanager
def _noted(layer, notes):
    call = layer.call

    def noted(*args, **kwargs):
        notes.output = call(*args, **kwargs)
        return notes.output

    with _replaced(layer, "call", noted):
        yield


@contextlib.contextmanager
def _watched(layer, leak, notes):
    """The layer with what its activation function is given noted in `notes`, a ReLU with a leaking gradient."""
    attribute, function = _activation(layer)
    if not attribute:
        yield
        return
    relu = function is RELU or _is_plain_relu(layer)

    def noted(x, *args, **kwargs):
        notes.given.setdefault(id(layer), []).append(x)
        return leaky(x, leak) if relu and leak is not None else function(x, *args, **kwargs)

    with _replaced(layer, attribute, noted):
        yield


def _activation(layer):
    """(name, function) of the attribute by which a layer applies its activation function, (None, None) without one."""
    if isinstance(layer, keras.layers.Softmax | keras.layers.ReLU):
        return "call", layer.call
    return ("activation", layer.activation) if "activation" in vars(layer) else (None, None)


def _is_plain_relu(layer):
    if not isinstance(layer, keras.layers.ReLU):
        return False
    return not layer.negative_slope and not layer.threshold and layer.max_value is None


@contextlib.contextmanager
def _replaced(layer, attribute, value):
    kept = vars(layer).get(attribute)
    setattr(layer, attribute, value)
    try:
        yield
    finally:
        if kept is None:
            delattr(layer, attribute)
        else:
            setattr(layer, attribute, kept)


def leaky(x, leak):
    """ReLU of x (B, ..., K) that passes `leak` of the gradient where it is off, less far from the channel's top.

    So an edge detector that sees no edge strong enough climbs where it is nearest to one, not everywhere at once.
    """

    @tf.custom_gradient
    def relu(x):
        y = tf.nn.relu(x)

        def gradient(dy):
            axes = list(range(1, len(x.shape) - 1))
            mean, variance = tf.nn.moments(x, axes, keepdims=True)
            near = tf.exp((x - tf.reduce_max(x, axes, keepdims=True)) / (tf.sqrt(variance) + 1e-12))
            return tf.where(y > 0, dy, leak * near * dy)

        return y, gradient

    return relu(x)
