"""Processes that read videos, clips and windows alike. A decoder that crashes or hangs costs one file, not the run."""

import contextlib
import functools
import gc
import itertools
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from actioncnn.cli import warn
from actioncnn.device import cpus
from actioncnn.errors import NoFrameError, PassingError, UserError, one_line
from actioncnn.video import decode, frame_folder
from actioncnn.video.limits import limited_memory
from actioncnn.video.sampling import Sampling

PATIENCE = 120  # seconds for a video of no size; a decoder that hangs on a broken file must not stop the run
BYTES_PER_SECOND = 500_000  # and a second more for so many bytes: 60 times what a UCF-101 clip needs
CONTEXT = multiprocessing.get_context("spawn")  # a fork of OpenCV's or TensorFlow's threads may wait for ever
PASSING = signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM  # no memory, a shutdown, a slow drive
TRIES = 2  # a worker may die, or a run be suspended, through no fault of the video
Key = TypeVar("Key")  # by which a caller knows a video: a row, say
Job = Callable[[Path], Iterable[Any]]  # what is read of a video, an item after the other
FINAL = signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGKILL  # the video's own crashes, and want of memory


class Failed(NamedTuple):
    """In place of what was to be read of a video: the reason why it is not there, in a few words."""

    reason: str
    passing: bool = False  # it may pass: the file is missing, say, or the system ended the process


class Finished(NamedTuple):
    """The end of a video of which something was read."""


class Remark(NamedTuple):
    """What is odd about a video of which something was read, in a few words."""

    text: str


class Task:
    """A video that is to be read: how often it was tried, and how many items of it have been passed on."""

    def __init__(self, index: Any, path: Path):
        self.index, self.path, self.tries, self.passed_on = index, path, 0, 0


class Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection


def clips(
    paths: Mapping[Key, Path], sampling: Sampling, workers: int | None = None
) -> Iterator[tuple[Key, np.ndarray | Failed | Remark]]:
    """Iterates (index, clip or Failed) over {index: path} as they finish; a clip is as decode.read_clip gives it.

    After a clip there may come Remarks.
    """
    answers = run(paths, functools.partial(_clip, sampling=sampling), workers)
    return (answer for answer in answers if not isinstance(answer[1], Finished))


def tell_remarks(items: Iterable[tuple[int, Any]], paths: Sequence[Path]) -> Iterator[tuple[int, Any]]:
    """The (index, item) of `clips` or `windows.windows`, but for Remarks: these are printed with their video's path."""
    for index, item in items:
        if isinstance(item, Remark):
            warn(f"note: {paths[index]}: {item.text}")
        else:
            yield index, item


def _clip(path, sampling):
    try:
        clip = read_clip(path, sampling)
    finally:
        if not os.path.isdir(path):
            decode.check_file(path)  # of a drive that goes meanwhile none or some of the frames are read
    yield clip
    if (clip == clip[:, :, :1]).all() and decode.is_still(path):
        yield Remark("it has a single frame, of which all its clips consist")
    yield from map(Remark, frame_folder.remarks(path, sampling.places))


def read_clip(path: Path | str, sampling: Sampling) -> np.ndarray:
    """decode.read_clip within the time that a video of its size may take."""
    with limited(seconds_for(path)):
        return decode.read_clip(path, sampling)


def lengths(paths: Mapping[Key, Path], workers: int | None = None) -> dict[Key, tuple[float, int]]:
    """{index: (frames a second, number of frames)} of {index: path}, as the containers tell it, 0 where they do not.

    Videos that cannot be opened are left out.
    """
    answers = run(paths, _length, workers)
    return {index: item for index, item in answers if not isinstance(item, Finished | Failed)}


def _length(path):
    import cv2

    with limited(seconds_for(path)):
        capture = decode.open_video(path)
    yield max(capture.get(cv2.CAP_PROP_FPS), 0), decode.claimed_count(capture)
    capture.release()


