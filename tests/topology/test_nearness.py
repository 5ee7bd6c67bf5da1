"""How near devices are, from matrices, from graphs of switches, and on a fleet that was bound."""

from __future__ import annotations

from pathlib import Path as File

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks, Path
from drapolicy.problem.state import State
from drapolicy.topology import nvidia_smi, read
from drapolicy.topology.fleet import bind_fleet
from drapolicy.topology.graph import Topology
from drapolicy.topology.nearness import nearness
from drapolicy.workload import MODELS, fleet_objects, topology_text

MATRIX = """\tGPU0\tGPU1\tGPU2\tGPU3\tGPU4\tGPU5\tNUMA Affinity
GPU0\t X \tNV4\tPIX\tPXB\tSYS\tSYS\t0
GPU1\tNV4\t X \tPHB\tNODE\tSYS\tSYS\t0
GPU2\tPIX\tPHB\t X \tNV1\tSYS\tSYS\t0
GPU3\tPXB\tNODE\tNV1\t X \tNV2\tSYS\t0
GPU4\tSYS\tSYS\tSYS\tNV2\t X \tNODE\t1
GPU5\tSYS\tSYS\tSYS\tSYS\tNODE\t X \t1
"""


def test_a_matrix_tells_paths_and_nvlinks() -> None:
    """Letters are paths; where NVLinks hide the path, the NUMA nodes tell it."""
    paths, lanes = nearness(nvidia_smi.topology(nvidia_smi.parse(MATRIX)), [f"GPU{d}" for d in range(6)])
    rows = [[Path(code).name for code in row] for row in paths.tolist()]
    assert rows[0] == ["NONE", "NODE", "PIX", "PXB", "SYS", "SYS"]
    assert rows[1][2:4] == ["PHB", "NODE"]
    assert (rows[3][4], rows[4][5]) == ("SYS", "NODE")
    assert (lanes == lanes.T).all()
    assert (paths == paths.T).all()
    assert lanes[0].tolist() == [0, 4, 0, 0, 0, 0]
    assert lanes[3].tolist() == [0, 0, 1, 0, 2, 0]


def machine() -> Topology:
    """Two PCIe switches below one root, a third beside; two NVSwitches; one NVLink has failed."""
    graph: nx.Graph[str] = nx.Graph()
    for name, kind in (("host", "host"), ("n0", "numa"), ("r0", "pcie_root"), ("r1", "pcie_root")):
        graph.add_node(name, kind=kind)
    for switch in ("s0", "s1", "s2"):
        graph.add_node(switch, kind="switch", layer="pcie")
    for plane in ("p0", "p1"):
        graph.add_node(plane, kind="switch", layer="nvswitch")
    within = {"n0": "host", "r0": "n0", "r1": "n0"}
    for part, whole in within.items():
        graph.add_edge(part, whole, kind="in", count=1, bandwidth_mb_s=0)
    for a, b in (("s0", "r0"), ("s1", "r0"), ("s0", "s1"), ("s2", "r1")):
        graph.add_edge(a, b, kind="PCIE", count=1, bandwidth_mb_s=24_000)
    for d, switch in enumerate(("s0", "s0", "s1", "s2")):
        graph.add_node(f"g{d}", kind="gpu")
        graph.add_edge(f"g{d}", switch, kind="PCIE", count=1, bandwidth_mb_s=24_000)
        graph.add_edge(f"g{d}", "p0", kind="NV", count=2, bandwidth_mb_s=50_000)
        graph.add_edge(f"g{d}", "p1", kind="NV", count=1 + d, bandwidth_mb_s=25_000, failed=d == 3)
    return Topology(graph)


def test_a_graph_tells_switches_and_planes() -> None:
    """PIX below one switch, PXB over two, NODE between roots; planes add up, the failed link is not counted."""
    paths, lanes = nearness(machine(), ["g0", "g1", "g2", "g3"])
    assert [Path(code).name for code in paths[0].tolist()] == ["NONE", "PIX", "PXB", "NODE"]
    assert lanes[0].tolist() == [0, 3, 3, 2]
    assert lanes[1].tolist() == [3, 0, 4, 2]


