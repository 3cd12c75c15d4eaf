"""predict.py and what it is made of, on networks that the training scripts made."""

import contextlib
import csv
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT, write_video

from actioncnn import annotate, classifier, prediction, sliding, timeline
from actioncnn.classifier import Sampling
from actioncnn.cli import UserError
from actioncnn.prediction import Row

CLIP = Sampling(size=8, depth=4, color=False, skip=True)


def train(script, output, videos, cache, *options):
    argv = [script, "--videos", videos, "--output", output, "--cache", cache, "--nclass", 2, "--epoch", 1]
    kept, sys.argv = sys.argv, [str(item) for item in [*argv, "--batch", 16, "--size", 16, *options]]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(str(ROOT / script), run_name="__main__")
    finally:
        sys.argv = kept
    return output


@pytest.fixture(scope="module")
def result(bars, cache, tmp_path_factory):
    """A run of 3dcnn.py."""
    return train("3dcnn.py", tmp_path_factory.mktemp("runs") / "3d", bars, cache, "--depth", 4)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def check_equal(run, result, videos, tmp_path):
    """The test clips of a training run are predicted as in its predictions.csv."""
    expected = {row["file"]: row for row in rows_of(result / "predictions.csv")}
    code, _, error = run("predict.py", "--run", result, "--csv", tmp_path / "p.csv", *(videos / f for f in expected))
    assert code == 0, error
    found = rows_of(tmp_path / "p.csv")
    assert [Path(row["file"]).name for row in found] == list(expected)
    for row in found:
        true = expected[Path(row["file"]).name]
        assert row["predicted"] == true["predicted"]
        assert abs(float(row["confidence"]) - float(true["confidence"])) < 1e-5


def test_equals_training_3d(run, result, bars, tmp_path):
    check_equal(run, result, bars, tmp_path)


@pytest.mark.parametrize(
    "script, options", [("2dcnn.py", ["--color"]), ("3dcnn.py", ["--skip", "False", "--depth", "3", "--color"])]
)
def test_equals_training_others(run, bars, cache, tmp_path, script, options):
    check_equal(run, train(script, tmp_path / "run", bars, cache, *options), bars, tmp_path)


