"""What the layers of a loaded model tell of its input: its scale, its axis of time, its family."""

import math
import re

import keras
import numpy as np
from keras import layers

from actioncnn.model.head import MERGES
from actioncnn.model.legacy import leaves

SMALL = 0.1  # a Rescaling by less is of 0-255: one of 0-1 multiplies by 1 or 2
PASSIVE = frozenset(  # what may come before the layer that scales
    """
    InputLayer Identity Masking Permute Reshape Resizing CenterCrop Cropping2D Cropping3D ZeroPadding2D ZeroPadding3D
    RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom GaussianNoise
""".split()  # noqa: SIM905
)
SIDES = "kernel_size", "strides", "pool_size"  # of a layer, along the axes of its input
TURNS = {(3, 1, 2, 4): 3, (2, 3, 1, 4): 1}  # of a Permute: the axis that it moves past the others
NAME_OF_2017 = re.compile(r"ucf101_?(3d)?cnnmodel", re.IGNORECASE)
STACK_OF_2017 = re.compile("((CCP){2,3}DD)+")  # convolutions, poolings, dense layers; of an ensemble several
FILTERS_OF_2018 = [16, 32], [4, 8, 16]  # of the first convolutions, and of the three that branch off, in any order


def unwrapped(model):
    """The layers of a model in order, in place of a nested model or of one in a TimeDistributed its own."""
    for layer in leaves(model):
        inner = getattr(layer, "layer", layer)
        yield from unwrapped(inner) if isinstance(inner, keras.Model) else (inner,)


def at_entry(model):
    """The layers and operations of a model in order, as `unwrapped` has the layers."""
    for each in getattr(model, "operations", None) or model.layers:
        inner = getattr(each, "layer", each)
        yield from at_entry(inner) if isinstance(inner, keras.Model) else (inner,)


def own_scale(model):
    """The value of white, 255 or 1, if a layer or an operation (x / 255) at the entry scales the input, else None."""
    first = next((each for each in at_entry(model) if type(each).__name__ not in PASSIVE | {"Cast"}), None)
    kind = type(first).__name__
    if kind in ("TrueDivide", "Divide", "Multiply", "Subtract"):
        arguments = first._inbound_nodes[0].arguments.args
        numbers = [abs(each) for each in arguments if isinstance(each, int | float) and each]
        if not numbers:
            return None
        return 255.0 if (1 / numbers[0] if kind == "Multiply" else numbers[0]) > 1 / SMALL else 1.0
    if isinstance(first, layers.Rescaling):
        return 255.0 if np.max(np.abs(first.scale)) < SMALL else 1.0
    if isinstance(first, layers.Normalization):
        mean, deviation = _statistics(first)
        if math.isclose(deviation, 255, rel_tol=0.01):  # it divides by 255
            return 255.0
        if mean > 0:
            return 1.0 if mean <= 1 else 255.0
    return None


def normalization(model):
    """(mean, deviation), over the channels, of a Normalization at the entry of a model; None where it has none."""
    first = next((layer for layer in unwrapped(model) if type(layer).__name__ not in PASSIVE), None)
    return _statistics(first) if isinstance(first, layers.Normalization) else None


def _statistics(layer):
    mean, variance = (
        (layer.mean, layer.variance) if layer.mean is not None else (layer.adapt_mean, layer.adapt_variance)
    )
    return float(np.max(mean)), float(np.sqrt(np.mean(variance)))


def time_axis(model):
    """The axis of a 5D input that the layers take for time, 1 the first behind the batch; None where they don't tell.

    TimeDistributed and ConvLSTM2D take the first axis for time, and so does a recurrent layer behind a Reshape that
    keeps this axis; a Permute that turns all three moves time.
    """
    stack = list(leaves(model))
    for place, layer in enumerate(stack):
        if isinstance(layer, layers.TimeDistributed) or isinstance(_forward(layer), layers.ConvLSTM2D):
            return 1
        if isinstance(layer, layers.Permute):
            return TURNS.get(tuple(layer.dims))
        if isinstance(layer, layers.Reshape):
            return 1 if _keeps_first(layer) and any(map(_runs_along, stack[place + 1 :])) else None
        if isinstance(layer, layers.Flatten):
            return None
    return None


