"""How sure the figures of a test are: intervals of an accuracy and of a difference, by clips, by groups, by seeds.

Clips of a group are not independent: whoever is right about one is mostly right about its neighbours. So whole groups
are drawn again and again, with replacement, and the spread of the drawn means is the standard error (cluster bootstrap:
Davison & Hinkley 1997). Few groups make it uncertain itself: the interval is that of Student's t with as many degrees
of freedom as groups less one (Cameron, Gelbach & Miller 2008).
"""

import math
from typing import NamedTuple

import numpy as np

DRAWS = 1000  # an error of 2 % of the standard error
LEVEL = 0.95
SPREAD = 0.02  # standard deviation between seeds that is taken where none is measured: README, which run is better
WEIGHT = 4  # degrees of freedom that it counts for (after Smyth 2004)


class Interval(NamedTuple):
    low: float
    high: float


UNKNOWN = Interval(math.nan, math.nan)


def wilson(right, clips):
    """Interval of a share from its count, if clips were independent (Wilson 1927); right may be a mean of counts."""
    if not clips:
        return UNKNOWN
    z = t_quantile(math.inf)
    share, weight = right / clips, z * z / clips
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / clips + weight / (4 * clips)) / (1 + weight)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def within(interval):
    """An interval of a share without what is beyond 0 and 1."""
    return Interval(*np.clip(interval, 0, 1).tolist())


def mcnemar(first, second):
    """(clips that only the first has right, only the second, two-sided p) of two runs; right or not, bool (N,).

    McNemar 1947, exact for any count: the binomial distribution of the clips on which they differ.
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    total, term, tail = only_first + only_second, 1, 0
    for k in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (total - k) // (k + 1)
    return only_first, only_second, min(1.0, 2 * tail / 2**total)


def t_quantile(freedom, level=LEVEL):
    """How many standard errors an interval of Student's t reaches to each side; freedom: degrees, also inf."""
    if freedom > 1e4:
        freedom = 1e4  # the normal distribution, to four digits
    angle = np.linspace(0, np.pi / 2, 20_001)  # t = sqrt(freedom) tan(angle) has a density of cos(angle)^(freedom-1)
    density = np.cos(angle) ** (freedom - 1)
    share = np.cumsum(density) - (density + density[0]) / 2  # trapezoids
    return float(math.sqrt(freedom) * math.tan(np.interp(level * share[-1], share, angle)))


class Resampling:
    """Draws of whole groups, the same for all values that are compared."""

    def __init__(self, groups, seed=0):
        """groups: label of each clip's group, (N,)."""
        _, self.group = np.unique(np.asarray(groups), return_inverse=True)
        self.count = int(self.group.max(initial=-1)) + 1
        drawn = np.random.default_rng(seed).integers(max(self.count, 1), size=(DRAWS, self.count))
        drawn += np.arange(DRAWS)[:, None] * self.count
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        self.times = times.astype(np.float32)  # how often each draw has each group
        self.clips = self.times @ self.sums(np.ones(len(self.group)))

    def sums(self, values):
        return np.bincount(self.group, values, self.count).astype(np.float32)

    def variance(self, values):
        """That of the mean of values (N,) over groups; nan with fewer than two."""
        if self.count < 2:
            return math.nan
        means = self.times @ self.sums(values - np.mean(values)) / self.clips
        return float(means.var()) * self.count / (self.count - 1)

    def interval(self, values, spread=(0.0, math.inf)):
        """Of the mean of values (N,); spread: a variance that comes on top, and its degrees of freedom."""
        mean, of_groups = float(np.mean(values)), self.variance(values)
        total = of_groups + spread[0]
        if total == 0 and mean in (0, 1):  # all right: that groups do not differ does not make it sure
            return wilson(mean * self.count, self.count)
        parts = of_groups**2 / (self.count - 1) + spread[0] ** 2 / spread[1] if self.count > 1 else math.nan
        freedom = total**2 / parts if parts else math.inf  # Welch 1947
        half = t_quantile(freedom) * math.sqrt(total)
        return Interval(mean - half, mean + half)


def seed_spread(settings, resampling):
    """(variance of an accuracy between seeds, degrees of freedom), pooled over settings; right or not, (seeds, N) each.

    What remains of the variance once the part is taken off that `Resampling.variance` sees too, clips that change by
    chance. Where it is below that of SPREAD, or not measured, both are averaged: few seeds may agree by luck.
    """
    total = freedom = 0
    for right in settings:
        more = len(right) - 1
        if more:
            apart = right - right.mean(0)
            by_chance = np.mean([resampling.variance(row) for row in apart]) * len(right) / more
            total += more * (right.mean(1).var(ddof=1) - by_chance)
            freedom += more
    if total > freedom * SPREAD**2:
        return total / freedom, freedom
    return max(total + WEIGHT * SPREAD**2, 0.0) / (freedom + WEIGHT), freedom + WEIGHT


def difference(first, second, resampling, spread):
    """(difference of two accuracies, its Interval); right or not, bool or float (seeds, N) each.

    spread: of `seed_spread`. The interval says between which the difference lies for other groups and other seeds.
    """
    values = np.mean(first, 0) - np.mean(second, 0)
    variance = spread[0] * (1 / len(first) + 1 / len(second))
    return float(values.mean()), resampling.interval(values, (variance, spread[1]))