def test_from_another_directory(result, bars, tmp_path):
    shutil.copy(bars / "v_BarLeft_g01_c01.avi", tmp_path / "mine.avi")
    (tmp_path / "broken.mp4").write_text("no video")
    command = [sys.executable, ROOT / "predict.py", "--run", result, "mine.avi", "broken.mp4", "missing.avi"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("mine.avi\n") and len(done.stdout.splitlines()) == 3
    assert done.stderr.splitlines() == [
        "predict.py: broken.mp4: cannot be opened as a video",
        "predict.py: missing.avi: no such file",
    ]


def test_json_is_all_on_standard_output(run, result, bars, tmp_path):
    code, output, error = run(
        "predict.py", "--run", result, bars / "v_BarLeft_g0[12]_c01.avi", tmp_path / "x", "--json"
    )
    items = json.loads(output)
    assert code == 1 and [set(item) for item in items] == [{"file", "predictions"}] * 2 + [{"file", "error"}]
    assert abs(sum(pair["probability"] for pair in items[0]["predictions"]) - 1) < 1e-5
    assert error.count("\n") == 1


def test_without_arguments_of_a_run(run, result, bars, tmp_path):
    for ending in ("json", "hd5"):
        shutil.copy(result / f"ucf101_3dcnnmodel.{ending}", tmp_path / f"my.{ending}")
    video = bars / "v_BarLeft_g01_c01.avi"
    code, output, error = run("predict.py", "-m", tmp_path / "my.json", video)
    assert code == 0 and "class 0" in output and "class 1" in output
    assert "assumed 4 frames at even intervals, 16x16 pixels, gray" in error and "--classes" in error
    assert run("predict.py", "--run", tmp_path, video)[1] == output
    named = run("predict.py", "-m", tmp_path / "my.json", "--classes", result / "classes.txt", video)[1]
    assert named == run("predict.py", "--run", result, video)[1]


@pytest.mark.parametrize(
    "options, code, words",
    [
        (["x.avi"], 2, "--run DIRECTORY or --model"),
        (["--run", "{tmp}", "x.avi"], 1, "no model in"),
        (["--run", "{tmp}/none", "x.avi"], 1, "is not a directory"),
        (["--model", "{tmp}/none.json", "x.avi"], 1, "none.json: no such file"),
        (["--run", "{run}", "--plot", "x.png", "x.avi"], 2, "needs --window"),
        (["--run", "{run}", "--annotate", "{tmp}/x.mp4", "x.avi", "y.avi"], 1, "one video file, not 2"),
        (["--run", "{run}", "--csv", "{tmp}/none/x.csv", "x.avi"], 2, "no directory"),
        (["--run", "{run}", "--window", "0", "x.avi"], 2, "above zero"),
        (["--run", "{run}", "--classes", "{tmp}/three.txt", "x.avi"], 1, "3 names for the 2 classes"),
        (["--run", "{run}", "77"], 1, "camera 77: no such camera"),
    ],
)
def test_errors_are_one_line(run, result, tmp_path, options, code, words):
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    found, output, error = run("predict.py", *(option.format(tmp=tmp_path, run=result) for option in options))
    assert found == code and not output
    assert words in error.splitlines()[-1]
    assert code == 2 or error.count("\n") == 1


def test_expand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/b/c/d/deep.MKV", "a/one.avi", "a/.hidden/two.avi", "a/notes.txt", "[x].avi"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert prediction.expand(["a"]) == [Path("a/b/c/d/deep.MKV"), Path("a/one.avi")]
    assert prediction.expand(["a/*.avi", "[x].avi", "none*.avi"]) == [
        Path("a/one.avi"),
        Path("[x].avi"),
        Path("none*.avi"),
    ]


def test_scramble_is_what_the_scripts_of_2017_did():
    video = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), np.uint8)  # (T, H, W, BGR), as OpenCV reads
    original = np.array([video]).transpose((0, 2, 3, 4, 1)).reshape((1, 4, 4, 5, 3))
    ours = video[..., ::-1].transpose(1, 2, 0, 3)[None]
    assert (classifier.scramble(ours) == original).all()


def numbered(times):
    """Frames at these times, whose brightness is their number."""
    gaps = [*np.diff(times), times[-1] - times[-2]]
    for index, (now, gap) in enumerate(zip(times, gaps, strict=True)):
        yield now, gap, lambda index=index: (True, np.full((8, 8, 3), index, np.uint8))


def found(times, sampling, length, step):
    """[(start, end, numbers of the frames)]"""
    windows = sliding.windows(numbered(times), sampling, length, step)
    return [(round(start, 3), round(end, 3), clip[0, 0, :, 0].tolist()) for start, end, clip in windows]


def test_windows_take_evenly_spaced_frames():
    assert found(np.arange(100) / 25, CLIP, 2, 1) == [
        (0, 2, [0, 12, 25, 37]),
        (1, 3, [25, 37, 50, 62]),
        (2, 4, [50, 62, 75, 87]),
    ]
    assert found(np.arange(100) / 25, CLIP._replace(depth=0), 4, 2) == [(0, 4, [50])]
    assert found(np.arange(100) / 25, CLIP._replace(skip=False), 2, 2) == [
        (0, 2, [0, 1, 2, 3]),
        (2, 4, [50, 51, 52, 53]),
    ]


def test_windows_at_the_end():
    assert found(np.arange(90) / 25, CLIP, 2, 1)[-1] == (2, 3.6, [50, 62, 75, 87])
    assert found(np.arange(60) / 25, CLIP, 2, 2) == [(0, 2, [0, 12, 25, 37])]  # the rest is less than half a window
    assert [*sliding.windows(numbered(np.arange(5) / 25), CLIP, 2, 1)] == [(0, pytest.approx(0.2), None)]
    assert [*sliding.windows(iter(()), CLIP, 2, 1)] == []


