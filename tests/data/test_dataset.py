"""A network is shown the frames that its options say."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import read_dataset, touch, write_video

from actioncnn.data import clips
from actioncnn.data.dataset import understand
from actioncnn.data.options import DatasetOptions
from actioncnn.errors import UserError
from actioncnn.video.sampling import Sampling


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos of 24 frames whose gray says their number: 10 each."""
    folder = tmp_path_factory.mktemp("numbered")
    frames = np.repeat(np.arange(0, 240, 10, np.uint8), 16 * 16).reshape(24, 16, 16)
    for more, name in enumerate(("Jump", "Run")):
        write_video(folder / f"v_{name}_g01_c01.avi", frames + np.uint8(more))  # no two files are equal
    return folder


def numbers(clips):
    return np.round(clips[0].mean((0, 1)) / 10).ravel().astype(int).tolist()


@pytest.mark.parametrize(
    ("depth", "skip", "shape", "expected"),
    [
        (4, True, (2, 8, 8, 4, 1), [0, 6, 12, 18]),
        (4, False, (2, 8, 8, 4, 1), [0, 1, 2, 3]),
        (0, True, (2, 8, 8, 1), [12]),  # the middle one
    ],
)
def test_frames_of_a_clip(folder, cache, depth, skip, shape, expected):
    data, notes = read_dataset(folder, 2, Sampling(8, depth, False, skip), cache, 1)
    assert data.clips.shape == shape and data.shape == shape[1:] and notes == []
    assert numbers(data.clips) == expected


@pytest.mark.parametrize(
    ("depth", "skip", "expected"),
    [
        (4, True, [[0, 6, 12, 18], [2, 8, 14, 20], [4, 10, 16, 22]]),
        (4, False, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]),
        (0, True, [[0], [8], [16]]),
    ],
)
def test_views_show_other_frames(folder, cache, depth, skip, expected):
    data, _ = read_dataset(folder, 2, Sampling(8, depth, False, skip), cache)
    views = clips.test_views(replace(data, test=np.array([1, 0])), 3, cache)
    assert [numbers(view.clips) for view in views] == expected
    assert all((view.targets == data.targets[[1, 0]]).all() and view.test.tolist() == [0, 1] for view in views)


def test_classes_targets_and_notes(bars, cache):
    data, notes = read_dataset(bars, 5, Sampling(8, 2, False), cache)
    assert data.classes == ["BarLeft", "BarRight"] and notes == [
        f"{bars} has 2 classes, fewer than --nclass 5: all are used"
    ]
    assert [data.classes[label] for label in data.labels(range(len(data.videos)))] == [
        video.name for video in data.videos
    ]


def test_videos_that_failed_are_on_no_side(bars, cache):
    data, _ = read_dataset(bars, 2, Sampling(8, 2, False), cache)
    broken = replace(data, failures={0: "is empty", 47: "is empty"})
    divided, _ = clips.divide_clips(broken, "1", 0)
    assert sorted([*divided.train, *divided.test]) == list(range(1, 47))
    with pytest.raises(UserError, match="the given split leaves no test clip"):
        clips.divide_clips(data, "given", 0)


def test_what_failed_does_not_say_what_a_split_is(bars, cache):
    data, _ = read_dataset(bars, 2, Sampling(8, 2, False), cache)
    assert clips.resolve_split(data, "folds:12", 0)[0][0] == "fold_1_of_12"
    first = {row: "is empty" for row, video in enumerate(data.videos) if video.group == 1}
    with pytest.raises(UserError, match="too few groups for 12 folds"):
        clips.resolve_split(replace(data, failures=first), "folds:12", 0)


def test_how_a_dataset_is_understood_is_said(bars):
    assert understand(DatasetOptions(videos=bars)).understood == [
        f"{bars}: 48 videos, 2 classes (BarLeft, BarRight), 12 groups",
        "48 videos like v_BarLeft_g01_c01.avi: class BarLeft, group 1 (names follow UCF-101, UCF-50)",
    ]


def test_test_clips_are_read_where_they_are_indexed(bars, cache):
    data, _ = read_dataset(bars, 2, Sampling(8, 2, False), cache)
    rows = clips.Rows(data.clips, [5, 3])
    assert len(rows) == 2 and np.array_equal(rows[1], data.clips[3])


def test_a_class_without_a_frame_is_left_out_and_named(folder, cache, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "v_Kick_g01_c01.mp4").write_bytes(b"junk")
    (tmp_path / "v_Kick_g02_c01.mp4").write_bytes(b"")
    data, notes = read_dataset(tmp_path, 3, Sampling(8, 2, False), cache, 1)
    assert data.classes == ["Jump", "Run"] and data.targets.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert sorted(data.failures) == [1, 2]
    [note] = notes
    assert (
        note.startswith("class Kick is left out: none of its 2 videos gives a frame; the first, ") and "c01.mp4" in note
    )
    with pytest.raises(UserError, match=r"only one class has videos that give frames \(Jump\); class Kick is left out"):
        read_dataset(tmp_path, 2, Sampling(8, 2, False), cache, 1)


@pytest.fixture
def three(tmp_path):
    touch(tmp_path, *(f"{name}/{i}.mp4" for name in ("Bow", "Cut", "Run") for i in range(2)))
    return tmp_path


def test_classes_by_name(three, tmp_path):
    for nclass in (2, 101, None):
        dataset = understand(DatasetOptions(videos=three, nclass=nclass, classes=("run", "Bow")))
        assert dataset.classes == ["Bow", "Run"] == sorted({video.name for video in dataset.videos})
        assert dataset.notes == []
    with pytest.raises(UserError, match="--classes: .*Sit.*Bow, Cut, Run"):
        understand(DatasetOptions(videos=three, classes=("Sit", "Run")))
    with pytest.raises(UserError, match="--classes: .*Run"):
        understand(DatasetOptions(videos=three, classes=("Run",)))


@pytest.mark.parametrize(("nclass", "noted"), [(101, []), (3, []), (5, ["--nclass 5"]), (2, ["--nclass 3"])])
def test_more_or_fewer_classes_than_asked_for(three, nclass, noted):
    notes = understand(DatasetOptions(videos=three, nclass=nclass)).notes
    assert len(notes) == len(noted) and all(word in note for word, note in zip(noted, notes, strict=True))
