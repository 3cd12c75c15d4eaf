"""Frames of a video as an array, and the class name in a UCF-101 file name.

    python videoto3d.py v_YoYo_g01_c01.avi --depth 10 --output frames/

In code: Videoto3D(32, 32, 10).video3d("v_YoYo_g01_c01.avi") -> uint8 (10, 32, 32)
"""

import os
import re
import sys
from pathlib import Path

import numpy as np

# Decoders write about every damaged packet to the terminal, from C, past Python's stderr. Both are read at import.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

UCF_NAME = re.compile(r"v_(?P<name>.+)_g(?P<group>\d+)_c\d+$")
MAX_FRAMES = 10_000_000  # 92 hours at 30 frames a second: a container that claims more is wrong
MAX_MISSES = 32  # a damaged frame answers False and decoding goes on behind it; this many in a row are the end


class NoFrameError(Exception):
    """A video that cannot be opened or gives no frame; the message is the reason in a few words."""


class Videoto3D:
    """Reads `depth` frames of a video, each resized to `width` x `height` pixels."""

    def __init__(self, width, height, depth):
        self.width, self.height, self.depth = width, height, depth

    def video3d(self, filename, color=False, skip=True):
        """Frames of a video: uint8 (depth, height, width), or (depth, height, width, 3) in RGB with `color`.

        With `skip`, frame i is floor(i * n / depth) of the video's n frames; without, the first `depth` frames.
        n is the container's count, or, where that is absurd or a wanted frame is not there, the number of frames
        that really decode. A shorter video is padded with its last frame. NoFrameError: there is no frame.
        """
        wanted = self._evenly(claimed_count(filename)) if skip else list(range(self.depth))
        frames = self._decode(filename, wanted, color)
        if skip and len(frames) < len(set(wanted) or {0}):
            wanted = self._evenly(sum(1 for _ in decode(filename)))
            frames = self._decode(filename, wanted, color)
        if not frames:
            raise NoFrameError("no frame can be decoded")
        last = frames[max(frames)]
        return np.stack([frames.get(index, last) for index in wanted])

    def get_UCF_classname(self, filename):
        """The class in a name like v_<Class>_gNN_cNN.avi; for other names, that of the folder that holds the file."""
        return split_name(filename)[0]

    def _evenly(self, count):
        return [i * count // self.depth for i in range(self.depth)] if count else []

    def _decode(self, filename, wanted, color):
        """{index: resized frame} of the wanted frames that are there."""
        frames = {}
        if not wanted:
            return frames
        chosen = set(wanted)
        for index, retrieve in decode(filename):
            if index in chosen:
                good, frame = retrieve()
                if good:
                    frames[index] = resize(frame, self.width, self.height, color)
            if index >= wanted[-1]:
                break
        return frames


def resize(frame, width, height, color):
    """A decoded BGR frame -> uint8 (height, width) gray, or (height, width, 3) RGB with `color`; area-averaged."""
    import cv2

    frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB if color else cv2.COLOR_BGR2GRAY)


def open_video(filename):
    """An opened cv2.VideoCapture that decodes on one thread: 1.4 times less CPU than FFmpeg's own thread pool."""
    import cv2

    cv2.utils.logging.setLogLevel(0)  # for a caller that imported cv2 before this module
    capture = cv2.VideoCapture(str(filename), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        reason = (
            "is empty" if Path(filename).is_file() and not os.path.getsize(filename) else "cannot be opened as a video"
        )
        raise NoFrameError(reason if Path(filename).exists() else "no such file")
    return capture


def decode(filename):
    """Iterates (index, retrieve) over the frames that decode, in order; retrieve() -> (ok, BGR frame)."""
    capture, index, misses = open_video(filename), 0, 0
    while misses < MAX_MISSES:
        if capture.grab():
            yield index, capture.retrieve
            index, misses = index + 1, 0
        else:
            misses += 1
    capture.release()


def claimed_count(filename):
    """The container's number of frames, 0 where it is absurd."""
    import cv2

    count = open_video(filename).get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if 0 < count < MAX_FRAMES else 0


def split_name(filename):
    """(class, group) of v_<Class>_gNN_cNN; (name of the folder, None) of other names."""
    path = Path(filename)
    match = UCF_NAME.match(path.stem)
    return (match["name"], int(match["group"])) if match else (path.absolute().parent.name, None)


def main():
    from actioncnn import cli

    parser = cli.parser(__doc__)
    parser.add_argument("video", help="video file")
    parser.add_argument("--depth", type=cli.whole(1), default=10, help="number of frames (default: 10)")
    parser.add_argument("--size", type=cli.whole(1), default=32, help="width and height in pixels (default: 32)")
    parser.add_argument("--first", action="store_true", help="the first frames, not evenly spaced ones")
    parser.add_argument(
        "--output", type=Path, help="directory for the frames as PNG files; without it nothing is written"
    )
    args = parser.parse_args()
    try:
        frames = Videoto3D(args.size, args.size, args.depth).video3d(args.video, color=True, skip=not args.first)
    except NoFrameError as error:
        sys.exit(f"{parser.prog}: {args.video}: {error}")
    print(f"class {split_name(args.video)[0]}, frames {frames.shape}")
    if args.output:
        import cv2

        args.output.mkdir(parents=True, exist_ok=True)
        for index, frame in enumerate(frames):
            cv2.imwrite(str(args.output / f"{Path(args.video).stem}_{index:03d}.png"), frame[..., ::-1])


if __name__ == "__main__":
    main()
