"""Rings through a set: how fast an all-reduce is, and MAPA's scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_MB_S, for_sets
from drapolicy.problem.local import LocalProblem
from drapolicy.topology.measures import ring, ring_all_reduce_mb_s, rings_mb_s

MOST_EXACT = 8
"""Devices up to which every ring is looked at; for more, those that grow from each device by the fastest link."""

_SETS_AT_ONCE = 500


def _all_reduce(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    def measure(sets: NDArray[np.int64]) -> NDArray[np.int64]:
        size = sets.shape[1]
        if size > MOST_EXACT:
            slowest = np.array([ring(node.links, one).mb_s for one in sets.tolist()], np.int64)
        else:
            slowest = rings_mb_s(node.links, sets)
        return slowest * size // (2 * (size - 1)) if size > 1 else slowest

    return for_sets(chosen, measure)


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_all_reduce)
def all_reduce(node: LocalProblem, chosen: Indices) -> int:
    """How much of a buffer a ring through the chosen devices reduces in a second: busbw k / (2 (k - 1)).

    The ring is the one with the fastest slowest link, exact up to 8 devices.
    Source: :func:`drapolicy.topology.measures.ring_all_reduce_mb_s`, after NCCL.
    """
    return ring_all_reduce_mb_s(ring(node.links, chosen.tolist()).mb_s, len(chosen))


@cache
def _orders(size: int) -> NDArray[np.intp]:
    """Return the rings through places, each once and from the first on; shape (rings, size)."""
    rest = permutations(range(1, size))
    return np.array([(0, *order) for order in rest if len(order) < 2 or order[0] < order[-1]], np.intp)


def _grown(links: NDArray[np.int64], chosen: list[int]) -> list[list[int]]:
    """Return rings that grow from each device, always by the fastest link to a device that is not on it yet."""
    rings = []
    for start in chosen:
        order = [start]
        while len(order) < len(chosen):
            near = links[order[-1]]
            order.append(max((d for d in chosen if d not in order), key=lambda d: (near[d], -d)))
        rings.append(order)
    return rings


def _grown_of(links: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what :func:`_grown` does for many sets of one size at once.

    Parameters
    ----------
    links
        Shape (D, D).
    sets
        Shape (S, K), each row ascending.

    Returns
    -------
    ndarray
        Shape (S, K, K): devices of the ring from each device of each set.
    """
    count, size = sets.shape
    within = links[sets[:, :, None], sets[:, None, :]]
    own, start = np.arange(count)[:, None], np.arange(size)
    free = np.broadcast_to(~np.eye(size, dtype=np.bool_), (count, size, size)).copy()
    order = np.empty((count, size, size), np.intp)
    order[:, :, 0] = last = np.broadcast_to(start, (count, size))
    for place in range(1, size):
        # Devices ascend, so the first of the fastest is the one that the loop takes.
        last = np.where(free, within[own, last], -1).argmax(axis=2)
        order[:, :, place] = last
        free[own, start, last] = False
    grown: NDArray[np.int64] = sets[own[:, :, None], order]
    return grown


def _rings(links: NDArray[np.int64], chosen: list[int]) -> list[list[int]]:
    if len(chosen) > MOST_EXACT:
        return _grown(links, chosen)
    return [[chosen[place] for place in order] for order in _orders(len(chosen)).tolist()]


def _edges(order: list[int]) -> list[tuple[int, int]]:
    """Return the edges of a ring; a ring of two goes to and fro."""
    return [(order[i - 1], d) for i, d in enumerate(order)]


_Value = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def _best_of_rings(
    tables: NDArray[np.int64], links: NDArray[np.int64], chosen: Masks, value: _Value
) -> NDArray[np.int64]:
    """Return the best value of the rings through each set: of sums over edges of tables of shape (T, D, D)."""

    def measure(sets: NDArray[np.int64]) -> NDArray[np.int64]:
        size = sets.shape[1]
        best = np.zeros(len(sets), np.int64)
        if size < 2:
            return best
        for begin in range(0, len(sets), _SETS_AT_ONCE):
            part = sets[begin : begin + _SETS_AT_ONCE]
            around = _grown_of(links, part) if size > MOST_EXACT else part[:, _orders(size)]
            sums = tables[:, around, np.roll(around, 1, axis=2)].sum(axis=3)
            best[begin : begin + _SETS_AT_ONCE] = value(sums).max(axis=1)
        return best

    return for_sets(chosen, measure)


