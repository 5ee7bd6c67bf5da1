"""Graphs of where hosts are, from the labels of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.errors import InputError
from drapolicy.topology.label_table import FAMILIES, HOSTNAME, WIDTHS, Level
from drapolicy.topology.labels import topology
from drapolicy.topology.measures.levels import LEVELS, levels

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
TIER = "fabric.topograph.run/tier-"
EKS = "topology.k8s.aws/network-node-layer-"
CLIQUE = "nvidia.com/gpu.clique"
OLDEST, KUEUE = "network.topology.kubernetes.io/", "cloud.provider.com/topology-"
BLOCK, RACK = "cloud.google.com/gce-topology-block", "cloud.google.com/gce-topology-subblock"


def node(name: str, **labels: str) -> Node:
    """A node; keys are given by the names of the constants above."""
    return Node(
        metadata=ObjectMeta(name=name, labels={globals().get(key, key): value for key, value in labels.items()})
    )


def labelled(name: str, labels: dict[str, str]) -> Node:
    """A node with these labels."""
    return Node(metadata=ObjectMeta(name=name, labels=labels))


def level(a: Node, b: Node) -> str:
    """The name of the narrowest place that two nodes share."""
    return LEVELS[levels(topology([a, b]), (a.metadata.name, b.metadata.name))[0, 1]]


def test_zones_and_racks() -> None:
    """Regions hold zones, blocks hold racks, and all hold hosts."""
    built = topology(
        [
            node("n1", REGION="r", ZONE="a", BLOCK="b1", RACK="s1"),
            node("n2", REGION="r", ZONE="b", BLOCK="b1", RACK="s2"),
        ]
    )
    assert built.of_kind("host") == ("n1", "n2")
    assert set(built.graph["n1"]) == {"zone/a", "gce-topology-subblock/s1"}
    assert set(built.graph["gce-topology-block/b1"]) == {"gce-topology-subblock/s1", "gce-topology-subblock/s2"}
    assert set(built.graph["region/r"]) == {"zone/a", "zone/b"}
    assert built.graph.nodes["gce-topology-subblock/s1"] == {"kind": "rack"}
    assert built.graph.nodes["gce-topology-block/b1"] == {"kind": "switch", "layer": "spine"}
    assert {data["kind"] for *_, data in built.graph.edges(data=True) if data["kind"] != "in"} == set()


def test_switches_are_cabled() -> None:
    """Switches of a fabric have links of unknown speed to each other and to hosts."""
    built = topology([labelled("n1", {f"{TIER}{n}": f"s{n}" for n in range(3)})])
    edges = {frozenset((a, b)): data for a, b, data in built.graph.edges(data=True)}
    assert set(edges) == {
        frozenset(pair) for pair in [("n1", "tier-0/s0"), ("tier-0/s0", "tier-1/s1"), ("tier-1/s1", "tier-2/s2")]
    }
    assert all(data == {"kind": "NET", "count": 1, "bandwidth_mb_s": 0} for data in edges.values())


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [
        ({ZONE: "a"}, {ZONE: "a"}, "core"),
        ({REGION: "r", ZONE: "a"}, {REGION: "r", ZONE: "b"}, "apart"),
        (
            {CLIQUE: "u.0", f"{TIER}1": "s", f"{TIER}0": "l1"},
            {CLIQUE: "u.1", f"{TIER}1": "s", f"{TIER}0": "l2"},
            "spine",
        ),
        ({CLIQUE: "u.0", f"{TIER}0": "l1"}, {CLIQUE: "u.0", f"{TIER}0": "l2"}, "domain"),
        ({f"{OLDEST}spine": "s", f"{OLDEST}block": "b"}, {f"{OLDEST}spine": "s", f"{OLDEST}block": "b"}, "leaf"),
        ({f"{OLDEST}accelerator": "nvl1"}, {f"{OLDEST}accelerator": "nvl1"}, "domain"),
        ({f"{KUEUE}block": "b", f"{KUEUE}rack": "r"}, {f"{KUEUE}block": "b", f"{KUEUE}rack": "r"}, "rack"),
        ({f"{KUEUE}block": "b", f"{KUEUE}rack": "r"}, {f"{KUEUE}block": "b", f"{KUEUE}rack": "t"}, "spine"),
        ({BLOCK: "b", RACK: "s"}, {BLOCK: "b", RACK: "s"}, "rack"),
        ({BLOCK: "b", RACK: "s"}, {BLOCK: "b", RACK: "t"}, "spine"),
        ({f"{EKS}1": "a", f"{EKS}2": "b", f"{EKS}3": "c"}, {f"{EKS}1": "a", f"{EKS}2": "b", f"{EKS}3": "c"}, "leaf"),
        (
            {f"{EKS}1": "a", f"{EKS}2": "b", f"{EKS}3": "c", f"{EKS}4": "d"},
            {f"{EKS}1": "a", f"{EKS}2": "b", f"{EKS}3": "c", f"{EKS}4": "e"},
            "spine",
        ),
        (
            {"network.topology.nvidia.com/block": "x", "network.topology.nvidia.com/datacenter": "d"},
            {"network.topology.nvidia.com/leaf": "x", "network.topology.nvidia.com/core": "d"},
            "leaf",
        ),
        ({ZONE: "a"}, {"failure-domain.beta.kubernetes.io/zone": "a"}, "core"),
        ({CLIQUE: "u.0"}, {"network.topology.nvidia.com/accelerator": "u.0"}, "domain"),
        ({"accelerator.topograph.run/domain": "d"}, {"accelerator.topograph.run/sub-domain": "d"}, "apart"),
        ({"oci.oraclecloud.com/rdma.local_block_id": "q"}, {"oci.oraclecloud.com/rdma.local_block_id": "q"}, "leaf"),
        ({ZONE: ""}, {ZONE: ""}, "apart"),
    ],
)
def test_what_two_nodes_share(a: dict[str, str], b: dict[str, str], shared: str) -> None:
    """The narrowest place in common is found under whichever spelling."""
    assert level(labelled("n1", a), labelled("n2", b)) == shared


def test_the_first_spelling_counts() -> None:
    """Of two spellings of one level, GPU feature discovery's is the authority."""
    built = topology([labelled("n1", {"network.topology.nvidia.com/accelerator": "old", CLIQUE: "u.0"})])
    assert built.of_kind("domain") == ("gpu.clique/u.0",)


