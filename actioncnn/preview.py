"""Preview of a dataset: titled examples of its classes on one page, as a picture or an animation.

Only what is shown is decoded: the middle frame of one video of each class, or a few of its frames.
"""

import io
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from actioncnn.cli import UserError
from videoto3d import NoFrameError, Videoto3D, open_video

PAGE, ANIMATED = 1800, 800  # pixels, width of a page where examples may be as small as LEAST; an animation's
LEAST, MOST = 90, 240  # pixels, height of an example; UCF-101 has 240
WIDEST = 2  # times as wide as high; a wider video is shown lower
GAP, JOIN = 12, 2  # pixels between examples, between frames of one
TITLE, SMALL = 16, 11  # pixels, height of a title: usual, and at least
SECONDS = 2.0  # that an animation takes
INK = (30, 30, 30)


class Example(NamedTuple):
    name: str  # class
    frames: np.ndarray | None  # uint8 (N, height, width, 3) RGB; None: no video of the class gives a frame
    failures: list  # (path, reason) of the videos that were tried before


def choose(videos, classes, seed):
    """{class: paths of its videos, in random order}. classes: how many to draw, or their names, or None for all.

    The order within a class follows from seed and class alone. UserError: no such class.
    """
    of_class = {}
    for video in videos:
        of_class.setdefault(video.name, []).append(video.path)
    names = list(of_class)
    if isinstance(classes, int):
        drawn = np.random.default_rng(seed).permutation(len(names))[:classes]
        names = [names[index] for index in sorted(drawn)]
    elif classes:
        names = [_known(name, of_class) for name in dict.fromkeys(classes)]
    chosen = {}
    for name in names:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode(errors="replace"))])
        chosen[name] = [of_class[name][index] for index in rng.permutation(len(of_class[name]))]
    return chosen


def _known(name, of_class):
    spelling = {known.casefold(): known for known in of_class}
    if name.casefold() not in spelling:
        some = ", ".join(list(of_class)[:8]) + (", ..." if len(of_class) > 8 else "")
        raise UserError(f"--classes: there is no class {name}, but {some}")
    return spelling[name.casefold()]


def grid(count, frames, rows=None, cols=None):
    """(rows, columns) for `count` examples of `frames` frames side by side: as given, else for a squarish page."""
    if not cols and rows:
        cols = -(-count // rows)
    elif not cols:
        square = round((count * 1.3 / (frames * 4 / 3)) ** 0.5)  # an example with its title is 1.3 times its own height
        cols = min(range(max(square, 1), square + 3), key=lambda cols: -count % cols)  # the fullest last row
    cols = min(cols, count)
    return -(-count // cols), cols


def height(cols, frames, page=PAGE):
    """Pixels, height of the examples for `cols` of them to fill a page, if they are 4:3."""
    return min(max(round((page / cols - GAP) / frames * 3 / 4), LEAST), MOST)


def read(chosen, high, frames):
    """An Example for each class: `frames` evenly spaced frames of the first of its videos that gives any, or the middle
    one, at most `high` pixels high."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda item: _first_good(*item, high, frames), chosen.items()))


def _first_good(name, paths, high, frames):
    failures = []
    for path in paths:
        try:
            width, height = _fit(path, high)
            if frames > 1:
                return Example(name, Videoto3D(width, height, frames).video3d(path, color=True), failures)
            return Example(name, Videoto3D(width, height, 2).video3d(path, color=True)[1:], failures)
        except (NoFrameError, cv2.error) as error:
            failures.append((path, " ".join(str(error).split())[:200]))
    return Example(name, None, failures)


def _fit(path, high):
    """(width, height) in which a video is shown: its aspect ratio, that of its pixels included."""
    capture = open_video(path)
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    pixel = capture.get(cv2.CAP_PROP_SAR_NUM) / (capture.get(cv2.CAP_PROP_SAR_DEN) or 1)
    aspect = width / height * (pixel if 0.2 < pixel < 5 else 1) if height else 1
    wide = min(high * aspect, high * WIDEST)
    return max(round(wide), 1), max(round(wide / aspect), 1)


def page(examples, cols, animated=False):
    """The examples below their titles: uint8 (N, H, W, 3), N pictures one after the other if `animated`, else one."""
    if not animated:
        examples = [example._replace(frames=_strip(example.frames)) for example in examples]
    high = max(example.frames.shape[1] for example in examples)
    wide = max(example.frames.shape[2] for example in examples)
    count = max(len(example.frames) for example in examples)
    title = TITLE + 8
    down, right = high + title + GAP, wide + GAP
    pages = np.full((count, -(-len(examples) // cols) * down + GAP, cols * right + GAP, 3), 255, np.uint8)
    for place, (name, frames, _) in enumerate(examples):
        y, x = place // cols * down + GAP, place % cols * right + GAP
        top, left = y + title + (high - frames.shape[1]) // 2, x + (wide - frames.shape[2]) // 2
        pages[:, top : top + frames.shape[1], left : left + frames.shape[2]] = frames
        label = _label(name, wide + GAP // 2)
        start = min(max(x + (wide - label.shape[1]) // 2, 0), pages.shape[2] - label.shape[1])
        pages[:, y : y + title, start : start + label.shape[1]] = label
    return pages


def _strip(frames):
    """(N, H, W, 3) -> (1, H, N frames side by side, 3)"""
    gap = np.full((frames.shape[1], JOIN, 3), 255, np.uint8)
    return np.hstack([part for frame in frames for part in (frame, gap)][:-1])[None]


def _label(text, wide):
    """Picture of a title, uint8 (TITLE + 8, at most `wide`, 3); a long one is smaller, then cut."""
    text, font = " ".join(text.encode(errors="replace").decode().split()), cv2.FontFace("sans")

    def measure(text, pixels):
        return cv2.getTextSize((0, 0), text, (0, 0), font, pixels, 500)[2] + 4

    pixels = next((pixels for pixels in range(TITLE, SMALL, -1) if measure(text, pixels) <= wide), SMALL)
    cut = text
    while len(text) > 1 and measure(cut, pixels) > wide:
        text = text[:-1]
        cut = text + "…"
    label = np.full((TITLE + 8, min(measure(cut, pixels), wide), 3), 255, np.uint8)
    return cv2.putText(label, cut, (2, TITLE), INK, font, pixels, 500)[1]


def encode(pages, ending):
    """Bytes of an image file: of the pages one after the other if `ending` is .gif, else of the first."""
    from PIL import Image

    images, buffer = [Image.fromarray(page) for page in pages], io.BytesIO()
    if ending != ".gif":
        images[0].save(buffer, format=Image.registered_extensions()[ending])
        return buffer.getvalue()
    palette = Image.fromarray(np.concatenate(pages[:, ::2, ::2])).quantize(256)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    pause = round(1000 * SECONDS / len(images), -1)
    images[0].save(
        buffer, format="GIF", save_all=True, append_images=images[1:], duration=pause, loop=0, optimize=False
    )
    return buffer.getvalue()
