"""What a model says: which of its outputs, what kind of numbers that gives, and what is behind it."""

from typing import NamedTuple

from actioncnn.errors import UserError

PROBABILITIES, LOGITS, LABELS = "probabilities", "logits", "labels"
ONE_SIGMOID, ONE_LOGIT = "one sigmoid", "one logit"
SAID = {  # what is said of a kind
    LOGITS: "its output to be logits, brought to probabilities by a softmax",
    LABELS: "its sigmoid outputs to be labels, each with its own probability",
    ONE_SIGMOID: "its one sigmoid output to be the probability of the second of two classes",
    ONE_LOGIT: "its one output to be the logit of the second of two classes",
}
MERGES = ("Average", "Maximum", "Minimum", "Concatenate")  # of probabilities they give such, or nearly


class Head(NamedTuple):
    """The output of a model that is used."""

    name: str  # of its layer
    place: int  # among the model's outputs
    kind: str  # PROBABILITIES, LOGITS, ...
    count: int  # classes, or labels
    assumed: dict  # {what: in words}

    def as_dict(self):
        """For JSON."""
        return {"output": self.name, "taken_for": self.kind}

    def probabilities(self, outputs):
        """What a call of the model gives, arrays or tensors -> probabilities (B, count)."""
        from keras import ops, tree

        values = tree.flatten(outputs)[self.place]
        values = ops.reshape(values, (-1, values.shape[-1])) if len(values.shape) > 2 else values
        if self.kind == LOGITS:
            return ops.softmax(values)
        if self.kind in (ONE_SIGMOID, ONE_LOGIT):
            second = values if self.kind == ONE_SIGMOID else ops.sigmoid(values)
            return ops.concatenate([1 - second, second], -1)
        return values


def find(model, name=None):
    """The Head of a keras.Model: its output `name`, else its only or first one.

    UserError: it has no such output, or this one is not a number for each class.
    """
    names = [output._keras_history.operation.name for output in model.outputs]
    if name is not None and name not in names:
        raise UserError(f"--output-layer {name}: not an output of the model; it has {', '.join(names)}")
    place = names.index(name) if name is not None else 0
    shape = tuple(model.outputs[place].shape)
    if None in shape[1:] or len(shape) < 2 or set(shape[1:-1]) - {1}:
        hint = f"; --output-layer NAME takes another: {', '.join(names)}" if len(names) > 1 else ""
        raise UserError(f"its output {shape} is not one number for each class{hint}")
    kind = _kind(ending(model.outputs[place]), shape[-1])
    assumed = {"output": f"output {names[place]!r} of {', '.join(names)}"} if len(names) > 1 and name is None else {}
    assumed |= {"kind": SAID[kind]} if kind in SAID else {}
    return Head(names[place], place, kind, max(shape[-1], 2), assumed)


def _kind(activation, count):
    if activation == "softmax":
        if count == 1:
            raise UserError("its only output has a softmax, so it is always 1: such a model cannot tell anything")
        return PROBABILITIES
    if activation in ("sigmoid", "hard_sigmoid"):
        return LABELS if count > 1 else ONE_SIGMOID
    return LOGITS if count > 1 else ONE_LOGIT


def ending(tensor):
    """The name of the activation function that a model's symbolic output comes from."""
    layer, inputs = made_by(tensor)
    if inputs is None:
        return ending(layer)
    kind = type(layer).__name__
    if kind == "Softmax":
        return "softmax"
    function = getattr(layer, "activation", None)
    if function is not None and function.__name__ != "linear":
        return function.__name__
    return "linear" if layer.weights or not inputs or kind not in (*MERGES, *BEHIND) else ending(inputs[0])


BEHIND = ("Activation", "Dropout", "Flatten", "Reshape", "Identity", "Masking")  # may follow the head's activation


def made_by(tensor):
    """(layer, its input tensors) of a symbolic tensor; where a nested model made it, (that one's output, None)."""
    import keras

    layer, node, place = tensor._keras_history
    if isinstance(layer, keras.Model):
        return layer.outputs[place], None
    return layer, layer._inbound_nodes[node].input_tensors


def features(model, place):
    """A keras.Model of the same inputs: what the last layer with weights before output `place` is given, (B, units)."""
    import keras

    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, _before(model.outputs[place]))


def _before(tensor):
    """The symbolic input of the last layer with weights, averaged over positions; of an ensemble's members together."""
    import keras

    layer, node, place = tensor._keras_history
    inputs = layer._inbound_nodes[node].input_tensors
    if isinstance(layer, keras.Model):
        return keras.Model(layer.inputs, _before(layer.outputs[place]))(inputs)
    if not inputs:
        raise UserError("--features: the model has no layer before its output")
    if layer.weights:
        axes = list(range(1, len(inputs[0].shape) - 1))
        return keras.ops.mean(inputs[0], axes) if axes else inputs[0]
    parts = [_before(each) for each in inputs]
    return keras.ops.concatenate(parts, -1) if len(parts) > 1 else parts[0]
