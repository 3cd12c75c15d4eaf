"""The page of a dataset: which videos, how large, how titled."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers import index_of, write_video

from actioncnn.errors import UserError
from actioncnn.figures import preview


def test_classes_are_drawn_or_named():
    videos = index_of(["Bow", "Cut", "Run", "Yo"], [1, 2], 2)
    drawn = preview.choose_videos(videos, 2, 0)
    assert len(drawn) == 2 and all(len(paths) == 4 for paths in drawn.values())
    assert list(preview.choose_videos(videos, None, 0)) == ["Bow", "Cut", "Run", "Yo"]
    named = preview.choose_videos(videos, ["run", "Bow", "run"], 0)
    assert list(named) == ["Run", "Bow"] and named["Bow"] == preview.choose_videos(videos, None, 0)["Bow"]
    with pytest.raises(UserError, match="there is no class Swim, but Bow, Cut"):
        preview.choose_videos(videos, ["Swim"], 0)


@pytest.mark.parametrize(("frames", "numbers"), [(1, [12]), (4, [0, 6, 12, 18])])
def test_a_single_frame_is_that_of_a_2d_network(tmp_path, frames, numbers):
    write_video(tmp_path / "v.avi", np.repeat(np.arange(0, 240, 10, np.uint8), 32 * 32).reshape(24, 32, 32))
    shown = next(preview.read_as_shown(tmp_path / "v.avi", 16, frames))
    assert shown.shape == (frames, 16, 16, 3)
    assert np.round(shown.mean((1, 2, 3)) / 10).astype(int).tolist() == numbers


def test_all_classes_fit_a_page():
    assert preview.grid(101, 1) == (9, 12)
    assert preview.height(12, 1) >= preview.LEAST
    assert preview.grid(15, 1, 5, 3) == (5, 3) and preview.grid(8, 1, 5, 3) == (3, 3)
    assert preview.grid(7, 1, rows=2) == (2, 4) and preview.grid(1, 1) == (1, 1)


@pytest.mark.parametrize("animated", [False, True])
def test_a_page_of_videos_of_several_sizes(animated):
    names = ["YoYo", "a name of a class that is much too long for its place", "日本語", "\udcff"]
    frames = [np.full((3, high, wide, 3), 0, np.uint8) for high, wide in ((90, 120), (120, 90), (60, 120), (90, 120))]
    pages = preview.page([preview.Example(*each, [], []) for each in zip(names, frames)], 2, animated)
    wide = 120 if animated else 3 * 120 + 4
    assert pages.shape == (3 if animated else 1, 2 * (24 + 12) + 120 + 90 + 12, 2 * (wide + 12) + 12, 3)
    assert (pages[:, 12 + 24 : 12 + 24 + 90, 12 : 12 + 120] == 0).all()


def test_pixels_that_are_not_square(monkeypatch):
    values = {cv2.CAP_PROP_FRAME_WIDTH: 720, cv2.CAP_PROP_FRAME_HEIGHT: 576}
    values |= {cv2.CAP_PROP_SAR_NUM: 16, cv2.CAP_PROP_SAR_DEN: 15}
    monkeypatch.setattr(preview, "open_video", lambda path: SimpleNamespace(get=lambda key: values[key]))
    assert preview.shown_size("x", 240) == (320, 240)
    values |= {cv2.CAP_PROP_SAR_NUM: 0, cv2.CAP_PROP_FRAME_WIDTH: 1000, cv2.CAP_PROP_FRAME_HEIGHT: 100}
    assert preview.shown_size("x", 240) == (480, 48)
