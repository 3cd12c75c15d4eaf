"""Videos -> clips, decoded by parallel processes. A decoder that crashes or hangs costs one file, never the run."""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import Counter, deque
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from types import ModuleType
from typing import NamedTuple

import numpy as np

from actioncnn.cli import UserError
from videoto3d import NoFrameError, Videoto3D

PATIENCE = 120  # seconds for a video of no size; a decoder that hangs on a broken file must not stop the run
BYTES_PER_SECOND = 500_000  # and a second more for so many bytes: 60 times what a UCF-101 clip needs
CONTEXT = multiprocessing.get_context("spawn")  # a fork of OpenCV's or TensorFlow's threads may wait for ever
TRIES = 2  # a worker may die, or a run be suspended, through no fault of the video


class Worker(NamedTuple):
    process: multiprocessing.Process
    pipe: multiprocessing.connection.Connection


def cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def decoded(tasks, options, workers):
    """Iterates (index, clip or reason) over (index, path) tasks, as they finish.

    Each process has one video at a time. So, when a decoder crashes or hangs, it is known which video did it.
    """
    queue, tries, idle, busy = deque(tasks), Counter(), [], {}
    try:
        while queue or busy:
            while queue and len(busy) < workers:
                worker, task = idle.pop() if idle else start(_serve, options), queue.popleft()
                with contextlib.suppress(OSError):  # it has died; the end of its pipe says so below
                    worker.pipe.send(task[1])
                busy[worker.pipe] = worker, task
            for pipe in wait(list(busy)):
                worker, task = busy.pop(pipe)
                try:
                    result = pipe.recv()
                    idle.append(worker)
                except (EOFError, OSError):
                    worker.process.join()
                    result = cause(worker.process.exitcode)
                    tries[task] += 1
                    if tries[task] < TRIES:
                        queue.append(task)
                        continue
                yield task[0], result
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.process.kill()


def cause(status):
    """Why a process ended that had a video, in a few words, from its exit status."""
    if status == -signal.SIGALRM:
        return "the decoder hangs on it"
    return f"the decoder crashes on it ({signal.Signals(-status).name if status < 0 else f'exit status {status}'})"


def start(serve, *task):
    """A Worker: a process that runs serve(pipe, process number of this one, *task), safe from Ctrl-C."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=serve, args=(theirs, os.getpid(), *task), daemon=True)
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


def paths(pipe, parent):
    """In a worker: iterates over the paths that are sent, until the parent has gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends this process, also in the middle of a decoder
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # decoders write to the terminal from C
    import cv2

    cv2.setNumThreads(1)
    while os.getppid() == parent:
        if pipe.poll(1):
            yield pipe.recv()


def _serve(pipe, parent, options):
    """Work of one process: path in, clip or reason out."""
    for path in paths(pipe, parent):
        size = os.path.getsize(path) if os.access(path, os.R_OK) else 0
        signal.setitimer(signal.ITIMER_REAL, PATIENCE + size / BYTES_PER_SECOND)
        pipe.send(read(path, **options))
        signal.setitimer(signal.ITIMER_REAL, 0)


def read(path, size, depth, color, skip):
    """One video's clip, uint8 (size, size, depth, channels), or the reason why there is none."""
    try:
        frames = Videoto3D(size, size, depth).video3d(path, color, skip)
    except NoFrameError as error:
        return str(error)
    except Exception as error:  # whatever else a broken file leads to must cost only that file
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return np.ascontiguousarray(np.moveaxis(frames.reshape(depth, size, size, -1), 0, 2))
