"""How an MP4 or MOV file is to be turned and mirrored for display (ISO 14496-12: the matrix in a track's header)."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

ENDINGS = (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2")
MOST = 1000  # boxes that are looked at


def mirroring(path: Path | str) -> np.ndarray | None:
    """The matrix ((a, b), (c, d)) of a file that is mirrored for display, None of others: these the readers turn.

    A point (x, y) of the picture is shown at (a x + c y, b x + d y).
    """
    if not str(path).lower().endswith(ENDINGS):
        return None
    try:
        with open(path, "rb") as file:
            for header in track_headers(file):
                at = 40 if header[:1] == b"\0" else 52
                a, b, _, c, d = struct.unpack(">5i", header[at : at + 20])
                if a * d - b * c < 0:
                    return np.sign([[a, b], [c, d]])
    except (OSError, struct.error):
        pass
    return None


def track_headers(file: BinaryIO) -> Iterator[bytes]:
    """The contents of the tkhd boxes of a file."""
    file.seek(0, 2)
    waiting, seen = [(0, file.tell())], 0
    while waiting and seen < MOST:
        start, end = waiting.pop()
        seen += 1
        if end - start < 8:
            continue
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - start
        if size < head:
            continue
        waiting.append((start + size, end))
        if kind in (b"moov", b"trak"):
            waiting.append((start + head, start + size))
        elif kind == b"tkhd":
            yield file.read(min(size, 200))


def shown(frame: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) as it is to be shown."""
    (a, b), (c, d) = matrix
    if a:
        return frame[:: d or 1, ::a]
    return frame.transpose(1, 0, 2)[::b, ::c]
