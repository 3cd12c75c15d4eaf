"""A model of others that is exported and read back is the same model, and nothing of it is assumed anew."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from foreign_models import (
    CLIPS,
    COLOUR,
    KINDS,
    OUTPUTS,
    SQUARE,
    WIDE,
    classifier,
    conv3d,
    model,
    of_2017,
    save,
    two_heads,
)
from keras import layers

from actioncnn.model import formats
from actioncnn.model.loading import load_model, read_facts
from actioncnn.model.saving import MARK, save_model
from actioncnn.train import networks


def named_heads():
    """Its outputs are a dict."""
    clip = keras.Input(COLOUR)
    x = layers.Flatten()(clip)
    heads = {"b": layers.Dense(3, "softmax", name="verb")(x), "a": layers.Dense(4, name="noun")(x)}
    return keras.Model(clip, heads)


def two_inputs():
    clips = [keras.Input(COLOUR), keras.Input(COLOUR)]
    return keras.Model(clips, layers.Average()([conv3d(COLOUR)(clip) for clip in clips]))


CUBE = SQUARE.repeat(3, 3)[:, :, :, :12]
CASES = {name: (build, clips, {}) for name, (build, clips, *_) in KINDS.items()}
CASES |= {
    name: (lambda options=options: conv3d(COLOUR, **options), SQUARE, {}) for name, (options, _) in OUTPUTS.items()
}
CASES |= {
    "-1 to 1": (lambda: conv3d(COLOUR), SQUARE, {"range": [-1.0, 1.0]}),
    "axes that are asked for": (lambda: conv3d((12, 12, 12, 3)), CUBE, {"axes": "THWC"}),
    "axes and range": (lambda: conv3d(WIDE), CLIPS, {"axes": "THWC", "range": [0.0, 255.0]}),
    "colour of 2017": (lambda: of_2017(3), SQUARE, {}),
    "not scrambled": (lambda: of_2017(3), SQUARE, {"scrambled": False}),
    "scrambled": (lambda: conv3d((12, 12, 5, 3)), SQUARE, {"scrambled": True}),
    "the first of two heads": (two_heads, SQUARE, {}),
    "the second of two heads": (two_heads, SQUARE, {"output": "noun"}),
    "heads by name": (named_heads, SQUARE, {"output": "verb"}),
    "two inputs": (two_inputs, SQUARE, {}),
    "one frame, not square, -1 to 1": (
        lambda: model((12, 16, 3), layers.Conv2D(3, 3)), CLIPS[:, :, :, 0], {"range": [-1.0, 1.0]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_read_back_as_what_it_is(name, tmp_path, capsys):
    build, clips, asked = CASES[name]
    kept = classifier(save(build(), tmp_path), **asked)
    expected, path = kept(clips), tmp_path / "copy" / "m.keras"
    path.parent.mkdir()
    formats.write_export(kept.network, "keras", path, kept.facts)
    capsys.readouterr()
    again = classifier(path)
    np.testing.assert_allclose(again(clips), expected, atol=1e-6)
    assert capsys.readouterr().err == "" and again.assumed is None and not again.ours
    for part in ("reading", "head"):
        assert getattr(again, part).as_dict() == getattr(kept, part).as_dict()
    assert (again.sampling, again.classes) == (kept.sampling, kept.classes)
    about = formats.describe("keras", path, kept)
    assert about["input"]["range"] == [kept.reading.low, kept.reading.high]
    axes = {"height": "H", "width": "W", "time": "T", "channel": "C"}
    assert "".join(axes[axis] for axis in about["input"]["axes"][1:]) == kept.reading.axes
    assert json.loads(json.dumps(about))["head"] == kept.head.as_dict()


def test_a_json_with_exported_weights(tmp_path, capsys):
    """The weights tell what the JSON, which is of Keras, can't."""
    kept = classifier(save(conv3d(COLOUR), tmp_path, "json"), range=[-1.0, 1.0])
    save_model(kept.network, tmp_path / "new.json", tmp_path / "new.hd5", facts=kept.facts)
    capsys.readouterr()
    np.testing.assert_allclose(classifier(tmp_path / "new.json")(SQUARE), kept(SQUARE), atol=1e-6)
    assert capsys.readouterr().err == ""


def test_options_come_before_what_the_file_says(tmp_path):
    kept = classifier(save(two_heads(), tmp_path), range=[-1.0, 1.0], output="noun")
    path = tmp_path / "copy.keras"
    formats.write_export(kept.network, "keras", path, kept.facts)
    other = classifier(path, range=[0.0, 1.0], output="verb")
    assert (other.reading.low, other.head.name, other.head.kind) == (0, "verb", "probabilities")
    with pytest.raises(Exception, match="--output-layer"):
        classifier(path, output="adverb")


