"""A second reader, FFmpeg as PyAV brings it, for what OpenCV's does not read.

That of opencv-python-headless 4.13 to 5.0 gives interlaced frames as black or as old memory, without a word, knows no
AV1, does not mirror what is to be mirrored, and crashes on names that are not UTF-8. PyAV reads all of these, but takes
a third more time.
"""

from pathlib import Path

import av
import cv2
import numpy as np

from actioncnn.video import display_matrix
from actioncnn.video.limits import MAX_PIXELS

INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi")  # formats, as FFmpeg calls them


class Capture:
    """A video with as much of the interface of an opened cv2.VideoCapture as the suite uses.

    The file is opened by Python: its name is never taken for a protocol or an option, whatever is in it. OSError and
    av.FFmpegError (an OSError or ValueError): cannot be opened, or has no picture.
    """

    def __init__(self, path: Path | str):
        self.file = Path(path).open("rb")  # noqa: SIM115 - closed below
        self.container = av.open(self.file, "r", options={"protocol_whitelist": "file"})
        self.stream = self.container.streams.video[0]
        self.stream.codec_context.thread_count = 1
        self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # of each frame: they may grow
        self.mirroring = display_matrix.mirroring(path)
        self.start = float((self.stream.start_time or 0) * (self.stream.time_base or 0))  # seconds, of the first frame
        self.packets = self.container.demux(self.stream)
        self.frames: list[av.VideoFrame] = []
        self.frame: av.VideoFrame | None = None

    def get(self, what: int) -> float:
        """What the container claims: number of frames, rate, size, aspect ratio; or milliseconds of the last frame."""
        if what == cv2.CAP_PROP_FRAME_COUNT:
            return float(self.stream.frames)
        if what == cv2.CAP_PROP_FPS:
            return float(self.stream.average_rate or 0)
        if what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            return float(self.stream.width if what == cv2.CAP_PROP_FRAME_WIDTH else self.stream.height)
        if what in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN):
            aspect = self.stream.sample_aspect_ratio or 0
            return float(aspect.numerator if what == cv2.CAP_PROP_SAR_NUM else aspect.denominator)
        return 1000 * max((self.frame.time or 0.0) - self.start, 0.0) if self.frame else 0.0

    def seek(self, seconds: float) -> bool:
        """Goes to the last key frame before a time; False, and nothing changes, where a file has no index of these."""
        if self.container.format.name not in INDEXED or self.stream.start_time is None or not self.stream.time_base:
            return False
        try:
            self.container.seek(round((self.start + seconds) / self.stream.time_base), stream=self.stream)
        except av.FFmpegError:
            return False
        self.packets, self.frames = self.container.demux(self.stream), []
        return True

    def grab(self) -> bool:
        """Goes to the next frame; False at the end, or behind what is damaged."""
        while not self.frames:
            try:
                packet = next(self.packets, None)
                self.frames = packet.decode() if packet else []
            except av.FFmpegError:
                return False
            if packet is None:
                return False
        self.frame = self.frames.pop(0)
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """(True, the frame, uint8 (H, W, 3), BGR, the right way up)."""
        if self.frame is None:
            return False, None
        frame = self.frame.to_ndarray(format="bgr24")
        if self.mirroring is not None:
            return True, np.ascontiguousarray(display_matrix.shown(frame, self.mirroring))
        return True, np.rot90(frame, round(self.frame.rotation / 90) % 4)

    def is_encrypted(self) -> bool:
        """Whether the demuxer marks the first packet as encrypted."""
        packet = next(self.packets, None)
        return packet is not None and packet.has_sidedata("encryption_info")

    def stored(self) -> int:
        """The number of frames that are in the file, found without decoding; those that are cut are not whole."""
        return sum(packet.size > 0 and not packet.is_corrupt for packet in self.packets)

    def release(self) -> None:
        self.container.close()
        self.file.close()

    def __del__(self):
        if hasattr(self, "file"):
            self.file.close()  # as OpenCV's does
