"""Where a network looks: what of a clip speaks for a class, and what against it, in space and time.

Parts of the clip are hidden at random, small and large ones, and each time the network is asked how its log odds for
the class would change with each pixel's visibility; the mean over all hidings is the pixel's evidence: gradients over
partly hidden clips (expected gradients, Erion 2021, along the masks of RISE, Petsiuk 2018, in place of a straight
line). What is hidden shows the clip's mean in half of the cases and a blurred clip in the others: each alone would
have contours of its own. Evidence sits on edges; a guided filter (He 2010) spreads it over what has the same
brightness in neighbouring frames. The weak rest, as large as the evidence of most pixels is, counts as noise.

`benchmarks/evidence.py` measures this method against others.
"""

import functools

import cv2
import numpy as np
import tensorflow as tf

PAIRS = 8  # masks, each with its opposite: every part is hidden as often as it is shown
CELLS = 3, 5, 5  # of a mask, in time, height and width
VOXELS = 1 << 18  # values of a clip's pixels at once: 500 MB where the first layer has 32 channels
REACH = 2, 0.1  # of the filter, in frames and as a share of the width
CONTRAST = 10.0  # gray levels: weaker contours do not stop the filter
NOISE = 0.6  # share of the pixels whose evidence counts as none; the strongest of it is taken off the others'


def find_evidence(model, clip, label, against=None):
    """What speaks for a class (above 0) and against it (below 0), in log odds: float32 (T, H, W); of a frame T is 1.

    model: model.model.Model; clip: uint8 (H, W, T, C), or (H, W, C), as its sampling.pick gives it; against: label of
    another class: why `label` and not that one; None: and not any other.
    """
    clip = np.asarray(clip, np.float32)
    frames = clip if clip.ndim == 4 else clip[:, :, None]
    shown = masks(*frames.shape[:3]).reshape(2, PAIRS, *frames.shape[:3], 1)
    sums = 0
    for ground, part in zip((mean_of(frames), blurred(frames)), (shown[:, ::2], shown[:, 1::2]), strict=True):
        hidden = ground + part.reshape(-1, *part.shape[2:]) * (frames - ground)
        hidden, ground = hidden.reshape(-1, *clip.shape), ground.reshape(clip.shape)
        change = model.feed(clip[None]) - model.feed(ground[None])
        sums = sums + (gradient(model, hidden, label, against) * change)[0] / (2 * PAIRS)
    spread = guided(in_clip(model, sums, clip.shape), np.moveaxis(frames.mean(3), 2, 0))
    noise = np.quantile(np.abs(spread), NOISE)
    return (np.sign(spread) * np.maximum(np.abs(spread) - noise, 0)).astype(np.float32)


@functools.lru_cache(4)
def masks(height, width, depth):
    """What of a clip is shown, 0 to 1: float32 (2 x PAIRS, H, W, T), the second half the opposite of the first."""
    rng, shown = np.random.default_rng(0), []
    for share in (np.arange(PAIRS) + 0.5) / PAIRS:
        cells = rng.random([1 + min(pair) for pair in zip(CELLS, (depth, height, width), strict=True)]) < share
        planes = np.stack([cv2.resize(plane, (width, height)) for plane in cells.astype(np.float32)])
        shown.append(cv2.resize(planes.reshape(len(planes), -1), (height * width, depth)).reshape(depth, height, width))
    shown = np.moveaxis(np.stack(shown), 1, 3)
    return np.concatenate([shown, 1 - shown])


def mean_of(frames):
    return np.broadcast_to(frames.mean((0, 1, 2)), frames.shape)


def blurred(frames):
    """Frames (H, W, T, C), each without what is smaller than an eighth of its width."""
    flat = frames.reshape(*frames.shape[:2], -1)
    planes = [cv2.GaussianBlur(flat[:, :, place], (0, 0), flat.shape[1] / 8) for place in range(flat.shape[2])]
    return np.stack(planes, -1).reshape(frames.shape)


def gradient(model, clips, label, against=None):
    """Sum over clips of the derivative of a class's log odds by each value that the network takes, (1, ...)."""
    total, step = 0, max(VOXELS // clips[0].size, 1)
    for start in range(0, len(clips), step):
        inputs = tf.constant(model.feed(clips[start : start + step]))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            odds = model.log_odds(inputs, label, against)
        total = total + tf.reduce_sum(tape.gradient(odds, inputs, unconnected_gradients="zero"), 0, keepdims=True)
    return total.numpy()


def in_clip(model, values, shape):
    """Sums of values of the network's input over the channels of each place of a clip, float32 (T, H, W)."""
    height, width, depth = (*shape[:-1], 1)[:3]
    sums = np.bincount(places_of(model, shape).ravel(), values.ravel(), height * width * depth)
    return np.moveaxis(sums.reshape(height, width, depth), 2, 0).astype(np.float32)


def places_of(model, shape):
    """Which place (H, W, T) of a clip each value of the network's input comes from, int, as its input.

    Told by what becomes of clips whose pixels hold their place: the network may take other axes and another range.
    """
    sizes = (*shape[:-1], 1)[:3]
    numbers = [np.broadcast_to(axis[..., None], (*sizes, shape[-1])) for axis in np.indices(sizes, np.float32)]
    clips = np.stack([axis.reshape(shape) for axis in (0 * numbers[0], 0 * numbers[0] + 1, *numbers)])
    low, high, *fed = model.feed(clips)
    return np.ravel_multi_index([np.rint((each - low) / (high - low)).astype(int) for each in fed], sizes)


def guided(values, guide):
    """Values (T, H, W), locally a linear function of the guide: smooth where it is, with edges where it has them."""
    mean, mean_guide = box(values), box(guide)
    slope = (box(values * guide) - mean * mean_guide) / (box(guide**2) - mean_guide**2 + CONTRAST**2)
    return box(slope) * guide + box(mean - slope * mean_guide)


def box(values):
    """Means over the neighbours of each value (T, H, W) in space and time."""
    depth, height, width = values.shape
    frames, pixels = min(REACH[0], depth - 1), max(round(REACH[1] * width), 1)
    flat = cv2.blur(values.reshape(depth, -1), (1, 2 * frames + 1), borderType=cv2.BORDER_REFLECT)
    size = (2 * pixels + 1,) * 2
    return np.stack([cv2.blur(plane, size, borderType=cv2.BORDER_REFLECT) for plane in flat.reshape(values.shape)])
