"""Two pictures are compared by name, and by the bandwidth between their devices."""

from __future__ import annotations

import importlib
import json
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import UnknownReferenceError
from drapolicy.topology import Topology
from drapolicy.topology.diff import Change, PairChange, diff
from drapolicy.topology.generate import generate
from drapolicy.topology.measures import pairwise

NV = {"kind": "NV", "count": 1, "bandwidth_mb_s": 25_000}


def machine(**told: object) -> nx.Graph:
    graph = nx.Graph(**told)
    graph.add_nodes_from(["a", "b", "c"], kind="gpu")
    graph.add_edge("a", "b", **NV)
    graph.add_edge("b", "c", **NV)
    return graph


def test_equal_pictures_have_no_difference() -> None:
    """Whatever the order of vertices and links, and whether health is told or not."""
    other = nx.Graph()
    other.add_nodes_from(["c", "b", "a"], kind="gpu", failed=False)
    other.add_edge("c", "b", **NV)
    other.add_edge("b", "a", **NV, failed=False)
    found = diff(Topology(machine()), Topology(other))
    assert found.same
    assert str(found) == "no difference"
    assert found.as_data()["same"] is True
    assert found.compared == ("a", "b", "c")


def test_a_device_goes_with_its_links_in_one_line() -> None:
    """Links whose end is gone are counted beside it, not listed one by one; as data each is there."""
    graph = machine()
    graph.remove_node("b")
    found = diff(Topology(machine()), Topology(graph))
    assert str(found).splitlines() == ["- b and its 2 links", "bandwidth: 0 of 1 pairs of 2 devices differ"]
    assert found.as_data()["links"]["removed"] == [["a", "b"], ["b", "c"]]


def test_everything_that_differs_is_told() -> None:
    """What was added, removed and changed, with both values, as text and as data."""
    graph = machine(product="new", seed=1)
    graph.remove_node("c")
    graph.add_node("d", kind="nic", rdma="mlx5_0")
    graph.add_edge("a", "d", kind="PIX", count=1, bandwidth_mb_s=24_000)
    graph.nodes["a"]["index"] = 7
    graph.edges["a", "b"].update(count=2, bandwidth_mb_s=50_000)
    found = diff(Topology(machine(product="old")), Topology(graph))
    assert not found.same
    assert (found.added_vertices, found.removed_vertices) == (("d",), ("c",))
    assert (found.added_links, found.removed_links) == ((("a", "d"),), (("b", "c"),))
    assert found.changed == (
        Change("", "product", "old", "new"),
        Change("", "seed", None, 1),
        Change("a", "index", None, 7),
        Change("a - b", "count", 1, 2),
        Change("a - b", "bandwidth_mb_s", 25_000, 50_000),
    )
    assert found.bandwidth == (PairChange("a", "b", 25_000, 50_000),)
    assert str(found).splitlines() == [
        "+ d and its 1 link",
        "- c and its 1 link",
        "~ picture: product: old -> new",
        "~ picture: seed: nothing -> 1",
        "~ a: index: nothing -> 7",
        "~ a - b: count: 1 -> 2",
        "~ a - b: bandwidth_mb_s: 25000 -> 50000",
        "bandwidth: 1 of 1 pairs of 2 devices differ",
        "  a - b: 25000 -> 50000 MB/s",
    ]
    data = found.as_data()
    assert json.loads(json.dumps(data)) == data
    assert data["links"] == {"added": [["a", "d"]], "removed": [["b", "c"]]}
    assert data["bandwidth"] == [{"a": "a", "b": "b", "before_mb_s": 25_000, "after_mb_s": 50_000}]


def test_numbers_and_truths_differ() -> None:
    """1 and True are equal in Python, not in a picture."""
    assert diff(Topology(nx.Graph(x=1)), Topology(nx.Graph(x=True))).changed == (Change("", "x", 1, True),)


def test_a_failed_link_changes_what_two_gpus_exchange() -> None:
    """On a DGX-1 the pair falls back to the host; on an HGX every pair of the GPU loses the NVSwitch's links."""
    whole = generate("dgx-1-v100")
    found = diff(whole, whole.with_failed(("GPU0", "GPU3")))
    assert found.changed == (Change("GPU0 - GPU3", "failed", False, True),)
    assert [str(pair) for pair in found.bandwidth] == ["GPU0 - GPU3: 50000 -> 8000 MB/s"]
    whole = generate("hgx-h100")
    found = diff(whole, whole.with_failed(("GPU0", "nvswitch0")))
    assert found.bandwidth == tuple(PairChange("GPU0", f"GPU{d}", 450_000, 325_000) for d in range(1, 8))


def test_names_are_compared_as_asked() -> None:
    """Only these, and they must be in both."""
    a, b = Topology(machine()), Topology(machine()).with_failed("b")
    assert diff(a, b, ["a", "c"]).bandwidth == ()
    assert diff(a, b, ["a", "b"]).bandwidth == (PairChange("a", "b", 25_000, 0),)
    with pytest.raises(UnknownReferenceError, match="no vertex named 'z'"):
        diff(a, b, ["a", "z"])


def test_bandwidths_of_very_many_devices_are_not_compared_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of all pairs would be too large, and is not begun; the structure is compared all the same."""
    monkeypatch.setattr(importlib.import_module("drapolicy.topology.diff"), "pairwise", None)
    graph = nx.Graph()
    graph.add_nodes_from((f"g{n}" for n in range(2049)), kind="gpu")
    topology = Topology(graph)
    found = diff(topology, topology.with_failed("g5"))
    assert found.compared == ()
    assert found.changed == (Change("g5", "failed", False, True),)
    assert str(found).endswith("bandwidth: no devices were compared")


@given(st.integers(0, 16), st.integers(0, 3))
def test_what_a_diff_says_makes_one_picture_of_the_other(failures: int, seed: int) -> None:
    """Failing the links it names gives the second picture, and its pairs are all that differ."""
    whole = generate("dgx-1-v100")
    hurt = generate("dgx-1-v100", failures=failures).with_failed(*[f"GPU{seed}"] * (failures % 2))
    found = diff(whole, hurt)
    what = [tuple(change.what.split(" - ")) if " - " in change.what else change.what for change in found.changed]
    assert whole.with_failed(*what) == hurt
    assert found.same == (whole == hurt)
    before, after = pairwise(whole, whole.devices), pairwise(hurt, whole.devices)
    pairs = {(pair.a, pair.b): (pair.before_mb_s, pair.after_mb_s) for pair in found.bandwidth}
    for (d, a), (e, b) in combinations(enumerate(whole.devices), 2):
        assert pairs.get((a, b), (before[d, e], before[d, e])) == (before[d, e], after[d, e])
