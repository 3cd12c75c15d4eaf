"""Clips of a dataset that several machines read into one cache."""

import sys

import numpy as np
import pytest
from helpers import read_dataset, write_blocks

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
    assert len(decoded()) == 48 and np.any(data.clips, axis=(1, 2, 3, 4)).all()  # those of the shard only once
    told = extract(bars, *options, "--between", "False")[1]
    assert told.startswith("shard 1 of 1: 48 clips in the cache, 48 of them before")
    assert extract(bars, "--shard", "3/2")[0] == 2
    lists = [tmp_path / "train.txt", tmp_path / "test.txt"]
    for path, group in zip(lists, ("g01", "g02"), strict=True):
        path.write_text("".join(f"{each.name} {each.name.split('_')[1]}\n" for each in bars.glob(f"*_{group}_*.avi")))
    code, out, error = extract(bars, *options, "--train-list", lists[0], "--test-list", lists[1])
    assert code == 0 and out.startswith("shard 1 of 1: 8 clips in the cache, 4 of them before"), error


@pytest.mark.usefixtures("forked")
def test_what_the_cache_holds_is_told_and_what_is_gone_is_dropped(bars, extract, load, videos, tmp_path, decoded):
    expected = np.array(load(videos)[0])
    load(videos, size=8)
    mapped = load(videos)[0]
    options = ("--cache-info", "--cache", tmp_path / "cache")
    code, out, _ = extract(*options)
    assert code == 0 and len(out.splitlines()) == 3 and "dropped" not in out
    assert "4 frames of 16 x 16 pixels, gray; 6 videos" in out and "4 frames of 8 x 8" in out
    videos[1].path.unlink()
    write_blocks(videos[2].path, 99)
    load([videos[0], *videos[2:]])
    code, out, _ = extract(*options)
    assert code == 0 and "pixels, gray; 5 videos" in out
    assert "dropped: 2 clips" in out and "dropped: 1 clip without" in out
    size = sum(path.stat().st_size for path in (tmp_path / "cache").glob("store-16*.records"))
    assert size == 5 * expected[0].size
    np.testing.assert_array_equal(mapped, expected)  # who has them in memory keeps them
    before = len(decoded())
    kept = load([videos[0], *videos[3:]])[0]
    np.testing.assert_array_equal(kept, expected[[0, 3, 4, 5]])
    assert len(decoded()) == before
    assert extract(bars, *options)[0] == 2 and extract("--cache", tmp_path)[0] == 2
