"""visualize_input.py as a user runs it: options, files, pictures, errors."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from foreign_models import two_heads
from helpers import ROOT, run_script, write_video
from PIL import Image, ImageSequence

from actioncnn import device

device.setup("float32")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from actioncnn.model.loading import load_model  # noqa: E402
from actioncnn.model.saving import save_model  # noqa: E402
from actioncnn.train import networks  # noqa: E402

SCRIPT = ROOT / "visualize_input.py"
CLASSES = "Jump\nRun\nSwim\n"


def run(*arguments):
    """Runs the script in this process -> its exit code."""
    return run_script("visualize_input.py", *arguments)


def saved(folder, name, shape):
    keras.utils.set_random_seed(0)
    layer = networks.numbered()
    flat = len(shape) == 3
    conv, pool = (layers.Conv2D, layers.MaxPooling2D) if flat else (layers.Conv3D, layers.MaxPooling3D)
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), *([] if flat else [layer(layers.Permute, networks.TIME_FIRST)])]
    steps += [layer(conv, 4, 3, activation="relu"), layer(pool, 2), layer(layers.Flatten)]
    model = networks.chain(
        shape, [*steps, layer(layers.Dense, 6, activation="relu"), layer(layers.Dense, 3, activation="softmax")]
    )
    files = folder / f"{name}.json", folder / f"{name}.hd5"
    save_model(model, *files)
    return files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, shape in (("clip", (12, 14, 11, 1)), ("color", (12, 12, 4, 3)), ("frame", (12, 12, 1))):
        saved(folder, name, shape)
    (folder / "classes.txt").write_text(CLASSES)
    return folder


def model(folder, name):
    return "-m", folder / f"{name}.json", "-w", folder / f"{name}.hd5"


def test_files_of_a_clip(folder, tmp_path, capsys):
    assert (
        run(*model(folder, "clip"), "-n", "'dense_2'", "-i", 1, "--iter", 15, "--output", tmp_path / "new" / "dir") == 0
    )
    out = tmp_path / "new" / "dir"
    stem = "maximize_dense_2_1"
    frames = [f"{stem}_{index:02d}.png" for index in range(11)]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*frames, *(f"{stem}{end}" for end in (".gif", ".json", ".npy", "_sheet.png", "_ascent.png"))]
    )
    clip = np.load(out / f"{stem}.npy")
    assert clip.shape == (12, 14, 11, 1) and clip.dtype == np.float32
    shown = np.stack([np.asarray(Image.open(out / name)) for name in frames], 2)
    assert shown.shape == (12, 14, 11) and np.array_equal(shown, clip[..., 0])
    with Image.open(out / f"{stem}.gif") as gif:
        moving = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(gif)]
    assert len(moving) == 11 and moving[0].shape[0] > 100
    scale = moving[0].shape[0] // 12
    assert all(np.array_equal(frame[::scale, ::scale], shown[..., t]) for t, frame in enumerate(moving))
    figures = json.loads((out / f"{stem}.json").read_text())
    unit = figures["units"][0]
    network = load_model(*(folder / f"clip{end}" for end in (".json", ".hd5")))
    assert network.predict(clip[None], verbose=0)[0, 1] == pytest.approx(unit["probability"], abs=1e-5)
    assert (unit["class"], figures["options"]["iter"], len(unit["curve"])) == ("Run", 15, 16)
    assert re.search(r"dense_2 1 Run: activation \S+ -> \S+, probability", capsys.readouterr().out)


@pytest.mark.slow
def test_layer_without_classes_has_no_class_name(folder, tmp_path, capsys):
    assert run(*model(folder, "color"), "-n", "conv3d_1", "-i", 2, "--iter", 5, "--output", tmp_path) == 0
    frame = np.asarray(Image.open(tmp_path / "maximize_conv3d_1_2_0.png"))
    assert frame.shape == (12, 12, 3) and frame.std(-1).max() > 0
    assert "probability" not in capsys.readouterr().out


def test_frame_of_a_2d_network(folder, tmp_path):
    assert run(*model(folder, "frame"), "-n", "dense_2", "-i", "0", "--iter", 5, "--output", tmp_path) == 0
    with Image.open(tmp_path / "maximize_dense_2_0.png") as frame:
        assert frame.size == (12, 12)
    assert not list(tmp_path.glob("*.gif"))
    assert np.load(tmp_path / "maximize_dense_2_0.npy").shape == (12, 12, 1)


@pytest.mark.slow
def test_all_units_on_one_sheet(folder, tmp_path):
    assert run(*model(folder, "clip"), "-n", "dense_1", "-i", "all", "--iter", 3, "--output", tmp_path) == 0
    assert len(list(tmp_path.glob("maximize_dense_1_[0-5].npy"))) == 6
    assert len(json.loads((tmp_path / "maximize_dense_1_all.json").read_text())["units"]) == 6
    assert {"maximize_dense_1_all.gif", "maximize_dense_1_all_sheet.png"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_default_output_is_the_current_directory(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*model(folder, "clip"), "-n", "dense_2", "-i", "0", "--iter", 1, "--classic") == 0
    assert Path("maximize_dense_2_0_00.png").exists()


def write_videos(folder):
    for name, value in (("Jump", 30), ("Run", 128), ("Swim", 220)):
        write_video(folder / f"v_{name}_g01_c01.avi", np.full((12, 32, 32), value, np.uint8))


@pytest.mark.slow
def test_best_real_clip(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    videos = tmp_path / "videos"
    videos.mkdir()
    write_videos(videos)
    (tmp_path / "classes.txt").write_text(CLASSES)
    inputs = keras.Input((12, 12, 4, 1))
    bright = layers.GlobalAveragePooling3D(name="bright")(inputs)
    files = tmp_path / "m.json", tmp_path / "m.hd5"
    save_model(keras.Model(inputs, layers.Dense(3, activation="softmax")(bright)), *files)
    assert (
        run(
            "-m",
            files[0],
            "-w",
            files[1],
            "-n",
            "bright",
            "-i",
            0,
            "--iter",
            2,
            "--output",
            tmp_path,
            "--videos",
            videos,
            "--range",
            0,
            255,
        )
        == 0
    )
    real = json.loads((tmp_path / "maximize_bright_0.json").read_text())["units"][0]["real"]
    assert real["file"] == "v_Swim_g01_c01.avi" and real["activation"] == pytest.approx(220, abs=3)
    assert "v_Swim_g01_c01.avi" in capsys.readouterr().out


def test_best_real_frame_is_the_middle_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "videos").mkdir()
    for name in ("Jump", "Run"):
        frames = np.repeat(np.arange(0, 240, 20, np.uint8), 32 * 32).reshape(12, 32, 32)
        write_video(tmp_path / "videos" / f"v_{name}_g01_c01.avi", frames)
    inputs = keras.Input((12, 12, 1))
    files = tmp_path / "m.json", tmp_path / "m.hd5"
    save_model(keras.Model(inputs, layers.GlobalAveragePooling2D(name="bright")(inputs)), *files)
    options = ["-n", "bright", "-i", 0, "--iter", 1, "--output", tmp_path, "--videos", tmp_path / "videos"]
    options += ["--range", 0, 255]
    assert run("-m", files[0], "-w", files[1], *options) == 0
    real = json.loads((tmp_path / "maximize_bright_0.json").read_text())["units"][0]["real"]
    assert real["activation"] == pytest.approx(120, abs=3)  # frame 6 of 12


def test_layer_names_need_no_layer(folder, capsys):
    assert run(*model(folder, "clip"), "--layernames", "True") == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"conv3d_1 +Conv3D +\(9, 10, 12, 4\) +4", lines[4])


@pytest.mark.slow
def test_model_in_one_file(folder, tmp_path, capfd):
    load_model(folder / "frame.json", folder / "frame.hd5").save(tmp_path / "m.keras")
    assert run("-m", tmp_path / "m.keras", "-n", "dense_2", "-i", "0,2", "--iter", 1, "--output", tmp_path) == 0
    assert (tmp_path / "maximize_dense_2_0,2_sheet.png").exists()
    beside = "-m", folder / "frame.json", "-n", "dense_2", "-i", 0, "--iter", 1, "--output", tmp_path
    assert run(*beside) == 0  # as the other scripts, it takes the weights beside the JSON
    shutil.copy(folder / "frame.json", tmp_path / "alone.json")
    capfd.readouterr()
    assert run("-m", tmp_path / "alone.json", *beside[2:]) == 1
    error = capfd.readouterr().err
    assert "--weights" in error and error.count("\n") == 1


def test_logits_stand_for_classes(tmp_path, capfd):
    """The margin of the class is climbed, not its logit, and its probability and name are told; of the chosen head."""
    two_heads().save(tmp_path / "m.keras")
    (tmp_path / "classes.txt").write_text("a\nb\nc\nd\n")
    options = "-m", tmp_path / "m.keras", "--output-layer", "noun", "--iter", 10, "--output", tmp_path, "-i", 2
    assert run(*options, "-n", "noun", "--objective", "margin") == 0
    assert re.search(r"noun 2 c: activation \S+ -> \S+, probability 0\.[5-9]", capfd.readouterr().out)
    assert run(*options, "-n", "verb") == 0  # another head: its units have no such names
    assert "verb 2: activation" in capfd.readouterr().out


def test_model_of_a_run(trained_run, tmp_path, capfd):
    assert run("-m", trained_run, "-l") == 0 and "dense_2" in capfd.readouterr().out
    assert run("-m", trained_run, "-n", "dense_2", "-i", 0, "--iter", 2, "--output", tmp_path) == 0
    assert "BarLeft" in capfd.readouterr().out and (tmp_path / "maximize_dense_2_0.gif").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("-m", empty, "-l") == 1
    assert capfd.readouterr().err == f"visualize_input.py: --model: no model in {empty}; give the model's file\n"


def test_layer_names_need_no_weights(folder, capsys):
    assert run("-m", folder / "clip.json", "-l", "True") == 0
    assert "conv3d_1 " in capsys.readouterr().out


@pytest.mark.parametrize(
    "shape, options, frames, high",
    [
        ((5, 16, 12, 3), [], (16, 12), 1),  # time first
        ((5, 16, 12, 3), ["--axes", "HWTC", "--range", "-2", "2"], (5, 16), 2),
        ((16, 12, 3), [], (16, 12), 1),
    ],
)
def test_frames_of_models_of_others(shape, options, frames, high, tmp_path, capfd):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layers.Dense(2, "softmax", name="d")(layers.Flatten()(inputs)))
    model.save(tmp_path / "m.keras")
    assert run("-m", tmp_path / "m.keras", "-n", "d", "-i", 0, "--iter", 3, "--output", tmp_path, *options) == 0
    others = {*tmp_path.glob("*_sheet.png"), *tmp_path.glob("*_ascent.png")}
    pictures = sorted({*tmp_path.glob("*.png")} - others)
    assert len(pictures) == (1 if len(shape) == 3 else 5 if frames == (16, 12) else 12)
    assert np.asarray(Image.open(pictures[0])).shape == (*frames, 3)
    clip = np.load(tmp_path / "maximize_d_0.npy")
    assert clip.shape == shape and abs(clip).max() <= high and (clip.min() < 0) == ("--range" in options)
    told = json.loads((tmp_path / "maximize_d_0.json").read_text())
    assert told["units"][0]["probability"] == pytest.approx(float(model(clip[None])[0, 0]), abs=1e-5)
    assert told["options"]["range"] == [-high if options else 0, high]
    error = capfd.readouterr().err
    assert ("values from 0 to 1" in error and "--range LOW HIGH" in error) == (not options)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["-n", "dense_3", "-i", "0"], "'dense_3' is not in the model; did you mean dense_"),
        (["-n", "dense_2", "-i", "3"], "--index 3: the layer has the units 0 to 2"),
        (["-n", "dense_2", "-i", "-1"], "--index -1: give units"),
        (["-n", "dense_2"], "--name and --index are required"),
        (["-n", "dense_2", "-i", "0", "--iter", "0"], "--iter"),
        (["-n", "dense_2", "-i", "0", "--tv-time", "-2"], "--tv-time"),
        (["-n", "conv3d_1", "-i", "0", "--objective", "margin"], "--objective margin"),
        (["-n", "dense_2", "-i", "0", "--range", "1", "0"], "--range"),
    ],
)
def test_usage_errors(folder, tmp_path, capfd, arguments, message):
    assert run(*model(folder, "clip"), *arguments, "--output", tmp_path) == 2
    error = capfd.readouterr().err
    assert message in error and "Traceback" not in error


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--classes", "nowhere.txt"], "nowhere.txt: no such file"),
        (["--classes", SCRIPT], "names for 3 classes"),
        (["--output", SCRIPT], "--output"),
        (["--videos", "nowhere"], "nowhere"),
    ],
)
def test_errors_of_files(folder, tmp_path, capfd, arguments, message):
    assert run(*model(folder, "frame"), "-n", "dense_2", "-i", "0", "--iter", 1, "--output", tmp_path, *arguments) == 1
    error = capfd.readouterr().err
    assert message in error.splitlines()[-1] and "Traceback" not in error


@pytest.mark.slow
def test_hostile_layer_name_stays_in_the_output(tmp_path, capfd):
    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten(name="..")(inputs)
    files = tmp_path / "m.json", tmp_path / "m.hd5"
    save_model(keras.Model(inputs, layers.Dense(2, name="a.._.b")(x)), *files)
    for name in ("..", "a.._.b"):
        assert run("-m", files[0], "-w", files[1], "-n", name, "-i", 0, "--iter", 1, "--output", tmp_path / "o") == 0
    assert {path.name for path in (tmp_path / "o").glob("*.npy")} == {"maximize_.._0.npy", "maximize_a.._.b_0.npy"}


def test_names_that_tensorflow_cannot_take(tmp_path, capfd):
    """Nor a terminal: they are shown with what would move its cursor made visible."""
    inputs, files = keras.Input((8, 8, 1)), (tmp_path / "m.json", tmp_path / "m.hd5")
    x = layers.Dense(2, activation="softmax", name="_größe\x1b[2J\n")(layers.Flatten(name="a b;c")(inputs))
    save_model(keras.Model(inputs, x, name="_%s"), *files)
    for name in ("a b;c", r"_größe\x1b[2J\n"):
        assert run("-m", files[0], "-w", files[1], "-n", name, "-i", 0, "--iter", 2, "--output", tmp_path) == 0
    capfd.readouterr()
    assert run("-m", files[0], "-l") == 0
    table = capfd.readouterr().out
    lines = table.splitlines()
    assert lines[0].startswith("name ") and lines[3].startswith(r"_größe\x1b[2J\n  Dense") and len(lines) == 4
    assert run("-m", files[0], "-w", files[1], "-n", "_größe", "-i", 0) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and "\x1b" not in error


def test_warns_when_nothing_rose(tmp_path, capfd):
    inputs = keras.Input((8, 8, 1))
    dead = layers.Dense(2, kernel_initializer="zeros", activation="relu", name="dead")(layers.Flatten()(inputs))
    files = tmp_path / "m.json", tmp_path / "m.hd5"
    save_model(keras.Model(inputs, dead), *files)
    assert run("-m", files[0], "-w", files[1], "-n", "dead", "-i", 0, "--output", tmp_path) == 0
    assert "did not rise" in capfd.readouterr().err


@pytest.mark.slow
def test_as_a_program_from_elsewhere(folder, tmp_path):
    command = [sys.executable, SCRIPT, *model(folder, "clip"), "-n", "dense_2", "-i", "2", "--iter", "2"]
    done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("maximize_dense_2_2_*.png"))) == 13
