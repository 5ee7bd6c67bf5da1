"""The slowest link that a collective over a set has to cross."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology.measures import best_bottleneck_mb_s, bottleneck_mb_s, bottlenecks_mb_s


@st.composite
def tables(draw: st.DrawFn) -> NDArray[np.int64]:
    """Symmetric link tables of up to seven devices; some pairs have no link."""
    size = draw(st.integers(0, 7))
    speeds = st.one_of(st.just(0), st.integers(1, 9), st.integers(1, 2**52))
    cells = draw(st.lists(speeds, min_size=size * size, max_size=size * size))
    upper = np.triu(np.array(cells, np.int64).reshape(size, size), 1)
    made: NDArray[np.int64] = upper + upper.T
    return made


def by_networkx(links: NDArray[np.int64], chosen: tuple[int, ...]) -> int:
    graph = nx.Graph()
    graph.add_nodes_from(chosen)
    graph.add_weighted_edges_from((a, b, int(links[a, b])) for a, b in combinations(chosen, 2) if links[a, b])
    if len(chosen) < 2 or not nx.is_connected(graph):
        return 0
    return min(weight for _, _, weight in nx.maximum_spanning_tree(graph).edges(data="weight"))


@given(tables(), st.data())
def test_the_bottleneck_is_that_of_the_maximum_spanning_tree(links: NDArray[np.int64], data: st.DataObject) -> None:
    """The slowest edge of networkx' maximum spanning tree; 0 for fewer than two devices, or unconnected ones."""
    chosen = data.draw(st.lists(st.sampled_from(range(max(len(links), 1))), unique=True)) if len(links) else []
    assert bottleneck_mb_s(links, chosen) == by_networkx(links, tuple(chosen))


@given(tables(), st.integers(2, 7))
def test_the_best_bottleneck_is_that_of_the_best_set(links: NDArray[np.int64], count: int) -> None:
    """No set of so many devices has a greater one, and one has it."""
    sets = combinations(range(len(links)), count)
    assert best_bottleneck_mb_s(links, count) == max((by_networkx(links, chosen) for chosen in sets), default=0)


def test_one_device_has_no_set_to_be_best() -> None:
    """A question for fewer than two devices is refused."""
    with pytest.raises(InputError, match="count: 1 devices have no link between them; ask for at least 2"):
        best_bottleneck_mb_s(np.zeros((2, 2), np.int64), 1)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (np.array([[0, 2]]), "sets: 2 is not a device; use indices from 0 to 1"),
        (np.array([[1, 0], [1, 1]]), "sets: row 1 names 1 twice; give each device once"),
        (np.array([0, 1]), r"sets: int64 of shape \(2,\) given"),
        (np.array([[0.0, 1.0]]), r"sets: float64 of shape \(1, 2\) given"),
        (np.array([[True, False]]), r"sets: bool of shape \(1, 2\) given"),
    ],
)
def test_tables_of_sets_are_checked(sets: NDArray[np.int64], message: str) -> None:
    """A row that is no set of devices, and what is no table of rows, is refused."""
    with pytest.raises(InputError, match=message):
        bottlenecks_mb_s(np.zeros((2, 2), np.int64), sets)
