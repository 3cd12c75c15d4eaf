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


@pytest.mark.parametrize("split", [*SPLITS, "groups"])
def test_names_without_groups_fall_back_to_random(split):
    names, notes = splits.resolve(index_of(["Bow", "Run"], [None], 10), split, seed=0)
    assert names == ["random"] and len(notes) == 1 and "the split is random" in notes[0]


def test_only_the_videos_without_groups_are_drawn():
    videos = index_of(["Bow", "Run"]) + index_of(["Own", "Run"], [None], 10)
    assert splits.resolve(videos, "2", 0) == (["2"], [])
    _, test, notes = splits.split(videos, "2", seed=0)
    tested = [videos[row] for row in test]
    assert {video.group for video in tested if video.group is not None} == set(range(8, 15))
    assert [sum(v.group is None and v.name == name for v in tested) for name in ("Own", "Run")] == [2, 2]
    assert notes == ["20 videos have no group: of these a random 20 % are test clips"]


def test_a_class_beside_those_of_ucf101_is_held_out_by_groups():
    videos = index_of(["Bow", "Run"]) + index_of(["Own"], range(1, 8)) + index_of(["One"], [25])
    train, test, notes = splits.split(videos, "1", 0)
    assert {videos[row].group for row in test if videos[row].name != "Own"} == set(range(1, 8))
    own = [groups_of([video for video in videos if video.name == "Own"], range(28))]
    assert len(groups_of(videos, test) & own[0]) == 1 and not groups_of(videos, test) & groups_of(videos, train)
    assert notes == [
        "One, Own: not UCF-101's groups: whole groups are held out",
        "--split 1 leaves no test clip of One",
    ]
    videos = index_of(["Bow"]) + index_of(["YoYo"], [25]) + index_of(["Punch"], [1, 2])
    assert splits.split(videos, "1", 0)[2] == [
        "--split 1 leaves no training clip of Punch",
        "--split 1 leaves no test clip of YoYo",
    ]


@pytest.mark.parametrize(
    "videos, split, expected, words",
    [
        (index_of(["Bow", "Run"]), "1", ["1"], None),
        (index_of(["YoYo", "handstandPushups"], [1, 2, 9]), "3", ["groups"], "leaves one side empty"),
        (index_of(["YoYo", "Punch"], [1, 2, 9]), "2", ["2"], None),
        (index_of(["YoYo", "Punch"], [1, 2]), "1", ["groups"], "leaves one side empty"),
        (index_of(["YoYo", "Punch"], [1, 9, 15]), "all", SPLITS, None),
        (
            index_of(["YoYo", "Punch"], [1, 9, 13]),
            "all",
            ["fold_1_of_3", "fold_2_of_3", "fold_3_of_3"],
            "one side empty",
        ),
        (index_of(["Bow", "Run"], range(1, 11)), "1", ["groups"], "the official splits are UCF-101's"),
        (index_of(["Bow", "Run"], range(1, 41)), "2", ["groups"], "the official splits are UCF-101's"),
        (index_of(["Bow", "Run"], ["a", "b"]), "3", ["groups"], "whole groups are held out"),
        (index_of(["Bow", "Run"], ["a", "b"]), "groups", ["groups"], None),
        (index_of(["Bow", "Run"], [4]), "1", ["random"], "no split by groups is possible"),
        (index_of(["Bow", "Run"], ["a", "b"]), "folds:2", ["fold_1_of_2", "fold_2_of_2"], None),
        (index_of(["Bow", "Run"], "abc"), "all", ["fold_1_of_3", "fold_2_of_3", "fold_3_of_3"], "UCF-101's"),
        (index_of(["Bow", "Run"]), "random", ["random"], None),
    ],
)
def test_what_the_option_means(videos, split, expected, words):
    names, notes = splits.resolve(videos, split, seed=0)
    assert names == expected and len(notes) == (words is not None) and words in [None, *notes] or words in notes[0]
    for name in names:
        train, test, _ = splits.split(videos, name, 0)
        assert len(train) and len(test) and len(train) + len(test) == len(videos)


def on_sides(videos, tested=("b",)):
    return [video._replace(side="test" if video.group in tested else "train") for video in videos]


@pytest.mark.parametrize("split", SPLITS)
def test_own_sides_are_the_split(split):
    for videos in (on_sides(index_of(["Bow", "Run"], "abc")), on_sides(index_of(["Bow", "Run"]), (3, 17))):
        names, notes = splits.resolve(videos, split, 0)
        assert names == ["given"] and len(notes) == (split != "1")  # the default needs no note
        assert all("train and test folders or lists are the split" in note for note in notes)
        train, test, notes = splits.split(videos, "given", 0)
        assert {videos[row].side for row in train} == {"train"} and {videos[row].side for row in test} == {"test"}
        assert notes == []
    for other in ("groups", "random", "folds:2"):
        names, notes = splits.resolve(videos, other, 0)
        assert names[0] != "given" and "the train and test folders or lists are not kept" in notes[-1]


def test_sides_with_other_classes_and_shared_groups():
    videos = on_sides(index_of(["Bow"], "abc") + index_of(["Early"], "a") + index_of(["Late"], "b"))
    videos[0] = videos[0]._replace(side="test")
    assert splits.split(videos, "given", 0)[2] == [
        "the given split puts clips of 1 of 5 groups on both sides, which inflates accuracy",
        "the given split leaves no training clip of Late",
        "the given split leaves no test clip of Early",
    ]


