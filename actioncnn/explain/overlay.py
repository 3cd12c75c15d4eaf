"""Evidence drawn over frames: filmstrips with a bar for each frame, animations, a sheet of many clips.

Orange speaks for a class, blue against it, on frames without colour of their own: color-blind readers tell them apart.
"""

import cv2
import numpy as np

from actioncnn.figures import mosaic, strips
from actioncnn.figures.text import BLUE, GRAY, ORANGE, rgb

FOR, AGAINST, MUTED = map(rgb, (ORANGE, BLUE, GRAY))
STRONGEST = 0.995  # share of a clip's pixels whose evidence is less than what is drawn at full strength
MOST = 16  # frames of a filmstrip
SINGLE = 256  # pixels, of a single frame, and of an animation
SIDE = 96  # pixels of a frame in a filmstrip at least
WIDE = 960  # pixels, of a filmstrip of few frames
SMALL = 64  # pixels, in a sheet
ALONE = 160  # pixels, of a single frame in a sheet
SCALE = 160  # pixels, width of the scale of colours
FEW = 8  # frames, in a sheet
BARS = 56  # pixels, height of the bars
MARGIN = 10  # pixels
LEAST = 420  # pixels, width of a picture with its text


def strongest(evidence):
    """The size of evidence that is drawn at full strength."""
    return max(float(np.quantile(np.abs(evidence), STRONGEST)), 1e-9)


def draw_over(frame, evidence, most, side):
    """A frame uint8 (H, W, C), in gray and enlarged to fit `side`, under its evidence (H, W): RGB."""
    gray = strips.enlarge(np.rint(frame.mean(2, keepdims=True) * 0.7 + 50).astype(np.uint8), side)
    size = gray.shape[1::-1]
    share = np.clip(cv2.resize(evidence.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) / most, -1, 1)
    color = np.where(share[..., None] > 0, np.float32(FOR), np.float32(AGAINST))
    opacity = 0.9 * np.abs(share[..., None]) ** 0.7
    return np.rint(gray + opacity * (color - gray)).astype(np.uint8)


def frames_of(clip):
    """Frames uint8 (T, H, W, C) of a clip (H, W, T, C) or a frame (H, W, C)."""
    return np.moveaxis(clip, 2, 0) if clip.ndim == 4 else clip[None]


def draw(clip, evidence, side, most=None):
    """(frames, the same frames under their evidence) of a clip, each RGB (N, H, W, 3), enlarged to fit `side` at least.

    most: the number of frames, at most; they are evenly spaced.
    """
    frames, full, side = frames_of(clip), strongest(evidence), max(side, *clip.shape[:2])
    places = np.linspace(0, len(frames) - 1, min(len(frames), most or len(frames))).round().astype(int)
    plain = np.stack([strips.enlarge(frames[place], side) for place in places])
    return plain, np.stack([draw_over(frames[place], evidence[place], full, side) for place in places])


def bars(evidence, width):
    """What speaks for the class in each frame, upwards, and against it, downwards: RGB (BARS, width, 3)."""
    both = [part.sum((1, 2)) for part in (np.maximum(evidence, 0), np.maximum(-evidence, 0))]
    scale = (BARS - 2) / max(sum(part.max() for part in both), 1e-9)
    zero = 1 + round(both[0].max() * scale)
    canvas, edges = np.full((BARS, width, 3), 255, np.uint8), np.linspace(0, width, len(evidence) + 1)
    for left, right, *heights in zip(edges, edges[1:], *both):
        inside = slice(round(left + 0.15 * (right - left)), max(round(right - 0.15 * (right - left)), round(left) + 1))
        canvas[zero - round(heights[0] * scale) : zero, inside] = FOR
        canvas[zero : zero + round(heights[1] * scale), inside] = AGAINST
    canvas[zero - 1 : zero + 1] = MUTED
    return canvas


def filmstrip(clip, evidence, title, names):
    """Picture of a clip, RGB: its frames, under their evidence, and a bar for each frame.

    title: what the network says of it; names: what orange and what blue speaks for, in words.
    """
    flat = len(evidence) == 1
    side = min(max(SIDE, WIDE // min(len(evidence), MOST)), SINGLE)
    frames = np.concatenate(draw(clip, evidence, side, MOST))
    body = mosaic.lay_out(frames, 2 if flat else len(frames) // 2)
    if not flat:
        body = mosaic.below(body, bars(evidence, body.shape[1]), axis(evidence, body.shape[1]), gap=6)
    return below_text(title, [names], [mosaic.below(body, scale(evidence), gap=10)])


def axis(evidence, width):
    """A line of text under the bars: time, and what they stand for."""
    most = np.maximum(evidence, 0).sum((1, 2)).max(), np.maximum(-evidence, 0).sum((1, 2)).max()
    words = f"bars: sum of each frame, in {unit(evidence)}, up to {most[0]:.2g} for and {most[1]:.2g} against"
    ends = [mosaic.write(word, width, 11, color=MUTED) for word in ("first frame", "last frame →")]
    between = mosaic.write(words, width - sum(end.shape[1] for end in ends) - 2 * MARGIN, 11, color=MUTED)
    gap = (width - between.shape[1] - sum(end.shape[1] for end in ends)) // 2
    return mosaic.beside(ends[0], between, ends[1], gap=max(gap, MARGIN))


def scale(evidence):
    """A picture of the colours with the strength that the fullest stands for."""
    ramp = np.linspace(-1, 1, SCALE, dtype=np.float32)[None].repeat(10, 0)
    colours = draw_over(np.full((10, SCALE, 1), 128, np.uint8), ramp, 1, SCALE)
    words = f"-{strongest(evidence):.2g}", f"{strongest(evidence):.2g} {unit(evidence)} a pixel"
    low, high = (mosaic.write(each, 2 * SCALE, 11, color=MUTED) for each in words)
    return mosaic.beside(low, colours, high, gap=6, align=(0.5, 0))


def unit(evidence):
    """What evidence is measured in; that of a single frame keeps its signs and order, but not the size of log odds."""
    return "log odds" if len(evidence) > 1 else "relative strength"


def below_text(title, names, bodies):
    """Pictures side by side, each below the words for its two colours, all below a title.

    names: of each picture, what orange and what blue speaks for, in words.
    """
    parts = []
    for words, body in zip(names, bodies, strict=True):
        half = (max(body.shape[1], LEAST) - 2 * MARGIN) // 2
        colours = [mosaic.write(f"■ {each}", half, 12, color=color) for each, color in zip(words, (FOR, AGAINST))]
        parts.append(mosaic.below(mosaic.beside(*colours, gap=2 * MARGIN), body, gap=4, min_width=LEAST))
    both = mosaic.beside(*parts, gap=2 * MARGIN)
    return mosaic.below(mosaic.write(title, both.shape[1]), both, margin=MARGIN)


def animation(clip, evidence):
    """Pages (T, H, W, 3): each frame, enlarged, beside itself under its evidence."""
    return mosaic.beside(*draw(clip, evidence, SINGLE))


def tile(clip, evidences, title, names):
    """One clip of a sheet: its frames under its evidence for each of some classes, side by side.

    title: what the network says of it; names: of each evidence, what orange and blue speak for.
    """
    side = SMALL if len(evidences[0]) > 1 else ALONE
    both = [np.concatenate(draw(clip, values, side, FEW)) for values in evidences]
    return below_text(title, names, [mosaic.lay_out(frames, len(frames) // 2) for frames in both])
