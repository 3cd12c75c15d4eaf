"""Videos that are mirrored for display are shown so."""

import struct

import numpy as np
import pytest
from helpers import write_video

from actioncnn.video import decode, display_matrix


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A video whose corners differ, and its bytes."""
    path = tmp_path_factory.mktemp("plain") / "v.mp4"
    frames = np.zeros((6, 48, 64), np.uint8)
    frames[:, :24, :32], frames[:, :24, 32:], frames[:, 24:, :32] = 240, 160, 80
    write_video(path, frames, "mp4v")
    return path


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((-1, 0, 0, 1), lambda frame: frame[:, ::-1]),
        ((1, 0, 0, -1), lambda frame: frame[::-1]),
        ((0, 1, 1, 0), lambda frame: frame.T),
        ((0, -1, -1, 0), lambda frame: frame.T[::-1, ::-1]),
        ((-1, 0, 0, -1), lambda frame: frame[::-1, ::-1]),
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
    ],
)
def test_mirrored_and_turned(plain, tmp_path, matrix, expected):
    content = bytearray(plain.read_bytes())
    at = content.find(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "v.mp4").write_bytes(content)
    right = expected(decode.read_frames(plain, 64, 48, 2)[0])
    for opener in (decode.open_video, decode.open_second):
        frames = decode.frames_at(opener(tmp_path / "v.mp4"), [0], *right.shape[::-1], False)
        assert np.abs(frames[0].astype(int) - right).mean() < 2
    mirrored = matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0
    assert (display_matrix.mirroring(tmp_path / "v.mp4") is not None) == mirrored


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\x08moov", b"\0\0\0\x01moov", b"\0\0\0\0moov\0\0\0\x10tkhd" + bytes(4)]
)
def test_broken_boxes(tmp_path, content):
    (tmp_path / "v.mp4").write_bytes(content)
    assert display_matrix.mirroring(tmp_path / "v.mp4") is None
