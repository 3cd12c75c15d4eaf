"""Intervals and tests: known values, and how often they are right about pairs whose truth is known."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from actioncnn.runs import statistics
from actioncnn.runs.statistics import Resampling


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


def test_an_interval_of_too_few_groups_or_beyond_all_is_none():
    values = np.repeat([1.0, 0.0, 1.0], 5)
    assert np.isnan(Resampling([1, 1]).share(np.array([1, 0]))).all()
    assert np.isnan(Resampling(np.repeat([1, 2, 3], 5)).share(values)).all()
    assert np.isnan(Resampling(np.repeat([1, 2, 3], 5)).difference(values)).all()
    assert np.isnan(Resampling(np.arange(4)).difference(np.array([1, -1, 1, -1]))).all()  # beyond 100


def test_a_difference_of_nearly_all_clips_is_one():
    """One seed each of two networks: right about all, and about one clip in eight, as by chance."""
    right = np.arange(112) % 8 == 0
    resampling = Resampling(np.arange(112) // 16)
    spread = statistics.seed_spread([right[None], right[None]], resampling)
    mean, (low, high) = statistics.difference(np.ones((1, 112)), right[None], resampling, spread)
    assert mean == 0.875 and 0.5 < low < 0.875 and high == 1


def networks(rng, groups, clips, spread, correlation, seeds=(1, 1), shares=(0.65, 0.65)):
    """(group of each clip, right or not (seeds, N) of each of some networks).

    What makes a clip easy is shared by the networks in part, and by the clips of its group by `correlation`; the share
    of each seed of a network is drawn around that of `shares` with the standard deviation `spread`.
    """
    group, worlds = np.repeat(np.arange(groups), clips), []
    normal = lambda *shape: rng.normal(size=shape)  # noqa: E731
    of_groups, of_clips = normal(groups), normal(len(group))
    for count, share in zip(seeds, shares, strict=True):
        own = normal(groups)
        level = [NormalDist().inv_cdf(min(max(share + spread * normal(), 0.02), 0.98)) for _ in range(count)]
        alike = ((of_groups + own) / 2**0.5)[group]
        alone = (of_clips + normal(count, len(group))) / 2**0.5
        ease = correlation**0.5 * alike + (1 - correlation) ** 0.5 * alone
        worlds.append(ease < np.array(level)[:, None])
    return group, worlds


CELLS = [
    (groups, spread, correlation, seeds)
    for groups in (2, 4, 7, 30)
    for spread in (0.01, 0.03, 0.06)
    for correlation in (0, 0.4, 0.8)
    for seeds in ((1, 1), (2, 1), (3, 3))
]


@pytest.mark.parametrize("groups", [2, 4, 7, 30])
def test_false_alarms_and_coverage_where_the_truth_is_known(groups):
    """Two networks of one true accuracy: at most 6 % are told apart; intervals hold it in 93 % or more. 150 worlds a
    cell: 3 standard errors of 6 % are 5.8 points; all cells together have .4."""
    alarms, missed, total = {}, {}, 150
    for cell in (cell for cell in CELLS if cell[0] == groups):
        _, spread, correlation, seeds = cell
        alarms[cell] = missed[cell] = 0
        for world in range(total):
            rng = np.random.default_rng([world, groups, int(100 * spread), int(10 * correlation)])
            group, both = networks(rng, groups, 12, spread, correlation, seeds)
            resampling = Resampling(group)
            between = statistics.seed_spread(both, resampling)
            interval = statistics.difference(*both, resampling, between)[1]
            alarms[cell] += interval.low > 0 or interval.high < 0
            low, high = resampling.share(both[0].mean(0), between, seeds[0])
            missed[cell] += low > 0.65 or high < 0.65
    assert max(alarms.values()) <= 0.118 * total and max(missed.values()) <= 0.132 * total
    assert sum(alarms.values()) <= 0.04 * total * len(alarms) and sum(missed.values()) <= 0.05 * total * len(missed)


def told(seeds, points, spread=0.02, groups=40):
    """Percentage of 60 worlds in which two networks, so many points apart, are told apart."""
    count = 0
    for world in range(60):
        rng = np.random.default_rng(world)
        group, both = networks(rng, groups, 12, spread, 0.2, seeds, (0.6, 0.6 + points / 100))
        resampling = Resampling(group)
        interval = statistics.difference(*both, resampling, statistics.seed_spread(both, resampling))[1]
        count += interval.low > 0 or interval.high < 0
    return count / 0.6


def test_large_differences_are_told_and_small_ones_by_more_seeds():
    assert told((1, 1), 30) >= 95 and told((1, 1), 10) <= 10
    assert told((5, 5), 10) >= 85


def test_so_many_seeds_as_are_advised_tell_it():
    group, both = networks(np.random.default_rng(0), 60, 20, 0.02, 0, shares=(0.6, 0.7))
    resampling = Resampling(group)
    needed = statistics.seeds_needed(*both, resampling, statistics.seed_spread(both, resampling))
    assert 2 < needed < 12 and told((needed, needed), 10, 0.031, 60) > 40
    few = Resampling(np.arange(1200) % 4)
    assert statistics.seeds_needed(both[0], 1 - both[0], few, statistics.Spread(1.0, 2)) is None


def test_two_seeds_far_apart_leave_much_open():
    """64 and 32 %: the interval of their mean does not claim to know it to 16 points."""
    right = np.arange(200)[None] % 100 < np.array([[64], [32]])
    resampling = Resampling(np.arange(200) // 4)
    low, high = resampling.share(right.mean(0), statistics.seed_spread([right], resampling), 2)
    assert low < 0.2 and high > 0.75


def test_spread_between_seeds_is_measured_without_what_is_chance_of_clips():
    rng, resampling = np.random.default_rng(0), Resampling(np.arange(2000) // 4)
    shifts = rng.normal(0, 0.05, (40, 1))
    right = rng.random((40, 2000)) < 0.5 + shifts
    spread = statistics.seed_spread([right, right[:1]], resampling)
    assert spread.freedom == 39 and spread.measured
    assert spread.variance**0.5 == pytest.approx(shifts.std(ddof=1), rel=0.15)
    assumed = statistics.seed_spread([right[:1]], resampling)
    assert assumed.variance**0.5 == pytest.approx(statistics.SPREAD) and not assumed.measured


def test_groups_that_are_all_right_leave_doubt():
    resampling = Resampling(np.repeat(np.arange(7), 16))
    low, high = resampling.share(np.ones(112))
    assert 0.4 < low < 0.7 and high == pytest.approx(1) and resampling.share(np.zeros(112)).high > 0.3
