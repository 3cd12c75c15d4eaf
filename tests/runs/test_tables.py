"""Results as text can be read back, whatever the names."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from pictures import history, made_clips

from actioncnn.runs import metrics, tables


def test_args_of_any_kind_are_plain_json(tmp_path):
    values = {
        "videos": Path("a") / "b",
        "batch": np.int64(8),
        "rate": np.float32(0.5),
        "loss": float("nan"),
        "flag": np.bool_(True),
        "list": (1, np.array([1.5, np.inf])),
        "nothing": None,
        "inner": {1: Path("c")},
        "other": pytest,
    }
    tables.write_json(tmp_path / "args.json", values)
    text = (tmp_path / "args.json").read_text()
    assert "NaN" not in text
    read = json.loads(text)
    assert list(read) == list(values)
    assert read["videos"] == os.path.join("a", "b")
    assert read["batch"] == 8
    assert read["rate"] == 0.5
    assert read["loss"] is None
    assert read["flag"] is True
    assert read["list"] == [1, [1.5, None]]
    assert read["nothing"] is None
    assert read["inner"] == {"1": "c"}
    assert isinstance(read["other"], str)


def test_result_is_a_table_with_a_row_an_epoch(tmp_path):
    tables.write_history(tmp_path / "result.txt", history(3))
    lines = (tmp_path / "result.txt").read_text().splitlines()
    assert lines[0] == "epoch\tloss\tacc\tval_loss\tval_acc"
    assert lines[3] == "3\t1.333333\t0.733333\t1.666667\t0.633333"
    assert len(lines) == 4


def test_result_comes_back(tmp_path):
    tables.write_history(tmp_path / "result_1.txt", history(20))
    read = tables.read_history(tmp_path / "result_1.txt")
    assert [row["epoch"] for row in read] == list(range(1, 21))
    for row, former in zip(read, history(20), strict=True):
        assert row == pytest.approx(former, abs=1e-6)
    tables.write_history(tmp_path / "again.txt", read)
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "result_1.txt").read_bytes()


def test_result_without_validation_and_with_a_loss_that_is_no_number(tmp_path):
    tables.write_history(
        tmp_path / "result.txt", [{"epoch": 1, "loss": float("nan"), "acc": np.float32(0.5), "val_loss": None}]
    )
    assert (tmp_path / "result.txt").read_text().splitlines()[1] == "1\tnan\t0.500000\tnan\tnan"
    row = tables.read_history(tmp_path / "result.txt")[0]
    assert row["epoch"] == 1
    assert np.isnan(row["loss"])
    assert row["acc"] == 0.5


def test_confusions_name_the_worst_first(tmp_path):
    matrix = np.array([[4, 1, 0], [5, 7, 0], [0, 1, 1]])
    tables.write_confusions(tmp_path / "confusions.txt", matrix, ["Archery", "Bowling", "YoYo"])
    assert (tmp_path / "confusions.txt").read_text().splitlines() == [
        "Bowling -> Archery: 5 of 12 clips",
        "YoYo -> Bowling: 1 of 2 clips",
        "Archery -> Bowling: 1 of 5 clips",
    ]
    tables.write_confusions(tmp_path / "confusions.txt", matrix, ["Archery", "Bowling", "YoYo"], count=1)
    assert (tmp_path / "confusions.txt").read_text().splitlines()[1:] == [
        "and 2 more pairs of classes with at most 1 clips"
    ]
    tables.write_confusions(tmp_path / "confusions.txt", matrix, ["a\x1b[2J", "b\nc", "d"], count=1)
    assert (tmp_path / "confusions.txt").read_text().startswith("b\\nc -> a\\x1b[2J: 5 of 12 clips\n")
    tables.write_confusions(tmp_path / "confusions.txt", np.eye(2, dtype=int), ["A", "B"])
    assert (tmp_path / "confusions.txt").read_text() == "no clip is wrong\n"


def test_predictions_can_be_read_back(tmp_path):
    files = ['a,b/"v".avi', "视频.avi", "bad\udcff.avi"]
    probabilities = np.array([[0.123456789, 0.876543211], [1, 0], [1e-9, 1]], np.float32)
    tables.write_predictions(tmp_path / "predictions.csv", files, ["No, not", "Yes"], [0, 0, 1], probabilities)
    with open(tmp_path / "predictions.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == files
    assert [row["true"] for row in rows] == ["No, not", "No, not", "Yes"]
    assert [row["predicted"] for row in rows] == ["Yes", "No, not", "Yes"]
    assert [float(row["confidence"]) for row in rows] == pytest.approx(probabilities.max(1), abs=1e-7)
    assert [float(row["confidence_2"]) for row in rows] == pytest.approx(probabilities.min(1), rel=1e-6)
    assert "predicted_3" not in rows[0]


HOSTILE = [
    "=cmd|'/c calc'!A0",
    "+1",
    "-x.avi",
    "@a",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "'=1",
    "''=1",
    "'it",
    "a=1",
    "a;=1+1",
    ";'=1",
    'a;"=1+1"',
    "a; =1;;@b",
    "",
    "-",
]


def test_no_cell_is_a_formula_and_all_come_back(tmp_path):
    """Written as text for a spreadsheet, read back as it was."""
    count, path = len(HOSTILE), tmp_path / "predictions.csv"
    tables.write_predictions(path, HOSTILE, HOSTILE, range(count), np.eye(count), groups=HOSTILE)
    tables.write_class_report(tmp_path / "report.csv", np.eye(count), HOSTILE)
    (tmp_path / "joined.csv").write_bytes(tables.joined_csv([path, path]).encode("utf-8", "surrogateescape"))
    for name, columns in (("predictions", ("file", "true", "predicted", "group")), ("report", ("class",))):
        for separator in ",;":  # as the spreadsheets of half of the world take it
            with open(tmp_path / f"{name}.csv", newline="") as file:
                cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
            assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n\uff1d"))]
        for column in columns:
            assert [row[column] for row in tables.csv_rows(tmp_path / f"{name}.csv")] == HOSTILE
    assert sorted(row["file"] for row in tables.csv_rows(tmp_path / "joined.csv")) == sorted(2 * HOSTILE)


def test_predictions_name_the_first_five_classes(tmp_path):
    _, files, truth, probabilities = made_clips(20, 12)
    tables.write_predictions(tmp_path / "predictions.csv", files, [f"c{i}" for i in range(12)], truth, probabilities)
    with open(tmp_path / "predictions.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:6] == ["file", "true", "predicted", "confidence", "predicted_2", "confidence_2"]
    assert len(header) == 12
    for row, values in zip(rows, probabilities, strict=True):
        best = np.argsort(-values)[:5]
        assert row[2::2] == [f"c{i}" for i in best]
        assert [float(cell) for cell in row[3::2]] == pytest.approx(values[best], rel=1e-6)


def test_class_report(tmp_path):
    tables.write_class_report(
        tmp_path / "r.csv", np.array([[3, 1, 0], [0, 1, 0], [2, 0, 0]]), ["Bow, old", "Cut", "Yo"]
    )
    assert (tmp_path / "r.csv").read_text().splitlines() == [
        "class,precision,recall,f1,clips",
        '"Bow, old",0.600000,0.750000,0.666667,4',
        "Cut,0.500000,1.000000,0.666667,1",
        "Yo,,0.000000,0.000000,2",
    ]


def test_mean_class_accuracy_is_told_where_classes_differ_in_size():
    figures = {"loss": 1, "top1": 0.5, "top5": 1, "mean_class_accuracy": 0.25}
    equal, unequal = np.array([0, 0, 2, 2]), np.array([0, 0, 2])
    assert metrics.in_words(figures, equal, 9) == "loss 1.0000, top-1 0.5000, top-5 1.0000, chance 0.5000"
    assert metrics.in_words(figures, unequal, 9).endswith("mean class accuracy 0.2500, chance 0.6667")
    assert "top-5" not in metrics.in_words(figures, unequal, 5)
    assert "loss 0.0000" in metrics.in_words(figures | {"loss": -1e-9}, unequal, 5)
