"""Bandwidth that counts, and what it does to run times."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drapolicy.problem.site import Sites
from drapolicy.simulate import Ideal, bottleneck_mb_s, stretched_ns
from drapolicy.simulate.speed import best_bottleneck_mb_s
from drapolicy.workload import fleet


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


@pytest.mark.parametrize(
    ("duration", "percent", "ideal", "real", "stretched"),
    [
        (1000, 20, 300, 30, 2800),  # 800 + 200 * 10
        (1000, 100, 300, 100, 3000),
        (1000, 50, 300, 300, 1000),
        (1000, 50, 300, 400, 1000),  # never faster than ideal
        (1000, 0, 300, 1, 1000),
        (1000, 50, 0, 0, 1000),
        (3, 33, 10, 3, 5),  # 3 * 0.67 + 3 * 0.33 * 10 / 3 = 5.31
        (10**17, 1, 10**15, 1, (10**17 * 99 + 10**32) // 100),
    ],
)
def test_run_times_are_exact(duration: int, percent: int, ideal: int, real: int, stretched: int) -> None:
    """Whole nanoseconds, rounded down, without floats."""
    assert stretched_ns(duration, percent, ideal, real) == stretched


def test_ideal_is_the_best_that_some_node_can_give() -> None:
    """Pairs have their bridge; more devices need the slowest path between pairs; drivers are told apart."""
    bridged = Ideal(Sites(fleet("a100-pcie-bridged", 2)))
    links = Sites(fleet("a100-pcie-bridged"))[0].links
    gpu, nic = "gpu.nvidia.com", "dra.net"
    assert bridged.mb_s([gpu]) == bridged.mb_s([]) == 0
    assert bridged.mb_s([gpu, gpu]) == links.max()
    assert 0 < bridged.mb_s([gpu] * 4) < links.max()
    assert 0 < bridged.mb_s([gpu, nic]) < links.max()
    assert bridged.mb_s([gpu] * 9) == 0
    assert bridged.mb_s([nic, gpu]) == bridged.mb_s([gpu, nic])
