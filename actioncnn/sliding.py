"""Windows over the frames of a long video or of a camera, as a stream: memory does not grow with its length."""

import contextlib
import signal
import time
from collections import deque
from multiprocessing.connection import wait

import cv2
import numpy as np

from actioncnn import extract
from videoto3d import MAX_MISSES, NoFrameError, open_video, resize

RATES = 0.1, 480  # frames a second; a container that says 1000 or 60000 gives the unit of its time stamps
USUAL_RATE = 25  # where neither the container nor the time stamps tell
LONGEST = 600  # seconds that a frame may last, as in a recorded screen; a longer one is a jump of the time stamps
SLACK = 0.0005  # seconds by which time stamps in milliseconds are rounded


def timed(filename):
    """Iterates (seconds since the first frame, how long it probably lasts, retrieve) over the frames that decode.

    The time is the container's (videos of phones have a variable frame rate); where that stands still, goes back or
    jumps, the frame follows the one before by the rate. retrieve() -> (ok, BGR frame). NoFrameError: cannot be opened.
    """
    capture = open_video(filename)
    rate = capture.get(cv2.CAP_PROP_FPS)
    gap = 1 / (rate if RATES[0] <= rate <= RATES[1] else USUAL_RATE)
    now, last, misses = 0.0, None, 0
    while misses < MAX_MISSES:
        if not capture.grab():
            misses += 1
            continue
        stamp, misses = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 0
        if last is not None:
            gap = stamp - last if 0 < stamp - last < LONGEST else gap
            now += gap
        last = stamp
        yield now, gap, capture.retrieve
    capture.release()


class Window:
    """A span of a video that is being filled with frames."""

    def __init__(self, start, places):
        self.start, self.places, self.frames = start, places, []

    def due(self, until):
        """The number of frames to be taken from before the time `until`."""
        missing = self.places[len(self.frames) :]
        return sum(self.start + place < until - SLACK for place in missing)


def places(sampling, length):
    """Times within a window of `length` seconds of the frames that a model with this Sampling is shown."""
    if not sampling.depth:
        return [length / 2]
    return [length * i / sampling.depth if sampling.skip else 0 for i in range(sampling.depth)]


def windows(frames, sampling, length, step):
    """Iterates (start, end, clip) over windows that begin every `step` seconds in frames as `timed` gives them.

    clip: uint8 (size, size, depth or 1, channels); its frames are those that show at even intervals, or that follow
    the start. What is left at the end is a window too, if it is half of one: it goes on with the last frame taken.
    Of frames that last less than one window, clip is None.
    """
    wanted, filling, count, frame, end, covered = places(sampling, length), deque(), 0, None, 0.0, 0.0
    for now, gap, retrieve in frames:
        end = now + gap
        while count * step < end:
            filling.append(Window(count * step, wanted))
            count += 1
        due = [(window, window.due(end)) for window in filling]
        if any(number for _, number in due):
            good, image = retrieve()
            frame = resize(image, sampling.size, sampling.size, sampling.color) if good else frame
        for window, number in due if frame is not None else ():
            window.frames += [frame] * (number if sampling.skip else min(number, 1))
        while filling and filling[0].start + length <= end + SLACK and len(filling[0].frames) == len(wanted):
            covered = filling[0].start + length
            yield _finished(filling.popleft(), length)
    if count and not covered:
        yield 0.0, end, None
    elif filling and covered < end - SLACK and (rest := end - filling[0].start) >= length / 2:
        filling[0].frames += [frame] * (len(wanted) - len(filling[0].frames))
        yield _finished(filling[0], rest)


def _finished(window, length):
    frames = np.stack(window.frames)
    clip = np.ascontiguousarray(np.moveaxis(frames.reshape(*frames.shape[:3], -1), 0, 2))
    return window.start, window.start + length, clip


def decoded(paths, sampling, length, step, workers):
    """Iterates (index, clip, start, end) over the windows of each video; at its end (index, reason or None, ...).

    Each process has one video at a time: a decoder that crashes or hangs costs its video only. A video shorter than
    one window is sampled as a whole.
    """
    todo, idle, busy = deque(enumerate(paths)), [], {}
    try:
        while todo or busy:
            while todo and len(busy) < workers:
                process, pipe = idle.pop() if idle else extract.start(_serve, sampling, length, step)
                index, path = todo.popleft()
                with contextlib.suppress(OSError):  # it has died; the end of its pipe says so below
                    pipe.send(path)
                busy[pipe] = index, process
            for pipe in wait(list(busy)):
                index, item = busy[pipe][0], _receive(pipe, busy[pipe][1])
                if isinstance(item, tuple):
                    yield index, item[2], *item[:2]
                    continue
                _, process = busy.pop(pipe)
                if process.is_alive():
                    idle.append((process, pipe))
                yield index, item, None, None
    finally:
        for process in [process for process, _ in idle] + [process for _, process in busy.values()]:
            process.kill()


def _receive(pipe, process):
    try:
        return pipe.recv()
    except (EOFError, OSError):
        process.join()
        return extract.cause(process.exitcode)


def _serve(pipe, parent, *how):
    """Work of one process: path in; windows out, then None or why there is none."""
    for path in extract.paths(pipe, parent):
        pipe.send(_send_windows(pipe, path, *how))


def _send_windows(pipe, path, sampling, length, step):
    result = "no frame can be decoded"
    try:
        for start, end, clip in windows(_guarded(timed(path)), sampling, length, step):
            if clip is None:
                clip = extract.read(path, **sampling.options())
                if isinstance(clip, str):
                    return clip
            pipe.send((start, end, clip))
            result = None
    except BrokenPipeError:  # the parent has gone
        raise SystemExit from None
    except NoFrameError as error:
        return str(error)
    except Exception as error:  # whatever else a broken file leads to must cost only that file
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return result


def _guarded(frames):
    """The frames, each of which has to come within PATIENCE seconds."""
    while True:
        signal.setitimer(signal.ITIMER_REAL, extract.PATIENCE)
        frame = next(frames, None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if frame is None:
            return
        yield frame


def open_camera(index):
    """An opened camera; NoFrameError: there is none."""
    capture = cv2.VideoCapture(index)
    if not capture.isOpened() or not capture.read()[0]:
        raise NoFrameError("no such camera, or another program uses it")
    return capture


def live(capture):
    """Frames of a camera as `timed` gives those of a file; ends when it gives no more."""
    start = time.monotonic()
    while capture.grab():
        yield time.monotonic() - start, 0.0, capture.retrieve
