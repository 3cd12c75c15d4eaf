"""Splits: never a group on both sides, each clip tested once, notes that are true."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers import index_of

from actioncnn.data import index, splits
from actioncnn.data.index import Video
from actioncnn.errors import UserError

SPLITS = ["1", "2", "3"]


def groups_of(videos, rows):
    return {(videos[row].name, videos[row].group) for row in rows}


@pytest.mark.parametrize("split, groups", [("1", range(1, 8)), ("2", range(8, 15)), ("3", range(15, 22))])
def test_official_splits_never_share_a_group(split, groups):
    videos = index_of(["Bow", "Run"])
    train, test, notes = splits.split(videos, split, seed=0)
    assert {videos[row].group for row in test} == set(groups)
    assert not groups_of(videos, train) & groups_of(videos, test)
    assert sorted([*train, *test]) == list(range(len(videos))) and notes == []


@pytest.mark.parametrize("sizes", [(1, 2, 3, 7, 50), (2, 2)])
def test_random_split_draws_a_fifth_of_each_class(sizes):
    videos = [Video(Path(f"{i}.avi"), f"c{size}_{k}", None) for k, size in enumerate(sizes) for i in range(size)]
    train, test, notes = splits.split(videos, "random", seed=0)
    counts = [sum(videos[row].name == f"c{size}_{k}" for row in test) for k, size in enumerate(sizes)]
    assert counts == [{1: 0, 2: 1, 3: 1, 7: 1, 50: 10}[size] for size in sizes]
    assert sorted([*train, *test]) == list(range(len(videos)))
    assert any("inflates accuracy" in note for note in notes)
    assert any("leaves no test clip of c1_0" in note for note in notes) == (1 in sizes)


def test_random_split_follows_from_seed_and_class_alone():
    videos = index_of(["Bow", "Cut", "Run"])
    test = splits.split(videos, "random", 7)[1]
    np.testing.assert_array_equal(test, splits.split(videos, "random", 7)[1])
    assert set(test) != set(splits.split(videos, "random", 8)[1])
    fewer = [video for video in videos if video.name != "Cut"]
    paths = {videos[row].path for row in test if videos[row].name != "Cut"}
    assert paths == {fewer[row].path for row in splits.split(fewer, "random", 7)[1]}


def test_random_split_counts_the_groups_on_both_sides():
    videos = index_of(["Bow", "Run"], range(1, 11), 10)
    train, test, notes = splits.split(videos, "random", seed=0)
    leaks = len(groups_of(videos, train) & groups_of(videos, test))
    assert leaks > 10 and notes == [
        f"--split random puts clips of {leaks} of 20 groups on both sides, which inflates accuracy"
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_names_without_groups_fall_back_to_random(split):
    videos = index_of(["Bow", "Run"], [None], 10)
    train, test, notes = splits.split(videos, split, seed=0)
    np.testing.assert_array_equal(test, splits.split(videos, "random", seed=0)[1])
    assert len(train) == 16 and "the split is random" in notes[0] and "inflates accuracy" in notes[1]


def test_only_the_videos_without_groups_are_drawn():
    videos = index_of(["Bow", "Run"]) + index_of(["Own", "Run"], [None], 10)
    _, test, notes = splits.split(videos, "2", seed=0)
    tested = [videos[row] for row in test]
    assert {video.group for video in tested if video.group is not None} == set(range(8, 15))
    assert [sum(v.group is None and v.name == name for v in tested) for name in ("Own", "Run")] == [2, 2]
    assert notes == ["20 videos are not named v_<Class>_gNN_cNN: of these a random 20 % are test clips"]


def test_classes_on_one_side_only_are_named():
    notes = splits.split(
        index_of(["Bow", "Run"]) + index_of(["Early"], range(1, 8)) + index_of(["Late"], [25]), "1", 0
    )[2]
    assert notes == ["--split 1 leaves no training clip of Early", "--split 1 leaves no test clip of Late"]
    notes = splits.split(index_of(["Bow"]) + index_of([f"Late{i}" for i in range(9)], [25]), "1", 0)[2]
    assert notes == ["--split 1 leaves no test clip of Late0, Late1, Late2, Late3, Late4 and 4 more"]


@pytest.mark.parametrize(
    "videos, split, message",
    [
        (
            index_of(["Bow", "Run"], [1, 2]),
            "1",
            "--split 1 leaves no training clip; try --split 2, --split 3, --split random",
        ),
        (
            index_of(["Bow", "Run"], [1, 2]),
            "2",
            "--split 2 leaves no test clip; try --split 1, --split 3, --split random",
        ),
        (index_of(["Bow", "Run"], [None], 1), "1", "--split 1 leaves no test clip; add videos"),
        (index_of(["Bow", "Run"], [3], 1), "random", "--split random leaves no test clip; add videos"),
    ],
)
def test_an_empty_side_is_an_error_with_a_remedy(videos, split, message):
    with pytest.raises(UserError, match=message):
        splits.split(videos, split, seed=0)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_test_each_clip_once_and_share_no_group(k):
    videos = index_of(["Bow", "Run"]) + index_of(["Few"], range(1, 6)) + index_of(["Own"], [None], 11)
    parts = splits.folds(videos, k, seed=0)
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(videos)))
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(len(videos)))
        assert not {videos[i].group for i in train} & {videos[i].group for i in test} - {None}  # across classes too
        assert {videos[i].name for i in train} == {videos[i].name for i in test} == {"Bow", "Run", "Few", "Own"}
    again, other = splits.folds(videos, k, seed=0), splits.folds(videos, k, seed=1)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(parts, other, strict=True))


def test_more_folds_than_groups():
    with pytest.raises(UserError, match="too few groups for 3 folds"):
        splits.folds(index_of(["Bow", "Run"], [1, 2]), 3, seed=0)


@pytest.mark.skipif("UCF101_DIR" not in os.environ, reason="needs UCF101_DIR")
@pytest.mark.parametrize("split", SPLITS)
def test_real_clips_fall_as_in_the_official_lists(split):
    directory = Path(os.environ["UCF101_DIR"])
    lists = [path for parent in (directory, directory.parent) for path in parent.glob("*/testlist01.txt")]
    if not lists:
        pytest.skip("no official lists beside UCF101_DIR")
    lists = lists[0].parent
    videos = index.scan(directory)
    train, test, _ = splits.split(videos, split, seed=0)
    for rows, kind in ((train, "train"), (test, "test")):
        lines = (lists / f"{kind}list0{split}.txt").read_text().split()
        official = {line.rpartition("/")[2].casefold() for line in lines}
        assert {videos[row].path.name.casefold() for row in rows} <= official
    names = [line.split()[1] for line in (lists / "classInd.txt").read_text().splitlines()]
    assert names == sorted(names, key=str.casefold)  # the official labels are in our alphabetical order
