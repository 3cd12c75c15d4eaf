"""The frames are the right frames: videos whose frames carry their number."""

import os
import re
import shlex
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers import write_video

from actioncnn.errors import NoFrameError
from actioncnn.video import pool
from actioncnn.video.decode import claimed_count, decode, open_video, read_clip, read_frames, resize
from actioncnn.video.sampling import Sampling


def write_numbered(path, count, size=(64, 48), codec="MJPG"):
    """A video whose frame i shows i in binary, as eight vertical bars, and is red."""
    width, height = size
    frames = np.zeros((count, height, width), np.uint8)
    for bit in range(8):
        shown = np.arange(count) >> bit & 1
        frames[:, :, bit * width // 8 : (bit + 1) * width // 8] = 255 * shown[:, None, None]
    write_video(path, frames, codec)


def number(frame):
    """The number that a frame of `write_numbered` shows."""
    bars = np.array_split(frame.reshape(*frame.shape[:2], -1).mean((0, 2)), 8)
    return sum(1 << bit for bit, bar in enumerate(bars) if bar[len(bar) // 4 : -len(bar) // 4 or None].mean() > 127)


@pytest.mark.parametrize(("count", "codec", "ending"), [(100, "MJPG", "avi"), (37, "XVID", "avi"), (25, "mp4v", "mp4")])
def test_evenly_spaced_frames(tmp_path, count, codec, ending):
    path = tmp_path / f"numbered.{ending}"
    write_numbered(path, count, codec=codec)
    frames = read_frames(path, 64, 48, 10)
    assert frames.shape == (10, 48, 64) and frames.dtype == np.uint8
    assert [number(frame) for frame in frames] == [i * count // 10 for i in range(10)]


def test_first_frames(tmp_path):
    write_numbered(tmp_path / "v.avi", 30)
    frames = read_frames(tmp_path / "v.avi", 32, 32, 10, skip=False)
    assert [number(frame) for frame in frames] == list(range(10))


@pytest.mark.parametrize("skip", [True, False])
def test_short_videos_repeat_frames(tmp_path, skip):
    write_numbered(tmp_path / "v.avi", 4)
    numbers = [number(frame) for frame in read_frames(tmp_path / "v.avi", 32, 32, 8, skip=skip)]
    assert numbers == ([0, 0, 1, 1, 2, 2, 3, 3] if skip else [0, 1, 2, 3, 3, 3, 3, 3])


def test_a_cut_file_counts_what_decodes(tmp_path):
    """The header of the cut file still claims 100 frames."""
    write_numbered(tmp_path / "whole.avi", 100)
    content = (tmp_path / "whole.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) * 6 // 10])
    there = sum(1 for _ in decode(open_video(tmp_path / "cut.avi")))
    assert 40 < there < 70
    numbers = [number(frame) for frame in read_frames(tmp_path / "cut.avi", 64, 48, 10)]
    assert numbers == [i * there // 10 for i in range(10)]


def test_an_absurd_count_is_not_believed(tmp_path):
    write_numbered(tmp_path / "v.avi", 40)
    content = bytearray((tmp_path / "v.avi").read_bytes())
    where = content.find(b"avih") + 8 + 16  # total frames in the main header; the stream's header has it too
    stream = content.find(b"strh") + 8 + 32
    for place in (where, stream):
        content[place : place + 4] = (2**31 - 8).to_bytes(4, "little")
    (tmp_path / "v.avi").write_bytes(content)
    numbers = [number(frame) for frame in read_frames(tmp_path / "v.avi", 64, 48, 10)]
    assert numbers == [i * 40 // 10 for i in range(10)]


def test_color_is_rgb(tmp_path):
    write_video(tmp_path / "v.avi", np.full((5, 48, 64, 3), (0, 0, 250), np.uint8))  # red, as OpenCV writes it
    frames = read_frames(tmp_path / "v.avi", 16, 12, 3, color=True)
    assert frames.shape == (3, 12, 16, 3)
    red, green, blue = frames.mean((0, 1, 2))
    assert red > 200 and green < 40 and blue < 40


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_no_frame(tmp_path, content, capfd):
    (tmp_path / "broken.avi").write_bytes(content)
    with pytest.raises(NoFrameError):
        read_frames(tmp_path / "broken.avi", 32, 32, 10)
    assert capfd.readouterr().err == ""
    with pytest.raises(NoFrameError, match="no such file"):
        read_frames(tmp_path / "absent.avi", 32, 32, 10)


@pytest.mark.parametrize(("depth", "color", "shape"), [(4, True, (8, 8, 4, 3)), (0, False, (8, 8, 2, 1))])
def test_clips_have_time_behind_the_image(tmp_path, depth, color, shape):
    write_numbered(tmp_path / "v.avi", 20)
    clip = read_clip(tmp_path / "v.avi", Sampling(8, depth, color))
    assert clip.shape == shape and clip.flags.c_contiguous
    frames = read_frames(tmp_path / "v.avi", 8, 8, shape[2], color)
    assert all(np.array_equal(clip[:, :, t], frames[t].reshape(8, 8, -1)) for t in range(shape[2]))


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs real UCF-101 clips")
def test_real_clips_against_a_full_decode():
    for path in sorted(Path(os.environ["UCF101_DIR"]).rglob("*.avi"))[::4]:
        capture, frames = cv2.VideoCapture(str(path)), []
        while (result := capture.read())[0]:
            frames.append(resize(result[1], 32, 32, False))
        count = claimed_count(open_video(path))
        count = count if 9 * count // 10 < len(frames) else len(frames)
        expected = np.stack([frames[i * count // 10] for i in range(10)])
        assert np.array_equal(read_frames(path, 32, 32, 10), expected), path.name


@pytest.mark.parametrize(
    ("name", "content", "codec", "output"),
    [
        ("a b.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isom" + bytes(2_000_000) + b"stsd....evc1", "EVC", "a b.mkv"),
        ("x.mkv", b"\x1a\x45\xdf\xa3matroska" + bytes(999_980) + b"V_AVS2", "AVS2", "x.mp4"),
        ("x.mov", b"moov" * 9 + b"jxsm", "JPEG XS", "x.mp4"),
    ],
)
def test_a_codec_that_is_lacking_is_named(tmp_path, name, content, codec, output):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NoFrameError) as caught:
        read_frames(tmp_path / name, 8, 8, 2)
    [command] = re.findall("`(.+)`", str(caught.value))
    assert f"codec is {codec}, which cannot be decoded here" in str(caught.value)
    assert shlex.split(command) == ["ffmpeg", "-i", f"{tmp_path / name}", "-c:v", "libx264", f"{tmp_path / output}"]


def test_joined_streams_are_sampled_to_their_end(tmp_path):
    """An MPEG-2 stream does not tell its number of frames; of two that are joined the lengths mislead."""
    for name, first in (("a", 0), ("b", 50)):
        with av.open(str(tmp_path / f"{name}.ts"), "w", format="mpegts") as container:
            stream = container.add_stream("mpeg2video", rate=25)
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 4_000_000
            for i in range(50):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * (first + i), np.uint8), "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    (tmp_path / "joined.ts").write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    seen = read_frames(tmp_path / "joined.ts", 16, 12, 10).mean((1, 2)) / 2
    assert np.allclose(seen, [i * 10 for i in range(10)], atol=3)


def test_a_still_that_is_named_as_a_video_is_said(tmp_path):
    cv2.imwrite(str(tmp_path / "still.png"), np.full((16, 16, 3), 90, np.uint8))
    (tmp_path / "still.png").rename(tmp_path / "still.mp4")
    write_video(tmp_path / "dull.avi", np.full((9, 16, 16), 90, np.uint8))
    said = {
        name: [
            item.text for _, item in pool.clips({0: tmp_path / name}, Sampling(8, 4, False), 1) if hasattr(item, "text")
        ]
        for name in ("still.mp4", "dull.avi")
    }
    assert "single frame" in said["still.mp4"][0] and said["dull.avi"] == []
