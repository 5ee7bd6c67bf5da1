"""How many of a gang's equal pods go to each node of a tree: an exact dynamic programme over counts.

All pairs are as far apart as the whole tree is, less what pairs gain that share a narrower domain; so the best split of
a count over the parts of a domain is a max-plus convolution. Domains that are alike, down to what their nodes can take,
share one table, and so many alike are joined by halves: what counts is how many *different* domains there are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.groups.kinds import UnsuitedError
from drapolicy.policies.objectives.distance import Domain

Ints = NDArray[np.int64]

CANNOT = -(1 << 60)
"""Worth of more pods than fit."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Worth of each number of pods in some domains, and what the number is split over.

    Attributes
    ----------
    worth
        ndarray of shape (n + 1,), int64.
    joined
        The two tables that it was made of; none for a node.
    size
        Number of nodes.
    """

    worth: Ints
    joined: tuple[_Table, _Table] | None
    size: int

    def split(self, pods: int, counts: list[int]) -> None:
        """Append the number of pods of each node, in order; of equal splits that with most pods first."""
        if self.joined is None:
            counts.append(pods)
            return
        left, right = self.joined
        sums = left.worth[: pods + 1] + right.worth[pods::-1]
        first = pods - int(sums[::-1].argmax())
        left.split(first, counts)
        right.split(pods - first, counts)


@dataclass(frozen=True)
class Spread:
    """The best way to place a gang.

    Attributes
    ----------
    distance
        Sum over all pairs of pods of how far they are apart.
    worth
        Sum of what nodes said their pods are worth.
    counts
        Pods on each node, by position; nodes without are left out.
    """

    distance: int
    worth: int
    counts: dict[int, int]


def best_spread(domain: Domain, pods: int, worth_of: Callable[[int], Sequence[int]]) -> Spread | None:
    """Return the way to place equal pods with the least distance, then with the greatest worth; None where none fits.

    Parameters
    ----------
    domain
        The tree.
    pods
        How many, n.
    worth_of
        What 0, 1, 2 ... pods on a node are worth; as many entries as fit. By position of the node.

    Raises
    ------
    UnsuitedError
        When sums would leave 64 bits.
    """
    values = {n: tuple(worth_of(n))[: pods + 1] for n in domain.nodes}
    most = max((abs(v) for own in values.values() for v in own), default=0)
    # One unit of distance outweighs all that nodes can say.
    unit = 2 * most * max(1, pods) + 1
    if (unit * max(1, domain.distance) + most) * max(1, pods * pods) >= 1 << 59:
        message = "scores beyond 64 bits"
        raise UnsuitedError(message)
    table, order = _tables(domain, pods, values, unit)
    total = int(table.worth[pods])
    if total <= CANNOT // 2:
        return None
    counts: list[int] = []
    table.split(pods, counts)
    found = {n: count for n, count in zip(order, counts, strict=True) if count}
    worth = sum(values[n][count] for n, count in found.items())
    pairs = pods * (pods - 1) // 2
    return Spread(domain.distance * pairs - (total - worth) // unit, worth, dict(sorted(found.items())))


def _tables(domain: Domain, pods: int, values: dict[int, tuple[int, ...]], unit: int) -> tuple[_Table, list[int]]:
    """Return the table of a tree, and its nodes in the order in which the table splits."""
    pairs = np.arange(pods + 1) * (np.arange(pods + 1) - 1) // 2
    numbers: dict[Hashable, int] = {}
    made: dict[int, _Table] = {}
    powers: dict[tuple[int, int], _Table] = {}

    def power(number: int, times: int) -> _Table:
        if times == 1:
            return made[number]
        known = powers.get((number, times))
        if known is None:
            known = powers[number, times] = _joined(power(number, times - times // 2), power(number, times // 2))
        return known

    def visit(at: Domain, outer: int) -> tuple[int, list[int]]:
        gain = outer - at.distance
        if at.node >= 0:
            key: Hashable = gain, values[at.node]
            order = [at.node]
        else:
            parts = sorted((visit(part, at.distance) for part in at.parts), key=lambda entry: entry[0])
            runs = [(number, len(list(own))) for number, own in groupby(number for number, _ in parts)]
            order = [n for _, own in parts for n in own]
            key = gain, tuple(runs)
        number = numbers.setdefault(key, len(numbers))
        if number not in made:
            if at.node >= 0:
                worth = np.full(pods + 1, CANNOT, np.int64)
                worth[: len(values[at.node])] = values[at.node]
                table = _Table(worth, None, 1)
            else:
                table = power(*runs[0])
                for run in runs[1:]:
                    table = _joined(table, power(*run))
            gained = np.where(table.worth > CANNOT // 2, table.worth + gain * unit * pairs, CANNOT)
            made[number] = _Table(gained, table.joined, table.size)
        return number, order

    number, order = visit(domain, domain.distance)
    return made[number], order


def _joined(left: _Table, right: _Table) -> _Table:
    """Return the max-plus convolution of two tables."""
    size = len(left.worth)
    worth = np.full(size, CANNOT, np.int64)
    for a in range(size):
        if left.worth[a] > CANNOT // 2:
            np.maximum(worth[a:], left.worth[a] + right.worth[: size - a], out=worth[a:])
    return _Table(np.maximum(worth, CANNOT), (left, right), left.size + right.size)