HOSTILE = [
    {"reading": 3, "head": [], "sampling": "x"},
    {"reading": {"range": ["a", 1], "axes": "TTTT", "scrambled": 7}, "head": {"output": 3, "taken_for": {}}},
    {"reading": {"range": [1, 0]}, "sampling": {"size": -4, "depth": 5, "color": True}},
    {"reading": {"range": [0, float("inf")]}, "sampling": {"size": 12, "depth": 5, "color": True, "more": 1}},
    {"sampling": {"size": [12, 12, 12], "depth": 5, "color": True}, "classes": [1, 2, 3, 4]},
]


@pytest.mark.parametrize("facts", HOSTILE)
def test_what_a_stranger_writes_counts_for_nothing(facts, tmp_path):
    network = conv3d(COLOUR)
    save_model(network, keras_path=tmp_path / "m.keras", facts=facts)
    plain = classifier(save(network, tmp_path, name="plain"))
    odd = classifier(tmp_path / "m.keras")
    assert (odd.reading, odd.head, odd.sampling) == (plain.reading, plain.head, plain.sampling)


@pytest.mark.parametrize(
    "build", [networks.cnn3d, networks.residual, lambda *shape: networks.average([networks.cnn3d(*shape)] * 2)]
)
@pytest.mark.parametrize("facts", [{}, {"sampling": {"size": 16, "depth": 4, "color": False}}])
def test_files_of_earlier_versions_have_no_mark_and_are_read_by_their_layers(build, facts, tmp_path):
    network = build((16, 16, 4, 1), 3)
    save_model(network, keras_path=tmp_path / "m.keras", facts=facts)
    old = classifier(tmp_path / "m.keras")
    assert not old.ours and (old.reading.low, old.reading.high, old.reading.axes) == (0, 255, "HWTC")
    save_model(network, keras_path=tmp_path / "marked.keras", facts=facts | MARK)
    clips = SQUARE[:, :, :, :4, :1].repeat(2, 1).repeat(2, 2)[:, :16, :16]
    np.testing.assert_array_equal(old(clips), classifier(tmp_path / "marked.keras")(clips))


def test_an_earlier_export_of_a_model_of_others_is_not_of_this_suite(tmp_path):
    """It tells its sampling alone, which once made it one that is fed 0 to 255."""
    network = conv3d((12, 12, 5, 3))
    sampling = {"size": 12, "depth": 5, "color": True, "skip": True, "scrambled": False}
    save_model(network, keras_path=tmp_path / "m.keras", facts={"classes": list("abcd"), "sampling": sampling})
    old = classifier(tmp_path / "m.keras")
    assert not old.ours and old.reading.high == 1 and old.classes == list("abcd")
    np.testing.assert_allclose(old(SQUARE), classifier(save(network, tmp_path, name="plain"))(SQUARE), atol=1e-6)


def test_a_training_run_leaves_its_mark(trained_run, tmp_path):
    """In both files; so the model is known where it is copied away from args.json. A copy by export keeps it."""
    for ending in ("keras", "hd5"):
        assert read_facts(trained_run / f"ucf101_3dcnnmodel.{ending}").items() >= MARK.items()
    with zipfile.ZipFile(trained_run / "ucf101_3dcnnmodel.keras") as archive:
        assert json.loads(archive.read("metadata.json"))["origin"] == MARK["origin"]
    copy = tmp_path / "any.keras"
    copy.write_bytes((trained_run / "ucf101_3dcnnmodel.keras").read_bytes())
    kept = classifier(copy)
    assert kept.ours and kept.assumed is None
    formats.write_export(kept.network, "keras", tmp_path / "again.keras", kept.facts)
    assert classifier(tmp_path / "again.keras").ours


def test_a_run_of_an_earlier_version_is_known_by_its_args_json(trained_run, tmp_path):
    names = "ucf101_3dcnnmodel.json", "args.json", "classes.txt"
    for name in names:
        (tmp_path / name).write_bytes((trained_run / name).read_bytes())
    save_model(
        load_model(*(trained_run / f"ucf101_3dcnnmodel.{end}" for end in ("json", "hd5"))), None, tmp_path / "w.hd5"
    )
    (tmp_path / "w.hd5").rename(tmp_path / "ucf101_3dcnnmodel.hd5")
    with h5py.File(tmp_path / "ucf101_3dcnnmodel.hd5") as file:
        assert "origin" not in file.attrs
    kept = classifier(tmp_path / "ucf101_3dcnnmodel.json")
    assert kept.ours and kept.assumed is None and kept.classes == ["BarLeft", "BarRight"]
