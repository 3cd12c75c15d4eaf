"""A camera is named by its number, a stream by its address."""

import pytest

from actioncnn.errors import UserError
from actioncnn.predict import camera


def test_numbers_of_cameras(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert camera.source(["0"]) == 0 and camera.source(["12"]) == 12
    assert camera.source(["0", "1"]) is None and camera.source(["x.avi"]) is None
    (tmp_path / "0").touch()
    assert camera.source(["0"]) is None


def test_addresses_of_streams():
    assert camera.source(["rtsp://host/a"]) == "rtsp://host/a" and camera.source(["HTTP://host/a.mp4"])
    assert camera.source(["C:/a.avi"]) is None
    with pytest.raises(UserError, match="rtsp://host/a: a stream is watched alone"):
        camera.source(["a.avi", "rtsp://host/a"])
