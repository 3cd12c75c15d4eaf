"""The test clips of a run, read again: by its page, explain.py and export.py alike."""

import runpy
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import ROOT, as_pictures, write_blocks
from made_runs import made_run

from actioncnn.explain import tested
from actioncnn.runs.clips import reader
from actioncnn.runs.run import read_run
from actioncnn.video import sampling


@pytest.fixture
def folder(tmp_path):
    """A run whose test clips are a folder of pictures, a video, and one that has gone."""
    folder = made_run(tmp_path / "run", np.ones(3, bool), ["A", "B"], videos=str(tmp_path / "videos"))
    names = read_run(folder).files
    write_blocks(tmp_path / "block.avi")
    as_pictures(tmp_path / "block.avi", tmp_path / "videos" / names[0])
    write_blocks(tmp_path / "videos" / names[1])
    return folder


def test_folders_of_pictures_are_clips(folder, capsys):
    run = read_run(folder)
    assert sorted(reader(1)(run, [0, 1, 2])) == [0, 1] and "1 of 3 clips to show are not in" in capsys.readouterr().err
    assert [clip.path.name for clip in tested.tested(folder)] == run.files[:2]
    files = SimpleNamespace(args=run.args, model=folder / "model.json")
    clips, which = runpy.run_path(str(ROOT / "export.py"))["test_clips"](files, sampling.of_run(run.args), workers=1)
    assert which == "2 test clips" and clips.shape == (2, 32, 32, 10, 1)
