"""Topology validates its graph."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology


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


def test_networkx_is_imported_only_when_a_graph_is_made() -> None:
    """Importing the package does not pay for networkx."""
    code = "import sys, drapolicy.topology; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
