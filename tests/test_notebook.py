"""The five calls for notebooks: docs/python.md as it is written, and what they give."""

import re

import numpy as np
import pytest
from helpers import ROOT

from actioncnn import notebook
from actioncnn.errors import UserError


def test_the_page_as_it_is_written(bars, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "demo").symlink_to(bars)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL):
        exec(block, names)
    data, model, clip, evidence = (names[name] for name in ("data", "model", "clip", "evidence"))
    assert data.classes == ["BarLeft", "BarRight"] and data.clips.shape[1:] == (32, 32, 10, 1)
    assert not set(data.train) & set(data.test) and len(data.train) + len(data.test) == len(data.videos)
    assert names["probabilities"].shape == (4, 2) and (tmp_path / "results/notebook/result.txt").exists()
    assert clip.shape[:3] == (32, 32, 10) and evidence.shape == (10, 32, 32) and np.abs(evidence).max() > 0
    first = notebook.classify(model, names["videos"][:1])[0]
    assert list(first.values()) == sorted(first.values(), reverse=True)
    assert np.isclose(first["BarLeft"], names["probabilities"][0, 0], atol=1e-4)
    against = notebook.explain(model, names["videos"][0], list(first)[1])[1]
    assert np.corrcoef(evidence.ravel(), against.ravel())[0, 1] < -0.9  # of two classes: one's evidence is the other's


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda bars, tmp: notebook.read_dataset(tmp / "none"), "none"),
        (lambda bars, tmp: notebook.read_dataset(bars, split="folds:3"), "folds:3"),
        (lambda bars, tmp: notebook.train(bars, tmp, network="4dcnn"), "4dcnn"),
        (lambda bars, tmp: notebook.train(bars, tmp, epochs=3), "epochs"),
        (lambda bars, tmp: notebook.load(tmp / "none.keras"), "none.keras"),
    ],
)
def test_mistakes_are_named(call, named, bars, tmp_path):
    with pytest.raises(UserError, match=named):
        call(bars, tmp_path)


def test_an_option_that_the_network_lacks(bars, tmp_path):
    with pytest.raises(UserError, match="depth"):
        notebook.train(bars, tmp_path, network="2dcnn", depth=4)
