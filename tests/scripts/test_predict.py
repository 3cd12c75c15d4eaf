"""predict.py on networks that the training scripts made."""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import ROOT, as_pictures, run_script, write_video

from actioncnn.data.index import expand
from actioncnn.model.loading import load_model
from actioncnn.predict import camera
from actioncnn.video.decode import read_clip
from actioncnn.video.sampling import Sampling


def train(script, output, videos, cache, *options):
    argv = ["--videos", videos, "--output", output, "--cache", cache, "--nclass", 2, "--epoch", 1]
    assert run_script(script, *argv, "--batch", 16, "--size", 16, *options) == 0
    return output


@pytest.fixture
def result(trained_run):
    return trained_run


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "script, options", [("2dcnn.py", ["--color"]), ("3dcnn.py", ["--skip", "False", "--depth", "3", "--color"])]
)
def test_equals_training_others(run, bars, cache, tmp_path, script, options):
    check_equal(run, train(script, tmp_path / "run", bars, cache, *options), bars, tmp_path)


@pytest.mark.slow
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
    assert code == 0 and "BarLeft" in output and not error  # its weights tell the names and the sampling
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
        (["--run", "{run}", "--classes", "{tmp}/three.txt", "x.avi"], 1, "3 names for 2 classes"),
        (["--run", "{run}", "77"], 1, "camera 77: no such camera"),
        (["--run", "{run}"], 2, "either videos or --videos DATASET"),
        (["--run", "{run}", "x.avi", "--videos", "{tmp}"], 2, "either videos or --videos DATASET"),
        (["--run", "{run}", "--videos", "{tmp}", "--csv", "x.csv"], 2, "--csv does not go with --videos"),
        (["--run", "{run}", "x.avi", "--output", "{tmp}"], 2, "--output needs --videos"),
        (["--run", "{run}", "--videos", "{tmp}"], 1, "no video in"),
    ],
)
def test_errors_are_one_line(run, result, tmp_path, options, code, words):
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    found, output, error = run("predict.py", *(option.format(tmp=tmp_path, run=result) for option in options))
    assert found == code and not output
    assert words in error.splitlines()[-1]
    assert code == 2 or error.count("\n") == 1


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


@pytest.fixture
def five_seconds(bars, monkeypatch):
    """A camera that shows a picture of a video for as long."""
    capture = cv2.VideoCapture(str(bars / "v_BarLeft_g01_c01.avi"))
    capture.read()
    monkeypatch.setattr(camera, "open_camera", lambda index: capture)
    monkeypatch.setattr(camera, "live", lambda capture: ((i / 5, 0.2, capture.retrieve) for i in range(25)))


def test_camera(run, result, five_seconds):
    code, output, error = run("predict.py", "--run", result, 0)
    assert code == 1 and error.endswith("camera 0: gives no more frames\n")
    assert len(output.splitlines()) == 3 and output.count("Bar") == 6  # 0-3, 1-4 and 2-5 s


def test_camera_and_a_network_of_colour_frames(run, five_seconds, tmp_path):
    keras = pytest.importorskip("keras")
    steps = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((8, 8, 3)), *steps]).save(tmp_path / "m.keras")
    for options in ([], ["--views", 2]):
        code, output, error = run("predict.py", "--model", tmp_path / "m.keras", *options, 0)
        assert code == 1 and error.endswith("camera 0: gives no more frames\n"), error
        assert output.count("class ") == 6


def mean_of_views(result, paths, count):
    """Probabilities of the mean of `count` views of 4 frames each, by hand."""
    model = load_model(result / "ucf101_3dcnnmodel.json", result / "ucf101_3dcnnmodel.hd5")
    clips = np.stack([read_clip(path, Sampling(16, 4 * count, False)) for path in paths])
    return np.mean([model.predict(clips[:, :, :, view::count], verbose=0) for view in range(count)], axis=0)


