"""Packing and spreading: what a choice leaves to others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.problem.local import LocalProblem


def _still_placeable(node: LocalProblem, left: Masks) -> NDArray[np.int64]:
    if not node.draws.size:
        counts: NDArray[np.int64] = left.sum(axis=1).astype(np.int64)
        return counts
    kept, rows = np.unique(left, axis=0, return_inverse=True)
    found = [int(node.placeable(np.flatnonzero(mask)).sum()) for mask in kept]
    return np.array(found, np.int64)[rows.reshape(-1)]


def _chances_lost(node: LocalProblem, left: Masks, before: Masks) -> NDArray[np.int64]:
    chances = before.sum(axis=1).astype(np.int64) if not node.draws.size else int(node.placeable().sum())
    lost: NDArray[np.int64] = chances - _still_placeable(node, left)
    return lost


def _gone(node: LocalProblem) -> NDArray[np.int64] | None:
    """Return what each device takes away by being chosen: itself, where no partition draws from another's counters."""
    free = np.zeros(node.size, np.int64)
    free[node.left(np.empty(0, np.intp))] = 1
    return None if node.draws.size else np.diag(free)


def _kept(node: LocalProblem) -> NDArray[np.int64] | None:
    gone = _gone(node)
    return None if gone is None else -gone


@objective(sense="min", unit="devices", bounds=(0, MOST_DEVICES), over=_chances_lost, pairs=_gone)
def chances_lost(node: LocalProblem, left: Indices, before: Indices) -> int:
    """Devices and partitions that could each have been allocated before the choice and cannot after it."""
    return int(node.placeable(before).sum() - node.placeable(left).sum())


@objective(sense="min", unit="devices", bounds=(0, MOST_DEVICES), over=_still_placeable, pairs=_kept)
def still_placeable(node: LocalProblem, left: Indices) -> int:
    """Devices of the node that can still be allocated afterwards: few means that a full node was filled further."""
    return int(node.placeable(left).sum())
