"""No script writes over what it reads, over files of a run, or over devices."""

import json
import os
import shutil

import pytest
from helpers import as_pictures, bar, write_video

from actioncnn.errors import UserError
from actioncnn.runs import folder
from actioncnn.runs.outputs import check_outputs


def contents(*folders):
    """{path: bytes or what a link leads to} of all in these folders."""
    paths = [path for each in folders for path in sorted(each.rglob("*")) if not path.is_dir()]
    return {path: os.readlink(path) if path.is_symlink() else path.read_bytes() for path in paths}


@pytest.fixture
def place(trained_run, tmp_path, monkeypatch):
    """A folder with a run `r`, a dataset `d` of videos, one of them as pictures, and an animation."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained_run, tmp_path / "r")
    shutil.copytree(trained_run, tmp_path / "s")
    import numpy as np

    for name, direction in (("BarLeft", -1), ("BarRight", 1)):
        (tmp_path / "d" / name).mkdir(parents=True)
        for clip in range(2):
            write_video(tmp_path / "d" / name / f"{clip}.avi", bar(np.random.default_rng(clip), direction))
    as_pictures(tmp_path / "d" / "BarLeft" / "0.avi", tmp_path / "d" / "BarLeft" / "clip", "clip_{:03d}.png")
    shutil.copy(tmp_path / "d" / "BarLeft" / "0.avi", tmp_path / "d" / "BarLeft" / "display.gif")
    (tmp_path / "link.csv").symlink_to("r/args.json")
    (tmp_path / "lists").mkdir()
    listed = [{"file": f"BarLeft/{clip}.avi", "label": "BarLeft"} for clip in range(2)]
    (tmp_path / LISTED).write_text(json.dumps(listed + [{"file": "BarRight/0.avi", "label": "BarRight"}]))
    return tmp_path


VIDEO, CLIP = "d/BarLeft/0.avi", "d/BarLeft/clip"
UNIT = "visualize_input.py", "-m", "r", "-n", "dense_2", "-i", 0, "--iter", 1
LISTED = "lists/maximize_dense_2_0.json"
COMMANDS = {
    "frames over frames": ("videoto3d.py", CLIP, "--output", CLIP),
    "a preview over a video": ("display.py", "--videos", "d", "--output", "d/BarLeft/display.gif"),
    "a table over a video": ("predict.py", "--run", "r", VIDEO, "--csv", VIDEO),
    "a table over a frame": ("predict.py", "--run", "r", CLIP, "--csv", f"{CLIP}/clip_000.png"),
    "a table over the record": ("predict.py", "--run", "r", VIDEO, "--csv", "r/args.json"),
    "a table over the record, by a link": ("predict.py", "--run", "r", VIDEO, "--csv", "link.csv"),
    "a table over another run's": ("predict.py", "--run", "r", VIDEO, "--csv", "s/predictions.csv"),
    "a plot over a run's": ("predict.py", "--run", "r", VIDEO, "--window", 0.4, "--plot", "r/model.png"),
    "two files in one": ("predict.py", "--run", "r", VIDEO, "--features", "x", "--csv", "x"),
    "an evaluation over a run": ("predict.py", "--run", "r", "--videos", "d", "--output", "r"),
    "a page over the record": ("compare.py", "r", "s", "--html", "r/args.json"),
    "a page over a run's": ("compare.py", "r", "s", "--html", "r/report.html"),
    "a page over another run's": ("compare.py", "r", "--html", "s/report.html"),
    "a table of runs over a run's": ("compare.py", "r", "s", "--csv", "s/class_report.csv"),
    "an export over the model": ("export.py", "--run", "r", "--format", "keras", "--output", "r"),
    "an export beside the model": ("export.py", "--run", "s", "--format", "keras", "--output", "r"),
    "frames of a unit among frames": (*UNIT, "--videos", "d", "--output", CLIP),
    "orders over a frame": ("explain.py", "--run", "r", "--videos", "d", "--output", CLIP),
    "a unit over the list": (*UNIT, "--videos", "d", "--train-list", LISTED, "--output", "lists"),
    "evidence over frames": ("explain.py", "--run", "r", f"{CLIP}_evidence.png", CLIP, "--output", "d/BarLeft"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_must_stay_stays(run, place, command):
    shutil.copy(place / CLIP / "clip_000.png", place / f"{CLIP}_evidence.png")
    shutil.copy(place / CLIP / "clip_000.png", place / CLIP / "order.png")
    before = contents(place)
    code, _, error = run(*command)
    lines = [line for line in error.splitlines() if "note:" not in line]
    assert code == 1 and len(lines) == 1 and str(command[-1]) in lines[0], error
    assert contents(place) == before


def test_a_folder_that_no_export_made_stays(run, place):
    options = "export.py", "--run", "r", "--format", "savedmodel", "--output", "e"
    (place / "e" / "ucf101_3dcnnmodel.savedmodel").mkdir(parents=True)
    mine = place / "e" / "ucf101_3dcnnmodel.savedmodel" / "saved_model.pb"
    mine.write_text("mine")
    code, _, error = run(*options)
    assert code == 1 and "savedmodel" in error and mine.read_text() == "mine" and len(os.listdir(mine.parent)) == 1
    mine.unlink()
    mine.parent.rmdir()
    for _ in range(2):  # its own it replaces
        assert run(*options)[0] == 0
    mine.with_name("more.txt").write_text("mine")
    assert run(*options)[0] == 1 and mine.with_name("more.txt").exists()
    assert not [name for name in os.listdir(place / "e") if name.startswith(".")]


def test_the_page_of_a_run_is_made_anew_where_it_is(run, place):
    for html in ((), ("r/report.html",)):
        (place / "r" / "report.html").write_text("former")
        assert run("compare.py", "r", "--html", *html)[0] == 0
        assert len((place / "r" / "report.html").read_text()) > 1000


def test_a_list_that_the_run_would_replace(run, place):
    code, _, error = run(
        "3dcnn.py", "--videos", "d", "--train-list", "r/predictions.csv", "--output", "r", "--overwrite", "True"
    )
    assert code == 1 and "--train-list" in error and (place / "r" / "predictions.csv").exists()


def test_outputs_to_a_pipe_and_through_a_link(run, place):
    os.mkfifo(place / "pipe")
    reader = os.open(place / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    (place / "to_table").symlink_to("table")
    for name in ("pipe", "to_table"):
        assert run("predict.py", "--run", "r", VIDEO, "--csv", name)[0] == 0
        assert (place / name).is_fifo() or (place / name).is_symlink()
    assert os.read(reader, 1 << 16) == (place / "table").read_bytes() != b""
    os.close(reader)


def test_a_part_that_is_a_link_to_another_run(run, place, bars, cache):
    """`r` says that it has a part, which leads to the run `s`."""
    import json

    record = json.loads((place / "r" / "args.json").read_text())
    (place / "r" / "args.json").write_text(json.dumps(record | {"parts": ["split_1"]}))
    (place / "r" / "split_1").symlink_to("../s")
    before = contents(place / "s")
    tiny = ["--nclass", 2, "--epoch", 1, "--batch", 16, "--size", 16, "--depth", 4, "--cache", cache, "--videos", bars]
    assert run("3dcnn.py", *tiny, "--output", "r", "--overwrite", "True")[0] == 0
    assert contents(place / "s") == before
    for each in ("r", "s"):
        assert json.loads((place / each / "args.json").read_text())["metrics"]


@pytest.mark.parametrize("lay", [os.mkfifo, lambda path: path.symlink_to("../mine"), lambda path: path.mkdir()])
def test_a_run_begins_only_where_its_names_are_free_or_files(tmp_path, lay):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    lay(tmp_path / "out" / "result.txt")
    with pytest.raises(UserError, match=r"result\.txt"):
        folder.check_free(tmp_path / "out", ["result.txt"], overwrite=True)


def test_hard_links_and_other_names_of_an_input(tmp_path):
    (tmp_path / "video").write_text("video")
    os.link(tmp_path / "video", tmp_path / "same")
    (tmp_path / "below").mkdir()
    for path in (tmp_path / "same", tmp_path / "below" / ".." / "video"):
        with pytest.raises(UserError, match="--csv"):
            check_outputs([("--csv", path)], [tmp_path / "video"])
    check_outputs([("--csv", tmp_path / "new"), ("--plot", tmp_path / "other")], [tmp_path / "video", None])
