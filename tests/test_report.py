import csv
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from actioncnn import examples, pictures, report

ODD = ["$x$_{2}$", "a_b^c", "篮球", "كرة", "x" * 80, "bad\udcffname", "Ünï code"]


@pytest.fixture(autouse=True)
def warn_again():
    report.warn_once.cache_clear()


def history(epochs):
    return [
        {"epoch": e, "loss": 4 / e, "acc": 1 - 0.8 / e, "val_loss": 5 / e, "val_acc": 0.9 - 0.8 / e}
        for e in range(1, epochs + 1)
    ]


def made_clips(count, nclass, shape=(32, 32, 10, 1), seed=0):
    """clips, files, truth, probabilities of a network that is right about half the time."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % nclass
    probabilities = rng.dirichlet(np.full(nclass, 0.3), count)
    probabilities[np.arange(count), truth] += rng.random(count)
    probabilities = (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
    clips = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    return clips, [f"Class, {i % nclass}/v_{i}.avi" for i in range(count)], truth, probabilities


def picture(path, least=(200, 80), most=(4000, 4000)):
    """A PNG (height, width, 3) of sensible size on which something is drawn."""
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    assert least[0] <= width <= most[0]
    assert least[1] <= height <= most[1]
    drawn = (image < 250).any(-1).mean()
    assert 0.003 < drawn < 0.99
    return image


# Files of text


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.txt"
    report.write_file(path, "former")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        report.write_file(path, "new")
    assert path.read_text() == "former"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_a_file_is_never_open_under_its_own_name(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: written.append(path.name) or open(path, "wb").close())
    report.write_classes(tmp_path, ["A"])
    assert len(written) == 1
    assert written != ["classes.txt"]
    assert os.listdir(tmp_path) == ["classes.txt"]


@pytest.mark.parametrize("classes", [["B", "A"], ["Only"], [], ODD])
def test_classes_come_back(tmp_path, classes):
    report.write_classes(tmp_path, classes)
    assert report.read_classes(tmp_path) == classes


def test_classes_are_one_a_line(tmp_path):
    report.write_classes(tmp_path, ["Archery", "YoYo"])
    assert (tmp_path / "classes.txt").read_bytes() == b"Archery\nYoYo\n"


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
    report.write_args(tmp_path, values)
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
    report.write_result(tmp_path, history(3))
    lines = (tmp_path / "result.txt").read_text().splitlines()
    assert lines[0] == "epoch\tloss\tacc\tval_loss\tval_acc"
    assert lines[3] == "3\t1.333333\t0.733333\t1.666667\t0.633333"
    assert len(lines) == 4


def test_result_comes_back(tmp_path):
    report.write_result(tmp_path, history(20), "result_1.txt")
    read = report.read_result(tmp_path, "result_1.txt")
    assert [row["epoch"] for row in read] == list(range(1, 21))
    for row, former in zip(read, history(20), strict=True):
        assert row == pytest.approx(former, abs=1e-6)
    report.write_result(tmp_path, read, "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "result_1.txt").read_bytes()


def test_result_without_validation_and_with_a_loss_that_is_no_number(tmp_path):
    report.write_result(tmp_path, [{"epoch": 1, "loss": float("nan"), "acc": np.float32(0.5), "val_loss": None}])
    assert (tmp_path / "result.txt").read_text().splitlines()[1] == "1\tnan\t0.500000\tnan\tnan"
    row = report.read_result(tmp_path)[0]
    assert row["epoch"] == 1
    assert np.isnan(row["loss"])
    assert row["acc"] == 0.5


# Figures


def test_topk_counts_the_true_class_among_the_first_k():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    truth = [0, 1, 0]
    assert [report.topk(probabilities, truth, k) for k in (1, 2, 3, 5)] == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_topk_gives_nothing_for_a_network_that_cannot_decide():
    truth = np.arange(10)
    assert report.topk(np.full((10, 10), 0.1), truth, 1) == pytest.approx(0.1)
    assert report.topk(np.full((10, 10), np.nan), truth, 5) == pytest.approx(0.5)
    assert np.isnan(report.topk(np.zeros((0, 10)), [], 1))


def test_confusion_counts_true_rows_and_predicted_columns():
    assert report.confusion([0, 0, 0, 2], [0, 1, 1, 2], 3).tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_accuracy_of_a_class_without_clips_is_not_zero():
    rates = report.class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]))
    assert rates[[0, 2]].tolist() == [0.25, 1]
    assert np.isnan(rates[1])


def test_confusions_name_the_worst_first(tmp_path):
    matrix = np.array([[4, 1, 0], [5, 7, 0], [0, 1, 1]])
    report.write_confusions(tmp_path, matrix, ["Archery", "Bowling", "YoYo"])
    assert (tmp_path / "confusions.txt").read_text().splitlines() == [
        "Bowling -> Archery: 5 of 12 clips",
        "YoYo -> Bowling: 1 of 2 clips",
        "Archery -> Bowling: 1 of 5 clips",
    ]
    report.write_confusions(tmp_path, matrix, ["Archery", "Bowling", "YoYo"], count=1)
    assert (tmp_path / "confusions.txt").read_text().splitlines()[1:] == [
        "and 2 more pairs of classes with at most 1 clips"
    ]
    report.write_confusions(tmp_path, np.eye(2, dtype=int), ["A", "B"])
    assert (tmp_path / "confusions.txt").read_text() == "no clip is wrong\n"


def test_predictions_can_be_read_back(tmp_path):
    files = ['a,b/"v".avi', "视频.avi", "bad\udcff.avi"]
    probabilities = np.array([[0.123456789, 0.876543211], [1, 0], [1e-9, 1]], np.float32)
    report.write_predictions(tmp_path, files, ["No, not", "Yes"], [0, 0, 1], probabilities)
    with open(tmp_path / "predictions.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == files
    assert [row["true"] for row in rows] == ["No, not", "No, not", "Yes"]
    assert [row["predicted"] for row in rows] == ["Yes", "No, not", "Yes"]
    assert [float(row["confidence"]) for row in rows] == pytest.approx(probabilities.max(1), abs=1e-7)
    assert [float(row["confidence_2"]) for row in rows] == pytest.approx(probabilities.min(1), rel=1e-6)
    assert "predicted_3" not in rows[0]


def test_predictions_name_the_first_five_classes(tmp_path):
    _, files, truth, probabilities = made_clips(20, 12)
    report.write_predictions(tmp_path, files, [f"c{i}" for i in range(12)], truth, probabilities)
    with open(tmp_path / "predictions.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:6] == ["file", "true", "predicted", "confidence", "predicted_2", "confidence_2"]
    assert len(header) == 12
    for row, values in zip(rows, probabilities, strict=True):
        best = np.argsort(-values)[:5]
        assert row[2::2] == [f"c{i}" for i in best]
        assert [float(cell) for cell in row[3::2]] == pytest.approx(values[best], rel=1e-6)


# Pictures


@pytest.mark.parametrize("epochs", [1, 2, 20, 300])
def test_curves_are_drawn_for_any_number_of_epochs(tmp_path, epochs):
    assert report.plot_curves(tmp_path, history(epochs), ("a.png", "l.png"))
    for name in ("a.png", "l.png"):
        image = picture(tmp_path / name, (800, 480), (800, 480))
        for color in (pictures.BLUE, pictures.ORANGE):
            bgr = [int(color[i : i + 2], 16) for i in (5, 3, 1)]
            assert (image[:, :640] == bgr).all(-1).any()  # the curve; its label is to the right
            assert (image[:, 650:] == bgr).all(-1).any()
    assert sorted(os.listdir(tmp_path)) == ["a.png", "l.png"]


def test_curves_with_values_missing(tmp_path, capsys):
    rows = history(5)
    rows[4] = {"epoch": 5, "loss": float("nan"), "acc": 0.5, "val_loss": float("inf"), "val_acc": None}
    assert report.plot_curves(tmp_path, rows)
    assert report.plot_curves(tmp_path, rows[4:])
    picture(tmp_path / "model_loss.png")
    assert not capsys.readouterr().err


def loss_limits(values):
    rows = [{"epoch": i + 1, "loss": v, "val_loss": v} for i, v in enumerate(values)]
    axes = pictures.loss(rows).axes[0]
    return axes.get_ylim(), [text.get_text() for text in axes.texts]


def test_one_spike_does_not_set_the_axis_of_the_loss():
    (low, high), texts = loss_limits([500.0, 2.0, 1.5, 1.2, 1.0, 0.9])
    assert low == 0
    assert 2 < high < 4
    assert texts.count("500") == 2


def test_a_loss_that_falls_or_grows_steadily_is_shown_whole():
    for values in ([4.6, 3.0, 2.0, 1.0, 0.5], [1.0, 2.0, 4.0, 8.0, 16.0], [3.0], [3.0, 1.0]):
        (_, high), texts = loss_limits(values)
        assert max(values) < high < 1.2 * max(values)
        assert len(texts) == 2


def test_labels_of_curves_that_end_together_are_apart():
    rows = [{"epoch": 1, "acc": 0.5, "val_acc": 0.5}]
    first, second = pictures.accuracy(rows).axes[0].texts
    assert abs(first.get_position()[1] - second.get_position()[1]) == pytest.approx(0.055)


@pytest.mark.parametrize(
    ("values", "limits"), [([0.01, 0.05], (0, 0.1)), ([0.1, 0.7], (0, 1)), ([0.93, 0.99], (0.9, 1))]
)
def test_accuracy_has_round_limits(values, limits):
    rows = [{"epoch": i + 1, "acc": v, "val_acc": v} for i, v in enumerate(values)]
    assert pictures.accuracy(rows).axes[0].get_ylim() == pytest.approx(limits, abs=0.021)


@pytest.mark.parametrize("nclass", [1, 2, 10, 101])
def test_class_pictures_are_drawn_for_any_number_of_classes(tmp_path, nclass):
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 4, (nclass, nclass)) + 20 * np.eye(nclass, dtype=int)
    matrix[1:2] = 0 if nclass > 2 else matrix[1:2]  # a class without test clips
    classes = [f"ClassNumber{i}" for i in range(nclass)]
    assert report.plot_confusion(tmp_path, matrix, classes)
    assert report.plot_class_accuracy(tmp_path, matrix, classes)
    picture(tmp_path / "confusion_matrix.png", (400, 200), (2600, 2600))
    picture(tmp_path / "class_accuracy.png", (400, 120), (2600, 1400))


def test_bars_are_sorted_counted_and_leave_out_what_was_not_tested():
    figure = pictures.class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]), ["Low", "Untested", "High"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["High", "Low"]
    assert [text.get_text() for text in axes.texts] == ["2 of 2", "1 of 4"]
    assert any("Untested" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("shape", [(32, 32, 10, 1), (32, 32, 16, 3), (32, 32, 1, 3), (8, 8, 1, 1), (112, 100, 2, 3)])
def test_examples_are_drawn_for_any_clip(tmp_path, shape):
    clips, files, truth, probabilities = made_clips(30, 4, shape)
    assert report.plot_examples(tmp_path, clips, files, list("abcd"), truth, probabilities)
    picture(tmp_path / "examples.png", (400, 300), (2000, 1500))


def test_a_filmstrip_shows_the_frames_as_they_are():
    clip = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 3), dtype=np.uint8)
    strip = examples.filmstrip(clip)
    assert strip.shape == (64, 3 * 64 + 2 * 2, 3)
    for index in range(3):
        frame = strip[:, index * 66 : index * 66 + 64]
        assert (frame[::2, ::2] == clip[:, :, index]).all()
        assert (frame[1::2, 1::2] == clip[:, :, index]).all()


def test_a_long_or_large_clip_becomes_a_short_strip():
    assert examples.filmstrip(np.zeros((32, 32, 100, 1), np.uint8)).shape == (64, 10 * 64 + 9 * 2, 3)
    assert examples.filmstrip(np.zeros((112, 112, 2, 1), np.uint8)).shape == (72, 2 * 72 + 2, 3)


def test_examples_are_mistakes_then_right_ones_of_many_classes():
    truth = np.array([0, 0, 0, 1, 1, 2])
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.95, 0.5])
    predicted = np.array([1, 1, 1, 2, 1, 2])  # wrong: the first four
    probabilities = np.zeros((6, 3))
    probabilities[np.arange(6), predicted] = confidence
    assert examples.choose(truth, probabilities, 4) == [0, 3, 4, 5]
    assert examples.choose(truth, probabilities, 12) == [0, 3, 1, 2, 4, 5]
    assert examples.choose(predicted, probabilities, 2) == [4, 3]
    assert examples.choose(truth[:1], probabilities[:1], 12) == [0]


def test_examples_read_only_the_clips_that_are_shown(tmp_path):
    clips, files, truth, probabilities = made_clips(50, 4)

    class Lazy:
        read = []

        def __getitem__(self, index):
            self.read.append(int(index))
            return clips[index]

    assert report.plot_examples(tmp_path, Lazy(), files, list("abcd"), truth, probabilities, count=6)
    assert len(set(Lazy.read)) == 6


def test_a_picture_that_fails_costs_one_line(tmp_path, capsys):
    def broken():
        raise ValueError("first line\nsecond line")

    for _ in range(3):
        assert report.picture(tmp_path / "x.png", broken) is False
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "x.png is not drawn: ValueError: first line second line" in error
    assert not os.listdir(tmp_path)


# All of it


def test_evaluation_writes_everything_and_returns_the_figures(tmp_path, capsys):
    clips, files, truth, probabilities = made_clips(60, 7)
    figures = report.write_evaluation(tmp_path, clips, files, ODD, truth, probabilities)
    names = ["class_accuracy.png", "confusion_matrix.png", "confusions.txt", "examples.png", "predictions.csv"]
    assert sorted(os.listdir(tmp_path)) == names
    right = probabilities.argmax(1) == truth
    assert figures["top1"] == pytest.approx(right.mean())
    assert figures["mean_class_accuracy"] == pytest.approx(np.mean([right[truth == c].mean() for c in range(7)]))
    assert figures["top1"] < figures["top5"] <= 1
    assert not capsys.readouterr().err


def test_evaluation_of_one_clip_and_of_none(tmp_path, capsys):
    clips, files, truth, probabilities = made_clips(1, 3)
    figures = report.write_evaluation(tmp_path, clips, files, list("abc"), truth, probabilities)
    assert figures["mean_class_accuracy"] == figures["top1"]
    assert len(os.listdir(tmp_path)) == 5
    figures = report.write_evaluation(tmp_path, clips[:0], [], list("abc"), truth[:0], probabilities[:0])
    assert all(np.isnan(value) for value in figures.values())
    assert (tmp_path / "predictions.csv").read_text().count("\n") == 1
    assert not capsys.readouterr().err


def test_the_same_input_gives_the_same_files(tmp_path):
    contents = []
    for _ in range(2):
        report.write_evaluation(tmp_path, *made_clips(20, 4)[:2], list("abcd"), *made_clips(20, 4)[2:])
        report.plot_curves(tmp_path, history(3))
        contents.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    assert contents[0] == contents[1]


# The plot of a model


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("keras")


def small_model(keras, name):
    entry = keras.Input((8, 8, 1))
    layer = keras.layers.Conv2D(2, 3, name="conv2d_1")(entry)
    layer = keras.layers.Flatten(name="flatten_1")(layer)
    return keras.Model(entry, keras.layers.Dense(3, name="dense_1")(layer), name=name)


@pytest.mark.parametrize("members", [0, 2, 6])
def test_a_model_is_drawn_with_no_program_on_the_path(keras, tmp_path, monkeypatch, members):
    monkeypatch.setenv("PATH", "")
    model = small_model(keras, "model_1")
    if members:
        entry = keras.Input((8, 8, 1))
        outputs = [small_model(keras, f"model_{i}")(entry) for i in range(1, members + 1)]
        model = keras.Model(entry, keras.layers.Average(name="average_1")(outputs))
    assert report.plot_model(model, tmp_path / "model.png")
    image = picture(tmp_path / "model.png", most=(2500, 2500))
    assert (image.shape[0] > image.shape[1]) == (members == 0)


def test_a_model_that_cannot_be_drawn_costs_one_line(keras, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report.shutil, "which", lambda *_, **__: None)
    assert report.plot_model(small_model(keras, "m"), tmp_path / "model.png") is False
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install graphviz-pure" in error
    assert report.plot_model("no model", tmp_path / "model.png") is False
    assert not os.listdir(tmp_path)