def _ring_sum(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return _best_of_rings(node.links[None], node.links, chosen, lambda sums: sums[0])


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_ring_sum)
def ring_sum(node: LocalProblem, chosen: Indices) -> int:
    """Bandwidth of all links of the best ring through the chosen devices together; two devices count their link twice.

    Exact up to 8 devices. Source: MAPA (SC'21), src/TopoUtils.hh, ``lastScore`` of topology ``ring``.
    """
    return ring_sum_of(node.links, chosen.tolist())


def ring_sum_of(links: NDArray[np.int64], chosen: list[int]) -> int:
    """Return the greatest sum of links around a ring through some devices, in the unit of the links: the plain loop."""
    if len(chosen) < 2:
        return 0
    return max(sum(int(links[a, b]) for a, b in _edges(order)) for order in _rings(links, chosen))


# MAPA, scripts/get_predBW.py: GB/s of a pattern of x double and y single NVLinks and z PCIe links.
_LINEAR = (16.39670455, 4.536821878, 1.55623404)
_INVERSE = (-20.69484581, -9.467461958, 7.615106783)
_PAIRS = (-7.973335727, 12.73323772, -4.195655221)
_INVERSE_PAIRS = (-8.413419363, 62.85125807, 27.41832588)
_TRIPLE, _INVERSE_TRIPLE = -5.114108079, -46.97390071


def predicted_mb_s(x: int, y: int, z: int) -> int:
    """Return the bandwidth that MAPA predicts for a pattern, in MB/s, rounded down.

    Parameters
    ----------
    x, y, z
        How many of its links are double NVLinks, single NVLinks and PCIe.

    Examples
    --------
    >>> predicted_mb_s(2, 0, 0)
    58925
    """
    return int(_predicted(np.array([x, y, z], np.int64)))


def _predicted(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    x, y, z = counts.astype(np.float64)
    total = np.zeros(x.shape)
    for linear, inverse, own in zip(_LINEAR, _INVERSE, (x, y, z), strict=True):
        total = total + linear * own + inverse / (own + 1)
    for linear, inverse, pair in zip(_PAIRS, _INVERSE_PAIRS, (x * y, y * z, x * z), strict=True):
        total = total + linear * pair + inverse / (pair + 1)
    total = total + _TRIPLE * (x * y * z) + _INVERSE_TRIPLE / (x * y * z + 1)
    found: NDArray[np.int64] = np.floor(1_000 * total).astype(np.int64)
    return found


def _kinds(node: LocalProblem) -> NDArray[np.int64]:
    lanes = node.lanes
    return np.stack([lanes >= 2, lanes == 1, lanes == 0]).astype(np.int64)


def _predicted_bandwidth(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return np.maximum(_best_of_rings(_kinds(node), node.links, chosen, _predicted), 0)


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_predicted_bandwidth)
def predicted_bandwidth(node: LocalProblem, chosen: Indices) -> int:
    """Bandwidth that MAPA predicts for the best ring through the chosen devices: at least 0.

    Links of two NVLinks and more are double ones. Exact up to 8 devices.
    Source: MAPA (SC'21), src/MapaPolicies.hh, ``predictedBWgreedyMax``; polynomial of scripts/get_predBW.py.
    """
    own = chosen.tolist()
    if len(own) < 2:
        return 0
    best = 0
    for order in _rings(node.links, own):
        lanes = [int(node.lanes[a, b]) for a, b in _edges(order)]
        double, single = sum(n >= 2 for n in lanes), lanes.count(1)
        best = max(best, predicted_mb_s(double, single, len(lanes) - double - single))
    return best
