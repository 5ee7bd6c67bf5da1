"""Weights that only depend on where the branches of two devices meet: the best choice by counts, without a search.

A matrix has this form where devices fall into blocks between which all weights are equal, and each block again. Switch
trees, NUMA nodes and racks are of it (ultrametric links), and every mixture of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from drapolicy.policies.solvers.exact.weights import combined
from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.formulation import first, narrowed
from drapolicy.problem.formulation.proofs import binding, value_cases

MAX_CASES = 64
MAX_COUNTS = 200
IRREGULAR = 10
"""Most devices of a block without structure; all its subsets are looked at."""

# A device, a block of equal weights between its parts, or devices without structure.
Tree = int | tuple[int, list[Any]] | list[int]


def tree_of(weights: NDArray[Any]) -> Tree | None:
    """Return the blocks of a symmetric matrix; None where a part without structure is too large.

    Parameters
    ----------
    weights
        Weights of pairs; ndarray of shape (n, n), the diagonal is not looked at.

    Notes
    -----
    Two parts have one weight between them in some block if and only if leaving that weight out disconnects them, and
    then a device of the smaller part has it to at least half of the others: so few weights need a look. Time O(n^2)
    a level, O(n^3) at worst.
    """
    _, codes = np.unique(weights.ravel(), return_inverse=True)
    codes = codes.reshape(weights.shape)
    return _blocks(weights, codes, np.arange(len(weights)))


def _blocks(weights: NDArray[Any], codes: NDArray[np.intp], members: NDArray[np.intp]) -> Tree | None:
    if len(members) == 1:
        return int(members[0])
    own = codes[np.ix_(members, members)]
    for code in _frequent(own):
        apart = own != code
        np.fill_diagonal(apart, val=False)
        number, labels = connected_components(apart, directed=False)
        if number > 1:
            parts = [_blocks(weights, codes, members[labels == label]) for label in range(number)]
            if any(part is None for part in parts):
                return None
            i, j = np.argwhere((labels[:, None] != labels) & (own == code))[0]
            return int(weights[members[i], members[j]]), parts
    return members.tolist() if len(members) <= IRREGULAR else None


def _frequent(codes: NDArray[np.intp]) -> list[int]:
    """Return the codes that some device has to at least half of the others, itself left out."""
    size = len(codes)
    found: dict[int, None] = {}
    for d, row in enumerate(codes):
        values, counts = np.unique(np.delete(row, d), return_counts=True)
        for value in values[2 * counts >= size].tolist():
            found[value] = None
    return list(found)


class TreeProgramme:
    """The best choice of given sizes for one or more rows, by dynamic programming over a tree.

    Parameters
    ----------
    tree
        Blocks of the n devices.
    weights
        Shape (n, n); the diagonal holds the weights of devices.
    needed
        Devices of each row.

    Notes
    -----
    A table tells for each part of the tree and each count of devices of each row the best sum. Of two choices of equal
    sum that of earlier devices is better, which one number says: behind the sum come the devices as binary digits, the
    first device the highest. Time O(n k) for one row of k devices, O(n k^2) for several, k being the product of their
    sizes.
    """

    def __init__(self, tree: Tree, weights: NDArray[Any], needed: Sequence[int]) -> None:
        self._tree = tree
        self._size = len(weights)
        self._weights = [[int(value) for value in row] for row in weights.tolist()]
        self._needed = tuple(needed)
        strides = [1]
        for count in needed:
            strides.append(strides[-1] * (count + 1))
        self._strides = strides[:-1]
        self._full = sum(stride * count for stride, count in zip(self._strides, needed, strict=True))
        self._digits = [self._split(index) for index in range(strides[-1])]
        self._totals = [sum(digits) for digits in self._digits]

    def _split(self, index: int) -> tuple[int, ...]:
        digits = []
        for count in self._needed:
            index, digit = divmod(index, count + 1)
            digits.append(digit)
        return tuple(digits)

    def best(self, suited: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return the best sum and its devices, ascending; None where there are too few.

        Parameters
        ----------
        suited
            Devices that each row may have, as bits.
        """
        found = self._table(self._tree, suited).get(self._full)
        if found is None:
            return None
        total, digits = found >> self._size, found & (1 << self._size) - 1
        return total, tuple(d for d in range(self._size) if digits >> (self._size - 1 - d) & 1)

    def _table(self, tree: Tree, suited: Sequence[int]) -> dict[int, int]:
        if isinstance(tree, int):
            return self._leaf(tree, suited)
        if isinstance(tree, list):
            return self._subsets(tree, suited)
        value, parts = tree
        shifted = value << self._size
        table = {0: 0}
        for part in parts:
            own = self._table(part, suited)
            if len(own) > 1:
                table = self._joined(table, own, shifted)
        return table

    def _leaf(self, d: int, suited: Sequence[int]) -> dict[int, int]:
        taken = (self._weights[d][d] << self._size) + (1 << self._size - 1 - d)
        return {0: 0} | {stride: taken for stride, own in zip(self._strides, suited, strict=True) if own >> d & 1}

    def _joined(self, table: Mapping[int, int], other: Mapping[int, int], between: int) -> dict[int, int]:
        """Return the table of two parts with one weight between all their devices."""
        made: dict[int, int] = {}
        one, most = len(self._needed) == 1, self._full
        digits, totals, needed = self._digits, self._totals, self._needed
        for i, one_sum in table.items():
            across = totals[i] * between
            for j, other_sum in other.items():
                if one:
                    if i + j > most:
                        continue
                elif any(a + b > c for a, b, c in zip(digits[i], digits[j], needed, strict=True)):
                    continue
                total = one_sum + other_sum + across * totals[j]
                known = made.get(i + j)
                if known is None or total > known:
                    made[i + j] = total
        return made

    def _subsets(self, members: Sequence[int], suited: Sequence[int]) -> dict[int, int]:
        table: dict[int, int] = {0: 0}
        for size in range(1, min(len(members), self._totals[self._full]) + 1):
            for chosen in combinations(members, size):
                total = sum(self._weights[d][d] for d in chosen)
                total += sum(self._weights[a][b] for a, b in combinations(chosen, 2))
                worth = (total << self._size) + sum(1 << self._size - 1 - d for d in chosen)
                for index in self._shares(chosen, suited):
                    if index not in table or worth > table[index]:
                        table[index] = worth
        return table

    def _shares(self, chosen: Sequence[int], suited: Sequence[int]) -> set[int]:
        """Return the counts in which devices can be dealt out to the rows."""
        found = {0}
        for d in chosen:
            found = {
                index + stride
                for index in found
                for row, (stride, own) in enumerate(zip(self._strides, suited, strict=True))
                if own >> d & 1 and self._digits[index][row] < self._needed[row]
            }
        return found


