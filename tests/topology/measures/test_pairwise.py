"""What paths carry, by hand: direct, through switches, through the host, over the network; failed links."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology import Topology, nvidia_smi
from drapolicy.topology.measures import hops, pairwise

GEN4 = 24_000

# Two memory nodes; under numa0 two roots, the first with two cascaded switches.
#   numa0 - root0 - sw0 - g0, g1, n0      numa1 - root2 - g4, n4
#                    sw0 - sw1 - g2
#   numa0 - root1 - g3
HOST = [
    ("numa0", "host", "in", 0),
    ("numa1", "host", "in", 0),
    ("root0", "numa0", "in", 0),
    ("root1", "numa0", "in", 0),
    ("root2", "numa1", "in", 0),
    ("numa0", "numa1", "SOCKET", 20_800),
    ("sw0", "root0", "PCIE", GEN4),
    ("sw1", "sw0", "PCIE", GEN4),
    *((device, "sw0", "PCIE", GEN4) for device in ("g0", "g1", "n0")),
    ("g2", "sw1", "PCIE", GEN4),
    ("g3", "root1", "PCIE", GEN4),
    ("g4", "root2", "PCIE", GEN4),
    ("n4", "root2", "PCIE", GEN4),
]

KINDS = {"g": "gpu", "n": "nic", "r": "pcie_root", "h": "host", "c": "cpu"}


def made(*edges: tuple[str, str, str, int], prefix: str = "", **vertices: dict[str, object]) -> Topology:
    """A graph whose vertices' kinds show in their names: sw a PCIe switch, nvs, leaf and spine the others."""
    graph: nx.Graph[str] = nx.Graph()
    for a, b, kind, mb_s in edges:
        for name in (a, b):
            bare = name.removeprefix(prefix)
            if bare.startswith("numa"):
                data: dict[str, object] = {"kind": "numa"}
            elif bare.startswith(("sw", "nvs", "leaf", "spine")):
                layer = {"sw": "pcie", "nv": "nvswitch", "le": "leaf", "sp": "spine"}[bare[:2]]
                data = {"kind": "switch", "layer": layer}
            else:
                data = {"kind": KINDS[bare[0]]}
            graph.add_node(name, **data, **vertices.get(name, {}))
        graph.add_edge(a, b, kind=kind, count=1, bandwidth_mb_s=mb_s)
    return Topology(graph)


@pytest.mark.parametrize(
    ("a", "b", "mb_s", "links"),
    [
        ("g0", "g1", 24_000, 2),  # one switch: 24/24
        ("g0", "g2", 22_000, 3),  # two switches: 22/24
        ("g4", "n4", 16_000, 2),  # through a root: 16/24
        ("g0", "g3", 12_000, 5),  # root0 - numa0 - root1: 12/24
        ("g0", "g4", 10_000, 6),  # over the socket link, which carries more: 10/24
        ("g0", "g0", 0, 0),
        ("g0", "numa0", 12_000, 3),
    ],
)
def test_a_path_costs_how_far_it_goes(a: str, b: str, mb_s: int, links: int) -> None:
    """PCIe links keep the share that whole paths of nvidia-smi's letters have."""
    host = made(*HOST)
    assert pairwise(host, [a, b] if a != b else [a])[0, -1] == mb_s
    assert hops(host, [a, b] if a != b else [a])[0, -1] == links


def test_a_link_between_sockets_keeps_its_own_rate() -> None:
    """A slower socket link is the narrowest of the path, and is not cut once more; failed, it cannot be bypassed."""
    slow = made(*(edge if edge[2] != "SOCKET" else (*edge[:3], 6_000) for edge in HOST))
    assert pairwise(slow, ["g0", "g4"])[0, 1] == 6_000
    assert pairwise(slow.with_failed(("numa0", "numa1")), ["g0", "g4"])[0, 1] == 0


def test_a_host_joins_its_memory_nodes_where_no_link_is_known() -> None:
    """Without a socket link in the picture, only the share of PCIe counts."""
    unknown = made(*(edge for edge in HOST if edge[2] != "SOCKET"))
    assert pairwise(unknown, ["g0", "g4"])[0, 1] == 10_000


def test_the_widest_path_counts_not_the_shortest() -> None:
    """A thin direct link loses to a switch."""
    topology = made(("g0", "g1", "PCIE", 1_000), ("g0", "sw0", "PCIE", GEN4), ("g1", "sw0", "PCIE", GEN4))
    assert pairwise(topology, ["g0", "g1"])[0, 1] == GEN4


def test_devices_pass_nothing_on() -> None:
    """Two GPUs linked to a third are not linked through it; in a torus they are."""
    edges = [("g0", "g1", "NV", 50_000), ("g1", "g2", "NV", 50_000)]
    assert pairwise(made(*edges), ["g0", "g2"])[0, 1] == 0
    assert hops(made(*edges), ["g0", "g2"])[0, 1] == -1
    torus = made(*edges, **{f"g{x}": {"position": (x,)} for x in range(3)})
    assert pairwise(torus, ["g0", "g2"])[0, 1] == 50_000
    assert hops(torus, ["g0", "g2"])[0, 1] == 2


