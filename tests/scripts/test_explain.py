"""explain.py on a network that a training script made."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from foreign_models import two_heads
from helpers import ROOT
from pictures import read_picture


@pytest.fixture
def files(bars):
    return sorted(bars.iterdir())


def test_a_video(run, trained_run, files, tmp_path):
    code, output, error = run("explain.py", "--run", trained_run, "--output", tmp_path / "out", files[0])
    assert code == 0, error
    stem = tmp_path / "out" / f"{files[0].stem}_evidence"
    told = json.loads(stem.with_suffix(".json").read_text())
    values = np.load(stem.with_suffix(".npy"))
    assert values.shape == (4, 16, 16) and values.dtype == np.float32
    assert told["class"] == told["predictions"][0]["class"] and told["against"] is None
    assert told["evidence_for"] == pytest.approx(values[values > 0].sum(), rel=1e-4)
    assert len(told["frames"]) == 4 and told["order"]["verdict"] in output
    assert [row["frames"] for row in told["order"]["table"]][0] == "as it is"
    read_picture(stem.with_suffix(".png"), least=(400, 200))
    animation = cv2.VideoCapture(str(stem.with_suffix(".gif")))
    assert sum(animation.read()[0] for _ in range(9)) == 4


def test_classes_by_name_and_a_sheet(run, trained_run, files, tmp_path):
    """Evidence for one of two classes is against the other; equal names get a number, a broken video costs a line."""
    (tmp_path / "broken.avi").write_text("none")
    (tmp_path / files[0].name).write_bytes(files[0].read_bytes())
    options = ["--run", trained_run, "--output", tmp_path, files[0], tmp_path / files[0].name, tmp_path / "broken.avi"]
    code, output, error = run("explain.py", *options, "--class", "barleft", "--against", "BarRight")
    assert code == 1 and "broken.avi: cannot be opened" in error and len(error.splitlines()) == 1
    one, two = (np.load(tmp_path / f"{files[0].stem}{number}_evidence.npy") for number in ("", "_2"))
    np.testing.assert_array_equal(one, two)
    read_picture(tmp_path / "explained.png", least=(400, 200))
    code, *_ = run("explain.py", *options[:5], "--class", "BarRight")
    np.testing.assert_allclose(np.load(tmp_path / f"{files[0].stem}_evidence.npy"), -one, atol=1e-4)


def test_mistakes_and_orders(run, trained_run, bars, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    options = ["--run", trained_run, "--output", tmp_path, "--videos", bars]
    code, output, error = run("explain.py", *options, "--mistakes", 2)
    assert code == 0, error
    drawn = (tmp_path / "mistakes.png").exists()
    assert drawn == ("; true: Bar" in output) and drawn != ("no mistakes" in output)
    code, output, error = run("explain.py", *options)
    assert code == 0, error
    told = json.loads((tmp_path / "order.json").read_text())
    metrics = json.loads((trained_run / "args.json").read_text())["metrics"]
    assert told["table"][0]["right"] == pytest.approx(metrics["top1"], abs=1e-6)
    assert told["verdict"] in output.splitlines() and "\n  shuffled " in output
    read_picture(tmp_path / "order.png")


def test_mistakes_of_a_class(run, trained_run, bars, tmp_path):
    """--class is the true class of the mistakes, --against the one that they were taken for; names are looked at."""
    shutil.copytree(trained_run, tmp_path / "run")
    table = tmp_path / "run" / "predictions.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for row in rows:  # all are taken for BarLeft
        row["predicted"], row["confidence"] = "BarLeft", "0.9"
    with table.open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    options = ["--run", tmp_path / "run", "--output", tmp_path / "out", "--videos", bars, "--mistakes", 2]
    for pair, count in ((["--class", "barright"], 2), (["--class", "BarLeft"], 0), (["--against", "BarRight"], 0)):
        code, output, error = run("explain.py", *options, *pair)
        assert code == 0 and output.count("; true: BarRight") == count, error
        assert (f"no mistakes {'of' if '--class' in pair else 'taken for'} " in output) == (count == 0)


def test_without_mistakes_the_least_sure_right_clips_are_shown(run, trained_run, bars, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    table = tmp_path / "run" / "predictions.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for place, row in enumerate(rows):
        row["predicted"], row["confidence"] = row["true"], str(0.6 + 0.01 * place)
    with table.open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    options = ["--run", tmp_path / "run", "--output", tmp_path / "out", "--videos", bars, "--mistakes", 2]
    code, output, error = run("explain.py", *options, "--against", "BarRight")
    assert code == 0 and "no mistakes" in output and "least sure" in output, error
    shown = [line for line in output.splitlines() if any(Path(row["file"]).name in line for row in rows[:2])]
    assert len(shown) == 2
    read_picture(tmp_path / "out" / "least_sure.png")


def test_several_videos_have_a_mean(run, trained_run, files, tmp_path):
    code, _, error = run("explain.py", "--run", trained_run, "--output", tmp_path, *files[:3], "--class", "BarLeft")
    assert code == 0, error
    read_picture(tmp_path / "explained_mean.png")


def test_evidence_is_that_of_the_chosen_head(run, files, tmp_path):
    two_heads().save(tmp_path / "m.keras")
    maps = {}
    for head, label in (("verb", 1), ("noun", 1), ("noun", 3)):
        folder = tmp_path / f"{head}{label}"
        options = ["--model", tmp_path / "m.keras", "--output-layer", head, "--class", label, "--output", folder]
        code, output, error = run("explain.py", *options, files[0])
        assert code == 0, error
        told = json.loads((folder / f"{files[0].stem}_evidence.json").read_text())
        assert told["class"] == f"class {label}" and len(told["predictions"]) == {"verb": 3, "noun": 4}[head]
        maps[head, label] = np.load(folder / f"{files[0].stem}_evidence.npy")
    assert not np.allclose(maps["verb", 1], maps["noun", 1]) and not np.allclose(maps["noun", 3], maps["noun", 1])
    code, _, error = run("explain.py", "--model", tmp_path / "m.keras", "--class", "3", files[0], "--output", tmp_path)
    assert code == 1 and "--class 3" in error.splitlines()[-1]  # the first head has three classes


@pytest.mark.parametrize(
    "options, code, words",
    [
        (["video.avi"], 2, ["--run DIRECTORY or --model FILE"]),
        (["--run", "RUN"], 2, ["name a video"]),
        (["--model", "m.json", "--mistakes", 3], 2, ["--mistakes needs --run"]),
        (["--run", "RUN", "VIDEO", "--class", "BarLetf"], 1, ["--class BarLetf", "BarLeft"]),
        (["--run", "RUN", "--mistakes", 3, "--class", "BarLetf"], 1, ["--class BarLetf", "BarLeft"]),
        (["--run", "RUN", "VIDEO", "--against", "BarLetf"], 1, ["--against BarLetf", "BarLeft"]),
        (["--run", "RUN", "VIDEO", "--class", "BarLeft", "--against", "barleft"], 2, ["--class BarLeft", "--against"]),
        (["--run", "RUN", "VIDEO", "--class", "BarLeft", "--against", "0"], 1, ["--class BarLeft", "--against 0"]),
        (["--run", "RUN", "--videos", "RUN", "--class", "BarLeft"], 2, ["--class", "--mistakes"]),
        (["--run", "RUN", "--mistakes", 3, "--videos", "RUN"], 1, ["--videos", "test clips"]),
        (["--run", "nowhere", "VIDEO"], 1, ["--run: nowhere"]),
    ],
)
def test_errors_are_one_line(run, trained_run, files, tmp_path, monkeypatch, options, code, words):
    monkeypatch.chdir(tmp_path)
    options = [{"RUN": trained_run, "VIDEO": files[0]}.get(option, option) for option in options]
    found, _, error = run("explain.py", *options)
    assert found == code and len(error.splitlines()) == 1 and all(word in error for word in words)


@pytest.mark.slow
def test_as_a_user_calls_it(trained_run, files, tmp_path):
    command = [sys.executable, str(ROOT / "explain.py"), "--run", str(trained_run), str(files[0])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "" and (tmp_path / "explained").is_dir()
