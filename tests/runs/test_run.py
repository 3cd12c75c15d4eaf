"""Folders of runs, whole, damaged, of earlier versions, of several parts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_runs import made_run
from pictures import history

from actioncnn.data.dataset import untold_groups
from actioncnn.data.index import Video
from actioncnn.errors import UserError
from actioncnn.runs import tables
from actioncnn.runs.record import Record
from actioncnn.runs.run import Run, read_run

RIGHT = np.arange(60) % 3 > 0


@pytest.fixture
def folder(tmp_path):
    return made_run(tmp_path / "run", RIGHT, ["A", "B", "C"])


def change_args(folder, **values):
    args = json.loads((folder / "args.json").read_text()) | values
    (folder / "args.json").write_text(json.dumps({name: value for name, value in args.items() if value is not None}))


def test_a_run_comes_back(folder):
    run = read_run(folder)
    assert (run.right == RIGHT).all() and run.classes == ["A", "B", "C"] and run.script == "3dcnn.py"
    assert run.matrix.sum() == 60 and run.matrix.diagonal().sum() == RIGHT.sum()
    assert run.groups[:4] == ["1", "1", "1", "2"] and len(run.histories[""]) == 3 and run.missing == []
    assert run.right_of_5.all()


def test_what_is_missing_is_told(folder):
    for name in ("result.txt", "classes.txt"):
        (folder / name).unlink()
    run = read_run(folder)
    assert len(run.missing) == 2 and run.classes == ["A", "B", "C"] and not run.histories


def test_earlier_versions_did_not_tell_script_parameters_and_notes(folder):
    change_args(folder, script=None, notes=None, parameters=None, model="ucf101cnnmodel", split="random")
    run = read_run(folder)
    assert run.script == "2dcnn.py" and "inflates" in run.notes[0] and run.record["parameters"] is None


def test_parts_are_one_run(tmp_path):
    made_run(tmp_path / "split_1", RIGHT, ["A", "B", "C"])
    made_run(tmp_path / "split_2", ~RIGHT, ["A", "B", "C"])
    assert "seconds" not in read_run(tmp_path).record
    for name, seconds in (("split_1", 20.5), ("split_2", 30)):
        (tmp_path / name / "seconds.txt").write_text(f"{seconds}\n")
    run = read_run(tmp_path)
    assert run.record["seconds"] == 50.5
    assert len(run.files) == 120 and run.right.sum() == 60 and list(run.histories) == ["split_1", "split_2"]
    shutil.copy(tmp_path / "split_2" / "predictions.csv", tmp_path)  # one table of all, as that of folds
    assert len(read_run(tmp_path).files) == 60


def test_members_have_curves_of_their_own(folder):
    (folder / "result.txt").write_text("loss\tacc\n0.5\t0.7\n")
    for member in range(2):
        tables.write_history(folder / f"result_{member}.txt", history(4))
    assert list(read_run(folder).histories) == ["member 0", "member 1"]


def test_groups_are_written_where_names_do_not_tell_them(tmp_path):
    names, shares = ["a/1.avi", "v_X_g02_c01.avi"], np.array([[0.8, 0.2], [0.4, 0.6]])
    videos = [Video(Path(name), "X", group) for name, group in zip(names, ("anna", 2))]
    assert untold_groups(videos) == ["anna", 2] and untold_groups(videos[1:]) is None
    tables.write_predictions(tmp_path / "predictions.csv", names, ["X", "Y"], [0, 1], shares, ["anna", None])
    assert (tmp_path / "predictions.csv").read_text().splitlines()[1] == "a/1.avi,X,X,0.8,Y,0.2,anna"
    (tmp_path / "args.json").write_text("{}")
    run = read_run(tmp_path)
    assert run.groups == ["anna", None] and run.right.all()


def test_the_group_0_is_a_group(tmp_path):
    run = Run(tmp_path, "run", Record(), ["a"], ["x.mp4", "y.mp4"], ["a", "a"], told_groups=["0", ""])
    assert run.scenes == ["0", None]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "no run"),
        (lambda folder: (folder / "args.json").write_text("{"), "args.json: is damaged"),
        (lambda folder: (folder / "args.json").write_text("[1]"), "args.json: is damaged"),
        (lambda folder: (folder / "predictions.csv").unlink(), "tested no clip"),
        (lambda folder: (folder / "predictions.csv").write_text("file,true\n"), "tested no clip"),
        (lambda folder: (folder / "predictions.csv").write_text("a,b\n1,2\n"), "not the table"),
        (lambda folder: (folder / "predictions.csv").write_text("file,true,predicted,confidence\nx,A,B\n"), "cut off"),
        (lambda folder: (folder / "predictions.csv").write_text("file,true,predicted,confidence\nx,A,B,?\n"), "table"),
    ],
)
def test_what_is_no_run_is_one_line(folder, change, words):
    change(folder)
    with pytest.raises(UserError, match=words) as error:
        read_run(folder)
    assert "\n" not in str(error.value)


def test_odd_kinds_of_values_are_as_if_missing(folder):
    change_args(folder, options=[1], counts="x", notes=3, parameters="many", script=5, recipe=[], versions=1)
    run = read_run(folder)
    assert run.options == {} and run.notes == [] and run.record["parameters"] is None


def test_a_table_that_excel_has_saved_is_read(tmp_path):
    folder = made_run(tmp_path / "a", np.ones(12, bool), ["A", "B"])
    table = folder / "predictions.csv"
    before = read_run(folder)
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    assert read_run(folder).files == before.files and read_run(folder).ranked == before.ranked


@pytest.mark.parametrize(
    ("lines", "clip"),
    [
        (["x.avi,A,A,1", "x.avi,A,B,1"], "x.avi"),
        (["x.avi,A,A,1.2"], "x.avi"),
        (["y.avi,A,A,-0.1"], "y.avi"),
        (["z.avi,A,A,nan"], "z.avi"),
        (["z.avi,A,A,much"], "much"),
    ],
)
def test_a_table_that_cannot_be_true_is_one_line(tmp_path, lines, clip):
    folder = made_run(tmp_path / "a", np.ones(12, bool), ["A", "B"])
    (folder / "predictions.csv").write_text("\n".join(["file,true,predicted,confidence", *lines, ""]))
    with pytest.raises(UserError, match="predictions.csv") as error:
        read_run(folder)
    assert clip in str(error.value)


def test_a_line_that_is_there_twice_counts_once(tmp_path):
    folder = made_run(tmp_path / "a", np.ones(12, bool), ["A", "B"])
    table = folder / "predictions.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[1] + "\n")
    assert len(read_run(folder).files) == 12
