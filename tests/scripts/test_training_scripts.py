"""The training scripts, end to end on videos that the tests make: files, figures, learning, errors, resumption."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT, as_pictures

from actioncnn.runs import folder, tables


def metrics(output):
    return json.loads((output / "args.json").read_text())["metrics"]


def check_run(output, stem, epochs):
    """All files of a run are there, and say the same."""
    names = {path.name for path in output.iterdir() if path.is_file()}
    assert names == {name for name in folder.names(stem) if name != "checkpoint.h5"}  # what a later run replaces
    history = tables.read_history(output / "result.txt")
    assert [row["epoch"] for row in history] == list(range(1, epochs + 1))
    assert (output / "result.txt").read_text().startswith("epoch\tloss\tacc\tval_loss\tval_acc\n1\t")
    assert (output / f"{stem}.hd5").read_bytes()[:8] == b"\x89HDF\r\n\x1a\n"
    assert (output / "model.png").read_bytes()[:4] == b"\x89PNG"
    with (output / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = np.mean([row["true"] == row["predicted"] for row in rows])
    assert right == pytest.approx(metrics(output)["top1"]) == pytest.approx(history[-1]["val_acc"], abs=1e-5)
    return rows


@pytest.mark.slow
def test_3dcnn_learns_motion(run, bars, cache, tmp_path):
    options = [
        "--videos",
        bars,
        "--nclass",
        2,
        "--batch",
        8,
        "--epoch",
        10,
        "--cache",
        cache,
        "--size",
        16,
        "--views",
        3,
    ]
    code, output, error = run("3dcnn.py", *options, "--output", tmp_path / "new" / "out")
    assert code == 0, error
    rows = check_run(tmp_path / "new" / "out", "ucf101_3dcnnmodel", 10)
    assert len({row["file"].split("_g")[1][:2] for row in rows}) == 2  # whole groups of 4 clips, in both classes
    assert metrics(tmp_path / "new" / "out")["top1"] > 0.9  # of 8 clips
    assert metrics(tmp_path / "new" / "out")["top1_views"] > 0.9
    assert "with frames shuffled" in output and "of 2 groups cannot tell" in output
    assert (tmp_path / "new" / "out" / "classes.txt").read_text() == "BarLeft\nBarRight\n"
    assert "; batches of 8 clips\n" in output
    assert "split groups: 40 training clips of 10 groups, 8 test clips of 2 groups" in output
    assert "note: the official splits are UCF-101's" in output
    saved = json.loads((tmp_path / "new" / "out" / "args.json").read_text())
    assert saved["recipe"]["augment"]["flip"] is False  # a mirror would make left right
    assert saved["options"]["batch"] == 8 and saved["versions"]["keras"] and saved["counts"]["train"] == 40


@pytest.mark.slow
def test_2dcnn_learns_a_picture(run, stripes, cache, tmp_path):
    options = ["--videos", stripes, "--batch", 8, "--epoch", 12, "--cache", cache, "--size", 16, "--color"]
    code, output, error = run("2dcnn.py", *options, "--output", tmp_path)
    assert code == 0, error
    check_run(tmp_path, "ucf101cnnmodel", 12)
    assert metrics(tmp_path)["top1"] >= 0.9
    assert "random" in output and "--nclass" not in output  # nobody gave it
    shape = json.loads((tmp_path / "ucf101cnnmodel.json").read_text())["config"]["layers"][0]["config"]["batch_shape"]
    assert shape == [None, 16, 16, 3]


@pytest.mark.slow
def test_ensemble_beats_chance_and_goes_on_after_a_kill(run, bars, cache, tmp_path, monkeypatch):
    options = ["--videos", bars, "--batch", 8, "--epoch", 12, "--cache", cache, "--size", 16]
    options += ["--nmodel", 2, "--depth", 5]
    assert run("3dcnn_ensemble.py", *options, "--output", tmp_path / "whole")[0] == 0
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    assert names >= {f"{i}_{kind}.png" for i in (0, 1) for kind in ("accuracy", "loss")}
    assert names >= {"result_0.txt", "result_1.txt", "result.txt", "ucf101_3dcnnmodel.hd5", "predictions.csv"}
    assert names == set(folder.names("ucf101_3dcnnmodel", 2)) - set(folder.checkpoints(2))
    header, figures = (tmp_path / "whole" / "result.txt").read_text().splitlines()
    assert header == "loss\tacc" and float(figures.split("\t")[1]) == pytest.approx(metrics(tmp_path / "whole")["top1"])
    assert metrics(tmp_path / "whole")["top1"] > 0.75

    from actioncnn.train import loop

    monkeypatch.setattr(loop, "EVERY", 0)  # each epoch is told
    fit, calls = loop.fit, []

    def killed_in_the_second(*args, on_epoch, **more):
        calls.append(1)

        def after(history):
            on_epoch(history)
            if len(calls) == 2 and len(history) == 2:
                raise KeyboardInterrupt

        return fit(*args, on_epoch=after, **more)

    monkeypatch.setattr(loop, "fit", killed_in_the_second)
    monkeypatch.setattr("os._exit", lambda code: sys.exit(code))
    assert run("3dcnn_ensemble.py", *options, "--output", tmp_path / "killed")[0] == 130
    assert len(tables.read_history(tmp_path / "killed" / "result_1.txt")) == 2
    monkeypatch.setattr(loop, "fit", fit)
    assert run("3dcnn_ensemble.py", *options, "--output", tmp_path / "killed", "--resume")[0] == 0
    for name in names - {"args.json", "report.html", "seconds.txt"}:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_an_ensemble_of_another_network(run, stripes, cache, tmp_path):
    options = ["--videos", stripes, "--batch", 8, "--epoch", 1, "--cache", cache, "--size", 8, "--nmodel", 2]
    code, _, error = run("3dcnn_ensemble.py", *options, "--network", "2dcnn", "--output", tmp_path)
    assert code == 0, error
    model = json.loads((tmp_path / "ucf101cnnmodel.json").read_text())["config"]["layers"]
    assert model[0]["config"]["batch_shape"] == [None, 8, 8, 1]
    assert [layer["name"] for layer in model[1:]] == ["member_0", "member_1", "average_1"]


@pytest.mark.slow
def test_my_model_from_another_directory(bars, cache, tmp_path):
    command = [sys.executable, str(ROOT / "3dcnn-my-model.py"), "--videos", str(bars), "--epoch", "12", "--batch", "8"]
    command += ["--cache", str(cache), "--size", "16", "--output", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "out", "ucf101_3dcnnmodel", 12)
    assert metrics(tmp_path / "out")["top1"] > 0.9
    for line in done.stderr.replace("\r", "\n").splitlines():
        assert line.startswith(("training", "reading")) or not line.strip(), line  # no chatter of TensorFlow


@pytest.mark.slow
def test_layouts_and_seeds(run, bars, tmp_path):
    """Flat and nested give the same result.txt, byte for byte, another seed another; a cache hit decodes nothing."""
    nested = tmp_path / "above" / "UCF-101"
    for path in bars.glob("*.avi"):
        folder = nested / path.name.split("_")[1]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder)
    options = ["--batch", 8, "--epoch", 1, "--cache", tmp_path / "cache", "--size", 16, "--depth", 4, "--split", "2"]
    for name, videos, seed in (("flat", bars, 5), ("nested", nested.parent, 5), ("other", bars, 6)):
        code, _, error = run("3dcnn.py", *options, "--videos", videos, "--seed", seed, "--output", tmp_path / name)
        assert code == 0, error
        assert ("reading videos" in error) == (name != "other")
    flat, nested, other = ((tmp_path / name / "result.txt").read_bytes() for name in ("flat", "nested", "other"))
    assert flat == nested != other


@pytest.mark.slow
def test_a_resumed_run_must_be_the_same_run(run, bars, cache, tmp_path):
    options = ["--videos", bars, "--epoch", 1, "--cache", cache, "--size", 8, "--depth", 2, "--output", tmp_path]
    assert run("3dcnn.py", *options)[0] == 0
    assert json.loads((tmp_path / "args.json").read_text())["options"]["batch"] == 32
    before = (tmp_path / "result.txt").read_bytes()
    code, _, error = run("3dcnn.py", *options, "--resume", "--batch", 7)
    assert code == 1 and "--batch" in error and error.strip().count("\n") == 0
    code, output, _ = run("3dcnn.py", *options, "--resume")
    assert code == 0 and "nothing is left to do" in output and (tmp_path / "result.txt").read_bytes() == before
    code, _, error = run("3dcnn.py", *options)
    assert code == 1 and "holds a finished run" in error and "--overwrite True" in error
    shutil.copytree(bars, tmp_path / "videos")
    options[1] = tmp_path / "videos"
    args = json.loads((tmp_path / "args.json").read_text())
    args["options"]["videos"] = str(tmp_path / "videos")
    (tmp_path / "args.json").write_text(json.dumps(args))
    assert run("3dcnn.py", *options, "--resume")[0] == 0  # the same videos elsewhere
    shutil.copy(*(tmp_path / "videos" / f"v_BarLeft_g{group}_c01.avi" for group in ("01", "02")))
    code, _, error = run("3dcnn.py", *options, "--resume")
    assert code == 1 and "the videos are not those of the run" in error


@pytest.mark.slow
def test_all_splits(run, bars, cache, tmp_path):
    named = {"BarLeft": "YoYo", "BarRight": "Punch", "g12": "g15"}
    (tmp_path / "videos").mkdir()
    for path in bars.iterdir():
        name = path.name
        for part, other in named.items():
            name = name.replace(part, other)
        shutil.copy2(path, tmp_path / "videos" / name)
    options = ["--videos", tmp_path / "videos", "--epoch", 1, "--cache", cache, "--size", 8, "--depth", 2]
    code, output, error = run("3dcnn.py", *options, "--split", "all", "--output", tmp_path)
    assert code == 0, error
    rows = [line.split("\t") for line in (tmp_path / "result.txt").read_text().splitlines()]
    assert [row[0] for row in rows] == ["split", "1", "2", "3", "mean", "std"]
    top1 = [float(row[2]) for row in rows[1:4]]
    assert float(rows[4][2]) == pytest.approx(np.mean(top1), abs=1e-5) and "three splits" in output
    with (tmp_path / "split_3" / "predictions.csv").open() as file:
        assert {row["file"].split("_")[2] for row in csv.DictReader(file)} == {"g15"}
    parts = [tmp_path / f"split_{name}" / "predictions.csv" for name in (1, 2, 3)]
    count = sum(part.read_text().count("\n") - 1 for part in parts)
    assert f"{count} test clips of " in (tmp_path / "report.html").read_text()
    parts = [tmp_path / f"split_{number}" for number in (1, 2, 3)]
    before = {path: path.read_bytes() for part in parts for path in part.iterdir()}
    for path in parts[2].iterdir():
        path.unlink()
    code, output, error = run("3dcnn.py", *options, "--split", "all", "--output", tmp_path, "--resume")
    assert code == 0 and output.count("had ended") == 2, error
    del before[parts[2] / "seconds.txt"]
    assert {path: path.read_bytes() for part in parts for path in part.iterdir()} == before


@pytest.mark.slow
def test_folds_test_each_clip_once(run, bars, cache, tmp_path):
    options = ["--epoch", 1, "--cache", cache, "--size", 8, "--depth", 2]
    code, output, error = run("3dcnn.py", "--videos", bars, *options, "--split", "folds:2", "--output", tmp_path)
    assert code == 0 and "2 folds: mean of their top-1" in output, error
    with (tmp_path / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == sorted(path.name for path in bars.iterdir())
    right = [row["true"] == row["predicted"] for row in rows]
    table = [line.split("\t") for line in (tmp_path / "result.txt").read_text().splitlines()]
    assert [row[0] for row in table] == ["split", "fold_1_of_2", "fold_2_of_2", "mean", "std"]
    counts = [json.loads((tmp_path / row[0] / "args.json").read_text())["counts"]["test"] for row in table[1:3]]
    assert sum(counts) == 48
    assert "48 test clips of 12 groups" in (tmp_path / "report.html").read_text()
    assert np.mean(right) == pytest.approx(np.average([float(row[2]) for row in table[1:3]], weights=counts), abs=1e-5)


@pytest.mark.slow
def test_own_train_and_test_folders(run, bars, cache, tmp_path):
    for path in bars.iterdir():
        _, name, group, clip = path.name.split("_")
        side = {"g03": "test", "g04": "val"}.get(group, "train")
        (tmp_path / "own" / side / name).mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, tmp_path / "own" / side / name / f"{group}{clip}")
    options = ["--videos", tmp_path / "own", "--epoch", 1, "--cache", cache, "--size", 8, "--depth", 2]
    code, output, error = run("3dcnn.py", *options, "--output", tmp_path / "out")
    assert code == 0 and "split given: 40 training clips, 4 test clips" in output, error
    assert "40 videos like train/BarLeft/g01c01.avi: class BarLeft, train side\n" in output
    assert "note: left out: 4 videos of the val side; there is a test side\n" in output
    with (tmp_path / "out" / "predictions.csv").open() as file:
        assert {row["file"][:15] for row in csv.DictReader(file)} == {"test/BarLeft/g0", "test/BarRight/g"}
    (tmp_path / "list.csv").write_text("own/train/BarLeft/g01c01.avi,a\nown/train/BarRight/g01c01.avi,b\n")
    lists = ["--train-list", tmp_path / "list.csv", "--test-list", tmp_path / "no.csv"]
    code, output, error = run("3dcnn.py", *options, "--output", tmp_path / "other", *lists)
    assert code == 1 and error.endswith("no.csv: No such file or directory; give a list of videos\n")


@pytest.mark.slow
def test_a_broken_video_costs_only_itself(run, bars, cache, tmp_path):
    shutil.copytree(bars, tmp_path / "videos")
    (tmp_path / "videos" / "v_BarLeft_g01_c09.avi").write_bytes(b"RIFF broken")
    (tmp_path / "videos" / "notes.txt").write_text("not a video")
    options = ["--epoch", 1, "--cache", cache, "--size", 8, "--depth", 2, "--output", tmp_path / "out"]
    code, output, error = run("3dcnn.py", "--videos", tmp_path / "videos", *options)
    assert code == 0 and "40 training clips of 10 groups, 8 test clips" in output
    listed = [line for line in error.splitlines() if "v_BarLeft_g01_c09.avi" in line]
    assert len(listed) == 1 and "cannot be opened" in listed[0] and "notes.txt" not in error


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (None, ["--videos", "absent"], ["absent", "UCF101", "unrar"]),
        (lambda d: (d / "empty").mkdir(), ["--videos", "empty"], ["empty", "no video"]),
        (lambda d: shutil.copytree(d / "bars" / "BarLeft", d / "one"), ["--videos", "one"], ["one class"]),
        (lambda d: (d / "file").touch(), ["--videos", "bars", "--output", "file"], ["--output", "file"]),
        (lambda d: (d / "file").touch(), ["--videos", "bars", "--output", "file/out"], ["--output", "file"]),
    ],
)
def test_mistakes_are_told_in_one_line(run, bars, tmp_path, monkeypatch, make, options, words):
    monkeypatch.chdir(tmp_path)
    for path in bars.glob("*g01*.avi"):
        folder = tmp_path / "bars" / path.name.split("_")[1]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder)
    if make:
        make(tmp_path)
    code, output, error = run("3dcnn.py", "--output", "out", "--cache", tmp_path / "cache", *options)
    lines = [line for line in error.replace("\r", "\n").splitlines() if line.strip() and "reading videos" not in line]
    assert code == 1 and len(lines) == 1
    assert all(word.lower() in lines[0].lower() for word in words), lines[0]


@pytest.mark.slow
def test_frames_as_pictures_give_the_same_result(run, bars, cache, tmp_path):
    for path in bars.glob("*_g0[6-9]_*.avi"):
        as_pictures(path, tmp_path / "pictures" / path.name.split("_")[1] / path.stem)
        (tmp_path / "videos" / path.name).parent.mkdir(exist_ok=True)
        shutil.copy2(path, tmp_path / "videos")
    options = ["--epoch", 2, "--cache", cache, "--size", 8, "--depth", 2, "--balance", "--batch", 4]
    for name in ("pictures", "videos"):
        code, _, error = run("3dcnn.py", *options, "--videos", tmp_path / name, "--output", tmp_path / f"of_{name}")
        assert code == 0, error
    for name in ("result.txt", "class_report.csv"):
        contents = [(tmp_path / f"of_{kind}" / name).read_bytes() for kind in ("pictures", "videos")]
        assert contents[0] == contents[1]
    assert json.loads((tmp_path / "of_videos" / "args.json").read_text())["options"]["balance"] is True


@pytest.mark.slow
def test_fine_tuning_goes_on_after_a_kill(run, bars, trained_run, cache, tmp_path, monkeypatch):
    from actioncnn.train import loop

    options = ["--videos", bars, "--nclass", 2, "--batch", 16, "--epoch", 2, "--cache", cache, "--size", 16]
    options += ["--depth", 4, "--start", trained_run, "--freeze"]
    code, output, error = run("3dcnn.py", *options, "--output", tmp_path / "whole")
    assert code == 0, error
    said = "6 of 6 layers have the weights of"  # bars are the same classes: the head too
    assert f"start: {said}" in output and "not trained" in output
    saved = json.loads((tmp_path / "whole" / "args.json").read_text())
    assert saved["options"]["start"] == str(trained_run) and saved["options"]["freeze"] and said in saved["start"][0]
    fit = loop.fit

    def killed(*args, on_epoch, **more):
        def after(history):
            on_epoch(history)
            raise KeyboardInterrupt

        return fit(*args, on_epoch=after, **more)

    monkeypatch.setattr(loop, "fit", killed)
    monkeypatch.setattr("os._exit", lambda code: sys.exit(code))
    assert run("3dcnn.py", *options, "--output", tmp_path / "killed")[0] == 130
    monkeypatch.setattr(loop, "fit", fit)
    code, output, _ = run("3dcnn.py", *options, "--output", tmp_path / "killed", "--resume")
    assert code == 0 and "start:" not in output
    for name in ("result.txt", "predictions.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    without = [word for word in options if word not in ("--start", trained_run, "--freeze")]
    code, _, error = run("3dcnn.py", *without, "--output", tmp_path / "killed", "--resume")
    assert code == 1 and f"--start {trained_run}, not None" in error
