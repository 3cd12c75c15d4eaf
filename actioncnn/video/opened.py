"""What every reader of videos offers: as much of the interface of an opened cv2.VideoCapture as the suite uses."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

Retrieve = Callable[[], tuple[bool, np.ndarray | None]]  # decodes the present frame, see OpenedVideo.retrieve


class OpenedVideo(Protocol):
    """A cv2.VideoCapture, or an object with these methods of it."""

    def grab(self) -> bool:
        """Goes to the next frame; False at the end, or behind what is damaged."""

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """(True, the frame: uint8 (H, W, 3), BGR), or (False, None)."""

    def get(self, name: int, /) -> float:
        """A property of the video by its number, as cv2.CAP_PROP_FPS; 0 where it is not known."""

    def release(self) -> None:
        """Closes the file."""
