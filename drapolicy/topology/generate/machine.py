"""How a machine is written down and drawn: NUMA nodes, roots, switches and devices, and links of GPUs.

Bandwidths are those of `drapolicy.topology.rates`. PCI addresses are made up in order, a domain for each root; all else
is as the source of each machine says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drapolicy.topology.generate.draft import Draft, check_size
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates

Tree: TypeAlias = "str | tuple[Tree, ...]"
"""A device, ``G`` or ``N`` with a number, or a PCIe switch with what is on it."""

Root: TypeAlias = tuple[Tree, ...]
"""What is on a PCIe root."""


@dataclass(frozen=True)
class Machine:
    """One host.

    Attributes
    ----------
    product
        Product name of its GPUs; decides the rates of NVLink, xGMI and PCIe.
    numa
        For each NUMA node its PCIe roots.
    sockets
        Link between NUMA nodes, a row of `drapolicy.topology.rates.SOCKET_MB_S`.
    source
        Where this is from.
    mesh
        Pairs of GPUs that are linked directly, by the number of parallel links.
    nvswitches
        For each NVSwitch the NVLinks of each GPU to it.
    trunks
        Pairs of NVSwitches that are linked, and by how many NVLinks.
    rails
        Network cards that are rails of the compute network, in the order of the rails.
    """

    product: str
    numa: tuple[tuple[Root, ...], ...]
    sockets: str
    source: str
    mesh: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    nvswitches: tuple[Mapping[int, int], ...] = ()
    trunks: tuple[tuple[int, int, int], ...] = ()
    rails: tuple[int, ...] = ()

    @property
    def tokens(self) -> list[str]:
        """All devices, GPUs first."""
        return sorted(_tokens(self.numa), key=lambda token: (token[0], int(token[1:])))


def draw_nodes(draft: Draft, machine: Machine, nodes: int) -> None:
    """Add as many of a machine as asked: ``host`` alone, or ``node0``, ``node1`` ... without a network between them.

    Raises
    ------
    InputError
        If they have too many devices.
    """
    check_size(nodes, len(machine.tokens))
    if nodes == 1:
        draw(draft, machine)
        return
    for n in range(nodes):
        draw(draft, machine, f"node{n}", prefix=f"node{n}/")


def draw(draft: Draft, machine: Machine, host: str = "host", *, prefix: str = "", inside: str | None = None) -> None:
    """Add a machine to a picture.

    Parameters
    ----------
    draft
        Picture to add to.
    machine
        What to add.
    host
        Name of its vertex.
    prefix
        Put before the names of all others.
    inside
        Vertex that the host is in.
    """
    rates = link_rates(machine.product)
    draft.vertex(host, "host", inside)
    numa = [draft.vertex(f"{prefix}numa{n}", "numa", host) for n in range(len(machine.numa))]
    draft.sockets(numa, machine.sockets)
    for token in machine.tokens:
        draft.graph.add_node(_name(token, prefix))
    switches = 0

    def hang(tree: Tree, parent: str, domain: int, bus: int) -> int:
        """Add a tree under a parent; return the next free bus."""
        nonlocal switches
        if isinstance(tree, str):
            name = _device(draft, machine, tree, prefix, f"{domain:04x}:{bus:02x}:00.0")
            draft.pcie(name, parent, rates.pcie_generation)
            return bus + 1
        name = draft.vertex(f"{prefix}plx{switches}", "switch", layer="pcie")
        switches += 1
        draft.pcie(name, parent, rates.pcie_generation)
        for branch in tree:
            bus = hang(branch, name, domain, bus)
        return bus

    domain = 0
    for node, roots in zip(numa, machine.numa, strict=True):
        for root in roots:
            name = draft.vertex(f"{prefix}pci{domain:04x}:00", "pcie_root", node)
            bus = 1
            for tree in root:
                bus = hang(tree, name, domain, bus)
            domain += 1
    kind = LinkKind.XGMI if "Instinct" in machine.product else LinkKind.NVLINK
    generation = {} if kind is LinkKind.XGMI else {"generation": rates.nvlink_generation}
    one_mb_s = rates.bandwidth_mb_s(kind)
    for count, pairs in machine.mesh.items():
        for a, b in pairs:
            draft.device_link(f"{prefix}GPU{a}", f"{prefix}GPU{b}", kind, one_mb_s, count, **generation)
    names = []
    for n, gpus in enumerate(machine.nvswitches):
        names.append(name := draft.vertex(f"{prefix}nvswitch{n}", "switch", host, layer="nvswitch"))
        for gpu, count in gpus.items():
            draft.link(f"{prefix}GPU{gpu}", name, kind, one_mb_s, count, **generation)
    for a, b, count in machine.trunks:
        draft.link(names[a], names[b], kind, one_mb_s, count, **generation)


def _tokens(tree: Any) -> list[str]:
    return [tree] if isinstance(tree, str) else [token for branch in tree for token in _tokens(branch)]


def _name(token: str, prefix: str) -> str:
    return f"{prefix}{'GPU' if token[0] == 'G' else 'NIC'}{token[1:]}"


def _device(draft: Draft, machine: Machine, token: str, prefix: str, pci: str) -> str:
    name, number = _name(token, prefix), int(token[1:])
    if token[0] == "G":
        return draft.vertex(name, "gpu", index=number, pci=pci, product=machine.product)
    rail: dict[str, Any] = {"rail": machine.rails.index(number)} if number in machine.rails else {}
    return draft.vertex(name, "nic", index=number, pci=pci, rdma=f"mlx5_{number}", **rail)
