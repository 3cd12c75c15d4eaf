"""Intervals and tests: known values, and how often they are right about pairs whose truth is known."""

import math

import numpy as np
import pytest

from actioncnn.pages import statistics
from actioncnn.pages.statistics import Resampling


def test_wilson_has_the_values_of_tables():
    assert statistics.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert statistics.wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert statistics.wilson(10, 10)[1] == 1
    assert np.isnan(statistics.wilson(0, 0)).all()


@pytest.mark.parametrize(
    ("freedom", "value"), [(1, 12.706), (2, 4.303), (6, 2.447), (24, 2.064), (120, 1.980), (math.inf, 1.960)]
)
def test_quantiles_of_student(freedom, value):
    assert statistics.t_quantile(freedom) == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize("counts", [(5, 1), (0, 0), (3, 3), (0, 8), (13, 2), (631, 1359)])
def test_mcnemar_is_the_exact_binomial(counts):
    first = np.repeat([True, False, True], [counts[0], counts[1], 7])
    second = np.repeat([False, True, True], [counts[0], counts[1], 7])
    total = sum(counts)
    tail = sum(math.comb(total, k) for k in range(min(counts) + 1))
    assert statistics.mcnemar(first, second) == (*counts, pytest.approx(float(min(1, 2 * tail / 2**total))))


def test_variance_is_that_of_independent_groups():
    values = np.random.default_rng(0).random(1000) < 0.3
    alone = Resampling(np.arange(1000)).variance(values)
    assert alone == pytest.approx(values.var(ddof=1) / 1000, rel=0.15)
    twins = Resampling(np.arange(4000) // 4).variance(values.repeat(4))  # four copies of a clip tell no more than one
    assert twins == pytest.approx(alone, rel=0.15)
    assert np.isnan(Resampling(["a"] * 1000).variance(values))


def test_an_interval_without_two_groups_is_none():
    assert np.isnan(Resampling([1, 1]).interval(np.array([1, 0]))).all()


def told(shape, points=0.0, seeds=1, shift=0.0, worlds=100):
    """In how many of 100 worlds two networks, `points` apart, are told apart."""
    count = 0
    resampling = Resampling(np.repeat(np.arange(shape[0]), shape[1]))
    for world in range(worlds):
        rng = np.random.default_rng(world)
        ease = rng.normal(0.55, 0.12, (shape[0], 1)) + rng.normal(0, 0.12, shape)

        def network(more, ease=ease, rng=rng):
            by_seed = rng.normal(0, 0.05, (seeds, shape[0], 1)) + rng.normal(0, shift, (seeds, 1, 1))
            return (rng.random((seeds, *shape)) < ease + by_seed + more).reshape(seeds, -1)

        both = network(points), network(0.0)
        interval = statistics.difference(*both, resampling, statistics.seed_spread(both, resampling))[1]
        count += interval.low > 0 or interval.high < 0
    return 100 * count / worlds


@pytest.mark.parametrize("shape", [(7, 16), (18, 12), (7, 540)], ids=["demo", "small", "UCF-101"])
def test_two_seeds_of_one_network_are_not_told_apart(shape):
    assert told(shape, shift=0.015, worlds=300) <= 7


def test_seeds_that_differ_much_are_allowed_for(monkeypatch):
    """Networks whose accuracy varies by 4 points from seed to seed, three seeds of each."""
    assert told((20, 30), seeds=3, shift=0.04) <= 10
    monkeypatch.setattr(statistics, "seed_spread", lambda *_: (0.0, math.inf))
    assert told((20, 30), seeds=3, shift=0.04) > 25


@pytest.mark.parametrize("shape", [(18, 12), (7, 540)])
def test_twenty_points_are_told(shape):
    assert told(shape, points=0.2, worlds=50) >= 97


def test_several_seeds_tell_what_one_cannot():
    assert told((7, 540), points=0.05, shift=0.005, worlds=50) < 20
    assert told((7, 540), points=0.05, shift=0.005, seeds=6, worlds=50) > 80


def test_spread_between_seeds_is_measured_without_what_is_chance_of_clips():
    rng, resampling = np.random.default_rng(0), Resampling(np.arange(2000) // 4)
    shifts = rng.normal(0, 0.05, (40, 1))
    right = rng.random((40, 2000)) < 0.5 + shifts
    variance, freedom = statistics.seed_spread([right, right[:1]], resampling)
    assert freedom == 39
    assert variance**0.5 == pytest.approx(shifts.std(ddof=1), rel=0.15)
    assert statistics.seed_spread([right[:1]], resampling)[0] ** 0.5 == pytest.approx(statistics.SPREAD)


def test_groups_that_are_all_right_leave_doubt():
    resampling = statistics.Resampling(np.repeat(np.arange(7), 16))
    low, high = resampling.interval(np.ones(112))
    assert 0.6 < low < 0.7 and high == pytest.approx(1) and resampling.interval(np.zeros(112)).high > 0.3
