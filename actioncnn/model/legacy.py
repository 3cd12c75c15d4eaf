"""Models of the Keras 1 and 2 era (2015-2023): their architecture as a Keras 3 config, their weights into a model.

Training settings of layers (initializers, regularizers, constraints) are dropped: they do not change what a model
predicts. What Keras 3 computes otherwise, or no longer has, is refused in one line rather than loaded wrongly.
"""

from actioncnn.errors import UserError
from actioncnn.model import hard_sigmoid
from actioncnn.model.audit import FUNCTIONAL

MODELS = ("Sequential", "Model", "Functional")
MERGES = {"sum": "Add", "ave": "Average", "mul": "Multiply", "max": "Maximum", "concat": "Concatenate"}
KEYS = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "bias": "use_bias",
    "p": "rate",
    "sigma": "stddev",
    "dim_ordering": "data_format",
    "inner_activation": "recurrent_activation",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
KEYS_OF_CLASS = {
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "Dense": {"output_dim": "units"},
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), {"output_dim": "units"}),
    "LeakyReLU": {"alpha": "negative_slope"},
    "Concatenate": {"concat_axis": "axis"},
}
KERNELS = (("kernel_dim1", "kernel_dim2", "kernel_dim3"), ("nb_row", "nb_col"))
DROPPED = {"init", "weights", "batch_input_shape", "input_dtype", "input_dim", "input_length", "mode", "mode_type"}
DROPPED |= {"layers", "arguments", "concat_axis", "dot_axes", "output_shape", "output_shape_type"}  # of Merge
DROPPED |= {"output_mask", "output_mask_type"}  # of Merge
DROPPED |= {"fused", "virtual_batch_size", "renorm", "implementation", "time_major", "sparse", "ragged"}
DROPPED |= {"inner_init", "forget_bias_init", "consume_less"}  # of LSTM and GRU
DROPPED |= {"query_shape", "key_shape", "value_shape", "softmax_robust_masking"}  # of attention
DROPPED |= {"rng_type"}  # of layers that vary pictures in training
RANDOM = ("Dropout", "Random", "Noise")  # parts of the names of layers that a prediction never calls as in training
FUNCTIONS = {  # of TensorFlow in a functional model of Keras 2 -> (operation of Keras 3, its module)
    **dict.fromkeys(("math.truediv", "math.divide", "__operators__.truediv"), ("TrueDivide", "numpy")),
    **dict.fromkeys(("math.multiply", "__operators__.mul"), ("Multiply", "numpy")),
    **dict.fromkeys(("math.subtract", "__operators__.sub"), ("Subtract", "numpy")),
    **dict.fromkeys(("math.add", "__operators__.add"), ("Add", "numpy")),
    **dict.fromkeys(("math.pow", "__operators__.pow"), ("Power", "numpy")),
    **dict.fromkeys(("math.negative", "__operators__.neg"), ("Negative", "numpy")),
    **dict.fromkeys(("math.sigmoid", "nn.sigmoid"), ("Sigmoid", "nn")),
    **dict.fromkeys(("math.tanh", "nn.tanh"), ("Tanh", "numpy")),
    **dict.fromkeys(("squeeze", "compat.v1.squeeze"), ("Squeeze", "numpy")),
    **dict.fromkeys(("transpose", "compat.v1.transpose"), ("Transpose", "numpy")),
    **{f"math.{name.lower()}": (name, "numpy") for name in ("Maximum", "Minimum", "Square", "Sqrt", "Exp", "Log")},
    **{f"math.reduce_{name.lower()}": (name, "numpy") for name in ("Mean", "Max", "Min", "Sum")},
    **{"math.abs": ("Absolute", "numpy"), "nn.relu": ("Relu", "nn"), "nn.relu6": ("Relu6", "nn")},
    **{"nn.softmax": ("Softmax", "nn"), "concat": ("Concatenate", "numpy"), "stack": ("Stack", "numpy")},
    **{"reshape": ("Reshape", "numpy"), "expand_dims": ("ExpandDims", "numpy"), "cast": ("Cast", "core")},
    "__operators__.getitem": ("GetItem", "numpy"),
}
PARAMETERS = {"axis": "axis", "keepdims": "keepdims", "shape": "newshape", "perm": "axes", "dtype": "dtype"}
TENSORS = ("x", "y", "b", "slice_spec")  # what TensorFlow calls further inputs, in their order
GATES = {4: (0, 2, 1, 3), 3: (0, 1, 2)}  # of LSTM (i, c, f, o in Keras 1) and GRU, as Keras 3 orders them
TRAINING = ("_initializer", "_regularizer", "_constraint")
REFUSED = {  # key, as Keras 3 calls it -> values that it computes otherwise, or not at all
    "data_format": ("th",),  # Keras 1 kept kernels in another order for it
    "mode": (1, 2, "dot", "cos"),  # 1, 2: Keras 1's BatchNormalization with the statistics of a sample or a batch
    "mode_type": ("lambda", "function"),
    "renorm": (True,),
    "time_major": (True,),
    "sparse": (True,),
    "ragged": (True,),
}