def test_windows_go_by_time_where_the_rate_varies():
    times = [*np.arange(50) / 50, *(1 + np.arange(10) / 10)]
    assert found(times, CLIP, 1, 1) == [(0, 1, [0, 12, 25, 37]), (1, 2, [50, 52, 55, 57])]


def test_windows_equal_the_whole_clip(bars):
    video = bars / "v_BarLeft_g01_c01.avi"
    sampling = CLIP._replace(depth=10, size=16)
    _, _, clip = next(sliding.windows(sliding.timed(video), sampling, 20 / 25, 1))
    whole = next(prediction.extract.decoded([(0, video)], sampling.options(), 1))[1]
    assert (clip == sampling.pick(whole[None])[0]).all()


class Capture:
    """A container with these time stamps in milliseconds and this rate."""

    def __init__(self, stamps, rate):
        self.stamps, self.rate, self.index = stamps, rate, -1

    def grab(self):
        self.index += 1
        return self.index < len(self.stamps)

    def get(self, name):
        return self.rate if name == cv2.CAP_PROP_FPS else self.stamps[self.index]

    def retrieve(self):
        return True, None

    def release(self):
        pass


@pytest.mark.parametrize(
    "stamps, rate, times",
    [
        ([0, 40, 80, 120], 25, [0, 0.04, 0.08, 0.12]),
        ([0, 33, 67, 400], 1000, [0, 0.033, 0.067, 0.4]),  # the rate is the unit of the stamps; the last frame waits
        ([280, 300, 320, 340], 50, [0, 0.02, 0.04, 0.06]),
        ([33, 67, 100, 0], 30, [0, 0.034, 0.067, 0.1]),  # back
        ([0, 0, 0, 0], 10, [0, 0.1, 0.2, 0.3]),  # none at all
        ([0, 0, 0, 0], 60000, [0, 0.04, 0.08, 0.12]),
        ([0, 100, 95_443_717, 95_443_817], 10, [0, 0.1, 0.2, 0.3]),  # a jump
    ],
)
def test_times(monkeypatch, stamps, rate, times):
    monkeypatch.setattr(sliding, "open_video", lambda name: Capture(stamps, rate))
    assert [now for now, _, _ in sliding.timed("x")] == pytest.approx(times)


def test_a_crashing_decoder_costs_its_video_only(bars):
    code = """if True:
        import multiprocessing, os, sys
        from actioncnn import extract, sliding
        from actioncnn.classifier import Sampling
        extract.CONTEXT = multiprocessing.get_context("fork")  # to inherit what follows
        timed = sliding.timed
        sliding.timed = lambda path: timed(path) if "good" not in path else os.abort()
        paths = [sys.argv[1] + "?good", sys.argv[1]]
        for item in sliding.decoded(paths, Sampling(8, 4, False, True), 0.4, 0.4, 2):
            print(item[0], "clip" if item[2] is not None else item[1])
    """
    video = str(bars / "v_BarLeft_g01_c01.avi")
    done = subprocess.run([sys.executable, "-c", code, video], cwd=ROOT, capture_output=True, text=True)
    assert sorted(done.stdout.splitlines()) == ["0 the decoder crashes on it (SIGABRT)", "1 None", "1 clip", "1 clip"]


def row(start, end, *shares):
    return Row(start, end, np.array(shares, np.float32))


def test_timeline():
    rows = [row(0, 2, 0.75, 0.25), row(1, 3, 0.5, 0.25), row(2, 4, 0, 1)]
    assert timeline.spans(rows) == [(0, 1.5), (1.5, 2.5), (2.5, 4)]
    assert timeline.stretches(rows) == [(0, 2.5, 0, 0.625), (2.5, 4, 1, 1)]
    assert timeline.table("v.avi", rows, ["a", "b"], 5).splitlines()[1] == "     0:00.0 -    0:02.5   62.5%  a"
    assert [timeline.clock(value).strip() for value in (59.96, 754.3, 7200)] == ["1:00.0", "12:34.3", "2:00:00.0"]


