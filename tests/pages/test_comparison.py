"""Runs side by side: what they share, what they can tell, and what is said of it."""

import csv
import io
import json

import numpy as np
import pytest
from made_runs import made_run

from actioncnn.errors import UserError
from actioncnn.pages import comparison_text
from actioncnn.pages.comparison import compare, verdicts
from actioncnn.runs import tables
from actioncnn.runs.run import read_run

CLASSES = ["A", "B", "C"]
BASE = np.random.default_rng(0).random(420)


def make(folder, share, seed=0, classes=CLASSES, **options):
    """A run that is right about `share` of the clips, mostly those that others are right about."""
    noise = np.random.default_rng(seed).random(420) * 0.3
    return read_run(made_run(folder, BASE * 0.7 + noise < share, classes, groups=20, seed=seed, **options))


def test_a_better_run_is_told(tmp_path):
    result = compare([make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.85, skip=False)])
    pair = result.pairs[0]
    assert pair["told"] and pair["better"] == "b" and pair["interval"][1] < 0
    assert pair["sentence"].startswith("b is better than a by ") and "by its interval" in pair["sentence"]
    assert pair["mcnemar"]["only_first"] == 0 and pair["mcnemar"]["p"] < 1e-9
    assert result.options == {"skip": [None, False]} and result.groups == 20
    row = result.rows[0]
    assert row["by_clips"][0] < row["top1"] < row["by_clips"][1] and row["interval"][0] < row["by_clips"][0]


def test_equal_runs_are_not(tmp_path):
    pair = compare([make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5, 1, skip=False)]).pairs[0]
    assert not pair["told"] and pair["better"] is None and "do not tell which is better" in pair["sentence"]


def test_seeds_of_one_setting_are_one_row(tmp_path):
    seeds = [make(tmp_path / f"a{seed}", 0.5, seed) for seed in range(3)]
    result = compare([*seeds, make(tmp_path / "b", 0.5, skip=False)])
    assert [row["seeds"] for row in result.rows] == [3, 1] and result.rows[0]["run"] == "a0 (3 seeds)"
    assert result.rows[0]["between_seeds"] > 0 and len(result.pairs) == 1 and result.pairs[0]["mcnemar"] is None


def test_two_seeds_alone_do_not_tell_whatever_the_difference(tmp_path):
    result = compare([make(tmp_path / "a", 0.3), make(tmp_path / "b", 0.8, 1)])
    assert len(result.rows) == 1 and not result.pairs[0]["told"] and "only their seeds" in result.pairs[0]["sentence"]


def test_a_copy_is_left_out(tmp_path):
    result = compare([make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5), make(tmp_path / "c", 0.6, 1, depth=3)])
    assert len(result.runs) == 2 and any("left out" in line for line in result.notes)


def test_runs_are_compared_on_what_all_tested(tmp_path):
    first, second = make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5, 1, skip=False)
    second.files[:30] = [f"other{i}.avi" for i in range(30)]
    order = np.random.default_rng(0).permutation(420)
    for name in ("files", "true", "ranked", "groups"):
        setattr(second, name, [getattr(second, name)[i] for i in order])
    second.record["split"] = "random"
    result = compare([first, second])
    assert result.clips == 390 and any("it is compared on the 390" in line for line in result.notes)
    assert any("random split has put" in line for line in result.notes)
    kept = np.isin(first.files, second.files)
    assert result.rows[0]["top1"] == pytest.approx(first.right[kept].mean())
    second.files = [f"x{name}" for name in second.files]
    with pytest.raises(UserError, match="no clip was tested by two"):
        compare([first, second])


def prints(run, *values):
    """Gives a run the fingerprints of its dataset's classes."""
    run.record["dataset"] = {"videos": run.options["videos"], "fingerprints": dict(zip(CLASSES, values))}
    return run


def test_two_datasets_are_not_two_seeds_of_one(tmp_path):
    """The same names of files in two directories, whether or not the record has fingerprints."""
    cropped = make(tmp_path / "cropped", 0.9, 0, videos="cropped")
    full = make(tmp_path / "full", 0.4, 1, videos="full")
    for change in (lambda run, values: run, lambda run, values: prints(run, *values)):
        change(cropped, "123"), change(full, "456")
        with pytest.raises(UserError, match=r"cropped.*full"):
            compare([cropped, full])


def tagged(run, tags="abcd"):
    """Gives the clips of a run tags of their files."""
    run.tags = dict.fromkeys(run.files, tags)
    return run


def test_a_dataset_that_was_moved_is_the_same(tmp_path):
    first = prints(make(tmp_path / "a", 0.5, 0, videos="here"), *"123")
    second = prints(make(tmp_path / "b", 0.5, 1, videos="there"), *"123")
    assert [row["seeds"] for row in compare([first, second]).rows] == [2]


def test_clips_are_the_same_where_their_files_are(tmp_path):
    """Whatever else was trained on: but then it is another setting, not another seed."""
    first = tagged(prints(make(tmp_path / "a", 0.5, 0, videos="here"), *"123"))
    second = tagged(prints(make(tmp_path / "b", 0.5, 1, videos="there"), *"124"))
    result = compare([first, second])
    assert [row["seeds"] for row in result.rows] == [1, 1] and result.clips == 420
    tagged(second, "ffff")
    with pytest.raises(UserError, match="no clip"):
        compare([first, second])
    second.tags |= dict.fromkeys(second.files[:30], "abcd")
    assert compare([first, second]).clips == 30


