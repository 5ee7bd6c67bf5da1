"""Alignment: how few parts of a host the chosen devices lie in, across requests and drivers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.links import Path
from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_DEVICES, touched
from drapolicy.problem.local import LocalProblem
from drapolicy.topology.attributes import role

_FAR = int(max(Path))


def _numa_nodes(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return touched(node.groups["numa"], chosen)


@objective(sense="min", unit="NUMA nodes", bounds=(0, MOST_DEVICES), over=_numa_nodes)
def numa_nodes(node: LocalProblem, chosen: Indices) -> int:
    """NUMA nodes over which the chosen devices lie, of whatever request and driver; unknown ones count as one."""
    return len(set(node.groups["numa"][chosen].tolist()))


def _pcie_roots(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return touched(node.groups["pcieRoot"], chosen)


@objective(sense="min", unit="PCIe roots", bounds=(0, MOST_DEVICES), over=_pcie_roots)
def pcie_roots(node: LocalProblem, chosen: Indices) -> int:
    """PCIe roots over which the chosen devices lie, of whatever request and driver; unknown ones count as one."""
    return len(set(node.groups["pcieRoot"][chosen].tolist()))


def _apart(node: LocalProblem) -> NDArray[np.int64]:
    """Return how far apart devices are: 0 in a PCIe root, 1 in a NUMA node, 2 else; shape (D, D)."""
    root, numa = node.groups["pcieRoot"], node.groups["numa"]
    apart = np.full((len(root), len(root)), 2, np.int64)
    apart[(numa[:, None] == numa) & (numa >= 0)] = 1
    apart[(root[:, None] == root) & (root >= 0)] = 0
    return apart


def _misaligned(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    driver, apart = node.drivers, _apart(node)
    far = np.where(driver[:, None] == driver, _FAR, apart)
    total = np.zeros(len(chosen), np.int64)
    for d in range(len(driver)):
        nearest = np.where(chosen, far[d], _FAR).min(axis=1)
        total += np.where(chosen[:, d] & (nearest < _FAR), nearest, 0)
    return total


@objective(sense="min", unit="steps", bounds=(0, 2 * MOST_DEVICES), over=_misaligned)
def misaligned(node: LocalProblem, chosen: Indices) -> int:
    """How far each chosen device is from the nearest chosen one of another driver, added up.

    0 in the same PCIe root, 1 in the same NUMA node, 2 else; nothing where all are of one driver.
    """
    total = 0
    driver, apart = node.drivers, _apart(node)
    for d in chosen.tolist():
        others = [int(apart[d, e]) for e in chosen.tolist() if driver[e] != driver[d]]
        total += min(others, default=0)
    return total


def _is_nic(node: LocalProblem) -> NDArray[np.bool_]:
    return np.array([role(d.pool.driver, d.api) == "nic" for d in node.devices], np.bool_)


def _nic_distance(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    nic = _is_nic(node)
    steps: NDArray[np.int64] = _FAR - node.paths.astype(np.int64)
    if not nic.any():
        return np.zeros(len(chosen), np.int64)
    own: Masks = np.logical_and(chosen, nic)
    usable = np.where(own.any(axis=1, keepdims=True), own, nic[None])
    total = np.zeros(len(chosen), np.int64)
    for d in np.flatnonzero(~nic).tolist():
        row: NDArray[np.int64] = steps[d, :]
        nearest = np.where(usable, row, _FAR).min(axis=1)
        total += np.where(chosen[:, d], nearest, 0)
    return total


@objective(sense="min", unit="steps", bounds=(0, _FAR * MOST_DEVICES), over=_nic_distance)
def nic_distance(node: LocalProblem, chosen: Indices) -> int:
    """How far each chosen device is from the nearest network card, added up.

    The cards are those that are chosen too, or all of the node if none is; nothing on a node without cards. A step is
    one of `Path`: 0 on one board, 1 below one PCIe switch, up to 5 over sockets and 6 where no path is known.
    """
    nic = np.flatnonzero(_is_nic(node)).tolist()
    own = set(chosen.tolist())
    usable = [n for n in nic if n in own] or nic
    steps = [[_FAR - int(node.paths[d, n]) for n in usable] for d in chosen.tolist() if d not in nic]
    return sum(min(far, default=0) for far in steps)