def test_window_plot_and_annotate(run, result, bars, tmp_path):
    video = bars / "v_BarLeft_g01_c01.avi"
    outputs = ["--plot", tmp_path / "t.png", "--annotate", tmp_path / "a.mp4", "--csv", tmp_path / "t.csv"]
    code, _, error = run("predict.py", "--run", result, "--window", "0.4", *outputs, video)
    assert code == 0, error
    whole = run("predict.py", "--run", result, "--window", "60", video, "--json")[1]
    alone = run("predict.py", "--run", result, video, "--json")[1]
    assert json.loads(whole)[0]["timeline"][0]["predictions"] == json.loads(alone)[0]["predictions"]
    rows = rows_of(tmp_path / "t.csv")
    assert [(row["start"], row["end"]) for row in rows] == [
        ("0.000", "0.400"), ("0.200", "0.600"), ("0.400", "0.800")
    ]  # fmt: skip
    assert cv2.imread(str(tmp_path / "t.png")).std() > 10
    assert "too few for legible text" in error  # 32x32 pixels
    copy = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    assert [copy.get(name) for name in (3, 4, 5, 7)] == [32, 32, 25, 20]


def test_annotated_frames(tmp_path):
    write_video(tmp_path / "v.avi", np.full((10, 120, 160), 200, np.uint8), fps=10)
    rows = [row(0, 0.5, 0.9, 0.1), row(0.5, 1, 0.1, 0.9)]
    annotate.annotate(tmp_path / "v.avi", tmp_path / "a.mp4", rows, ["left", "right"])
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    frames = [capture.read()[1] for _ in range(10)]
    corners = np.array([frame[-30:, :60].astype(int) for frame in frames])
    assert (corners[0] < 150).mean() > 0.5 and abs(frames[0][:60].mean() - 200) < 3
    assert abs(corners[0] - corners[4]).mean() < 5 < abs(corners[0] - corners[5]).mean()
    with pytest.raises(UserError, match="--annotate"):
        annotate.annotate(tmp_path / "v.avi", tmp_path / "a.none", rows, ["left", "right"])
    assert not list(tmp_path.glob(".part*"))


def test_camera(run, result, bars, monkeypatch):
    capture = cv2.VideoCapture(str(bars / "v_BarLeft_g01_c01.avi"))
    capture.read()
    monkeypatch.setattr(sliding, "open_camera", lambda index: capture)
    monkeypatch.setattr(sliding, "live", lambda capture: ((i / 5, 0.2, capture.retrieve) for i in range(25)))
    code, output, error = run("predict.py", "--run", result, 0)
    assert code == 1 and error.endswith("camera 0: gives no more frames\n")
    assert len(output.splitlines()) == 3 and output.count("Bar") == 6  # 0-3, 1-4 and 2-5 s


def test_4k(run, result, tmp_path):
    write_video(tmp_path / "4k.mp4", np.full((6, 2160, 3840), 40, np.uint8), "mp4v")
    code, output, _ = run("predict.py", "--run", result, tmp_path / "4k.mp4")
    assert code == 0 and "%" in output


@pytest.mark.skipif("HARD_VIDEOS_DIR" not in os.environ, reason="HARD_VIDEOS_DIR names no directory of odd videos")
@pytest.mark.parametrize("options", [[], ["--window", "1"]])
def test_hard_videos(run, result, tmp_path, options):
    folder = Path(os.environ["HARD_VIDEOS_DIR"])
    code, _, error = run("predict.py", "--run", result, folder, "--csv", tmp_path / "h.csv", *options)
    named = {row["file"] for row in rows_of(tmp_path / "h.csv")}
    failed = [line for line in error.splitlines() if str(folder) in line]
    assert len(named) + len(failed) == len(prediction.expand([folder])) and len(failed) < len(named)
    assert code == (1 if failed else 0) and "Traceback" not in error
