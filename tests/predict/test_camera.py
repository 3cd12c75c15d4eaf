"""A camera is named by its number."""

from actioncnn.predict import camera


def test_numbers_of_cameras(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert camera.source(["0"]) == 0 and camera.source(["12"]) == 12
    assert camera.source(["0", "1"]) is None and camera.source(["x.avi"]) is None
    (tmp_path / "0").touch()
    assert camera.source(["0"]) is None
