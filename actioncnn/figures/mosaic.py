"""Pictures laid out on white: lines of text, and tiles in rows and columns.

A picture is uint8 RGB (H, W, 3). Where tiles are the pages of an animation (N, H, W, 3), so is what is made of them,
and a picture among them is on every page.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from actioncnn.figures import text

WHITE = 255
GAP = 2  # pixels between tiles that belong together, such as the frames of a strip
TALL = 1.5  # height of a page relative to its width, about, where the number of columns is free


def write(
    line: str, width: int, size: int = 13, least: int = 10, color: Sequence[int] = (0, 0, 0), bold: bool = False
) -> np.ndarray:
    """A line of text as a picture that is at most `width` pixels wide and text.LINE * size high.

    A long line is set smaller, down to `least` pixels, and then loses its middle.
    """
    line, fitted = text.fit(line, width, size, least, bold)
    high, wide = text.coverage(line, fitted, bold).shape
    canvas = np.full((round(text.LINE * size), min(wide, width), 3), WHITE, np.uint8)
    text.draw(canvas, 0, (len(canvas) - high) // 2, line, fitted, color, bold)
    return canvas


def lay_out(
    tiles: Sequence[np.ndarray],
    columns: int | None = None,
    gap: int = GAP,
    margin: int = 0,
    down: bool = False,
    align: tuple[float, float] = (0, 0),
    min_width: int = 0,
) -> np.ndarray:
    """A picture of many tiles. A column is as wide as its widest tile, and a row as high as its highest.

    columns: by default so many that the page is about TALL times as high as wide. gap, margin: pixels between the
    tiles, and around all of them. down: fill column by column, instead of row by row. align: the shares of the free
    room of a cell that are above its tile and to the left of it. min_width: of each column, in pixels.
    """
    heights, widths = ([tile.shape[axis] for tile in tiles] for axis in (-3, -2))
    if not columns:
        fitting = (len(tiles) * (max(heights) + gap) / (max(*widths, min_width) + gap) / TALL) ** 0.5
        columns = min(max(round(fitting), 1), len(tiles))
    rows, places = -(-len(tiles) // columns), np.arange(len(tiles))
    row, column = (places % rows, places // rows) if down else (places // columns, places % columns)
    high, wide = np.zeros(row.max() + 1, int), np.full(column.max() + 1, min_width)
    np.maximum.at(high, row, heights)
    np.maximum.at(wide, column, widths)
    tops, lefts = (margin + np.cumsum([0, *sizes]) + gap * np.arange(len(sizes) + 1) for sizes in (high, wide))
    pages = np.broadcast_shapes(*(tile.shape[:-3] for tile in tiles))
    canvas = np.full((*pages, tops[-1] - gap + margin, lefts[-1] - gap + margin, 3), WHITE, np.uint8)
    for tile, r, c, height, width in zip(tiles, row, column, heights, widths):
        y = tops[r] + round(align[0] * (high[r] - height))
        x = lefts[c] + round(align[1] * (wide[c] - width))
        canvas[..., y : y + height, x : x + width, :] = tile
    return canvas


def below(*tiles: np.ndarray, gap: int = GAP, **options: Any) -> np.ndarray:
    """Tiles one below the other; options: of lay_out."""
    return lay_out(tiles, 1, gap, **options)


def beside(*tiles: np.ndarray, gap: int = GAP, **options: Any) -> np.ndarray:
    """Tiles side by side; options: of lay_out."""
    return lay_out(tiles, len(tiles), gap, **options)
