"""Files appear whole or not at all, and their names can be printed."""

import contextlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

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
        assert new.suffix == ".avi" and os.listdir(tmp_path) == [new.parent.name] != ["clip.avi"]
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


LEAVES = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from actioncnn import files
with files.temporary_folder(), files.replaced(Path(sys.argv[2], "model.hd5")) as new:
    new.write_text("half")
    os._exit(0)
"""


@pytest.fixture
def left_over(tmp_path, monkeypatch):
    """The folders that a killed process left, one of them among the temporary files of the system."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    subprocess.run([sys.executable, "-c", LEAVES, str(ROOT), str(tmp_path)], check=True)
    folders = list(tmp_path.iterdir())
    assert len(folders) == 2 and all(files.TEMPORARY.fullmatch(folder.name) for folder in folders)
    return folders


@pytest.mark.skipif(files.this_process() is None, reason="only Linux tells which processes there are")
def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path, left_over):
    (left_over[0] / "link").symlink_to(tmp_path)
    kept = ["actioncnn-2025-thesis", f"actioncnn-{2**22 + 1}-x", f"actioncnn-{'0' * 16}", f".actioncnn-{'1' * 16}"]
    for name in kept:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").touch()
    (tmp_path / f"actioncnn-{'2' * 16}").touch()
    (tmp_path / f"actioncnn-{'3' * 16}").symlink_to(tmp_path / kept[0])
    with files.temporary_folder(tmp_path) as own:
        files.sweep()
        assert own.exists() and sorted(os.listdir(tmp_path / kept[0])) == ["mine"]
        assert len(os.listdir(tmp_path)) == len(kept) + 3 and not any(folder.exists() for folder in left_over)
    assert not own.exists()


@pytest.mark.parametrize(
    "changed",
    [
        lambda boot, space, number, start: ["another boot", space, number, start],
        lambda boot, space, number, start: [boot, "pid:[1]", number, start],
        lambda boot, space, number, start: files.this_process(),
        lambda boot, space, number, start: [boot, space, f"../{number}", start],
        lambda boot, space, number, start: [boot, space, number],
        lambda *_: {},
        lambda *_: None,
    ],
    ids=["another machine", "another container", "a live process", "text", "short", "other JSON", "nothing"],
)
def test_what_another_process_may_be_writing_stays(tmp_path, left_over, changed):
    for folder in left_over:
        owner = json.loads((folder / files.OWNER).read_text())
        (folder / files.OWNER).write_text(json.dumps(changed(*owner)))
    files.sweep(tmp_path)
    assert all(folder.exists() for folder in left_over)


def test_a_number_that_another_process_has_by_now_keeps_nothing(tmp_path, left_over):
    boot, space, _, _ = files.this_process()
    for folder in left_over:
        (folder / files.OWNER).write_text(json.dumps([boot, space, os.getpid(), "1"]))
    files.sweep(tmp_path)
    assert not os.listdir(tmp_path)


def test_what_is_being_written_is_no_link_of_another_hand(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("mine")
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "0" * 2 * count)
    (tmp_path / f".actioncnn-{'0' * 16}").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UserError, match="new.txt"):
        files.write(tmp_path / "new.txt", "text")
    assert sorted(os.listdir(tmp_path)) == [f".actioncnn-{'0' * 16}", "mine"]


@pytest.mark.parametrize("named", [False, True])
def test_a_pipe_is_written_to_if_the_user_named_it_and_never_replaced(tmp_path, named):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with contextlib.nullcontext() if named else pytest.raises(UserError, match="pipe"):
        files.write(path, "text", named)
    assert os.read(reader, 100) == (b"text" if named else b"")
    os.close(reader)
    assert path.is_fifo() and os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("named", [False, True])
def test_a_link_leads_to_what_is_written_if_the_user_named_it_and_stays(tmp_path, named):
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "to_nothing").symlink_to("new")
    for name in ("link", "to_nothing"):
        with contextlib.nullcontext() if named else pytest.raises(UserError, match=name):
            files.write(tmp_path / name, "text", named)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "to_nothing").is_symlink()
    assert (tmp_path / "target").read_text() == ("text" if named else "mine")
    assert (tmp_path / "new").exists() == named


def test_a_device_is_written_to(tmp_path):
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    files.write(path, "text", named=True)
    with files.replaced(path, ".png", named=True) as new:
        new.write_bytes(b"picture")
    assert path.is_char_device() and os.listdir(tmp_path) == ["null"]


def test_standard_output_is_written_to_even_where_it_is_a_file(tmp_path):
    code = "import sys; sys.path.insert(0, sys.argv[1]); from actioncnn import files; print('first')\n"
    code += "files.write('/dev/stdout', 'second\\n', named=True); print('third')"
    with (tmp_path / "out").open("a") as out:
        subprocess.run([sys.executable, "-c", code, str(ROOT)], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "first\nsecond\nthird\n"


def test_an_output_that_becomes_another_directory_is_not_written(tmp_path):
    (tmp_path / "other" / "below").mkdir(parents=True)
    output = tmp_path / "output"
    files.make_output(output)
    (output / "below").mkdir()
    files.write(output / "a.txt", "text")
    output.rename(tmp_path / "moved")
    output.symlink_to("other")
    for path in (output / "a.txt", output / "below" / "a.txt"):
        with pytest.raises(UserError, match="--output"):
            files.write(path, "text")
    assert not list((tmp_path / "other").rglob("a.txt"))
    files.make_output(output)  # that the user's own link leads elsewhere is fine
    files.write(output / "a.txt", "text")
    assert (tmp_path / "other" / "a.txt").exists()


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    (tmp_path / "text").write_bytes(b"caf\xe9\r\n")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "to_zero").symlink_to("/dev/zero")
    assert files.read(tmp_path / "text") == b"caf\xe9\r\n" and files.read_text(tmp_path / "text") == "caf\udce9\n"
    for name in ("pipe", "sparse", "to_zero", ".", "missing"):
        with pytest.raises(OSError) as error:
            files.read(tmp_path / name)
        assert error.value.filename == str(tmp_path / name)


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
