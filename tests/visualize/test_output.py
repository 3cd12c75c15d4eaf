"""The pictures of units, however many there are and whatever they are called."""

import numpy as np
import pytest

from actioncnn.visualize import output
from actioncnn.visualize.real import RealClip
from actioncnn.visualize.result import Result


def made(count, depth):
    frames = np.zeros((count, 32, 32, depth, 1), np.uint8)
    return [Result(unit, frames[unit], None, 0.1, 12.3, 12.3, 0.998, unit, [0.1, 12.3]) for unit in range(count)]


@pytest.mark.parametrize("name", ["l" * 300, "W" * 300, "W" * 40, "YoYo"])
@pytest.mark.parametrize("depth", [1, 10])
@pytest.mark.parametrize("count", [1, 30])
def test_a_class_of_any_name_fits_the_sheet(name, depth, count):
    results = made(count, depth)
    titles = [output.title_of(result, "dense_2", [name] * count) for result in results]
    clip = RealClip(results[0].frames, 3.2, f"v_{name}.avi")
    without, with_real = (output.draw_sheet(results, titles, [real] * count) for real in (None, clip))
    assert without.shape[1] <= 3000 and (without == 0).all(-1).sum() >= count * depth * 64**2
    assert (with_real == 0).all(-1).sum() >= 2 * count * min(depth, 10) * 32**2
    assert (without[:, -10:] == 255).all() and (with_real[:, -10:] == 255).all()


def test_a_sheet_of_many_single_frames_shows_them_enlarged():
    sheet = output.draw_sheet(made(101, 1), ["dense_2 1 YoYo"] * 101, [None] * 101)
    assert 0.5 < sheet.shape[0] / sheet.shape[1] < 2 and (sheet == 0).all(-1).sum() >= 101 * 96**2


@pytest.mark.parametrize("count", [1, 8, 30])
def test_pages_of_an_animation(count):
    frames = [result.frames for result in made(count, 5)]
    pages = output.draw_pages(frames, ["W" * 300] * count)
    assert len(pages) == 5 and (pages == 0).all(-1).sum() >= 5 * count * 96**2
