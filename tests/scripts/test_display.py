"""display.py: the preview picture of a dataset."""

import io
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT, as_pictures, write_video
from PIL import Image


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """20 classes whose videos (48x32 pixels, 10 frames) are as bright as their number; most of Class07 are broken."""
    directory = tmp_path_factory.mktemp("classes")
    for label in range(20):
        for group in (1, 2):
            frames = np.full((10, 32, 48), 10 * label, np.uint8) + np.arange(10, dtype=np.uint8)[:, None, None] * 5
            frames[-1] += np.uint8(20 * group)  # no two files are equal; this one is not shown
            write_video(directory / f"v_Class{label:02d}_g{group:02d}_c01.avi", frames)
    for group in range(1, 9):
        (directory / f"v_Class07_g{group + 2:02d}_c01.avi").write_text(f"no video {group}")
    return directory


def show(run, dataset, output, *options):
    code, text, error = run("display.py", "--videos", dataset, "--output", output, *options)
    assert code == 0, error
    return Image.open(io.BytesIO(output.read_bytes())), text, error


def test_default_is_15_classes(dataset, tmp_path):
    (tmp_path / "UCF101").symlink_to(dataset)
    done = subprocess.run([sys.executable, ROOT / "display.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "UCF101: 48 videos, 20 classes (Class00, Class01, Class02, Class03, Class04 and 15 more), 10 groups\n"
        "48 videos like v_Class00_g01_c01.avi: class Class00, group 1 (names follow UCF-101, UCF-50)\n"
        "display.png: 15 classes of UCF101\n"
    )
    with Image.open(tmp_path / "display.png") as image:
        assert image.size == (3 * (360 + 12) + 12, 5 * (240 + 24 + 12) + 12)


def test_shows_the_middle_frame_in_its_aspect_ratio(run, dataset, tmp_path):
    image, _, _ = show(run, dataset, tmp_path / "x.png", "--classes", "class03", "--color", "False")
    tile = np.array(image)[12 + 24 :, 12:][:240, :360]
    assert abs(tile.mean() - (30 + 25)) < 3 and tile.std() < 3
    assert (np.array(image)[12 + 24 + 240 :] == 255).all()


def test_a_broken_video_is_replaced(run, dataset, tmp_path):
    image, text, error = show(run, dataset, tmp_path / "x.png", "--classes", "Class07,Class01")
    assert "2 classes" in text
    assert all("passed over" in line and "Class07" in line for line in error.splitlines())
    assert abs(np.array(image)[12 + 24 :, 12:][:240, :360].mean() - (70 + 25)) < 3


def test_no_video_of_a_class(run, dataset, tmp_path):
    (tmp_path / "v_A_g01_c01.avi").write_text("no video")
    code, _, error = run("display.py", "--videos", tmp_path, "--output", tmp_path / "x.png")
    assert code == 1 and error.splitlines()[-1].endswith("gives a frame") and not (tmp_path / "x.png").exists()


def test_says_how_folders_and_lists_are_understood(run, dataset, tmp_path):
    for side, names in (("train", ("a", "b")), ("test", ("A", "b"))):
        for number, name in enumerate(names):
            (tmp_path / side / name).mkdir(parents=True)
            video = dataset / f"v_Class0{number}_g0{1 if side == 'train' else 2}_c01.avi"
            (tmp_path / side / name / "x.avi").write_bytes(video.read_bytes() + side.encode())
    _, text, error = show(run, tmp_path, tmp_path / "x.png")
    assert "2 videos like train/a/x.avi: class a, train side\n" in text and "A and a differ in case only" in error
    (tmp_path / "list.txt").write_text("train/a/x.avi good\ntrain/b/x.avi bad\n")
    _, text, error = show(run, tmp_path, tmp_path / "x.png", "--train-list", tmp_path / "list.txt")
    assert "2 videos, 2 classes (bad, good)" in text
    _, text, _ = show(run, tmp_path, tmp_path / "x.png", "--class-level", 2)
    assert "class a, train side" in text


def test_seed_chooses(run, dataset, tmp_path):
    pictures = [
        np.array(show(run, dataset, tmp_path / "x.png", "--seed", seed, "--rows", 1, "--cols", 4)[0])
        for seed in (0, 0, 1)
    ]
    assert (pictures[0] == pictures[1]).all() and (pictures[0] != pictures[2]).any()


def test_filmstrip(run, dataset, tmp_path):
    image, _, _ = show(run, dataset, tmp_path / "x.png", "--classes", "Class00", "--frames", 5)
    row = np.array(image)[12 + 24 + 100, 12:-12, 0].astype(int)
    frames = [row[place * (len(row) + 2) // 5 + 50] for place in range(5)]
    assert np.allclose(frames, [0, 10, 20, 30, 40], atol=3)


def test_animation(run, dataset, tmp_path):
    image, _, _ = show(run, dataset, tmp_path / "x.gif", "--classes", "Class00,Class01", "--frames", 4)
    assert image.n_frames == 4 and image.info["loop"] == 0
    levels = []
    for index in range(4):
        image.seek(index)
        levels.append(np.array(image.convert("L"))[100, 100])
    assert np.allclose(levels, [0, 10, 25, 35], atol=6)


@pytest.mark.parametrize(
    "options, code, words",
    [
        (["--videos", "{tmp}/none"], 1, "does not exist"),
        (["--output", "x.bmpp"], 2, "does not end in"),
        (["--classes", "Class00,Nothing"], 1, "no class Nothing"),
        (["--classes", "all", "--rows", "2", "--cols", "3"], 1, "no room for 20 classes"),
        (["--classes", "0"], 2, "at least 1"),
        (["--output", "{tmp}/none/x.png"], 1, "cannot be written"),
    ],
)
def test_errors_are_one_line(run, dataset, tmp_path, options, code, words):
    options = [
        "--videos",
        dataset,
        "--output",
        tmp_path / "x.png",
        *(option.format(tmp=tmp_path) for option in options),
    ]
    found, _, error = run("display.py", *options)
    assert found == code and words in error.splitlines()[-1]
    assert code == 2 or error.count("\n") == 1


def test_folders_of_pictures_are_shown_as_videos(run, dataset, tmp_path):
    for label in (1, 2):
        path = dataset / f"v_Class{label:02d}_g01_c01.avi"
        folder = as_pictures(path, tmp_path / "set" / f"Class{label:02d}" / path.stem)
        (tmp_path / "videos").mkdir(exist_ok=True)
        (tmp_path / "videos" / path.name).symlink_to(path)
    pages = [show(run, tmp_path / name, tmp_path / f"{name}.png", "--frames", 3) for name in ("set", "videos")]
    assert pages[0][2] == "" and np.array_equal(pages[0][0], pages[1][0])
    for number in range(6, 10):
        Image.new("RGB", (12, 12)).save(folder / f"{number}.png")
    assert (
        f"note: {folder}: its pictures have different sizes"
        in show(run, tmp_path / "set", tmp_path / "p.png", "--frames", 3)[2]
    )


def test_videos_are_read_in_processes_of_their_own(run, dataset, tmp_path, monkeypatch):
    """A file that crashes a decoder, or asks it for gigabytes, must not do so here."""
    from actioncnn.video import decode, frame_folder

    for module, name in ((decode, "open_video"), (decode, "open_second"), (frame_folder, "Pictures")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("a video is opened in the script's own process"))
    assert run("display.py", "--videos", dataset, "--output", tmp_path / "s.png")[0] == 0
