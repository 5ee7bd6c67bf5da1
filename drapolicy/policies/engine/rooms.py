"""What nodes have left besides devices, by the columns of a state."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.views import numbered
from drapolicy.problem.amounts import MOST, Amounts
from drapolicy.problem.room import CPU, MEMORY, PODS, PodAsk
from drapolicy.problem.rooms import NodeRooms

MOST_SCORED = 2**61


def scored(rooms: NodeRooms, nodes: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return what scores see of CPU and memory of some nodes.

    Returns
    -------
    ndarray
        Shape (3, 2, len(nodes)), int64: allocatable, requested, and requested with defaults for pods that ask for
        none; CPU, then memory; amounts beyond 2**61 are cut off there.
    """
    have = [rooms.allocatable(name) for name in (CPU, MEMORY)]
    used = [rooms.requested(name) for name in (CPU, MEMORY)]
    found = np.array([[column.cut[nodes] for column in row] for row in (have, used, rooms.nonzero)], np.int64)
    return np.clip(found, -MOST_SCORED, MOST_SCORED)


def asked(rooms: NodeRooms, room: PodAsk) -> list[tuple[Amounts, int]]:
    """Return the columns of what a pod needs, and how much of each."""
    return [(rooms.left(name), amount) for name, amount in _needs(room)]


def lacking(rooms: NodeRooms, room: PodAsk, nodes: NDArray[np.intp]) -> Counter[str]:
    """Return NodeResourcesFit's words for each of some nodes that lack something, with counts."""
    reasons: Counter[str] = Counter()
    needs = _needs(room)
    lacks = np.array([rooms.left(name).of(nodes) < amount for name, amount in needs])
    _, at, counts = np.unique(numbered(list(lacks)), return_index=True, return_counts=True)
    for place, count in zip(at.tolist(), counts.tolist(), strict=True):
        names = [name for (name, _), short in zip(needs, lacks[:, place].tolist(), strict=True) if short]
        if names:
            words = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in names]
            reasons[", ".join(words)] += count
    return reasons


def _needs(room: PodAsk) -> list[tuple[str, int]]:
    return [(PODS, 1), *((name, min(amount, MOST)) for name, amount in room.requests.items() if amount > 0)]
