"""Models with their channels first, as configs with their channels last: frames of this suite have them there.

The model computes the same: the kernels of convolutions are alike in both orders, axes are renumbered, and before a
layer that is not known to work in either order a Permute brings the channels back to where its model has them.
"""

import re
from typing import NamedTuple

from actioncnn.errors import UserError

FIRST, LAST = "channels_first", "channels_last"
MODELS = ("Sequential", "Functional", "Model")
BY_VALUE = frozenset(  # they treat each value by itself, or those of several inputs at one place
    """
    Identity Dropout GaussianDropout GaussianNoise AlphaDropout Activation ReLU LeakyReLU ELU ActivityRegularization
    Add Average Maximum Minimum Multiply Subtract
""".split()  # noqa: SIM905
)
NUMBERS = "Rescaling", "TrueDivide", "Divide"  # by value where they are given numbers, not a number for each channel
ORDERS = "Permute", "Reshape"  # before the first layer with channels: the input has them elsewhere
WITH_AXIS = ("BatchNormalization", "Concatenate")
ALONG_LAST = ("softmax", "log_softmax", "glu")  # activation functions of several values at once


class Place(NamedTuple):
    """Where a model has the channels of a tensor that is turned here, so that they come last."""

    axis: int
    rank: int  # number of axes, the batch included

    def turned(self, shape):
        """A shape with the channels last."""
        return [*shape[: self.axis], *shape[self.axis + 1 :], shape[self.axis]]

    def moved(self, axis):
        """The number of an axis once the channels are last."""
        axis %= self.rank
        return self.rank - 1 if axis == self.axis else axis - (axis > self.axis)

    def forth(self):
        """The `dims` of a Permute that brings the channels to the end."""
        return self.turned(range(self.rank))[1:]

    def back(self):
        """The `dims` of a Permute that undoes it."""
        return [self.moved(axis) for axis in range(1, self.rank)]


def channels_last(architecture):
    """A config of a vetted Keras 3 model with its channels last; the same one where they are.

    UserError: the model cannot be turned.
    """
    if not _is_first(architecture):
        return architecture
    layers = architecture["config"]["layers"]
    first = next(place for place, layer in enumerate(layers) if _is_first(layer))
    if any(layer["class_name"] in ORDERS for layer in layers[:first]):
        return _model(architecture, None)
    has_frames = layers[first]["class_name"].startswith(("TimeDistributed", "ConvLSTM", "Bidirectional"))
    return _model(architecture, 2 if has_frames else 1)  # (B, time, channels, H, W), or (B, channels, ...)


def _is_first(node):
    if isinstance(node, dict):
        return node.get("data_format") == FIRST or any(map(_is_first, node.values()))
    return isinstance(node, list) and any(map(_is_first, node))


def _model(entry, axis):
    """The config of a model that takes its channels last and gives what it gave.

    axis: that of the channels in its inputs as its file has them; None: the inputs stay as they are.
    """
    config = entry["config"]
    sequential = entry["class_name"] == "Sequential"
    layers = [{key: value for key, value in layer.items() if key != "build_config"} for layer in config["layers"]]
    if sequential:  # as a graph, in which each layer follows from the one before
        names = [None, *(layer["config"]["name"] for layer in layers)]
        nodes = [[[[name, 0, 0]]] if name else [] for name in names]
        layers = [
            layer | {"name": layer["config"]["name"], "inbound_nodes": node}
            for layer, node in zip(layers, nodes, strict=False)
        ]
    places, new = {}, []
    for layer in layers:
        turned, place = _layer(layer, axis, places)
        new += turned
        places[layer["name"]] = place
    if sequential:
        if place:
            new += [_permute(f"{layer['name']}_back", place.back(), [layer["name"], 0, 0])]
        new = [{key: value for key, value in layer.items() if key != "inbound_nodes"} for layer in new]
        return entry | {"config": {key: value for key, value in config.items() if "build" not in key} | {"layers": new}}
    outputs = _replaced(config["output_layers"], lambda history: _brought_back(history, "output", places, new))
    return entry | {"config": config | {"layers": new, "output_layers": outputs}}


