"""The benchmark of accuracy, on a tiny budget: each clip is tested once, and what is done is not done again."""

import json
import sys

import accuracy
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
        assert len(probabilities) == line["clips"] == 48 and np.allclose(probabilities.sum(1), 1, atol=1e-3)
        assert line["accuracy"] == pytest.approx((probabilities.argmax(1) == line["truth"]).mean())
    table = capsys.readouterr().out
    assert all(f"{100 * line['accuracy']:.1f} [" in table for line in lines)
    monkeypatch.setattr(accuracy, "train", lambda *_: pytest.fail("trained again"))
    accuracy.main()
    assert accuracy.read(results) == lines == [json.loads(line) for line in results.read_text().splitlines()]
