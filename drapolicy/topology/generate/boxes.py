"""Boxes that are put together from cards: any number of cards, sockets, switches and bridges."""

from __future__ import annotations

from itertools import combinations

from drapolicy.errors import InputError
from drapolicy.topology.generate.draft import Draft, check_size
from drapolicy.topology.generate.machine import Machine, Root, Tree
from drapolicy.topology.rates import SOCKET_MB_S


def pcie_box(
    *, cards: int, numa: int, switches: int, nics: int, product: str, bridge: int, bridge_links: int, sockets: str
) -> Machine:
    """Describe a box of PCIe cards.

    Parameters
    ----------
    cards
        GPUs, dealt to the NUMA nodes in order, as evenly as can be.
    numa
        NUMA nodes.
    switches
        PCIe switches on each NUMA node, each on a root of its own; with 0 every card has a root of its own.
    nics
        Network cards, dealt as the GPUs are.
    product
        Product name of the GPUs; decides the rates.
    bridge
        GPUs that a bridge joins, each to each: 0 for none, 2 for pairs.
    bridge_links
        NVLinks, or xGMI links, between two bridged GPUs.
    sockets
        Link between NUMA nodes.

    Raises
    ------
    InputError
        If the cards cannot be bridged so.
    """
    if bridge and (bridge == 1 or cards % bridge):
        raise InputError(f"bridge: {bridge} does not divide {cards} cards into groups of at least two; give 0 for none")
    groups = range(0, cards if bridge else 0, bridge or 1)
    pairs = tuple(pair for first in groups for pair in combinations(range(first, first + bridge), 2))
    nodes: list[tuple[Root, ...]] = []
    for n in range(numa):
        gpus = [f"G{gpu}" for gpu in _share(cards, numa, n)]
        others = [f"N{nic}" for nic in _share(nics, numa, n)]
        if switches:
            nodes.append(tuple((_dealt(gpus, switches, s) + _dealt(others, switches, s),) for s in range(switches)))
        else:
            nodes.append(tuple((device,) for device in gpus + others))
    return Machine(
        product,
        tuple(nodes),
        sockets,
        "made up from the parameters",
        mesh={bridge_links: pairs} if pairs else {},
        rails=tuple(range(nics)),
    )


def draw_cpu_nic(
    draft: Draft, *, numa: int, cpus: int, nics: int, sockets: str, generation: int, lanes: int, nodes: int
) -> None:
    """Add boxes whose CPUs and network cards are aligned: each NUMA node has so many of both.

    Parameters
    ----------
    draft
        Picture to add to.
    numa
        NUMA nodes of a box.
    cpus
        CPU devices of each NUMA node: what a driver for CPUs publishes, such as a socket or a cache domain.
    nics
        Network cards of each NUMA node, each on a root of its own.
    sockets
        Link between NUMA nodes, a row of `SOCKET_MB_S`.
    generation, lanes
        PCIe of the network cards.
    nodes
        How many boxes: ``host`` alone, or ``node0``, ``node1`` ... without a network between them.

    Raises
    ------
    InputError
        If they have too many devices.
    """
    check_size(nodes, numa * (cpus + nics))
    for node in range(nodes):
        host, prefix = ("host", "") if nodes == 1 else (f"node{node}", f"node{node}/")
        draft.vertex(host, "host")
        names = [draft.vertex(f"{prefix}numa{n}", "numa", host) for n in range(numa)]
        draft.sockets(names, sockets)
        for cpu in range(numa * cpus):
            draft.vertex(f"{prefix}CPU{cpu}", "cpu", names[cpu // cpus], index=cpu)
        for nic in range(numa * nics):
            root = draft.vertex(f"{prefix}pci{nic:04x}:00", "pcie_root", names[nic // nics])
            name = f"{prefix}NIC{nic}"
            draft.vertex(name, "nic", index=nic, pci=f"{nic:04x}:01:00.0", rdma=f"mlx5_{nic}", rail=nic)
            draft.pcie(name, root, generation, lanes)


def _dealt(tokens: list[str], parts: int, part: int) -> tuple[Tree, ...]:
    return tuple(tokens[i] for i in _share(len(tokens), parts, part))


def _share(items: int, parts: int, part: int) -> range:
    """Return which of some items, dealt evenly in order, a part gets."""
    return range(-(-items * part // parts), -(-items * (part + 1) // parts))


SOCKETS = tuple(SOCKET_MB_S)
"""Links between NUMA nodes that boxes can have."""
