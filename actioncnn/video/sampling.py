"""What a network is shown of a video. Light: it is known before NumPy or Keras is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


def wanted(count: int, depth: int, skip: bool) -> list[int]:
    """Indices of the `depth` frames of a video of `count` that are wanted; without `skip` it may have fewer."""
    return evenly(count, depth) if skip else list(range(depth))


def evenly(count: int, depth: int) -> list[int]:
    """Indices of `depth` of `count` frames at even intervals."""
    return [i * count // depth for i in range(depth)] if count else []


class Sampling(NamedTuple):
    """Which frames of a video a network takes, and how."""

    size: int | tuple[int, int]  # pixels, width and height; of frames that are not square (height, width)
    depth: int  # frames; 0: a 2D network takes the middle one
    color: bool  # RGB, else gray
    skip: bool = True  # frames at even intervals, else the first ones
    scrambled: bool = False  # as the colour clips of 2017, see model.reading

    @property
    def height(self) -> int:
        return self.size if isinstance(self.size, int) else self.size[0]

    @property
    def width(self) -> int:
        return self.size if isinstance(self.size, int) else self.size[1]

    @property
    def frames(self) -> int:
        """Frames that are read of a video: of two at even intervals the second is the middle one."""
        return self.depth or 2

    @property
    def taken(self) -> slice:
        """Which of these a network takes, a slice."""
        return slice(None) if self.depth else slice(1, None)

    def doubled(self) -> Sampling:
        """The Sampling of twice the frames: every other one, from the first, is one of these."""
        return self._replace(depth=2 * self.depth) if self.depth and self.skip else self

    @property
    def has_between(self) -> bool:
        """Whether `doubled` reads more frames than a network takes."""
        return self.doubled() != self

    def single(self, clips: np.ndarray) -> np.ndarray:
        """The frames that a network takes among those that `doubled` reads: (..., H, W, T, C), a view."""
        return clips[..., ::2, :] if self.has_between else clips[..., self.taken, :]

    def places(self, count: int) -> list[int]:
        """Indices of the frames that are read of a video of `count`."""
        return wanted(count, self.frames, self.skip)

    def pick(self, clips: np.ndarray) -> np.ndarray:
        """A network's frames of what was read: uint8 (..., H, W, T, C), where it is 2D (..., H, W, C)."""
        return clips if self.depth else clips[..., -1, :]  # the last of two, or the only one of a window

    def viewed(self, count: int) -> Sampling:
        """The Sampling of the frames of `count` views, which are clips of one video with other frames."""
        return self if count == 1 else self._replace(depth=max(self.depth, 1) * count)

    def views(self, clips: np.ndarray, count: int) -> list[np.ndarray]:
        """A network's frames, as `pick` gives them, of each view in what was read by `viewed(count)`.

        Those of the others lie between those of the first; without `skip` the views follow each other.
        """
        if count == 1:
            return [self.pick(clips)]
        depth = max(self.depth, 1)
        frames = [slice(i, None, count) if self.skip else slice(i * depth, (i + 1) * depth) for i in range(count)]
        return [self.pick(clips[..., each, :]) for each in frames]

    def times(self, length: float) -> list[float]:
        """Seconds from the start of a window of `length` seconds to its frames; of those that follow each other 0."""
        if not self.depth:
            return [length / 2]
        return [length * i / self.depth if self.skip else 0 for i in range(self.depth)]
