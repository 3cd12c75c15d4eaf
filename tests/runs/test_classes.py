"""Names of classes: one reader, whoever asks."""

import os

import pytest

from actioncnn.errors import UserError
from actioncnn.model.model import choose_names
from actioncnn.runs.classes import find_names, read_classes, write_classes

ODD = ["$x$_{2}$", "a_b^c", "篮球", "كرة", "x" * 80, "bad\udcffname", "Ünï code"]


@pytest.mark.parametrize("classes", [["B", "A"], ["Only"], [], ODD])
def test_classes_come_back(tmp_path, classes):
    write_classes(tmp_path, classes)
    assert read_classes(tmp_path / "classes.txt") == classes


def test_classes_are_one_a_line(tmp_path):
    write_classes(tmp_path, ["Archery", "YoYo"])
    assert (tmp_path / "classes.txt").read_bytes() == b"Archery\nYoYo\n"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfRun\r\nCaf\xe9\r\n", b"Run\nCaf\xe9", b"Run\nCaf\xe9\n"])
def test_files_of_other_systems(tmp_path, content):
    (tmp_path / "names.txt").write_bytes(content)
    assert read_classes(tmp_path / "names.txt") == ["Run", os.fsdecode(b"Caf\xe9")]


def class_names(model, count, option=None, told=None):
    return choose_names(count, find_names(model, option, told))


def test_which_file_names_the_classes(tmp_path, capsys):
    model = tmp_path / "m.json"
    assert class_names(model, 2) is None
    write_classes(tmp_path, ["Jump", "Run"])
    assert class_names(model, 2) == ["Jump", "Run"] and not capsys.readouterr().err
    assert class_names(model, 3) is None
    assert "2 names for 3 classes: not used" in capsys.readouterr().err
    (tmp_path / "others.txt").write_text("A\nB\nC\n")
    assert class_names(model, 3, tmp_path / "others.txt") == ["A", "B", "C"]
    assert class_names(model, 2, None, ["X", "Y"]) == ["X", "Y"]  # the model knows better than the folder
    assert class_names(model, 2, None, ["X"]) == ["Jump", "Run"]
    assert class_names(model, 3, tmp_path / "others.txt", ["X", "Y", "Z"]) == ["A", "B", "C"]


@pytest.mark.parametrize(("name", "reason"), [("none.txt", "no such file"), (".", "is a directory")])
def test_files_that_name_no_classes(tmp_path, name, reason):
    with pytest.raises(UserError, match=f"--classes .*: {reason}"):
        class_names(tmp_path / "m.json", 2, tmp_path / name)
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    with pytest.raises(UserError, match="--classes .*three.txt: 3 names for 2 classes"):
        class_names(tmp_path / "m.json", 2, tmp_path / "three.txt")
