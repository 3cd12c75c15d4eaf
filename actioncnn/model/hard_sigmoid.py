"""The hard sigmoid of Keras 1 and 2, clip(x / 5 + 1/2, 0, 1), by means of that of Keras 3, clip(x / 6 + 1/2, 0, 1).

The one of x is the other of 1.2 x: so what a layer computes before it is stretched, by its weights where it has any.
It was the default of LSTM and GRU before Keras 2.3, of ConvLSTM2D always.
"""

from actioncnn.errors import UserError

STRETCH = 6 / 5
NAME = "hard_sigmoid"


def spread(layers):
    """The layers of an old model, in its config, with a Rescaling before each Activation that is a hard sigmoid."""
    new = []
    for layer in layers:
        if layer["class_name"] == "Activation" and layer["config"].get("activation") == NAME:
            name = f"{layer.get('name') or layer['config']['name']}_stretch"
            nodes = layer.get("inbound_nodes", [])
            config = {"name": name, "scale": STRETCH, "offset": 0.0}
            new.append({"class_name": "Rescaling", "name": name, "config": config, "inbound_nodes": nodes})
            layer = layer | {"inbound_nodes": [[[name, call, 0]] for call in range(len(nodes))]}
        new.append(layer)
    return new


def stretch(model):
    """Multiplies the weights of a translated model, once they are loaded, where a hard sigmoid follows.

    UserError: a layer has one that no weights come before.
    """
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            stretch(layer)
        elif isinstance(layer, keras.layers.Bidirectional):
            _stretch(layer.forward_layer)
            _stretch(layer.backward_layer)
        elif isinstance(layer, keras.layers.TimeDistributed):
            stretch(layer.layer) if isinstance(layer.layer, keras.Model) else _stretch(layer.layer)
        elif not isinstance(layer, keras.layers.Activation):  # `spread` has seen to it
            _stretch(layer)


def _stretch(layer):
    cell = getattr(layer, "cell", layer)
    if _name(cell, "activation") == NAME:
        parts = [getattr(cell, part, None) for part in ("kernel", "pointwise_kernel", "bias")]
        if cell is not layer or not any(part is not None for part in parts):
            raise UserError(f"layer {layer.name!r} has activation {NAME!r}, which cannot be carried over to Keras 3")
        _multiply(parts, [STRETCH])
    if (
        _name(cell, "recurrent_activation") == NAME
    ):  # of all gates but that of the candidate, c of i, f, c, o or h of z, r, h
        gates = [STRETCH, STRETCH, 1] if type(layer).__name__ == "GRU" else [STRETCH, STRETCH, 1, STRETCH]
        _multiply([cell.kernel, cell.recurrent_kernel, cell.bias], gates)


def _name(layer, attribute):
    return getattr(getattr(layer, attribute, None), "__name__", None)


def _multiply(weights, factors):
    """Multiplies equal parts of the last axis of each weight, or None, by a factor each."""
    import numpy as np

    for weight in weights:
        if weight is not None:
            weight.assign(weight.numpy() * np.repeat(factors, weight.shape[-1] // len(factors)).astype(np.float32))
