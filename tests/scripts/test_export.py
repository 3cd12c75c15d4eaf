"""export.py: files that other programs open, in processes that know nothing of the suite."""

import json
import runpy
import shutil
import subprocess
import sys

import foreign_models as foreign
import numpy as np
import pytest
from helpers import ROOT, run_script, write_blocks

PREDICT = """
import sys, numpy as np
folder, stem = sys.argv[1:]
clips = np.load(folder + "/clips.npy")
path = f"{folder}/{stem}."
import onnxruntime
session = onnxruntime.InferenceSession(path + "onnx")
answers = [session.run(None, {session.get_inputs()[0].name: clips})[0]]
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(path + "tflite").get_signature_runner()
name, = runner.get_input_details()
answers.append(np.concatenate([list(runner(**{name: clip[None]}).values())[0] for clip in clips]))
import tensorflow as tf
loaded = tf.saved_model.load(path + "savedmodel")
answers.append(loaded.serve(clips).numpy())
import keras
answers.append(keras.saving.load_model(path + "keras").predict_on_batch(clips))
np.save(folder + "/answers.npy", answers)
"""


@pytest.mark.slow
def test_exports_are_opened_in_a_fresh_process(run, trained_run, tmp_path):
    for format in ("savedmodel", "onnx", "tflite", "keras"):
        code, output, error = run("export.py", "--run", trained_run, "--format", format, "--output", tmp_path)
        assert code == 0, error
        assert "on 8 test clips" in output and "note" not in output
        about = json.loads((tmp_path / f"ucf101_3dcnnmodel.{format}.json").read_text())
        assert about["check"]["clips"] == "8 test clips" and about["check"]["largest_difference"] < 1e-5
        assert about["input"]["shape"][1:] == [16, 16, 4, 1] and (tmp_path / about["file"]).exists()
    assert (tmp_path / "labels.txt").read_text() == "BarLeft\nBarRight\n"
    clips = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 4, 1)).astype(np.float32)
    np.save(tmp_path / "clips.npy", clips)
    command = [sys.executable, "-c", PREDICT, str(tmp_path), "ucf101_3dcnnmodel"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    from actioncnn.model.loading import load_model

    wanted = load_model(trained_run / "ucf101_3dcnnmodel.json", trained_run / "ucf101_3dcnnmodel.hd5")
    answers = np.load(tmp_path / "answers.npy")
    assert answers.shape == (4, 3, 2) and np.abs(answers - wanted.predict_on_batch(clips)).max() < 1e-5


FOLLOW = """
import json, sys, cv2, numpy as np, onnxruntime
about = json.load(open(sys.argv[1] + ".json"))
told, capture, frames = about["input"], cv2.VideoCapture(sys.argv[2]), []
n = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
while True:
    good, frame = capture.read()  # upright: OpenCV turns it
    if not good:
        break
    frames.append(frame)
depth = dict(zip(told["axes"], told["shape"]))["time"]
places = [i * n // depth for i in range(depth)]
if max(places) >= len(frames):
    places = [i * len(frames) // depth for i in range(depth)]
height, width = (dict(zip(told["axes"], told["shape"]))[name] for name in ("height", "width"))
small = [cv2.resize(frames[place], (width, height), interpolation=cv2.INTER_AREA) for place in places]
gray = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in small]
low, high = told["range"]
clip = np.stack(gray).astype(np.float32)[..., None] * ((high - low) / 255) + low  # time, height, width, channel
named = ["time", "height", "width", "channel"]
clip = clip.transpose([named.index(name) for name in told["axes"][1:]])
session = onnxruntime.InferenceSession(sys.argv[1])
(answer,) = session.run([about["output"]["name"]], {told["name"]: clip[None]})
print(json.dumps(answer[0].tolist()))
"""


@pytest.mark.slow
def test_the_json_is_all_that_an_app_needs(run, trained_run, bars, tmp_path):
    """It is followed literally, by a program that knows nothing of the suite."""
    code, _, error = run("export.py", "--run", trained_run, "--format", "onnx", "--output", tmp_path)
    assert code == 0, error
    about = json.loads((tmp_path / "ucf101_3dcnnmodel.onnx.json").read_text())
    assert about["input"]["seconds"] > 0 and "container" in about["input"]["frames"]
    video = sorted(bars.iterdir())[0]
    command = [sys.executable, "-c", FOLLOW, str(tmp_path / "ucf101_3dcnnmodel.onnx"), str(video)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    labels = (tmp_path / "labels.txt").read_text().splitlines()
    _, output, _ = run("predict.py", "--run", trained_run, "--json", video)
    told = {row["class"]: row["probability"] for row in json.loads(output)[0]["predictions"]}
    assert dict(zip(labels, json.loads(done.stdout), strict=True)) == pytest.approx(told, abs=1e-5)


@pytest.mark.slow
def test_the_check(run, trained_run, tmp_path, monkeypatch):
    from actioncnn.model import formats

    folder = shutil.copytree(trained_run, tmp_path / "run")
    options = ["--run", folder, "--format", "keras"]
    (tmp_path / "none").mkdir()
    code, output, _ = run("export.py", *options, "--videos", tmp_path / "none")
    assert code == 0 and "noise" in output and "--videos" in output
    assert {path.name for path in (folder / "export").iterdir()} >= {"labels.txt", "ucf101_3dcnnmodel.keras"}
    opened = formats.open_export
    shifted = lambda *export: lambda clips: [output + 2e-5 for output in opened(*export)(clips)]  # noqa: E731
    monkeypatch.setattr(formats, "open_export", shifted)
    code, output, error = run("export.py", *options)
    assert (
        code == 1 and "2.0e-05 on 8 test clips" in output and "do not use it" in error and error.count("\nexport") < 2
    )
    model = folder / "ucf101_3dcnnmodel.json"
    (folder / "args.json").unlink()
    monkeypatch.setattr(formats, "open_export", opened)
    code, output, _ = run("export.py", "--model", model, "--format", "keras", "--output", tmp_path / "new" / "out")
    assert (
        code == 0 and "noise (no run with test clips)" in output and (tmp_path / "new" / "out" / "labels.txt").exists()
    )


def predicted(run, model, video, *options):
    code, output, error = run("predict.py", "--model", model, "--json", *options, video)
    assert code == 0, error
    return {row["class"]: pytest.approx(row["probability"], abs=1e-5) for row in json.loads(output)[0]["predictions"]}


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (lambda: foreign.conv3d(foreign.COLOUR, last=None, count=3), ["--range", -1, 1]),  # ends in logits
        (lambda: foreign.conv3d((12, 16, 5, 3)), []),  # frames are not square
        (foreign.two_heads, ["--output-layer", "noun"]),
        (lambda: foreign.of_2017(3), ["--scrambled", "False", "--axes", "HWTC"]),
    ],
)
def test_models_of_others(build, options, run, tmp_path):
    """What was said at the export need not be said again."""
    write_blocks(tmp_path / "v.avi")
    build().save(tmp_path / "m.keras")
    whole = ["--model", tmp_path / "m.keras", *options, "--format", "keras", "--output", tmp_path / "out"]
    code, output, error = run("export.py", *whole)
    assert code == 0, error
    expected = predicted(run, tmp_path / "m.keras", tmp_path / "v.avi", *options)
    again = predicted(run, tmp_path / "out" / "m.keras", tmp_path / "v.avi")
    assert again == expected and max(share.expected for share in again.values()) < 0.999
    about = json.loads((tmp_path / "out" / "m.keras.json").read_text())
    assert about["check"]["largest_difference"] < 1e-5
    if "--range" in options:
        assert about["input"]["range"] == [-1, 1] and "softmax" in about["output"]["meaning"]
    if "--output-layer" in options:
        assert about["output"]["of"] == ["verb", "noun"] and about["output"]["number"] == 1


