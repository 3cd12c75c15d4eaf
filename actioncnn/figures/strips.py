"""Clips as pictures: frames enlarged and side by side, animations, image files."""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from actioncnn.figures import mosaic


def visible(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W, C) in RGB: gray in all three, the mean of channels that are neither gray nor RGB."""
    gray = frame.mean(-1, keepdims=True).round().astype(np.uint8) if frame.shape[-1] not in (1, 3) else frame
    return np.broadcast_to(gray, (*frame.shape[:2], 3))


def enlarge(frame: np.ndarray, side: int) -> np.ndarray:
    """A frame (H, W, C) in RGB, to fit `side`: its pixels a whole number of times as large, or reduced."""
    longest = max(frame.shape[:2])
    scale = side // longest if longest <= side else side / longest
    size = [max(round(length * scale), 1) for length in frame.shape[1::-1]]
    how = cv2.INTER_NEAREST if longest <= side else cv2.INTER_AREA
    return cv2.resize(np.ascontiguousarray(visible(frame)), size, interpolation=how)


def strip(clip: np.ndarray, side: int, most: int) -> np.ndarray:
    """At most `most` evenly spaced frames of a clip (H, W, T, C), each to fit `side`, side by side in RGB."""
    depth = clip.shape[2]
    places = np.linspace(0, depth - 1, min(depth, most)).round().astype(int)
    return mosaic.beside(*(enlarge(clip[:, :, place], side) for place in places))


def image(pixels: np.ndarray, ending: str = ".png") -> bytes:
    """uint8 pixels (H, W) or (H, W, 3) as the bytes of an image file with this ending."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, Image.registered_extensions()[ending])
    return buffer.getvalue()


def gif(pages: np.ndarray | Sequence[np.ndarray], period: float) -> bytes:
    """uint8 pages (N, H, W, 3), each shown for `period` milliseconds, as the bytes of an endless animated GIF.

    Gray ones are exact; colours are those of one palette for all pages, so that nothing flickers.
    """
    pages = np.asarray(pages)
    gray = (pages[..., :1] == pages).all()
    if gray:
        images = [Image.fromarray(page[..., 0]) for page in pages]
    else:
        palette = Image.fromarray(np.concatenate(pages[:, ::2, ::2])).quantize(256)
        images = [Image.fromarray(page).quantize(palette=palette, dither=Image.Dither.NONE) for page in pages]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=period, loop=0, optimize=gray)
    return buffer.getvalue()
