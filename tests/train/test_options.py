"""Options of the training scripts: names and defaults of 2017, types, usage errors."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from actioncnn.data.options import DatasetOptions, options_of
from actioncnn.train.options import ClipOptions, EnsembleOptions, Options, parse
from actioncnn.video.sampling import Sampling

DEFAULTS = {"epoch": 100, "nclass": 101, "color": False, "skip": True, "depth": 10}


def test_defaults_of_2017():
    options = parse(ClipOptions, "", ["--output", "x"])
    assert {name: getattr(options, name) for name in DEFAULTS} == DEFAULTS
    assert str(options.videos) == "UCF101" and options.members is None
    assert parse(EnsembleOptions, "", ["--output", "x"]).members == 3


@pytest.mark.parametrize(("clips", "batch"), [(9537, 128), (3072, 128), (3071, 64), (1536, 64), (1535, 32), (1, 32)])
def test_the_default_batch_is_that_of_2017_and_less_on_few_clips(clips, batch):
    assert parse(ClipOptions, "", ["--output", "x"]).settled(clips).batch == batch
    assert parse(ClipOptions, "", ["--output", "x", "--batch", "128"]).settled(clips).batch == 128


def test_the_line_of_2017_parses():
    line = (
        "--batch 32 --epoch 50 --videos dataset/ --nclass 10 --output 3dcnnresult/ --color True --skip False --depth 10"
    )
    options = parse(ClipOptions, "", line.split())
    assert (options.color, options.skip, options.depth, options.nclass) == (True, False, 10, 10)
    assert options.sampling == Sampling(32, 10, True, False)


@pytest.mark.parametrize(
    ("words", "value"),
    [([], True), (["True"], True), (["yes"], True), (["1"], True), (["FALSE"], False), (["no"], False), (["0"], False)],
)
def test_booleans(words, value):
    assert parse(ClipOptions, "", ["--output", "x", "--color", *words]).color is value


@pytest.mark.parametrize(
    "words",
    [
        ["--batch", "0"],
        ["--depth", "-1"],
        ["--color", "maybe"],
        ["--epoch", "1.5"],
        ["--split", "4"],
        ["--split", "folds:1"],
        ["--split", "folds"],
        ["--class-level", "0"],
        ["--group-level", "0"],
        ["--classes", ","],
        ["--nclass", "1"],
        ["--learning-rate", "0"],
        ["--learning-rate", "nan"],
        ["--bat", "3"],
        ["--size", "4"],
    ],
)
def test_usage_errors(words, capsys):
    with pytest.raises(SystemExit) as end:
        parse(ClipOptions, "", ["--output", "x", *words])
    assert end.value.code == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("split", ["1", "2", "3", "groups", "folds:7", "all", "random"])
def test_splits(split):
    options = parse(ClipOptions, "", ["--output", "x", "--split", split, "--class-level", "2", "--train-list", "a"])
    expected = DatasetOptions(split=split, class_level=2, train_list=Path("a"))
    assert options.dataset == expected and options_of(expected.located()).split == split


def test_a_dataset_comes_back_from_a_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = DatasetOptions(videos=Path("mine"), nclass=3, test_list=Path("a.txt"), seed=4)
    stored = json.loads(json.dumps(options.located()))
    monkeypatch.chdir("/")
    back = options_of(stored)
    assert back == replace(options, videos=tmp_path / "mine", test_list=tmp_path / "a.txt")
    assert options_of({"videos": 3, "nclass": True, "seed": "x", "more": 1}) == DatasetOptions()


def test_classes_by_name_or_file(tmp_path):
    (tmp_path / "names.txt").write_text("YoYo\n\nPunch \n")
    for text in ("YoYo, Punch", tmp_path / "names.txt"):
        options = parse(ClipOptions, "", ["--output", "x", "--classes", str(text)])
        assert options.classes == ("YoYo", "Punch")
        assert options_of(json.loads(json.dumps(options.dataset.located()))).classes == ("YoYo", "Punch")


def test_2d_has_no_clip_options(capsys):
    options = parse(Options, "", ["--output", "x"])
    assert not hasattr(options, "skip") and options.sampling == Sampling(32, 0, False)
    with pytest.raises(SystemExit):
        parse(Options, "", ["--output", "x", "--depth", "3"])
    assert "--depth" in capsys.readouterr().err


def test_an_ensemble_of_any_network():
    of = lambda *words: parse(EnsembleOptions, "", ["--output", "x", *words])  # noqa: E731
    assert of().network == "3dcnn" and of().sampling == of("--network", "3dcnn-my-model").sampling == Sampling(
        32, 10, False
    )
    assert of("--network", "2dcnn").sampling == Sampling(32, 0, False)
    with pytest.raises(SystemExit):
        of("--network", "resnet")


@pytest.mark.parametrize("words", [("--skip", "False"), ("--depth", "5")])
def test_an_ensemble_of_a_2d_network_has_no_options_of_clips(words, capsys):
    """They are refused, and the record of a run does not name them."""
    with pytest.raises(SystemExit):
        parse(EnsembleOptions, "", ["--output", "x", "--network", "2dcnn", *words])
    assert words[0] in capsys.readouterr().err
    assert not {"skip", "depth"} & parse(EnsembleOptions, "", ["--output", "x", "--network", "2dcnn"]).as_dict().keys()
    assert {"skip", "depth"} <= parse(EnsembleOptions, "", ["--output", "x"]).as_dict().keys()


def test_options_do_not_change():
    with pytest.raises(AttributeError):
        parse(Options, "", ["--output", "x"]).batch = 3
