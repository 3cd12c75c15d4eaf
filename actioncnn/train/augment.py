"""Training clips varied at random, as a recipe says: a network that sees each clip a little otherwise learns more."""

import numpy as np


def augment(how, clips, rng):
    """uint8 clips (B, H, W, T, C) or frames (B, H, W, C), varied by a recipes.Augment -> float32 in 0-255."""
    one_each = (len(clips),) + (1,) * (clips.ndim - 1)
    if how.flip:
        clips = np.where(rng.random(one_each) < 0.5, clips[:, :, ::-1], clips)
    if how.scale:
        clips = np.stack([crop(clip, how.scale, rng) for clip in clips])
    clips = clips.astype(np.float32)
    if how.light:
        contrast = rng.uniform(1 - how.light, 1 + how.light, one_each).astype(np.float32)
        brightness = rng.uniform(-how.light, how.light, one_each).astype(np.float32) * 128
        clips = np.clip((clips - 127.5) * contrast + 127.5 + brightness, 0, 255)
    return clips


def crop(clip, scale, rng):
    """A random box of a clip (H, W, T, C) or frame (H, W, C), the same in all frames, resized to the full frame."""
    import cv2

    height, width = clip.shape[:2]
    sides = rng.uniform(1 - scale, 1, 2)
    h, w = max(1, round(height * sides[0])), max(1, round(width * sides[1]))
    y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    box = np.ascontiguousarray(clip[y : y + h, x : x + w]).reshape(h, w, -1)  # OpenCV takes up to 512 channels at once
    return cv2.resize(box, (width, height), interpolation=cv2.INTER_LINEAR).reshape(clip.shape)
