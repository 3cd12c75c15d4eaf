"""Frames side by side and one after the other, as they are."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from actioncnn.figures import mosaic, strips

CLIP = np.random.default_rng(0).integers(0, 256, (12, 16, 4, 3), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_visible_is_rgb(channels):
    frame = np.random.default_rng(0).integers(0, 256, (6, 8, channels), np.uint8)
    shown = strips.visible(frame)
    assert shown.shape == (6, 8, 3) and shown.dtype == np.uint8
    assert np.array_equal(shown, frame) if channels == 3 else np.allclose(shown[..., 0], frame.mean(-1), atol=0.5)


def test_enlarged_by_whole_pixels_or_reduced():
    assert np.array_equal(strips.enlarge(CLIP[:, :, 0], 50)[::3, ::3], CLIP[:, :, 0])
    assert strips.enlarge(CLIP[:, :, 0], 8).shape == (6, 8, 3)


def test_a_strip_shows_evenly_spaced_frames():
    strip = strips.strip(CLIP, 16, 3)
    assert strip.shape == (12, 3 * 16 + 2 * mosaic.GAP, 3)
    assert all(np.array_equal(strip[:, x : x + 16], CLIP[:, :, t]) for x, t in ((0, 0), (18, 2), (36, 3)))


@pytest.mark.parametrize("gray", [True, False])
def test_gif_has_all_pages(gray):
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 99, 200], [255, 255, 255]], np.uint8)
    pages = np.moveaxis(CLIP[..., :1].repeat(3, -1) if gray else palette[CLIP[..., 0] // 64], 2, 0)
    with Image.open(io.BytesIO(strips.gif(pages, 120))) as image:
        shown = [np.asarray(page.convert("RGB")) for page in ImageSequence.Iterator(image)]
        assert image.info["loop"] == 0 and image.info["duration"] == 120
    assert np.abs(np.array(shown).astype(int) - pages).max() <= (0 if gray else 8)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
def test_image_files(ending):
    with Image.open(io.BytesIO(strips.image(CLIP[:, :, 0], ending))) as image:
        assert image.size == (16, 12)
