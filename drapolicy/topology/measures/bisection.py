"""What can cross between the halves of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures.best import MOST_DEVICES
from drapolicy.topology.measures.checks import indices, set_table

_SEED = 0
_STARTS = 8


def bisection_mb_s(links: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Return the least bandwidth between two halves of a set, over all ways to halve it.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    chosen
        At most `MOST_DEVICES` distinct device indices.

    Returns
    -------
    int
        MB/s in one direction, each pair once; halves of an odd set differ by one device; 0 for fewer than two.

    Raises
    ------
    InputError
        If an index is out of range or given twice, or there are too many to look at all halves: see
        `bisection_bounds`.

    Notes
    -----
    Time O(2ᵏ k²). It is exact for the table given; where pairs share links on the way, as through a switch's uplink,
    a table of pairs says more than can cross at once.

    Examples
    --------
    >>> bisection_mb_s(np.array([[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]), [0, 1, 2, 3])
    4
    """
    chosen = indices(chosen, len(links), "chosen")
    _small(len(chosen), "chosen")
    least: int | None = None
    for half in combinations(chosen, len(chosen) // 2):
        crossing = sum(int(links[a, b]) for a in half for b in chosen if b not in half)
        least = crossing if least is None else min(least, crossing)
    return least or 0


def bisections_mb_s(links: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bisection of each of many sets: `bisection_mb_s` at once.

    Parameters
    ----------
    links
        As for `bisection_mb_s`.
    sets
        ndarray of shape (S, k), int64, k at most `MOST_DEVICES`: device indices, distinct in each row.

    Returns
    -------
    ndarray of shape (S,), int64, MB/s

    Raises
    ------
    InputError
        If a row is no set of devices, or has too many.
    """
    sets = set_table(sets, len(links))
    count, k = sets.shape
    _small(k, "sets")
    least = np.zeros(count, np.int64)
    if k < 2:
        return least
    halves = _halves(k)
    for s in range(count):
        inside = links[np.ix_(sets[s], sets[s])]
        least[s] = ((halves @ inside) * (1 - halves)).sum(axis=1).min()
    return least


@dataclass(frozen=True)
class Bounds:
    """Between which numbers the bisection of a set lies.

    Attributes
    ----------
    least_mb_s
        No cut of the set carries less, balanced or not: the global minimum cut.
    most_mb_s
        The best halves that the heuristic found carry so much.
    """

    least_mb_s: int
    most_mb_s: int


def bisection_bounds(links: NDArray[np.int64], chosen: Sequence[int]) -> Bounds:
    """Bound the bisection of a set of any size.

    Parameters
    ----------
    links, chosen
        As for `bisection_mb_s`, but any number of devices.

    Raises
    ------
    InputError
        If an index is out of range or given twice.

    Notes
    -----
    The lower bound is the minimum cut of M. Stoer and F. Wagner (J. ACM 44, 1997, doi:10.1145/263867.263872), the
    upper bound the exchange heuristic of B. W. Kernighan and S. Lin (Bell System Technical Journal 49, 1970,
    doi:10.1002/j.1538-7305.1970.tb01770.x) from eight seeded starts. Neither is the bisection; where they are equal,
    both are. A torus has a closed form: `drapolicy.topology.measures.tori.torus_bisection`.

    Examples
    --------
    >>> bisection_bounds(np.array([[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]), [0, 1, 2, 3])
    Bounds(least_mb_s=4, most_mb_s=4)
    """
    import networkx as nx

    chosen = indices(chosen, len(links), "chosen")
    if len(chosen) < 2:
        return Bounds(0, 0)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(chosen)
    for a, b in combinations(chosen, 2):
        if links[a, b]:
            graph.add_edge(a, b, weight=int(links[a, b]))
    most = min(
        int(nx.cut_size(graph, *nx.community.kernighan_lin_bisection(graph, seed=_SEED + i), weight="weight"))
        for i in range(_STARTS)
    )
    least = int(nx.stoer_wagner(graph)[0]) if nx.is_connected(graph) else 0
    return Bounds(least, most)


@cache
def _halves(k: int) -> NDArray[np.int64]:
    """Return which places are in the lower half, for each way to halve k places; shape (ways, k)."""
    halves = list(combinations(range(k), k // 2))
    if k % 2 == 0:
        halves = halves[: len(halves) // 2]  # the rest are their complements
    table = np.zeros((len(halves), k), np.int64)
    for row, half in zip(table, halves, strict=True):
        row[list(half)] = 1
    return table


def _small(count: int, name: str) -> None:
    if count > MOST_DEVICES:
        fix = f"give at most {MOST_DEVICES}, or bound it with bisection_bounds"
        raise InputError(f"{name}: {count} devices are too many to look at all halves; {fix}")
