"""The scale and the colour of a model's input: by its backbone, its batch normalization, its program, or an option."""

import argparse
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from foreign_models import CLIPS, COLOUR, SQUARE, classifier, conv3d, forward, model, save, time_first
from keras import layers

from actioncnn import cli
from actioncnn.model import outline, reading, scaling
from actioncnn.model.model import open_model
from actioncnn.model.scales import SCALES
from actioncnn.runs.find import find_model

FRAMES = CLIPS[:, :, :, 0]


def prepared(frames, scale):
    """RGB frames (..., 3) of 0 to 255 as keras.applications prepares them in a mode."""
    from keras.src.applications.imagenet_utils import preprocess_input

    return preprocess_input(frames.astype(np.float32), mode=scale, data_format="channels_last")


@pytest.mark.parametrize("name", SCALES)
def test_a_scale_by_name_is_that_of_keras(name, tmp_path):
    network = model((12, 16, 3), layers.Conv2D(3, 3))
    path = save(network, tmp_path)
    parser = cli.parser("")
    reading.add_model_options(parser)
    parser.add_argument("videos", nargs="+")
    args = parser.parse_args(["--model", str(path), "--range", name, "a.avi", "b.avi"])
    assert args.videos == ["a.avi", "b.avi"]
    opened = open_model(find_model(model=path, asked=reading.asked_of(args)))
    np.testing.assert_allclose(opened(FRAMES), forward(network, prepared(FRAMES, name)), atol=1e-4)
    assert opened.reading.colour == ("BGR" if name == "caffe" else "RGB")
    told = reading.told_of(json.loads(json.dumps({"reading": opened.reading.as_dict()})))
    assert np.allclose(told.range[0], opened.reading.low) and told.colour == opened.reading.colour


def test_scales_by_name_need_no_keras():
    """device.setup chooses the backend and the number of threads before Keras is imported."""
    code = "import sys, argparse; from actioncnn.model import reading; "
    code += "print(reading.asked_of(argparse.Namespace(range=['caffe'] * 2, axes=None, scrambled=None, colour=None, "
    code += "output_layer=None, depth=None, size=None)).colour, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["BGR", "False"]


@pytest.mark.parametrize("words", [["--range", "1", "caffe"], ["--range", "2", "1"], ["--range", "x"]])
def test_what_is_no_range(words, capsys):
    parser = cli.parser("")
    reading.add_model_options(parser)
    with pytest.raises(SystemExit):
        reading.check_options(parser, parser.parse_args(["--model", "m.keras", *words]))
    assert "--range" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("layer", "scale"),
    [
        ("block2_conv2", "caffe"),
        ("mixed0", "tf"),
        ("bn_Conv1", "tf"),
        ("conv2_block1_concat", "torch"),
        ("block1_conv1_bn", "tf"),
    ],
)
def test_backbones_of_keras_applications(layer, scale, tmp_path, capsys):
    network = model((12, 16, 3), layers.Conv2D(3, 3, name=layer))
    opened = classifier(save(network, tmp_path))
    np.testing.assert_allclose(opened(FRAMES), forward(network, prepared(FRAMES, scale)), atol=1e-4)
    assert "--range" in capsys.readouterr().err
    assert classifier(save(network, tmp_path), range=(0.0, 1.0)).reading.high == 1


@pytest.mark.parametrize(("layer", "colour"), [("bn_Conv1", "BGR"), ("conv2_block1_concat", "BGR")])
def test_a_backbone_of_clips_is_fed_as_opencv_reads(layer, colour, tmp_path, capsys):
    frames = layers.TimeDistributed(keras.Sequential([keras.Input(COLOUR[1:]), layers.Conv2D(3, 3, name=layer)]))
    network = model(COLOUR, frames)
    assert classifier(save(network, tmp_path)).reading.colour == colour
    assert "--colour" in capsys.readouterr().err
    by_name = classifier(save(network, tmp_path), range=SCALES["tf"])
    assert by_name.reading.colour == "BGR"


def test_teachable_machine(tmp_path, capsys):
    network = model((12, 12, 3), layers.Conv2D(3, 3))
    (tmp_path / "labels.txt").write_text("0 Wave hand\n1 b\n2 c\n3 d\n")
    opened = classifier(save(network, tmp_path, "h5", "keras_model"))
    assert opened.classes == ["Wave hand", "b", "c", "d"] and (opened.reading.low, opened.reading.high) == (-1, 1)
    assert classifier(save(network, tmp_path, "h5", "other")).reading.low == 0
    (tmp_path / "labels.txt").write_text("Wave hand\nb\nc\nd\n")
    assert classifier(save(network, tmp_path, "h5", "keras_model")).names is None


def natural(rng, count, side=24, depth=4):
    """Clips as natural ones are, float32 (N, T, H, W, 3) of 0 to 1: noise whose spectrum falls with the frequency."""
    frequencies = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    weights = 1 / np.maximum(frequencies, 1 / side)
    noise = np.fft.fft2(rng.normal(size=(count, 1, side, side)) + 1j * rng.normal(size=(count, 1, side, side)))
    pictures = np.fft.ifft2(noise * weights).real
    pictures = pictures / pictures.std() + 0.5 * rng.normal(size=(count, 1, 1, 1))
    return np.clip(0.42 + 0.22 * pictures[..., None].repeat(depth, 1).repeat(3, -1), 0, 1).astype(np.float32)


