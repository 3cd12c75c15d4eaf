"""A copy of a video with the best classes drawn in."""

import cv2
import numpy as np
import pytest
from helpers import write_video

from actioncnn.errors import UserError
from actioncnn.predict import annotate
from actioncnn.predict.timeline import Row


def row(start, end, *shares):
    return Row(start, end, np.array(shares, np.float32))


def test_annotated_frames(tmp_path):
    write_video(tmp_path / "v.avi", np.full((10, 120, 160), 200, np.uint8), fps=10)
    rows = [row(0, 0.5, 0.9, 0.1), row(0.5, 1, 0.1, 0.9)]
    annotate.annotate_video(tmp_path / "v.avi", tmp_path / "a.mp4", rows, ["left", "right"])
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    frames = [capture.read()[1] for _ in range(10)]
    corners = np.array([frame[-30:, :60].astype(int) for frame in frames])
    assert (corners[0] < 150).mean() > 0.5 and abs(frames[0][:60].mean() - 200) < 3
    assert abs(corners[0] - corners[4]).mean() < 5 < abs(corners[0] - corners[5]).mean()
    with pytest.raises(UserError, match="--annotate"):
        annotate.annotate_video(tmp_path / "v.avi", tmp_path / "a.none", rows, ["left", "right"])
    assert {path.name for path in tmp_path.iterdir()} == {"v.avi", "a.mp4"}


@pytest.mark.parametrize("size", [(24, 16), (160, 120), (1920, 1080)])
def test_the_panel_fits_the_frame(size):
    shade, words = annotate.make_panel([("篮球 " * 20, 0.9), ("كرة", 0.1), ("$x_1$", 0)], size, ["a", "b", "c"])
    assert shade.shape == words.shape and shade.shape[0] <= size[1] and shade.shape[1] <= size[0]
    assert words.max() > 128


def test_small_frames_are_not_covered():
    shade, _ = annotate.make_panel([("first", 0.9), ("second", 0.1), ("third", 0)], (160, 120), ["a", "b", "c"])
    assert shade.shape[0] < 0.33 * 120
