"""Comparisons between policies that met the same worlds: paired by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its confidence interval.

    Attributes
    ----------
    mean, low, high
        In the metric's unit; the interval is NaN with fewer than two pairs.
    pairs
        Number of pairs.
    """

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def certain(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired(ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95) -> Difference:
    """Return the difference of two policies over the same seeds.

    Parameters
    ----------
    ours, theirs
        One number a seed, in the same order; pairs with a NaN are left out.
    confidence
        Of the interval, by Student's t on the differences.

    Examples
    --------
    >>> difference = paired([1.0, 2.0, 3.0], [2.0, 3.0, 4.5])
    >>> round(difference.mean, 3), difference.certain
    (-1.167, True)
    """
    from scipy import stats

    deltas = [a - b for a, b in zip(ours, theirs, strict=True) if not isnan(a) and not isnan(b)]
    if not deltas:
        return Difference(nan, nan, nan, 0)
    mean = sum(deltas) / len(deltas)
    if len(deltas) < 2:
        return Difference(mean, nan, nan, len(deltas))
    spread = sqrt(sum((delta - mean) ** 2 for delta in deltas) / (len(deltas) - 1) / len(deltas))
    reach = float(stats.t.ppf((1 + confidence) / 2, len(deltas) - 1)) * spread
    return Difference(mean, mean - reach, mean + reach, len(deltas))