@pytest.mark.parametrize("shape", ["frames", "clips"])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("name", scaling.CANDIDATES)
def test_batch_normalization_tells_the_scale(name, rectified, shape):
    """The moving statistics are set to those of the training data, as a long training leaves them."""
    clips = natural(np.random.default_rng(1), 60)
    black, white = (np.asarray(end, np.float32) for end in scaling.CANDIDATES[name])
    fed = black + (clips if shape == "clips" else clips[:, 0]) * (white - black)
    kind = layers.Conv3D if shape == "clips" else layers.Conv2D
    convolution, norm = kind(12, 3, activation="relu" if rectified else None), layers.BatchNormalization()
    network = model(fed.shape[1:], convolution, norm)
    outputs = np.asarray(convolution(fed)).reshape(-1, 12)
    norm.moving_mean.assign(outputs.mean(0))
    norm.moving_variance.assign(outputs.var(0))
    size = (24, 24, 4, 3) if shape == "clips" else (24, 24, 3)
    likeliest = scaling.batch_norm_scale(list(outline.unwrapped(network)), size)
    assert likeliest is None or likeliest[0] == scaling.CANDIDATES[name]
    assert likeliest or name not in ("0 255", "0 1")


@pytest.mark.parametrize("name", scaling.CANDIDATES)
@pytest.mark.parametrize("pooled", [False, True])
def test_batch_normalization_at_the_entry_or_behind_a_pooling(pooled, name):
    frames = natural(np.random.default_rng(2), 60)[:, 0]
    black, white = (np.asarray(end, np.float32) for end in scaling.CANDIDATES[name])
    fed, norm = black + frames * (white - black), layers.BatchNormalization()
    before = [layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D()] if pooled else []
    network = model(fed.shape[1:], *before, norm)
    for layer in before:
        fed = np.asarray(layer(fed))
    norm.moving_mean.assign(fed.mean((0, 1, 2)))
    norm.moving_variance.assign(fed.var((0, 1, 2)))
    likeliest = scaling.batch_norm_scale(list(outline.unwrapped(network)), (24, 24, 3))
    assert likeliest is None or likeliest[0] == scaling.CANDIDATES[name]
    assert likeliest or name not in (["0 255"] if pooled else ["0 255", "0 1", "caffe"])


@pytest.mark.parametrize(
    "first",
    [
        [layers.Conv2D(4, 3), layers.AveragePooling2D(2), layers.BatchNormalization()],
        [layers.Conv2D(4, 3), layers.BatchNormalization()],  # never trained
        [layers.Conv2D(4, 3, activation="tanh"), layers.BatchNormalization()],
        [layers.Conv2D(4, 3)],
        [],
    ],
)
def test_layers_that_tell_nothing(first):
    assert scaling.batch_norm_scale(list(outline.unwrapped(model((12, 12, 3), *first))), (12, 12, 3)) is None


def test_the_order_of_colours(tmp_path, capsys):
    network = conv3d(COLOUR)
    path = save(network, tmp_path)
    flipped = time_first(SQUARE)[..., ::-1]
    np.testing.assert_allclose(classifier(path)(SQUARE), forward(network, flipped), atol=1e-5)
    assert "--colour" in capsys.readouterr().err
    np.testing.assert_allclose(classifier(path, colour="RGB")(SQUARE), forward(network, time_first(SQUARE)), atol=1e-5)
    assert "--colour" not in capsys.readouterr().err


def test_channels_need_colour(tmp_path):
    from actioncnn.errors import UserError

    path = save(model((12, 16, 1), layers.Conv2D(3, 3)), tmp_path)
    with pytest.raises(UserError, match="--range"):
        classifier(path, range=SCALES["caffe"])


def test_words_that_are_no_end_of_a_range():
    with pytest.raises(argparse.ArgumentTypeError):
        reading.range_end("keras")


@pytest.mark.parametrize(
    ("mean", "deviation", "ends", "colour"),
    [
        (-0.15, 0.52, (-1, 1), "RGB"),
        (-0.08, 0.26, (-0.5, 0.5), "RGB"),
        (-0.3, 1.1, SCALES["torch"], "RGB"),
        (-5.0, 66, SCALES["caffe"], "BGR"),
        (0.0, 255, (0, 255), "RGB"),
        (0.0, 1, (0, 1), "RGB"),
        (0.4, 0.25, (0, 1), "RGB"),
        (110.0, 66, (0, 255), "RGB"),
    ],
)
def test_normalization_tells_the_scale(mean, deviation, ends, colour, tmp_path):
    network = model(
        (12, 16, 3), layers.Normalization(mean=[mean] * 3, variance=[deviation**2] * 3), layers.Conv2D(3, 3)
    )
    opened = classifier(save(network, tmp_path)).reading
    assert np.allclose((opened.low, opened.high), ends) and opened.colour == colour
