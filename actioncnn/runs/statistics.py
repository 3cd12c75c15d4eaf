"""How sure the figures of a test are: intervals of an accuracy and of a difference, by clips, by groups, by seeds.

Clips of a group are not independent: whoever is right about one is mostly right about its neighbours. So whole groups
are drawn again and again, with replacement, and the spread of the drawn means is the standard error (cluster bootstrap:
Davison & Hinkley 1997). Few groups make it uncertain itself: it is multiplied with the quantile of Student's t with as
many degrees of freedom as groups less one (Cameron, Gelbach & Miller 2008).
"""

import functools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 1000  # an error of 2 % of the standard error
LEVEL = 0.95
LEAST_GROUPS = 4  # of fewer, intervals are wrong too often
SPREAD = 0.031  # standard deviation between seeds, measured: docs/results.md
WEIGHT = 2  # degrees of freedom that it counts for: with so few, it allows for spreads up to 6 points, too
LEAST_VARIANCE = 0.09  # of a share of .9: seeds of networks that are right about more differ less
MOST_SEEDS = 20  # more will hardly be trained


class Interval(NamedTuple):
    low: float
    high: float


UNKNOWN = Interval(math.nan, math.nan)


class Spread(NamedTuple):
    """How much accuracies of networks differ that differ in their seed alone."""

    variance: float
    freedom: float  # degrees of freedom of the variance; infinite where it is known
    measured: bool = True  # whether several seeds of a setting were there

    def half(self, seeds: float) -> float:
        """Half an interval for the mean of `seeds` seeds; `seeds` may be 1 / (1 / n + 1 / m) of a difference."""
        return t_quantile(self.freedom) * math.sqrt(self.variance / seeds)


NO_SPREAD = Spread(0.0, math.inf)


def wilson(right: float, clips: int) -> Interval:
    """Interval of a share from its count, if clips were independent (Wilson 1927); right may be a mean of counts."""
    return score_interval(right / clips, t_quantile(math.inf) ** 2 / clips) if clips else UNKNOWN


def score_interval(share: float, weight: float) -> Interval:
    """The shares that are `weight` times p (1 - p) or less away from `share`, squared (Wilson 1927)."""
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """(clips that only the first has right, only the second, two-sided p) of two runs; right or not, bool (N,).

    McNemar 1947, exact for any count: the binomial distribution of the clips on which they differ.
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    total, term, tail = only_first + only_second, 1, 0
    for k in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (total - k) // (k + 1)
    return only_first, only_second, min(1.0, 2 * tail / 2**total)


@functools.cache
def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """How many standard errors an interval of Student's t reaches to each side; freedom: degrees, also inf."""
    if freedom > 1e4:
        freedom = 1e4  # the normal distribution, to four digits
    angle = np.linspace(0, np.pi / 2, 20_001)  # t = sqrt(freedom) tan(angle) has a density of cos(angle)^(freedom-1)
    density = np.cos(angle) ** (freedom - 1)
    share = np.cumsum(density) - (density + density[0]) / 2  # trapezoids
    return float(math.sqrt(freedom) * math.tan(np.interp(level * share[-1], share, angle)))


