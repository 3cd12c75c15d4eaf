"""What a camera or a stream shows, classified once a second."""

import contextlib
import os
import re
import time

import cv2

from actioncnn.cli import say, warn
from actioncnn.errors import NoFrameError, UserError
from actioncnn.predict.timeline import amount
from actioncnn.runs.tables import best_classes
from actioncnn.video.windows import cut, stamped

STEP = 1.0  # seconds between predictions
TOP = 3  # classes that are named
SILENCE = 10  # seconds without a frame after which a stream is broken
RETRIES = 3  # of a stream that broke; one that lasted counts anew
LASTING = 60  # seconds
PAUSE = 5  # seconds before each
DIGITS = 4  # of the number of a camera
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def source(names):
    """The number of a camera or the address of a stream, where that is all that is named; else None.

    A file of this name comes first. UserError: a stream among other names.
    """
    streams = [name for name in names if ADDRESS.match(name)]
    if streams and len(names) > 1:
        raise UserError(f"{without_password(streams[0])}: a stream is watched alone; give it without other videos")
    if streams:
        return streams[0]
    if len(names) > 1 or not names[0].isdecimal() or os.path.lexists(names[0]):
        return None
    if len(names[0]) > DIGITS:
        raise UserError(f"camera {names[0][:40]}: no camera has such a number; give another, or a video file")
    return int(names[0])


def without_password(address):
    """The address of a stream as it may be printed: what stands before its @ is for that machine alone."""
    scheme, rest = address.split("://", 1)
    machine, *path = re.split("(?=[/?#])", rest, maxsplit=1)
    names = machine.rpartition("@")
    hidden = f"{names[0].split(':')[0]}:***@{names[2]}" if names[1] else machine
    return f"{scheme}://{hidden}{''.join(path)}"


def open_camera(index):
    """An opened camera; NoFrameError: there is none."""
    capture = cv2.VideoCapture(index)
    if not capture.isOpened() or not capture.read()[0]:
        raise NoFrameError("no such camera, or another program uses it")
    return capture


def open_stream(address):
    """An opened stream; NoFrameError: nothing answers there, or it is no video."""
    milliseconds = 1000 * SILENCE
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    files_only = os.environ.pop("OPENCV_FFMPEG_CAPTURE_OPTIONS", None)  # as video.decode has it
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
    if files_only:
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = files_only
    if not capture.isOpened():
        raise NoFrameError("cannot be opened")
    return capture


def live(capture):
    """Frames of a camera as windows.timed gives those of a file; ends when it gives no more."""
    start = time.monotonic()
    while capture.grab():
        yield time.monotonic() - start, 0.0, capture.retrieve


def watch(source, make_model, length, threshold=0.0):
    """Prints once a second what the last `length` seconds of a camera or stream show, until Ctrl-C.

    source: number of a camera, or address of a stream, whose time is that of its frames. A stream that breaks
    is tried again. UserError: it has ended.
    """
    cv2.utils.logging.setLogLevel(0)  # OpenCV would tell of what cannot be opened, too
    streams = isinstance(source, str)
    name = f"stream {without_password(source)}" if streams else f"camera {source}"
    try:
        capture = open_stream(source) if streams else open_camera(source)
    except NoFrameError as error:
        advice = "check the address" if streams else "give the number of another, or a video file"
        raise UserError(f"{name}: {error}; {advice}") from None
    model, tries = make_model(), 0
    try:
        while capture:
            begun, lasting = time.monotonic(), streams and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
            tell(stamped(capture, SILENCE) if streams else live(capture), model, length, threshold)
            if not lasting:  # a camera, or a file at an address, has an end
                break
            tries = 0 if time.monotonic() - begun > LASTING else tries
            capture, tries = reopened(source, name, tries)
    except KeyboardInterrupt:
        return
    raise UserError(f"{name}: gives no more frames")


def tell(frames, model, length, threshold):
    """Prints once a second what frames show, to their end."""
    for _, _, clip in cut(frames, model.reads, length, STEP):
        if clip is None:  # it has stopped already
            break
        best = best_classes(model(model.reads.pick(clip[None]))[0], model.classes, TOP, threshold)
        named = [f"{amount(share, model.classes, 0)} {name}" for name, share in best]
        say(f"{time.strftime('%H:%M:%S')} {'  '.join(named)}")


def reopened(source, name, tries):
    """(a stream that broke, opened again, or None; how often it was tried by now, up to RETRIES)."""
    while tries < RETRIES:
        tries += 1
        warn(f"{name}: gives no more frames; it is tried again in {PAUSE} s ({tries} of {RETRIES})")
        time.sleep(PAUSE)
        with contextlib.suppress(NoFrameError):
            return open_stream(source), tries
    return None, tries
