"""The scale of a model's input: what black and white become, by the evidence in the model.

A file does not say how pixels were scaled for the training. Two kinds of layers tell it:

- Networks of keras.applications have layers of known names, and were trained with a known preprocessing.
- A batch normalization behind the first convolution holds the mean and the variance of what came out of it in training.
  `batch_norm_scale` compares these with what the convolution makes of natural frames on each of some scales.
"""

import math

import numpy as np
from keras import layers

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])  # of RGB, 0 to 1; keras.applications.imagenet_utils has all of these
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])  # of BGR, 0 to 255
SCALES = {  # name -> (black, white): a number, or one for each channel in the order in which the model takes them
    "tf": (-1.0, 1.0),
    "caffe": (tuple((-CAFFE_MEAN).tolist()), tuple((255 - CAFFE_MEAN).tolist())),
    "torch": (
        tuple((-IMAGENET_MEAN / IMAGENET_DEVIATION).tolist()),
        tuple(((1 - IMAGENET_MEAN) / IMAGENET_DEVIATION).tolist()),
    ),
}
BGR = ("caffe",)  # the names of scales whose channels are blue, green, red
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
SPREAD = 0.7  # by how much the logarithm of a variance differs from what is expected
CANDIDATES = {"0 255": (0.0, 255.0), "0 1": (0.0, 1.0), "-0.5 0.5": (-0.5, 0.5)} | SCALES
SURE = math.log(20)  # the best scale must be so much likelier than the second best
INITIAL = 0.0, 0.01, 0.05  # shares of mean 0 and variance 1, where they begin, that a short training leaves
INDEPENDENT = 6  # channels of a layer tell as much as so many independent ones, at most


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
    """(black, white) of the likeliest scale in CANDIDATES; None: there is no such layer, or it does not tell.

    stack: the model's layers in order, of outline.unwrapped; shape: of its clip (H, W, T, C), or frame (H, W, C).
    """
    first = _first_layers(stack)
    if first is None:
        return None
    kernel, bias, rectified, mean, variance = first
    scores = {name: _likelihood(kernel, bias, rectified, mean, variance, shape, name) for name in CANDIDATES}
    best, second = sorted(scores, key=scores.get)[:-3:-1]
    return CANDIDATES[best] if scores[best] - scores[second] > SURE else None


def _first_layers(stack):
    """(kernel (positions, channels in, out), bias, whether a ReLU follows, moving mean, moving variance); None."""
    inner = [getattr(layer, "layer", layer) for layer in stack]
    start = next((place for place, layer in enumerate(inner) if layer.weights), len(inner))
    if start == len(inner) or not isinstance(inner[start], layers.Conv2D | layers.Conv3D):
        return None
    convolution, functions = inner[start], []
    for layer in inner[start + 1 :]:
        if isinstance(layer, layers.BatchNormalization):
            break
        if not isinstance(layer, layers.Activation | layers.ReLU | layers.Dropout):
            return None
        functions += [getattr(layer, "activation", layer)]
    else:
        return None
    names = {getattr(each, "__name__", type(each).__name__).lower() for each in [convolution.activation, *functions]}
    names -= {"linear", "dropout"}
    kernel = np.asarray(convolution.kernel, np.float64)
    mean, variance = (np.asarray(each, np.float64) for each in (layer.moving_mean, layer.moving_variance))
    untouched = np.allclose(mean, 0) and np.allclose(variance, 1)  # the model was not trained
    if names - {"relu"} or kernel.shape[-1] != len(mean) or untouched or convolution.groups > 1:
        return None
    bias = np.asarray(convolution.bias, np.float64) if convolution.use_bias else np.zeros(len(mean))
    return kernel, bias, bool(names), mean, variance


def _likelihood(kernel, bias, rectified, mean, variance, shape, name):
    """Logarithm of how likely moving statistics are, if the model was trained on natural frames of a scale."""
    black, white = (np.broadcast_to(np.asarray(end, float), kernel.shape[-2]) for end in _ends(name, kernel.shape[-2]))
    expected, deviation, shift = _responses(kernel, bias, black, white - black, shape)
    if rectified:
        expected, deviation, shift = _behind_relu(expected, deviation, shift)
    unsure = np.hypot(shift, 0.1 * deviation)
    scores = []
    for left in INITIAL:
        offset = (mean - (1 - left) * expected) / unsure
        ratio = np.log(np.maximum(variance, 1e-12) / (left + (1 - left) * deviation**2)) / SPREAD
        # Student's t of 3 degrees of freedom, since a channel may be far off
        scores.append(np.mean(-2 * np.log1p(offset**2 / 3) - 2 * np.log1p(ratio**2 / 3) - np.log(unsure)))
    return max(scores) * min(len(mean), INDEPENDENT)


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
