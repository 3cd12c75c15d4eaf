"""Index of videos -> one uint8 array of clips, extracted by parallel processes and cached on disk.

The cache has two files for each set of videos and options. clips-<key>.npy is the array; while it grows it is called
.partial. clips-<key>.log has a line per finished video: its index, the checksum of its clip, and why it failed, if so.
A run that was killed goes on where it stopped; a clip whose checksum is wrong is made anew.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
import zlib
from collections import Counter, deque
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from actioncnn.cli import UserError
from videoto3d import NoFrameError, Videoto3D

VERSION = 1  # of the clips' content: raise it when decoding, resizing or the order of the axes changes
PATIENCE = 120  # seconds for a video of no size; a decoder that hangs on a broken file must not stop the run
BYTES_PER_SECOND = 500_000  # and a second more for so many bytes: 60 times what a UCF-101 clip needs
TRIES = 2  # a worker may die, or a run be suspended, through no fault of the video


class Worker(NamedTuple):
    process: multiprocessing.Process
    pipe: multiprocessing.connection.Connection


def default_cache():
    """The folder for caches: actioncnn in $XDG_CACHE_HOME, else in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actioncnn"


def load(videos, size, depth, color, skip, cache_dir=None, workers=None):
    """Clips of the videos, from the cache where it has them: read-only memory-mapped uint8 (N, size, size, depth,
    channels), and {index: reason} of the videos that gave no frame (their clips are zeros).

    `color` gives 3 channels (RGB), else 1; `depth` and `skip` as in Videoto3D. `workers`: number of processes, the
    CPUs' by default. UserError: no frame in any video, cache not writable, disk full.
    """
    shape = (len(videos), size, size, depth, 3 if color else 1)
    options = {"size": size, "depth": depth, "color": bool(color), "skip": bool(skip)}
    folder = Path(cache_dir or default_cache())
    path = folder / f"clips-{size}x{size}x{depth}x{shape[-1]}-{cache_key(videos, options)}.npy"
    try:
        reasons = _status(path, shape)
        if len(reasons) < len(videos):
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(path.with_suffix(".lock")):
                _complete(path, shape, videos, options, workers or _cpus())
            reasons = _status(path, shape)
    except (BlockingIOError, BrokenPipeError):  # no process could be started; the terminal has gone
        raise
    except OSError as error:
        raise UserError(
            f"--cache: {folder}: {error.strerror or error}; make room there or give another folder"
        ) from error
    failures = {index: reason for index, reason in sorted(reasons.items()) if reason}
    if len(failures) == len(videos):
        raise UserError(f"none of {len(videos)} videos gives a frame; the first, {videos[0].path}: {failures[0]}")
    return np.load(path, mmap_mode="r"), failures


def report_failures(videos, failures):
    """Lines that tell which videos are left out, and why."""
    lines = [f"left out: {videos[index].path}: {reason}" for index, reason in failures.items()]
    return [line.encode(errors="replace").decode() for line in lines]  # a file name need not be valid text


def cache_key(videos, options):
    """Hexadecimal digest of all that the clips depend on: files (path, size, time), options, versions."""
    import cv2

    content = json.dumps([VERSION, cv2.__version__, options, [_identity(video.path) for video in videos]])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _identity(path):
    try:
        stat = os.stat(path)
    except OSError:  # a link to nowhere; reported when it is read
        return [str(path)]
    return [os.path.realpath(path), stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK)]


def _cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _locked(path):
    """A held lock, to be used in `with`; it falls with the process that holds it."""
    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print("another run is extracting the same clips; waiting for it", file=sys.stderr, flush=True)
        return lock.acquire(poll_interval=0.2)


def _status(path, shape):
    """{index: None, or reason of the failure} of the clips in an array file that are finished and undamaged."""
    try:
        clips = np.asarray(np.load(path, mmap_mode="r"))  # np.memmap is slow to index
        lines = path.with_suffix(".log").read_text().splitlines()
    except (OSError, ValueError):  # absent, cut, or no array at all
        return {}
    if clips.shape != shape or clips.dtype != np.uint8 or not clips.flags.c_contiguous:
        return {}
    entries = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):  # a line that was being written when the run was killed
            index, checksum, reason = json.loads(line)
            entries[index] = checksum, reason
    return {i: entries[i][1] for i in range(len(clips)) if i in entries and zlib.crc32(clips[i]) == entries[i][0]}


