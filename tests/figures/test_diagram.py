"""The plot of a network."""

import os
import sys

import pytest
from pictures import read_picture

from actioncnn import errors
from actioncnn.figures import diagram
from actioncnn.runs import results


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("keras")


def small_model(keras, name):
    entry = keras.Input((8, 8, 1))
    layer = keras.layers.Conv2D(2, 3, name="conv2d_1")(entry)
    layer = keras.layers.Flatten(name="flatten_1")(layer)
    return keras.Model(entry, keras.layers.Dense(3, name="dense_1")(layer), name=name)


@pytest.mark.parametrize("members", [0, 2, 6])
def test_a_model_is_drawn_with_no_program_on_the_path(keras, tmp_path, monkeypatch, members):
    monkeypatch.setenv("PATH", "")
    model = small_model(keras, "model_1")
    if members:
        entry = keras.Input((8, 8, 1))
        outputs = [small_model(keras, f"model_{i}")(entry) for i in range(1, members + 1)]
        model = keras.Model(entry, keras.layers.Average(name="average_1")(outputs))
    results.plot_model(tmp_path, model)
    image = read_picture(tmp_path / "model.png", most=(2500, 2500))
    assert (image.shape[0] > 0.9 * image.shape[1]) == (members == 0)


def test_the_systems_graphviz_comes_first(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys; sys.stdout.write(sys.argv[1] + sys.stdin.read())")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert diagram.draw_graph("digraph {}") == b"-Tpngdigraph {}"
    program.write_text(f"#!{sys.executable}\nimport sys; sys.exit('no layout')")
    with pytest.raises(errors.UserError, match=": no layout$"):
        diagram.draw_graph("digraph {}")
    program.write_text(f"#!{sys.executable}\nimport sys; sys.exit(3)")
    with pytest.raises(errors.UserError, match="3$"):
        diagram.draw_graph("digraph {}")


def test_a_model_that_cannot_be_drawn_costs_one_line(keras, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(diagram.shutil, "which", lambda name: None)
    monkeypatch.setattr(diagram, "PYGRAPHVIZ", "import pygraphviz_is_missing")
    results.plot_model(tmp_path, small_model(keras, "m"))
    monkeypatch.setattr(diagram, "PYGRAPHVIZ", "raise ModuleNotFoundError(\"No module named 'pygraphviz'\")")
    results.plot_model(tmp_path, small_model(keras, "m"))
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2 and "pip install pygraphviz" in errors[1]
    results.plot_model(tmp_path, "no model")
    assert not os.listdir(tmp_path)
