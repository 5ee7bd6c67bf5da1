"""Cells and domains: aligned blocks of devices, and tight parts of the host."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.problem.local import LocalProblem


def _places(node: LocalProblem) -> list[list[int]]:
    """Return the devices of each driver in order: what cells are aligned by."""
    driver = node.drivers
    return [np.flatnonzero(driver == code).tolist() for code in np.unique(driver)]


def _cells(node: LocalProblem) -> list[tuple[int, list[int]]]:
    """Return all aligned cells of 2, 4, 8 … devices: their level and devices."""
    cells = []
    for own in _places(node):
        size, level = 2, 1
        while size <= len(own):
            cells += [(level, own[i : i + size]) for i in range(0, len(own) - size + 1, size)]
            size, level = 2 * size, level + 1
    return cells


def _cells_broken(node: LocalProblem, left: Masks, before: Masks) -> NDArray[np.int64]:
    total = np.zeros(len(left), np.int64)
    for level, own in _cells(node):
        total += 4**level * (before[:, own].all(axis=1) & ~left[:, own].all(axis=1))
    return total


@objective(sense="min", unit="cells", bounds=(0, 2**52), over=_cells_broken)
def cells_broken(node: LocalProblem, left: Indices, before: Indices) -> int:
    """Free aligned cells of 2, 4, 8 … devices that the choice breaks; a cell of the next size counts four times.

    Devices are in cells by their place among those of their driver, as buddies in memory.
    Source: HiveD (OSDI'20), section 3: buddy cells, the smallest that fits is split.
    """
    free, after = set(before.tolist()), set(left.tolist())
    return sum(4**level for level, own in _cells(node) if free.issuperset(own) and not after.issuperset(own))


def _domain(node: LocalProblem) -> NDArray[np.int16]:
    numa = node.groups["numa"]
    return numa if (numa >= 0).any() else node.groups["pcieRoot"]


def _domain_slack(node: LocalProblem, chosen: Masks, before: Masks) -> NDArray[np.int64]:
    domain = _domain(node)
    member = (domain[:, None] == np.unique(domain)).astype(np.int64)
    touched = chosen.astype(np.int64) @ member > 0
    left: NDArray[np.int64] = np.where(touched, (before & ~chosen).astype(np.int64) @ member, 0).sum(axis=1)
    return left


@objective(sense="min", unit="devices", bounds=(0, MOST_DEVICES), over=_domain_slack)
def domain_slack(node: LocalProblem, chosen: Indices, before: Indices) -> int:
    """Devices that stay free in the NUMA nodes that the choice touches; in PCIe roots where no NUMA node is known.

    Source: Kueue, KEP-2724: the domain with the least free capacity that still fits.
    """
    domain = _domain(node)
    touched = set(domain[chosen].tolist())
    return sum(int(domain[d]) in touched for d in before.tolist() if d not in chosen)