def test_a_directory_with_other_videos_is_another_dataset(tmp_path):
    first = prints(make(tmp_path / "a", 0.5, videos="here"), *"123")
    second = prints(make(tmp_path / "b", 0.6, videos="here"), *"456")
    with pytest.raises(UserError, match="here"):
        compare([first, second])


def test_two_runs_with_one_seed_are_two_settings(tmp_path):
    """They differ, as on another machine; a third is another seed of the first."""
    runs = [make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.55), make(tmp_path / "c", 0.5, 1)]
    for run in runs[1:2]:
        run.record["options"]["seed"] = 0
    assert [row["seeds"] for row in compare(runs).rows] == [2, 1]


def test_a_run_that_shares_no_clip_is_left_out(tmp_path):
    runs = [
        make(tmp_path / "other", 0.6, videos="other"),
        make(tmp_path / "a", 0.5, depth=3),
        make(tmp_path / "b", 0.5, 1),
    ]
    result = compare(runs)
    assert [run.name for run in result.runs] == ["a", "b"] and len(result.pairs) == 1
    assert any(line.startswith("other is left out") for line in result.notes)


def test_other_classes_are_named(tmp_path):
    first, second = make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5, 1, skip=False)
    second.classes = [*CLASSES, "More", "Most"]
    notes = compare([first, second]).notes
    assert "b knows 2 classes that a does not: More, Most" in notes


def test_runs_without_groups(tmp_path):
    first, second = make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5, 1, skip=False)
    first.groups = second.groups = [None] * 420
    result = compare([first, second])
    assert result.groups == 0 and any("taken as independent" in line for line in result.notes)
    first.groups = ["1"] * 420
    pair = compare([first, second]).pairs[0]
    assert not pair["told"] and "1 group of" in pair["sentence"]


def test_what_cannot_be_told_is_not_given_as_an_interval(tmp_path):
    """Three groups: no interval, no verdict, whatever the difference; it says how many groups are needed."""
    base = np.random.default_rng(0).random(36)
    runs = [
        read_run(made_run(tmp_path / name, base < share, CLASSES, groups=3, skip=share > 0.5))
        for name, share in (("a", 0.1), ("b", 0.9))
    ]
    result = compare(runs)
    assert np.isnan(result.pairs[0]["interval"]).all() and np.isnan(result.rows[0]["interval"]).all()
    assert not result.pairs[0]["told"] and "3 groups" in result.pairs[0]["sentence"]


def test_an_equal_pair_is_called_equal_and_seeds_are_advised(tmp_path):
    equal = compare([make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.5, skip=False)]).pairs[0]
    assert (
        equal["difference"] == 0
        and "equal on these clips" in equal["sentence"]
        and "0.0 points" not in equal["sentence"]
    )
    near = compare([make(tmp_path / "c", 0.5), make(tmp_path / "d", 0.58, skip=False)])
    assert 2 <= near.pairs[0]["seeds_needed"] <= 20
    assert f"about {near.pairs[0]['seeds_needed']} seeds of each" in near.pairs[0]["sentence"]
    assert any("3.1 points" in line and "--seed" in line for line in near.notes)


def test_a_run_that_is_no_better_than_chance_is_called_so(tmp_path):
    runs = [make(tmp_path / "a", 0.34, skip=True), make(tmp_path / "b", 0.9, skip=False)]
    lines = [line for line in verdicts(compare(runs)) if "chance" in line]
    assert len(lines) == 1 and lines[0].startswith("a ") and "33.3" in lines[0]


def test_groups_of_ucf101_are_of_one_class_and_others_of_all(tmp_path):
    assert compare([make(tmp_path / "a", 0.5, classes=["YoYo", "Punch", "Archery"])]).groups == 60
    assert compare([make(tmp_path / "b", 0.5)]).groups == 20


def test_names_are_told_apart_by_their_folders(tmp_path):
    runs = [make(tmp_path / name / "out", 0.5, seed, depth=seed + 1) for seed, name in enumerate("ab")]
    assert [row["run"] for row in compare(runs).rows] == ["a/out", "b/out"]


def test_text_csv_and_json_say_the_same(tmp_path):
    result = compare([make(tmp_path / "a", 0.5), make(tmp_path / "b", 0.85, skip=False)])
    text = comparison_text.as_text(result)
    assert "420 test clips of 20 groups" in text and result.pairs[0]["sentence"] in text
    rows = list(csv.DictReader(io.StringIO(comparison_text.as_csv(result))))
    read = json.loads(json.dumps(tables.plain(comparison_text.as_dict(result))))
    for row, line in zip(rows, read["settings"], strict=True):
        assert float(row["top1"]) == line["top1"] and float(row["interval_low"]) == line["interval"][0]
        assert f"{100 * line['top1']:.1f}" in text
    assert read["pairs"][0]["told"] is True and read["runs"][1]["clips"] == 420


def test_of_many_pairs_only_the_told_have_sentences(tmp_path):
    runs = [make(tmp_path / f"r{i}", 0.9 if i == 5 else 0.5, i, depth=i + 1) for i in range(6)]
    lines = comparison_text.as_text(compare(runs)).splitlines()
    assert sum("r5 is better than" in line for line in lines) == 5
    assert any(line.startswith("the other 10 pairs") for line in lines)
