"""What ``nvidia-smi topo -m`` would print of a picture that shows switches and roots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drapolicy.errors import InputError
from drapolicy.topology.graph import Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.nvidia_smi import Matrix

if TYPE_CHECKING:
    import networkx as nx


def matrix(topology: Topology, host: str = "host") -> Matrix:
    """Tell the paths between the GPUs and network cards of a host in nvidia-smi's letters.

    Parameters
    ----------
    topology
        Picture in which PCIe roots are in NUMA nodes, these in hosts, and devices hang on roots by PCIe links.
    host
        Which host.

    Returns
    -------
    Matrix
        Columns are GPUs and then cards, by index; named without the host's prefix.

    Raises
    ------
    InputError
        If there is no such host, or a device of it is not on one PCIe root of a NUMA node.

    Notes
    -----
    After nvidia-smi's legend: one switch between two devices is PIX, more are PXB, a root PHB, another root of the NUMA
    node NODE, another NUMA node SYS. NVLinks count where they join two GPUs directly, or lead both to the same
    NVSwitches; what has failed does not.
    """
    works = topology.without_failed().graph
    if host not in works or works.nodes[host]["kind"] != "host":
        raise InputError(f"host: {host!r} is no host of the picture")
    homes = dict(_homes(works, host))
    for name in topology.graph:
        if name not in homes and name.startswith(f"{host}/") and topology.graph.nodes[name]["kind"] in {"gpu", "nic"}:
            raise InputError(f"vertex {name}: is not on a PCIe root of {host}, so nvidia-smi has no path for it")
    names = sorted(homes, key=lambda name: (works.nodes[name]["kind"] != "gpu", works.nodes[name].get("index", 0)))
    joined = list(_nvswitches(works))
    cells = [[_path(works, homes, joined, a, b) for b in names] for a in names]
    return Matrix(
        names=tuple(name.removeprefix(f"{host}/") for name in names),
        kinds=tuple(tuple(kind for kind, _ in row) for row in cells),
        counts=tuple(tuple(count for _, count in row) for row in cells),
        cpu_affinity=("",) * len(names),
        numa_affinity=tuple(
            homes[name][0].removeprefix(f"{host}/").removeprefix("numa") if works.nodes[name]["kind"] == "gpu" else ""
            for name in names
        ),
        gpu_numa_id=("",) * len(names),
        rdma=tuple(works.nodes[name].get("rdma", "") for name in names),
    )


def _homes(works: nx.Graph[str], host: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each device and where it is: NUMA node, root, then switches downwards."""
    for numa in works[host]:
        for root in works[numa] if works.nodes[numa]["kind"] == "numa" else ():
            if works.nodes[root]["kind"] == "pcie_root":
                yield from _below(works, root, (numa, root))


def _below(works: nx.Graph[str], at: str, way: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, data in works[at].items():
        if data["kind"] != LinkKind.PCIE.value or name in way:
            continue
        if works.nodes[name]["kind"] == "switch":
            yield from _below(works, name, (*way, name))
        else:
            yield name, way


def _nvswitches(works: nx.Graph[str]) -> Iterator[dict[str, int]]:
    """Yield for each group of NVSwitches that are linked to each other the NVLinks of each GPU to it."""
    import networkx as nx

    switches = [name for name, data in works.nodes(data=True) if data.get("layer") == "nvswitch"]
    for group in nx.connected_components(works.subgraph(switches)):
        links: dict[str, int] = {}
        for switch in sorted(group):
            for gpu, data in works[switch].items():
                if data["kind"] == LinkKind.NVLINK.value and works.nodes[gpu]["kind"] == "gpu":
                    links[gpu] = links.get(gpu, 0) + data["count"]
        yield links


def _path(
    works: nx.Graph[str], homes: dict[str, tuple[str, ...]], joined: list[dict[str, int]], a: str, b: str
) -> tuple[LinkKind, int]:
    if a == b:
        return LinkKind.SELF, 0
    data = works.get_edge_data(a, b, {"kind": "", "count": 0})
    nvlinks = data["count"] if data["kind"] == LinkKind.NVLINK.value else 0
    nvlinks += sum(min(links.get(a, 0), links.get(b, 0)) for links in joined)
    if nvlinks:
        return LinkKind.NVLINK, nvlinks
    one, other = homes[a], homes[b]
    shared = sum(x == y for x, y in zip(one, other, strict=False))
    if shared > 2:
        between = len(one) + len(other) - 2 * shared + 1
        return (LinkKind.PIX if between == 1 else LinkKind.PXB), 1
    return (LinkKind.SYS, LinkKind.NODE, LinkKind.PHB)[shared], 1
