"""One video -> frames. Knows nothing of datasets."""

import contextlib
import itertools
import os
import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from actioncnn.errors import NoFrameError, PassingError, UserError
from actioncnn.video import display_matrix, frame_folder, segment
from actioncnn.video.limits import MAX_PIXELS, limited_memory
from actioncnn.video.opened import OpenedVideo, Retrieve
from actioncnn.video.sampling import Sampling, evenly, wanted

# Decoders write about every damaged packet to the terminal, from C, past Python's stderr. Both are read at import.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")  # a playlist is no way to the network

COUNTED = (".avi", ".divx", ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".webp", ".gif")  # these tell their frames
MAX_FRAMES = 10_000_000  # 92 hours at 30 frames a second: a container that claims more is wrong
LACKING = {  # what neither reader has a decoder for, as containers name it
    b"avs2": "AVS2", b"V_AVS2": "AVS2", b"avs3": "AVS3", b"V_AVS3": "AVS3", b"evc1": "EVC", b"lvc1": "LCEVC",
    b"jxsm": "JPEG XS",
}  # fmt: skip
CONTAINERS = b"ftyp", b"styp", b"\xdf\xa3"  # within the first 8 bytes of an MP4 and of a Matroska file
ENCRYPTED = b"tenc", b"encv", b"pssh", b"\x47\xe1\x81\x05"  # boxes of MP4, and AES as Matroska names it
HEAD = 1_000_000  # bytes at either end of a file in which the codec is named
OTHER_PICTURE = 12  # of 255: more is another picture; less, how a reader rounds or takes the colours
MAX_MISSES = 32  # a damaged frame answers False and decoding goes on behind it; this many in a row are the end


@limited_memory()
def read_frames(
    path: Path | str, width: int, height: int, depth: int, color: bool = False, skip: bool = True
) -> np.ndarray:
    """`depth` frames of a video: uint8 (depth, height, width), or (depth, height, width, 3) in RGB with `color`.

    With `skip`, frame i is floor(i * n / depth) of the video's n frames; without, the first `depth` frames.
    n is the container's count, or the number of packets where it has none. Where that is absurd or a wanted frame is
    not there, n is the number of frames that really decode. A shorter video is padded with its last frame.
    NoFrameError: there is no frame.
    """
    how = width, height, depth, color, skip
    frames, places = _frames_and_places(open_video, path, *how)
    if doubtful(frames):
        with contextlib.suppress(NoFrameError):
            others, places_there = _frames_and_places(open_second, path, *how)
            if unlike(frames, others):
                frames, places = others, places_there
    if not frames:
        raise NoFrameError(why_none(path))
    last = frames[max(frames.keys() & set(places), default=max(frames))]
    return np.stack([frames.get(index, last) for index in places])


def _frames_and_places(opener, path, width, height, depth, color, skip):
    """({index: frame}, the indices that read_frames wants), as one reader sees them."""
    capture = opener(path)
    places = wanted(stored_count(path) or claimed_count(capture), depth, skip)
    frames = frames_at(capture, places, width, height, color)
    if skip and not frames.keys() >= (set(places) or {0}):
        places = evenly(sum(1 for _ in decode(opener(path))), depth)
        frames = frames_at(opener(path), places, width, height, color)
    return frames, places


def doubtful(frames: dict[int, np.ndarray]) -> bool:
    """Whether OpenCV may not have written one of these {index: frame}: it is the one before it, or black."""
    seen = [frames[index] for index in sorted(frames)]
    return not seen or not seen[0].any() or any(np.array_equal(*pair) for pair in itertools.pairwise(seen))


def unlike(frames: dict[int, np.ndarray], others: dict[int, np.ndarray]) -> bool:
    """Whether {index: frame} shows other pictures than `others`, not the same ones in slightly other colours."""
    difference = lambda index: np.abs(frames[index].astype(np.int16) - others[index]).mean()  # noqa: E731
    return bool(others) and (frames.keys() != others.keys() or max(map(difference, frames)) > OTHER_PICTURE)


