"""Maps of evidence by methods of others, and explain.py's, each a function (model, clip, label) -> (T, H, W).

model: model.model.Model; clip: uint8 (H, W, T, C) or (H, W, C). For the table of benchmarks/evidence.py.
"""

import cv2
import numpy as np

METHODS = {}


def method(function):
    METHODS[function.__name__.replace("_", " ")] = function
    return function


@method
def explain_py(model, clip, label):
    from actioncnn.explain.evidence import find_evidence

    return find_evidence(model, clip, label)


@method
def grad_cam(model, clip, label, pick=-1, hires=False):
    """Selvaraju 2017, of the last convolution; hires: HiResCAM, Draelos 2020."""
    values, gradient = convolution(model, clip, label, pick)
    weights = gradient if hires else gradient.mean((0, 1, 2))
    cam = (values * weights).sum(-1)
    return upsampled(cam if hires else np.maximum(cam, 0), (clip.shape[2] if clip.ndim == 4 else 1, *clip.shape[:2]))


@method
def hirescam(model, clip, label):
    return grad_cam(model, clip, label, hires=True)


@method
def hirescam_of_a_middle_layer(model, clip, label):
    return grad_cam(model, clip, label, pick=len(convolutions(model)) // 2, hires=True)


@method
def grad_cam_over_9_shifts(model, clip, label):
    maps = [
        np.roll(grad_cam(model, np.roll(clip, (y, x), (0, 1)), label), (-y, -x), (1, 2))
        for y in (-3, 0, 3)
        for x in (-3, 0, 3)
    ]
    return np.mean(maps, 0)


@method
def grad_cam_upsampled_by_the_guided_filter(model, clip, label):
    from actioncnn.explain.evidence import guided

    return guided(grad_cam(model, clip, label), np.moveaxis(frames_of(clip).mean(3), 2, 0))


@method
def integrated_gradients(model, clip, label, steps=16):
    """Sundararajan 2017, from the clip's mean."""
    from actioncnn.explain import evidence

    clip = clip.astype(np.float32)
    ground, shares = hidden(clip, "mean"), ((np.arange(steps) + 0.5) / steps).reshape(-1, *[1] * clip.ndim)
    change = model.feed(clip[None]) - model.feed(ground[None])
    values = evidence.gradient(model, ground + shares * (clip - ground), label) * change / steps
    return evidence.in_clip(model, values[0], clip.shape)


@method
def smoothgrad(model, clip, label, steps=16, noise=20):
    """Smilkov 2017."""
    from actioncnn.explain import evidence

    rng = np.random.default_rng(0)
    noisy = clip + rng.normal(0, noise, (steps, *clip.shape)).astype(np.float32)
    return evidence.in_clip(model, np.abs(evidence.gradient(model, noisy, label)[0]), clip.shape)


@method
def rise(model, clip, label, count=300, cells=(4, 6, 6)):
    """Petsiuk 2018, over the clip's mean."""
    rng, shape = np.random.default_rng(0), (frames_of(clip).shape[2], *clip.shape[:2])
    shown = np.stack([upsampled((rng.random(cells) < 0.5).astype(np.float32), shape) for _ in range(count)])
    shares = probabilities(model, clip, shown, "mean", label)
    return np.tensordot(shares - shares.mean(), shown, 1) / count


@method
def occlusion_blurred(model, clip, label, kind="blurred"):
    """Zeiler & Fergus 2014, by boxes in space and time."""
    depth, height, width = shape = (frames_of(clip).shape[2], *clip.shape[:2])
    size = min(3, depth), height // 4, width // 4
    starts = [range(0, whole - part + 1, max(part // 2, 1)) for whole, part in zip(shape, size, strict=True)]
    shown = np.ones((np.prod([len(each) for each in starts]), *shape), np.float32)
    for mask, place in zip(shown, np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, 3), strict=True):
        mask[tuple(slice(start, start + part) for start, part in zip(place, size, strict=True))] = 0
    lost = model(clip[None])[0, label] - probabilities(model, clip, shown, kind, label)
    return np.tensordot(lost, 1 - shown, 1) / np.maximum((1 - shown).sum(0), 1)


@method
def occlusion_by_the_mean(model, clip, label):
    return occlusion_blurred(model, clip, label, "mean")


def frames_of(clip):
    return clip if clip.ndim == 4 else clip[:, :, None]


def hidden(clip, kind):
    from actioncnn.explain.evidence import blurred, mean_of

    frames = frames_of(clip.astype(np.float32))
    return (mean_of if kind == "mean" else blurred)(frames).reshape(clip.shape)


def probabilities(model, clip, shown, kind, label):
    """Of a class, where masks (N, T, H, W) of a clip are shown."""
    ground = hidden(clip, kind)
    masks = np.moveaxis(shown, 1, 3).reshape(len(shown), *clip.shape[:-1], 1)
    parts = [model(ground + part * (clip - ground)) for part in np.array_split(masks, -(-len(masks) // 64))]
    return np.concatenate(parts)[:, label]


def upsampled(values, shape):
    """Values (t, h, w) at the places of (T, H, W), linear between them."""
    depth, height, width = shape
    planes = np.stack([cv2.resize(plane.astype(np.float32), (width, height)) for plane in values])
    return cv2.resize(planes.reshape(len(planes), -1), (height * width, depth)).reshape(shape)


def convolutions(model):
    import keras

    from actioncnn.model import layers

    return [
        layer for layer in layers.leaves(model.network) if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv3D)
    ]


def convolution(model, clip, label, pick):
    """Output (t, h, w, channels) of a convolution, and its gradient. The network is cut there, and goes on behind."""
    import keras
    import tensorflow as tf

    from actioncnn.model import layers

    layer, last = convolutions(model)[pick], model.network.layers[-1]
    plain = keras.Model(model.network.inputs, [layer.output, last.input])
    with tf.GradientTape() as tape:
        values, features = plain(tf.constant(model.feed(clip[None])), training=False)
        score = layers.margin(features @ last.kernel + last.bias, tf.constant([label]))
    gradient = tape.gradient(score, values)
    return (np.reshape(each[0], (-1, *each.shape[-3:])) for each in (values, gradient))
