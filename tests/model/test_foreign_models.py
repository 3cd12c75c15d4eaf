"""Models of others: each predicts as its framework does with the right preprocessing, or ends with one true line."""

import json

import keras
import numpy as np
import pytest
from foreign_models import (
    COLOUR,
    KINDS,
    OUTPUTS,
    SQUARE,
    bgr,
    bgr_time_first,
    classifier,
    conv3d,
    flat,
    forward,
    model,
    of_2017,
    save,
    softmax,
    time_first,
    two_heads,
    unit,
)
from helpers import write_video
from keras import layers

from actioncnn.errors import UserError
from actioncnn.model.reading import Asked, infer_reading


@pytest.mark.parametrize("name", KINDS)
def test_input(name, tmp_path, capsys):
    build, clips, prepared, axes = KINDS[name]
    network = build()
    expected = forward(network, prepared(clips))
    for kind in ("json", "keras", "h5")[: 3 if name == "ConvLSTM2D" else 1]:
        saved = classifier(save(network, tmp_path, kind))
        np.testing.assert_allclose(saved(clips), expected, atol=1e-5)
        assert saved.reading.axes == axes and saved.reading.shape == clips.shape[1:]
        said = capsys.readouterr().err.splitlines()
        of_unit = prepared in (unit, time_first, bgr, bgr_time_first)
        assert ("values from 0 to 1" in said[0] and "--range LOW HIGH" in said[0]) == of_unit
        coloured = clips.shape[-1] == 3
        assert ("colour in the order" in said[0] and "--colour" in said[0]) == coloured
        assert ("as OpenCV" in said[0]) == (prepared in (bgr, bgr_time_first))
        assert ("is (time, height, width, channel)" in said[0]) == (axes == "THWC")
        assert len(said) == 2 and "names for the classes" in said[1]
    assert abs(expected - forward(network, 255 * prepared(clips))).max() > 1e-3 or "own" in name


def test_time_first_is_told_by_layers_in_both_directions():
    assert infer_reading(model((12, 12, 12, 3), layers.Bidirectional(layers.ConvLSTM2D(1, 3))), []).axes == "THWC"


def test_options_come_before_what_is_assumed(tmp_path, capsys):
    network = conv3d((12, 12, 12, 3))
    cube = SQUARE.repeat(3, 3)[:, :, :, :12]
    path = save(network, tmp_path)
    with pytest.raises(UserError, match="--axes"):
        classifier(path)
    asked = classifier(path, axes="THWC", range=(-1, 1), colour="RGB")
    np.testing.assert_allclose(asked(cube), forward(network, 2 * time_first(cube) - 1), atol=1e-5)
    assert "to change" not in capsys.readouterr().err
    scrambled = classifier(path, axes="HWTC", scrambled=True, range=(0, 255))
    mixed = cube[..., ::-1].swapaxes(3, 4).reshape(cube.shape)
    np.testing.assert_allclose(scrambled(cube), forward(network, mixed.astype(np.float32)), atol=1e-5)


@pytest.mark.parametrize("name", OUTPUTS)
def test_output(name, tmp_path, capsys):
    options, made_of = OUTPUTS[name]
    network = conv3d(COLOUR, **options)
    path = save(network, tmp_path)
    (tmp_path / "classes.txt").write_text("a\nb\n" if options["count"] == 1 else "a\nb\nc\n")
    saved = classifier(path)
    np.testing.assert_allclose(saved(SQUARE), made_of(forward(network, bgr_time_first(SQUARE))), atol=1e-5)
    assert saved.head.kind == name and len(saved.classes) == saved(SQUARE).shape[1] == max(2, options["count"])
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and (" its " in error) == (name != "probabilities")


def test_activations_that_follow_the_head(tmp_path):
    network = conv3d(COLOUR, last=None)
    network.add(layers.Activation("softmax"))
    network.add(layers.Dropout(0.5))
    assert classifier(save(network, tmp_path)).head.kind == "probabilities"
    clip = keras.Input(COLOUR)
    mean = keras.Model(clip, layers.Average()([conv3d(COLOUR, last="softmax")(clip) for _ in range(2)]))
    assert classifier(save(mean, tmp_path)).head.kind == "probabilities"


def test_two_heads(tmp_path, capsys):
    network = two_heads()
    path = save(network, tmp_path)
    verb, noun = (np.asarray(each) for each in network(bgr_time_first(SQUARE)))
    np.testing.assert_allclose(classifier(path)(SQUARE), verb, atol=1e-5)
    assert "output 'verb' of verb, noun" in capsys.readouterr().err
    np.testing.assert_allclose(classifier(path, output="noun")(SQUARE), softmax(noun), atol=1e-5)
    with pytest.raises(UserError, match="--output-layer adverb: not an output of the model; it has verb, noun"):
        classifier(path, output="adverb")


