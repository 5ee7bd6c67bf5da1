"""Generated machines are as the real ones were captured."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.topology import LinkKind, Topology, best_sets, nvidia_smi, read
from drapolicy.topology.generate import KINDS, generate, matrix
from drapolicy.topology.generate.catalogue import MACHINES
from drapolicy.topology.measures import alignment, pairwise
from drapolicy.topology.nvidia_smi import Matrix
from drapolicy.topology.products import link_rates


def named(shown: Matrix, only: str = "") -> dict[tuple[str, str], str]:
    """Letters of each pair of devices, cards by their RDMA name."""
    names = [rdma or name for name, rdma in zip(shown.names, shown.rdma, strict=True)]
    return {
        (names[d], names[e]): shown.letters(d, e)
        for d in range(len(names))
        for e in range(len(names))
        if names[d].startswith(only) and names[e].startswith(only)
    }


def pairs(topology: Topology) -> Counter[str]:
    """GPU pairs by their letters."""
    shown = matrix(topology)
    return Counter(shown.letters(d, e) for d, e in combinations(shown.gpus, 2))


CAPTURES = {
    "dgx-1-v100": "excerpts/dgx1_v100_4mlx5.txt",
    "dgx-a100": "stas00_ml-engineering/network__README__L370.txt",
    "hgx-h100": "stas00_ml-engineering/network__README__L385.txt",
    "hgx-h200": "excerpts/h200_dgx_8gpu_12nic.txt",
    "gb200-nvl72": "excerpts/gb200_4gpu.txt",
    "mi250x": "ROCm_rccl/topo_8p_90a.xml",
    "mi300a": "excerpts/mi300a_4apu_showtopo.txt",
    "mi300x": "excerpts/mi300x_8gpu_showtopo.txt",
    "pcie": "excerpts/nvlink_pairs_a100_pcie_4gpu.txt",
}
"""The capture of each kind that its tests compare it with; some have more."""

UNCAPTURED = {
    "dgx-1-p100": "none is public; its pairs are those of MAPA's artefact",
    "dgx-2": "none is whole; what the vendor says is tested",
    "hgx-b200": "none is complete; its NVSwitches are tested, and its places are those of DGX H100",
    "mi325x": "none is public; as mi300x",
    "mi355x": "none is public; as mi300x",
    "cpu-nic": "made up",
    "fat-tree": "a network, tested against the textbook",
    "rail-optimised": "a network, tested against the textbook",
    "dragonfly": "a network, tested against the textbook",
    "torus": "a network, tested against the textbook",
}


def test_every_kind_is_compared_or_says_why_not(shared: Path) -> None:
    """Each kind has a capture, which is there, or a reason."""
    assert {*CAPTURES, *UNCAPTURED} == set(KINDS)
    assert not set(CAPTURES) & set(UNCAPTURED)
    assert all((shared / "topology" / file).is_file() for file in CAPTURES.values())


def nvlinks(shown: Matrix) -> nx.Graph[str]:
    """GPUs and the NVLinks between them."""
    graph: nx.Graph[str] = nx.Graph()
    for d, e in combinations(shown.gpus, 2):
        if shown.kinds[d][e] is LinkKind.NVLINK:
            graph.add_edge(shown.names[d], shown.names[e], count=shown.counts[d][e])
    return graph


def test_a_dgx1_in_another_order_is_the_same_machine(shared: Path) -> None:
    """A cloud numbers the GPUs of the hybrid cube mesh otherwise; a renumbering gives all NVLinks."""
    captured = nvlinks(nvidia_smi.read(shared / "topology" / "excerpts" / "alibaba_v100_8gpu_one_numa.txt"))
    made = nvlinks(matrix(generate("dgx-1-v100")))
    assert set(captured.edges) != set(made.edges)
    assert nx.is_isomorphic(captured, made, edge_match=lambda one, other: one["count"] == other["count"])


@pytest.mark.parametrize(("kind", "name"), [("dgx-1-p100", "dgx-p"), ("dgx-1-v100", "dgx-v")])
def test_meshes_are_those_of_mapa(shared: Path, kind: str, name: str) -> None:
    """The artefact joins the same pairs by one NVLink and by two."""
    told = json.loads((shared / "peers" / "mapa.json").read_text())["topologies"][name]["links"]
    count = {"SingleNVLink": 1, "DoubleNVLink": 2}
    expected = {(f"GPU{a - 1}", f"GPU{b - 1}"): count[what] for a, b, _, what in told if what in count}
    found = nx.get_edge_attributes(nvlinks(matrix(generate(kind))), "count")
    assert {tuple(sorted(pair)): links for pair, links in found.items()} == expected


@pytest.mark.parametrize(
    ("kind", "file"), [("mi300x", "ROCm_rccl/topo_8p_940.xml"), ("mi300a", "ROCm_rccl/topo_4p_940.xml")]
)
def test_cards_are_beside_gpus_as_in_rccls_models(shared: Path, kind: str, file: str) -> None:
    """Each GPU has a card of its own, as near as in the model; all GPUs are linked; NUMA nodes are as many."""
    captured, made = read(shared / "topology" / file), generate(kind)
    near = [alignment(topology, topology.of_kind("gpu"), topology.of_kind("nic")) for topology in (captured, made)]
    assert near[0].own == near[1].own
    assert near[0].nearest.tolist() == near[1].nearest.tolist()
    assert len(captured.of_kind("numa")) == len(made.of_kind("numa"))
    assert sum(xgmi(captured).values()) == sum(xgmi(made).values())


@pytest.mark.parametrize(
    ("kind", "file"), [("dgx-1-v100", "excerpts/dgx1_v100_4mlx5.txt"), ("hgx-h200", "excerpts/h200_dgx_8gpu_12nic.txt")]
)
def test_a_whole_machine_is_as_nvidia_smi_printed_it(shared: Path, kind: str, file: str) -> None:
    """Every pair of GPUs and cards has the captured path and count."""
    captured = nvidia_smi.read(shared / "topology" / file)
    shown = matrix(generate(kind))
    assert named(shown) == named(captured)
    if any(captured.numa_affinity):
        numa = dict(zip(captured.names, captured.numa_affinity, strict=True))
        assert all(shown.numa_affinity[d] == numa[shown.names[d]] for d in shown.gpus)


@pytest.mark.parametrize(
    ("kind", "params", "file"),
    [
        ("dgx-1-v100", {}, "excerpts/v100_sxm2_8gpu_nic0.txt"),
        ("dgx-a100", {}, "stas00_ml-engineering/network__README__L370.txt"),
        ("hgx-h100", {}, "stas00_ml-engineering/network__README__L385.txt"),
        ("hgx-h100", {}, "google_dranet/site__content__docs__user__gke-rdma__L411.txt"),
        ("pcie", {"cards": 4, "numa": 4, "bridge": 2}, "excerpts/nvlink_pairs_a100_pcie_4gpu.txt"),
        ("pcie", {"cards": 4, "numa": 2, "nics": 0, "product": "NVIDIA L40S"}, "excerpts/l40s_4gpu_2nic.txt"),
        ("hgx-h100", {}, "PrincetonUniversity_gpu_programming_intro/01_what_is_a_gpu__pli__L281.txt"),
        ("pcie", {"cards": 8, "switches": 2}, "local-inference-lab_rtx6kpro/nvidia_topo.log"),
        ("pcie", {"cards": 4, "numa": 1}, "local-inference-lab_rtx6kpro/hardware__topology__L186.txt"),
        ("pcie", {"cards": 4, "nics": 4}, "luigifcruz_stelline/hardware__asus-esc8000a-e12__L885.txt"),
        (
            "pcie",
            {"cards": 2, "numa": 1, "bridge": 2, "bridge_links": 2},
            "stas00_ml-engineering/network__README__L333.txt",
        ),
    ],
)
def test_gpus_are_as_nvidia_smi_printed_them(shared: Path, kind: str, params: dict[str, object], file: str) -> None:
    """Every pair of GPUs has the captured path and count; the box has other cards than ours."""
    captured = nvidia_smi.read(shared / "topology" / file)
    assert named(matrix(generate(kind, **params)), "GPU") == named(captured, "GPU")


def test_a_tray_of_nvl72_is_as_nvidia_smi_printed_it(shared: Path) -> None:
    """Four GPUs, each to each by 18 NVLinks, on two NUMA nodes."""
    captured = nvidia_smi.read(shared / "topology" / "excerpts" / "gb200_4gpu.txt")
    shown = matrix(generate("gb200-nvl72"), "rack0/tray7")
    assert named(shown, "GPU") == named(captured)
    assert [shown.numa_affinity[d] for d in shown.gpus] == list(captured.numa_affinity)


@pytest.mark.parametrize(
    ("kind", "params", "file"),
    [
        ("mi300x", {}, "excerpts/mi300x_8gpu_showtopo.txt"),
        ("mi300a", {}, "excerpts/mi300a_4apu_showtopo.txt"),
        ("mi300a", {}, "excerpts/mi250_hpc_node_4gcd_showtopo.txt"),
    ],
)
def test_amd_boxes_are_as_rocm_smi_printed_them(shared: Path, kind: str, params: dict[str, object], file: str) -> None:
    """The same pairs are linked by xGMI, and GPUs are on the same NUMA nodes."""
    told = json.loads((shared / "topology" / "facts.json").read_text())[file]
    topology = generate(kind, **params)
    gpus = topology.of_kind("gpu")
    assert len(gpus) == told["gpus"]
    assert 2 * xgmi(topology).total() == told["Link Type"]["XGMI"]
    shown = matrix(topology)
    assert [shown.numa_affinity[d] for d in shown.gpus] == told["numa"]


def test_bridged_mi210_are_as_the_kernel_told_them(shared: Path) -> None:
    """Eight cards are two hives of four: xGMI joins the same cards, which follow two CPUs in the kernel's numbers."""
    captured = json.loads(
        (shared / "topology" / "ROCm_k8s-device-plugin" / "kfd_topology_mi210_xgmi_pcie.json").read_text()
    )
    ends = [
        (link["node_from"] - 2, link["node_to"] - 2)
        for node in captured.values()
        for link in node["io_links"].values()
        if link["type"] == 11
    ]
    topology = generate("pcie", cards=8, bridge=4, bridge_links=1, product="AMD Instinct MI210")
    assert len(ends) == 2 * xgmi(topology).total() == 24
    assert {frozenset({a, b}) for a, b, data in topology.graph.edges(data=True) if data["kind"] == "XGMI"} == {
        frozenset({f"GPU{a}", f"GPU{b}"}) for a, b in ends
    }


