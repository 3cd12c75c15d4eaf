"""One video -> frames. Knows nothing of datasets."""

import os
import re
import shlex
from pathlib import Path

import numpy as np

from actioncnn.errors import NoFrameError
from actioncnn.video import pictures
from actioncnn.video.sampling import evenly, wanted

# Decoders write about every damaged packet to the terminal, from C, past Python's stderr. Both are read at import.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

MAX_FRAMES = 10_000_000  # 92 hours at 30 frames a second: a container that claims more is wrong
LACKING = {  # what OpenCV's FFmpeg has no decoder for, as containers name it
    b"AV01": "AV1", b"av01": "AV1", b"V_AV1": "AV1", b"avs2": "AVS2", b"V_AVS2": "AVS2", b"avs3": "AVS3",
    b"V_AVS3": "AVS3", b"evc1": "EVC", b"lvc1": "LCEVC", b"jxsm": "JPEG XS",
}  # fmt: skip
HEAD = 1_000_000  # bytes at either end of a file in which the codec is named
MAX_MISSES = 32  # a damaged frame answers False and decoding goes on behind it; this many in a row are the end


def read_frames(path, width, height, depth, color=False, skip=True):
    """`depth` frames of a video: uint8 (depth, height, width), or (depth, height, width, 3) in RGB with `color`.

    With `skip`, frame i is floor(i * n / depth) of the video's n frames; without, the first `depth` frames.
    n is the container's count, or, where that is absurd or a wanted frame is not there, the number of frames
    that really decode. A shorter video is padded with its last frame. NoFrameError: there is no frame.
    """
    places = wanted(claimed_count(path), depth, skip)
    frames = frames_at(path, places, width, height, color)
    if skip and len(frames) < len(set(places) or {0}):
        places = evenly(sum(1 for _ in decode(path)), depth)
        frames = frames_at(path, places, width, height, color)
    if not frames:
        raise NoFrameError(why_none(path))
    last = frames[max(frames)]
    return np.stack([frames.get(index, last) for index in places])


def read_clip(path, sampling):
    """What a network with this Sampling takes its frames of, by `pick`: uint8 (H, W, frames, channels)."""
    size = sampling.width, sampling.height
    return time_behind(read_frames(path, *size, sampling.frames, sampling.color, sampling.skip))


def time_behind(frames):
    """Frames (T, H, W), or (T, H, W, C), as a clip: the same values, contiguous, (H, W, T, C)."""
    return np.ascontiguousarray(np.moveaxis(frames.reshape(*frames.shape[:3], -1), 0, 2))


def frames_at(path, places, width, height, color):
    """{index: resized frame} of the frames at these ascending indices that are there."""
    frames, wanted = {}, set(places)
    for index, retrieve in decode(path) if places else ():
        if index in wanted:
            good, frame = retrieve()
            if good:
                frames[index] = resize(frame, width, height, color)
        if index >= places[-1]:
            break
    return frames


def resize(frame, width, height, color):
    """A decoded BGR frame -> uint8 (height, width) gray, or (height, width, 3) RGB with `color`; area-averaged."""
    import cv2

    frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB if color else cv2.COLOR_BGR2GRAY)


def open_video(path):
    """An opened cv2.VideoCapture that decodes on one thread: 1.4 times less CPU than FFmpeg's own thread pool.

    Of a folder of pictures or an animated WebP an object with its methods. NoFrameError: it cannot be opened.
    """
    import cv2

    if os.path.isdir(path):
        return pictures.Pictures(path)
    if str(path)[-5:].lower() == ".webp" and pictures.is_animated(path):
        return pictures.Animation(path)
    cv2.utils.logging.setLogLevel(0)  # for a caller that imported cv2 before this module
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if capture.isOpened():
        return capture
    if not Path(path).exists():
        raise NoFrameError("no such file")
    empty = Path(path).is_file() and not os.path.getsize(path)
    raise NoFrameError("is empty" if empty else why_none(path, "cannot be opened as a video"))


def why_none(path, otherwise="no frame can be decoded"):
    """Why a video gives no frame, in a few words: a codec that FFmpeg lacks here is named, with the remedy."""
    if os.path.isdir(path):
        return "none of its pictures can be read"
    codec = lacking_codec(path)
    if not codec:
        return otherwise
    path = Path(path)
    commanded = ["ffmpeg", "-i", str(path), "-c:v", "libx264", str(path.with_suffix(".mp4"))]
    if path.suffix == ".mp4":
        commanded[-1] = str(path.with_suffix(".mkv"))
    return f"its codec is {codec}, which OpenCV cannot decode; `{shlex.join(commanded)}` re-encodes it"


def lacking_codec(path):
    """Name of the codec of a file, where it is one of LACKING, else None."""
    try:
        with open(path, "rb") as file:
            content = file.read(HEAD)
            file.seek(max(os.path.getsize(path) - HEAD, len(content)))
            content += file.read(HEAD)
    except OSError:
        return None
    found = re.search(b"|".join(LACKING), content)
    return LACKING[found[0]] if found else None


def decode(path):
    """Iterates (index, retrieve) over the frames that decode, in order; retrieve() -> (ok, BGR frame)."""
    capture, index, misses = open_video(path), 0, 0
    while misses < MAX_MISSES:
        if capture.grab():
            yield index, capture.retrieve
            index, misses = index + 1, 0
        else:
            misses += 1
    capture.release()


def claimed_count(path):
    """The container's number of frames, 0 where it is absurd."""
    import cv2

    count = open_video(path).get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if 0 < count < MAX_FRAMES else 0
