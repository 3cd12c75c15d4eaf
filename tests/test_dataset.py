import os
from pathlib import Path

import numpy as np
import pytest

from actioncnn import dataset
from actioncnn.cli import UserError
from actioncnn.dataset import Video

SPLITS = ["1", "2", "3"]


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def index(classes, groups=range(1, 26), clips=4):
    """An index of videos that need not exist; group None where `groups` holds it."""
    names = ((name, group, clip) for name in classes for group in groups for clip in range(1, clips + 1))
    return [Video(Path(f"{name}/{group}_{clip}.avi"), name, group) for name, group, clip in names]


def classes_and_files(directory):
    return [(video.name, video.group, video.path.name) for video in dataset.scan(directory)]


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
    touch(tmp_path, "wave/2.MP4", "wave/1.webm", "jump/x.mov", "train/jump/y.mkv", "Wave/3.avi", "wave/v_wave_1.avi")
    assert classes_and_files(tmp_path) == [
        *(("jump", None, name) for name in ("x.mov", "y.mkv")),
        *(("Wave", None, name) for name in ("1.webm", "2.MP4", "3.avi", "v_wave_1.avi")),
    ]


def test_what_is_no_video_is_passed_over(tmp_path):
    touch(
        tmp_path, "Bow/a.avi", "Bow/._a.avi", "Bow/.a.avi", ".trash/Bow/b.avi", "Bow/.c/d.avi", "__MACOSX/Bow/._a.avi"
    )
    touch(tmp_path, "readme.txt", "Bow/a.avi.part", "Bow/a.png", "Bow/avi", "1/2/3/4/too_deep.avi", "Bow/e.avi/f.txt")
    assert classes_and_files(tmp_path) == [("Bow", None, "a.avi")]