def test_planes_of_nvswitches_add_up() -> None:
    """Six NVSwitches with two links to each GPU give twelve links; a failed link or plane takes its part away."""
    edges = [(f"g{g}", f"nvs{s}", "NV", 50_000) for g in range(3) for s in range(6)]
    topology = made(*edges)
    assert pairwise(topology, ["g0", "g1", "g2"]).tolist() == [
        [0, 300_000, 300_000],
        [300_000, 0, 300_000],
        [300_000, 300_000, 0],
    ]
    one_less = pairwise(topology.with_failed(("g0", "nvs3")), ["g0", "g1", "g2"])
    assert (one_less[0, 1], one_less[1, 2]) == (250_000, 300_000)
    assert pairwise(topology.with_failed("nvs3"), ["g0", "g1"])[0, 1] == 250_000


def test_two_tiers_of_planes_add_up() -> None:
    """Racks of a domain: first-tier switches of a rack are planes, and so are second-tier switches."""
    edges = [(f"g{g}", f"nvs{g // 2}{p}", "NV", 50_000) for g in range(4) for p in range(2)]
    edges += [(f"nvs{rack}{p}", f"nvs2{p}", "NV", 100_000) for rack in range(2) for p in range(2)]
    found = pairwise(made(*edges), ["g0", "g1", "g2"])
    assert (found[0, 1], found[0, 2]) == (100_000, 100_000)


def test_a_failed_link_falls_back_to_the_host() -> None:
    """Without their NVLink, GPUs go over PCIe; without that too, nowhere."""
    topology = made(*HOST, ("g0", "g4", "NV", 100_000))
    names = ["g0", "g4"]
    assert pairwise(topology, names)[0, 1] == 100_000
    failed = topology.with_failed(("g0", "g4"))
    assert pairwise(failed, names)[0, 1] == 10_000
    assert pairwise(failed.with_failed("sw0"), names)[0, 1] == 0
    assert pairwise(topology.with_failed("g4"), names)[0, 1] == 0


def two_hosts() -> Topology:
    """Two hosts, each with a GPU at its card and one across the socket; the cards on two leaves under a spine."""
    edges = []
    for h in ("a-", "b-"):
        edges += [(h + a, h + b, kind, mb_s) for a, b, kind, mb_s in HOST]
    graph = nx.compose(
        made(*edges[: len(HOST)], prefix="a-").graph,
        made(*edges[len(HOST) :], prefix="b-").graph,
    )
    network = made(("n0", "leaf0", "IB", 50_000), ("leaf0", "spine", "IB", 40_000), ("leaf1", "spine", "IB", 18_000))
    graph.add_nodes_from((name, network.graph.nodes[name]) for name in ("leaf0", "leaf1", "spine"))
    for a, b, mb_s in [
        ("a-n0", "leaf0", 50_000),
        ("b-n0", "leaf1", 50_000),
        ("leaf0", "spine", 40_000),
        ("leaf1", "spine", 18_000),
    ]:
        graph.add_edge(a, b, kind="IB", count=1, bandwidth_mb_s=mb_s)
    return Topology(graph)


def test_the_network_is_entered_through_cards() -> None:
    """A leg in each host and the network between them: the narrowest counts."""
    names = ["a-g0", "a-g3", "a-g4", "b-g0", "b-n0"]
    found = pairwise(two_hosts(), names)
    assert found[0, 3] == 18_000  # the spine's slower link
    assert found[1, 3] == 12_000  # a NODE leg to the card
    assert found[2, 3] == 10_000  # a SYS leg
    assert found[0, 4] == 18_000
    assert found[0, 1] == 12_000  # inside a host the network adds nothing
    assert hops(two_hosts(), names)[0, 3] == 8  # g0 sw0 n0 leaf0 spine leaf1 n0 sw0 g0


def test_the_network_is_crossed_once() -> None:
    """A host with cards in two networks does not join them."""
    topology = made(
        ("n0", "leaf0", "IB", 1),
        ("n1", "leaf0", "IB", 1),
        ("n2", "leaf1", "IB", 1),
        ("n3", "leaf1", "IB", 1),
        ("n1", "sw0", "PCIE", 1),
        ("n2", "sw0", "PCIE", 1),
    )
    assert pairwise(topology, ["n0", "n3"])[0, 1] == 0
    assert pairwise(topology, ["n0", "n2"])[0, 1] == 1


def test_whole_paths_are_no_part_of_longer_ones() -> None:
    """A matrix says nothing of what is behind its letters: with its NVLink failed, a pair has no path."""
    matrix = nvidia_smi.parse("\tGPU0\tGPU1\tGPU2\nGPU0\t X \tNV4\tPIX\nGPU1\tNV4\t X \tPIX\nGPU2\tPIX\tPIX\t X \n")
    topology = nvidia_smi.topology(matrix, product="NVIDIA A100")
    names = ["GPU0", "GPU1", "GPU2"]
    np.testing.assert_array_equal(pairwise(topology, names), topology.direct_links(names))
    assert pairwise(topology.with_failed(("GPU0", "GPU1")), names)[0, 1] == 0


def test_names_are_checked() -> None:
    """Each vertex once, and only vertices."""
    topology = made(*HOST)
    with pytest.raises(InputError, match="names: g0 is given twice; give each vertex once"):
        pairwise(topology, ["g0", "g0"])
    with pytest.raises(UnknownReferenceError, match="no vertex named 'g9'"):
        hops(topology, ["g9"])
    assert pairwise(topology, []).shape == hops(topology, []).shape == (0, 0)
