"""Networks have as many ports, links and ways as they must."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import prod

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.topology import Topology
from drapolicy.topology.generate import generate


def ports(topology: Topology, name: str) -> int:
    """Ports of a switch that are in use."""
    return sum(data["count"] for data in topology.graph[name].values() if data["kind"] != "in")


def layer(topology: Topology, of: str) -> list[str]:
    return [name for name in topology.of_kind("switch") if topology.graph.nodes[name].get("layer") == of]


def upward(topology: Topology, name: str, to: str) -> int:
    """Links of a switch to a layer."""
    nodes = topology.graph.nodes
    return sum(data["count"] for other, data in topology.graph[name].items() if nodes[other].get("layer") == to)


TREES = st.fixed_dictionaries(
    {
        "nodes": st.integers(1, 60),
        "ports": st.integers(2, 16),
        "oversubscription": st.integers(1, 3),
        "tiers": st.sampled_from([2, 3]),
    }
)


@given(st.sampled_from(["fat-tree", "rail-optimised"]), TREES, st.integers(1, 4))
@settings(max_examples=150)
def test_trees_have_the_ports_they_use(kind: str, params: dict[str, int], rails: int) -> None:
    """No switch has more links than ports; every card is on one leaf; all is joined; leaves go up as asked."""
    try:
        topology = generate(kind, **params, **({"rails": rails} if kind == "rail-optimised" else {}))
    except InputError:
        assume(False)  # too few ports
    graph = topology.graph
    assert max(ports(topology, name) for name in topology.of_kind("switch")) <= params["ports"]
    assert len(topology.of_kind("host")) == params["nodes"]
    leaves = layer(topology, "leaf")
    for card in topology.of_kind("nic"):
        assert len([name for name in graph[card] if name in leaves]) == 1
    working = graph.subgraph([*topology.of_kind("switch"), *topology.of_kind("nic")])
    assert nx.is_connected(working)
    up = params["ports"] // (params["oversubscription"] + 1)
    if len(leaves) > 1:
        assert {upward(topology, leaf, "spine") for leaf in leaves} == {up}
    below = Counter(sum(name in topology.of_kind("nic") for name in graph[leaf]) for leaf in leaves)
    assert max(below) <= up * params["oversubscription"]


@pytest.mark.parametrize("k", [2, 4, 6, 8])
def test_three_tiers_hold_a_quarter_of_the_cube(k: int) -> None:
    """The k-ary fat tree: k³/4 hosts, k²/2 leaves, k²/2 spines, k²/4 cores, and no more hosts than that."""
    topology = generate("fat-tree", ports=k, tiers=3, nodes=k**3 // 4)
    assert [len(layer(topology, of)) for of in ("leaf", "spine", "core")] == [k * k // 2, k * k // 2, k * k // 4]
    assert {ports(topology, name) for name in topology.of_kind("switch")} == {k}
    with pytest.raises(InputError, match="pods are too many"):
        generate("fat-tree", ports=k, tiers=3, nodes=k**3 // 4 + 1)


@pytest.mark.parametrize(
    ("speed", "kind", "mb_s"), [("NDR", "IB", 50_000), ("EDR", "IB", 12_500), ("400GbE", "ETH", 50_000)]
)
def test_links_have_the_speed_asked_for(speed: str, kind: str, mb_s: int) -> None:
    """Links of a network are of one kind, and as fast as so many ports."""
    graph = generate("fat-tree", nodes=40, ports=16, speed=speed).graph
    links = [data for _, _, data in graph.edges(data=True) if data["kind"] != "in"]
    assert {data["kind"] for data in links} == {kind}
    assert all(data["bandwidth_mb_s"] == data["count"] * mb_s for data in links)


def test_a_rail_is_a_leaf_of_all_neighbours() -> None:
    """Cards of one rail of 32 hosts share a leaf; two rails never do."""
    topology = generate("rail-optimised", nodes=40, rails=8)
    graph = topology.graph
    leaf = {card: next(name for name in graph[card] if name.startswith("leaf")) for card in topology.of_kind("nic")}
    for name in layer(topology, "leaf"):
        assert len({graph.nodes[card]["rail"] for card, on in leaf.items() if on == name}) == 1
    assert len({leaf[f"node{n}/NIC3"] for n in range(32)}) == 1
    assert leaf["node31/NIC3"] != leaf["node32/NIC3"]
    assert len(set(leaf.values())) == 16


def test_hosts_can_be_machines() -> None:
    """Each is the machine, with its rails on the leaves; its other cards are not on the network."""
    topology = generate("rail-optimised", nodes=3, machine="hgx-h100")
    graph = topology.graph
    assert len(topology.of_kind("gpu")) == 24
    assert graph.nodes["node2/GPU7"]["index"] == 7
    for n in range(3):
        leaves = [[name for name in graph[f"node{n}/NIC{nic}"] if name.startswith("leaf")] for nic in range(12)]
        assert leaves == [
            ["leaf0"],
            [],
            [],
            ["leaf1"],
            ["leaf2"],
            ["leaf3"],
            ["leaf4"],
            [],
            [],
            ["leaf5"],
            ["leaf6"],
            ["leaf7"],
        ]


@given(st.integers(1, 3), st.integers(1, 90))
def test_dragonflies_join_all_groups_alike(p: int, hosts: int) -> None:
    """Switches of a group are linked each to each, any two groups by as many links, and no port is used twice."""
    a = 2 * p
    groups = -(-hosts // (p * a))
    assume(groups <= a * p + 1)
    topology = generate("dragonfly", nodes=hosts, nodes_of_switch=p)
    graph = topology.graph
    assert len(topology.of_kind("host")) == hosts
    assert len(topology.of_kind("rack")) == groups
    assert max(ports(topology, name) for name in topology.of_kind("switch")) <= p + (a - 1) + p
    between: Counter[tuple[str, str]] = Counter()
    for one, other in combinations(topology.of_kind("switch"), 2):
        here, there = one.split("/")[0], other.split("/")[0]
        count = graph.edges[one, other]["count"] if graph.has_edge(one, other) else 0
        if here == there:
            assert count == 1
        else:
            between[here, there] += count
    if groups > 1:
        assert len(set(between.values())) == 1
        assert min(between.values()) >= 1


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=6).map(tuple).filter(lambda shape: prod(shape) <= 300),
    st.booleans(),
)
def test_tori_link_neighbours(shape: tuple[int, ...], wrap: bool) -> None:
    """Chips differ by one step along one axis exactly if they are linked; around the edge only where it wraps."""
    topology = generate("torus", shape=shape, host=(1,) * len(shape), wrap=wrap)
    graph, chips = topology.graph, topology.of_kind("gpu")
    assert len(chips) == prod(shape)
    places = {graph.nodes[name]["position"]: name for name in chips}
    assert len(places) == prod(shape)
    expected: Counter[frozenset[str]] = Counter()
    for place, name in places.items():
        for axis, length in enumerate(shape):
            after = place[axis] + 1
            if length > 1 and (after < length or wrap):
                beside = (*place[:axis], after % length, *place[axis + 1 :])
                expected[frozenset({name, places[beside]})] += 1
    found = {frozenset({x, y}): data["count"] for x, y, data in graph.edges(data=True) if data["kind"] == "ICI"}
    assert found == expected
    if wrap:
        links = 2 * sum(length > 1 for length in shape)
        assert {sum(data["count"] for data in graph[name].values() if data["kind"] == "ICI") for name in chips} == {
            links
        }


def test_chips_of_a_block_are_in_a_host() -> None:
    """A host has a block of the torus, as TPU v4's hosts have 2 x 2 x 1 chips."""
    topology = generate("torus", shape=(4, 4, 2), host=(2, 2, 1))
    assert len(topology.of_kind("host")) == 8
    inside = {name for name in topology.graph["host1-0-1"] if name.startswith("chip")}
    assert inside == {"chip2-0-1", "chip2-1-1", "chip3-0-1", "chip3-1-1"}


@pytest.mark.parametrize(
    ("shape", "host"),
    [((16, 16), (2, 2)), ((3, 4), (1, 2)), ((8,), (2,)), ((5, 5, 5), (1, 1, 1)), ((4, 4, 4), (2, 2, 1))],
)
def test_hosts_of_a_torus_fit_its_shape(shape: tuple[int, ...], host: tuple[int, ...]) -> None:
    """Unless told, a host has two chips along each of the first two axes that are even."""
    made, told = generate("torus", shape=shape), generate("torus", shape=shape, host=host)
    assert dict(made.graph.nodes(data=True)) == dict(told.graph.nodes(data=True))
    assert set(made.graph.edges) == set(told.graph.edges)