def read_clip(path: Path | str, sampling: Sampling) -> np.ndarray:
    """What a network with this Sampling takes its frames of, by `pick`: uint8 (H, W, frames, channels)."""
    size = sampling.width, sampling.height
    return time_behind(read_frames(path, *size, sampling.frames, sampling.color, sampling.skip))


def time_behind(frames: np.ndarray) -> np.ndarray:
    """Frames (T, H, W), or (T, H, W, C), as a clip: the same values, contiguous, (H, W, T, C)."""
    return np.ascontiguousarray(np.moveaxis(frames.reshape(*frames.shape[:3], -1), 0, 2))


def frames_at(
    capture: OpenedVideo, places: Sequence[int], width: int, height: int, color: bool
) -> dict[int, np.ndarray]:
    """{index: resized frame} of the frames at these ascending indices that are there; of a single one the next too."""
    frames, wanted = {}, set(places)
    wanted |= {place + 1 for place in wanted if len(wanted) == 1}  # two tell whether OpenCV wrote them
    for index, retrieve in decode(capture) if places else ():
        if index in wanted:
            _, frame = retrieve()
            if frame is not None:
                frames[index] = resize(frame, width, height, color)
        if index >= max(wanted):
            break
    return frames


def resize(frame: np.ndarray, width: int, height: int, color: bool) -> np.ndarray:
    """A decoded BGR frame -> uint8 (height, width) gray, or (height, width, 3) RGB with `color`; area-averaged."""
    import cv2

    frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB if color else cv2.COLOR_BGR2GRAY)


@limited_memory()
def open_video(path: Path | str) -> OpenedVideo:
    """An opened cv2.VideoCapture that decodes on one thread: 1.4 times less CPU than FFmpeg's own thread pool.

    Of a part of a video, a folder of pictures, an animated WebP, or a file that only PyAV opens, an object with its
    methods. NoFrameError: it cannot be opened.
    """
    import cv2

    if part := segment.part_of(path):
        whole = frame_folder.Pictures(part.path) if part.path.is_dir() else open_second(part.path)
        return segment.Capture(whole, part)
    if os.path.isdir(path):
        return frame_folder.Pictures(path)
    check_file(path)
    check_not_encrypted(path)
    if str(path)[-5:].lower() == ".webp" and frame_folder.is_animated(path):
        return bounded(frame_folder.Animation(path))
    name = os.path.abspath(path)  # FFmpeg takes what stands before a colon for a protocol
    try:
        name.encode()
    except UnicodeEncodeError:
        return open_second(path)  # a name that is not UTF-8 crashes OpenCV
    if display_matrix.mirroring(path) is not None:
        return open_second(path)
    cv2.utils.logging.setLogLevel(0)  # for a caller that imported cv2 before this module
    capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    return bounded(capture) if capture.isOpened() else open_second(path)


@limited_memory()
def open_second(path: Path | str) -> OpenedVideo:
    """The same, by PyAV."""
    from actioncnn.video import second

    if segment.part_of(path):
        return open_video(path)
    check_file(path)
    try:
        return bounded(second.Capture(path))
    except MemoryError:  # of FFmpeg, one of the next kind too
        raise
    except (second.av.FFmpegError, OSError, ValueError, LookupError) as error:
        raise NoFrameError(why_none(path, "cannot be opened as a video")) from error


def open_sure(path: Path | str) -> OpenedVideo:
    """open_video, or open_second where OpenCV does not see the first frames as that does; for a stream of frames."""
    frames = frames_at(open_video(path), [0], 8, 8, color=True)
    if doubtful(frames):
        with contextlib.suppress(NoFrameError):
            if unlike(frames, frames_at(open_second(path), [0], 8, 8, color=True)):
                return open_second(path)
    return open_video(path)


def check_file(path: Path | str) -> None:
    """NoFrameError: not a file with something in it; PassingError: it cannot be read. A pipe would be waited for."""
    path = segment.source(path)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise NoFrameError("is not a file")
        if not status.st_size:
            raise NoFrameError("is empty")
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            file.read(1)
    except OSError as error:
        raise PassingError("no such file" if isinstance(error, FileNotFoundError) else error.strerror) from error


