"""Bandwidth between devices: what a choice gets, and what it takes from later ones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.decorator import objective
from drapolicy.policies.objective import Indices, Masks
from drapolicy.policies.objectives.masks import MOST_MB_S, for_sets, pair_sums
from drapolicy.problem.local import LocalProblem
from drapolicy.topology.measures import bottleneck_mb_s, bottlenecks_mb_s


def _inside(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return pair_sums(node.links, chosen)


def _links(node: LocalProblem) -> NDArray[np.int64]:
    return node.links


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_inside, pairs=_links)
def inside(node: LocalProblem, chosen: Indices) -> int:
    """Bandwidth between the chosen devices, each pair once."""
    return sum(int(node.links[a, b]) for a, b in combinations(chosen.tolist(), 2))


def _links_lost(node: LocalProblem, left: Masks, before: Masks) -> NDArray[np.int64]:
    lost: NDArray[np.int64] = pair_sums(node.links, before) - pair_sums(node.links, left)
    return lost


def _lost_pairs(node: LocalProblem) -> NDArray[np.int64]:
    return _lost(node, node.links)


def _lost(node: LocalProblem, links: NDArray[np.int64]) -> NDArray[np.int64]:
    free = np.zeros(len(links), np.bool_)
    free[node.left(np.empty(0, np.intp))] = True
    links = np.where(free[:, None] & free, links, 0)
    # A device costs all its links; those to another chosen device were counted with both.
    return np.diag(links.sum(axis=1)) - links


@objective(sense="min", unit="MB/s", bounds=(0, MOST_MB_S), over=_links_lost, pairs=_lost_pairs)
def links_lost(node: LocalProblem, left: Indices, before: Indices) -> int:
    """Bandwidth between free devices that the choice takes away from later claims, each pair once."""
    gone = np.setdiff1d(before, left, assume_unique=True)
    # Pairs with a device that goes: each once, those of two such devices are counted twice at first.
    return int(node.links[np.ix_(gone, before)].sum()) - int(node.links[np.ix_(gone, gone)].sum()) // 2


def _bottleneck(node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
    return for_sets(chosen, lambda sets: bottlenecks_mb_s(node.links, sets))


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_bottleneck, joins=_links)
def bottleneck(node: LocalProblem, chosen: Indices) -> int:
    """Slowest link that a collective of the chosen devices must cross, over the fastest tree that joins them.

    Source: :func:`drapolicy.topology.measures.bottleneck_mb_s`.
    """
    return bottleneck_mb_s(node.links, chosen.tolist())


def _nvlinks_left(node: LocalProblem, left: Masks) -> NDArray[np.int64]:
    return pair_sums(_straight(node), left)


def _straight(node: LocalProblem) -> NDArray[np.int64]:
    return np.where(node.lanes > 0, node.links, 0)


def _nvlinks_gone(node: LocalProblem) -> NDArray[np.int64]:
    return -_lost(node, _straight(node))


@objective(sense="max", unit="MB/s", bounds=(0, MOST_MB_S), over=_nvlinks_left, pairs=_nvlinks_gone)
def nvlinks_left(node: LocalProblem, left: Indices) -> int:
    """Bandwidth of NVLinks and xGMI between devices that stay free, each pair once: what MAPA preserves.

    Source: MAPA (SC'21), src/TopoUtils.hh, ``getPreservationScore``.
    """
    pairs = combinations(left.tolist(), 2)
    return sum(int(node.links[a, b]) for a, b in pairs if node.lanes[a, b] > 0)
