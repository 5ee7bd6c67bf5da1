"""Terms that the shipped policies are made of."""

from __future__ import annotations

import numpy as np

from drapolicy.policies.objective import Indices, objective
from drapolicy.problem.local import LocalProblem

_MOST_MB_S = 2**52
_MOST_DEVICES = 2**20


@objective(sense="max", unit="MB/s", bounds=(0, _MOST_MB_S))
def inside(node: LocalProblem, chosen: Indices) -> int:
    """Bandwidth between the chosen devices, each pair once."""
    return int(node.links[np.ix_(chosen, chosen)].sum()) // 2


@objective(sense="min", unit="MB/s", bounds=(0, _MOST_MB_S))
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