def _layer(layer, axis, places):
    """([the layer, behind such as it needs], the Place of its output or None where that is as its model has it)."""
    kind, config, name = layer["class_name"], layer["config"], layer["name"]
    if kind == "InputLayer":
        shape = config.get("batch_shape")
        if axis is None or len(shape) < 4:
            return [layer], None
        place = Place(axis, len(shape))
        return [layer | {"config": config | {"batch_shape": place.turned(shape)}}], place
    given = []
    _replaced(layer["inbound_nodes"], lambda history: given.append(places.get(history[0], name)) or history)
    if name in given:
        raise UserError(f"layer {name!r} of a model with channels_first is called before its inputs are made")
    if len(set(given)) == 1 and given[0] and (turned := _turned(layer, given[0])):
        return [turned[0]], turned[1]
    new = []
    nodes = _replaced(layer["inbound_nodes"], lambda history: _brought_back(history, name, places, new))
    layer = layer | {"inbound_nodes": nodes}
    if not _is_first(layer):
        return [*new, layer], None
    if kind in MODELS:
        return [*new, _model(layer, None)], None
    place = _needed(layer)
    forth = place and _permute(f"{name}_last", place.forth(), nodes)
    if not place or not (turned := _turned(layer | {"inbound_nodes": [[[forth["name"], 0, 0]]]}, place)):
        return [*new, layer], None
    return [*new, forth, turned[0]], turned[1]


def _needed(layer):
    """The Place of the channels in what a layer with channels_first takes; None where its class does not tell."""
    kind = layer["class_name"]
    if kind == "TimeDistributed":
        inner = _needed(layer["config"]["layer"])
        return inner and Place(inner.axis + 1, inner.rank + 1)
    if kind == "ConvLSTM2D":
        return Place(2, 5)
    digits = re.search(r"([123])D", kind)
    return digits and Place(1, int(digits[1]) + 2)


def _turned(layer, place):
    """(the layer for channels that come last, the Place of its output); None: it does not work so."""
    kind, config = layer["class_name"], layer["config"]
    if kind in MODELS:
        return _model(layer, place.axis), None
    if kind == "TimeDistributed":
        inner = place.axis > 1 and _turned(config["layer"], Place(place.axis - 1, place.rank - 1))
        if not inner:
            return None
        after = inner[1] and Place(inner[1].axis + 1, inner[1].rank + 1)
        wrapped = {key: value for key, value in inner[0].items() if key != "build_config"}
        return layer | {"config": config | {"layer": wrapped}}, after
    if kind == "ConvLSTM2D":
        after = place if config.get("return_sequences") else Place(1, 4)
        right, key = place == (2, 5), {"data_format": LAST}
    elif config.get("data_format") == FIRST:
        flat = kind == "Flatten" or (kind.startswith("Global") and not config.get("keepdims"))
        after = None if flat else place
        right, key = place.axis == 1, {"data_format": LAST}
    elif kind in WITH_AXIS and isinstance(config.get("axis"), int):
        after, right, key = place, True, {"axis": place.moved(config["axis"])}
    else:
        after, right, key = place, kind in BY_VALUE or kind in NUMBERS, {}
        right = right and not _has_row([config.get("scale"), config.get("offset"), layer["inbound_nodes"]])
    if config.get("activation") in ALONG_LAST:
        if key:
            raise UserError(f"layer {config['name']!r} with channels_first has a {config['activation']}; give another")
        return None
    return (layer | {"config": config | key}, after) if right else None


def _has_row(node):
    """Whether there is a list of numbers in a config, such as one for each channel."""
    if isinstance(node, dict):
        return any(map(_has_row, node.values()))
    if not isinstance(node, list) or not node:
        return False
    return all(isinstance(each, int | float) for each in node) or any(map(_has_row, node))


def _brought_back(history, name, places, new):
    """The history of a tensor as its model has it: that of a Permute, which `new` gets, where it is turned here."""
    if not places.get(history[0]):
        return history
    name = f"{name}_of_{history[0]}_{len(new)}"
    new.append(_permute(name, places[history[0]].back(), history))
    return [name, 0, 0, *history[3:]]


def _permute(name, dims, history):
    """A Permute layer of a config; it is called with a tensor's history, or as the nodes of another layer were."""
    nodes = [[[*history[:3]]]] if isinstance(history[0], str) else history
    layer = {"module": "keras.layers", "class_name": "Permute", "config": {"name": name, "dims": dims}}
    return layer | {"registered_name": None, "name": name, "inbound_nodes": nodes}


def _replaced(node, function):
    """A copy of inbound nodes or output layers, with function(history) for each [layer, call, tensor, ...] in them."""
    if isinstance(node, dict):
        return {key: _replaced(value, function) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    if len(node) > 2 and isinstance(node[0], str) and all(isinstance(place, int) for place in node[1:3]):
        return function(node)
    return [_replaced(each, function) for each in node]
