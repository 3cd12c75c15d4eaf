"""Pictures of evidence, of any size, depth and colour."""

import numpy as np
import pytest

from actioncnn.explain import overlay

NAMES = "speaks for $x$_{2}", "speaks against it"


def made(size, depth, channels):
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (size, size, depth, channels) if depth else (size, size, channels), np.uint8)
    evidence = np.zeros((depth or 1, size, size), np.float32)
    evidence[:, : size // 2], evidence[:, -size // 4 :] = 1, -1
    return clip, evidence


@pytest.mark.parametrize("size", [32, 112])
@pytest.mark.parametrize("depth, channels", [(0, 3), (4, 1), (64, 3)])
def test_filmstrip(size, depth, channels):
    picture = overlay.filmstrip(*made(size, depth, channels), "v_Bow_g01_c01.avi: Bow 98.0%", NAMES)
    high, wide, _ = picture.shape
    assert picture.dtype == np.uint8 and 150 < high < 640 and 380 < wide < 2100
    body = picture[60:].astype(int)
    orange, blue = (np.abs(body - color).sum(2).min() < 90 for color in (overlay.FOR, overlay.AGAINST))
    assert orange and blue


def test_no_evidence_is_no_colour():
    clip, evidence = made(32, 4, 3)
    drawn = overlay.draw_over(clip[:, :, 0], 0 * evidence[0], overlay.strongest(0 * evidence), 96)
    assert np.ptp(drawn, axis=2).max() == 0


def test_bars_stand_up_for_and_hang_down_against():
    evidence = np.zeros((2, 4, 4), np.float32)
    evidence[0], evidence[1] = 1, -0.5
    canvas = overlay.bars(evidence, 100)
    up, down = ((canvas == color).all(2) for color in (overlay.FOR, overlay.AGAINST))
    assert up[:, :50].any() and not up[:, 50:].any() and down[:, 50:].any() and not down[:, :50].any()
    assert np.flatnonzero(up.any(1)).max() < np.flatnonzero(down.any(1)).min()
    assert up.any(1).sum() == pytest.approx(2 * down.any(1).sum(), abs=2)


def test_animation_has_a_page_for_each_frame():
    assert overlay.animation(*made(32, 5, 1)).shape == (5, 256, 514, 3)


def test_a_tile_shows_all_evidence_below_a_title_of_any_length():
    clip, evidence = made(32, 4, 1)
    one = overlay.tile(clip, [evidence], "W" * 300, [["W" * 300] * 2])
    two = overlay.tile(clip, [evidence, -evidence], "W" * 300, [NAMES, NAMES])
    assert two.shape == (len(one), 2 * one.shape[1], 3)
    assert np.array_equal(two[-100:, : one.shape[1]], one[-100:])


def test_evidence_has_a_scale_and_that_of_a_frame_is_not_called_log_odds():
    values = np.zeros((4, 8, 8), np.float32)
    values[:, 2:4, 2:4] = 0.5
    assert overlay.unit(values) == "log odds" and overlay.unit(values[:1]) != "log odds"
    clip = np.full((8, 8, 4, 1), 90, np.uint8)
    strip = overlay.filmstrip(clip, values, "title", ("for", "against"))
    for color in (overlay.FOR, overlay.AGAINST):  # nothing speaks against it: only the scale has its colour
        assert (np.abs(strip[-30:].astype(int) - color).sum(-1) < 60).any()
    single = overlay.tile(clip[:, :, 0], [values[:1]], "title", [("for", "against")])
    assert single.shape[0] > 2 * overlay.ALONE
