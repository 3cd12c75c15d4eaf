"""The scale of a model's input: what black and white become, by the evidence in the model.

A file does not say how pixels were scaled for the training. Two kinds of layers tell it:

- Networks of keras.applications have layers of known names, and were trained with a known preprocessing.
- A batch normalization at the entry, or behind the first convolution, holds the mean and the variance of what it was
  given in training. `batch_norm_scale` compares these with those of natural frames on each of some scales.
"""

import math
from typing import NamedTuple

import numpy as np
from keras import layers

from actioncnn.model.scales import SCALES

BACKBONES = {  # a layer's name -> (network, its scale), as keras.applications names them, in Keras 2 and 3.
    # Each stands in an early block, so that a network that was cut behind it is known too. Xception comes before VGG.
    "block1_conv1_bn": ("Xception", "tf"),
    "conv2_block1_preact_bn": ("ResNetV2", "tf"),
    "conv2_block1_concat": ("DenseNet", "torch"),
    "conv2_block1_add": ("ResNet", "caffe"),
    "res2a_branch2a": ("ResNet", "caffe"),
    "conv_dw_1": ("MobileNet", "tf"),
    "bn_Conv1": ("MobileNetV2", "tf"),
    "stem_bn1": ("NASNet", "tf"),
    "mixed0": ("InceptionV3", "tf"),
    "mixed_5b": ("InceptionResNetV2", "tf"),
    "block2_conv2": ("VGG", "caffe"),
}
# Frames of 154 clips of UCF-101, 32 to 224 pixels wide: 0.34 to 0.39 of white, deviation 0.25 to 0.28, correlation
# 0.80 to 0.93 between channels, and of places d apart about exp(-d / 0.2) with d as a share of the width. Photographs
# (ImageNet) are brighter, 0.41 to 0.49.
MEAN, DEVIATION, CHANNELS, REACH = 0.42, 0.26, 0.87, 0.2
NEXT_FRAME = 0.9  # correlation of a pixel with the same in the next frame of a clip
MEAN_OF_SETS = 0.12  # by how much the mean of a dataset differs from MEAN
SPREAD = 0.7  # by how much the logarithm of a variance differs from what is expected behind a convolution
SPREAD_OF_PIXELS = 0.4  # the same of the pixels themselves: 2 * log(0.28 / 0.25) is 0.23, and other datasets vary more
HIGHEST = 0.5, 0.4  # by how many deviations a max pooling raises a mean, and how much that differs among kernels
CANDIDATES = {"0 255": (0.0, 255.0), "0 1": (0.0, 1.0), "-0.5 0.5": (-0.5, 0.5)} | SCALES
SURE = math.log(20)  # the best scale must be so much likelier than the second best
MANY = math.log(1000)  # the estimate is too rough for larger numbers
INITIAL = 0.0, 0.01, 0.05  # shares of mean 0 and variance 1, where they begin, that a short training leaves
INDEPENDENT = 6  # channels of a layer tell as much as so many independent ones, at most
POOLINGS = layers.MaxPooling2D, layers.MaxPooling3D
BETWEEN = layers.Activation, layers.ReLU, layers.Dropout, *POOLINGS  # a convolution and its batch normalization


def backbone(names):
    """(network, name of its scale) of a model whose layers have these names; None: of no network that is known."""
    return next((BACKBONES[name] for name in BACKBONES if name in names), None)


def statistics_scale(mean, deviation):
    """(black, white) in CANDIDATES on which natural frames come next to a mean and a deviation over all channels.

    None where they are 0 and 1, as a Normalization has them that was never fitted.
    """
    if math.isclose(mean, 0, abs_tol=1e-6) and math.isclose(deviation, 1, abs_tol=1e-6):
        return None

    def distance(name):
        black, white = (np.mean(end) for end in CANDIDATES[name])
        span = white - black
        offset = (mean - black - span * MEAN) / (span * MEAN_OF_SETS)
        return math.hypot(offset, math.log(max(deviation, 1e-12) / (span * DEVIATION)) / SPREAD)

    return CANDIDATES[min(CANDIDATES, key=distance)]


def batch_norm_scale(stack, shape):
    """((black, white) of the likeliest scale in CANDIDATES, how many times as likely as the next it is, in words).

    None: there is no such layer, or it does not tell.

    stack: the model's layers in order, of outline.unwrapped; shape: of its clip (H, W, T, C), or frame (H, W, C).
    """
    first = _first_layers(stack)
    if first is None:
        return None
    scores = {name: _likelihood(first, shape, name) for name in CANDIDATES}
    best, second = sorted(scores, key=scores.get)[:-3:-1]
    ahead = scores[best] - scores[second]
    if ahead < SURE:
        return None
    return CANDIDATES[best], f"{math.exp(ahead):.0f}" if ahead < MANY else "over 1,000"


class Entry(NamedTuple):
    """What the first batch normalization of a model is given, and what it learned of that. C: channels of its input."""

    mean: np.ndarray  # moving, (C,)
    variance: np.ndarray  # moving, (C,)
    kernel: np.ndarray  # (sides, channels in, C); the identity where no convolution is before it
    bias: np.ndarray  # (C,)
    pooled: bool = False  # whether a max pooling is between
    rectified: bool = False  # whether a ReLU is between
    spread: float = SPREAD


