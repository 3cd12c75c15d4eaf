"""Windows over the frames of a long video or of a camera, as a stream: memory does not grow with its length."""

import functools
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from actioncnn.video import frame_folder, pool
from actioncnn.video.decode import MAX_MISSES, open_sure, resize, time_behind
from actioncnn.video.opened import OpenedVideo, Retrieve
from actioncnn.video.sampling import Sampling

RATES = 0.1, 480  # frames a second; a container that says 1000 or 60000 gives the unit of its time stamps
USUAL_RATE = 25  # where neither the container nor the time stamps tell
LONGEST = 600  # seconds that a frame may last, as in a recorded screen; a longer one is a jump of the time stamps
SLACK = 0.0005  # seconds by which time stamps in milliseconds are rounded


def timed(path: Path | str) -> Iterator[tuple[float, float, Retrieve]]:
    """Iterates (seconds since the first frame, how long it probably lasts, retrieve) over the frames that decode.

    The time is the container's (videos of phones have a variable frame rate); where that stands still, goes back or
    jumps, the frame follows the one before by the rate. retrieve() -> (ok, BGR frame). NoFrameError: cannot be opened.
    """
    yield from stamped(open_sure(path))


def stamped(capture: OpenedVideo, patience: float = float("inf")) -> Iterator[tuple[float, float, Retrieve]]:
    """The same of an opened video; it ends where no frame comes for `patience` seconds, as from a broken stream."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    gap = 1 / (rate if RATES[0] <= rate <= RATES[1] else USUAL_RATE)
    now, last, misses, arrival = 0.0, None, 0, time.monotonic()
    while misses < MAX_MISSES and time.monotonic() - arrival < patience:
        if not capture.grab():
            misses += 1
            continue
        stamp, misses, arrival = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 0, time.monotonic()
        if last is not None:
            gap = stamp - last if 0 < stamp - last < LONGEST else gap
            now += gap
        last = stamp
        yield now, gap, capture.retrieve
    capture.release()


class Window(NamedTuple):
    """A span of a video."""

    start: float  # seconds
    end: float
    clip: np.ndarray | None  # uint8 (H, W, depth or 1, channels)


class Filling:
    """A window that is being filled with frames."""

    def __init__(self, start: float, places: list[float]):
        self.start, self.places = start, places
        self.frames: list[np.ndarray] = []

    def due(self, until: float) -> int:
        """The number of frames to be taken from before the time `until`."""
        missing = self.places[len(self.frames) :]
        return sum(self.start + place < until - SLACK for place in missing)


def cut(
    frames: Iterable[tuple[float, float, Retrieve]], sampling: Sampling, length: float, step: float
) -> Iterator[Window]:
    """Iterates over the Windows that begin every `step` seconds in frames as `timed` gives them.

    Their frames are those that show at even intervals, or that follow the start. What is left at the end is a window
    too, if it is half of one: it goes on with the last frame taken. Of frames that last less than one window, the clip
    is None.
    """
    wanted, count, frame, end, covered = sampling.times(length), 0, None, 0.0, 0.0
    filling: deque[Filling] = deque()
    for now, gap, retrieve in frames:
        end = now + gap
        while count * step < end:
            filling.append(Filling(count * step, wanted))
            count += 1
        due = [(window, window.due(end)) for window in filling]
        if any(number for _, number in due):
            _, image = retrieve()
            frame = frame if image is None else resize(image, sampling.width, sampling.height, sampling.color)
        if frame is not None:
            for window, number in due:
                window.frames += [frame] * (number if sampling.skip else min(number, 1))
        while filling and filling[0].start + length <= end + SLACK and len(filling[0].frames) == len(wanted):
            covered = filling[0].start + length
            yield finished(filling.popleft(), length)
    if count and not covered:
        yield Window(0.0, end, None)
    elif filling and frame is not None and covered < end - SLACK and (rest := end - filling[0].start) >= length / 2:
        filling[0].frames += [frame] * (len(wanted) - len(filling[0].frames))
        yield finished(filling[0], rest)


def finished(filling: Filling, length: float) -> Window:
    return Window(filling.start, filling.start + length, time_behind(np.stack(filling.frames)))


def windows(
    paths: Mapping[pool.Key, Path], sampling: Sampling, length: float, step: float, workers: int | None = None
) -> Iterator[tuple[pool.Key, Any]]:
    """Iterates (index, Window) over the windows of {index: path}, then Remarks, and at a video's end as pool.run.

    A video shorter than one window is sampled as a whole.
    """
    return pool.run(paths, functools.partial(_windows, sampling=sampling, length=length, step=step), workers)


def _windows(path, sampling, length, step):
    for window in cut(_guarded(timed(path)), sampling, length, step):
        yield window if window.clip is not None else window._replace(clip=pool.read_clip(path, sampling))
    if os.path.isdir(path):
        yield pool.Remark(f"pictures tell no frame rate: {USUAL_RATE} a second are assumed")
    yield from map(pool.Remark, frame_folder.remarks(path, sampling.places))


def _guarded(frames):
    """The frames, each of which has to come within PATIENCE seconds; this process ends where one does not."""
    while True:
        with pool.limited(pool.PATIENCE):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame
