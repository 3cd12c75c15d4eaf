"""Fixtures that several test files share: small datasets that the tests make, and scripts run in this process."""

import multiprocessing
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import SAMPLING, bar, run_script, video, write_blocks, write_video

from actioncnn.data import store
from actioncnn.model.saving import save_model
from actioncnn.video import decode, pool

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the scripts do, before any test imports TensorFlow
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def precision():
    """A script that ran in this process leaves no precision behind."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache directory for all tests of a session, so that each dataset is decoded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(capsys):
    """run("3dcnn.py", "--epoch", 1, ...) -> (exit code, standard output, standard error), in this process."""

    def run(script, *options):
        capsys.readouterr()
        code = run_script(script, *options)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def bars(tmp_path_factory):
    """Bars that move left or right (only motion tells), named as in UCF-101: 2 classes, 12 groups, 2 clips each."""
    directory, rng = tmp_path_factory.mktemp("bars"), np.random.default_rng(0)
    for name, direction in (("BarLeft", -1), ("BarRight", 1)):
        for group in range(1, 13):
            for clip in (1, 2):
                write_video(directory / f"v_{name}_g{group:02d}_c{clip:02d}.avi", bar(rng, direction))
    return directory


@pytest.fixture(scope="session")
def stripes(tmp_path_factory):
    """Upright and level bars (one frame tells), in a folder per class, without groups."""
    directory, rng = tmp_path_factory.mktemp("stripes"), np.random.default_rng(0)
    for name, vertical in (("level", False), ("upright", True)):
        (directory / name).mkdir()
        for clip in range(20):
            write_video(directory / name / f"{clip}.avi", bar(rng, 1, vertical))
    return directory


@pytest.fixture(scope="session")
def trained_run(bars, cache, tmp_path_factory):
    """The --output of a short run of 3dcnn.py on `bars`: 16x16 pixels, 4 frames."""
    output = tmp_path_factory.mktemp("runs") / "3d"
    options = ["--videos", bars, "--output", output, "--cache", cache, "--nclass", 2, "--epoch", 1, "--batch", 16]
    assert run_script("3dcnn.py", *options, "--size", 16, "--depth", 4) == 0
    return output


@pytest.fixture
def videos(tmp_path):
    """Six videos in a folder of their own."""
    paths = [tmp_path / "videos" / f"{i}.avi" for i in range(6)]
    paths[0].parent.mkdir()
    for seed, path in enumerate(paths):
        write_blocks(path, seed)
    return [video(path) for path in paths]


@pytest.fixture
def forked(monkeypatch):
    """Workers are forked, not spawned: faster, and they inherit what a test patches."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # ends threads that a forked process would wait for
    monkeypatch.setattr(pool, "CONTEXT", multiprocessing.get_context("fork"))
    yield
    cv2.setNumThreads(threads)


@pytest.fixture
def decoded(monkeypatch, tmp_path):
    """The names of the files decoded so far: decoded() -> list."""
    log, read_clip = tmp_path / "decoded", decode.read_clip

    def spy(path, sampling):
        with log.open("a") as file:
            file.write(f"{Path(path).name}\n")
        return read_clip(path, sampling)

    monkeypatch.setattr(decode, "read_clip", spy)
    return lambda: sorted(log.read_text().split()) if log.exists() else []


@pytest.fixture
def load(tmp_path):
    def load(videos, workers=2, **changes):
        clips, failures = store.load_clips(videos, SAMPLING._replace(**changes), tmp_path / "cache", workers)
        return np.asarray(clips), failures

    return load


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A compiled and trained 2D CNN, and the folder of its two files."""
    from saved_models import FRAME, cnn2d, inputs, randomized

    folder = tmp_path_factory.mktemp("saved")
    model = randomized(cnn2d())
    model.compile("adam", "categorical_crossentropy")
    model.fit(inputs(FRAME), np.eye(3), verbose=0)
    save_model(model, folder / "m.json", folder / "m.hd5")
    return model, folder


@pytest.fixture
def saved(trained, tmp_path):
    """The same with copies of the files: model, JSON, HDF5."""
    model, folder = trained
    files = [Path(shutil.copy(folder / name, tmp_path)) for name in ("m.json", "m.hd5")]
    return model, *files