def xgmi(topology: Topology) -> Counter[int]:
    """XGMI edges by the number of links."""
    return Counter(data["count"] for _, _, data in topology.graph.edges(data=True) if data["kind"] == "XGMI")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("dgx-1-p100", {"NV1": 16, "SYS": 12}),
        ("dgx-1-v100", {"NV1": 8, "NV2": 8, "SYS": 12}),
        ("dgx-2", {"NV6": 120}),
        ("dgx-a100", {"NV12": 28}),
        ("hgx-h100", {"NV18": 28}),
        ("hgx-h200", {"NV18": 28}),
        ("hgx-b200", {"NV18": 28}),
    ],
)
def test_pairs_of_gpus(kind: str, found: dict[str, int]) -> None:
    """NVLinks of all pairs of GPUs, as the vendor gives them."""
    assert pairs(generate(kind)) == found


@pytest.mark.parametrize(("kind", "machine"), MACHINES.items())
def test_every_gpu_uses_its_links(kind: str, machine: object) -> None:
    """The NVLinks or xGMI links of each GPU are as many as the product has for its peers."""
    ports = {"P100": 4, "V100": 6, "A100": 12, "H100": 18, "H200": 18, "B200": 18} | {
        "MI250X": 7,
        "MI300A": 6,
        "MI300X": 7,
        "MI325X": 7,
        "MI355X": 7,
    }
    topology = generate(kind)
    for gpu in topology.of_kind("gpu"):
        data = topology.graph.nodes[gpu]
        links = [link for link in topology.graph[gpu].values() if link["kind"] in {"NV", "XGMI"}]
        assert sum(link["count"] for link in links) == next(n for name, n in ports.items() if name in data["product"])
        one = link_rates(data["product"]).bandwidth_mb_s(LinkKind(links[0]["kind"]))
        assert all(link["bandwidth_mb_s"] == link["count"] * one for link in links)