def test_parts_of_one_gpu_are_on_one_board() -> None:
    """A vertex that several devices are is as near to itself as can be, without links."""
    paths, lanes = nearness(machine(), ["g0", "g0", "g1"])
    assert paths.tolist() == [[0, 6, 5], [6, 0, 5], [5, 5, 0]]
    assert lanes.tolist() == [[0, 0, 3], [0, 0, 3], [3, 3, 0]]


def test_unknown_vertices_are_refused() -> None:
    """A name that is no vertex is told."""
    with pytest.raises(UnknownReferenceError, match="no vertex named 'x'"):
        nearness(machine(), ["x"])


def test_a_bound_fleet_carries_nearness() -> None:
    """Binding a matrix gives every node paths and lanes; a fleet without one has what attributes tell."""
    model = "a100-pcie-bridged"
    graph = nvidia_smi.topology(nvidia_smi.parse(topology_text(model)), MODELS[model].product)
    plain = build(fleet_objects(model, 2))
    site = State(bind_fleet(plain, graph)[0]).sites[1]
    gpus = [d.index for d in site.devices if d.id.driver == "gpu.nvidia.com"]
    own = site.lanes[np.ix_(gpus, gpus)]
    expected = [[int(graph.graph[f"GPU{a}"][f"GPU{b}"]["count"]) if a != b else 0 for b in range(8)] for a in range(8)]
    linked = [
        [graph.graph[f"GPU{a}"][f"GPU{b}"]["kind"] == "NV" if a != b else False for b in range(8)] for a in range(8)
    ]
    assert (own == np.where(linked, expected, 0)).all()
    assert not site.paths.flags.writeable
    bare = State(plain).sites[0]
    assert not bare.lanes.any()
    root, numa = bare.group("pcieRoot"), bare.group("numa")
    for a in gpus:
        for b in gpus:
            near = Path.PXB if root[a] == root[b] >= 0 else Path.NODE if numa[a] == numa[b] >= 0 else Path.SYS
            assert bare.paths[a, b] == (near if a != b else Path.NONE)


def test_a_real_capture_of_xgmi_pairs_has_lanes(shared: File) -> None:
    """MI210 hosts: GPUs of a hive are joined by xGMI, those of two hives by PCIe over the sockets."""
    found = read(shared / "topology" / "ROCm_k8s-device-plugin" / "kfd_topology_mi210_xgmi_pcie.json")
    gpus = found.of_kind("gpu")
    paths, lanes = nearness(found, gpus)
    assert len(gpus) == 8
    assert [(lanes[0] > 0).tolist(), (lanes[4] > 0).tolist()] == [
        [False, *[True] * 3, *[False] * 4],
        [False] * 4 + [False, True, True, True],
    ]
    assert set(paths[0, 4:].tolist()) == {Path.SYS}


@pytest.mark.parametrize(
    ("paths", "lanes", "text"),
    [
        (np.zeros((2, 2), np.int64), None, r"links: paths are int64 \(2, 2\); give int8 of shape \(2, 2\)"),
        (None, np.zeros((1, 1), np.int16), r"links: lanes are int16 \(1, 1\); give int16 of shape \(2, 2\)"),
        (np.array([[0, 7], [7, 0]], np.int8), None, "links: path 7 is unknown; use 0 to 6"),
        (None, np.array([[0, 1], [2, 0]], np.int16), "links: lanes must be symmetric"),
    ],
)
def test_faulty_tables_are_refused(paths: np.ndarray | None, lanes: np.ndarray | None, text: str) -> None:
    """Tables have one type each, fit the devices and are symmetric."""
    with pytest.raises(InputError, match=text):
        NodeLinks((("d", "p", "a"), ("d", "p", "b")), np.zeros((2, 2), np.int64), paths, lanes)
