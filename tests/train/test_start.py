"""Fine-tuning: what a network takes of another one, what stays as it is, what is an error."""

import json

import keras
import numpy as np
import pytest
from helpers import data_of, read_dataset
from keras import layers

from actioncnn import device
from actioncnn.data.clips import divide_clips
from actioncnn.data.dataset import divide, understand
from actioncnn.data.options import DatasetOptions
from actioncnn.errors import UserError
from actioncnn.model.saving import save_model
from actioncnn.runs.classes import write_classes
from actioncnn.train import loop, networks
from actioncnn.train.recipes import Recipe
from actioncnn.train.start import Start, fitting
from actioncnn.video.sampling import Sampling

SAMPLING = Sampling(8, 4, False)
DEVICE = device.setup("float32")


def network(nclass=2, width=3, instead=None, shape=(8, 8, 4, 1)):
    layer = networks.numbered(instead)
    steps = [layer(layers.Rescaling, 1 / 127.5, -1), layer(layers.Conv3D, width, 3)]
    steps += [layer(layers.BatchNormalization, momentum=0.5), layer(layers.Flatten), layer(layers.Dense, 5)]
    return networks.chain(shape, [*steps, layer(layers.Dense, nclass, activation="softmax")])


def saved(folder, model, classes=("a", "b"), **args):
    folder.mkdir()
    save_model(model, folder / "net.json", folder / "net.hd5")
    if classes:
        write_classes(folder, classes)
    if args:
        (folder / "args.json").write_text(json.dumps({"model": "net"} | args))
    return folder


def weights(model, name):
    return model.get_layer(name).get_weights()


