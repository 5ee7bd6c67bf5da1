"""Networks as Slurm's topology plugins know them: trees of switches, blocks, rings and tori of nodes.

`drapolicy.topology.slurm_conf` and `drapolicy.topology.slurm_yaml` read them from Slurm's two kinds of files.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from drapolicy.errors import InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import networkx as nx

LAYERS = ("leaf", "spine", "core")
"""Layer of a switch by its height over the nodes; what is higher than a core is one too."""

MAX_SWITCH_NAME = 64
MAX_RING = 16
MAX_TORUS = 1_000_000

Flaw: TypeAlias = tuple[str, str, str]
"""Where a record stands (empty for the block sizes), what is wrong, and the message."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch and what is below it: switches, or nodes, or nothing.

    Attributes
    ----------
    link_speed
        Speed of its links as the file gives it, in units of the file's author; None where it does not.
    where
        Place of the record in the file.
    """

    name: str
    switches: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    link_speed: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A block of nodes, or a ring of them in order.

    A block may have fewer nodes than the base block, or none: topograph fills racks that are absent so (its document
    on the complement of blocks), and Slurm wants those places counted.
    """

    name: str
    nodes: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Torus:
    """A 3D torus: ``nodes`` in the order of their coordinates, x fastest; empty names are free places."""

    name: str
    dims: tuple[int, int, int]
    nodes: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Network:
    """What one plugin knows: ``plugin`` is tree, block, ring, torus3d or flat.

    Attributes
    ----------
    name
        Name of a topology of ``topology.yaml``; empty for ``topology.conf``.
    is_default
        Whether it is marked as the cluster's.
    block_sizes
        Sizes that blocks are planned in, in nodes: the base block first.
    """

    plugin: str
    name: str = ""
    is_default: bool = False
    switches: tuple[Switch, ...] = ()
    blocks: tuple[Group, ...] = ()
    block_sizes: tuple[int, ...] = ()
    rings: tuple[Group, ...] = ()
    toruses: tuple[Torus, ...] = ()


def flaws(network: Network) -> Iterator[Flaw]:
    """Yield what Slurm's plugins refuse in a network that can be read."""
    yield from _twice(network.switches, "switch")
    yield from _tree_flaws(network.switches)
    yield from _block_flaws(network.blocks, network.block_sizes)
    yield from _twice(network.rings, "ring")
    for ring in network.rings:
        if len(ring.nodes) > MAX_RING:
            yield ring.where, f"ring {ring.name}", f"has {len(ring.nodes)} nodes; a ring has at most {MAX_RING}"
    yield from _twice(network.toruses, "torus")
    for groups, kind in ((network.blocks, "block"), (network.rings, "ring"), (network.toruses, "torus")):
        yield from _shared(groups, kind)


def heights(switches: Sequence[Switch]) -> dict[str, int]:
    """Return the height of each switch over the nodes, 0 for those without switches below.

    Switches on a cycle, and those above one, have none.
    """
    above: dict[str, list[str]] = {switch.name: [] for switch in switches}
    waits = {}
    for switch in switches:
        below = [child for child in dict.fromkeys(switch.switches) if child in above]
        waits[switch.name] = len(below)
        for child in below:
            above[child].append(switch.name)
    height = dict.fromkeys((name for name, count in waits.items() if count == 0), 0)
    ready = list(height)
    for name in ready:
        for parent in above[name]:
            waits[parent] -= 1
            height[parent] = max(height.get(parent, 0), height[name] + 1)
            if waits[parent] == 0:
                ready.append(parent)
    return {name: height[name] for name in ready}


def topology(network: Network, link_speed_mb_s: int = 0) -> Topology:
    """Make a graph of switches, nodes and groups of nodes.

    Parameters
    ----------
    network
        What one plugin knows.
    link_speed_mb_s
        What one unit of ``LinkSpeed`` carries in one direction, in MB/s. Slurm calls the units arbitrary, so the
        default is 0: not known.

    Returns
    -------
    Topology
        Switches and hosts under their names; a block, ring or torus as ``domain/NAME``. A switch's links to what is
        below it are ``NET`` with its speed, as are the links between neighbours of a ring or torus, with none.

    Raises
    ------
    InputError
        If a switch is called as a node, or the plugin is ``flat``, which names no nodes.
    """
    import networkx as nx

    if network.plugin == "flat":
        raise InputError(f"topology {network.name}: topology/flat says nothing of the network; give another topology")
    graph: nx.Graph[str] = nx.Graph(source=f"Slurm topology/{network.plugin}")
    if network.block_sizes:
        graph.graph["block_sizes"] = network.block_sizes
    height = heights(network.switches)
    for switch in network.switches:
        graph.add_node(switch.name, kind="switch", layer=LAYERS[min(height[switch.name], 2)])
    for switch in network.switches:
        bandwidth_mb_s = (switch.link_speed or 0) * link_speed_mb_s
        for node in switch.nodes:
            _add_host(graph, node)
        for name in (*switch.switches, *switch.nodes):
            graph.add_edge(switch.name, name, kind=LinkKind.NETWORK.value, count=1, bandwidth_mb_s=bandwidth_mb_s)
    groups: tuple[Group | Torus, ...] = (*network.blocks, *network.rings, *network.toruses)
    for group in groups:
        domain = f"domain/{group.name}"
        graph.add_node(domain, kind="domain")
        for node in filter(None, group.nodes):
            _add_host(graph, node)
            graph.add_edge(node, domain, kind=INSIDE, count=1, bandwidth_mb_s=0)
    for ring in network.rings:
        _add_neighbours(graph, zip(ring.nodes, (*ring.nodes[1:], *ring.nodes[:1]), strict=True))
    for torus in network.toruses:
        _add_neighbours(graph, _torus_pairs(torus))
    return Topology(graph)


