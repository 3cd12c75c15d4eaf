"""Preview of a dataset: titled examples of its classes on one page, as a picture or an animation.

Only what is shown is decoded: the middle frame of one video of each class, or a few of its frames.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from actioncnn.data.index import Video
from actioncnn.data.splits import shuffle
from actioncnn.errors import UserError
from actioncnn.figures import mosaic, strips
from actioncnn.video import frame_folder, pool
from actioncnn.video.decode import open_video, read_frames
from actioncnn.video.sampling import Sampling

PAGE = 1800  # pixels, width of a page where examples may be as small as LEAST
ANIMATED = 800  # pixels, width of an animation
LEAST = 90  # pixels, height of an example, at least
MOST = 240  # pixels, at most: that of UCF-101
WIDEST = 2  # times as wide as high; a wider video is shown lower
GAP = 12  # pixels between examples
TITLE = 16  # pixels, size of a title's font
SMALL = 11  # pixels, of a long title, at least
SECONDS = 2.0  # that an animation takes


class Example(NamedTuple):
    name: str  # class
    frames: np.ndarray | None  # uint8 (N, height, width, 3) RGB; None: no video of the class gives a frame
    failures: list[tuple[Path, str]]  # (path, reason) of the videos that were tried before
    remarks: list[tuple[Path, str]]  # (path, text) on a folder of pictures


def choose_videos(videos: Iterable[Video], classes: int | Sequence[str] | None, seed: int) -> dict[str, list[Path]]:
    """{class: paths of its videos, in random order}. classes: how many to draw, or their names, or None for all.

    The order within a class follows from seed and class alone. UserError: no such class.
    """
    of_class: dict[str, list[Path]] = {}
    for video in videos:
        of_class.setdefault(video.name, []).append(video.path)
    names = list(of_class)
    if isinstance(classes, int):
        drawn = np.random.default_rng(seed).permutation(len(names))[:classes]
        names = [names[index] for index in sorted(drawn)]
    elif classes:
        names = [_known(name, of_class) for name in dict.fromkeys(classes)]
    return {name: shuffle(of_class[name], seed, name) for name in names}


def _known(name, of_class):
    spelling = {known.casefold(): known for known in of_class}
    if name.casefold() not in spelling:
        some = ", ".join(list(of_class)[:8]) + (", ..." if len(of_class) > 8 else "")
        raise UserError(f"--classes: there is no class {name}, but {some}")
    return spelling[name.casefold()]


def grid(count: int, frames: int, rows: int | None = None, cols: int | None = None) -> tuple[int, int]:
    """(rows, columns) for `count` examples of `frames` frames side by side: as given, else for a squarish page."""
    if not cols and rows:
        cols = -(-count // rows)
    elif not cols:
        square = round((count * 1.3 / (frames * 4 / 3)) ** 0.5)  # an example with its title is 1.3 times its own height
        cols = min(range(max(square, 1), square + 3), key=lambda cols: -count % cols)  # the fullest last row
    cols = min(cols, count)
    return -(-count // cols), cols


def height(cols: int, frames: int, page: int = PAGE) -> int:
    """Pixels, height of the examples for `cols` of them to fill a page, if they are 4:3."""
    return min(max(round((page / cols - GAP) / frames * 3 / 4), LEAST), MOST)


def read_examples(chosen: Mapping[str, Sequence[Path]], high: int, frames: int) -> list[Example]:
    """An Example for each class: `frames` evenly spaced frames of the first of its videos that gives any, or the middle
    one, at most `high` pixels high.
    """
    examples = {name: Example(name, None, [], []) for name in chosen}
    job, left = functools.partial(read_as_shown, high=high, frames=frames), {name: [*chosen[name]] for name in chosen}
    while tried := {name: left[name].pop(0) for name in chosen if left[name] and examples[name].frames is None}:
        for name, item in pool.run(tried, job):
            if isinstance(item, pool.Failed):
                examples[name].failures.append((tried[name], item.reason))
            elif isinstance(item, pool.Remark):
                examples[name].remarks.append((tried[name], item.text))
            elif not isinstance(item, pool.Finished):
                examples[name] = examples[name]._replace(frames=item)
    return list(examples.values())


def read_as_shown(path: Path, high: int, frames: int) -> Iterator[np.ndarray | pool.Remark]:
    """Yields uint8 (frames, height, width, 3) RGB, a single one that which a 2D network takes; then Remarks."""
    how = sampling(high, frames)
    with pool.limited(pool.seconds_for(path)):
        shown = read_frames(path, *shown_size(path, high), how.frames, color=True)[how.taken]
    yield shown
    yield from map(pool.Remark, frame_folder.remarks(path, how.places))


def sampling(high: int, frames: int) -> Sampling:
    return Sampling(high, frames if frames > 1 else 0, color=True)


def shown_size(path: Path, high: int) -> tuple[int, int]:
    """(width, height) in which a video is shown: its aspect ratio, that of its pixels included."""
    capture = open_video(path)
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    pixel = capture.get(cv2.CAP_PROP_SAR_NUM) / (capture.get(cv2.CAP_PROP_SAR_DEN) or 1)
    aspect = width / height * (pixel if 0.2 < pixel < 5 else 1) if height else 1
    wide = min(high * aspect, high * WIDEST)
    return max(round(wide), 1), max(round(wide / aspect), 1)


def page(examples: Sequence[Example], cols: int, animated: bool = False) -> np.ndarray:
    """The examples below their titles: uint8 (N, H, W, 3), N pictures one after the other if `animated`, else one."""
    pictures = {example.name: example.frames for example in examples if example.frames is not None}
    if not animated:
        pictures = {name: mosaic.beside(*frames) for name, frames in pictures.items()}
    wide = max(frames.shape[-2] for frames in pictures.values())
    tiles = [
        mosaic.below(mosaic.write(name, wide, TITLE, SMALL), frames, gap=0, align=(0, 0.5), min_width=wide)
        for name, frames in pictures.items()
    ]
    pages = mosaic.lay_out(tiles, cols, GAP, GAP)
    return pages if animated else pages[None]


def encode(pages: np.ndarray, ending: str) -> bytes:
    """Bytes of an image file: of the pages one after the other if `ending` is .gif, else of the first."""
    if ending == ".gif":
        return strips.gif(pages, round(1000 * SECONDS / len(pages), -1))
    return strips.image(pages[0], ending)
