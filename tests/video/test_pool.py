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
from helpers import ROOT, SAMPLING, names, write_blocks

from actioncnn.data import store
from actioncnn.errors import NoFrameError, UserError
from actioncnn.video import decode, pool, windows
from actioncnn.video.pool import Failed, Finished
from actioncnn.video.windows import Window

pytestmark = pytest.mark.usefixtures("forked")

UNGUARDED = """
import sys
sys.path.insert(0, {root!r})
from actioncnn.data import index, store
from actioncnn.video.sampling import Sampling
import numpy
print(numpy.sum(store.load_clips(index.scan("videos"), Sampling(16, 4, False), "cache", 2)[0]))
"""


def test_processes_do_not_run_the_script_again(videos, load, tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED.format(root=str(ROOT)))
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.stdout == f"{load(videos, workers=1)[0].sum()}\n", run.stderr


MASK = """
import sys
sys.path.insert(0, {root!r})
from actioncnn.video import pool
worker = pool.start(iter)
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
    monkeypatch.setattr(store, "VERSION", 0)  # an empty cache
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
    assert failures[1] == "is empty" and failures[5] == "no such file"
    assert not any("\n" in reason for reason in failures.values())
    assert "reading videos" in (error := capfd.readouterr().err) and not error.replace("reading videos: ", "").count(
        "avi"
    )
    assert load(broken)[1] == failures
    assert decoded() == [*names(broken), "5.avi"]  # what is missing may be there the next time
    write_blocks(broken[5].path)
    assert set(load(broken)[1]) == {1, 2, 4}


def test_no_video_with_a_frame_is_an_error(broken, load, decoded):
    for _ in range(2):
        with pytest.raises(UserError, match=r"none of 2 videos .*1.avi: is empty"):
            load(broken[1:3])
    assert decoded() == ["1.avi", "2.avi"]


def misbehave(monkeypatch, tmp_path, how, times=1000):
    """Make the reading of 2.avi fail in some way, at most so many times."""
    read_frames, timed, log = decode.read_frames, windows.timed, tmp_path / "misbehaved"

    def fails(path):
        if Path(path).name != "2.avi" or (log.exists() and log.stat().st_size >= times):
            return False
        with log.open("a") as file:
            file.write("x")
        return True

    def frames(path, *sampling):
        return how() if fails(path) else read_frames(path, *sampling)

    def timed_frames(path):
        late = fails(path)
        for number, frame in enumerate(timed(path)):
            if late and number == 8:
                how()
            yield frame

    monkeypatch.setattr(decode, "read_frames", frames)
    monkeypatch.setattr(windows, "timed", timed_frames)


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
def test_crash_or_hang_costs_only_the_file_that_caused_it(videos, load, monkeypatch, tmp_path, how, reason):
    expected = np.array(load(videos)[0])
    misbehave(monkeypatch, tmp_path, how)
    monkeypatch.setattr(store, "VERSION", 0)  # an empty cache
    monkeypatch.setattr(pool, "PATIENCE", 0.5)
    array, failures = load(videos)
    assert failures == {2: reason} and not array[2].any()
    np.testing.assert_array_equal(np.delete(array, 2, 0), np.delete(expected, 2, 0))


def read_windows(videos):
    """{index: all that came of a video} in windows of 4 frames, which begin every 2."""
    answers = {index: [] for index in range(len(videos))}
    paths = {index: video.path for index, video in enumerate(videos)}
    for index, item in windows.windows(paths, SAMPLING, length=4 / 25, step=2 / 25, workers=2):
        answers[index].append(item)
    return answers


def test_a_worker_that_dies_once_costs_nothing(videos, load, monkeypatch, tmp_path):
    misbehave(monkeypatch, tmp_path, lambda: os._exit(3), times=1)
    assert load(videos)[1] == {}


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("end, passing", [(segfault, False), (os.abort, False), (killed, True)])
def test_a_crash_or_want_of_memory_is_not_tried_again(videos, monkeypatch, tmp_path, end, passing):
    """Its next try would be another crash, or take the machine's memory again; the next run may try a killed one."""
    faulthandler.disable()
    misbehave(monkeypatch, tmp_path, end, times=1)
    ((_, failed),) = pool.clips({0: videos[2].path}, SAMPLING, 1)
    assert isinstance(failed, Failed) and failed.passing == passing
    assert (tmp_path / "misbehaved").read_text() == "x"