@pytest.mark.parametrize("kind", ["dgx-1-p100", "dgx-1-v100"])
def test_the_best_four_of_a_dgx1_are_its_quads(kind: str) -> None:
    """GPUs 0 to 3 and 4 to 7 are fully linked; no other four have as much."""
    topology = generate(kind)
    links = topology.direct_links([f"GPU{d}" for d in range(8)])
    assert best_sets(links, range(8), 4) == ((0, 1, 2, 3), (4, 5, 6, 7))


def test_dies_of_a_module_are_linked_four_times() -> None:
    """An MI250X is two dies with 200 GB/s between them; modules are joined by one or two links of 50 GB/s."""
    topology = generate("mi250x")
    assert xgmi(topology) == {1: 4, 2: 4, 4: 4}
    assert [topology.direct_links([f"GPU{d}", f"GPU{d + 1}"])[0, 1] for d in (0, 2, 4, 6)] == [200_000] * 4


def test_neighbours_of_mi250x_dies_are_those_of_rccl(shared: Path) -> None:
    """RCCL's model of the machine links the same pairs."""
    text = (shared / "topology" / "ROCm_rccl" / "topo_8p_90a.xml").read_text()
    gpus = re.findall(r'<pci busid="(\S+)" class="0x03.*?</pci>', text, re.DOTALL)
    bodies = re.findall(r'<pci busid="\S+" class="0x03(.*?)</pci>', text, re.DOTALL)
    told = {
        frozenset({d, gpus.index(target)})
        for d, body in enumerate(bodies)
        for target in re.findall(r'<xgmi target="(\S+)"', body)
    }
    graph = generate("mi250x").graph
    found = {frozenset({int(a[3:]), int(b[3:])}) for a, b, data in graph.edges(data=True) if data["kind"] == "XGMI"}
    assert len(told) == 12
    assert found == told