def counts(networks: Iterable[Network]) -> dict[str, object]:
    """Return how many switches and blocks there are, and each list of block sizes."""
    networks = tuple(networks)
    return {
        "switches": sum(len(network.switches) for network in networks),
        "blocks": sum(len(network.blocks) for network in networks),
        "blocksizes": [",".join(map(str, network.block_sizes)) for network in networks if network.block_sizes],
    }


def _twice(records: Iterable[Switch | Group | Torus], kind: str) -> Iterator[Flaw]:
    first: dict[str, str] = {}
    for record in records:
        if record.name in first:
            yield record.where, f"{kind} {record.name}", f"is given twice, first in {first[record.name]}"
        first.setdefault(record.name, record.where)


def _shared(groups: Iterable[Group | Torus], kind: str) -> Iterator[Flaw]:
    inside: dict[str, str] = {}
    for group in groups:
        others = (inside[node] for node in group.nodes if node in inside and inside[node] != group.name)
        other = next(others, None)
        if other is not None:
            yield group.where, f"{kind} {group.name}", f"shares nodes with {kind} {other}"
        for node in filter(None, group.nodes):
            inside.setdefault(node, group.name)


def _tree_flaws(switches: Sequence[Switch]) -> Iterator[Flaw]:
    known = {switch.name for switch in switches}
    height = heights(switches)
    for switch in switches:
        field = f"switch {switch.name}"
        if len(switch.name) > MAX_SWITCH_NAME:
            yield switch.where, field, f"has a name of more than {MAX_SWITCH_NAME} characters"
        if switch.switches and switch.nodes:
            yield switch.where, field, "has both switches and nodes below it; give it one of them"
        called = next((node for node in switch.nodes if node in known), None)
        if called is not None:
            yield switch.where, field, f"has the node {called} below it, which is the name of a switch too; rename one"
        missing = next((child for child in switch.switches if child not in known), None)
        if missing is not None:
            yield switch.where, field, f"has {missing} below it, which is not defined"
        if switch.name not in height:
            yield switch.where, field, "is below itself, or above a switch that is; a tree has no cycles"


def _block_flaws(blocks: Sequence[Group], sizes: Sequence[int]) -> Iterator[Flaw]:
    yield from _twice(blocks, "block")
    base = sizes[0] if sizes else 0
    for before, size in itertools.pairwise(sizes):
        times, rest = divmod(size, base)
        if size <= before or rest or times & (times - 1):
            yield "", "block sizes", f"{size} is not larger than {before} and {base} times a power of two"


def _add_host(graph: nx.Graph[str], name: str) -> None:
    if graph.nodes.get(name, {}).get("kind", "host") != "host":
        raise InputError(f"{name}: is the name of a {graph.nodes[name]['kind']} and of a node; rename one")
    graph.add_node(name, kind="host")


def _add_neighbours(graph: nx.Graph[str], pairs: Iterable[tuple[str, str]]) -> None:
    for a, b in pairs:
        if a and b and a != b:
            graph.add_edge(a, b, kind=LinkKind.NETWORK.value, count=1, bandwidth_mb_s=0)


def _torus_pairs(torus: Torus) -> Iterator[tuple[str, str]]:
    """Yield each node with the next one along each axis, which wraps around."""
    x_size, y_size, z_size = torus.dims
    for place, node in enumerate(torus.nodes):
        z, in_layer = divmod(place, x_size * y_size)
        y, x = divmod(in_layer, x_size)
        yield node, torus.nodes[place - x + (x + 1) % x_size]
        yield node, torus.nodes[place + ((y + 1) % y_size - y) * x_size]
        yield node, torus.nodes[place + ((z + 1) % z_size - z) * x_size * y_size]
