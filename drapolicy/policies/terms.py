"""Terms that the shipped policies are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objective import Indices, Masks, objective
from drapolicy.problem.local import LocalProblem

_MOST_MB_S = 2**52
_MOST_DEVICES = 2**20


def _inside_pairs(node: LocalProblem) -> NDArray[np.int64]:
    return node.links


def _inside_over(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    taken = chosen.astype(np.int64)
    total: NDArray[np.int64] = np.sum((taken @ node.links) * taken, axis=1) // 2
    return total


@objective(sense="max", unit="MB/s", bounds=(0, _MOST_MB_S), over=_inside_over, pairs=_inside_pairs)
def inside(node: LocalProblem, chosen: Indices) -> int:
    """Bandwidth between the chosen devices, each pair once."""
    return int(node.links[np.ix_(chosen, chosen)].sum()) // 2


def _lost_pairs(node: LocalProblem) -> NDArray[np.int64]:
    free = np.zeros(node.size, np.bool_)
    free[node.left(np.empty(0, np.intp))] = True
    links = np.where(free[:, None] & free, node.links, 0)
    # A device costs all its links; those to another chosen device were counted with both.
    return np.diag(links.sum(axis=1)) - links


def _lost_over(node: LocalProblem, left: Masks) -> NDArray[np.int64]:
    before = np.zeros(node.size, np.bool_)
    before[node.left(np.empty(0, np.intp))] = True
    gone = (before & ~left).astype(np.int64)
    among = np.sum((gone @ node.links) * gone, axis=1) // 2
    total: NDArray[np.int64] = gone @ node.links[:, before].sum(axis=1) - among
    return total


@objective(sense="min", unit="MB/s", bounds=(0, _MOST_MB_S), over=_lost_over, pairs=_lost_pairs)
def links_lost(node: LocalProblem, left: Indices) -> int:
    """Bandwidth between free devices that the choice takes away from later claims, each pair once."""
    before = node.left(np.empty(0, np.intp))
    gone = np.setdiff1d(before, left, assume_unique=True)
    # Pairs with a device that goes: each once, those of two such devices are counted twice at first.
    return int(node.links[np.ix_(gone, before)].sum()) - int(node.links[np.ix_(gone, gone)].sum()) // 2


@objective(sense="min", unit="devices", bounds=(0, _MOST_DEVICES))
def chances_lost(node: LocalProblem, left: Indices) -> int:
    """Devices and partitions that could each have been allocated before the choice and cannot after it."""
    return int(node.placeable().sum() - node.placeable(left).sum())


@objective(sense="min", unit="devices", bounds=(0, _MOST_DEVICES))
def still_placeable(node: LocalProblem, left: Indices) -> int:
    """Devices of the node that can still be allocated afterwards: few means that a full node was filled further."""
    return int(node.placeable(left).sum())
