"""Comparisons between policies that met the same worlds: paired by seed, exact for any number of seeds.

If two policies are equally good, a difference between them is as likely to be positive as negative, whatever its
distribution. So the differences with all choices of signs are what could have been as well, and the observed ones are
told apart if few of them are as great: the wild bootstrap with Rademacher's signs, of which all :math:`2^n` are counted
instead of some drawn. The interval holds each shift that this test does not refuse.

References
----------
R. A. Fisher, *The Design of Experiments*, 1935, section 21 (the test).
J. A. Hartigan, "Using subsample values as typical values", JASA 64, 1969, doi:10.2307/2286069 (the interval).
C. F. J. Wu, "Jackknife, bootstrap and other resampling methods in regression analysis", Ann. Statist. 14, 1986,
doi:10.1214/aos/1176350142; R. Davidson and E. Flachaire, "The wild bootstrap, tamed at last", J. Econometrics 146,
2008, doi:10.1016/j.jeconom.2008.08.003 (signs as a bootstrap; exact where the null hypothesis is imposed).
S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import copysign, inf, isfinite, isnan, nan
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Of intervals, and what a winner is named with."""

_ROUNDING = 1e-9
_BLOCKS = 24

_Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences, how sure it is and how great it is beside the differences' spread.

    Attributes
    ----------
    mean, low, high
        In the metric's unit. The interval is NaN with fewer pairs than :func:`needed`.
    pairs
        Number of pairs.
    p
        Part of all choices of signs that give a mean as far from zero; times the number of comparisons that are left,
        where :func:`holm` has corrected it. NaN without pairs.
    cohen
        Cohen's d of paired samples: mean by standard deviation of the differences; infinite where all are the same.
    cliff
        Cliff's delta of paired samples: the part of pairs that are greater less the part that are smaller.
    left_out
        Pairs of which one has no value.
    confidence
        Of the interval.
    """

    mean: float
    low: float
    high: float
    pairs: int
    p: float = nan
    cohen: float = nan
    cliff: float = nan
    left_out: int = 0
    confidence: float = CONFIDENCE

    @property
    def certain(self) -> bool:
        """Whether the two are told apart."""
        return self.p <= _level(self.confidence)


def paired(ours: Sequence[float], theirs: Sequence[float], confidence: float = CONFIDENCE) -> Difference:
    """Return the difference of two policies over the same seeds.

    Parameters
    ----------
    ours, theirs
        One number a seed, in the same order; pairs in which one is not finite are left out. Numbers that differ by
        rounding only are the same.
    confidence
        Of the interval.

    Examples
    --------
    >>> found = paired([1.0, 2.0, 3.0, 4.0, 5.0, 6.5], [2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    >>> round(found.mean, 3), found.low, found.high, found.p, found.certain
    (-0.917, -1.0, -0.5, 0.03125, True)

    Notes
    -----
    Time O(2ⁿᐟ² n) for n up to 24 pairs; of more, neighbours are added up to 24 sums, whose signs are as free.
    """
    couples = list(zip(ours, theirs, strict=True))
    deltas = tuple(_delta(a, b) for a, b in couples if isfinite(a) and isfinite(b))
    return replace(_paired(deltas, confidence), left_out=len(couples) - len(deltas))


def needed(comparisons: int = 1, confidence: float = CONFIDENCE) -> int:
    """Return how many pairs it takes at least to tell two policies apart, as one of some comparisons.

    Examples
    --------
    >>> needed(), needed(4), needed(10)
    (6, 8, 9)
    """
    pairs = 1
    while max(comparisons, 1) * 2.0 ** (1 - pairs) > _level(confidence):
        pairs += 1
    return pairs


def holm(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return comparisons that are made together, so corrected that all are right with the confidence of one.

    Comparisons without pairs count for nothing. The intervals stay those of one comparison.

    Examples
    --------
    >>> apart, alike = [1.0] * 8, [1.0, -1.0] * 4
    >>> zero = [0.0] * 8
    >>> [found.p for found in holm([paired(apart, zero), paired(alike, zero)])]
    [0.015625, 1.0]
    """
    order = sorted((d.p, position) for position, d in enumerate(differences) if not isnan(d.p))
    corrected = list(differences)
    least = 0.0
    for rank, (p, position) in enumerate(order):
        least = max(least, min((len(order) - rank) * p, 1.0))
        corrected[position] = replace(differences[position], p=least)
    return tuple(corrected)


def _level(confidence: float) -> float:
    return round(1 - confidence, 12)  # 1 - 0.95 is less than 0.05


def _delta(a: float, b: float) -> float:
    """Return a difference; what sums in another order come to is none."""
    return 0.0 if abs(a - b) <= _ROUNDING * max(abs(a), abs(b)) else a - b


@lru_cache(maxsize=4096)
def _paired(deltas: tuple[float, ...], confidence: float) -> Difference:
    count = len(deltas)
    if not count:
        return Difference(nan, nan, nan, 0, confidence=confidence)
    values = np.array(deltas)
    mean = float(values.mean())
    sums, sizes = _blocks(values)
    p = _p(sums)
    low, high = -_upper(-sums, sizes, p, confidence), _upper(sums, sizes, p, confidence)
    cliff = float(np.sign(values).mean())
    return Difference(mean, low, high, count, p, _cohen(values), cliff, confidence=confidence)


def _cohen(values: _Floats) -> float:
    mean = float(values.mean())
    if np.ptp(values) <= _ROUNDING * float(np.abs(values).max()):
        return copysign(inf, mean) if mean and len(values) > 1 else 0.0 if len(values) > 1 else nan
    return mean / float(values.std(ddof=1))


def _blocks(values: _Floats) -> tuple[_Floats, _Floats]:
    """Return sums of differences whose signs are taken together, and of how many each is."""
    blocks = [values[start::_BLOCKS] for start in range(min(len(values), _BLOCKS))]
    return np.array([block.sum() for block in blocks]), np.array([float(len(block)) for block in blocks])


def _halves(values: _Floats) -> tuple[_Floats, _Floats]:
    """Return the sums of all subsets of the first half of some numbers, and of the second."""
    middle = len(values) // 2
    found = []
    for half in (values[:middle], values[middle:]):
        sums = np.zeros(1)
        for value in half:
            sums = np.concatenate((sums, sums + value))
        found.append(sums)
    return found[0], found[1]


def _at_most(first: _Floats, second: _Floats, bound: float) -> int:
    """Return how many sums of one of each are at most a bound."""
    return int(np.searchsorted(np.sort(second), bound - first, side="right").sum())


def _p(sums: _Floats) -> float:
    """Return the part of all choices of signs that give a sum as far from zero.

    A choice turns the signs of a subset around; the sum then stays as great if the subset's own is not above zero.
    """
    tolerance = 1e-12 * float(np.abs(sums).sum())
    turned = sums if sums.sum() >= 0 else -sums
    return min(2.0 * _at_most(*_halves(turned), tolerance) / 2.0 ** len(sums), 1.0)


def _upper(sums: _Floats, sizes: _Floats, p: float, confidence: float) -> float:
    """Return the upper end of the interval: the k-th greatest mean of a subset (Hartigan's typical values).

    As many subsets have a mean of at least the end as may turn around at the level of the test. It is found by halving
    to a millionth of the spread; zero is inside if and only if the test does not refuse it.
    """
    refused = int(_level(confidence) * 2.0 ** (len(sums) - 1))
    if not refused:
        return nan
    means = sums / sizes
    low, high = float(means.min()), float(means.max())
    # Differences that are the same but for rounding have nothing between them to search.
    within = max(1e-6 * (high - low), _ROUNDING * max(abs(low), abs(high)))
    (sum_a, sum_b), (size_a, size_b) = _halves(-sums), _halves(sizes)

    def reached(end: float) -> bool:
        return _at_most(sum_a + end * size_a, sum_b + end * size_b, 1e-3 * within) > refused  # the empty one counts too

    if reached(high):
        low = high
    while high - low > within:
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) else (low, middle)
    if p > _level(confidence):
        return max(low, 0.0)
    return low if sums.sum() > 0 else min(low, 0.0)
