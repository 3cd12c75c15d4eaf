"""Figures of a test."""

from statistics import NormalDist

import numpy as np
import pytest
from pictures import made_clips

from actioncnn.runs import metrics


def test_topk_counts_the_true_class_among_the_first_k():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    truth = [0, 1, 0]
    assert [metrics.topk(probabilities, truth, k) for k in (1, 2, 3, 5)] == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_topk_gives_nothing_for_a_network_that_cannot_decide():
    truth = np.arange(10)
    assert metrics.topk(np.full((10, 10), 0.1), truth, 1) == pytest.approx(0.1)
    assert metrics.topk(np.full((10, 10), np.nan), truth, 5) == pytest.approx(0.5)
    assert np.isnan(metrics.topk(np.zeros((0, 10)), [], 1))


def test_confusion_counts_true_rows_and_predicted_columns():
    assert metrics.confusion([0, 0, 0, 2], [0, 1, 1, 2], 3).tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_accuracy_of_a_class_without_clips_is_not_zero():
    rates = metrics.class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]))
    assert rates[[0, 2]].tolist() == [0.25, 1]
    assert np.isnan(rates[1])


def test_all_figures_at_once():
    _, _, truth, probabilities = made_clips(60, 7)
    figures, right = metrics.evaluate(truth, probabilities), probabilities.argmax(1) == truth
    assert figures["top1"] == pytest.approx(right.mean())
    assert figures["mean_class_accuracy"] == pytest.approx(np.mean([right[truth == c].mean() for c in range(7)]))
    assert figures["top1"] < figures["top5"] <= 1
    assert figures["loss"] == pytest.approx(-np.log(probabilities[np.arange(60), truth]).mean())
    one = metrics.evaluate(truth[:1], probabilities[:1])
    assert one["mean_class_accuracy"] == one["top1"]
    assert all(np.isnan(value) for value in metrics.evaluate(truth[:0], probabilities[:0]).values())


def test_precision_recall_and_f1():
    """Class 2 is tested and never named, class 3 neither."""
    matrix = np.array([[3, 1, 0, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])
    nan = np.nan
    expected = [[3 / 5, 1 / 2, nan, nan], [3 / 4, 1, 0, nan], [6 / 9, 2 / 3, 0, nan]]
    np.testing.assert_allclose(metrics.class_figures(matrix), expected)


def said_of_motion(share, shuffled, groups, clips, alike, classes=10):
    """What is said, 200 times, of a network that is right about `share` of clips, `shuffled` of shuffled ones."""
    said = []
    for world in range(200):
        rng = np.random.default_rng([world, groups])
        group = np.repeat(np.arange(groups), clips)
        ease = [
            alike**0.5 * rng.normal(size=groups)[group] + (1 - alike) ** 0.5 * rng.normal(size=len(group))
            for _ in range(2)
        ]
        mixed_ease = 0.8**0.5 * ease[0] + 0.2**0.5 * ease[1]
        right, mixed = ease[0] < NormalDist().inv_cdf(share), mixed_ease < NormalDist().inv_cdf(shuffled)
        said.append(metrics.tell_motion(right, mixed, np.arange(len(right)) % classes, group))
    return said


@pytest.mark.parametrize(
    ("groups", "clips", "alike"),
    [(2, 10, 0), (8, 1, 0), (12, 1, 0), (20, 1, 0), (200, 1, 0), (7, 16, 0), (7, 16, 0.8), (21, 11, 0.4), (4, 30, 0.8)],
)
def test_verdicts_on_motion_are_wrong_in_at_most_5_percent(groups, clips, alike):
    """Networks that lose 30 and 15 points are not called blind, and those that lose none are not said to see."""
    shape = groups, clips, alike
    for share, shuffled in ((0.9, 0.6), (0.95, 0.8)):
        assert sum("does not see" in line for line in said_of_motion(share, shuffled, *shape)) <= 10
    for share in (0.6, 0.9):
        assert sum("that is, on motion" in line for line in said_of_motion(share, share, *shape)) <= 10


def test_verdicts_on_motion_are_given_where_clips_tell():
    assert sum("does not see" in line for line in said_of_motion(0.9, 0.9, 200, 1, 0)) > 180
    assert sum("that is, on motion" in line for line in said_of_motion(0.9, 0.6, 60, 1, 0)) > 190
    assert all("cannot tell" in line for line in said_of_motion(0.93, 0.79, 14, 1, 0)[:1])


def test_chance_is_the_largest_class():
    assert metrics.chance(["a", "b", "b", "b"]) == 0.75 and np.isnan(metrics.chance([]))
    right, truth = np.arange(60) % 10 < 7, np.arange(60) % 10 < 7
    assert "70.0%" in metrics.tell_chance(right, truth, range(60))[0]
    assert metrics.tell_chance(np.ones(60), np.arange(60) % 2, range(60)) == []