@pytest.mark.parametrize("count", [2, 3, 4, 7, 10, 25, 60])
def test_whole_groups_are_held_out(count):
    groups = [f"s{number}" for number in range(count)]
    videos = index_of(["Bow", "Run", "Sit"], groups)
    train, test, notes = splits.split(videos, "groups", 0)
    assert not {videos[row].group for row in train} & {videos[row].group for row in test}
    assert abs(len(test) / len(videos) - 0.2) <= 0.5 / count + 1e-9 or count == 2
    assert notes == [f"{count} of {count} groups are in several classes: each is on one side in all of them"]
    np.testing.assert_array_equal(test, splits.split(videos, "groups", 1)[1])  # of the names alone


def test_groups_of_all_sizes_leave_no_class_without_a_side():
    rng = np.random.default_rng(0)
    for _ in range(50):
        videos = []
        for name in ("Bow", "Cut", "Run", "Sit"):
            for group in rng.choice(12, rng.integers(2, 9), replace=False):
                group = int(group) if rng.random() < 0.5 else f"{name}{group}"
                videos += index_of([name], [group], rng.integers(1, 30))
        train, test, _ = splits.split(videos, "groups", 0)
        several = {n for n in ("Bow", "Cut", "Run", "Sit") if len({v.group for v in videos if v.name == n}) > 1}
        assert several <= {videos[row].name for row in train} and several <= {videos[row].name for row in test}
        assert not groups_of(videos, train) & groups_of(videos, test)


def test_groups_that_cannot_be_held_out_of_all_classes():
    videos = [*index_of(["A"], "xy"), *index_of(["B"], "yz"), *index_of(["C"], "xz")]  # each has two of three
    train, test, notes = splits.split(videos, "groups", 0)
    assert {videos[row].name for row in train} == {videos[row].name for row in test} == set("ABC")
    assert len(notes) == 1 and notes[0].startswith("groups that are trained on in one class and tested in another: ")


def test_groups_of_ucf101_are_numbered_in_each_class_anew():
    videos = index_of(["Punch"], [1]) + index_of(["YoYo", "Lunges", "Biking"], range(1, 11))
    train, test, notes = splits.split(videos, "groups", 0)
    assert "Punch" not in {videos[row].name for row in test} and notes == [
        "--split groups leaves no test clip of Punch"
    ]
    held = [{videos[row].group for row in test if videos[row].name == name} for name in ("YoYo", "Lunges", "Biking")]
    assert [len(groups) for groups in held] == [2, 2, 2] and held[0] != held[1]


def test_a_class_of_one_group_is_trained_on():
    videos = index_of(["Bow", "Run"], "abcde") + [video for group in "abcd" for video in index_of([group], group)]
    _, test, _ = splits.split(videos, "groups", 0)
    assert {videos[row].group for row in test} == {"e"}


def test_more_videos_change_little():
    groups = [f"v{number}" for number in range(100)]
    before = index_of(["Bow"], groups[:90])
    after = index_of(["Bow"], groups)
    tested = [groups_of(videos, splits.split(videos, "groups", 0)[1]) for videos in (before, after)]
    assert len(tested[0] & tested[1]) >= 0.8 * len(tested[0]) == 0.8 * 18


@pytest.mark.parametrize(
    "videos, split, message",
    [
        (
            index_of(["Bow", "YoYo"]),
            "given",
            "the given split leaves no test clip; try --split 1, --split 2, --split 3, ",
        ),
        (index_of(["YoYo"], [1, 2]), "1", "--split 1 leaves no training clip; try --split groups, --split random"),
        (index_of(["YoYo"], [1, 2]), "2", "--split 2 leaves no test clip; try --split groups, --split random"),
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
    with pytest.raises(UserError, match="too few groups for 3 folds; take --split folds:2"):
        splits.folds(index_of(["Bow", "Run"], [1, 2]), 3, seed=0)
    with pytest.raises(UserError, match="too few groups for 2 folds; take --split random"):
        splits.resolve(index_of(["Bow", "Run"], ["a"]), "folds:2", seed=0)


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


def test_folds_keep_clips_without_a_group_together_in_a_class_that_has_groups():
    videos = index_of(["Fight", "Calm"], range(30, 42), 2) + index_of(["Fight"], [None], 7)
    parts = splits.folds(videos, 3, seed=0)
    where = {i for i, (_, test) in enumerate(parts) for row in test if videos[row].group is None}
    assert len(where) == 1 and sorted(np.concatenate([test for _, test in parts])) == list(range(len(videos)))
    notes = splits.split(videos, "fold_1_of_3", 0)[2]
    assert any("7 videos have no group" in note and "Fight" in note for note in notes)


def test_a_users_class_that_is_called_as_one_of_ucf101():
    videos = index_of(["Biking", "Dancing"], range(1, 6))
    names, _ = splits.resolve(videos, "1", 0)
    train, test, _ = splits.split(videos, names[0], 0)
    assert names == ["groups"]
    assert {videos[row].name for row in train} == {videos[row].name for row in test} == {"Biking", "Dancing"}
