"""Policies in order, with ties where the data do not tell them apart, and a sentence for each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor, inf, isfinite, isnan, log10, nan

from drapolicy.evaluate.metrics import Metric
from drapolicy.evaluate.statistics import Difference, holm, needed, paired
from drapolicy.text import counted


@dataclass(frozen=True)
class Pair:
    """Two policies compared by a metric.

    Attributes
    ----------
    first, second
        Their names; the better one first if they are told apart.
    metric
        By what.
    difference
        Of the first from the second, corrected by Holm's method for the other pairs.
    comparisons
        How many pairs were compared together.
    """

    first: str
    second: str
    metric: Metric
    difference: Difference
    comparisons: int = 1

    def __str__(self) -> str:
        found, name = self.difference, self.metric.name
        seeds = counted(found.pairs, "seed")
        gone = f"; {found.left_out} left out, without a value" if found.left_out else ""
        if not found.pairs:
            return f"{self.first} and {self.second} have no {name} to compare{gone}"
        if found.mean == 0 and found.low == found.high:
            return f"{self.first} and {self.second} are equal on {name}, {seeds}{gone}"
        least = needed(self.comparisons, found.confidence)
        if found.pairs < least:
            among = f" as one of {self.comparisons} pairs" if self.comparisons > 1 else ""
            return (
                f"{self.first} and {self.second}: too few seeds to separate them on {name}{among}: {found.pairs}, "
                f"{least} at least{gone}"
            )
        if not found.certain:
            return (
                f"{self.first} and {self.second} are not separated on {name}: {self._by(found.mean)} apart, "
                f"{self._interval()}, {seeds}{gone}"
            )
        if not self.metric.sign:
            return (
                f"{self.first} is {self._by(found.mean)} above {self.second} on {name}, "
                f"{self._interval()}, {seeds}{gone}"
            )
        return (
            f"{self.first} beats {self.second} on {name} by {self._by(found.mean)}, {self._interval()}, {seeds}{gone}"
        )

    def _by(self, value: float) -> str:
        unit = {"%": "points"}.get(self.metric.unit, self.metric.unit)
        return f"{self._written(abs(value))} {unit}".rstrip()

    def _interval(self) -> str:
        found = self.difference
        if isnan(found.low):
            return "no interval"
        ends = (found.low, found.high)
        # Of which sign a difference is, "beats" and "above" say; where it may have either, the signs must show.
        if found.low >= 0 or found.high <= 0:
            low, high = sorted(map(abs, ends))
            between = f"{self._written(low)}–{self._written(high)}"
        else:
            between = " to ".join(self._written(end) for end in ends)
        return f"{100 * found.confidence:g} % CI {between}"

    def _written(self, value: float) -> str:
        """Write a number with as many digits as the interval leaves certain, and one more."""
        found = self.difference
        width = found.high - found.low
        scale = width if isfinite(width) and width > 0 else max(abs(found.mean) / 10, 1e-12)
        return f"{value:,.{min(max(1 - floor(log10(scale)), 0), 9)}f}".replace("-", "−")


@dataclass(frozen=True)
class Place:
    """Where a policy stands.

    Attributes
    ----------
    rank
        1 and one more for each policy that is certainly better; None without a value.
    tied
        Whether another has the same rank.
    policy, mean
        Its name and the mean over its seeds.
    """

    rank: int | None
    tied: bool
    policy: str
    mean: float

    def __str__(self) -> str:
        return "–" if self.rank is None else f"{self.rank}{'=' if self.tied else ''}"


@dataclass(frozen=True)
class Ranking:
    """All policies of a scenario by a metric.

    Attributes
    ----------
    metric
        By what.
    places
        Best first.
    pairs
        Every two policies, corrected for all of them.
    """

    metric: Metric
    places: tuple[Place, ...]
    pairs: tuple[Pair, ...]


def ranking(values: Mapping[str, Sequence[float]], metric: Metric) -> Ranking:
    """Return policies in order, each compared with each.

    Parameters
    ----------
    values
        Name of a policy to one number a seed, the same seeds in the same order for all; NaN where there is none.
    metric
        What the numbers are; of one that is neither better nor worse, more comes first.

    Examples
    --------
    >>> from drapolicy.evaluate.metrics import METRICS
    >>> times = {"a": [3.0, 4, 5, 3, 4, 5, 3, 4, 5], "b": [2.0, 3, 4, 2, 3, 4, 2, 3, 4.5], "c": [9.0] * 9}
    >>> found = ranking(times, METRICS["wait"])
    >>> [(str(place), place.policy) for place in found.places]
    [('1', 'b'), ('2', 'a'), ('3', 'c')]
    >>> print(found.pairs[0])
    b beats a on wait by 0.94 s, 95 % CI 0.83–1.00, 9 seeds
    """
    sign = metric.sign or 1
    couples = list(combinations(values, 2))
    compared = holm([paired(values[a], values[b]) for a, b in couples])
    count = sum(found.pairs > 0 for found in compared)
    pairs = tuple(
        Pair(a, b, metric, found, count)
        if not found.certain or found.mean * sign > 0
        else Pair(b, a, metric, flipped(found), count)
        for (a, b), found in zip(couples, compared, strict=True)
    )
    beaten = [pair.second for pair in pairs if pair.difference.certain]
    means = {name: _mean(numbers) for name, numbers in values.items()}
    ranks = {name: None if isnan(means[name]) else 1 + beaten.count(name) for name in values}
    order = sorted(values, key=lambda name: (ranks[name] or inf, 0 if isnan(means[name]) else -sign * means[name]))
    held = list(ranks.values())
    places = (Place(ranks[name], held.count(ranks[name]) > 1, name, means[name]) for name in order)
    return Ranking(metric, tuple(places), pairs)


def flipped(found: Difference) -> Difference:
    """Return the difference of the second from the first."""
    return Difference(
        -found.mean,
        -found.high,
        -found.low,
        found.pairs,
        found.p,
        -found.cohen,
        -found.cliff,
        found.left_out,
        found.confidence,
    )


def _mean(numbers: Sequence[float]) -> float:
    known = [number for number in numbers if isfinite(number)]
    return sum(known) / len(known) if known else nan
