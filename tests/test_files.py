"""Files appear whole or not at all, and their names can be printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actioncnn import files
from actioncnn.errors import UserError, printable


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.txt"
    files.write(path, "former")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UserError, match=r"result.txt: cannot be written \(No space left on device\)"):
        files.write(path, "new")
    assert path.read_text() == "former"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_a_file_is_never_open_under_its_own_name(tmp_path):
    with files.replaced(tmp_path / "clip.avi") as new:
        new.write_bytes(b"new")
        assert new.suffix == ".avi" and os.listdir(tmp_path) == [new.name] != ["clip.avi"]
    with pytest.raises(KeyError), files.replaced(tmp_path / "clip.avi", ".h5") as new:
        new.write_bytes(b"newer")
        assert new.suffix == ".h5"
        raise KeyError
    assert os.listdir(tmp_path) == ["clip.avi"] and (tmp_path / "clip.avi").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "篮" * 83 + ".txt"])
def test_the_longest_names(tmp_path, name):
    files.write(tmp_path / name, "bad\udcffname")
    assert (tmp_path / name).read_bytes() == b"bad\xffname"


def test_names_that_are_no_text_are_printable():
    assert printable(Path(os.fsdecode(b"caf\xe9.avi"))) == "caf?.avi"
    assert printable("a\x1b[2Jb\rc\nd\u202ee") == r"a\x1b[2Jb\rc\nd\u202ee"
    assert printable("Größe 篮球 👩\u200d🔬") == "Größe 篮球 👩\u200d🔬"


def test_an_output_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    files.make_output(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir() and not os.listdir(tmp_path / "new" / "folder")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="--output .*file"):
            files.make_output(path)


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [f".actioncnn-{ended.pid}-model.hd5", f"actioncnn-{ended.pid}-folder"]
    (tmp_path / left[0]).touch()
    (tmp_path / left[1]).mkdir()
    (tmp_path / left[1] / "link").symlink_to(tmp_path)
    kept = [f".actioncnn-{os.getpid()}-x", "actioncnn-notes-1", f".{ended.pid}_x", "model.hd5"]
    for name in kept:
        (tmp_path / name).touch()
    files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_output_is_tried_without_touching_a_file(tmp_path):
    (tmp_path / ".probe").write_text("mine")
    files.make_output(tmp_path)
    assert (tmp_path / ".probe").read_text() == "mine"


def test_room_is_looked_at(tmp_path, monkeypatch):
    files.check_room(tmp_path, 1000, 1000)
    monkeypatch.setattr(files, "largest_file", lambda: 4e6)
    with pytest.raises(UserError, match=r"5.0 MB needed, 4.0 MB the largest file .*ulimit"):
        files.check_room(tmp_path, 9e6, 5e6)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10**6}))
    with pytest.raises(UserError, match=r"--output .*: 9.0 MB needed, 1.0 MB free; make room"):
        files.check_room(tmp_path, 9e6, 1)
