"""Frames as pictures: a folder of numbered pictures, or an animated WebP, read as cv2.VideoCapture reads a video."""

import functools
import hashlib
import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from actioncnn.errors import NoFrameError
from actioncnn.video.limits import MAX_PIXELS

ENDINGS = {"jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "ppm", "pgm"}
NUMBER = re.compile(r"(\d+)")
COMPUTED = re.compile("depth|flow|label|mask|seg|skelet", re.IGNORECASE)  # beside the frames, made of them
SAMPLES = 8  # pictures of a folder that tell of all whether they are animated

GAPS = "the numbers of its pictures have gaps or repeat: the frames follow each other all the same"
DEEP = "its pictures have more than 8 bits: they are scaled by the largest value in them"
SIZES = "its pictures have different sizes: each is resized for itself"
BROKEN = "a picture cannot be read: its neighbour stands in for it"


def is_numbered(name: str) -> bool:
    """Whether a file's name is that of a numbered picture."""
    return name.rpartition(".")[2].lower() in ENDINGS and name[0] != "." and NUMBER.search(name) is not None


def animations(folder: Path | str, files: Iterable[str]) -> list[str]:
    """Names of the animated WebP files among a folder's files. Opens a few of many: stills are not looked through."""
    webp = sorted(name for name in files if name[-5:].lower() == ".webp" and name[0] != ".")
    if not any(is_animated(os.path.join(folder, name)) for name in webp[:: len(webp) // SAMPLES + 1]):
        return []
    return [name for name in webp if is_animated(os.path.join(folder, name))]


def is_animated(path: Path | str) -> bool:
    """Whether a file is an animated WebP: RIFF, size, WEBP, VP8X, size, and then bit 1 of a byte."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(21)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 21 and bool(head[20] & 2)


def canvas(path: Path | str) -> tuple[int, ...]:
    """(width, height) of an animated WebP, which stand, less 1, in three bytes each of its head."""
    with open(path, "rb") as file:
        head = file.read(30)
    return tuple(int.from_bytes(head[start : start + 3], "little") + 1 for start in (24, 27))


def series(folder: Path | str) -> list[tuple[list[str], list[list[int]], str]]:
    """[(names in the order of their numbers, these numbers, what stands around them)] of a folder's numbered pictures.

    Names that differ in their numbers only are one series; the frames are the first: what a camera saw, the longest.
    NoFrameError: there is none.
    """
    try:
        return _series(folder, os.stat(folder).st_mtime_ns)
    except OSError as error:
        raise NoFrameError(f"cannot be read ({error.strerror})") from error


@functools.lru_cache(1)  # who reads a clip asks several times
def _series(folder, _):
    found = {}
    for name in os.listdir(folder):
        parts = NUMBER.split(name)
        parts[-1] = parts[-1].lower()
        if len(parts) > 1 and parts[-1].rpartition(".")[2] in ENDINGS and name[0] != ".":
            found.setdefault("#".join(parts[::2]), []).append(([int(part) for part in parts[1::2]], name))
    if not found:
        raise NoFrameError("holds no numbered picture")
    if len(found) > 1 and max(map(len, found.values())) == 1:
        raise NoFrameError("its pictures are not numbered alike, as 0001.jpg, 0002.jpg")
    patterns = sorted(found, key=lambda pattern: (bool(COMPUTED.search(pattern)), -len(found[pattern]), pattern))
    ordered = [(sorted(found[pattern]), pattern) for pattern in patterns]
    return [([name for _, name in pairs], [numbers for numbers, _ in pairs], pattern) for pairs, pattern in ordered]


def frame_names(folder: Path | str) -> list[str]:
    """Names of a folder's frames in the order of their numbers. NoFrameError: there is none."""
    return series(folder)[0][0]


def fingerprint(folder: Path | str, choose: Callable[[int], Sequence[int]]) -> str | list:
    """What a clip of a folder depends on, as JSON knows it: the names of all frames, size and time of the wanted ones.

    Cheap: the others are not looked at. choose(count): places of the wanted. OSError: one has gone.
    """
    try:
        names = frame_names(folder)
    except NoFrameError as error:
        return str(error)
    wanted = [os.path.join(folder, names[place]) for place in sorted(set(choose(len(names)))) if place < len(names)]
    stats = [(os.stat(path), os.access(path, os.R_OK)) for path in wanted]
    digest = hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()
    return [digest, [[stat.st_size, stat.st_mtime_ns, readable] for stat, readable in stats]]


def remarks(folder: Path | str, choose: Callable[[int], Sequence[int]]) -> list[str]:
    """What is odd about a folder of which a clip could be made: texts. choose(count): places of the wanted pictures.

    None about anything else.
    """
    from PIL import Image

    if not os.path.isdir(folder):
        return []
    (names, numbers, pattern), *others = series(folder)
    texts = [f"it holds {len(others) + 1} series of pictures: {pattern} is taken"] if others else []
    columns = [set(np.diff(column)) for column in zip(*numbers) if len(set(column)) > 1]
    texts += [GAPS] if len(columns) == 1 and len(columns[0]) > 1 else []
    sizes: set[tuple[int, int] | None] = set()
    deep = False
    for place in sorted(set(choose(len(names)))):
        if place < len(names):
            try:
                path = os.path.join(folder, names[place])
                with Image.open(path if os.path.isfile(path) else os.devnull) as picture:
                    sizes.add(picture.size)
                    deep |= picture.mode[0] in "IF"
            except Exception:  # whatever a broken picture leads to
                sizes.add(None)
    texts += [BROKEN] if None in sizes else []
    texts += [DEEP] if deep else []
    return texts + ([SIZES] if len(sizes - {None}) > 1 else [])


class Pictures:
    """A folder of numbered pictures with the methods of cv2.VideoCapture. Only `retrieve` reads one."""

    def __init__(self, folder: Path | str):
        self.folder, self.names, self.index = Path(folder), frame_names(folder), -1

    def grab(self) -> bool:
        self.index += 1
        return self.index < len(self.names)

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """(ok, BGR frame); of a picture that cannot be read the nearest one before it, else behind it, that can."""
        places = [*range(self.index, -1, -1), *range(self.index + 1, len(self.names))]
        pictures = (read(self.folder / self.names[place]) for place in places)
        frame = next((picture for picture in pictures if picture is not None), None)
        if frame is not None and frame.dtype != np.uint8:
            frame = (np.clip(frame, 0, self.largest) * (255 / self.largest)).astype(np.uint8)
        return frame is not None, frame

    @functools.cached_property
    def largest(self) -> float:
        """The largest value in some of its pictures, which have more than 8 bits: millimetres, say. Above 0."""
        some = self.names[:: len(self.names) // SAMPLES + 1]
        pictures = (read(self.folder / name) for name in some)
        return max((float(np.nanmax(picture)) for picture in pictures if picture is not None), default=1) or 1.0

    def get(self, name: int) -> float:
        """Number of frames, width, height; 0 for what pictures do not tell: rate, time, aspect ratio of a pixel."""
        import cv2

        if name in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            self.index = max(self.index, 0)
            _, frame = self.retrieve()
            return frame.shape[name == cv2.CAP_PROP_FRAME_WIDTH] if frame is not None else 0
        return len(self.names) if name == cv2.CAP_PROP_FRAME_COUNT else 0

    def release(self) -> None:
        pass


def read(path: Path | str) -> np.ndarray | None:
    """A picture (H, W, 3) BGR, uint8 or of more bits; None where it cannot be read. Names need not be valid text."""
    import cv2

    if not os.path.isfile(path):
        return None
    try:
        content = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if picture is None and (gray := cv2.imdecode(content, cv2.IMREAD_ANYDEPTH)) is not None:  # a TIFF of floats
            return np.repeat(gray[..., None], 3, 2)
        return picture
    except (OSError, cv2.error):
        return None


class Animation:
    """An animated WebP, which OpenCV's FFmpeg does not decode, with the methods of cv2.VideoCapture."""

    def __init__(self, path: Path | str):
        from PIL import Image

        width, height = canvas(path)
        if width * height > MAX_PIXELS:  # before Pillow makes two of them
            raise NoFrameError(f"its frames of {width} x {height} pixels are too large; make them smaller")
        try:
            self.image, self.index = Image.open(path), -1
            self.image.load()
        except Exception as error:  # whatever a broken file leads to
            raise NoFrameError("cannot be opened as a video") from error

    def grab(self) -> bool:
        self.index += 1
        try:
            self.image.seek(self.index)
            self.image.load()
        except Exception:  # its end, or whatever a broken file leads to
            return False
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        return True, np.asarray(self.image.convert("RGB"))[..., ::-1]

    def get(self, name: int) -> float:
        """Number of frames, rate of the present one, its time in milliseconds, width, height; 0 for all else."""
        import cv2

        info = self.image.info
        return {
            cv2.CAP_PROP_FRAME_COUNT: getattr(self.image, "n_frames", 1),
            cv2.CAP_PROP_FPS: 1000 / (info.get("duration") or math.inf),
            cv2.CAP_PROP_POS_MSEC: info.get("timestamp", 0),
            cv2.CAP_PROP_FRAME_WIDTH: self.image.width,
            cv2.CAP_PROP_FRAME_HEIGHT: self.image.height,
        }.get(name, 0)

    def release(self) -> None:
        self.image.close()
