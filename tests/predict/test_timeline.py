"""What is told of videos: stretches, CSV, JSON, the plot."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from actioncnn.figures import text
from actioncnn.predict import timeline
from actioncnn.predict.timeline import Row
from actioncnn.video.pool import Failed


def row(start, end, *shares):
    return Row(start, end, np.array(shares, np.float32))


def test_timeline():
    rows = [row(0, 2, 0.75, 0.25), row(1, 3, 0.5, 0.25), row(2, 4, 0, 1)]
    assert timeline.spans(rows) == [(0, 1.5), (1.5, 2.5), (2.5, 4)]
    assert timeline.stretches(rows, "ab") == [(0, 2.5, "a", 0.625), (2.5, 4, "b", 1)]
    assert timeline.table("v.avi", rows, ["a", "b"], 5).splitlines()[1] == "     0:00.0 -    0:02.5   62.5%  a"
    assert [timeline.clock(value).strip() for value in (59.96, 754.3, 7200)] == ["1:00.0", "12:34.3", "2:00:00.0"]


ROWS = [row(0, 2, 0.75, 0.25), row(1, 3, 0.5, 0.5), row(2, 4, 0, 1)]


def test_csv_and_json_say_the_same():
    results = [(Path("a.avi"), ROWS), (Path("b,c.avi"), ROWS[:1])]
    lines = list(csv.DictReader(io.StringIO(timeline.as_csv(results, ["No, not", "Yes"], 2))))
    items = json.loads(timeline.as_json(results, [(Path("d.avi"), Failed("is empty"))], ["No, not", "Yes"], 2))
    spans = [(item["file"], span) for item in items[:2] for span in item["timeline"]]
    assert items[2] == {"file": "d.avi", "error": "is empty"} and len(lines) == len(spans) == 4
    for line, (file, span) in zip(lines, spans, strict=True):
        assert (line["file"], float(line["start"])) == (file, span["start"])
        best, second = span["predictions"]
        assert (line["predicted"], float(line["confidence"])) == (best["class"], best["probability"])
        assert (line["predicted_2"], float(line["confidence_2"])) == (second["class"], second["probability"])


@pytest.mark.parametrize("classes", [["篮球", "كرة"], ["_private", "$x_1$"], ["\udcff", "🏀"]])
def test_the_plot_names_all_classes(classes):
    with text.style():
        figure = timeline.curves(ROWS, classes, "v_\udcff$1$.avi")
    legend = figure.axes[0].get_legend()
    assert {label.get_text() for label in legend.get_texts()} == {text.shown(name) for name in classes}
    assert timeline.plot(Path("x.avi"), ROWS, classes)[1:4] == b"PNG"


def test_below_the_threshold_it_is_unsure_in_all_outputs():
    rows, classes = [each._replace(threshold=0.6) for each in ROWS], ["No", "Yes"]
    assert [name for _, _, name, _ in timeline.stretches(rows, classes)] == ["No", "unsure", "Yes"]
    assert "50.0%  unsure" in timeline.table("v.avi", rows, classes, 5)
    lines = list(csv.DictReader(io.StringIO(timeline.as_csv([(Path("a.avi"), rows)], classes, 5))))
    assert [line["predicted"] for line in lines] == ["No", "unsure", "Yes"] and lines[1]["predicted_2"] == "No"
    told = json.loads(timeline.as_json([(Path("a.avi"), rows)], [], classes, 5))[0]["timeline"]
    assert [span["predictions"][0]["class"] for span in told] == ["No", "unsure", "Yes"]
    assert len(told[1]["predictions"]) == 3
    whole = [Row(None, None, np.array([0.3, 0.3]), threshold=0.5)]
    assert timeline.table("v.avi", whole, classes, 5).splitlines()[1].split()[1] == "unsure"
    with text.style():
        lines = timeline.curves(rows, classes, "v.avi").axes[0].lines
    assert any(set(line.get_ydata()) == {0.6} for line in lines)


def test_smoothing_takes_away_what_flickers():
    shares = [0.9, 0.9, 0.2, 0.9, 0.9, 0.1, 0.1, 0.1]
    rows = [row(place, place + 1, share, 1 - share) for place, share in enumerate(shares)]
    smooth = timeline.smoothed(rows, 2)
    assert [int(each.probabilities.argmax()) for each in smooth] == [0, 0, 0, 0, 0, 1, 1, 1]
    assert all(each.probabilities.sum() == pytest.approx(1) for each in smooth)
    assert [each.start for each in smooth] == [each.start for each in rows]


def test_classes_that_win_are_drawn_and_those_at_zero_are_not():
    """Twelve classes win a window each, and 50 others never have a share."""
    rows = [row(place, place + 1, *(0.9 * (np.arange(62) == place))) for place in range(12)]
    with text.style():
        figure = timeline.curves(rows, [f"Class{n}" for n in range(62)], "v.avi")
    assert len(figure.axes[0].get_legend().get_texts()) == 12
    colors = {(line.get_color(), str(line.get_linestyle())) for line in figure.axes[0].lines}
    assert len(colors) == 12


def test_labels_of_a_short_time_differ():
    rows = [row(place / 20, place / 20 + 0.1, 0.5, 0.5) for place in range(8)]
    with text.style():
        figure = timeline.curves(rows, ["a", "b"], "v.avi")
        figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) == len(set(labels))
