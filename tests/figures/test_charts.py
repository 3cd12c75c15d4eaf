"""Figures say what the numbers say."""

import numpy as np
import pytest

from actioncnn.figures import charts


def loss_limits(values):
    rows = [{"epoch": i + 1, "loss": v, "val_loss": v} for i, v in enumerate(values)]
    axes = charts.loss(charts.training_curves(rows, "loss")).axes[0]
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
    first, second = charts.accuracy(charts.training_curves(rows, "acc")).axes[0].texts
    assert abs(first.get_position()[1] - second.get_position()[1]) == pytest.approx(0.055)


@pytest.mark.parametrize(
    ("values", "limits"), [([0.01, 0.05], (0, 0.1)), ([0.35, 0.7], (0.3, 0.8)), ([0.93, 0.99], (0.9, 1))]
)
def test_accuracy_has_round_limits(values, limits):
    rows = [{"epoch": i + 1, "acc": v, "val_acc": v} for i, v in enumerate(values)]
    assert charts.accuracy(charts.training_curves(rows, "acc")).axes[0].get_ylim() == pytest.approx(limits, abs=0.021)


def many_curves(count):
    """Curves of four epochs in styles 0, 0, 1, 1, ..., all but the first with a gap."""
    values = np.array([0.1, 0.3, 0.5, 0.4])
    gaps = np.array([0.1, np.nan, 0.5, 0.4])
    return [charts.Curve(f"run {n // 2}", np.arange(4.0), gaps if n else values, n // 2) for n in range(count)]


def test_curves_of_one_style_share_a_colour_and_a_line_of_the_legend():
    figure = charts.accuracy(many_curves(15), "Title", small=True)
    lines = figure.axes[0].lines
    assert figure.axes[0].get_title() == "Title" and len(lines) == 15
    looks = [(line.get_color(), line.get_linestyle()) for line in lines]
    assert looks[0] == looks[1] and len({*looks}) == 8  # two of the eight styles are dashed
    assert looks[0][0] == looks[12][0] and looks[0][1] != looks[12][1]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*(f"run {n}" for n in range(7)), "run 7 0.400"]


def test_an_svg_is_always_the_same_and_holds_names_as_shapes():
    first, second = (charts.svg(charts.accuracy, many_curves(4), "<script>$a_b$", True) for _ in range(2))
    assert first == second and b"<script" not in first and b"<text" not in first


@pytest.mark.parametrize("names", [["Walking", "Running"], ["كرة السلة", "篮球"]])
def test_names_are_drawn_in_a_font_that_has_them(names):
    matrix = np.array([[3, 1], [0, 4]])
    assert charts.svg(charts.small_class_accuracy, matrix, names, [0, 1])  # a letter without a shape is a warning


def test_bars_of_a_page_are_those_that_are_asked_for_beside_the_mean_of_all():
    matrix = np.diag([1, 2, 3, 4]) + np.eye(4, k=1, dtype=int)
    axes = charts.small_class_accuracy(matrix, list("ABCD"), [2, 0]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["3 of 4", "1 of 2"]
    mean = np.mean([1 / 2, 2 / 3, 3 / 4, 1])
    assert any(np.allclose(line.get_xdata(), mean) for line in axes.lines)
    assert [*map(int, charts.by_accuracy(matrix, list("ABCD")))] == [3, 2, 1, 0]


def test_bars_are_sorted_counted_and_leave_out_what_was_not_tested():
    figure = charts.class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]), ["Low", "Untested", "High"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["High", "Low"]
    assert [text.get_text() for text in axes.texts] == ["2 of 2", "1 of 4"]
    assert any("Untested" in text.get_text() for text in figure.texts)