def is_config(config):
    """Whether the config of a model is Keras 1's or 2's: these called an input's shape `batch_input_shape`."""
    if isinstance(config, dict):
        return "batch_input_shape" in config or any(map(is_config, config.values()))
    return isinstance(config, list) and any(map(is_config, config))


def translate(config):
    """The config of a Keras 1 or 2 model -> that of a Keras 3 model; layer names are kept ("/" becomes "_").

    Raises UserError where the model cannot be translated.
    """
    return _model(config, "sequential_1" if config["class_name"] == "Sequential" else "model_1")


def _model(entry, name):
    config = entry["config"]
    if entry["class_name"] != "Sequential":
        return _functional(config.get("name", name), config["layers"], config["input_layers"], config["output_layers"])
    layers, name = (config, name) if isinstance(config, list) else (config["layers"], config.get("name", name))
    if layers[0]["class_name"] == "Merge":
        return _merged(name, layers)
    if layers[0]["class_name"] != "InputLayer":
        layers = [_input(f"{name}_input", entry), *layers]
    return _keras3("Sequential", {"name": name, "layers": [_layer(layer) for layer in hard_sigmoid.spread(layers)]})


def _functional(name, layers, inputs, outputs):
    layers = hard_sigmoid.spread(layers)
    inputs, outputs = map(_by_name, (inputs, outputs))
    new = {layer["name"]: _layer(layer) for layer in layers}
    models = {name: layer["class_name"] for name, layer in new.items() if layer["class_name"] in MODELS}
    for layer in layers:
        nodes = [_node(node, models, layer["class_name"]) for node in layer["inbound_nodes"]]
        new[layer["name"]] |= {"name": _name(layer["name"]), "inbound_nodes": nodes}
    # Call 0 of a nested model was its own definition. Keras 3 counts so only here, and only for Functional.
    outputs = [[_name(name), call - (models.get(name) == "Sequential"), tensor] for name, call, tensor in outputs]
    ends = {"input_layers": [[_name(name), *place] for name, *place in inputs], "output_layers": outputs}
    ends = {key: tensors[0] if len(tensors) == 1 else tensors for key, tensors in ends.items()}
    config = {"name": name, "layers": list(new.values()), **ends}
    return _keras3("Functional", config, FUNCTIONAL)


def _by_name(ends):
    """Inputs or outputs as a list; those of a dictionary by their names, the order in which Keras 2 kept layers."""
    return [ends[name] for name in sorted(ends)] if isinstance(ends, dict) else ends


def _node(node, models, kind):
    """One call of a layer: [[layer, call, tensor, keyword arguments], ...], its inputs; of an operation one alone."""
    alone = bool(node) and isinstance(node[0], str)
    inputs = [node] if alone else node
    keywords = {key: value for each in inputs for key, value in (each[3] if len(each) > 3 else {}).items()}
    if kind in LAMBDAS:
        further = [_argument(keywords[key], models) for key in TENSORS if keywords.get(key) is not None]
        first = [_argument(each, models) for each in inputs]
        return {"args": [*(first if alone else [first]), *further], "kwargs": {}}
    keywords = {key: value for key, value in keywords.items() if value not in (None, False)}
    if any(part in kind for part in RANDOM):
        keywords.pop("training", None)
    if not keywords:
        return [[_name(name), call - (name in models), tensor] for name, call, tensor, *_ in inputs]
    tensors = {key: _argument(value, models) for key, value in keywords.items()}
    first = [_argument(each, models) for each in inputs]
    return {"args": first if len(first) == 1 else [first], "kwargs": tensors}


