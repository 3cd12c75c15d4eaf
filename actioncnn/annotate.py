"""A copy of a video with what a classifier says drawn into its lower left corner."""

from pathlib import Path

import cv2
import numpy as np

from actioncnn import sliding
from actioncnn.cli import UserError, warn
from actioncnn.timeline import best, spans

LINES = 3  # classes
SMALLEST, LARGEST = 10, 40  # pixels, height of the text
SHADE = 0.7  # opacity of the panel behind the text
DARK, BAR = (40, 40, 40), (150, 95, 20)  # BGR


def annotate(source, path, rows, classes):
    """Writes the video `source` to `path` with the best classes of each time drawn in, at the same size and rate.

    The copy has no sound and a constant rate: frames are repeated or dropped where that of the source varies. One frame
    at a time: memory does not grow with the length. UserError: the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".part_{path.name}")
    try:
        with_writer(source, part, path, rows, classes)
        part.replace(path)
    except OSError as error:
        raise UserError(f"--annotate {path}: cannot be written ({error.strerror})") from None
    finally:
        part.unlink(missing_ok=True)


def with_writer(source, part, path, rows, classes):
    ends = [np.inf] if rows[0].start is None else [end for _, end in spans(rows)]
    writer = size = rate = panel = None
    place, written = -1, 0
    for now, gap, retrieve in sliding.timed(source):
        rate = rate or 1 / gap  # the first frame lasts as long as the container says of all
        copies = round((now + gap) * rate) - written
        good, frame = retrieve() if copies > 0 else (False, None)
        if not good:
            continue
        if writer is None:
            size = frame.shape[1::-1]
            writer = open_writer(part, path, rate, size)
        current = min(np.searchsorted(ends, now, side="right"), len(rows) - 1)
        if current != place:
            place, panel = current, make_panel(best(rows[current], classes, LINES), size)
        frame = draw(frame if frame.shape[1::-1] == size else cv2.resize(frame, size), panel)
        for _ in range(copies):
            writer.write(frame)
        written += copies
    if writer:
        writer.release()


def open_writer(part, path, rate, size):
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise UserError(f"--annotate {path}: cannot be written ({size[0]}x{size[1]} pixels); name an .mp4")
    if min(size) < 8 * SMALLEST:
        warn(f"--annotate: {size[0]}x{size[1]} pixels are too few for legible text")
    return writer


def make_panel(pairs, size):
    """What `draw` lays over frames of `size` (width, height): two uint8 (h, w, 3), the shade with bars and the text."""
    font, (width, height) = cv2.FontFace("sans"), size
    texts = [f"{share:4.0%}  {name}" for name, share in pairs]
    pixels = min(max(height // 18, SMALLEST), LARGEST)
    widest = max(measure(text, font, pixels) for text in texts)
    pixels = max(min(pixels, int(pixels * (width - pixels) / widest)), SMALLEST // 2)
    line = round(1.5 * pixels)
    wide = min(width, max(measure(text, font, pixels) for text in texts) + pixels)
    shade = np.full((line * len(texts) + pixels // 2, wide, 3), DARK, np.uint8)
    words = np.zeros_like(shade)
    for place, (text, (_, share)) in enumerate(zip(texts, pairs, strict=True)):
        top = pixels // 4 + place * line
        cv2.rectangle(shade, (0, top), (round(share * wide) - 1, top + line - 2), BAR, -1)
        cv2.putText(words, text, (pixels // 2, top + round(1.1 * pixels)), (255, 255, 255), font, pixels, 500)
    return (shade * SHADE).astype(np.uint8)[-height:], words[-height:]


def measure(text, font, pixels):
    """Width of a text in pixels."""
    return cv2.getTextSize((0, 0), text, (0, 0), font, pixels, 500)[2]


def draw(frame, panel):
    """Lays a panel over the lower left corner of a BGR frame, in place."""
    shade, words = panel
    corner = frame[-len(shade) :, : shade.shape[1]]
    corner[:] = cv2.max(cv2.addWeighted(corner, 1 - SHADE, shade, 1, 0), words)
    return frame
