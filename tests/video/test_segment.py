"""Parts of long videos: the right frames, whatever reads them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import write_video

from actioncnn.errors import NoFrameError
from actioncnn.video import decode, pool, segment
from actioncnn.video.sampling import Sampling


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four seconds of 25 frames, as gray as twice their number: as videos and as pictures."""
    folder = tmp_path_factory.mktemp("parts")
    frames = np.repeat(2 * np.arange(100, dtype=np.uint8), 256).reshape(100, 16, 16)
    write_video(folder / "v.avi", frames)
    write_video(folder / "v.mp4", frames, "mp4v")
    (folder / "pictures").mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / "pictures" / f"{number}.png"), frame)
    return folder


@pytest.mark.parametrize("video", ["v.avi", "v.mp4", "pictures"])
@pytest.mark.parametrize(
    ("fragment", "first", "last"),
    [("t=1,2", 25, 50), ("t=0.4,0.8", 10, 20), ("t=3,", 75, 100), ("frames=50,60", 50, 60), ("frames=90,", 90, 100)],
)
def test_frames_of_a_part(folder, video, fragment, first, last):
    path = folder / f"{video}#{fragment}"
    shown = lambda **how: decode.read_frames(path, 8, 8, 5, **how).mean((1, 2)) / 2  # noqa: E731
    evenly = [first + i * (last - first) // 5 for i in range(5)]
    assert np.allclose(shown(), evenly, atol=1.5) and np.allclose(shown(skip=False), range(first, first + 5), atol=1.5)


def test_a_part_beyond_the_end_has_no_frame(folder):
    with pytest.raises(NoFrameError, match="longer than the video"):
        decode.read_frames(folder / "v.avi#t=9,10", 8, 8, 5)
    [(_, failed)] = pool.clips({0: folder / "none.avi#t=0,1"}, Sampling(8, 2, False), 1)
    assert "no such file" in failed.reason


def test_names(tmp_path):
    assert segment.part_of("a.mp4") is None and segment.source("a/b.mp4#t=1,2.5") == Path("a/b.mp4")
    assert segment.part_of(segment.named("a b.mp4", "t", 1.0, None)) == (Path("a b.mp4"), "t", 1, float("inf"))
    assert segment.named("a.mp4", "frames", 3.0, 9.0).name == "a.mp4#frames=3,9"
    (tmp_path / "odd.avi#t=1,2").touch()  # a file that is called so is itself
    assert segment.part_of(tmp_path / "odd.avi#t=1,2") is None
