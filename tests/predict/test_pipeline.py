"""Videos to probabilities: which files, in which order."""

from pathlib import Path

import numpy as np

from actioncnn.data import index
from actioncnn.predict import pipeline
from actioncnn.video.pool import Failed
from actioncnn.video.sampling import Sampling


def test_expand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/b/c/d/deep.MKV", "a/one.avi", "a/.hidden/two.avi", "a/notes.txt", "[x].avi"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert pipeline.expand(["a"]) == [Path("a/b/c/d/deep.MKV"), Path("a/one.avi")]
    assert pipeline.expand(["a/*.avi", "[x].avi", "none*.avi"]) == [
        Path("a/one.avi"),
        Path("[x].avi"),
        Path("none*.avi"),
    ]
    Path("a/folder.avi").mkdir()
    Path("a/b/pictures").mkdir()
    for name in ("a/folder.avi/three.avi", "a/b/pictures/1.png"):
        Path(name).touch()
    named = ["a/folder.avi/three.avi", "a/one.avi"]
    assert pipeline.expand(["a/*.avi"]) == pipeline.expand(["a/**/*.avi"]) == list(map(Path, named))
    assert pipeline.expand(["a/b/p*"]) == [Path("a/b/pictures")]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch, capsys):
    contents = index.contents

    def forbidden(folder):
        if Path(folder).name == "b":
            raise PermissionError(13, "Permission denied")
        return contents(folder)

    monkeypatch.setattr(index, "contents", forbidden)
    (tmp_path / "b").mkdir()
    (tmp_path / "one.avi").touch()
    assert pipeline.expand([str(tmp_path), str(tmp_path / "b")]) == [tmp_path / "one.avi", tmp_path / "b"]
    assert capsys.readouterr().err.count(f"left out: {tmp_path / 'b'}: Permission denied") == 2


def brightness(sampling):
    """A classifier of two classes: the mean gray, and what is missing to white."""
    return lambda: lambda clips: np.stack([clips.mean((1, 2, 3, 4)) / 255, 1 - clips.mean((1, 2, 3, 4)) / 255], 1)


def test_answers_come_in_the_order_of_the_paths(videos, tmp_path):
    paths = [video.path for video in videos]
    paths[2].write_text("no video")
    sampling = Sampling(8, 3, False)
    answers = list(pipeline.predict_videos(paths, sampling, brightness(sampling), workers=2))
    assert [path for path, _ in answers] == paths
    assert answers[2][1] == Failed("cannot be opened as a video")
    rows = [answer for _, answer in answers if not isinstance(answer, Failed)]
    assert all(len(row) == 1 and row[0].start is None and abs(row[0].probabilities.sum() - 1) < 1e-6 for row in rows)


def test_windows_of_each_video_are_together(videos):
    paths, ends = [video.path for video in videos], []
    sampling = Sampling(8, 3, False)
    options = {"length": 4 / 25, "step": 2 / 25, "workers": 2, "watch": ends.append}
    answers = list(pipeline.predict_windows(paths, sampling, brightness(sampling), **options))
    assert [path for path, _ in answers] == paths and len(ends) == 6 * 5
    for _, rows in answers:
        np.testing.assert_allclose([row.start for row in rows], np.arange(5) * 2 / 25, atol=1e-6)