def _argument(value, models):
    """What a layer or an operation is called with, as Keras 3 writes it: a tensor, a slice, a constant or a list."""
    if isinstance(value, list) and len(value) > 2 and value[0] == "_CONSTANT_VALUE":
        return value[2]
    if isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str):
        name, call, tensor = value[:3]
        history = [_name(name), call - (name in models), tensor]
        config = {"shape": [None], "dtype": "float32", "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, list):
        return [_argument(each, models) for each in value]
    if isinstance(value, dict):
        if value.keys() != {"start", "stop", "step"}:
            raise UserError("has an operation with an argument that cannot be carried over to Keras 3")
        return {"class_name": "__slice__", "config": value}
    return value


LAMBDAS = ("TFOpLambda", "SlicingOpLambda")  # Keras 2's layers that hold an operation of TensorFlow


def _operation(entry):
    """The operation of Keras 3 for one of TensorFlow. UserError: it is none of FUNCTIONS."""
    name, function = entry["config"]["name"], str(entry["config"].get("function"))
    if function not in FUNCTIONS:
        raise UserError(f"layer {name!r} is the TensorFlow operation {function!r}: refused, only simple ones are read")
    kind, module = FUNCTIONS[function]
    node = next(iter(entry["inbound_nodes"]), [])
    inputs = [node] if node and isinstance(node[0], str) else node
    given = {key: value for each in inputs for key, value in (each[3] if len(each) > 3 else {}).items()}
    config = {PARAMETERS[key]: value for key, value in given.items() if key in PARAMETERS and value is not None}
    new = _keras3(kind, config | {"name": _name(name)}, f"keras.src.ops.{module}")
    return new | {"registered_name": kind}


def _merged(name, layers):
    """A Keras 1 Sequential that begins with a Merge of models, as a functional model: one input for each."""
    branches = [f"sequential_{i}" for i in range(1, len(layers[0]["config"]["layers"]) + 1)]
    graph = []
    for branch, model in zip(branches, layers[0]["config"]["layers"], strict=True):
        graph.append(_input(f"{branch}_input", model))
        graph.append(model | {"name": branch, "inbound_nodes": [[[f"{branch}_input", 0, 0]]]})
    last = [[branch, 1, 0] for branch in branches]
    for layer in layers:
        graph.append(layer | {"name": layer["config"]["name"], "inbound_nodes": [last]})
        last = [[layer["config"]["name"], 0, 0]]
    return _functional(name, graph, [[f"{branch}_input", 0, 0] for branch in branches], last)


def _input(name, model):
    config = {"name": name, "batch_input_shape": _input_shape(model)}
    return {"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []}


def _input_shape(entry):
    config = entry["config"]
    if isinstance(config, list):
        return _input_shape(config[0])
    return config.get("batch_input_shape") or config.get("build_input_shape") or _input_shape(config["layers"][0])


def _layer(entry):
    config, kind = entry["config"], entry["class_name"]
    name = entry.get("name") or config["name"]
    if entry.get("registered_name") not in (None, kind):
        raise UserError(f"layer {name!r} is a custom {entry['registered_name']!r}: refused, only Keras's own are safe")
    if kind in MODELS:
        return _model(entry, name)
    if kind in LAMBDAS:
        return _operation(entry)
    if kind == "ThresholdedReLU":
        kind, config = "ReLU", {"name": name, "threshold": _value("theta", config["theta"])}
    if kind == "Merge":
        kind = MERGES.get(str(config["mode"]), kind)
    kind = kind.replace("Convolution", "Conv").removesuffix("V1").removesuffix("V2")
    return _keras3(kind, _config(kind, config) | {"name": _name(name)})


def _config(kind, old):
    new = {"reset_after": False} if kind == "GRU" else {}  # as long as the model does not say otherwise
    for key, value in old.items():
        key = (KEYS | KEYS_OF_CLASS.get(kind, {})).get(key, key)
        if value in REFUSED.get(key, ()):
            raise UserError(f"layer {old.get('name')!r} has {key} {value!r}, which cannot be carried over to Keras 3")
        if key in ("layer", "backward_layer", "cell") and isinstance(value, dict):
            new[key] = _layer(value)
        elif key == "cells":
            new[key] = [_layer(each) for each in value]
        elif (kind, key) == ("EinsumDense", "output_shape"):
            new[key] = value
        elif not (key in DROPPED or key.endswith(TRAINING) or _is_default(kind, key, value)):
            new[key] = _value(key, value)
    for kernel in KERNELS:
        if kernel[0] in new:
            new["kernel_size"] = [new.pop(key) for key in kernel]
    return new


def _is_default(kind, key, value):
    """Whether the layer does the same without this key, which it may no longer know."""
    return value is None or (key == "groups" and value == 1) or (key == "trainable" and "Dropout" in kind)


def _value(key, value):
    if key == "data_format" and value == "tf":
        return "channels_last"
    if key == "dtype" and isinstance(value, dict):  # a policy
        return value["config"]["name"]
    if key == "axis" and isinstance(value, list) and len(value) == 1:  # BatchNormalization of TensorFlow 1 and 2
        return value[0]
    if isinstance(value, dict) and "value" in value:  # a NumPy scalar
        return value["value"]
    return value


def _keras3(kind, config, module=None):
    module = module or ("keras" if kind == "Sequential" else "keras.layers")
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def _name(name):
    return name.replace("/", "_")


def leaves(model):
    """The layers of `model` and of the models nested in it, in order."""
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else (layer,)


def holds_weights(group):
    """Whether an h5py.Group holds weights as Keras 1 and 2 (and a full-model `.h5`) keep them."""
    return "layer_names" in group.attrs or "layer_names0" in group.attrs


def load_weights(model, group):
    """Sets the weights of a keras.Model from an h5py.Group: by the names of layers, by their order where these differ.

    Nested models may stand in the file as one entry each or layer by layer. Raises UserError where it does not fit.
    """
    if _text(group.attrs.get("backend", "tensorflow")) == "theano":
        raise UserError("weights of the Theano backend (its kernels are mirrored) cannot be loaded")
    layers = [(_name(name), group[name]) for name in _names(group, "layer_names")]
    check_named_once([layer[name] for _, layer in layers for name in _names(layer, "weight_names")])
    stored = {name: _arrays(layer) for name, layer in layers}
    stored = {name: arrays for name, arrays in stored.items() if arrays}
    for layers in (model.layers, leaves(model)):
        layers = [layer for layer in layers if layer.weights]
        if len(layers) == len(stored):
            break
    else:
        raise UserError(f"{len(stored)} layers have weights in the file, {len(layers)} in the architecture")
    by_name = {layer.name for layer in layers} == stored.keys()
    for layer, arrays in zip(layers, stored.values(), strict=True):
        _assign(layer, stored[layer.name] if by_name else arrays)


def check_named_once(arrays):
    """UserError: a layer, or two, name one array several times, which would be read as often."""
    import h5py

    places = {h5py.h5o.get_info(array.id).addr for array in arrays}
    if len(places) < len(arrays):
        raise UserError("names an array several times: refused")


def _assign(layer, arrays):
    weights = layer.trainable_weights + layer.non_trainable_weights  # the order that Keras 1 and 2 wrote
    arrays = join_gates(arrays, len(weights))
    expected, stored = [tuple(weight.shape) for weight in weights], [array.shape for array in arrays]
    if expected != stored:
        raise UserError(f"layer {layer.name!r} has the shapes {expected} in the architecture, {stored} in the weights")
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(array)
    if hasattr(layer, "finalize_state"):  # a Normalization keeps its statistics twice
        layer.finalize_state()


def join_gates(arrays, count):
    """The arrays of one layer for its `count` weights.

    Keras 1 wrote kernel, recurrent kernel and bias of each gate of an LSTM or GRU apart: these are joined. The arrays
    of other layers are returned as they are. Of a Bidirectional layer, one direction's arrays follow the other's.
    """
    import numpy as np

    gates = len(arrays) // max(count, 1)
    if gates not in GATES or len(arrays) != gates * count or count % 3:
        return arrays
    cells = [arrays[start : start + 3 * gates] for start in range(0, len(arrays), 3 * gates)]
    return [np.concatenate([cell[3 * gate + part] for gate in GATES[gates]], -1) for cell in cells for part in range(3)]


def _arrays(group):
    return [group[name][()] for name in _names(group, "weight_names")]


def _names(group, key):
    """An attribute that lists names; long lists are cut into key0, key1, ..."""
    parts = [key] if key in group.attrs else [f"{key}{i}" for i in range(len(group.attrs))]
    return [_text(name) for part in parts if part in group.attrs for name in group.attrs[part]]


def _text(name):
    return name.decode() if isinstance(name, bytes) else name
