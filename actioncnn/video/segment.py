"""A part of a long video as a video of its own, named by a fragment behind its path.

talk.mp4#t=3,7.5 are its seconds 3 to 7.5 (as in W3C's Media Fragments), talk.mp4#frames=75,175 its frames 75 to 174.
Both ends count from 0; where the second is missing the part ends with the video.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from actioncnn.video.opened import OpenedVideo

FRAGMENT = re.compile(r"(.+)#(t|frames)=(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)?", re.DOTALL)
USUAL_RATE = 25  # frames a second, of pictures, which tell none
BEFORE = 1.0  # seconds before a part from which it is decoded: times of frames are rounded


class Part(NamedTuple):
    """What a fragment names."""

    path: Path  # of the whole video
    unit: str  # t: seconds, frames
    start: float
    end: float  # infinite: that of the video


def part_of(path: Path | str) -> Part | None:
    """The Part that a path names, None where it names a whole video."""
    fit = FRAGMENT.fullmatch(os.fspath(path))
    if not fit or os.path.lexists(path):
        return None
    return Part(Path(fit[1]), fit[2], float(fit[3]), float(fit[4] or "inf"))


def source(path: Path | str) -> Path:
    """The Path of the file, or of the folder of pictures, that holds a video or a part of one."""
    part = part_of(path)
    return part.path if part else Path(path)


def named(path: Path | str, unit: str, start: float, end: float | None) -> Path:
    """The Path of a part of a video; end None: it ends with the video."""
    return Path(f"{path}#{unit}={start:.10g},{'' if end is None else f'{end:.10g}'}")


class Capture:
    """A Part of an opened video with the methods of cv2.VideoCapture."""

    def __init__(self, whole: OpenedVideo, part: Part):
        import cv2

        self.whole, self.part, self.ended = whole, part, False
        self.rate = whole.get(cv2.CAP_PROP_FPS) or USUAL_RATE
        self.number, self.count = -1, whole.get(cv2.CAP_PROP_FRAME_COUNT)
        seconds = part.start / (1 if part.unit == "t" else self.rate) - BEFORE
        self.sought = seconds > BEFORE and hasattr(whole, "seek") and whole.seek(seconds)

    def grab(self) -> bool:
        """Goes to the next frame of the part; False at its end, or behind what is damaged."""
        while not self.ended and self.whole.grab():
            self.number += 1
            place = self.place()
            self.ended = place >= self.part.end
            if place >= self.part.start:
                return not self.ended
        return False

    def place(self) -> float:
        """Where the present frame is in the whole video, in the unit of the part."""
        import cv2

        seconds = self.whole.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not seconds and not self.sought:  # pictures, or a stream without times
            seconds = self.number / self.rate
        return seconds + 1e-6 if self.part.unit == "t" else round(seconds * self.rate)

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        return self.whole.retrieve()

    def get(self, name: int) -> float:
        """As the whole video has it, but for the number of frames, which is a guess, 0 where nothing tells it."""
        import cv2

        if name != cv2.CAP_PROP_FRAME_COUNT:
            return self.whole.get(name)
        start, end = (edge * (self.rate if self.part.unit == "t" else 1) for edge in self.part[2:])
        end = min(end, self.count or end)
        return round(end - start) if start < end < float("inf") else 0

    def release(self) -> None:
        self.whole.release()