def seconds_for(path: Path | str) -> float:
    """How long the reading of a video of its size may take."""
    size = os.path.getsize(path) if os.access(path, os.R_OK) else 0
    return PATIENCE + size / BYTES_PER_SECOND


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Ends this process, a worker, also in the middle of a decoder, if the block takes longer."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def run(paths: Mapping[Key, Path], job: Job, workers: int | None = None) -> Iterator[tuple[Key, Any]]:
    """Iterates (index, item) over what job(path) yields for {index: path}; at a video's end Finished or Failed.

    Each process has one video at a time. So, when a decoder crashes or hangs, it is known which video did it.
    """
    queue, workers = deque(Task(*pair) for pair in paths.items()), workers or cpus()
    idle: list[Worker] = []
    busy: dict[Any, tuple[Worker, Task]] = {}  # by pipe
    try:
        while queue or busy:
            while queue and len(busy) < workers:
                worker, task = idle.pop() if idle else start(job), queue.popleft()
                with contextlib.suppress(OSError):  # it has died; the end of its pipe says so below
                    worker.pipe.send((task.path, task.passed_on))
                busy[worker.pipe] = worker, task
            for pipe in wait(list(busy)):
                worker, task = busy[pipe]
                item = receive(worker, task)
                if item is None or isinstance(item, Finished | Failed):
                    del busy[pipe]
                    idle += [worker] if worker.process.is_alive() else []
                if item is None:
                    queue.append(task)
                else:
                    task.passed_on += 1
                    yield task.index, item
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.process.kill()
            worker.process.join(1)  # no zombie; a process that waits for a drive does not die at once


def receive(worker: Worker, task: Task) -> Any:
    """What a worker sends of a video, Failed where it has died too often, None where the video is to be tried again."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
        task.tries += 1
        status = worker.process.exitcode or 0
        final = task.tries == TRIES or -status in FINAL
        return Failed(cause(status), -status in PASSING) if final else None


def cause(status: int) -> str:
    """Why a process ended that had a video, in a few words, from its exit status."""
    if status == -signal.SIGKILL:
        return "the system killed its process, maybe for want of memory"
    if status == -signal.SIGALRM:
        return "the decoder hangs on it"
    return f"the decoder crashes on it ({signal.Signals(-status).name if status < 0 else f'exit status {status}'})"


def start(job: Job) -> Worker:
    """A Worker: a process that does `job`, safe from Ctrl-C."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=serve, args=(theirs, os.getpid(), job), daemon=True)
    resource_tracker.ensure_running()  # its start would undo the next line
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # also in the process: Ctrl-C is the parent's
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:  # the process would import the running script: slow at best, endless where its code has no guard
        process.start()
    except OSError as error:
        raise UserError(f"--workers: no process can be started ({error.strerror}); take fewer") from error
    finally:
        sys.modules["__main__"] = script
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()  # so that the pipe ends when the process does
    return Worker(process, ours)


def serve(pipe: Connection, parent: int, job: Job) -> None:
    """Work of one process until the parent has gone: path and number of known items in; the others and the end out."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # decoders write to the terminal from C
    import cv2

    cv2.setNumThreads(1)
    gc.freeze()  # so that the collections below look at little
    with limited_memory(), contextlib.suppress(BrokenPipeError, EOFError):  # the parent has gone
        while os.getppid() == parent:
            if pipe.poll(1):
                send_all(pipe, job, *pipe.recv())
                gc.collect()  # what a file has taken must not be lacking for the next one


def send_all(pipe: Connection, job: Job, path: Path, known: int) -> None:
    """Sends what job(path) yields but for the first `known` items, and its end."""
    end: Finished | Failed | None = Finished() if known else None
    try:
        with limited_memory():
            for item in itertools.islice(job(path), known, None):
                pipe.send(item)
                end = Finished()
        end = Failed(decode.why_none(path)) if end is None else end
    except BrokenPipeError:
        raise
    except NoFrameError as error:
        end = Failed(str(error), isinstance(error, PassingError))
    except Exception as error:  # whatever else a broken file leads to must cost only that file
        end = Failed(one_line(error), isinstance(error, OSError))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    pipe.send(end)
