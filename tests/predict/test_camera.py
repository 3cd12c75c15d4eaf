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


@pytest.mark.parametrize("number", ["99999999999999999999", "9" * 5000, "00000"])
def test_numbers_that_no_camera_has(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="camera 9|camera 0"):
        camera.source([number])


@pytest.mark.parametrize(
    "address", ["rtsp://me:s3cret@host/a", "rtsp://me:s3cret:s3cret@host", "http://me:s3@cret@h?a"]
)
def test_no_line_shows_the_password_of_a_stream(address, monkeypatch):
    monkeypatch.setattr(camera, "open_stream", lambda address: (_ for _ in ()).throw(camera.NoFrameError("no")))
    for fails in (lambda: camera.watch(address, None, 1), lambda: camera.source([address, "b.avi"])):
        with pytest.raises(UserError, match="me:\\*\\*\\*@h") as error:
            fails()
        assert "cret" not in str(error.value)


class Stream:
    """An opened stream that says that it has no known end."""

    def get(self, _):
        return -1.0


def test_a_stream_that_breaks_is_tried_again(monkeypatch, capsys):
    """Three times in a row, after a pause; one that lasted counts anew."""
    opened, times = [], iter([0, 99, 100, 101, 102, 103, 104, 105])
    monkeypatch.setattr(camera, "PAUSE", 0)
    monkeypatch.setattr(camera, "open_stream", lambda address: opened.append(address) or Stream())
    monkeypatch.setattr(camera, "stamped", lambda capture, patience: iter(()))
    monkeypatch.setattr(camera, "tell", lambda *_: None)
    monkeypatch.setattr(camera.time, "monotonic", lambda: next(times))
    with pytest.raises(UserError, match="rtsp://host/a"):
        camera.watch("rtsp://host/a", lambda: None, 3)
    lines = capsys.readouterr().err.splitlines()
    assert len(opened) == 4 and len(lines) == 3 and all("rtsp://host/a" in line for line in lines)
