"""A directory is understood: classes, groups, order, what is passed over."""

import os
import signal
from pathlib import Path

import pytest
from helpers import index_of, names, touch

from actioncnn.data import index
from actioncnn.errors import NoFrameError, UserError
from actioncnn.video import decode, frame_folder


def classes_and_files(directory):
    return [(video.name, video.group, video.path.name) for video in index.scan(directory)]


UCF_NAMES = [
    f"v_{name}_g{group:02d}_c{clip:02d}.avi" for name in ("Run", "Bow") for group in (8, 25, 1) for clip in (2, 1)
]


@pytest.mark.parametrize(
    "layout", ["UCF-101/{name}/{file}", "{name}/{file}", "{file}", "a/b/{name}/{file}", "Other/{file}"]
)
def test_layouts_of_the_same_clips_give_the_same_order(tmp_path, layout):
    touch(tmp_path, *(layout.format(name=file.split("_")[1], file=file) for file in UCF_NAMES))
    expected = [(file.split("_")[1], int(file.split("_")[2][1:]), file) for file in sorted(UCF_NAMES)]
    assert classes_and_files(tmp_path) == expected


def test_own_videos_are_named_after_their_folder(tmp_path):
    touch(tmp_path, "wave/2.MP4", "wave/1.webm", "jump/x.mov", "jump/y.mkv", "Wave/3.avi", "wave/v_wave_1.avi")
    assert classes_and_files(tmp_path) == [
        *(("jump", None, name) for name in ("x.mov", "y.mkv")),
        *(("Wave", None, name) for name in ("1.webm", "2.MP4", "3.avi", "v_wave_1.avi")),
    ]


def test_what_is_no_video_is_passed_over(tmp_path):
    touch(
        tmp_path, "Bow/a.avi", "Bow/._a.avi", "Bow/.a.avi", ".trash/Bow/b.avi", "Bow/.c/d.avi", "__MACOSX/Bow/._a.avi"
    )
    touch(tmp_path, "readme.txt", "Bow/a.avi.part", "Bow/a.png", "Bow/avi", "Bow/e.avi/f.txt")
    assert classes_and_files(tmp_path) == [("Bow", None, "a.avi")]


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    touch(tmp_path, "Bow/a.avi", "Run/b.avi", "Sit/c.avi")
    (tmp_path / "Run").chmod(0)
    assert index.understand(tmp_path).notes == [f"left out: {tmp_path / 'Run'}: Permission denied"]