def bounded(capture: OpenedVideo) -> OpenedVideo:
    """The same; NoFrameError: a frame is so large that it would take gigabytes."""
    import cv2

    width, height = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > MAX_PIXELS:
        raise NoFrameError(f"its frames of {width} x {height} pixels are too large; make them smaller")
    return capture


def why_none(path: Path | str, otherwise: str = "no frame can be decoded") -> str:
    """Why a video gives no frame, in a few words: a codec that FFmpeg lacks here is named, with the remedy."""
    if segment.part_of(path):
        return "no frame of this part can be decoded; is it longer than the video?"
    if os.path.isdir(path):
        return "none of its pictures can be read"
    codec = lacking_codec(path)
    if not codec:
        return otherwise
    path = Path(path)
    commanded = ["ffmpeg", "-i", str(path), "-c:v", "libx264", str(path.with_suffix(".mp4"))]
    if path.suffix == ".mp4":
        commanded[-1] = str(path.with_suffix(".mkv"))
    return f"its codec is {codec}, which cannot be decoded here; `{shlex.join(commanded)}` re-encodes it"


def lacking_codec(path: Path | str) -> str | None:
    """Name of the codec of a file, where it is one of LACKING, else None."""
    try:
        with open(path, "rb") as file:
            content = file.read(HEAD)
            file.seek(max(os.path.getsize(path) - HEAD, len(content)))
            content += file.read(HEAD)
    except OSError:
        return None
    match = re.search(b"|".join(LACKING), content)
    return LACKING[match[0]] if match else None


def check_not_encrypted(path: Path | str) -> None:
    """NoFrameError: the packets of a video are encrypted: a decoder would make noise of them.

    Only where the ends of a file speak of encryption, is it opened for that, by PyAV.
    """
    with open(path, "rb") as file:
        start = file.read(8)
        if not any(mark in start for mark in CONTAINERS):
            return
        content = file.read(HEAD)
        file.seek(max(os.path.getsize(path) - HEAD, len(content)))
        content += file.read(HEAD)
    if not any(word in content for word in ENCRYPTED):
        return
    from actioncnn.video import second

    encrypted = False
    with contextlib.suppress(second.av.FFmpegError, OSError, ValueError, LookupError):
        encrypted = second.Capture(path).is_encrypted()
    if encrypted:
        raise NoFrameError("is encrypted; give a copy without protection")


def decode(capture: OpenedVideo) -> Iterator[tuple[int, Retrieve]]:
    """Iterates (index, retrieve) over the frames that decode, in order; retrieve() -> (ok, BGR frame)."""
    index, misses = 0, 0
    try:
        while misses < MAX_MISSES:
            if capture.grab():
                yield index, capture.retrieve
                index, misses = index + 1, 0
            else:
                misses += 1
    finally:
        capture.release()


def claimed_count(capture: OpenedVideo) -> int:
    """The container's number of frames, 0 where it is absurd."""
    import cv2

    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if 0 < count < MAX_FRAMES else 0


def stored_count(path: Path | str) -> int:
    """The number of frames of a file whose container does not tell it (OpenCV guesses it of its length); else 0.

    Length and rate are wrong where recordings were joined, or are missing in a stream.
    """
    if str(path).lower().endswith(COUNTED) or os.path.isdir(path) or segment.part_of(path):
        return 0
    from actioncnn.video import second

    with contextlib.suppress(NoFrameError, OSError, ValueError):
        video = open_second(path)
        return video.stored() if isinstance(video, second.Capture) and not video.stream.frames else 0
    return 0


def is_still(path: Path | str) -> bool:
    """Whether a video has a single frame, as a picture or the cover of a song that is named like one."""
    return len(list(itertools.islice(decode(open_video(path)), 2))) == 1


def check_written(path: Path | str, count: int, name: Path | str) -> None:
    """UserError where a video that OpenCV wrote to `path` has not all its frames: it says nothing of a full disk."""
    from actioncnn.video import second

    with contextlib.suppress(NoFrameError, OSError, ValueError):
        video = open_second(path)
        if isinstance(video, second.Capture) and video.stored() == count:
            return
    raise UserError(f"{name}: could not be written whole; make room on its disk")
