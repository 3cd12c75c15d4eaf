"""What tests of pictures share: names that are odd, made results, a look at a PNG."""

import cv2
import numpy as np

ODD = ["$x$_{2}$", "a_b^c", "篮球", "كرة", "x" * 80, "bad\udcffname", "Ünï code"]


def history(epochs):
    return [
        {"epoch": e, "loss": 4 / e, "acc": 1 - 0.8 / e, "val_loss": 5 / e, "val_acc": 0.9 - 0.8 / e}
        for e in range(1, epochs + 1)
    ]


def made_clips(count, nclass, shape=(32, 32, 10, 1), seed=0):
    """clips, files, truth, probabilities of a network that is right about half the time."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % nclass
    probabilities = rng.dirichlet(np.full(nclass, 0.3), count)
    probabilities[np.arange(count), truth] += rng.random(count)
    probabilities = (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
    clips = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    return clips, [f"Class, {i % nclass}/v_{i}.avi" for i in range(count)], truth, probabilities


def read_picture(path, least=(200, 80), most=(4000, 4000)):
    """A PNG (height, width, 3) of sensible size on which something is drawn."""
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    assert least[0] <= width <= most[0]
    assert least[1] <= height <= most[1]
    drawn = (image < 250).any(-1).mean()
    assert 0.003 < drawn < 0.99
    return image
