"""A copy of a video with what a classifier says drawn into its lower left corner."""

from pathlib import Path

import cv2
import numpy as np

from actioncnn import files
from actioncnn.cli import warn
from actioncnn.errors import UserError
from actioncnn.figures import text
from actioncnn.predict.timeline import amount, spans
from actioncnn.video.decode import check_written
from actioncnn.video.limits import limited_memory
from actioncnn.video.windows import timed

LINES = 3  # classes, fewer on small frames
SMALLEST = 10  # pixels, size of the font
LARGEST = 40  # pixels
HIGHEST = 0.25  # share of the frame that the lines may cover, but for the first
SHADE = 0.7  # opacity of the panel behind the text
DARK = (40, 40, 40)  # BGR, of the panel
BAR = (150, 95, 20)  # BGR, of a probability
WHITE = (255, 255, 255)  # BGR, of the text


def annotate_video(source, path, rows, classes):
    """Writes the video `source` to `path` with the best classes of each time drawn in, at the same size and rate.

    The copy has no sound and a constant rate: frames are repeated or dropped where that of the source varies. One frame
    at a time: memory does not grow with the length. UserError: the file cannot be written.
    """
    path = Path(path)
    with files.replaced(path, named=True) as new:
        write_copy(source, new, path, rows, classes)


@limited_memory()
def write_copy(source, new, path, rows, classes):
    ends = [np.inf] if rows[0].start is None else [end for _, end in spans(rows)]
    writer = size = rate = panel = None
    place, written = -1, 0
    for now, gap, retrieve in timed(source):
        rate = rate or 1 / gap  # the first frame lasts as long as the container says of all
        copies = round((now + gap) * rate) - written
        good, frame = retrieve() if copies > 0 else (False, None)
        if not good:
            continue
        if writer is None:
            size = frame.shape[1::-1]
            writer = open_writer(new, path, rate, size)
        current = min(np.searchsorted(ends, now, side="right"), len(rows) - 1)
        if current != place:
            place, panel = current, make_panel(rows[current].best(classes, LINES), size, classes)
        frame = lay_over(frame if frame.shape[1::-1] == size else cv2.resize(frame, size), panel)
        for _ in range(copies):
            writer.write(frame)
        written += copies
    if writer:
        writer.release()
        check_written(new, written, f"--annotate {path}")


def open_writer(new, path, rate, size):
    writer = cv2.VideoWriter(str(new), cv2.VideoWriter_fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise UserError(f"--annotate {path}: cannot be written ({size[0]}x{size[1]} pixels); name an .mp4")
    if min(size) < 8 * SMALLEST:
        warn(f"--annotate: {size[0]}x{size[1]} pixels are too few for legible text")
    return writer


def make_panel(pairs, size, classes):
    """What `lay_over` takes for frames of `size` (width, height): two uint8 (h, w, 3), shade with bars, and text.

    pairs: (class, probability).
    """
    width, height = size
    font = min(max(height // 18, SMALLEST), LARGEST)
    pairs = pairs[: max(int(HIGHEST * height / (text.LINE * font)), 1)]
    lines = [f"{amount(share, classes, 0)}  {text.shown(name)}" for name, share in pairs]
    widest = max(lines, key=lambda line: text.coverage(line, SMALLEST).shape[1])
    _, pixels = text.fit(widest, 0.9 * width, font, SMALLEST // 2)
    ink = [text.coverage(line, pixels) for line in lines]
    high, wide = ink[0].shape[0], min(width, max(line.shape[1] for line in ink) + pixels)
    shade = np.full((high * len(lines) + pixels // 2, wide, 3), DARK, np.uint8)
    words = np.zeros_like(shade)
    for place, (line, (_, share)) in enumerate(zip(lines, pairs, strict=True)):
        top = pixels // 4 + place * high
        cv2.rectangle(shade, (0, top), (round(share * wide) - 1, top + high - 2), BAR, -1)
        text.draw(words, pixels // 2, top, line, pixels, WHITE)
    return (shade * SHADE).astype(np.uint8)[-height:], words[-height:]


def lay_over(frame, panel):
    """Lays a panel over the lower left corner of a BGR frame, in place."""
    shade, words = panel
    corner = frame[-len(shade) :, : shade.shape[1]]
    corner[:] = cv2.max(cv2.addWeighted(corner, 1 - SHADE, shade, 1, 0), words)
    return frame