def test_nodes_without_labels_are_named() -> None:
    """Those with none, and those that lack a level, are told apart; optional levels are not missed."""
    built = topology(
        [node("n1", ZONE="a", REGION="r"), node("n2", app="web"), node("n3", RACK="s"), node("n4", CLIQUE="c")]
    )
    assert built.graph.graph["unlabelled"] == ("n2",)
    assert built.graph.graph["incomplete"] == (f"n3: {BLOCK}",)
    assert set(built.graph["n2"]) == set()


def test_a_value_in_several_places_is_several() -> None:
    """Rack 1 of a block is not rack 1 of another, as in Kueue."""
    racks = [node("n1", BLOCK="a", RACK="1"), node("n2", BLOCK="b", RACK="1"), node("n3", BLOCK="a", RACK="1")]
    built = topology(racks)
    assert built.of_kind("rack") == ("gce-topology-subblock/a/1", "gce-topology-subblock/b/1")
    assert set(built.graph["gce-topology-subblock/a/1"]) == {"n1", "n3", "gce-topology-block/a"}


def test_a_node_that_lacks_a_level_is_with_those_that_have_it() -> None:
    """It is in the one place that has its values; where there are two, it is in neither."""
    one = topology([node("n1", BLOCK="a", RACK="1"), node("n2", RACK="1")])
    assert set(one.graph["gce-topology-subblock/1"]) == {"n1", "n2", "gce-topology-block/a"}
    two = topology([node("n1", BLOCK="a", RACK="1"), node("n2", RACK="1"), node("n3", BLOCK="b", RACK="1")])
    assert len(two.of_kind("rack")) == 3
    (only,) = two.graph["n2"]
    assert set(two.graph[only]) == {"n2"}


