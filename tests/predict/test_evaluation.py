"""A model tested on a dataset: classes by name."""

from pathlib import Path

import numpy as np
import pytest

from actioncnn.data.index import Video
from actioncnn.errors import UserError
from actioncnn.predict import evaluation


def videos(*names):
    return [Video(Path(f"{name}/{i}.avi"), name, None) for i, name in enumerate(names)]


def test_classes_are_found_by_name(capsys):
    found, labels = evaluation.known(videos("Bow", "jump", "Kick", "Run", "Kick"), ["Run", "Jump", "BOW", "Bow"])
    assert [video.name for video in found] == ["Bow", "jump", "Run"] and labels == [3, 1, 0]
    assert "note: left out: 2 videos of 1 class that the model does not know: Kick" in capsys.readouterr().err
    evaluation.known(videos("Bow"), ["Bow", "Run"])
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match=r"knows none of its classes \(Kick\), but Bow, Run; give"):
        evaluation.known(videos("Kick"), ["Bow", "Run"])


def test_rows_are_read_where_they_are_indexed():
    clips = np.arange(10)
    rows = evaluation.Rows(clips, [1, 3, 8])
    assert len(rows) == 3 and rows[1] == 3 and rows[1:9].tolist() == [3, 8]
