"""The plot of a network, layer by layer, as Graphviz lays it out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from actioncnn.errors import UserError, one_line

if TYPE_CHECKING:
    import keras

MOST_SECONDS = 120  # an ensemble of 20 networks takes 3
PYGRAPHVIZ = (  # in a process of its own: Graphviz is written in C, and a crash must not end a training
    "import sys; from pygraphviz import AGraph;"
    "sys.stdout.buffer.write(AGraph(sys.stdin.read()).draw(prog='dot', format='png'))"
)


def draw_network(model: keras.Model) -> bytes:
    """PNG, as bytes, of the graph of a Keras model with shapes. UserError: Graphviz can't draw it, or is missing.

    Models within it are drawn with their layers, or, where there are many, as boxes one below the other.
    """
    from keras import Model
    from keras.utils import model_to_dot

    nested = sum(isinstance(layer, Model) for layer in model.layers)
    few = nested <= 3
    dot = model_to_dot(model, show_shapes=True, expand_nested=few, rankdir="TB" if few else "LR", dpi=100)
    return draw_graph(dot.to_string())


def draw_graph(text: str) -> bytes:
    """PNG, as bytes, of a graph in Graphviz's language, by the system's `dot` or else by that of pygraphviz."""
    program = shutil.which("dot")
    command = [program, "-Tpng"] if program else [sys.executable, "-P", "-c", PYGRAPHVIZ]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=MOST_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"Graphviz failed: {one_line(error)}") from None
    if b"No module named 'pygraphviz'" in done.stderr:
        raise UserError("there is no Graphviz: pip install pygraphviz, or install your system's graphviz")
    if done.returncode or not done.stdout:
        reason = " ".join(done.stderr.decode(errors="replace").split())[:200] or f"exit code {done.returncode}"
        raise UserError(f"Graphviz failed: {reason}")
    return done.stdout