def test_test_clips_are_few_evenly_spread_and_those_of_the_training(trained_run, bars, monkeypatch, decoded, forked):
    from actioncnn.data import store
    from actioncnn.runs.find import find_model

    chosen, load_clips = [], store.load_clips
    monkeypatch.setattr(store, "load_clips", lambda videos, *more: chosen.append(videos) or load_clips(videos, *more))
    export = runpy.run_path(str(ROOT / "export.py"))
    files = find_model(trained_run)
    for most in (64, 3):
        export["test_clips"].__globals__["MOST"] = most
        export["test_clips"](files, files.sampling, bars)
    assert decoded() == []
    assert len(chosen[0]) == 8 and chosen[1] == [chosen[0][0], chosen[0][3], chosen[0][7]]


@pytest.mark.parametrize("options", [[], ["--run", "x"], ["--run", "x", "--model", "y", "--format", "onnx"]])
def test_usage(options, capsys):
    assert run_script("export.py", *options) == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_model_is_not_replaced_by_its_export(run, tmp_path):
    foreign.conv3d(foreign.COLOUR).save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    code, _, error = run("export.py", "--model", tmp_path / "m.keras", "--format", "keras", "--output", tmp_path)
    assert code == 1 and "--output" in error.splitlines()[-1] and (tmp_path / "m.keras").read_bytes() == before


def test_absent(run, tmp_path):
    code, _, error = run("export.py", "--run", tmp_path / "none", "--format", "keras")
    assert code == 1 and "not a directory" in error and error.count("\n") == 1
