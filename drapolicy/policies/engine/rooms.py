"""What nodes have left besides devices, by the columns of a state."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.views import numbered
from drapolicy.problem.amounts import Amounts, Columns
from drapolicy.problem.ask import Ask
from drapolicy.problem.resources import CPU, MEMORY, PODS
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


class Needs(NamedTuple):
    """What a pod needs of nodes besides devices; nothing of nodes that a claim on its own asks for.

    Attributes
    ----------
    columns
        What nodes have left of each of R resources.
    amounts
        ndarray of shape (R,), int64; how much of each is needed.
    """

    columns: Columns
    amounts: NDArray[np.int64]

    @property
    def pairs(self) -> list[tuple[Amounts, int]]:
        """Each column with how much of it is needed."""
        return list(zip(self.columns.each, self.amounts.tolist(), strict=True))

    def met(self, nodes: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which of some nodes have as much."""
        fits = np.ones(len(nodes), np.bool_)
        for column, amount in self.pairs:
            fits &= column.of(nodes) >= amount
        return fits


def asked(rooms: NodeRooms, ask: Ask) -> Needs:
    """Return what the pod of an ask needs."""
    names, amounts = ask.needs
    return Needs(rooms.together(names), amounts)


def lacking(rooms: NodeRooms, ask: Ask, nodes: NDArray[np.intp]) -> Counter[str]:
    """Return NodeResourcesFit's words for each of some nodes that lack something, with counts."""
    reasons: Counter[str] = Counter()
    needs = list(zip(ask.needs[0], ask.needs[1].tolist(), strict=True))
    lacks = np.array([rooms.left(name).of(nodes) < amount for name, amount in needs])
    _, at, counts = np.unique(numbered(list(lacks)), return_index=True, return_counts=True)
    for place, count in zip(at.tolist(), counts.tolist(), strict=True):
        names = [name for (name, _), short in zip(needs, lacks[:, place].tolist(), strict=True) if short]
        if names:
            words = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in names]
            reasons[", ".join(words)] += count
    return reasons
