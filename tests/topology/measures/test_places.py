"""Levels, groups and alignment of small machines, and boxes of tori, by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.topology import Topology, nvidia_smi
from drapolicy.topology.measures import (
    LEVELS,
    alignment,
    bisection_bounds,
    bisection_mb_s,
    free_boxes,
    free_boxes_any_way,
    groups,
    is_box,
    levels,
    ring,
    torus_bisection,
    touched,
)


def machine(host: str, leaf: str) -> nx.Graph[str]:
    """Two memory nodes; GPUs 0 and 1 and a card under cascaded switches, GPU 2 on the same root, GPU 3 across."""
    graph: nx.Graph[str] = nx.Graph()
    for name, kind in [("numa0", "numa"), ("numa1", "numa"), ("root0", "pcie_root"), ("root1", "pcie_root")]:
        graph.add_node(f"{host}/{name}", kind=kind)
    graph.add_node(host, kind="host")
    for g in range(4):
        graph.add_node(f"{host}/g{g}", kind="gpu")
    graph.add_node(f"{host}/n0", kind="nic", rail=0)
    for s in range(2):
        graph.add_node(f"{host}/sw{s}", kind="switch", layer="pcie")
    graph.add_node(leaf, kind="switch", layer="leaf")
    for a, b in [("numa0", ""), ("numa1", ""), ("root0", "numa0"), ("root1", "numa1")]:
        graph.add_edge(f"{host}/{a}", f"{host}/{b}".rstrip("/"), kind="in", count=1, bandwidth_mb_s=0)
    for a, b in [
        ("sw0", "root0"),
        ("sw1", "sw0"),
        ("g0", "sw0"),
        ("g1", "sw1"),
        ("n0", "sw1"),
        ("g2", "root0"),
        ("g3", "root1"),
    ]:
        graph.add_edge(f"{host}/{a}", f"{host}/{b}", kind="PCIE", count=1, bandwidth_mb_s=24_000)
    graph.add_edge(f"{host}/n0", leaf, kind="IB", count=1, bandwidth_mb_s=50_000)
    return graph


def fabric() -> Topology:
    """Hosts a and b on one leaf, c on another, both leaves on a spine."""
    graph = nx.compose_all([machine("a", "leaf0"), machine("b", "leaf0"), machine("c", "leaf1")])
    graph.add_node("spine", kind="switch", layer="spine")
    for leaf in ("leaf0", "leaf1"):
        graph.add_edge(leaf, "spine", kind="IB", count=4, bandwidth_mb_s=200_000)
    return Topology(graph)


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("a/g0", "a/g0", "device"),
        ("a/g0", "a/g1", "switch"),
        ("a/g0", "a/g2", "pcie_root"),
        ("a/g0", "a/g3", "host"),
        ("a/g0", "b/g3", "leaf"),
        ("a/g0", "c/g0", "spine"),
        ("a", "c", "spine"),
        ("a/g0", "a/numa0", "numa"),
    ],
)
def test_levels(a: str, b: str, level: str) -> None:
    """The lowest part that both are in; a failed link moves nothing."""
    names = [a] if a == b else [a, b]
    assert LEVELS[levels(fabric(), names)[0, -1]] == level
    assert LEVELS[levels(fabric().with_failed(("a/sw1", "a/sw0")), names)[0, -1]] == level


def test_letters_of_a_matrix_say_where_devices_are() -> None:
    """PIX is a switch, NODE a memory node; an NVLink says nothing of places."""
    text = "\tGPU0\tGPU1\tNIC0\nGPU0\t X \tNV4\tPIX\nGPU1\tNV4\t X \tNODE\nNIC0\tPIX\tNODE\t X \n"
    topology = nvidia_smi.topology(nvidia_smi.parse(text))
    found = levels(topology, ["GPU0", "GPU1", "NIC0"])
    assert [LEVELS[found[0, 1]], LEVELS[found[0, 2]], LEVELS[found[1, 2]]] == ["host", "switch", "numa"]
    aligned = alignment(topology, ["GPU0", "GPU1"], ["NIC0"])
    assert [LEVELS[level] for level in aligned.nearest] == ["switch", "numa"]
    assert aligned.own == {"switch": 1, "pcie_root": 1, "numa": 1, "host": 1}
    assert aligned.share_percent("switch") == 50


def test_groups_are_numbered_as_they_are_met() -> None:
    """Memory nodes, hosts and rails that a set touches; -1 where the graph does not say."""
    names = ["b/g3", "a/g0", "a/g3", "b/g0", "a/n0", "leaf0"]
    assert groups(fabric(), names, "numa").tolist() == [0, 1, 2, 3, 1, -1]
    assert groups(fabric(), names, "host").tolist() == [0, 1, 1, 0, 1, -1]
    assert groups(fabric(), names, "rail").tolist() == [-1, -1, -1, -1, 0, -1]
    assert touched(groups(fabric(), names, "numa"), [0, 1, 4, 5]) == 2
    with pytest.raises(InputError, match="by: 'rank' is unknown; use one of numa"):
        groups(fabric(), names, "rank")


def test_no_cards_and_no_gpus_are_aligned_to_nothing() -> None:
    """Without cards every GPU is apart from them; without GPUs there is no share."""
    assert [LEVELS[level] for level in alignment(fabric(), ["a/g0"], []).nearest] == ["apart"]
    assert alignment(fabric(), [], ["a/n0"]).share_percent("host") == 0


@pytest.mark.parametrize(
    ("size", "places", "box"),
    [
        ((4,), [(3,), (0,)], True),  # over the edge
        ((4,), [(0,), (2,)], False),
        ((4,), [(0,), (1,), (2,), (3,)], True),  # all the way round
        ((4, 4), [(0, 0), (0, 1), (1, 0), (1, 1)], True),
        ((4, 4), [(0, 0), (0, 1), (1, 0)], False),
        ((4, 4), [(3, 3), (0, 3), (3, 0), (0, 0)], True),
        ((4, 4), [], False),
        ((), [()], True),
    ],
)
def test_boxes(size: tuple[int, ...], places: list[tuple[int, ...]], box: bool) -> None:
    """A product of runs, wrap-around included."""
    assert is_box(size, places) is box


def test_bad_boxes_are_refused() -> None:
    """Places outside, twice, or with too few coordinates; boxes without a length."""
    for places in ([(4,)], [(0, 0)], [(0,), (0,)]):
        with pytest.raises(InputError, match="places: "):
            is_box((4,), places)
    with pytest.raises(InputError, match=r"shape: \(0,\) is no box in a torus of \(4,\)"):
        free_boxes(np.ones(4, np.bool_), [0])


def test_one_taken_chip_takes_the_boxes_that_it_is_in() -> None:
    """Of 16 squares in a 4 x 4 torus, each place is in 4; turned boxes count by themselves, squares once."""
    free = np.ones((4, 4), np.bool_)
    free[1, 2] = False
    assert free_boxes(free, (2, 2)) == 12 == free_boxes_any_way(free, (2, 2))
    assert (free_boxes(free, (4, 1)), free_boxes_any_way(free, (4, 1))) == (3, 6)
    assert free_boxes(free, (5, 1)) == 0


@pytest.mark.parametrize("size", [(2,), (4,), (2, 2), (4, 2), (4, 3), (4, 4), (2, 2, 2), (4, 2, 2)])
def test_the_closed_form_of_a_torus_is_its_bisection(size: tuple[int, ...]) -> None:
    """Each axis is a ring; two places on an axis of 2 have two links."""
    places = list(np.ndindex(*size))
    links = np.zeros((len(places),) * 2, np.int64)
    for a, place in enumerate(places):
        for axis, length in enumerate(size):
            b = places.index((*place[:axis], (place[axis] + 1) % length, *place[axis + 1 :]))
            links[a, b] += 7
            links[b, a] += 7
    exact = bisection_mb_s(links, range(len(places)))
    assert torus_bisection(size, 7) == exact
    bounds = bisection_bounds(links, range(len(places)))
    assert bounds.least_mb_s <= exact <= bounds.most_mb_s


def test_an_odd_torus_has_no_closed_form() -> None:
    """Its longest axis cannot be halved by a straight cut."""
    with pytest.raises(InputError, match="the longest axis is odd"):
        torus_bisection((5, 4), 7)


def test_rings_beyond_eight_are_rings_and_say_if_they_are_the_best() -> None:
    """A hidden ring of fast links among 20 devices is found, and proved by the bound; devices come once each."""
    rng = np.random.default_rng(3)
    hidden = rng.permutation(20)
    links = np.ones((20, 20), np.int64) - np.eye(20, dtype=np.int64)
    for i in range(20):
        links[hidden[i - 1], hidden[i]] = links[hidden[i], hidden[i - 1]] = 9
    found = ring(links, range(20))
    assert (found.mb_s, found.optimal) == (9, True)
    assert sorted(found.order) == list(range(20))
    assert found.order[0] == 0
    assert min(links[found.order[i - 1], d] for i, d in enumerate(found.order)) == found.mb_s


def test_rings_of_few_devices() -> None:
    """None, one and two devices have a ring too."""
    links = np.array([[0, 5], [5, 0]])
    assert [ring(links, range(k)).mb_s for k in range(3)] == [0, 0, 5]
