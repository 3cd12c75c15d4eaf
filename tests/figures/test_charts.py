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
    ("values", "limits"), [([0.01, 0.05], (0, 0.1)), ([0.1, 0.7], (0, 1)), ([0.93, 0.99], (0.9, 1))]
)
def test_accuracy_has_round_limits(values, limits):
    rows = [{"epoch": i + 1, "acc": v, "val_acc": v} for i, v in enumerate(values)]
    assert charts.accuracy(charts.training_curves(rows, "acc")).axes[0].get_ylim() == pytest.approx(limits, abs=0.021)


def test_bars_are_sorted_counted_and_leave_out_what_was_not_tested():
    figure = charts.class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]), ["Low", "Untested", "High"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["High", "Low"]
    assert [text.get_text() for text in axes.texts] == ["2 of 2", "1 of 4"]
    assert any("Untested" in text.get_text() for text in figure.texts)
