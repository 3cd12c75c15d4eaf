"""A config of Keras 3, vetted by audit.py -> a model, or its outline, which takes no memory."""

import functools
import re
from concurrent.futures import ThreadPoolExecutor

from actioncnn.model import audit

HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")  # dtypes and policies of 16 bits
SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*")  # names that TensorFlow takes for the parts of a graph


def build_network(architecture):
    """An uncompiled keras.Model of a vetted config of Keras 3."""
    import keras

    class AtOnce:
        """Sequential models built when they have all layers: Keras builds them anew with each one that it adds."""

        @staticmethod
        def from_config(config, custom_objects=None):
            deserialize = keras.saving.deserialize_keras_object
            steps = [deserialize(layer, custom_objects=custom_objects) for layer in map(_placed, config["layers"])]
            model = keras.Sequential(steps, name=config.get("name"), trainable=config.get("trainable", True))
            if not model.built and config.get("build_input_shape"):
                model.build(config["build_input_shape"])
            return model

    config = _registered(_in_float32(architecture))
    model = keras.saving.deserialize_keras_object(config, custom_objects={"Sequential": AtOnce}, safe_mode=True)
    for layer in model._flatten_layers():
        if not SCOPE.fullmatch(layer.name):  # a layer may have any name; TensorFlow's part of a graph may not
            plain = "layer." + re.sub(r"[^A-Za-z0-9_.>-]", "_", layer.name)
            layer._open_name_scope = functools.partial(keras.name_scope, plain, caller=layer)
    return model


def _placed(layer):
    """A layer's config with the module, which full-model `.h5` files leave out."""
    modules = {"Functional": audit.FUNCTIONAL, "Model": audit.FUNCTIONAL, "Sequential": "keras"}
    return {"module": modules.get(layer["class_name"], "keras.layers")} | layer


def _registered(node):
    """A copy of a config in which Sequential is a name that custom_objects may give another class."""
    if isinstance(node, list):
        return [_registered(item) for item in node]
    if not isinstance(node, dict):
        return node
    known = {"registered_name": "Sequential"} if node.get("class_name") == "Sequential" else {}
    return {key: _registered(value) for key, value in node.items()} | known


def _in_float32(node):
    """A copy of a config without 16-bit types: a CPU is slow with them, and gradients and exports lose precision."""
    if isinstance(node, list):
        return [_in_float32(item) for item in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("class_name")).endswith("DTypePolicy") and node["config"].get("name") in HALF:
        return "float32"
    return {key: "float32" if key == "dtype" and value in HALF else _in_float32(value) for key, value in node.items()}


def in_outline(architecture, function):
    """function(model), built without memory for its parameters; in a thread, since Keras's state of it ends with it."""
    import keras

    def call():
        with keras.StatelessScope(initialize_variables=False):
            return function(build_network(architecture))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