@pytest.mark.parametrize("racks", [1, 2, 8])
def test_nvl72_racks(racks: int) -> None:
    """A rack has 18 trays with 4 GPUs and 9 switch trays with 2 NVSwitches; 8 racks are 576 GPUs."""
    topology = generate("gb200-nvl72", racks=racks)
    graph = topology.graph
    assert len(topology.of_kind("gpu")) == 72 * racks
    assert len(topology.of_kind("host")) == 18 * racks
    assert len(topology.of_kind("rack")) == racks
    layers = Counter(graph.nodes[name]["layer"] for name in topology.of_kind("switch"))
    assert layers == {"nvswitch": 18 * racks, "leaf": 4 * racks} | ({"spine": 18} if racks > 1 else {})
    for gpu in topology.of_kind("gpu"):
        links = [(name, data) for name, data in graph[gpu].items() if data["kind"] == "NV"]
        assert len(links) == 18
        assert sum(data["bandwidth_mb_s"] for _, data in links) == 900_000
        assert {name.split("/")[0] for name, _ in links} == {gpu.split("/")[0]}


def test_576_gpus_are_eight_domains_of_72() -> None:
    """Inside a rack pairs have all 18 NVLinks; between racks half of PCIe, as card and GPU share no root."""
    topology = generate("gb200-nvl72", racks=8)
    gpus = topology.of_kind("gpu")
    links = pairwise(topology, gpus)
    assert Counter(links[np.triu_indices(576, 1)].tolist()) == {900_000: 8 * 72 * 71 // 2, 24_000: 28 * 72 * 72}
    rack = np.arange(576) // 72
    assert ((links == 900_000) == (rack[:, None] == rack) & ~np.eye(576, dtype=bool)).all()


def test_no_two_devices_of_a_tray_share_a_root() -> None:
    """So matching them by PCIe root can never hold, as on real trays."""
    topology = generate("gb200-nvl72")
    roots = [name for name in topology.of_kind("pcie_root") if name.startswith("rack0/tray0/")]
    assert [sum(data["kind"] == "PCIE" for data in topology.graph[root].values()) for root in roots] == [1] * 8


def test_a_failed_nvswitch_takes_its_links() -> None:
    """What nvidia-smi would print has fewer NVLinks, not another kind of path."""
    assert pairs(generate("hgx-h100").with_failed("nvswitch0")) == {"NV13": 28}
    assert pairs(generate("dgx-1-v100").with_failed(("GPU0", "GPU3"))) == {"NV1": 8, "NV2": 7, "PHB": 1, "SYS": 12}


def test_a_matrix_of_what_is_no_host_is_refused() -> None:
    """The host is named, and devices that are on no root have no path."""
    with pytest.raises(InputError, match="'GPU0' is no host"):
        matrix(generate("mi300x"), "GPU0")
    tray = generate("gb200-nvl72").with_failed("rack0/tray0/pci0000:00")
    with pytest.raises(InputError, match="rack0/tray0/GPU0: is not on a PCIe root"):
        matrix(tray, "rack0/tray0")


@pytest.mark.parametrize("kind", ["dgx-1-v100", "dgx-2", "dgx-a100", "hgx-h200"])
def test_what_nvidia_smi_would_print_is_read_back(kind: str) -> None:
    """The text of a generated machine is a matrix that the reader takes, its devices in the order of their numbers."""
    shown = matrix(generate(kind))
    numbers = [(name[:3] != "GPU", int(name[3:])) for name in shown.names]
    assert numbers == sorted(numbers)
    again = nvidia_smi.parse(nvidia_smi.text(shown))
    assert (again.names, again.kinds, again.counts) == (shown.names, shown.kinds, shown.counts)


@pytest.mark.parametrize("cards", range(1, 17))
@pytest.mark.parametrize(("numa", "switches"), [(1, 0), (2, 0), (2, 2), (4, 1), (3, 8)])
def test_pcie_boxes(cards: int, numa: int, switches: int) -> None:
    """All cards are there, spread as evenly as can be over NUMA nodes and switches."""
    topology = generate("pcie", cards=cards, numa=numa, switches=switches, nics=numa)
    shown = matrix(topology)
    assert [name for name in shown.names if name.startswith("GPU")] == [f"GPU{d}" for d in range(cards)]
    homes = Counter(shown.numa_affinity[d] for d in shown.gpus)
    assert max(homes.values()) - min(homes[str(n)] for n in range(numa)) <= 1
    assert len(topology.of_kind("switch")) == numa * switches
    kinds = {shown.kinds[d][e] for d, e in combinations(shown.gpus, 2)}
    assert kinds <= {LinkKind.SYS, LinkKind.NODE, *([LinkKind.PIX] if switches else [])}


def test_cpus_and_cards_are_aligned() -> None:
    """Every NUMA node has its CPUs and its cards."""
    topology = generate("cpu-nic", numa=3, cpus=2, nics=2)
    assert topology.of_kind("cpu") == tuple(f"CPU{n}" for n in range(6))
    assert topology.of_kind("nic") == tuple(f"NIC{n}" for n in range(6))
    for n in range(3):
        cpus = {name for name in topology.graph[f"numa{n}"] if name.startswith("CPU")}
        roots = [name for name in topology.graph[f"numa{n}"] if name.startswith("pci")]
        nics = {name for root in roots for name in topology.graph[root] if name.startswith("NIC")}
        assert cpus == {f"CPU{2 * n}", f"CPU{2 * n + 1}"}
        assert nics == {f"NIC{2 * n}", f"NIC{2 * n + 1}"}