def equal(model, other, name):
    pairs = zip(weights(model, name), weights(other, name), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_clips_that_the_start_was_trained_on_are_counted(bars, tmp_path):
    """The run of split 1 was trained on what split 2 tests; of a model without a run nothing is known."""
    dataset, _ = divide(understand(DatasetOptions(videos=bars, nclass=2)), "fold_1_of_3", 0)
    values = {"dataset": dataset.as_dict(), "split": "fold_1_of_3", "seed": 0, "metrics": {}}
    values["sampling"] = SAMPLING._asdict()
    start = Start(saved(tmp_path / "run", network(), **values), SAMPLING._replace(size=8))
    data, _ = read_dataset(bars, 2, SAMPLING, tmp_path / "cache")
    assert start.notes_on(divide_clips(data, "fold_1_of_3", 0)[0]) == []
    [note] = start.notes_on(divide_clips(data, "fold_2_of_3", 0)[0])
    assert "16 of 16 test clips" in note and "--start" in note
    [note] = Start(saved(tmp_path / "alone", network()), SAMPLING).notes_on(divide_clips(data, "fold_2_of_3", 0)[0])
    assert "not known" in note


@pytest.mark.parametrize(
    ("its", "classes", "fresh", "said"),
    [
        (("a", "b"), ["a", "b"], [], "4 of 4 layers"),
        (("a", "b"), ["a", "c"], ["dense_2"], "new: dense_2 (other classes)"),
        (("a", "b"), ["b", "a"], ["dense_2"], "dense_2 (other classes)"),  # the order is that of the outputs
        (("a", "b"), ["a", "b", "c"], ["dense_2"], "3 of 4 layers"),
        (None, ["a", "b"], ["dense_2"], "dense_2 (no classes.txt)"),
    ],
)
def test_the_head_is_new_where_the_classes_differ(tmp_path, its, classes, fresh, said):
    old, new = network(), network(len(classes))
    line = Start(saved(tmp_path / "run", old, its), SAMPLING).take(new, classes)
    names = ["conv3d_1", "batch_normalization_1", "dense_1", "dense_2"]
    assert [name for name in names if not equal(new, old, name)] == fresh
    assert said in line and "net.json" in line


@pytest.mark.parametrize(
    ("classes", "new_layers"), [(["a", "b"], "new: none"), (["b", "c"], "new: dense_2 (other classes)")]
)
def test_what_is_not_trained_is_said(tmp_path, classes, new_layers):
    start, new = Start(saved(tmp_path / "run", network(), ["a", "b"]), SAMPLING), network()
    line = start.take(new, classes, freeze=True)
    assert line.endswith(f"{new_layers}; not trained: all layers except dense_2")
    assert new.get_layer("dense_2").trainable and not new.get_layer("dense_1").trainable


def test_layers_of_other_shapes_are_new(tmp_path):
    old, new = network(width=3), network(width=4)
    line = Start(saved(tmp_path / "run", old), SAMPLING).take(new, ["a", "b"])
    assert "1 of 4 layers" in line and "conv3d_1 (no such shape)" in line and "dense_1 (no such shape)" in line
    assert equal(new, old, "dense_2")
    with pytest.raises(UserError, match="no layer has the shape"):
        Start(tmp_path / "run", SAMPLING).take(network(3, width=4), ["x", "y", "z"])


def test_names_of_layers_do_not_matter(tmp_path):
    """Keras counts from none, and other programs name as they like: `conv3d_1` may be the second of its kind."""
    steps = [layers.Conv3D(3, 3, name="conv3d"), layers.Conv3D(3, 3, name="conv3d_1"), layers.Flatten()]
    old = keras.Sequential([keras.Input((8, 8, 4, 1)), *steps[:1], *steps[2:], layers.Dense(9, name="x")])
    new = network()
    Start(saved(tmp_path / "run", old), SAMPLING).take(new, ["a", "b"])
    pairs = zip(weights(new, "conv3d_1"), weights(old, "conv3d"), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_order_is_kept():
    assert fitting("abcd", "abxcd") == {0: 0, 1: 1, 2: 3, 3: 4}
    assert fitting("abc", "cab") == {0: 1, 1: 2} and fitting("a", "b") == {}


def test_members_of_an_ensemble_start_from_members(tmp_path):
    members = [network(), network()]
    run = saved(tmp_path / "run", networks.average(members))
    start = Start(run, SAMPLING)
    for number in range(3):
        new = network()
        start.take(new, ["a", "b"], number)
        assert equal(new, members[number % 2], "conv3d_1") and not equal(new, members[1 - number % 2], "conv3d_1")


@pytest.mark.parametrize("name", ["net.json", "net.keras", "net.h5"])
def test_it_starts_from_files(tmp_path, name):
    old, new = network(), network()
    saved(tmp_path / "run", old)
    if name != "net.json":
        old.save(tmp_path / "run" / name)
    Start(tmp_path / "run" / name, SAMPLING).take(new, ["a", "b"])
    assert equal(new, old, "dense_1") and equal(new, old, "dense_2")


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(16, 4, False), "takes --size 8, not --size 16; give --size 8"),
        (Sampling(16, 5, False), "takes --size 8 --depth 4, not --size 16 --depth 5"),
        (Sampling(8, 4, True), "takes --color False, not --color True"),
        (Sampling(8, 0, False), "takes clips, this script single frames"),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_other_sampling_is_an_error(tmp_path, sampling, words, told):
    """By args.json before anything is read; else by the shape of the model's input."""
    run = saved(tmp_path / "run", network(), **({"sampling": SAMPLING._asdict()} if told else {}))
    with pytest.raises(UserError, match=words):
        start = Start(run, sampling)
        assert not told
        start.take(network(), ["a", "b"])


def test_other_mistakes(tmp_path):
    run = saved(tmp_path / "run", network(), sampling=SAMPLING._asdict())
    with pytest.raises(UserError, match="--skip True, not --skip False; give --skip True"):
        Start(run, SAMPLING._replace(skip=False))
    with pytest.raises(UserError, match="give another --output"):
        Start(run / "net.json", SAMPLING, output=tmp_path / "other" / ".." / "run")
    for absent in (tmp_path / "none", tmp_path / "none.keras"):
        with pytest.raises(UserError, match="--start: .*no such file"):
            Start(absent, SAMPLING)
    with pytest.raises(UserError, match="--start: .* holds several runs; give one of them"):
        Start(tmp_path, SAMPLING)


def test_frozen_layers_stay_as_they_are(tmp_path):
    """Their weights and, of batch normalization, what it has counted; the head and new layers learn."""
    keras.utils.set_random_seed(1)
    old = network()
    old.get_layer("batch_normalization_1").set_weights([np.full(3, value) for value in (1.1, 0.2, 0.3, 1.5)])
    start = Start(saved(tmp_path / "run", old), SAMPLING)
    build = lambda instead=None: network(instead=instead)  # noqa: E731
    clips = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 4, 1)).astype(np.uint8)
    data = data_of(clips, np.arange(16) % 2, range(16), [])
    for freeze in (True, False):
        begin = start.begun(build, data.classes, freeze=freeze)
        model, _ = loop.fit(begin, data, Recipe(), batch=8, epochs=2, seed=0, device=DEVICE)
        plain = loop.in_float32(build, model)
        kept = [equal(plain, old, name) for name in ("conv3d_1", "batch_normalization_1", "dense_1")]
        assert kept == [freeze] * 3 and not equal(plain, old, "dense_2")
