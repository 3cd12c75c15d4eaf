"""The plot of a network, layer by layer, as Graphviz lays it out."""

import os
import shutil
import sysconfig


def draw_network(model):
    """PNG, as bytes, of the graph of a Keras model with shapes. FileNotFoundError: there is no Graphviz.

    Models within it are drawn with their layers, or, where there are many, as boxes one below the other.
    """
    from keras import Model
    from keras.utils import model_to_dot

    nested = sum(isinstance(layer, Model) for layer in model.layers)
    few = nested <= 3
    dot = model_to_dot(model, show_shapes=True, expand_nested=few, rankdir="TB" if few else "LR", dpi=100)
    return dot.create(prog=graphviz(), format="png")


def graphviz():
    """Graphviz from PyPI, which is beside Python even where no virtual environment is active, else a system's `dot`."""
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    program = shutil.which("graphviz-pure", path=places) or shutil.which("dot")
    if not program:
        raise FileNotFoundError("there is no Graphviz; pip install graphviz-pure")
    return program
