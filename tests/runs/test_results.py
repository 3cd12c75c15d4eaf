"""The files of a run: all of them, whatever the names and numbers."""

import os

import numpy as np
import pytest
from pictures import ODD, history, made_clips, read_picture

from actioncnn.figures import charts
from actioncnn.figures.text import BLUE, ORANGE
from actioncnn.runs import results


@pytest.fixture(autouse=True)
def warn_again():
    results.warn_once.cache_clear()


@pytest.mark.parametrize("epochs", [1, 2, 20, 300])
def test_curves_are_drawn_for_any_number_of_epochs(tmp_path, epochs):
    results.plot_curves(tmp_path, history(epochs), ("a.png", "l.png"))
    for name in ("a.png", "l.png"):
        image = read_picture(tmp_path / name, (800, 480), (800, 480))
        for color in (BLUE, ORANGE):
            bgr = [int(color[i : i + 2], 16) for i in (5, 3, 1)]
            assert (image[:, :640] == bgr).all(-1).any()  # the curve; its label is to the right
            assert (image[:, 650:] == bgr).all(-1).any()
    assert sorted(os.listdir(tmp_path)) == ["a.png", "l.png"]


def test_curves_with_values_missing(tmp_path, capsys):
    rows = history(5)
    rows[4] = {"epoch": 5, "loss": float("nan"), "acc": 0.5, "val_loss": float("inf"), "val_acc": None}
    results.plot_curves(tmp_path, rows)
    results.plot_curves(tmp_path, rows[4:])
    read_picture(tmp_path / "model_loss.png")
    assert not capsys.readouterr().err


@pytest.mark.parametrize("nclass", [1, 2, 10, pytest.param(101, marks=pytest.mark.slow)])
def test_class_pictures_are_drawn_for_any_number_of_classes(tmp_path, nclass):
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 4, (nclass, nclass)) + 20 * np.eye(nclass, dtype=int)
    matrix[1:2] = 0 if nclass > 2 else matrix[1:2]  # a class without test clips
    classes = [f"ClassNumber{i}" for i in range(nclass)]
    for name, draw in (("confusion_matrix", charts.confusion), ("class_accuracy", charts.class_accuracy)):
        assert results.picture(tmp_path / f"{name}.png", charts.png, draw, matrix, classes)
    read_picture(tmp_path / "confusion_matrix.png", (400, 200), (2600, 2600))
    read_picture(tmp_path / "class_accuracy.png", (400, 120), (2600, 1400))


def test_a_picture_that_fails_costs_one_line(tmp_path, capsys):
    def broken():
        raise ValueError("first line\nsecond line")

    for _ in range(3):
        assert results.picture(tmp_path / "x.png", broken) is False
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "x.png is not drawn: ValueError: first line second line" in error
    assert not os.listdir(tmp_path)


def test_evaluation_writes_everything_and_returns_the_figures(tmp_path, capsys):
    clips, files, truth, probabilities = made_clips(60, 7)
    results.write_evaluation(tmp_path, clips, files, ODD, truth, probabilities)
    assert {*os.listdir(tmp_path)} == {*results.WRITTEN} - {"model.png"}
    assert not capsys.readouterr().err


def test_evaluation_of_one_clip_and_of_none(tmp_path, capsys):
    clips, files, truth, probabilities = made_clips(1, 3)
    results.write_evaluation(tmp_path, clips, files, list("abc"), truth, probabilities)
    assert len(os.listdir(tmp_path)) == 6
    results.write_evaluation(tmp_path, clips[:0], [], list("abc"), truth[:0], probabilities[:0])
    assert (tmp_path / "predictions.csv").read_text().count("\n") == 1
    assert not capsys.readouterr().err


@pytest.mark.slow
def test_the_same_input_gives_the_same_files(tmp_path):
    contents = []
    for _ in range(2):
        results.write_evaluation(tmp_path, *made_clips(20, 4)[:2], list("abcd"), *made_clips(20, 4)[2:])
        results.plot_curves(tmp_path, history(3))
        contents.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    assert contents[0] == contents[1]