def test_a_worker_that_dies_once_costs_no_window_and_doubles_none(videos, monkeypatch, tmp_path):
    expected = read_windows(videos)
    assert {len(items) for items in expected.values()} == {6} and expected[2][-1] == Finished()
    misbehave(monkeypatch, tmp_path, lambda: os._exit(3), times=1)
    again = read_windows(videos)
    for items, others in zip(expected.values(), again.values(), strict=True):
        assert [item[:2] for item in items] == [item[:2] for item in others]
        assert all(np.array_equal(a.clip, b.clip) for a, b in zip(items[:-1], others[:-1], strict=True))


def test_windows_of_a_file_that_crashes_end_in_the_reason(videos, monkeypatch, tmp_path):
    misbehave(monkeypatch, tmp_path, segfault)
    answers = read_windows(videos)
    assert answers[2][-1] == Failed("the decoder crashes on it (SIGSEGV)")
    assert [isinstance(item, Window) for item in answers[2][:-1]] == [True] * len(answers[2][:-1])
    assert all(items[-1] == Finished() for index, items in answers.items() if index != 2)


def send(job, known=0):
    """What a worker sends of a path."""
    items = []
    pool.send_all(type("Pipe", (), {"send": lambda self, item: items.append(item)})(), job, "x.avi", known)
    return items


def test_unforeseen_exception_is_a_reason_of_one_line():
    def fail(path):
        raise RuntimeError("two\n  lines")
        yield

    def no_frame(path):
        yield 1
        raise NoFrameError("is empty")

    assert send(fail) == [Failed("RuntimeError: two lines")]
    assert send(no_frame) == [1, Failed("is empty")]
    assert send(lambda path: iter("ab")) == ["a", "b", Finished()]
    assert send(lambda path: iter("ab"), known=1) == ["b", Finished()]
    assert send(lambda path: iter("ab"), known=2) == [Finished()]
    assert send(lambda path: ()) == [Failed("no frame can be decoded")]


def greedy(path):
    """A job that takes all memory, of one video."""
    with Path(path).with_name("tries").open("a") as file:
        file.write("x")
    yield np.ones(6 * 10**8).sum() if Path(path).name == "2.avi" else 1


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
def test_a_video_that_takes_all_memory_is_tried_once(videos):
    answers = list(pool.run({0: videos[1].path, 1: videos[2].path}, greedy, 1))
    assert answers[:2] == [(0, 1), (0, Finished())]
    ((index, failed),) = answers[2:]
    assert index == 1 and isinstance(failed, Failed) and not failed.passing and "memory" in failed.reason
    assert (videos[0].path.parent / "tries").read_text() == "xx"


def held(path):
    """A job whose results stay in a cycle, as objects of PyAV do: the memory of 2.avi is most of what there is."""
    cycle = [np.ones(150 * 10**6)]
    cycle.append(cycle)
    yield len(cycle[0])


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
def test_what_a_video_took_is_there_for_the_next(videos):
    answers = pool.run(dict(enumerate(each.path for each in videos)), held, 1)
    assert not [answer for _, answer in answers if isinstance(answer, Failed)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc")
def test_workers_leave_no_zombies(videos):
    children = lambda: {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}  # noqa: E731
    before = children()
    assert len(list(pool.clips({i: each.path for i, each in enumerate(videos)}, SAMPLING, 2))) == 6
    assert children() <= before