def test_names_of_classes_are_one_line(tmp_path):
    touch(tmp_path, "a\nb/1.avi", "c\r\x1b/2.avi")
    assert [video.name for video in index.scan(tmp_path)] == ["a\\nb", "c\\r\x1b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_not_waited_for(tmp_path):
    (tmp_path / "Bow" / "a").mkdir(parents=True)
    for name in ("Bow/1.webp", "Bow/a/1.png", "Bow/a/2.png", "Bow/b.avi"):
        os.mkfifo(tmp_path / name)
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(10)
    try:
        assert sorted(names(index.scan(tmp_path))) == ["a", "b.avi"]
        for video in index.scan(tmp_path):
            assert frame_folder.remarks(video.path, lambda count: range(count)) == [frame_folder.BROKEN] * (
                video.path.is_dir()
            )
            with pytest.raises(NoFrameError):
                decode.read_frames(video.path, 8, 8, 2)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_links_are_followed_once(tmp_path):
    touch(tmp_path, "data/Bow/a.avi", "data/Run/b.avi")
    (tmp_path / "data" / "Bow" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    assert classes_and_files(tmp_path / "linked") == [("Bow", None, "a.avi"), ("Run", None, "b.avi")]


def test_missing_directory_says_how_to_get_the_data(tmp_path):
    with pytest.raises(UserError) as error:
        index.scan(tmp_path / "UCF101")
    message = str(error.value)
    assert "\n" not in message and str(tmp_path / "UCF101") in message
    for hint in ("--videos", "https://www.crcv.ucf.edu/data/UCF101.php", "6.5 GB", "unrar x UCF101.rar", "make demo"):
        assert hint in message


@pytest.mark.parametrize("name, words", [("clip.avi", "not a directory"), ("empty", "no video")])
def test_directory_without_videos(tmp_path, name, words):
    touch(tmp_path, "clip.avi", "empty/readme.txt")
    with pytest.raises(UserError, match=f"--videos: .*{words}") as error:
        index.scan(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_unreadable_directory(tmp_path):
    tmp_path.chmod(0)
    with pytest.raises(UserError, match="permissions"):
        index.scan(tmp_path)


def test_first_classes_in_alphabetical_order():
    videos = index_of(["HammerThrow", "Hammering", "archery", "YoYo"], [1], 1)
    assert index.choose_classes(videos, 3)[1] == ["archery", "Hammering", "HammerThrow"]
    chosen, names = index.choose_classes(videos, 2)
    assert {video.name for video in chosen} == set(names) == {"archery", "Hammering"}
    assert index.choose_classes(videos, 101) == (videos, ["archery", "Hammering", "HammerThrow", "YoYo"])


def test_one_class_is_not_enough():
    with pytest.raises(UserError, match=r"--videos: only one class \(Bow\)"):
        index.choose_classes(index_of(["Bow"]), 101)
    with pytest.raises(UserError, match="--nclass 1"):
        index.choose_classes(index_of(["Bow", "Run"]), 1)


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs UCF101_DIR")
def test_real_clips_in_folders(tmp_path):
    flat = index.scan(os.environ["UCF101_DIR"])
    for video in flat:
        (tmp_path / "UCF-101" / video.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "UCF-101" / video.name / video.path.name).symlink_to(video.path)
    assert classes_and_files(tmp_path) == classes_and_files(os.environ["UCF101_DIR"])


def test_folders_of_pictures_are_videos_at_the_place_of_a_file(tmp_path):
    frames = [f"{i}.jpg" for i in range(3)]
    touch(tmp_path, *(f"v_Bow_g02_c01/{name}" for name in frames))
    touch(tmp_path, *(f"Run/a.b/{name}" for name in frames), *(f"Run/a.b/masks/{name}" for name in frames))
    touch(tmp_path, "Run/c.avi", *(f"Run/{name}" for name in frames), "Skip/x.gif", *(f"Skip/{i}.png" for i in "12"))
    touch(tmp_path, "Jump/thumb_1.jpg", "Jump/e/1.webp", "Jump/e/2.webp", "Jump/f/1.bmp", "Jump/g/photo.jpg")
    touch(tmp_path, *(f"page_{i}.png" for i in range(20)))  # beside the classes
    found = [(video.name, video.group, str(video.path.relative_to(tmp_path))) for video in index.scan(tmp_path)]
    assert found == [
        ("Bow", 2, "v_Bow_g02_c01"),
        ("Jump", None, "Jump/e"),
        ("Jump", None, "Jump/f"),
        ("Run", None, "Run/a.b"),
        ("Run", None, "Run/c.avi"),
        ("Skip", None, "Skip/x.gif"),
    ]
    assert index.is_clip(tmp_path / "Jump" / "e") and not index.is_clip(tmp_path / "Run")


def test_expand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/b/c/d/deep.MKV", "a/one.avi", "a/.hidden/two.avi", "a/notes.txt", "[x].avi"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert index.expand(["a"]) == [Path("a/b/c/d/deep.MKV"), Path("a/one.avi")]
    assert index.expand(["a/*.avi", "[x].avi", "none*.avi"]) == [
        Path("a/one.avi"),
        Path("[x].avi"),
        Path("none*.avi"),
    ]
    Path("a/folder.avi").mkdir()
    Path("a/b/pictures").mkdir()
    for name in ("a/folder.avi/three.avi", "a/b/pictures/1.png"):
        Path(name).touch()
    named = ["a/folder.avi/three.avi", "a/one.avi"]
    assert index.expand(["a/*.avi"]) == index.expand(["a/**/*.avi"]) == list(map(Path, named))
    assert index.expand(["a/b/p*"]) == [Path("a/b/pictures")]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch, capsys):
    contents = index.contents

    def forbidden(folder):
        if Path(folder).name == "b":
            raise PermissionError(13, "Permission denied")
        return contents(folder)

    monkeypatch.setattr(index, "contents", forbidden)
    (tmp_path / "b").mkdir()
    (tmp_path / "one.avi").touch()
    assert index.expand([str(tmp_path), str(tmp_path / "b")]) == [tmp_path / "one.avi", tmp_path / "b"]
    assert capsys.readouterr().err.count(f"left out: {tmp_path / 'b'}: Permission denied") == 2