def _first_layers(stack):
    """The Entry of some layers; None: it has no such batch normalization, or it is new, or other layers are between."""
    inner = [getattr(layer, "layer", layer) for layer in stack]
    inner = inner[next((place for place, layer in enumerate(inner) if layer.weights), len(inner)) :]
    end = next((place for place, layer in enumerate(inner) if isinstance(layer, layers.BatchNormalization)), None)
    if end is None or not all(isinstance(layer, BETWEEN) for layer in inner[1:end]):
        return None
    mean, variance = (np.asarray(each, np.float64) for each in (inner[end].moving_mean, inner[end].moving_variance))
    if np.allclose(mean, 0) and np.allclose(variance, 1):  # the model was not trained
        return None
    if end == 0:
        return Entry(mean, variance, np.eye(len(mean))[None, None], np.zeros(len(mean)), spread=SPREAD_OF_PIXELS)
    convolution = inner[0]
    if not isinstance(convolution, layers.Conv2D | layers.Conv3D) or convolution.groups > 1:
        return None
    functions = [getattr(layer, "activation", layer) for layer in inner[:end] if not isinstance(layer, POOLINGS)]
    names = {getattr(each, "__name__", type(each).__name__).lower() for each in functions} - {"linear", "dropout"}
    kernel = np.asarray(convolution.kernel, np.float64)
    if names - {"relu"} or kernel.shape[-1] != len(mean):
        return None
    bias = np.asarray(convolution.bias, np.float64) if convolution.use_bias else np.zeros(len(mean))
    pooled = any(isinstance(layer, POOLINGS) for layer in inner[:end])
    return Entry(mean, variance, kernel, bias, pooled, rectified=bool(names))


def _likelihood(first, shape, name):
    """Logarithm of how likely moving statistics are, if the model was trained on natural frames of a scale."""
    channels = first.kernel.shape[-2]
    black, white = (np.broadcast_to(np.asarray(end, float), channels) for end in _ends(name, channels))
    expected, deviation, shift = _responses(first.kernel, first.bias, black, white - black, shape)
    if first.pooled:
        expected, shift = expected + HIGHEST[0] * deviation, np.hypot(shift, HIGHEST[1] * deviation)
    if first.rectified:
        expected, deviation, shift = _behind_relu(expected, deviation, shift)
    unsure = np.hypot(shift, 0.1 * deviation)
    scores = []
    for left in INITIAL:
        offset = (first.mean - (1 - left) * expected) / unsure
        ratio = np.log(np.maximum(first.variance, 1e-12) / (left + (1 - left) * deviation**2)) / first.spread
        # Student's t of 3 degrees of freedom, since a channel may be far off
        scores.append(np.mean(-2 * np.log1p(offset**2 / 3) - 2 * np.log1p(ratio**2 / 3) - np.log(unsure)))
    return max(scores) * min(len(first.mean), INDEPENDENT)


def _ends(name, channels):
    """(black, white) of a scale; that of a gray model has the mean of the channels."""
    return [np.mean(end) if channels == 1 else end for end in CANDIDATES[name]]


def _responses(kernel, bias, black, span, shape):
    """Mean and deviation of each output channel over natural frames, and how much its mean varies among datasets."""
    places, flat = _places(kernel.shape[:-2], shape), kernel.reshape(-1, *kernel.shape[-2:])
    weights = flat * span[:, None]  # (positions, in, out), for pixels of 0 to 1
    expected = bias + (flat * (black + span * MEAN)[:, None]).sum((0, 1))
    near = np.exp(-np.linalg.norm(places[:, None, :2] - places[None, :, :2], axis=-1) / REACH)
    near *= NEXT_FRAME ** np.abs(places[:, None, 2] - places[None, :, 2])
    alike = np.full((len(span), len(span)), CHANNELS) + (1 - CHANNELS) * np.eye(len(span))
    power = np.einsum("pio,pq,ij,qjo->o", weights, near, alike, weights, optimize=True)
    return expected, DEVIATION * np.sqrt(np.maximum(power, 1e-12)), MEAN_OF_SETS * np.abs(weights.sum((0, 1)))


def _places(sides, shape):
    """Positions within a kernel: (P, 3), row and column as shares of the frame's width, and frame."""
    width = max(shape[0], shape[1])
    time = int(len(sides) == 3)  # a 3D kernel; which of its axes is time matters little for its size
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in sides), indexing="ij"), -1).reshape(-1, len(sides))
    frames = grid[:, 2:] if time else np.zeros((len(grid), 1))
    return np.concatenate([grid[:, :2] / width, frames], 1)


def _behind_relu(mean, deviation, shift):
    """The same of max(x, 0) for normally distributed x."""
    ratio = mean / deviation
    density = np.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    share = np.array([0.5 * (1 + math.erf(each / math.sqrt(2))) for each in ratio])
    first = mean * share + deviation * density
    second = (mean**2 + deviation**2) * share + mean * deviation * density
    return first, np.sqrt(np.maximum(second - first**2, 1e-12)), shift * share + 0.05 * deviation
