"""Processes that read videos: what they must not do, and what a broken video or a crash costs."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SETTINGS, names, video, write_blocks

from actioncnn import clips, extract
from actioncnn.cli import UserError
from videoto3d import NoFrameError, Videoto3D

pytestmark = pytest.mark.usefixtures("forked")

UNGUARDED = """
import sys
sys.path.insert(0, {root!r})
from actioncnn import clips, dataset
print(clips.load(dataset.scan("videos"), 16, 4, False, True, cache_dir="cache", workers=2)[0].sum())
"""


def test_processes_do_not_run_the_script_again(videos, load, tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED.format(root=str(ROOT)))
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.stdout == f"{load(videos, workers=1)[0].sum()}\n", run.stderr


MASK = """
import sys
sys.path.insert(0, {root!r})
from actioncnn import extract
worker = extract.start(extract._serve, dict(size=16, depth=4, color=False, skip=True))
print(next(line for line in open(f"/proc/{{worker.process.pid}}/status") if line.startswith("SigBlk")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_interrupt_does_not_reach_a_process_that_is_starting():
    run = subprocess.run(
        [sys.executable, "-c", MASK.format(root=str(ROOT))], capture_output=True, text=True, timeout=60
    )
    assert int(run.stdout.split()[1], 16) >> (signal.SIGINT - 1) & 1, run.stderr


def test_threads_of_opencv_do_no_harm(videos, load, monkeypatch):
    """A forked worker would wait for ever for threads that it does not have."""
    import cv2

    expected = np.array(load(videos)[0])
    monkeypatch.undo()
    cv2.setNumThreads(2)
    cv2.warpAffine(np.zeros((999, 999, 3), np.float32), np.eye(2, 3), (999, 999))  # starts OpenCV's threads
    monkeypatch.setattr(clips, "VERSION", 0)  # an empty cache
    np.testing.assert_array_equal(load(videos)[0], expected)


@pytest.fixture
def broken(videos):
    """The six videos, of which four are broken."""
    folder = videos[0].path.parent
    whole = videos[1].path.read_bytes()
    (folder / "1.avi").write_bytes(b"")
    (folder / "2.avi").write_text("no video\n" * 1000)
    (folder / "3.avi").write_bytes(whole[: len(whole) // 2])  # some of its frames are there
    (folder / "4.avi").write_bytes(whole[:200])
    (folder / "5.avi").unlink()
    return videos


def test_broken_videos_are_left_out_with_a_reason(broken, load, decoded, capfd):
    array, failures = load(broken)
    assert set(failures) == {1, 2, 4, 5} and not array[[1, 2, 4, 5]].any() and array[[0, 3]].any((1, 2, 3, 4)).all()
    lines = clips.report_failures(broken, failures)
    assert lines[0] == f"left out: {broken[1].path}: is empty" and lines[3].endswith("5.avi: no such file")
    assert len(lines) == 4 and not any("\n" in line for line in lines)
    assert "reading videos" in (error := capfd.readouterr().err) and not error.replace("reading videos: ", "").count(
        "avi"
    )
    assert load(broken)[1] == failures and decoded() == names(broken)
    write_blocks(broken[5].path)
    assert set(load(broken)[1]) == {1, 2, 4}


def test_no_video_with_a_frame_is_an_error(broken, load, decoded):
    for _ in range(2):
        with pytest.raises(UserError, match=r"none of 2 videos .*1.avi: is empty"):
            load(broken[1:3])
    assert decoded() == ["1.avi", "2.avi"]


def test_file_name_that_is_no_text_is_reported():
    name = os.fsdecode(b"caf\xe9.avi")
    [line] = clips.report_failures([video(Path(name))], {0: "is empty"})
    assert line.encode() == b"left out: caf?.avi: is empty"


def misbehave(monkeypatch, tmp_path, how, times=1000):
    """Make the reading of 2.avi fail in some way, at most so many times."""
    read, log = extract.read, tmp_path / "misbehaved"

    def fail(path, **options):
        if Path(path).name == "2.avi" and (not log.exists() or log.stat().st_size < times):
            with log.open("a") as file:
                file.write("x")
            how()
        return read(path, **options)

    monkeypatch.setattr(extract, "read", fail)


def segfault():
    faulthandler.disable()  # pytest's, which would print the stack
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    "how, reason",
    [
        (lambda: os._exit(3), "the decoder crashes on it (exit status 3)"),
        (segfault, "the decoder crashes on it (SIGSEGV)"),
        (lambda: time.sleep(600), "the decoder hangs on it"),
    ],
    ids=["exit", "segfault", "hang"],
)
def test_crash_or_hang_costs_only_the_file_that_caused_it(videos, load, decoded, monkeypatch, tmp_path, how, reason):
    expected = np.array(load(videos)[0])
    misbehave(monkeypatch, tmp_path, how)
    monkeypatch.setattr(clips, "VERSION", 0)  # an empty cache
    monkeypatch.setattr(extract, "PATIENCE", 1)
    array, failures = load(videos)
    assert failures == {2: reason} and not array[2].any()
    np.testing.assert_array_equal(np.delete(array, 2, 0), np.delete(expected, 2, 0))


def test_a_worker_that_dies_once_costs_nothing(videos, load, decoded, monkeypatch, tmp_path):
    misbehave(monkeypatch, tmp_path, segfault, times=1)
    assert load(videos)[1] == {}


def test_unforeseen_exception_is_a_reason_of_one_line(monkeypatch):
    def fail(*_):
        raise RuntimeError("two\n  lines")

    monkeypatch.setattr(Videoto3D, "video3d", fail)
    assert extract.read("x.avi", **SETTINGS) == "RuntimeError: two lines"
    monkeypatch.setattr(Videoto3D, "video3d", lambda *_: (_ for _ in ()).throw(NoFrameError("is empty")))
    assert extract.read("x.avi", **SETTINGS) == "is empty"
