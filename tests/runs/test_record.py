"""The record of a run: of this version and of earlier ones."""

import json

import pytest

from actioncnn.runs.record import ARGS, Record, check_whole, read_record
from actioncnn.video.sampling import Sampling

FIRST_VERSION = {  # as its 3dcnn.py wrote it, with some options changed
    "options": {
        "batch": 16,
        "epoch": 1,
        "videos": "UCF101",
        "nclass": 101,
        "output": "run",
        "color": True,
        "skip": False,
    }
    | {"depth": 4, "split": "2", "size": 16, "cache": None, "workers": None, "seed": 7, "learning_rate": None}
    | {"augment": True, "flip": None, "views": 1, "precision": "auto", "resume": False},
    "seed": 7,
    "split": "2",
    "model": "ucf101_3dcnnmodel",
    "depth": 4,
    "channels": 3,
    "recipe": {"learning_rate": 0.001, "warmup": 0.1, "augment": {"flip": True, "scale": 0.3}},
    "counts": {"videos": 227, "classes": 3, "train": 153, "test": 74},
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"},
    "device": "CPU (2 cores)",
    "precision": "float32",
    "metrics": {"loss": 1.05, "top1": 0.527, "top5": 1.0, "mean_class_accuracy": 0.5},
}


@pytest.mark.parametrize(
    "values", [{"sampling": {"size": 16, "depth": 4, "color": True, "skip": False, "scrambled": False}}, FIRST_VERSION]
)
def test_the_sampling_of_a_run(values):
    assert Record(values).sampling == Sampling(16, 4, True, False)


@pytest.mark.parametrize("values", [{}, {"sampling": {"size": 16}}, {"options": {"size": 16}}])
def test_a_record_without_a_sampling(values):
    assert Record(values).sampling is None


def test_values_of_another_kind_are_left_out_and_named(tmp_path):
    (tmp_path / ARGS).write_text(json.dumps({"options": [1], "split": "2", "notes": 3, "seconds": "x"}))
    record = read_record(tmp_path)
    assert record == {"split": "2"} and record.damaged == ["notes", "options", "seconds"]
    assert record.options == {} and record.dataset_options is None and record.fingerprints == {}


def test_the_dataset_of_earlier_versions_is_in_their_options():
    options = Record(FIRST_VERSION).dataset_options
    assert (str(options.videos), options.split, options.seed, options.nclass) == ("UCF101", "2", 7, 101)


def test_a_record_of_the_first_version_is_whole(tmp_path):
    (tmp_path / ARGS).write_text(json.dumps(FIRST_VERSION))
    record = read_record(tmp_path)
    check_whole(tmp_path, record)
    assert not record.damaged and not record.unfinished


def test_an_absent_record(tmp_path):
    assert read_record(tmp_path) is None and not Record().unfinished and Record(metrics=None).unfinished


def test_the_cache_of_a_record_is_used_only_where_a_store_is(tmp_path):
    """A record may come from a stranger; nothing is written into a folder that it chooses."""
    record = Record(options={"cache": str(tmp_path)})
    assert record.cache is None and Record().cache is None
    (tmp_path / "store-8x8x4x1-x.0.index").touch()
    assert record.cache == tmp_path


@pytest.mark.parametrize("change", [{"depth": 10**8}, {"size": 10**6}, {"size": []}, {"depth": -1}, {"color": 1}])
def test_a_sampling_of_gigabytes_is_none(change):
    assert Record(sampling={"size": 16, "depth": 4, "color": True} | change).sampling is None