class Resampling:
    """Draws of whole groups, the same for all values that are compared."""

    def __init__(self, groups: Sequence | np.ndarray, seed: int = 0):
        """groups: label of each clip's group, (N,)."""
        _, self.group = np.unique(np.asarray(groups), return_inverse=True)
        self.count = int(self.group.max(initial=-1)) + 1
        drawn = np.random.default_rng(seed).integers(max(self.count, 1), size=(DRAWS, self.count))
        drawn += np.arange(DRAWS)[:, None] * self.count
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        self.times = times.astype(np.float32)  # how often each draw has each group
        self.clips = self.times @ self.sums(np.ones(len(self.group)))

    def sums(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.group, values, self.count).astype(np.float32)

    def variance(self, values: np.ndarray) -> float:
        """That of the mean of values (N,) over groups; nan with fewer than two."""
        if self.count < 2:
            return math.nan
        means = self.times @ self.sums(values - np.mean(values)) / self.clips
        return float(means.var()) * self.count / (self.count - 1)

    @property
    def quantile(self) -> float:
        """How many standard errors an interval reaches to each side; nan: there are too few groups for one."""
        return t_quantile(self.count - 1) if self.count >= LEAST_GROUPS else math.nan

    def effective(self, shares: np.ndarray) -> float:
        """How many independent clips tell as much about the mean of shares (N,), 0 to 1; at most N."""
        mean = float(np.mean(shares))
        if mean in (0, 1):  # how much alike the clips of a group are cannot be seen
            return self.count
        return min(mean * (1 - mean) / max(self.variance(shares), 1e-12), len(shares))

    def share(self, shares: np.ndarray, spread: Spread = NO_SPREAD, seeds: float = 1) -> Interval:
        """Interval of the mean of shares (N,), for other groups and, with the Spread of `seeds` seeds, other seeds.

        UNKNOWN where there are too few groups.
        """
        if math.isnan(self.quantile):
            return UNKNOWN
        mean = float(np.mean(shares))
        of_seeds = spread.half(seeds) ** 2 / max(mean * (1 - mean), LEAST_VARIANCE)
        quantile = t_quantile(self.count - 2)  # one less: few groups that are alike by luck also move the mean
        return score_interval(mean, quantile**2 / self.effective(shares) + of_seeds)

    def difference(self, values: np.ndarray, of_seeds: float = 0.0) -> Interval:
        """Interval of the mean of values (N,), -1 to 1; of_seeds: half an interval, which comes on top.

        UNKNOWN where there are too few groups, or where it would be longer than from -1 to 1.
        """
        half = math.hypot(self.quantile * math.sqrt(self.variance(values)), of_seeds)
        mean = float(np.mean(values))
        return Interval(max(mean - half, -1.0), min(mean + half, 1.0)) if half <= 1 else UNKNOWN


def paired_loss(before: np.ndarray, after: np.ndarray, resampling: Resampling) -> tuple[float, Interval]:
    """(mean of `before - after`, its Interval) of shares (N,) that a network is right before and after a change.

    Two more clips, one that loses all and one that gains all, keep few clips that agree by luck from looking sure
    (Bonett & Price 2012); of clips that are alike in their groups as many count as there would be independent ones.
    """
    lost = np.asarray(before, float) - after
    if math.isnan(resampling.quantile):
        return float(lost.mean()), UNKNOWN
    clips = min(resampling.effective(before), resampling.effective(after))
    half = resampling.quantile * math.sqrt(resampling.variance(lost) + 2 / clips**2)
    mean = float(lost.mean())
    return mean, Interval(max(mean - half, -1.0), min(mean + half, 1.0))


def seed_spread(settings: Iterable[np.ndarray], resampling: Resampling) -> Spread:
    """The Spread between seeds, pooled over settings; right or not, (seeds, N) each.

    What remains of the variance once the part is taken off that `Resampling.variance` sees too, clips that change by
    chance. Few seeds may agree by luck: it is at least its mean with that of SPREAD.
    """
    total = freedom = 0
    for right in settings:
        more = len(right) - 1
        if more:
            apart = right - right.mean(0)
            by_chance = np.mean([resampling.variance(row) for row in apart]) * len(right) / more
            total += more * (right.mean(1).var(ddof=1) - by_chance)
            freedom += more
    with_assumed = max(total + WEIGHT * SPREAD**2, 0.0) / (freedom + WEIGHT)
    return Spread(max(total / max(freedom, 1), with_assumed), max(freedom, WEIGHT), freedom > 0)


def difference(first: np.ndarray, second: np.ndarray, resampling: Resampling, spread: Spread) -> tuple[float, Interval]:
    """(difference of two accuracies, its Interval); right or not, bool or float (seeds, N) each.

    spread: of `seed_spread`. The interval says between which the difference lies for other groups and other seeds.
    """
    values = np.mean(first, 0) - np.mean(second, 0)
    seeds = 1 / (1 / len(first) + 1 / len(second))
    return float(values.mean()), resampling.difference(values, spread.half(seeds))


def seeds_needed(first: np.ndarray, second: np.ndarray, resampling: Resampling, spread: Spread) -> int | None:
    """How many seeds of each setting would tell a difference such as that of `difference`; None: no number would."""
    values = np.mean(first, 0) - np.mean(second, 0)
    of_groups = resampling.quantile * math.sqrt(resampling.variance(values))
    for seeds in range(2, MOST_SEEDS + 1):
        of_seeds = Spread(spread.variance, 2 * seeds - 2).half(seeds / 2)
        if math.hypot(of_groups, of_seeds) < abs(values.mean()):
            return seeds
    return None
