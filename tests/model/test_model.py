"""Which model, which weights, what it wants to see."""

import json
import shutil

import numpy as np
import pytest
from foreign_models import COLOUR, OUTPUTS, SQUARE, conv3d, two_heads
from small_networks import model_of

from actioncnn.errors import UserError
from actioncnn.model import audit
from actioncnn.model import model as model_module
from actioncnn.model.model import open_model
from actioncnn.runs.find import find_model
from actioncnn.video.sampling import Sampling


def test_a_run_names_its_model(trained_run):
    files = find_model(trained_run)
    assert files.model.name == "ucf101_3dcnnmodel.json" and files.weights.name == "ucf101_3dcnnmodel.hd5"
    assert files.sampling == Sampling(16, 4, False, True)
    model = open_model(files)
    assert model.classes == ["BarLeft", "BarRight"] and model.sampling == files.sampling


def test_runs_of_earlier_versions(trained_run, tmp_path):
    run = shutil.copytree(trained_run, tmp_path / "run")
    args = json.loads((run / "args.json").read_text())
    del args["sampling"]
    (run / "args.json").write_text(json.dumps(args | {"depth": 4, "channels": 1}))
    assert find_model(run).sampling == Sampling(16, 4, False, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampling": {"size": 16}}, "is damaged"),
        ({"sampling": 3}, "is damaged"),
        ({"sampling": {"size": 32, "depth": 4, "color": False}}, "is not the model of the run"),
    ],
)
def test_a_run_that_does_not_say_what_it_took(trained_run, tmp_path, change, words):
    run = shutil.copytree(trained_run, tmp_path / "run")
    args = json.loads((run / "args.json").read_text())
    (run / "args.json").write_text(json.dumps(args | change))
    with pytest.raises(UserError, match=words):
        open_model(find_model(run))


def test_a_directory_given_as_the_model_is_its_run(trained_run, tmp_path):
    assert find_model(model=trained_run) == find_model(trained_run)
    with pytest.raises(UserError, match="--model: no model in"):
        find_model(model=tmp_path)


def log_odds(model, label, against=None):
    import tensorflow as tf

    return model.log_odds(tf.constant(model.feed(SQUARE)), label, against).numpy()


def logit(shares):
    return np.log(shares / (1 - shares))


@pytest.mark.parametrize("kind", OUTPUTS)
def test_log_odds_are_those_of_the_probabilities(kind):
    model = model_of(conv3d(COLOUR, **OUTPUTS[kind][0]), ["no", "yes"] if kind == "one logit" else ())
    shares = model(SQUARE).astype(float)
    np.testing.assert_allclose(log_odds(model, 1), logit(shares[:, 1]), atol=1e-4)
    against = logit(shares[:, 1]) - logit(shares[:, 0]) if kind == "labels" else np.log(shares[:, 1] / shares[:, 0])
    np.testing.assert_allclose(log_odds(model, 1, 0), against, atol=1e-4)


@pytest.mark.parametrize("last", ["softmax", "sigmoid"])
def test_log_odds_of_an_ensemble_are_the_mean_over_its_members(last):
    import keras

    count = {"softmax": 3, "sigmoid": 1}[last]
    clip, members = keras.Input(COLOUR), [conv3d(COLOUR, count=count, last=last) for _ in range(2)]
    members[1].set_weights([2 * weight for weight in members[1].get_weights()])
    model = model_of(keras.Model(clip, keras.layers.Average()([member(clip) for member in members])))
    of_each = [log_odds(model_of(member), 1) for member in members]
    np.testing.assert_allclose(log_odds(model, 1), np.mean(of_each, 0), atol=1e-4)


@pytest.mark.parametrize("name", ["verb", "noun"])
def test_all_is_said_of_the_chosen_head(name):
    network = two_heads()
    model = model_of(network, output=name)
    count = {"verb": 3, "noun": 4}[name]
    shares = model(SQUARE).astype(float)
    assert shares.shape == (3, count) and model.classes == [f"class {label}" for label in range(count)]
    np.testing.assert_allclose(log_odds(model, count - 1), logit(shares[:, -1]), atol=1e-4)
    for layer, of_head in ((network.get_layer(each), each == name) for each in ("verb", "noun")):
        seen = model.look(layer, SQUARE)
        assert seen.of_head == of_head and bool(seen.logits) == (of_head or layer.name == "verb")
        if of_head:
            np.testing.assert_allclose(seen.probabilities, shares, atol=1e-5)


def test_a_softmax_of_another_head_is_not_a_member_of_an_average():
    import keras
    from keras import layers

    clip = keras.Input(COLOUR)
    x = layers.Flatten()(clip)
    parts = [layers.Dense(3, "softmax", name=f"part_{i}")(x) for i in range(3)]
    mean = layers.Average(name="mean")(parts[:2])
    model = model_of(keras.Model(clip, [mean, parts[2]]))
    assert len(model.look(model.network.get_layer("mean"), SQUARE).logits) == 2


def test_a_network_that_is_no_classifier_has_layers_all_the_same(tmp_path):
    import keras

    network = keras.Sequential([keras.Input(COLOUR), keras.layers.Conv3D(2, 3, name="c")])
    network.save(tmp_path / "m.keras")
    files = find_model(model=tmp_path / "m.keras")
    with pytest.raises(UserError, match="m.keras: its output"):
        open_model(files)
    model = open_model(files, classifies=False)
    assert model.head is None and model.look(model.find_layer("c")[1], SQUARE).output.shape[-1] == 2


def test_answers_that_are_no_numbers():
    """Weights of 3e38 are finite, but the outputs that they lead to are not."""
    model = model_of(conv3d(COLOUR))
    model.network.set_weights([np.full(weight.shape, 3e38, np.float32) for weight in model.network.get_weights()])
    with pytest.raises(UserError, match="NaN or infinite"):
        model(SQUARE)


def test_large_layers_are_given_few_clips_at_once(monkeypatch):
    model = model_of(conv3d(COLOUR))
    clips = np.concatenate([SQUARE, SQUARE[::-1], SQUARE])
    expected, features = model(clips), model.features(clips)
    sizes, predict = [], model.network.predict_on_batch
    monkeypatch.setattr(model.network, "predict_on_batch", lambda given: sizes.append(len(given)) or predict(given))
    del model._at_once
    monkeypatch.setattr(model_module, "MOST_VALUES", 2 * audit.sizes_of(model.network)[1])
    np.testing.assert_allclose(model(clips), expected, atol=1e-6)
    np.testing.assert_allclose(model.features(clips), features, atol=1e-5)
    assert max(sizes) <= 2 and sum(sizes) == len(clips)


def test_more_classes_than_any_model_has(monkeypatch):
    monkeypatch.setitem(audit.BOUNDS, "classes", 2)
    with pytest.raises(UserError, match="classes"):
        model_of(conv3d(COLOUR))