def odd_axis(model):
    """1 or 3, the axis of a 5D input that kernels, strides or poolings treat otherwise than the other two; else None.

    It is likely time: (1, 2, 2) pools each frame by itself.
    """
    odd = set()
    for layer in leaves(model):
        if isinstance(layer, layers.Permute | layers.Reshape | layers.Flatten):
            break
        odd |= {_odd_one(getattr(layer, name, None)) for name in SIDES} - {None}
    return odd.pop() if len(odd) == 1 else None


def _odd_one(sides):
    """1 or 3 where the first or the last of three numbers differs from the other two, which are equal; else None."""
    if not isinstance(sides, tuple) or len(sides) != 3 or sides[0] == sides[2]:
        return None
    return 1 if sides[1] == sides[2] else 3 if sides[0] == sides[1] else None


def _keeps_first(reshape):
    """Whether a Reshape of clips (B, a, b, c, d) gives (B, a, rest)."""
    before, after = reshape.input.shape, reshape.output.shape
    return len(before) == 5 and len(after) == 3 and before[1] == after[1]


def _runs_along(layer):
    """Whether a layer runs along the first axis behind the batch of (B, steps, features)."""
    return isinstance(_forward(layer), layers.RNN | layers.Conv1D | layers.MultiHeadAttention)


def is_ensemble(model):
    """Whether a model's outputs are averages, or other merges, of members of which each has one of its inputs."""
    return all(map(_merges_members, model.outputs))


def _merges_members(tensor):
    while True:
        layer, node, _ = tensor._keras_history
        parts = layer._inbound_nodes[node].input_tensors
        if isinstance(layer, keras.Model) or layer.weights or not parts:
            return False
        if len(parts) > 1:
            return type(layer).__name__ in MERGES and all(len(_inputs_behind(part, {})) == 1 for part in parts)
        tensor = parts[0]


def _inputs_behind(tensor, known):
    """The names of the inputs that a symbolic tensor follows from; known: {id of a tensor: these}."""
    if id(tensor) not in known:
        layer, node, _ = tensor._keras_history
        parts = layer._inbound_nodes[node].input_tensors
        known[id(tensor)] = set().union(*(_inputs_behind(part, known) for part in parts)) if parts else {layer.name}
    return known[id(tensor)]


def _forward(layer):
    return getattr(layer, "forward_layer", layer)  # of a Bidirectional


def is_of_2017(model, shape, names):
    """Whether a model is of the family of 2017, which took raw 0-255, and colour clips with their axes mixed up.

    shape: its clip (H, W, T, C) or frame (H, W, C). names: of its files. Sources: kcct-fujimotolab/3DCNN and its
    descendant dipakkr/3d-cnn-action-recognition (2018).
    """
    if shape[0] != shape[1] or shape[-1] not in (1, 3):
        return False
    return any(map(NAME_OF_2017.search, names)) or (_stack_3d(model) if len(shape) == 4 else _stack_2d(model, shape))


def _stack_3d(model):
    stack = list(unwrapped(model))
    convolutions = [layer for layer in stack if isinstance(layer, layers.Conv3D)]
    filters = [layer.filters for layer in convolutions]
    if (filters[:2], sorted(filters[2:5])) == FILTERS_OF_2018:
        return convolutions[0].kernel_size == (3, 3, 3)
    windows = [layer.pool_size for layer in stack if isinstance(layer, layers.MaxPooling3D)]
    windows += [layer.kernel_size for layer in convolutions]
    return bool(STACK_OF_2017.fullmatch(_letters(stack))) and set(windows) == {(3, 3, 3)}


def _stack_2d(model, shape):
    """Gray, since in colour it is the stack of Keras's own example for CIFAR-10, which takes 0-1."""
    stack = list(unwrapped(model))
    sizes = [layer.filters for layer in stack if isinstance(layer, layers.Conv2D)]
    sizes += [layer.units for layer in stack if isinstance(layer, layers.Dense)][:1]
    return shape[-1] == 1 and _letters(stack) == "CCPCCPDD" and sizes == [32, 32, 64, 64, 512]


def _letters(stack):
    letters = {"Conv3D": "C", "Conv2D": "C", "MaxPooling3D": "P", "MaxPooling2D": "P", "Dense": "D"}
    return "".join(letters.get(type(layer).__name__, "") for layer in stack)
