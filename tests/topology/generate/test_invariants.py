"""What textbooks say of networks: degree, diameter, bisection, ways between switches."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations
from math import prod
from typing import Any

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.topology import Topology
from drapolicy.topology.generate import generate
from drapolicy.topology.measures import hops, torus_bisection
from drapolicy.topology.measures.bisection import bisection_mb_s


def layers(topology: Topology) -> dict[str, list[str]]:
    """Switches by their layer."""
    found: dict[str, list[str]] = {}
    for name in topology.of_kind("switch"):
        found.setdefault(topology.graph.nodes[name]["layer"], []).append(name)
    return found


def fabric(topology: Topology) -> nx.Graph[str]:
    """Switches and cards, and the links between them."""
    names = [*topology.of_kind("switch"), *topology.of_kind("nic")]
    kept = [(a, b) for a, b, data in topology.graph.subgraph(names).edges(data=True) if data["kind"] != "in"]
    return topology.graph.edge_subgraph(kept)


def degree(graph: nx.Graph[str], name: str) -> int:
    """Links of a vertex."""
    return sum(data["count"] for data in graph[name].values())


def crossing(topology: Topology, halves: tuple[list[str], list[str]]) -> int:
    """What can cross between two sets of cards at once, in MB/s: their maximum flow."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for a, b, data in fabric(topology).edges(data=True):
        graph.add_edge(a, b, capacity=data["bandwidth_mb_s"])
        graph.add_edge(b, a, capacity=data["bandwidth_mb_s"])
    for half, end in zip(halves, ("source", "sink"), strict=True):
        for card in half:
            graph.add_edge(*(("source", card) if end == "source" else (card, "sink")), capacity=2**40)
    return int(nx.maximum_flow_value(graph, "source", "sink"))


