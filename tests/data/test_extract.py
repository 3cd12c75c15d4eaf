"""Clips of a dataset that several machines read into one cache."""

import sys

import pytest
from helpers import read_dataset

from actioncnn.data import extract as script
from actioncnn.video.sampling import Sampling


@pytest.fixture
def extract(capsys, monkeypatch):
    """extract(directory, "--shard", "1/2", ...) -> (exit code, standard output, standard error)."""

    def extract(*options):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["extract.py", *map(str, options)])
        try:
            script.main()
        except SystemExit as end:
            return end.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return extract


@pytest.mark.usefixtures("forked")
def test_a_part_of_a_dataset_is_read_for_the_cache(bars, extract, decoded, tmp_path):
    options = ("--cache", tmp_path, "--size", 16, "--depth", 4)
    code, out, _ = extract(bars, "--shard", "1/2", *options)
    assert code == 0 and "shard 1 of 2: 24 clips in the cache, 0 of them before; 0 videos gave none" in out
    assert extract(bars, "--shard", "1/2", *options)[1].startswith("shard 1 of 2: 24 clips in the cache, 24 of")
    data, _ = read_dataset(bars, 101, Sampling(16, 4, False), tmp_path)
    assert len(decoded()) == 48 and data.clips.any(axis=(1, 2, 3, 4)).all()  # those of the shard only once
    assert extract(bars, *options)[1].startswith("shard 1 of 1: 48 clips in the cache, 48 of them before")
    assert extract(bars, "--shard", "3/2")[0] == 2
    lists = [tmp_path / "train.txt", tmp_path / "test.txt"]
    for path, group in zip(lists, ("g01", "g02"), strict=True):
        path.write_text("".join(f"{each.name} {each.name.split('_')[1]}\n" for each in bars.glob(f"*_{group}_*.avi")))
    code, out, error = extract(bars, *options, "--train-list", lists[0], "--test-list", lists[1])
    assert code == 0 and out.startswith("shard 1 of 1: 8 clips in the cache, 0 of them before"), error
