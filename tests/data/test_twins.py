"""Videos that are the same under several names are on one side."""

from dataclasses import replace

import pytest

from actioncnn.data import index, twins
from actioncnn.data.dataset import divide, understand
from actioncnn.data.options import DatasetOptions


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def many(name, count=20):
    return {f"{name}/{i}.mp4": f"{name} {i}" for i in range(count)}


@pytest.mark.parametrize("split", ["random", "fold_1_of_3", "fold_2_of_3"])
def test_copies_are_not_trained_on_where_they_are_tested(tmp_path, split):
    write(tmp_path, many("a") | many("b"))
    for i in range(20):
        (tmp_path / f"a/{i} - Copy.mp4").write_bytes((tmp_path / f"a/{i}.mp4").read_bytes())
        (tmp_path / f"b/{i}.avi").write_text(f"{i} converted")
    dataset = understand(DatasetOptions(videos=tmp_path))
    assert len(dataset.videos) == 80 and len(dataset.twins) == 80
    divided, notes = divide(dataset, split, 0)
    sides = {}
    for video in divided.videos:
        sides.setdefault(dataset.twins[video.path], set()).add(video.side)
    assert not [key for key, of in sides.items() if {"train", "test"} <= of]
    left = sum(video.side is None for video in divided.videos)
    assert left and any("left out of training" in note and str(left) in note for note in notes)


def test_copies_are_named(tmp_path):
    write(tmp_path, many("a", 3) | many("b", 3) | {"a/x.mp4": "a 1", "b/2.avi": "converted"})
    (tmp_path / "b/link.mp4").symlink_to(tmp_path / "a/0.mp4")
    notes = index.understand(tmp_path).notes
    for files in (("a/0.mp4", "b/link.mp4"), ("a/1.mp4", "a/x.mp4"), ("b/2.avi", "b/2.mp4")):
        assert [note for note in notes if all(str(tmp_path / file) in note for file in files)], files


def test_copies_on_given_sides_are_left_out_of_training_under_any_name(tmp_path):
    write(tmp_path, {f"train/{name}": text for name, text in (many("a", 3) | many("b", 3)).items()})
    write(tmp_path, {"test/a/new.mp4": "a 1", "test/b/1.mp4": "another"})
    listed = index.understand(tmp_path)
    gone = tmp_path / "train/a/1.mp4"
    assert gone not in {video.path for video in listed.videos} and len(listed.videos) == 7
    assert any("left out of training" in note and str(gone) in note for note in listed.notes)


def test_a_class_keeps_what_it_is_trained_on(tmp_path):
    write(tmp_path, {"train/a/1.mp4": "same", "test/a/2.mp4": "same", "train/b/1.mp4": "x", "test/b/1.mp4": "y"})
    listed = index.understand(tmp_path)
    assert len(listed.videos) == 4 and any("inflates" in note for note in listed.notes)
    dataset = understand(DatasetOptions(videos=tmp_path))
    _, notes = divide(replace(dataset, videos=dataset.videos), "given", 0)
    assert any("inflates" in note for note in notes)


def test_what_differs_in_the_middle_is_not_compared_but_ends_are(tmp_path):
    big = "x" * 3 * twins.BLOCK
    write(tmp_path, {"a/1.mp4": big, "a/2.mp4": big[:-1] + "y", "b/1.mp4": "y" + big[1:], "b/2.mp4": "", "a/3.mp4": ""})
    assert index.understand(tmp_path).twins == {}
