"""Partitions that draw from shared counters, such as MIG: keep large pieces whole."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.problem.local import LocalProblem

_SLICE = re.compile(r"(.*?)(\d+)")


def _runs(node: LocalProblem) -> list[list[int]]:
    """Return the numbered counters of each counter set in order, as columns of ``node.counters``.

    A set's slices are the counters whose names end in a number, such as ``memory-slice-3``; without such there is
    nothing to keep together.
    """
    column = 0
    runs: dict[tuple[object, str, str], list[tuple[int, int]]] = {}
    for pool in node.site.pools:
        for owner, counter in pool.counters or {}:
            found = _SLICE.fullmatch(counter)
            if found:
                runs.setdefault((pool.id, owner, found[1]), []).append((int(found[2]), column))
            column += 1
    return [[column for _, column in sorted(run)] for run in runs.values()]


def _longest_runs(node: LocalProblem, left: Masks, before: Masks) -> NDArray[np.int64]:
    free = node.counters - (before & ~left).astype(np.int64) @ node.draws > 0
    total = np.zeros(len(left), np.int64)
    for run in _runs(node):
        longest, current = np.zeros(len(left), np.int64), np.zeros(len(left), np.int64)
        for column in run:
            current = np.where(free[:, column], current + 1, 0)
            longest = np.maximum(longest, current)
        total += longest
    return total


@objective(sense="max", unit="slices", bounds=(0, MOST_DEVICES), over=_longest_runs)
def longest_runs(node: LocalProblem, left: Indices, before: Indices) -> int:
    """Longest run of free slices side by side on each partitioned device of the node afterwards, added up.

    Source: HAMi, pull request 2855: MIG placements that keep the largest run of slices.
    """
    gone = np.setdiff1d(before, left, assume_unique=True)
    after = node.counters - node.draws[gone].sum(axis=0)
    total = 0
    for run in _runs(node):
        longest = current = 0
        for column in run:
            current = current + 1 if after[column] > 0 else 0
            longest = max(longest, current)
        total += longest
    return total
