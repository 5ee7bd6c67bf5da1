"""Topology validates its graph."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology
from drapolicy.topology.graph import EDGE_FIELDS, VERTEX_FIELDS
from drapolicy.topology.measures import bandwidth_mb_s


def triangle() -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(["a", "b"], kind="gpu")
    graph.add_node("s", kind="switch")
    graph.add_edge("a", "b", kind="NV", count=2, bandwidth_mb_s=50_000)
    graph.add_edge("a", "s", kind="PIX", count=1, bandwidth_mb_s=24_000)
    return graph


def test_direct_links_are_in_the_order_asked_for() -> None:
    """Edges fill both halves; pairs without an edge and the diagonal are 0."""
    links = Topology(triangle()).direct_links(["s", "b", "a"])
    assert links.dtype == np.int64
    assert links.tolist() == [[0, 0, 24_000], [0, 0, 50_000], [24_000, 50_000, 0]]


def test_devices_are_gpus_and_nics() -> None:
    """Switches and hosts are no devices."""
    assert Topology(triangle()).devices == ("a", "b")


def test_the_graph_is_copied_and_frozen() -> None:
    """Neither the caller's graph nor the topology's own can change it."""
    graph = triangle()
    topology = Topology(graph)
    graph.add_node("later")
    assert "later" not in topology.graph
    with pytest.raises(nx.NetworkXError):
        topology.graph.add_node("later")
    assert topology == Topology(triangle())


def test_unknown_vertices_are_named() -> None:
    """Asking for links of a vertex that is not there raises."""
    with pytest.raises(UnknownReferenceError, match="no vertex named 'z'"):
        Topology(triangle()).direct_links(["a", "z"])


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiGraph])
def test_other_graphs_are_refused(kind: type) -> None:
    """Links have no direction, parallel ones are a count."""
    with pytest.raises(InputError, match=r"use networkx\.Graph"):
        Topology(kind())


def test_all_faults_are_told_together() -> None:
    """Every vertex and edge that breaks a rule is listed."""
    graph = triangle()
    graph.add_node("x", kind="tpu")
    graph.add_node(3, kind="gpu", index=-1)
    graph.add_edge("x", "x", kind="NV", count=1, bandwidth_mb_s=1)
    graph.add_edge("b", "s", kind="X", count=0, bandwidth_mb_s=1.5)
    graph.add_edge("b", "x", kind="in", count=True, bandwidth_mb_s=7)
    graph.add_edge("a", "x", kind="SYS", count=1, bandwidth_mb_s=0)
    with pytest.raises(InputError) as caught:
        Topology(graph)
    places = [(fault.object, fault.path) for fault in caught.value.faults]
    assert places == [
        ("vertex x", "kind"),
        ("vertex 3", ""),
        ("vertex 3", "index"),
        ("edge a - x", "bandwidth_mb_s"),
        ("edge b - s", "kind"),
        ("edge b - s", "count"),
        ("edge b - s", "bandwidth_mb_s"),
        ("edge b - x", "count"),
        ("edge b - x", "bandwidth_mb_s"),
        ("edge x - x", ""),
    ]


def test_fields_hold_what_their_rule_says() -> None:
    """Every field of the tables has values that it takes and values that it refuses; unknown fields are refused."""
    vertices = {
        "failed": ([True], [1, "yes"]),
        "index": ([0, 7], [-1, True, 1.0, "1"]),
        "pci": (["0000:10:1c.0", "0000ffff:01:00.7"], ["10:1c.0", "0000:10:1C.0", 3]),
        "position": ([(0, 1)], [(), [0], (-1,), (0.5,)]),
        "product": (["NVIDIA H100 80GB HBM3", ""], [None, "two\nlines", "x" * 1025, "\ud800"]),
        "rail": ([0], [-1, None]),
        "rdma": (["mlx5_0"], [5]),
        "speed_mb_s": ([25_000], [0, "25000"]),
        "uuid": (["GPU-1"], [b"GPU-1"]),
        "colour": ([], ["red"]),
    }
    edges = {
        "count": ([1, 18], [0, True, 2.0, 2**40]),
        "bandwidth_mb_s": ([1, 2**40], [0, -1, 2**40 + 1, 1.5]),
        "failed": ([False], [0]),
        "generation": ([5], [0, "5"]),
        "lanes": ([16], [0]),
        "slit": ([10, 21], [-1, "10"]),
        "latency_ns": ([0, 600], [-1, 0.6]),
        "bandwidth": ([], [1]),
    }
    assert vertices.keys() - {"colour"} == VERTEX_FIELDS.keys() - {"kind", "layer"}
    assert edges.keys() - {"bandwidth"} == EDGE_FIELDS.keys() - {"kind"}
    for table, data in ((vertices, lambda graph: graph.nodes["a"]), (edges, lambda graph: graph.edges["a", "b"])):
        for field, (good, bad) in table.items():
            for value in good:
                graph = triangle()
                data(graph)[field] = value
                Topology(graph)
            for value in bad:
                graph = triangle()
                data(graph)[field] = value
                with pytest.raises(InputError) as caught:
                    Topology(graph)
                assert [fault.path for fault in caught.value.faults] == [field], (field, value)


def test_only_switches_have_a_layer() -> None:
    """A layer is told of a switch alone, and from the list."""
    graph = triangle()
    graph.nodes["s"]["layer"] = "nvswitch"
    assert Topology(graph).graph.nodes["s"]["layer"] == "nvswitch"
    graph.nodes["a"]["layer"] = "leaf"
    graph.nodes["s"]["layer"] = "roof"
    with pytest.raises(InputError) as caught:
        Topology(graph)
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("vertex a", "layer"),
        ("vertex s", "layer"),
    ]


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 1025, 7, ("a", "b")])
def test_names_are_text_of_one_line(name: object) -> None:
    """Whatever prints a name may trust it."""
    graph = nx.Graph()
    graph.add_node(name, kind="gpu")
    with pytest.raises(InputError, match="is not a name"):
        Topology(graph)


def test_the_graph_says_plain_things_of_itself() -> None:
    """Text, numbers, bools and tuples of these are kept; anything else is refused."""
    assert Topology(nx.Graph(product="x", n=1, yes=True, notes=("a", ("b", 2)))).graph.graph["n"] == 1
    with pytest.raises(InputError) as caught:
        Topology(nx.Graph(one=1.5, two=["a"], three={}, four=None, five="\t"))
    assert [fault.path for fault in caught.value.faults] == ["one", "two", "three", "four", "five"]


def test_failed_links_stay_and_carry_nothing() -> None:
    """A failed link is still an edge; a failed vertex takes its links along."""
    whole = Topology(triangle())
    cut = whole.with_failed(("b", "a"))
    assert cut.graph.edges["a", "b"] == {"kind": "NV", "count": 2, "bandwidth_mb_s": 50_000, "failed": True}
    assert cut.direct_links(["a", "b", "s"]).tolist() == [[0, 0, 24_000], [0, 0, 0], [24_000, 0, 0]]
    dark = whole.with_failed("s")
    assert dark.direct_links(["a", "b", "s"]).tolist() == [[0, 50_000, 0], [50_000, 0, 0], [0, 0, 0]]
    assert not whole.with_failed("a").direct_links(["a", "b", "s"]).any()
    assert whole.with_failed() == whole
    assert "failed" not in whole.graph.edges["a", "b"]


def test_what_works_is_left_without_what_failed() -> None:
    """Failed vertices and links are gone; both give the same bandwidths."""
    cut = Topology(triangle()).with_failed("s", ("a", "b"))
    works = cut.without_failed()
    assert (set(works.graph), works.graph.number_of_edges()) == ({"a", "b"}, 0)
    assert works.direct_links(["a", "b"]).tolist() == cut.direct_links(["a", "b"]).tolist()
    assert works.without_failed() == works


@pytest.mark.parametrize(
    ("what", "told"), [("z", "no vertex named 'z'"), (("a", "z"), "no vertex named 'z'"), (("b", "s"), "no link b - s")]
)
def test_what_is_not_there_cannot_fail(what: str | tuple[str, str], told: str) -> None:
    """Unknown names and pairs without a link are told."""
    with pytest.raises(UnknownReferenceError, match=told):
        Topology(triangle()).with_failed(what)


def test_a_link_has_two_ends() -> None:
    """Anything else than a name or a pair is refused."""
    with pytest.raises(InputError, match="a link by both ends"):
        Topology(triangle()).with_failed(("a", "b", "s"))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [[], {}, ["NV"], None])
def test_kinds_of_any_type_are_refused_by_the_rule(value: object) -> None:
    """What a file says for a kind need not even be hashable."""
    graph = triangle()
    graph.nodes["a"]["kind"] = value
    graph.edges["a", "b"]["kind"] = value
    with pytest.raises(InputError) as caught:
        Topology(graph)
    assert [fault.object for fault in caught.value.faults] == ["vertex a", "edge a - b"]


@given(
    st.integers(2, 7).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
def test_a_sum_over_a_set_counts_each_pair_once(case: tuple[int, set[tuple[int, int]]]) -> None:
    """The table is symmetric, so its upper half sums to the bandwidth of the edges."""
    n, pairs = case
    graph = nx.Graph()
    graph.add_nodes_from((f"g{i}" for i in range(n)), kind="gpu")
    graph.add_edges_from(((f"g{a}", f"g{b}") for a, b in pairs if a != b), kind="NV", count=1, bandwidth_mb_s=25_000)
    topology = Topology(graph)
    links = topology.direct_links(topology.devices)
    assert (links == links.T).all()
    assert bandwidth_mb_s(links, range(n)) == 25_000 * graph.number_of_edges()


def test_networkx_is_imported_only_when_a_graph_is_made() -> None:
    """Importing the package does not pay for networkx."""
    code = "import sys, drapolicy.topology; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