@pytest.mark.parametrize("k", [2, 4, 6, 8])
def test_the_k_ary_fat_tree(k: int) -> None:
    """Al-Fares et al., section 3: k ports of all switches in use, k²/4 shortest ways between pods, six links at most,
    and half of the hosts can send to the other half at full rate."""
    topology = generate("fat-tree", ports=k, tiers=3, nodes=k**3 // 4, speed="HDR")
    graph, cards = fabric(topology), topology.of_kind("nic")
    assert {degree(graph, name) for name in topology.of_kind("switch")} == {k}
    assert nx.diameter(graph) == 6
    ways = list(nx.all_shortest_paths(graph, cards[0], cards[-1]))
    assert len(ways) == k * k // 4
    found = hops(topology, cards)
    inside = k * k // 4  # hosts of a pod
    expected = {2: len(cards) * (k // 2 - 1), 4: len(cards) * (inside - k // 2), 6: len(cards) * (len(cards) - inside)}
    assert Counter(found[~np.eye(len(cards), dtype=bool)].tolist()) == {n: c for n, c in expected.items() if c}
    half = len(cards) // 2
    assert crossing(topology, (list(cards[:half]), list(cards[half:]))) == half * 25_000


@pytest.mark.parametrize(("ports", "oversubscription"), [(8, 1), (12, 2), (12, 3), (16, 1)])
def test_two_tiers_carry_their_part(ports: int, oversubscription: int) -> None:
    """Full leaves send so much upwards as they take from below, divided by the oversubscription."""
    up = ports // (oversubscription + 1)
    down = up * oversubscription
    topology = generate("fat-tree", ports=ports, oversubscription=oversubscription, nodes=4 * down, speed="HDR")
    graph, cards, of = fabric(topology), topology.of_kind("nic"), layers(topology)
    assert nx.diameter(graph) == 4
    assert len(of["leaf"]) == 4
    for leaf, spine in ((leaf, spine) for leaf in of["leaf"] for spine in of["spine"]):
        assert graph.edges[leaf, spine]["count"] == up // len(of["spine"])
    assert len(list(nx.all_shortest_paths(graph, cards[0], cards[-1]))) == len(of["spine"])
    half = 2 * down
    assert crossing(topology, (list(cards[:half]), list(cards[half:]))) * oversubscription == half * 25_000


@pytest.mark.parametrize(("rails", "ports", "nodes"), [(4, 8, 8), (8, 16, 16), (4, 16, 24), (2, 8, 7)])
def test_rails_are_two_links_and_others_four(rails: int, ports: int, nodes: int) -> None:
    """Cards of one rail on one leaf are two links apart, all others four; full leaves lose nothing above."""
    topology = generate("rail-optimised", rails=rails, ports=ports, nodes=nodes)
    graph, cards = fabric(topology), topology.of_kind("nic")
    found = hops(topology, cards)
    place = [(n // (ports // 2), rail) for n in range(nodes) for rail in range(rails)]
    for d, e in combinations(range(len(cards)), 2):
        assert found[d, e] == (2 if place[d] == place[e] else 4)
    assert max(degree(graph, name) for name in topology.of_kind("switch")) <= ports
    if nodes % ports == 0:
        rail = [card for card in cards if card.endswith("NIC0")]
        half = nodes // 2
        assert crossing(topology, (rail[:half], rail[half:])) == half * 50_000


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_balanced_dragonfly(p: int) -> None:
    """Kim et al., section 3: with a = 2p = 2h and a h + 1 groups all 4p - 1 ports are in use, any two groups have one
    link, and a way goes over at most one of them: three links between switches."""
    a = 2 * p
    groups = a * p + 1
    topology = generate("dragonfly", nodes_of_switch=p, nodes=p * a * groups)
    graph = fabric(topology)
    switches = graph.subgraph(topology.of_kind("switch"))
    assert len(switches) == a * groups
    assert {degree(graph, name) for name in switches} == {4 * p - 1}
    assert nx.diameter(switches) == 3
    between = [(x, y) for x, y in switches.edges if x.split("/")[0] != y.split("/")[0]]
    assert len(between) == groups * (groups - 1) // 2
    with pytest.raises(InputError, match="nodes: .* groups are more than .* give more nodes_of_switch"):
        generate("dragonfly", nodes_of_switch=p, nodes=p * a * groups + 1)


@pytest.mark.parametrize("shape", [(2,), (8,), (4, 4), (3, 5), (4, 4, 4), (2, 3, 4), (4, 2, 2, 2)])
@pytest.mark.parametrize("wrap", [True, False])
def test_tori_and_grids(shape: tuple[int, ...], wrap: bool) -> None:
    """Degree is two links an axis, distance the sum over axes, of the shorter way round where it wraps."""
    topology = generate("torus", shape=shape, host=(1,) * len(shape), wrap=wrap)
    chips = topology.of_kind("gpu")
    graph = topology.graph.edge_subgraph([(a, b) for a, b, d in topology.graph.edges(data=True) if d["kind"] == "ICI"])
    places = [topology.graph.nodes[chip]["position"] for chip in chips]
    found = hops(topology, chips)
    for d, one in enumerate(places):
        steps = [[abs(x - y) for x, y in zip(one, other, strict=True)] for other in places]
        round_ = [
            [min(step, size - step) if wrap else step for step, size in zip(row, shape, strict=True)] for row in steps
        ]
        assert found[d].tolist() == [sum(row) for row in round_]
    assert found.max() == sum(size // 2 if wrap else size - 1 for size in shape)
    links = sum(degree(graph, chip) for chip in chips) // 2
    assert links == sum(prod(shape) if wrap else prod(shape) // size * (size - 1) for size in shape)
    if wrap and max(shape) % 2 == 0 and len(chips) <= 16:
        assert torus_bisection(shape, 50_000) == bisection_mb_s(topology.direct_links(chips), range(len(chips)))


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        ("fat-tree", {"ports": 1}, "fat-tree: ports: 1 is not an integer from 2 to 1024"),
        (
            "fat-tree",
            {"ports": 2, "oversubscription": 2},
            "oversubscription: 2 leaves none of 2 ports to go up; give less",
        ),
        ("fat-tree", {"tiers": 4}, "fat-tree: tiers: 4 is not an integer from 2 to 3"),
        ("fat-tree", {"nodes": 10_000}, "tiers: 313 leaves are too many for spines of 64 ports; give 3, or more ports"),
        ("rail-optimised", {"rails": 17}, "rail-optimised: rails: 17 is not an integer from 1 to 16"),
        (
            "rail-optimised",
            {"nodes": 10_000},
            "nodes: 10,000 have 80,000 devices, more than 65,536; give at most 8,192",
        ),
        ("dragonfly", {"nodes_of_switch": 0}, "dragonfly: nodes_of_switch: 0 is not an integer from 1 to 64"),
        ("torus", {"shape": (6, 6), "host": (4, 1)}, r"host: \(4, 1\) does not divide \(6, 6\)"),
    ],
)
def test_what_cannot_be_built_says_what_to_give(kind: str, params: dict[str, Any], told: str) -> None:
    """The parameter is named, and what would be possible."""
    with pytest.raises(InputError, match=told):
        generate(kind, **params)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("fat-tree", {"nodes": 10_000, "tiers": 3}),
        ("rail-optimised", {"nodes": 10_000, "tiers": 3, "rails": 4, "ports": 128}),
        ("dragonfly", {"nodes": 10_000, "nodes_of_switch": 8}),
        ("torus", {"shape": (32, 32, 10)}),
    ],
)
def test_ten_thousand_nodes_are_built_in_seconds(kind: str, params: dict[str, Any]) -> None:
    """With a twentieth of the links failed, on a machine that others use too."""
    before = time.perf_counter()
    topology = generate(kind, failures=0.05, seed=1, **params)
    assert time.perf_counter() - before < 30
    assert len(topology.devices) >= 10_000
