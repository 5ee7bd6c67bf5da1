"""Measures where there is nothing to measure, too much, or only what has failed; loops agree everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.topology import Topology
from drapolicy.topology.generate import generate
from drapolicy.topology.measures import alignment, groups, hops, levels, pairwise
from drapolicy.topology.measures.hops import hops_loop
from drapolicy.topology.measures.levels import APART, level_of
from drapolicy.topology.measures.pairwise import pairwise_loop
from drapolicy.topology.measures.spread import GROUPS

Table = Callable[[Topology, tuple[str, ...]], NDArray[np.int64]]


def graph(vertices: dict[str, str], *edges: tuple[str, str, str, int]) -> Topology:
    """A graph of vertices by kind, and edges with kind and bandwidth."""
    made: nx.Graph[str] = nx.Graph()
    for name, kind in vertices.items():
        made.add_node(name, kind=kind, **({"layer": "nvswitch"} if kind == "switch" else {}))
    for a, b, kind, mb_s in edges:
        made.add_edge(a, b, kind=kind, count=1, bandwidth_mb_s=mb_s)
    return Topology(made)


def equal(topology: Topology, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Bandwidths, after they and the other tables were held against their loops."""
    found = pairwise(topology, names)
    np.testing.assert_array_equal(found, pairwise_loop(topology, names))
    np.testing.assert_array_equal(hops(topology, names), hops_loop(topology, names))
    loop = np.array([[level_of(topology, a, b) for b in names] for a in names], np.int64)
    np.testing.assert_array_equal(levels(topology, names), loop.reshape(found.shape))
    return found


def test_one_device_alone_and_none() -> None:
    """Tables of one entry, or of none."""
    alone = graph({"g": "gpu"})
    assert equal(alone, ("g",)).tolist() == [[0]]
    assert equal(alone, ()).shape == (0, 0)
    assert hops(alone, ("g",)).tolist() == levels(alone, ("g",)).tolist() == [[0]]
    assert [groups(alone, ("g",), by).tolist() for by in GROUPS] == [[-1]] * len(GROUPS)


def test_devices_that_nothing_joins() -> None:
    """They are apart: no bandwidth, no hops, no level, no card."""
    apart = graph({"g": "gpu", "n": "nic", "h": "host"})
    assert equal(apart, ("g", "n", "h")).tolist() == [[0] * 3] * 3
    assert hops(apart, ("g", "n")).tolist() == [[0, -1], [-1, 0]]
    assert levels(apart, ("g", "n")).tolist() == [[0, APART], [APART, 0]]
    assert set(alignment(apart, ("g",), ("n",)).own.values()) == {0}


def test_a_network_without_known_speed_is_a_way_that_carries_nothing() -> None:
    """0 MB/s is what is known; the hops are counted."""
    told = graph({"a": "nic", "b": "nic", "s": "switch"}, ("a", "s", "NET", 0), ("b", "s", "NET", 0))
    assert equal(told, ("a", "b")).tolist() == [[0, 0], [0, 0]]
    assert hops(told, ("a", "b"))[0, 1] == 2


@pytest.mark.parametrize(
    "kind", ["dgx-1-v100", "dgx-2", "dgx-a100", "hgx-h100", "mi250x", "mi300a", "mi300x", "pcie", "cpu-nic"]
)
@pytest.mark.parametrize("failures", [0, 0.2, 1.0])
def test_machines_with_failed_links(kind: str, failures: float) -> None:
    """Whatever has failed, tables equal their loops; with all failed nothing carries."""
    topology = generate(kind, failures=failures, seed=3)
    found = equal(topology, topology.devices)
    if failures == 1.0:
        assert not found.any()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("fat-tree", {"nodes": 9, "ports": 4, "tiers": 3}),
        ("fat-tree", {"nodes": 4, "machine": "dgx-1-v100"}),
        ("rail-optimised", {"nodes": 5, "ports": 8, "rails": 3}),
        ("dragonfly", {"nodes": 20}),
        ("torus", {"shape": (4, 3, 2), "host": (2, 1, 1)}),
        ("dgx-2", {"nodes": 2}),
    ],
)
def test_networks_with_failed_links(kind: str, params: dict[str, Any]) -> None:
    """Over the network too, names in any order."""
    for seed in range(3):
        topology = generate(kind, failures=0.1 * seed, seed=seed, **params)
        names = list(topology.devices)
        np.random.default_rng(seed).shuffle(names)
        equal(topology, tuple(names[:12]))


def test_two_planes_of_nvswitches_lose_what_fails() -> None:
    """Each plane carries its own links; without one, the other's are left; without both, nothing."""
    vertices = {"a": "gpu", "b": "gpu", "s": "switch", "t": "switch"}
    edges = [(gpu, plane, "NV", mb_s) for gpu in "ab" for plane, mb_s in (("s", 5), ("t", 7))]
    whole = graph(vertices, *edges)
    assert equal(whole, ("a", "b"))[0, 1] == 12
    assert equal(whole.with_failed("t"), ("a", "b"))[0, 1] == 5
    assert equal(whole.with_failed("t", ("a", "s")), ("a", "b"))[0, 1] == 0


def test_hosts_without_memory_nodes_join_their_roots() -> None:
    """Roots in a host, which no memory node divides: a path goes over the host."""
    host = graph(
        {"h": "host", "r": "pcie_root", "q": "pcie_root", "a": "gpu", "b": "gpu"},
        ("r", "h", "in", 0),
        ("q", "h", "in", 0),
        ("a", "r", "PCIE", 24_000),
        ("b", "q", "PCIE", 24_000),
    )
    assert equal(host, ("a", "b", "h"))[0, 1] == 10_000


def test_links_beside_each_other_add_up() -> None:
    """A pair of devices has one edge, which carries all of its links."""
    joined: nx.Graph[str] = nx.Graph()
    joined.add_nodes_from("ab", kind="gpu")
    joined.add_edge("a", "b", kind="NV", count=6, bandwidth_mb_s=150_000)
    assert equal(Topology(joined), ("a", "b"))[0, 1] == 150_000


@pytest.mark.parametrize("table", [pairwise, hops, levels])
def test_tables_that_would_not_fit_are_refused(table: Table) -> None:
    """The error says how many names there may be; so many are measured."""
    topology = generate("torus", shape=(32, 32, 16), host=(2, 2, 1))
    chips = topology.of_kind("gpu")
    with pytest.raises(InputError, match=r"names: 16,384 of 20,481 vertices are too many; give at most 6,553"):
        table(topology, chips)
    assert table(topology, chips[:3]).shape == (3, 3)


def test_few_devices_of_a_great_network_take_no_table_of_it() -> None:
    """Ways between eight cards of 4,000 nodes are found within the time of a test."""
    topology = generate("fat-tree", nodes=4_000, tiers=3)
    found = pairwise(topology, topology.of_kind("nic")[:8])
    assert (found[~np.eye(8, dtype=bool)] == 50_000).all()