def test_links_are_followed_once(tmp_path):
    touch(tmp_path, "data/Bow/a.avi", "data/Run/b.avi")
    (tmp_path / "data" / "Bow" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    assert classes_and_files(tmp_path / "linked") == [("Bow", None, "a.avi"), ("Run", None, "b.avi")]


def test_missing_directory_says_how_to_get_the_data(tmp_path):
    with pytest.raises(UserError) as error:
        dataset.scan(tmp_path / "UCF101")
    message = str(error.value)
    assert "\n" not in message and str(tmp_path / "UCF101") in message
    for hint in ("--videos", "https://www.crcv.ucf.edu/data/UCF101.php", "6.5 GB", "unrar x UCF101.rar", "make demo"):
        assert hint in message


@pytest.mark.parametrize("name, words", [("clip.avi", "not a directory"), ("empty", "no video")])
def test_directory_without_videos(tmp_path, name, words):
    touch(tmp_path, "clip.avi", "empty/readme.txt")
    with pytest.raises(UserError, match=f"--videos: .*{words}") as error:
        dataset.scan(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_unreadable_directory(tmp_path):
    tmp_path.chmod(0)
    with pytest.raises(UserError, match="permissions"):
        dataset.scan(tmp_path)


def test_first_classes_in_alphabetical_order():
    videos = index(["HammerThrow", "Hammering", "archery", "YoYo"], [1], 1)
    assert dataset.choose_classes(videos, 3)[1] == ["archery", "Hammering", "HammerThrow"]
    chosen, names = dataset.choose_classes(videos, 2)
    assert {video.name for video in chosen} == set(names) == {"archery", "Hammering"}
    assert dataset.choose_classes(videos, 101) == (videos, ["archery", "Hammering", "HammerThrow", "YoYo"])


def test_one_class_is_not_enough():
    with pytest.raises(UserError, match=r"--videos: only one class \(Bow\)"):
        dataset.choose_classes(index(["Bow"]), 101)
    with pytest.raises(UserError, match="--nclass 1"):
        dataset.choose_classes(index(["Bow", "Run"]), 1)


def groups_of(videos, rows):
    return {(videos[row].name, videos[row].group) for row in rows}


@pytest.mark.parametrize("split, groups", [("1", range(1, 8)), ("2", range(8, 15)), ("3", range(15, 22))])
def test_official_splits_never_share_a_group(split, groups):
    videos = index(["Bow", "Run"])
    train, test, notes = dataset.split(videos, split, seed=0)
    assert {videos[row].group for row in test} == set(groups)
    assert not groups_of(videos, train) & groups_of(videos, test)
    assert sorted([*train, *test]) == list(range(len(videos))) and notes == []


@pytest.mark.parametrize("sizes", [(1, 2, 3, 7, 50), (2, 2)])
def test_random_split_draws_a_fifth_of_each_class(sizes):
    videos = [Video(Path(f"{i}.avi"), f"c{size}_{k}", None) for k, size in enumerate(sizes) for i in range(size)]
    train, test, notes = dataset.split(videos, "random", seed=0)
    counts = [sum(videos[row].name == f"c{size}_{k}" for row in test) for k, size in enumerate(sizes)]
    assert counts == [{1: 0, 2: 1, 3: 1, 7: 1, 50: 10}[size] for size in sizes]
    assert sorted([*train, *test]) == list(range(len(videos)))
    assert any("inflates accuracy" in note for note in notes)
    assert any("leaves no test clip of c1_0" in note for note in notes) == (1 in sizes)


def test_random_split_follows_from_seed_and_class_alone():
    videos = index(["Bow", "Cut", "Run"])
    test = dataset.split(videos, "random", 7)[1]
    np.testing.assert_array_equal(test, dataset.split(videos, "random", 7)[1])
    assert set(test) != set(dataset.split(videos, "random", 8)[1])
    fewer = [video for video in videos if video.name != "Cut"]
    paths = {videos[row].path for row in test if videos[row].name != "Cut"}
    assert paths == {fewer[row].path for row in dataset.split(fewer, "random", 7)[1]}


def test_random_split_counts_the_groups_on_both_sides():
    videos = index(["Bow", "Run"], range(1, 11), 10)
    train, test, notes = dataset.split(videos, "random", seed=0)
    leaks = len(groups_of(videos, train) & groups_of(videos, test))
    assert leaks > 10 and notes == [
        f"--split random puts clips of {leaks} of 20 groups on both sides, which inflates accuracy"
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_names_without_groups_fall_back_to_random(split):
    videos = index(["Bow", "Run"], [None], 10)
    train, test, notes = dataset.split(videos, split, seed=0)
    np.testing.assert_array_equal(test, dataset.split(videos, "random", seed=0)[1])
    assert len(train) == 16 and "the split is random" in notes[0] and "inflates accuracy" in notes[1]


def test_only_the_videos_without_groups_are_drawn():
    videos = index(["Bow", "Run"]) + index(["Own", "Run"], [None], 10)
    _, test, notes = dataset.split(videos, "2", seed=0)
    tested = [videos[row] for row in test]
    assert {video.group for video in tested if video.group is not None} == set(range(8, 15))
    assert [sum(v.group is None and v.name == name for v in tested) for name in ("Own", "Run")] == [2, 2]
    assert notes == ["20 videos are not named v_<Class>_gNN_cNN: of these a random 20 % are test clips"]


def test_classes_on_one_side_only_are_named():
    notes = dataset.split(index(["Bow", "Run"]) + index(["Early"], range(1, 8)) + index(["Late"], [25]), "1", 0)[2]
    assert notes == ["--split 1 leaves no training clip of Early", "--split 1 leaves no test clip of Late"]
    notes = dataset.split(index(["Bow"]) + index([f"Late{i}" for i in range(9)], [25]), "1", 0)[2]
    assert notes == ["--split 1 leaves no test clip of Late0, Late1, Late2, Late3, Late4 and 4 more"]


@pytest.mark.parametrize(
    "videos, split, message",
    [
        (
            index(["Bow", "Run"], [1, 2]),
            "1",
            "--split 1 leaves no training clip; try --split 2, --split 3, --split random",
        ),
        (index(["Bow", "Run"], [1, 2]), "2", "--split 2 leaves no test clip; try --split 1, --split 3, --split random"),
        (index(["Bow", "Run"], [None], 1), "1", "--split 1 leaves no test clip; add videos"),
        (index(["Bow", "Run"], [3], 1), "random", "--split random leaves no test clip; add videos"),
    ],
)
def test_an_empty_side_is_an_error_with_a_remedy(videos, split, message):
    with pytest.raises(UserError, match=message):
        dataset.split(videos, split, seed=0)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_test_each_clip_once_and_share_no_group(k):
    videos = index(["Bow", "Run"]) + index(["Few"], range(1, 6)) + index(["Own"], [None], 11)
    parts = dataset.folds(videos, k, seed=0)
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(videos)))
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(len(videos)))
        assert not {videos[i].group for i in train} & {videos[i].group for i in test} - {None}  # across classes too
        assert {videos[i].name for i in train} == {videos[i].name for i in test} == {"Bow", "Run", "Few", "Own"}
    again, other = dataset.folds(videos, k, seed=0), dataset.folds(videos, k, seed=1)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(parts, other, strict=True))


def test_more_folds_than_groups():
    with pytest.raises(UserError, match="too few groups for 3 folds"):
        dataset.folds(index(["Bow", "Run"], [1, 2]), 3, seed=0)


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs UCF101_DIR")
@pytest.mark.parametrize("split", SPLITS)
def test_real_clips_fall_as_in_the_official_lists(split):
    directory = Path(os.environ["UCF101_DIR"])
    lists = [path for parent in (directory, directory.parent) for path in parent.glob("*/testlist01.txt")]
    if not lists:
        pytest.skip("no official lists beside UCF101_DIR")
    lists = lists[0].parent
    videos = dataset.scan(directory)
    train, test, _ = dataset.split(videos, split, seed=0)
    for rows, kind in ((train, "train"), (test, "test")):
        lines = (lists / f"{kind}list0{split}.txt").read_text().split()
        official = {line.rpartition("/")[2].casefold() for line in lines}
        assert {videos[row].path.name.casefold() for row in rows} <= official
    names = [line.split()[1] for line in (lists / "classInd.txt").read_text().splitlines()]
    assert names == sorted(names, key=str.casefold)  # the official labels are in our alphabetical order


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs UCF101_DIR")
def test_real_clips_in_folders(tmp_path):
    flat = dataset.scan(os.environ["UCF101_DIR"])
    for video in flat:
        (tmp_path / "UCF-101" / video.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "UCF-101" / video.name / video.path.name).symlink_to(video.path)
    assert classes_and_files(tmp_path) == classes_and_files(os.environ["UCF101_DIR"])
