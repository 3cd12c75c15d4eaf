"""The frames are the right frames: videos whose frames carry their number."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT, write_video

from videoto3d import NoFrameError, Videoto3D, claimed_count, decode, resize, split_name


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
    frames = Videoto3D(64, 48, 10).video3d(path)
    assert frames.shape == (10, 48, 64) and frames.dtype == np.uint8
    assert [number(frame) for frame in frames] == [i * count // 10 for i in range(10)]


def test_first_frames(tmp_path):
    write_numbered(tmp_path / "v.avi", 30)
    frames = Videoto3D(32, 32, 10).video3d(tmp_path / "v.avi", skip=False)
    assert [number(frame) for frame in frames] == list(range(10))


@pytest.mark.parametrize("skip", [True, False])
def test_short_videos_repeat_frames(tmp_path, skip):
    write_numbered(tmp_path / "v.avi", 4)
    numbers = [number(frame) for frame in Videoto3D(32, 32, 8).video3d(tmp_path / "v.avi", skip=skip)]
    assert numbers == ([0, 0, 1, 1, 2, 2, 3, 3] if skip else [0, 1, 2, 3, 3, 3, 3, 3])


def test_a_cut_file_counts_what_decodes(tmp_path):
    """The header of the cut file still claims 100 frames."""
    write_numbered(tmp_path / "whole.avi", 100)
    content = (tmp_path / "whole.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) * 6 // 10])
    there = sum(1 for _ in decode(tmp_path / "cut.avi"))
    assert 40 < there < 70
    numbers = [number(frame) for frame in Videoto3D(64, 48, 10).video3d(tmp_path / "cut.avi")]
    assert numbers == [i * there // 10 for i in range(10)]


def test_an_absurd_count_is_not_believed(tmp_path):
    write_numbered(tmp_path / "v.avi", 40)
    content = bytearray((tmp_path / "v.avi").read_bytes())
    where = content.find(b"avih") + 8 + 16  # total frames in the main header; the stream's header has it too
    stream = content.find(b"strh") + 8 + 32
    for place in (where, stream):
        content[place : place + 4] = (2**31 - 8).to_bytes(4, "little")
    (tmp_path / "v.avi").write_bytes(content)
    numbers = [number(frame) for frame in Videoto3D(64, 48, 10).video3d(tmp_path / "v.avi")]
    assert numbers == [i * 40 // 10 for i in range(10)]


def test_color_is_rgb(tmp_path):
    write_video(tmp_path / "v.avi", np.full((5, 48, 64, 3), (0, 0, 250), np.uint8))  # red, as OpenCV writes it
    frames = Videoto3D(16, 12, 3).video3d(tmp_path / "v.avi", color=True)
    assert frames.shape == (3, 12, 16, 3)
    red, green, blue = frames.mean((0, 1, 2))
    assert red > 200 and green < 40 and blue < 40


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_no_frame(tmp_path, content, capfd):
    (tmp_path / "broken.avi").write_bytes(content)
    with pytest.raises(NoFrameError):
        Videoto3D(32, 32, 10).video3d(tmp_path / "broken.avi")
    assert capfd.readouterr().err == ""
    with pytest.raises(NoFrameError, match="no such file"):
        Videoto3D(32, 32, 10).video3d(tmp_path / "absent.avi")


def test_class_names(tmp_path):
    name = Videoto3D(32, 32, 10).get_UCF_classname
    assert name("v_ApplyLipstick_g01_c02.avi") == "ApplyLipstick"
    assert name("/data/UCF-101/YoYo/v_YoYo_g25_c04.avi") == "YoYo"
    assert name("/data/mine/jump rope/clip 1.mp4") == "jump rope"
    assert split_name("v_My_Class_g07_c01.avi") == ("My_Class", 7)
    assert split_name("a/b/holiday.mp4") == ("b", None)


def test_as_a_script_from_elsewhere(tmp_path):
    write_numbered(tmp_path / "v_Run_g01_c01.avi", 20)
    command = [sys.executable, str(ROOT / "videoto3d.py"), "v_Run_g01_c01.avi", "--depth", "5", "--output", "frames"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Run" in done.stdout
    assert len(list((tmp_path / "frames").glob("*.png"))) == 5
    done = subprocess.run([*command[:2], "absent.avi"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "absent.avi" in done.stderr


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs real UCF-101 clips")
def test_real_clips_against_a_full_decode():
    for path in sorted(Path(os.environ["UCF101_DIR"]).rglob("*.avi"))[::4]:
        capture, frames = cv2.VideoCapture(str(path)), []
        while (result := capture.read())[0]:
            frames.append(resize(result[1], 32, 32, False))
        count = claimed_count(path)
        count = count if 9 * count // 10 < len(frames) else len(frames)
        expected = np.stack([frames[i * count // 10] for i in range(10)])
        assert np.array_equal(Videoto3D(32, 32, 10).video3d(path), expected), path.name