def test_features_are_what_the_head_is_given(tmp_path):
    clip, members = keras.Input(COLOUR), [conv3d(COLOUR), conv3d(COLOUR)]
    members[0].add(layers.Dropout(0.5))
    mean = keras.Model(clip, layers.Average()([member(clip) for member in members]))
    network = classifier(save(mean, tmp_path))
    parts = np.split(network.features(SQUARE), 2, axis=1)
    dense = [next(each for each in member.layers if isinstance(each, layers.Dense)) for member in members]
    shares = [np.asarray(layer(part)) for layer, part in zip(dense, parts, strict=True)]
    np.testing.assert_allclose(np.mean(shares, 0), network(SQUARE), atol=1e-5)


REFUSED = {
    "its input (any, 12, 12, 3) leaves the number of frames open: give --depth": lambda: model(
        (None, 12, 12, 3), layers.ConvLSTM2D(2, 3)
    ),
    "its input (20, 40) is not one clip or frame": lambda: model((20, 40)),
    "has 2 channels; gray or RGB frames have 1 or 3": lambda: conv3d((5, 12, 12, 2)),
    "is not one number for each class": lambda: keras.Sequential(
        [keras.Input(COLOUR), *flat([layers.Flatten(), layers.Dense(3)])]
    ),
    "has a softmax, so it is always 1": lambda: conv3d(COLOUR, count=1, last="softmax"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_predicted(words, tmp_path):
    path = save(REFUSED[words](), tmp_path)
    with pytest.raises(UserError) as caught:
        classifier(path)
    assert str(caught.value).startswith(f"{path}: ") and words in str(caught.value)


def test_the_family_of_2017_takes_0_to_255_and_scrambled_colour(tmp_path, capsys):
    scrambled = SQUARE[..., ::-1].swapaxes(3, 4).reshape(SQUARE.shape).astype(np.float32)
    network = of_2017(3)
    for kind in ("json", "h5"):
        saved = classifier(save(network, tmp_path, kind))
        np.testing.assert_allclose(saved(SQUARE), forward(network, scrambled), atol=1e-5)
        assert "BGR and in the order of axes of the 2017 scripts" in capsys.readouterr().err
    video = np.moveaxis(SQUARE[0, ..., ::-1], 2, 0)  # (T, H, W, BGR), as OpenCV reads
    original = np.array([video]).transpose((0, 2, 3, 4, 1)).reshape((1, 12, 12, 5, 3))  # as the scripts did
    assert (original == scrambled[:1]).all()
    reading = infer_reading(network, ["m.json"], Asked(scrambled=False))
    assert (reading.feed(SQUARE) == SQUARE).all() and (reading.low, reading.high) == (0, 255)
    reading = infer_reading(of_2017(1), ["m.json"])
    assert not reading.scrambled and (reading.low, reading.high) == (0, 255)


def test_another_stack_is_of_the_family_by_its_name_alone():
    network = of_2017(3, pool=2)
    assert not infer_reading(network, ["m.json"]).scrambled
    named = infer_reading(network, ["ucf101_3dcnnmodel.json"])
    assert named.scrambled and (named.low, named.high) == (0, 255)


def test_facts_for_json(tmp_path):
    facts = classifier(save(conv3d(COLOUR, count=1, last="sigmoid"), tmp_path)).assumed
    expected = {"range": [0.0, 1.0], "axes": "THWC", "scrambled": False, "taken_for": "one sigmoid"}
    assert json.loads(json.dumps(facts)).items() >= expected.items()


def per_frame(activation, count=4):
    """A class for each frame, averaged over the frames."""
    steps = flat([layers.Flatten(), layers.Dense(count, activation=activation)])
    return keras.Sequential([keras.Input(COLOUR), *steps, layers.GlobalAveragePooling1D()])


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (lambda: per_frame("softmax"), "probabilities"),
        (lambda: per_frame("sigmoid"), "labels"),
        (lambda: per_frame("sigmoid", 1), "one sigmoid"),
        (lambda: per_frame(None), "logits"),
    ],
)
def test_an_average_behind_the_head_gets_no_second_activation(build, kind, tmp_path):
    network = build()
    opened = classifier(save(network, tmp_path))
    expected, given = forward(network, bgr_time_first(SQUARE)), opened(SQUARE)
    assert opened.head.kind == kind
    expected = softmax(expected) if kind == "logits" else expected
    np.testing.assert_allclose(given[:, -expected.shape[1] :], expected, atol=1e-5)
    shares = np.clip(given, 1e-7, 1 - 1e-7)
    odds = opened.log_odds(opened.feed(SQUARE), 0)
    np.testing.assert_allclose(odds, np.log(shares[:, 0] / (1 - shares[:, 0])), atol=1e-3)


