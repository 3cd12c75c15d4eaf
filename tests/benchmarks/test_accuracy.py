"""The benchmark of accuracy, on a tiny budget: each clip is tested once, and what is done is not done again."""

import json
import sys

import accuracy
import accuracy_tables
import numpy as np
import pytest


@pytest.mark.slow
def test_each_clip_is_tested_once(bars, cache, tmp_path, monkeypatch, capsys):
    results = tmp_path / "accuracy.jsonl"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    options = ["--videos", bars, "--epochs", 1, "--seeds", 1, "--threads", 0, "--results", results]
    monkeypatch.setattr(sys, "argv", ["accuracy.py", *map(str, options), "--rows", "2dcnn"])
    accuracy.main()
    lines = accuracy.read(results)
    assert [line["protocol"] for line in lines] == ["group", "random"]
    for line in lines:
        probabilities = np.array(line["probabilities"])
        assert len(probabilities) == len(line["groups"]) == 48 and np.allclose(probabilities.sum(1), 1, atol=1e-3)
        assert line["accuracy"] == pytest.approx((probabilities.argmax(1) == line["truth"]).mean())
    table = capsys.readouterr().out
    assert all(f"{100 * line['accuracy']:.1f} ± " in table for line in lines)
    other = ["--rows", "2dcnn", "--protocols", "group", "--size", "16", "--color"]
    monkeypatch.setattr(sys, "argv", ["accuracy.py", *map(str, options), *other])
    accuracy.main()
    assert "| 2dcnn, 16x16 pixels, colour |" in capsys.readouterr().out
    lines = accuracy.read(results)
    monkeypatch.setattr(sys, "argv", ["accuracy.py", *map(str, options), "--rows", "2dcnn"])
    monkeypatch.setattr(accuracy, "train", lambda *_: pytest.fail("trained again"))
    accuracy.main()
    assert accuracy.read(results) == lines == [json.loads(line) for line in results.read_text().splitlines()]


def line_of(hits, groups, **more):
    """A line of the results whose clips of class 0 are classified rightly where `hits` says so."""
    probabilities = [[0.9, 0.1] if hit else [0.1, 0.9] for hit in hits]
    line = {"row": "x", "protocol": "group", "epochs": 1, "folds": 3, "seed": 0, "cpu": 1, "accuracy": np.mean(hits)}
    return line | {"truth": [0] * len(hits), "probabilities": probabilities, "groups": groups} | more


def test_standard_errors_know_of_groups():
    rng = np.random.default_rng(0)
    hits, groups = rng.random(400) < 0.7, [str(i) for i in range(400)]
    alone = accuracy_tables.standard_error([line_of(hits, groups)])
    assert alone == pytest.approx(np.sqrt(hits.mean() * (1 - hits.mean()) / 400), rel=0.01)
    repeated = line_of(np.repeat(hits[:100], 4), np.repeat(groups[:100], 4))  # four clips that are one
    assert accuracy_tables.standard_error([repeated]) == pytest.approx(2 * alone, rel=0.15)


def test_the_mean_over_sets_counts_each_set_once(capsys):
    groups = [str(i) for i in range(10)]
    lines = [line_of([1] * 5 + [0] * 5, groups, videos="a/"), line_of([1] * 10, groups, videos="b", seed=0)]
    lines.append(line_of([1] * 8 + [0] * 2, groups, videos="b", seed=1))
    accuracy_tables.show_sets(["a/", "b"], lines)
    assert "| x | 50.0 ± 16.7 | 90.0 ± 6.7 | 70.0 | 2 |" in capsys.readouterr().out