def test_the_mean_of_views(run, result, bars, tmp_path, cache):
    files = [row["file"] for row in rows_of(result / "predictions.csv")]
    expected = mean_of_views(result, [bars / file for file in files], 3)
    assert np.abs(expected - mean_of_views(result, [bars / file for file in files], 1)).max() > 1e-4
    code, output, error = run("predict.py", "--run", result, "--views", 3, "--json", *(bars / file for file in files))
    assert code == 0, error
    found = [{best["class"]: best["probability"] for best in told["predictions"]} for told in json.loads(output)]
    assert np.allclose([[each["BarLeft"], each["BarRight"]] for each in found], expected, atol=1e-5)
    for file in files:
        folder = tmp_path / "set" / file[2:].split("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(bars / file, folder)
    dataset = ["--videos", tmp_path / "set", "--output", tmp_path / "out", "--cache", cache]
    code, output, error = run("predict.py", "--run", result, "--views", 3, *dataset)
    assert code == 0 and "test: mean of 3 views, loss" in output, error
    shares = {Path(row["file"]).name: float(row["confidence"]) for row in rows_of(tmp_path / "out" / "predictions.csv")}
    assert np.allclose([shares[file] for file in files], expected.max(1), atol=1e-5)
    code, _, error = run("predict.py", "--run", result, "--views", 2, "--features", tmp_path / "f.npz", bars / files[0])
    assert code == 2 and "--features does not go with --views" in error


@pytest.mark.slow
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
    failed = [line for line in error.splitlines() if str(folder) in line and ": note: " not in line]
    assert len(named) + len(failed) == len(expand([folder])) and len(failed) < len(named)
    assert code == (1 if failed else 0) and "Traceback" not in error


@pytest.mark.parametrize("option", ["--annotate", "--csv", "--features"])
def test_no_output_replaces_a_video_or_the_model(run, result, bars, tmp_path, option):
    video = Path(shutil.copy(bars / "v_BarLeft_g01_c01.avi", tmp_path / "v.avi"))
    (tmp_path / "link.avi").symlink_to(video)
    weights = result / "ucf101_3dcnnmodel.hd5"
    before = video.read_bytes(), weights.read_bytes()
    for named, path in ((video, video), (tmp_path / "link.avi", video), (tmp_path, video), (video, weights)):
        code, output, error = run("predict.py", "--run", result, named, option, path)
        assert code == 1 and not output and error.count("\n") == 1
        assert f"{option} {path}: " in error or "takes one video file" in error
    assert (video.read_bytes(), weights.read_bytes()) == before


def test_features_and_nearest_training_clips(run, result, bars, tmp_path):
    videos = [bars / f"v_Bar{way}_g0{group}_c01.avi" for way in ("Left", "Right") for group in (1, 9)]
    code, output, error = run("predict.py", "--run", result, *videos, "--json", "--features", tmp_path / "f.npz")
    assert code == 0, error
    with np.load(tmp_path / "f.npz") as stored:
        features, files = stored["features"], stored["files"].tolist()
        assert stored["classes"].tolist() == ["BarLeft"] * 2 + ["BarRight"] * 2 and len(stored["names"]) == 2
        np.testing.assert_allclose(stored["probabilities"].sum(1), 1, atol=1e-5)
        shares = stored["probabilities"]
    model = load_model(*(result / f"ucf101_3dcnnmodel.{ending}" for ending in ("json", "hd5")))
    np.testing.assert_allclose(model.get_layer("dense_2")(features), shares, atol=1e-5)
    assert files == list(map(str, videos)) and features.shape == (4, 512)
    items, tested = json.loads(output), {row["file"] for row in rows_of(result / "predictions.csv")}
    for item in items:
        near = item["nearest"]
        assert len(near) == 5 and item["file"] not in [clip["file"] for clip in near]
        assert not {Path(clip["file"]).name for clip in near} & tested
        assert near == sorted(near, key=lambda clip: -clip["similarity"]) and near[0]["similarity"] <= 1.00001
        assert {clip["class"] for clip in near} <= {"BarLeft", "BarRight"}


def test_stream_that_breaks(run, result, tmp_path, monkeypatch):
    monkeypatch.setattr(camera, "PAUSE", 0.1)
    blocks = np.random.default_rng(0).integers(0, 256, (125, 6, 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    write_video(tmp_path / "v.mpg", blocks, "PIM1")
    content = (tmp_path / "v.mpg").read_bytes()

    class Half(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content[: -len(content) // 10])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Half)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/v.mpg"
    code, output, error = run("predict.py", "--run", result, address, "--window", "1")
    server.shutdown()
    server.server_close()
    assert code == 1 and error.endswith(f"predict.py: stream {address}: gives no more frames\n")
    assert error.count("tried again") == 3
    assert len(output.splitlines()) >= 3 and "Bar" in output
    code, output, error = run("predict.py", "--run", result, address)
    assert code == 1 and error == f"predict.py: stream {address}: cannot be opened; check the address\n"
    assert run("predict.py", "--run", result, address, "--json")[2].endswith("not a camera or a stream\n")


def test_what_is_assumed_of_the_models_of_others_is_said_and_can_be_changed(run, bars, tmp_path):
    keras = pytest.importorskip("keras")
    steps = [keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    keras.Sequential([keras.Input((4, 12, 16, 1)), *steps]).save(tmp_path / "m.keras")
    command = ["predict.py", "--model", tmp_path / "m.keras", bars / "v_BarLeft_g01_c01.avi", "--json"]
    code, output, error = run(*command)
    assert code == 0 and "16x12 pixels, gray" in error and "values from 0 to 1" in error
    assumed = json.loads(output)[0]["assumed"]
    assert assumed["range"] == [0, 1] and assumed["axes"] == "THWC" and assumed["taken_for"] == "one sigmoid"
    code, output, error = run(*command, "--range", -1, 1, "--axes", "HWTC")
    assert json.loads(output)[0]["assumed"] | {"range": [-1, 1], "axes": "HWTC"} == json.loads(output)[0]["assumed"]
    assert "12x4 pixels" in error and "values from" not in error


def test_a_dataset_is_tested_as_a_training_run_tests(run, result, bars, cache, tmp_path):
    expected = rows_of(result / "predictions.csv")
    for row in expected:
        as_pictures(bars / row["file"], tmp_path / "set" / row["true"] / row["file"].removesuffix(".avi"))
    as_pictures(bars / "v_BarLeft_g01_c01.avi", tmp_path / "set" / "Unknown" / "1")
    (tmp_path / "set" / "BarLeft" / "broken.avi").write_bytes(b"broken")
    options = ["--run", result, "--videos", tmp_path / "set", "--cache", cache, "--output", tmp_path / "out"]
    code, output, error = run("predict.py", *options)
    assert code == 1 and "broken.avi: cannot be opened" in error
    assert "left out: 1 video of 1 class that the model does not know: Unknown" in error
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())["metrics"]
    assert figures == pytest.approx(json.loads((result / "args.json").read_text())["metrics"], abs=1e-6)
    found = {Path(row["file"]).name: row for row in rows_of(tmp_path / "out" / "predictions.csv")}
    for row in expected:
        assert found[row["file"].removesuffix(".avi")]["predicted"] == row["predicted"]
    for name in ("class_report.csv", "confusions.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (result / name).read_bytes()
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"confusion_matrix.png", "examples.png"}
    assert f"top-1 {figures['top1']:.4f}" in output
    assert output.startswith(f"{tmp_path / 'set'}: {len(expected) + 2} videos, 3 classes (BarLeft, BarRight, Unknown)")


def test_a_run_is_tested_on_its_test_clips_and_says_what_it_was_trained_on(
    run, result, bars, cache, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, output, error = run("predict.py", "--run", result, "--videos", bars, "--cache", cache)
    figures = json.loads((result / "args.json").read_text())["metrics"]
    assert code == 0 and f"top-1 {figures['top1']:.4f}" in output and "trained on" not in error
    code, output, error = run("predict.py", "--run", result, "--videos", bars, "--cache", cache, "--split", "none")
    assert code == 0 and "trained on" in error and "48 clips" in output
    assert (tmp_path / f"evaluation_{bars.name}" / "class_report.csv").exists() and f"evaluation_{bars.name}" in output


def test_a_folder_of_pictures_is_a_video(run, result, bars, tmp_path):
    video = bars / "v_BarLeft_g01_c01.avi"
    folder = as_pictures(video, tmp_path / "frames")
    for options in ([], ["--window", "0.4"]):
        told = [json.loads(run("predict.py", "--run", result, "--json", *options, path)[1]) for path in (video, folder)]
        assert told[0][0] | {"file": str(folder)} == told[1][0]
    assert "25 a second are assumed" in run("predict.py", "--run", result, "--window", "0.4", folder)[2]


def test_a_run_that_has_not_ended_is_one_line(run, result, bars, tmp_path):
    unfinished = shutil.copytree(result, tmp_path / "run")
    args = json.loads((unfinished / "args.json").read_text())
    (unfinished / "args.json").write_text(json.dumps(args | {"metrics": None}))
    video = next(bars.iterdir())
    for model in (("--run", unfinished), ("--model", unfinished / "ucf101_3dcnnmodel.json")):
        code, _, error = run("predict.py", *model, video)
        assert code == 1 and "has not ended" in error and error.count("\n") == 1


def test_classes_are_those_of_the_model(run, result, bars, tmp_path):
    moved = shutil.copytree(result, tmp_path / "run")
    (moved / "classes.txt").write_text("Other\nNames\n")
    video = next(bars.iterdir())
    code, output, _ = run("predict.py", "--run", moved, video)
    assert code == 0 and "BarLeft" in output and "Other" not in output
    (moved / "classes.txt").unlink()
    (moved / "args.json").unlink()
    one_file = moved / "ucf101_3dcnnmodel.keras"
    assert run("predict.py", "--model", one_file, video) == (0, output, "")  # nothing is assumed