def best_by_tree(task: Task) -> Best | None:
    """Return the best assignment by blocks; None where weights or rules are not of that form.

    Rules that bind beyond candidates and matchAttribute (counters, groups, distinctAttribute) are not of that form.
    A first level that is the slowest link needed is: the fastest links whose blocks hold enough devices decide it, and
    the levels after it choose inside of them, as long as these blocks are joined throughout.
    """
    f, rows = task.formulation, [r for r in task.rows if task.formulation.rows[r].count]
    weighing = task.pairs if task.joins is None else task.joins[1]
    if not task.plain or weighing is None or not rows or binding(f, rows):
        return None
    cases = value_cases(f, rows, MAX_CASES)
    devices = np.flatnonzero(f.candidates[rows].any(axis=0)).tolist()
    needed = [f.rows[r].count for r in rows]
    regions = _regions(None if task.joins is None or sum(needed) < 2 else task.joins[0][np.ix_(devices, devices)])
    if cases is None or regions is None or prod(count + 1 for count in needed) > MAX_COUNTS:
        return None
    weights = combined(weighing, devices, sum(needed))
    tree = tree_of(weights)
    if tree is None:
        return None
    programme = TreeProgramme(tree, weights, needed)
    steps = 0
    for alike in regions:
        best: tuple[int, tuple[int, ...]] | None = None
        for region, suited in product(alike, cases):
            steps += 1
            own = [sum(1 << i for i, d in enumerate(devices) if suited[r] >> d & 1) & region for r in rows]
            found = programme.best(own)
            # Of equal sums the earlier devices: compared at the first place where they differ.
            if found is not None and (best is None or (-found[0], found[1]) < (-best[0], best[1])):
                best = found
        if best is not None:
            chosen = tuple(devices[i] for i in best[1])
            dealt = first(narrowed(f, sum(1 << d for d in chosen)))
            if dealt.assignment is None:
                return None
            return Best(task.score(chosen), chosen, dealt.assignment, complete=True, steps=steps)
    return Best(None, (), (), complete=True, steps=steps)


def _regions(links: NDArray[np.int64] | None) -> list[list[int]] | None:
    """Return the blocks that links of at least some amount join, from the greatest amount on, devices as bits.

    None where there are too many amounts, or where a block is not joined throughout: then a choice in it may not be
    joined itself.
    """
    if links is None:
        return [[-1]]
    found: list[list[int]] = []
    amounts = np.unique(links[~np.eye(len(links), dtype=bool)])[::-1].tolist()
    if len(amounts) > MAX_CASES:
        return None
    for amount in amounts:
        joined = links >= amount
        np.fill_diagonal(joined, val=True)
        number, labels = connected_components(joined, directed=False)
        if not np.array_equal(joined, labels[:, None] == labels):
            return None
        found.append([sum(1 << int(i) for i in np.flatnonzero(labels == label)) for label in range(number)])
    return found or [[-1]]
