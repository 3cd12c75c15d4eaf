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
    assert timeline.stretches(rows) == [(0, 2.5, 0, 0.625), (2.5, 4, 1, 1)]
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