def test_gaps_on_different_levels() -> None:
    """A place whose outer level comes from one node and whose inner from another is one chain."""
    built = topology(
        [labelled("n1", {f"{TIER}2": "c", f"{TIER}1": "s"}), labelled("n2", {f"{TIER}1": "s", f"{TIER}0": "l"})]
    )
    assert set(built.graph["tier-1/s"]) == {"n1", "tier-2/c", "tier-0/l"}


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (["x/row", "x/rack-group", HOSTNAME], [("switch", "spine"), ("switch", "leaf")]),
        (["x/hall", "topology.kubernetes.io/rack"], [("switch", "spine"), ("rack", "")]),
        (
            ["x/a", "x/b", "x/c", "x/d"],
            [("switch", "core"), ("switch", "core"), ("switch", "spine"), ("switch", "leaf")],
        ),
        (["x/block", CLIQUE], [("switch", "leaf"), ("domain", "")]),
        ([Level("x/pod", "domain"), f"{EKS}3"], [("domain", ""), ("switch", "leaf")]),
    ],
)
def test_given_levels(given: list[str | Level], kinds: list[tuple[str, str]]) -> None:
    """Labels of no family are switches, the narrowest a leaf; hosts are joined to what narrower places do not lead to."""
    keys = [key if isinstance(key, str) else key.key for key in given if key != HOSTNAME]
    built = topology([labelled("n1", dict.fromkeys(keys, "1") | {ZONE: "a"})], given)
    found = [
        (data["kind"], data.get("layer", "")) for _, data in built.graph.nodes(data=True) if data["kind"] != "host"
    ]
    assert found == kinds
    assert len(built.graph["n1"]) == (2 if CLIQUE in keys else 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("x/row", "is one text; give a list"),
        (["x/row", "x/row"], "x/row is given twice"),
        ([HOSTNAME, "x/row"], "is the host itself; give it last"),
    ],
)
def test_levels_that_are_refused(given: str | list[str], message: str) -> None:
    """Levels are a list of different labels, and end at the host."""
    with pytest.raises(InputError, match=message):
        topology([], given)


@pytest.mark.parametrize(("kind", "layer"), [("switch", ""), ("switch", "pcie"), ("rack", "leaf"), ("zone", "")])
def test_places_that_are_refused(kind: str, layer: str) -> None:
    """A level is a rack, a domain or a switch of a network's layer."""
    with pytest.raises(InputError, match="level x/row: .* is no place of hosts"):
        Level("x/row", kind, layer)


def test_faults_of_nodes() -> None:
    """Nodes without a name and nodes given twice are told together; a node cannot be called as a place."""
    with pytest.raises(InputError) as caught:
        topology([node("n1"), node(""), node("n1")])
    assert [fault.object for fault in caught.value.faults] == ["Node at position 1", "Node n1"]
    with pytest.raises(InputError, match="Node zone/a: is called as a place"):
        topology([node("n1", ZONE="a"), node("zone/a")])


def test_widths_are_the_measures() -> None:
    """Places are ordered as the levels that measures count."""
    assert list(WIDTHS) == [name for name in LEVELS if name in WIDTHS]


def test_families() -> None:
    """Each family has a source, and no label stands in one twice."""
    for family in FAMILIES:
        keys = [level.key for same in family.levels for level in same]
        assert family.source
        assert len(set(keys)) == len(keys)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([f"{TIER}{n}" for n in range(3)]), st.sampled_from("ab"), max_size=3),
        max_size=6,
    )
)
def test_two_nodes_that_share_all_labels_share_a_place(given: list[dict[str, str]]) -> None:
    """Whatever the labels, equal ones lead to the same places, in any order of nodes."""
    nodes = [labelled(f"n{i}", labels) for i, labels in enumerate(given)]
    built = topology(nodes)
    for i, a in enumerate(given):
        for j, b in enumerate(given):
            assert a != b or set(built.graph[f"n{i}"]) == set(built.graph[f"n{j}"])
    turned = topology(nodes[::-1])
    assert {frozenset(edge) for edge in built.graph.edges} == {frozenset(edge) for edge in turned.graph.edges}
