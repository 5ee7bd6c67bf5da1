"""Bandwidth of sets and the best sets."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology import bandwidth_mb_s, best_sets

# Pairs (0,1) and (2,3) bridged by 12 links, everything else SYS.
BRIDGES = np.full((4, 4), 10_000) - np.diag([10_000] * 4)
BRIDGES[[0, 1, 2, 3], [1, 0, 3, 2]] = 300_000


@st.composite
def link_tables(draw: st.DrawFn) -> NDArray[np.int64]:
    size = draw(st.integers(0, 7))
    links = np.zeros((size, size), np.int64)
    for a, b in combinations(range(size), 2):
        links[a, b] = links[b, a] = draw(st.sampled_from([0, 1, 2, 10_000, 25_000]))
    return links


def test_each_pair_counts_once() -> None:
    """Three devices, one bridge: 300,000 + 2 × 10,000."""
    assert bandwidth_mb_s(BRIDGES, [2, 0, 1]) == 320_000
    assert type(bandwidth_mb_s(BRIDGES, [0, 1])) is int
    assert bandwidth_mb_s(BRIDGES, [3]) == bandwidth_mb_s(BRIDGES, []) == 0


def test_bridged_pairs_are_best_and_a_taken_device_leaves_one() -> None:
    """All ties come, lowest indices first; with GPU0 taken only (2, 3) is left."""
    assert best_sets(BRIDGES, range(4), 2) == ((0, 1), (2, 3))
    assert best_sets(BRIDGES, [3, 1, 2], 2) == ((2, 3),)
    assert best_sets(BRIDGES, range(4), 3) == ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))


def test_edges_of_the_question() -> None:
    """No devices asked for is the empty set; more than there are is none."""
    assert best_sets(BRIDGES, [1, 2], 0) == ((),)
    assert best_sets(BRIDGES, [2, 1], 1) == ((1,), (2,))
    assert best_sets(BRIDGES, [1, 2], 3) == ()
    assert best_sets(BRIDGES, [], 0) == ((),)


@given(link_tables(), st.data())
def test_best_sets_equal_the_loop(links: NDArray[np.int64], data: st.DataObject) -> None:
    """The vectorised search finds exactly what looking at each set finds."""
    free = data.draw(st.lists(st.integers(0, len(links) - 1), unique=True)) if len(links) else []
    k = data.draw(st.integers(0, len(links) + 1))
    worth = {chosen: bandwidth_mb_s(links, chosen) for chosen in combinations(sorted(free), k)}
    expected = tuple(chosen for chosen, mb_s in worth.items() if mb_s == max(worth.values()))
    assert best_sets(links, free, k) == expected


@given(link_tables())
def test_the_best_pair_beats_every_pair_of_a_matching(links: NDArray[np.int64]) -> None:
    """No pair of a heaviest matching, found by another library, carries more than the best pair."""
    if len(links) < 2:
        return
    graph = nx.Graph()
    graph.add_weighted_edges_from((a, b, int(links[a, b])) for a, b in combinations(range(len(links)), 2))
    heaviest = max(links[a, b] for a, b in nx.max_weight_matching(graph, maxcardinality=True))
    best = best_sets(links, range(len(links)), 2)[0]
    assert links[best] >= heaviest


def test_sixteen_devices_are_enough_seventeen_too_many() -> None:
    """The limit is 16 free devices, not 16 devices."""
    links = np.ones((17, 17), np.int64) - np.eye(17, dtype=np.int64)
    assert best_sets(links, range(1, 17), 8)[0] == tuple(range(1, 9))
    with pytest.raises(InputError, match="free: 17 devices are too many"):
        best_sets(links, range(17), 8)


@pytest.mark.parametrize(
    ("free", "k", "message"),
    [
        ([0, 4], 1, "free: 4 is not a device; use indices from 0 to 3"),
        ([-1], 1, "free: -1 is not a device"),
        ([1, 1], 1, "free: 1 is given twice"),
        ([0], -1, "k: -1 is negative"),
        ([True, False, True, True], 1, "free: is a mask"),
        (np.array([True, False, True, True]), 1, "free: is a mask"),
    ],
)
def test_bad_questions(free: list[int], k: int, message: str) -> None:
    """Indices that name no device or one twice, and masks, are refused."""
    with pytest.raises(InputError, match=message):
        best_sets(BRIDGES, free, k)
