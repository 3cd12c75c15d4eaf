"""Scripts that follow a training on the same videos decode none of them again."""

import pytest

SMALL = ["--nclass", 2, "--epoch", 1, "--batch", 16, "--size", 16, "--depth", 4]


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("script", ["3dcnn.py", "3dcnn-my-model.py"])
def test_videos_are_decoded_once(run, bars, decoded, tmp_path, monkeypatch, script):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    result = tmp_path / "run"
    assert run(script, "--videos", bars, *SMALL, "--cache", tmp_path / "cache", "--output", result)[0] == 0
    assert len(decoded()) == 48
    assert run("predict.py", "--run", result, "--videos", bars, "--output", tmp_path / "tested")[0] == 0
    assert run("explain.py", "--run", result, "--videos", bars, "--output", tmp_path / "orders")[0] == 0
    assert run("export.py", "--run", result, "--format", "keras")[0] == 0
    model = ["--model", result / "ucf101_3dcnnmodel.json", "--weights", result / "ucf101_3dcnnmodel.hd5"]
    unit = ["--name", "dense_1", "--index", 0, "--iter", 1, "--output", tmp_path / "units"]
    assert run("visualize_input.py", *model, *unit, "--videos", bars)[0] == 0
    assert len(decoded()) == 48
