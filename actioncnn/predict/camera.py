"""What a camera sees, classified once a second."""

import time
from pathlib import Path

import cv2

from actioncnn.errors import NoFrameError, UserError
from actioncnn.files import printable
from actioncnn.report.tables import best_classes
from actioncnn.video.windows import cut

STEP = 1.0  # seconds between predictions
TOP = 3  # classes that are named


def number(names):
    """The number of a camera, where that is all that is named and no file has this name; else None."""
    return int(names[0]) if len(names) == 1 and names[0].isdecimal() and not Path(names[0]).exists() else None


def open_camera(index):
    """An opened camera; NoFrameError: there is none."""
    capture = cv2.VideoCapture(index)
    if not capture.isOpened() or not capture.read()[0]:
        raise NoFrameError("no such camera, or another program uses it")
    return capture


def live(capture):
    """Frames of a camera as windows.timed gives those of a file; ends when it gives no more."""
    start = time.monotonic()
    while capture.grab():
        yield time.monotonic() - start, 0.0, capture.retrieve


def watch(index, make_classifier, length):
    """Prints once a second what the last `length` seconds of a camera show, until Ctrl-C."""
    try:
        capture = open_camera(index)
    except NoFrameError as error:
        raise UserError(f"camera {index}: {error}; give the number of another, or a video file") from None
    classifier = make_classifier()
    try:
        for _, _, clip in cut(live(capture), classifier.sampling, length, STEP):
            if clip is None:  # the camera has stopped already
                break
            best = best_classes(classifier(clip[None])[0], classifier.classes, TOP)
            named = [f"{share:4.0%} {name}" for name, share in best]
            print(time.strftime("%H:%M:%S"), printable("  ".join(named)), flush=True)
    except KeyboardInterrupt:
        return
    raise UserError(f"camera {index}: gives no more frames")
