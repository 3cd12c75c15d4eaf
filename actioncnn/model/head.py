"""Interpret a model's output: which head, probabilities or logits, and the features before it."""

from typing import NamedTuple

from actioncnn.errors import UserError

PROBABILITIES, LOGITS, LABELS = "probabilities", "logits", "labels"
ONE_SIGMOID, ONE_LOGIT = "one sigmoid", "one logit"
NUMBER = "number"  # of a regression
MEANINGS = {  # of the numbers of each kind, for the programs of others
    PROBABILITIES: "probabilities of the classes",
    LOGITS: "logits of the classes; their softmax is the probabilities",
    LABELS: "probabilities of the labels, each by itself",
    ONE_SIGMOID: "probability p of the second class; that of the first is 1 - p",
    ONE_LOGIT: "logit x of the second class; its probability is p = 1 / (1 + exp(-x)), that of the first is 1 - p",
    NUMBER: "a number, as of a regression; no class",
}
SAID = {  # what is assumed of a kind
    LOGITS: "its output to be logits, brought to probabilities by a softmax",
    LABELS: "its sigmoid outputs to be labels, each with its own probability",
    ONE_SIGMOID: "its one sigmoid output to be the probability of the second of two classes",
    ONE_LOGIT: "its one output to be the logit of the second of two classes",
    NUMBER: "its one output to be a number and no class (two names in --classes FILE make it the logit of the second)",
}
MERGES = ("Average", "Maximum", "Minimum", "Concatenate")  # of probabilities they give such, or nearly


class Head(NamedTuple):
    """The output of a model that is used."""

    name: str  # of its layer
    place: int  # among the model's outputs
    kind: str  # PROBABILITIES, LOGITS, ...
    count: int  # type: ignore[assignment] # classes, or labels; 1 of a NUMBER (hides the method of tuples)
    assumed: dict  # {what: in words}

    @property
    def gives_probabilities(self):
        """Whether the output is probabilities as it is."""
        return self.kind not in (LOGITS, ONE_LOGIT)

    def as_dict(self):
        """For JSON."""
        return {"output": self.name, "taken_for": self.kind}

    def probabilities(self, outputs):
        """What a call of the model gives, arrays or tensors -> probabilities (B, count); of a NUMBER itself."""
        from keras import ops, tree

        values = tree.flatten(outputs)[self.place]
        values = ops.reshape(values, (-1, values.shape[-1])) if len(values.shape) > 2 else values
        if self.kind == LOGITS:
            return ops.softmax(values)
        if self.kind in (ONE_SIGMOID, ONE_LOGIT):
            second = values if self.kind == ONE_SIGMOID else ops.sigmoid(values)
            return ops.concatenate([1 - second, second], -1)
        return values

    def log_odds(self, members, outputs):
        """A list of (B, count), one for each member of an ensemble: the logits of classes, the log odds of labels.

        Of a NUMBER itself.

        members: what the head's activation functions are given, of `layers.look`; outputs: what the call of the model
        gives. Where the members do not have the shape of the head, the probabilities are taken instead.
        """
        from keras import ops

        if self.kind == NUMBER:
            return [self.probabilities(outputs)]
        if self.kind in (ONE_SIGMOID, ONE_LOGIT):  # of two classes, the second one
            members = [ops.concatenate([ops.zeros_like(each), each], -1) for each in members if each.shape[-1] == 1]
        if members and all(len(each.shape) == 2 and each.shape[-1] == self.count for each in members):
            return members
        shares = ops.clip(self.probabilities(outputs), 1e-7, 1 - 1e-7)
        return [ops.log(shares) - ops.log(1 - shares) if self.kind == LABELS else ops.log(shares)]


def choose_head(model, name=None, known=None, two=False):
    """The Head of a keras.Model: its output `name`, else its only or first one.

    known: the kind of this output where the model's file tells it, which then is not assumed. two: whether there are
    names of two classes, so that a single number is a logit. UserError: the model has
    no such output, or this one is not a number for each class.
    """
    names = names_of(model)
    if name is not None and name not in names:
        raise UserError(f"--output-layer {name}: not an output of the model; it has {', '.join(names)}")
    place = names.index(name) if name is not None else 0
    shape = tuple(model.outputs[place].shape)
    if None in shape[1:] or len(shape) < 2 or set(shape[1:-1]) - {1}:
        hint = f"; --output-layer NAME takes another: {', '.join(names)}" if len(names) > 1 else ""
        raise UserError(f"its output {shape} is not one number for each class{hint}")
    kind = _kind(_activation(makers(model.outputs[place])[0]), shape[-1], two or known == ONE_LOGIT)
    assumed = {"output": f"output {names[place]!r} of {', '.join(names)}"} if len(names) > 1 and name is None else {}
    assumed |= {"kind": SAID[kind]} if kind in SAID and kind != known else {}
    return Head(names[place], place, kind, 1 if kind == NUMBER else max(shape[-1], 2), assumed)


def names_of(model):
    """Names of the layers that make a keras.Model's outputs."""
    return [output._keras_history.operation.name for output in model.outputs]


def _kind(activation, count, two):
    if activation == "softmax":
        if count == 1:
            raise UserError("its only output has a softmax, so it is always 1: such a model cannot tell anything")
        return PROBABILITIES
    if activation in ("sigmoid", "hard_sigmoid"):
        return LABELS if count > 1 else ONE_SIGMOID
    return LOGITS if count > 1 else ONE_LOGIT if two and activation == "linear" else NUMBER


def makers(tensor):
    """The layers that a symbolic output of a model comes from: its last one, of an average that of each member.

    Layers that only pass numbers on (BEHIND) do not count, unless they have an activation function of their own.
    """
    layer, inputs = made_by(tensor)
    if inputs is None:
        return makers(layer)
    passes = type(layer).__name__ in (*MERGES, *BEHIND) and _activation(layer) == "linear" and not layer.weights
    return [each for part in inputs for each in makers(part)] if passes and inputs else [layer]


def _activation(layer):
    """The name of the activation function of a layer, or of the one that a TimeDistributed repeats."""
    layer = getattr(layer, "layer", layer)
    function = getattr(layer, "activation", None)
    return "softmax" if type(layer).__name__ == "Softmax" else "linear" if function is None else function.__name__


BEHIND = (  # may follow the head's activation
    *("Activation", "Dropout", "Flatten", "Reshape", "Identity", "Masking", "Mean"),
    *(f"Global{kind}Pooling{sides}D" for kind in ("Average", "Max") for sides in (1, 2, 3)),
    *(f"AveragePooling{sides}D" for sides in (1, 2, 3)),
)


def made_by(tensor):
    """(layer, its input tensors) of a symbolic tensor; where a nested model made it, (that one's output, None)."""
    import keras

    layer, node, place = tensor._keras_history
    if isinstance(layer, keras.Model):
        return layer.outputs[place], None
    return layer, layer._inbound_nodes[node].input_tensors


def features_before(model, place):
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
