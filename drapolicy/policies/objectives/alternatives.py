"""Prioritized lists: how good the alternatives are that a node gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.problem.local import LocalProblem

_MOST = 1 << 20


def _alternatives(node: LocalProblem, chosen: Masks, rank: int) -> NDArray[np.int64]:  # noqa: ARG001
    return np.full(len(chosen), rank, np.int64)


def _nothing(node: LocalProblem) -> NDArray[np.int64]:
    """Return what devices add to the rank: nothing, it is that of the node."""
    return np.zeros((node.size, node.size), np.int64)


@objective(sense="max", unit="points", bounds=(0, _MOST), over=_alternatives, pairs=_nothing)
def alternatives(node: LocalProblem, chosen: Indices, rank: int) -> int:  # noqa: ARG001
    """Points of the alternatives that the node gives: 8 for each first of a prioritized list, 7 for each second.

    Kubernetes decides which alternative a node gives, the first that fits there (K8s S40), and adds these points up to
    score nodes (S68): the term weighs nodes, and joint placements, against each other, never the devices of one node.
    """
    return rank