def _complete(path, shape, videos, options, workers):
    """Decode what is missing in the array file at `path`, and give it that name when it has all clips."""
    if len(_status(path, shape)) == len(videos):
        return  # the other run has made it
    partial = path.with_suffix(".npy.partial")
    if path.exists():
        os.replace(path, partial)  # damaged: keep what is good
    done = _status(partial, shape)
    if not done:
        _allocate(partial, shape)
        path.with_suffix(".log").unlink(missing_ok=True)
    todo = [index for index in range(len(videos)) if index not in done]
    clip_bytes = int(np.prod(shape[1:]))
    start = partial.stat().st_size - clip_bytes * len(videos)  # what comes before is numpy's header
    progress = tqdm(
        total=len(videos),
        initial=len(done),
        unit="video",
        desc="reading videos",
        mininterval=0.2 if sys.stderr.isatty() else 30,
    )
    # Plain writes, because a memory-mapped one ends in SIGBUS on a full disk. First the clip, then the line that says so.
    with progress, partial.open("r+b") as array, path.with_suffix(".log").open("a", 1) as log:
        log.write("\n")  # ends a line that a kill left unfinished
        with contextlib.closing(_decoded([(i, videos[i].path) for i in todo], options, workers)) as results:
            for index, result in results:
                failed = isinstance(result, str)
                content = bytes(clip_bytes) if failed else result.tobytes()
                array.seek(start + index * clip_bytes)
                array.write(content)
                array.flush()
                log.write(json.dumps([index, zlib.crc32(content), result if failed else None]) + "\n")
                progress.update()
    os.replace(partial, path)


def _allocate(path, shape):
    """An array file of zeros, without blocks on the disk as yet."""
    need, free = int(np.prod(shape)), shutil.disk_usage(path.parent).free
    if need > free:
        raise UserError(
            f"--cache: {path.parent}: {need / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; make room there or give another folder"
        )
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _decoded(tasks, options, workers):
    """Iterates (index, clip or reason) over (index, path) tasks, as they finish.

    Each process has one video at a time. So, when a decoder crashes or hangs, it is known which video did it.
    """
    queue, tries, idle, busy = deque(tasks), Counter(), [], {}
    try:
        while queue or busy:
            while queue and len(busy) < workers:
                worker, task = idle.pop() if idle else _start(options), queue.popleft()
                with contextlib.suppress(OSError):  # it has died; the end of its pipe says so below
                    worker.pipe.send(task[1])
                busy[worker.pipe] = worker, task, time.monotonic() + PATIENCE + _bytes(task[1]) / BYTES_PER_SECOND
            for pipe in wait(list(busy), timeout=1):
                worker, task, deadline = busy.pop(pipe)
                try:
                    result = pipe.recv()
                    idle.append(worker)
                except (EOFError, OSError):
                    result = _cause(worker.process, deadline)
                    tries[task] += 1
                    if tries[task] < TRIES:
                        queue.append(task)
                        continue
                yield task[0], result
            for worker, _, deadline in busy.values():
                if time.monotonic() > deadline:
                    worker.process.kill()  # then its pipe ends, and is found above
    finally:
        for worker in [*idle, *(worker for worker, _, _ in busy.values())]:
            worker.process.kill()


def _bytes(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _cause(process, deadline):
    process.join()
    late = time.monotonic() > deadline
    return "the decoder hangs on it" if late else f"the decoder crashes on it (exit status {process.exitcode})"


def _start(options):
    # Forking the threads of TensorFlow may deadlock, and macOS and Windows don't fork; spawning costs a second.
    fork = sys.platform == "linux" and "tensorflow" not in sys.modules
    context = multiprocessing.get_context("fork" if fork else "spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, os.getpid(), options), daemon=True)
    process.start()
    theirs.close()  # so that the pipe ends when the process does
    return Worker(process, ours)


def _serve(pipe, parent, options):
    """Work of one process: path in, clip or reason out, until the parent has gone."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # decoders write to the terminal from C
    cv2.setNumThreads(1)
    while os.getppid() == parent:
        if pipe.poll(1):
            pipe.send(_read(pipe.recv(), **options))


def _read(path, size, depth, color, skip):
    """One video's clip, uint8 (size, size, depth, channels), or the reason why there is none."""
    try:
        frames = Videoto3D(size, size, depth).video3d(path, color, skip)
    except NoFrameError as error:
        return str(error)
    except Exception as error:  # whatever else a broken file leads to must cost only that file
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return np.ascontiguousarray(np.moveaxis(frames.reshape(depth, size, size, -1), 0, 2))