@pytest.mark.parametrize("last", [None, "tanh", "relu"])
def test_one_number_is_a_regression(last, tmp_path, capsys, run):
    network = conv3d(COLOUR, count=1, last=last)
    path = save(network, tmp_path)
    opened = classifier(path)
    expected = forward(network, bgr_time_first(SQUARE))
    np.testing.assert_allclose(opened(SQUARE), expected, atol=1e-4)
    np.testing.assert_allclose(opened.log_odds(opened.feed(SQUARE), 0), expected[:, 0], atol=1e-4)
    assert opened.gives_number and "--classes FILE" in capsys.readouterr().err
    write_video(tmp_path / "v.avi", np.moveaxis(SQUARE[0], 2, 0)[..., 0])
    code, output, _ = run("predict.py", "--model", path, tmp_path / "v.avi")
    assert code == 0 and "%" not in output and "number" in output
    code, _, error = run("predict.py", "--model", path, "--videos", tmp_path)
    assert code == 1 and "--videos" in error.splitlines()[-1]
    (tmp_path / "classes.txt").write_text("no\nyes\n")
    assert classifier(path).gives_number == bool(last)  # a linear output with two names is a logit


def two_streams(merge, behind=()):
    """Two inputs of one shape, each with a branch."""
    inputs = [keras.Input(COLOUR, name=name) for name in ("frames", "flow")]
    branches = [layers.Dense(4, activation="softmax")(layers.Flatten()(each)) for each in inputs]
    output = merge(branches)
    for layer in behind:
        output = layer(output)
    return keras.Model(inputs, output)


@pytest.mark.parametrize("merge", [layers.Concatenate, layers.Average, layers.Add])
def test_two_streams_are_refused_by_name(merge, tmp_path):
    network = two_streams(merge(), [layers.Dense(4, activation="softmax")])
    with pytest.raises(UserError, match="flow, frames"):
        classifier(save(network, tmp_path))


def test_an_average_of_members_is_used(tmp_path):
    network = two_streams(layers.Average(), [layers.Dropout(0.5)])
    expected = forward(network, [bgr_time_first(SQUARE)] * 2)
    np.testing.assert_allclose(classifier(save(network, tmp_path))(SQUARE), expected, atol=1e-5)


def strided(shape, *steps):
    return model(shape, *steps, layers.GlobalAveragePooling3D())


def along(shape):
    """A network whose recurrent layer runs along the first axis."""
    return model(shape, layers.Reshape((shape[0], -1)), layers.LSTM(2))


@pytest.mark.parametrize(
    ("network", "axes"),
    [
        (lambda: strided((32, 64, 45, 3), layers.Conv3D(2, 3), layers.MaxPooling3D((2, 2, 1))), "HWTC"),
        (lambda: strided((32, 64, 45, 3), layers.Conv3D(2, 3), layers.MaxPooling3D((1, 2, 2))), "THWC"),
        (lambda: strided((40, 30, 40, 1), layers.Conv3D(2, 3, strides=(2, 2, 1))), "HWTC"),
        (lambda: strided((40, 30, 40, 1), layers.Conv3D(2, (3, 7, 7))), "THWC"),
        (lambda: strided((12, 12, 12, 1), layers.Conv3D(2, (3, 3, 1))), "HWTC"),
        (lambda: strided((12, 12, 5, 3), layers.Conv3D(2, 3), layers.MaxPooling3D((1, 2, 2))), "HWTC"),
        (lambda: along((32, 64, 45, 1)), "THWC"),
        (lambda: along((40, 30, 40, 1)), "THWC"),
        (lambda: conv3d((16, 112, 150, 3)), "THWC"),
        (lambda: conv3d((120, 160, 16, 3)), "HWTC"),
    ],
)
def test_time_by_the_layers_or_by_likely_frames(network, axes, tmp_path, capsys):
    opened = classifier(save(network(), tmp_path))
    assert opened.reading.axes == axes
    said = capsys.readouterr().err
    assert ("--axes" in said) == (opened.reading.shape != (12, 12, 5, 3))


@pytest.mark.parametrize("shape", [(32, 64, 45, 3), (40, 30, 40, 1), (12, 12, 12, 3), (4, 30, 90, 1)])
def test_lengths_that_do_not_tell_which_is_time_are_asked_for(shape, tmp_path):
    path = save(strided(shape, layers.Conv3D(2, 3)), tmp_path)
    with pytest.raises(UserError, match="--axes") as error:
        classifier(path)
    assert str(path) in str(error.value)
    assert classifier(path, axes="HWTC").reading.shape == shape
    contradictory = strided(shape, layers.Conv3D(2, (1, 2, 2)), layers.MaxPooling3D((2, 2, 1)))
    with pytest.raises(UserError, match="--axes"):
        classifier(save(contradictory, tmp_path, name="contradictory"))


def test_a_model_that_fails_on_its_own_input_is_one_line(tmp_path, run):
    """Keras 3 takes a RandomCrop in a prediction otherwise than it says."""
    network = model((12, 12, 3), layers.RandomCrop(10, 10), layers.Conv2D(3, 3))
    path = save(network, tmp_path)
    write_video(tmp_path / "v.avi", np.moveaxis(SQUARE[0], 2, 0)[..., 0])
    code, _, error = run("predict.py", "--model", path, tmp_path / "v.avi")
    assert code == 1 and str(path) in error.splitlines()[-1] and "Traceback" not in error
