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
from actioncnn.model.reading import input_shape

SOFTMAX = keras.activations.softmax
RELU = keras.activations.relu
SATURATING = (SOFTMAX, keras.activations.sigmoid, keras.activations.tanh, keras.activations.hard_sigmoid)


class NoSuchUnitError(UserError):
    """The model has no such layer or unit; a usage error."""


class Seen(NamedTuple):
    """What a call of the model showed of one layer."""

    output: tf.Tensor  # (B, ..., K)
    before: tf.Tensor  # the same before the layer's activation function, or `output` where it has none
    logits: list  # of (B, K), where the layer gives the classes' probabilities: one, or of an average one a member
    saturates: bool  # whether that function stops passing gradients where it is far from 0


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


def unit_count(model, layer):
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


def look(model, layer, clips, leak=None):
    """Calls the model on clips (B, H, W[, T], C) as in prediction -> Seen of `layer`. Use it inside a tf.function.

    leak: share of the gradient that passes a ReLU which is off, so that dead units come to life (the "redirected ReLU
    gradient" of lucid, Olah 2017), None: nothing; the values stay those of the model.
    """
    notes = Notes()
    with contextlib.ExitStack() as stack:
        for each in leaves(model):
            stack.enter_context(_watched(each, each is layer, leak, notes))
        stack.enter_context(_noted(layer, notes))
        prediction = model([clips] * len(model.inputs) if len(model.inputs) > 1 else clips, training=False)
    output = clips if notes.output is None else notes.output  # an input layer is never called
    before = output if notes.before is None else notes.before
    return Seen(output, before, notes.logits_of(output, prediction), notes.saturates)


def gives_classes(model, layer):
    """Whether the units of a layer are classes, with a probability each."""
    return bool(look(model, layer, tf.zeros((1, *input_shape(model)))).logits)


def leaves(model):
    return list({id(each): each for each in tree(model).values() if not isinstance(each, keras.Model)}.values())


class Notes:
    """What passes by while the model is called."""

    def __init__(self):
        self.output = None  # of the layer that is looked at
        self.before = None  # what its activation function is given, where it has one
        self.saturates = False  # whether that function is one that stops gradients
        self.own_softmax = False  # whether it is a softmax
        self.softmax_inputs = []  # of all layers

    def logits_of(self, output, prediction):
        """Inputs of the softmax that makes the layer's output: its own, or those merged into the prediction."""
        if len(output.shape) != 2:
            return []
        if self.own_softmax:
            return [self.before]
        given = any(output is each for each in keras.tree.flatten(prediction))
        return [each for each in self.softmax_inputs if given and each.shape == output.shape]


@contextlib.contextmanager
def _noted(layer, notes):
    call = layer.call

    def noted(*args, **kwargs):
        notes.output = call(*args, **kwargs)
        return notes.output

    with _replaced(layer, "call", noted):
        yield


@contextlib.contextmanager
def _watched(layer, is_target, leak, notes):
    """The layer with its activation function noted in `notes`, a ReLU with a leaking gradient."""
    attribute, function = _activation(layer)
    if not attribute:
        yield
        return
    softmax = function is SOFTMAX or isinstance(layer, keras.layers.Softmax)
    relu = function is RELU or _is_plain_relu(layer)

    def noted(x, *args, **kwargs):
        if softmax:
            notes.softmax_inputs.append(x)
        if is_target:
            notes.before, notes.own_softmax = x, softmax
            notes.saturates = softmax or function in SATURATING
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
