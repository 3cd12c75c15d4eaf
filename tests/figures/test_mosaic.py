"""Tiles in rows and columns, and text that never is wider than its place."""

import numpy as np
import pytest
from pictures import ODD

from actioncnn.figures import mosaic


def tile(value, high=4, wide=6, pages=()):
    return np.full((*pages, high, wide, 3), value, np.uint8)


def test_rows_and_columns_are_as_large_as_what_they_hold():
    picture = mosaic.lay_out([tile(0), tile(1, high=8), tile(2, wide=10)], 2, gap=3, margin=2)
    assert picture.shape == (2 + 8 + 3 + 4 + 2, 2 + 10 + 3 + 6 + 2, 3)
    assert (picture[2:6, 2:8] == 0).all() and (picture[2:10, 15:21] == 1).all() and (picture[13:17, 2:12] == 2).all()
    assert (picture == 255).all(-1).sum() == picture.shape[0] * picture.shape[1] - 24 - 48 - 40


def test_order_and_alignment():
    tiles = [tile(value) for value in range(5)]
    down = mosaic.lay_out(tiles, 2, 0, down=True)
    assert down[::4, ::6, 0].tolist() == [[0, 3], [1, 4], [2, 255]]
    assert mosaic.lay_out(tiles[:3], 4, 0).shape == (4, 18, 3)  # a column that holds nothing takes no room
    right = mosaic.below(tile(0, wide=20), tile(1), gap=0, align=(0, 1))
    assert (right[4:, 14:] == 1).all() and (right[4:, :14] == 255).all()
    middle = mosaic.beside(tile(0, high=10), tile(1), gap=0, align=(0.5, 0), min_width=9)
    assert (middle[3:7, 9:15] == 1).all() and middle.shape == (10, 18, 3)


def test_a_picture_is_on_every_page_of_an_animation():
    pages = np.arange(5, dtype=np.uint8)[:, None, None, None] + tile(0)
    both = mosaic.below(tile(9), pages, gap=0)
    assert both.shape == (5, 8, 6, 3) and (both[:, :4] == 9).all() and np.array_equal(both[:, 4:], pages)


@pytest.mark.parametrize("shape", [(60, 660), (140, 300), (300, 60)])
@pytest.mark.parametrize("count", [1, 8, 101])
def test_by_default_a_page_is_no_ribbon(shape, count):
    high, wide, _ = mosaic.lay_out([tile(0, *shape)] * count).shape
    assert count < 20 or 1 < high / wide < 2.5
    assert high * wide >= count * shape[0] * shape[1]


@pytest.mark.parametrize("line", [*ODD, "W" * 300, "l" * 300, ""])
@pytest.mark.parametrize("width", [1, 20, 200])
@pytest.mark.parametrize("bold", [False, True])
def test_text_is_no_wider_than_its_place(line, width, bold):
    picture = mosaic.write(line, width, 16, 11, (200, 0, 0), bold)
    assert picture.shape[0] == 24 and 1 <= picture.shape[1] <= width
    assert width < 20 or not line or (picture[..., 1].min() < 100 and picture[..., 0].min() >= 200)
