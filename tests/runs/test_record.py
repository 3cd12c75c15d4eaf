"""The record of a run: of this version and of earlier ones."""

import json

import pytest

from actioncnn.runs.record import ARGS, Record, read_record
from actioncnn.video.sampling import Sampling

FIRST_VERSION = {"options": {"videos": "UCF101", "size": 16, "skip": False}, "depth": 4, "channels": 3}


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
    options = Record(FIRST_VERSION | {"split": "3", "seed": 7}).dataset_options
    assert (str(options.videos), options.split, options.seed, options.nclass) == ("UCF101", "1", 7, 101)


def test_an_absent_record(tmp_path):
    assert read_record(tmp_path) is None and not Record().unfinished and Record(metrics=None).unfinished
