"""Fixtures that several test files share: small datasets that the tests make, and scripts run in this process."""

import multiprocessing
import os
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from actioncnn import clips, extract, modelfile
from actioncnn.dataset import Video

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the scripts do, before any test imports TensorFlow
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache directory for all tests of a session, so that each dataset is decoded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(monkeypatch, capsys):
    """run("3dcnn.py", "--epoch", 1, ...) -> (exit code, standard output, standard error), in this process."""

    def run(script, *options):
        monkeypatch.setattr(sys, "argv", [str(ROOT / script), *map(str, options)])
        code = 0
        try:
            runpy.run_path(str(ROOT / script), run_name="__main__")
        except SystemExit as end:
            code = end.code
            if isinstance(code, str):  # as the interpreter does
                print(code, file=sys.stderr)
                code = 1
        output, error = capsys.readouterr()
        return code or 0, output, error

    return run


def write_video(path, frames, codec="MJPG", fps=25):
    """uint8 frames (T, H, W), or (T, H, W, 3) in BGR -> a video file."""
    import cv2

    frames = frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, 3)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, frames.shape[2:0:-1])
    for frame in frames:
        writer.write(frame)
    writer.release()


def bar(rng, direction, vertical=True):
    """A clear task: a bright bar that moves by `direction` columns a frame (or rows), wrapping, over dim noise."""
    frames = rng.integers(0, 60, (20, 32, 32))
    start = rng.integers(0, 32)
    for index, frame in enumerate(frames):
        places = (start + direction * index + np.arange(6)) % 32
        (frame.T if vertical else frame)[places] += 150
    return frames.astype(np.uint8)


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


SETTINGS = {"size": 16, "depth": 4, "color": False, "skip": True}


def write_blocks(path, seed=0, frames=12):
    """Frames of random blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (frames, 6, 8, 3), np.uint8)
    write_video(path, blocks.repeat(8, 1).repeat(8, 2))


def video(path):
    return Video(path, "Bow", None)


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
    monkeypatch.setattr(extract, "CONTEXT", multiprocessing.get_context("fork"))
    yield
    cv2.setNumThreads(threads)


@pytest.fixture
def decoded(monkeypatch, tmp_path):
    """The names of the files decoded so far: decoded() -> list."""
    log, read = tmp_path / "decoded", extract.read

    def spy(path, **options):
        with log.open("a") as file:
            file.write(f"{Path(path).name}\n")
        return read(path, **options)

    monkeypatch.setattr(extract, "read", spy)
    return lambda: sorted(log.read_text().split()) if log.exists() else []


@pytest.fixture
def load(tmp_path):
    def load(videos, workers=2, **changes):
        return clips.load(videos, **(SETTINGS | changes), cache_dir=tmp_path / "cache", workers=workers)

    return load


def names(videos):
    return [video.path.name for video in videos]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A compiled and trained 2D CNN, and the folder of its two files."""
    from saved_models import FRAME, cnn2d, inputs, randomized

    folder = tmp_path_factory.mktemp("saved")
    model = randomized(cnn2d())
    model.compile("adam", "categorical_crossentropy")
    model.fit(inputs(FRAME), np.eye(3), verbose=0)
    modelfile.save(model, folder / "m.json", folder / "m.hd5")
    return model, folder


@pytest.fixture
def saved(trained, tmp_path):
    """The same with copies of the files: model, JSON, HDF5."""
    model, folder = trained
    files = [Path(shutil.copy(folder / name, tmp_path)) for name in ("m.json", "m.hd5")]
    return model, *files
