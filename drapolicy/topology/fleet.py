"""Joins a machine's graph to every node of a fleet that it describes, or the graph of several hosts to their nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.inventory.links import NodeLinks
from drapolicy.topology.attributes import NodeDevice, is_gpu_driver, role, value
from drapolicy.topology.bind import BindReport, Machine, Match
from drapolicy.topology.graph import Topology
from drapolicy.topology.measures.spread import groups
from drapolicy.topology.nearness import nearness
from drapolicy.topology.products import family
from drapolicy.topology.read import read

# Slices in which product names are counted; a fleet's machines are alike.
_COUNTED_SLICES = 1000


@dataclass(frozen=True)
class FleetReport:
    """How a graph and the nodes of a fleet were joined.

    Attributes
    ----------
    nodes
        Report of each node that got links.
    without
        Nodes that no device of the graph matched.
    unmatched
        Report of each node that no device of the graph matched, where the graph has a machine for it.
    vertices
        Devices of a graph of several hosts that could go to no node, and why.
    """

    nodes: Mapping[str, BindReport]
    without: tuple[str, ...]
    unmatched: Mapping[str, BindReport] = field(default_factory=dict)
    vertices: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{len(self.nodes)} nodes got links, {len(self.without)} did not"]
        texts: dict[str, list[str]] = {}
        for name, report in chain(self.nodes.items(), self.unmatched.items()):
            for (_, pool, device), why in report.devices:
                texts.setdefault(f"{device}: not bound: {why}", []).append(pool)
            for vertex, why in report.vertices:
                texts.setdefault(f"{vertex}: not bound: {why}", []).append(name)
        lines += [f"{text} ({len(names)} nodes)" for text, names in sorted(texts.items())]
        lines += [f"{vertex}: not bound: {why}" for vertex, why in self.vertices]
        return "\n".join(lines)


def bind_fleet(
    fleet: Fleet, topology: Topology, *, nodes: Iterable[str] | None = None, match: Match = "auto"
) -> tuple[Fleet, FleetReport]:
    """Give the nodes of a fleet the links of a graph.

    Parameters
    ----------
    fleet
        The fleet.
    topology
        Graph of one machine, which all nodes are like; or of several hosts, each of which is the node of its name.
    nodes
        Nodes to give links to; by default all nodes on which a device of the graph is found.
    match
        How devices are told apart, see :func:`drapolicy.topology.bind.bind`.

    Returns
    -------
    fleet : Fleet
        The same fleet with links.
    report : FleetReport
        What matched and what did not, on both sides.

    Raises
    ------
    UnknownReferenceError
        For a node, or a device of `match`, that the fleet does not have.
    """
    wanted = list(fleet.nodes.names if nodes is None else nodes)
    unknown = next((name for name in wanted if name not in fleet.nodes.index), None)
    if unknown is not None:
        message = f"topology: node {unknown} is not in the fleet"
        raise UnknownReferenceError(message)
    machines, loose = _machines(topology, wanted)
    left = dict(match) if isinstance(match, Mapping) else {}
    links: dict[str, NodeLinks] = {}
    reports: dict[str, BindReport] = {}
    unmatched: dict[str, BindReport] = {}
    near: dict[tuple[int, tuple[str, ...]], tuple[NDArray[np.int8], NDArray[np.int16]]] = {}
    for name in wanted:
        machine = machines.get(name)
        if machine is None:
            continue
        devices = devices_of(fleet, name)
        ids = [(driver, pool, device.name) for driver, pool, device in devices]
        own = {i: left.pop(i) for i in dict.fromkeys(ids) if i in left} if isinstance(match, Mapping) else match
        table, report = machine.bind(devices, own)
        if report.bound:
            at = {i: d for d, i in enumerate(ids)}
            bound = [at[each.device] for each in report.bound]
            vertices = tuple(each.vertex for each in report.bound)
            if (id(machine), vertices) not in near:
                near[id(machine), vertices] = nearness(machine.topology, vertices)
            told = near[id(machine), vertices]
            links[name] = NodeLinks(tuple(ids[d] for d in bound), table[np.ix_(bound, bound)], *told)
            reports[name] = report
        else:
            unmatched[name] = report
    if left:
        message = f"match: no device {', '.join('/'.join(i) for i in left)} on the nodes that get links"
        raise UnknownReferenceError(message)
    without = tuple(name for name in wanted if name not in links)
    return fleet.with_links(links), FleetReport(reports, without, unmatched, loose)


def _machines(topology: Topology, wanted: Sequence[str]) -> tuple[dict[str, Machine], tuple[tuple[str, str], ...]]:
    """Return the machine that each node is, and the devices of the graph that are on none of these."""
    hosts = topology.of_kind("host")
    if len(hosts) <= 1:
        return dict.fromkeys(wanted, Machine(topology)), ()
    graph = topology.graph
    inside = [name for name in graph if graph.nodes[name]["kind"] not in _OUTSIDE]
    home = groups(topology, [*hosts, *inside], "host").tolist()
    host_of = dict(zip(home, hosts, strict=False))
    own: dict[str, list[str]] = {host: [host] for host in hosts}
    for name, number in zip(inside, home[len(hosts) :], strict=True):
        own.setdefault(host_of.get(number, ""), []).append(name)
    devices = set(topology.devices)
    chosen = set(wanted)
    loose = [(name, "is in no host, or in several") for name in own.pop("", ()) if name in devices]
    loose += [
        (name, f"no node is called {host}")
        for host in hosts
        if host not in chosen
        for name in own[host]
        if name in devices
    ]
    found = [host for host in hosts if host in chosen and not devices.isdisjoint(own[host])]
    fabrics = _fabrics(topology)
    return {host: Machine(_part(topology, own[host], fabrics)) for host in found}, tuple(loose)


def _fabrics(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Return for each switch outside of hosts the switches that can be reached from it over switches."""
    import networkx as nx

    switches = topology.graph.subgraph(topology.of_kind("switch"))
    return {name: tuple(joined) for joined in nx.connected_components(switches) for name in joined}


def _part(topology: Topology, own: Sequence[str], fabrics: Mapping[str, tuple[str, ...]]) -> Topology:
    """Return the graph of one host of several: what is in it, and the switches over which its parts can meet."""
    links = Counter(fabrics[other] for name in own for other in topology.graph[name] if other in fabrics)
    kept = dict.fromkeys(own)
    for fabric, count in links.items():
        if count > 1:
            kept |= dict.fromkeys(fabric)
    return Topology(topology.graph.subgraph(kept))


_OUTSIDE = frozenset({"host", "rack", "domain", "switch"})


def devices_of(fleet: Fleet, node: str) -> list[NodeDevice]:
    """Return the devices of a node's own slices, of each pool those of its newest generation (K8s S24)."""
    rows = [i for i in fleet.slices_on(node) if fleet.node_of_slice[i] >= 0]
    slices = [fleet.slice(i) for i in rows]
    newest: dict[tuple[str, str], int] = {}
    for item in slices:
        pool = item.spec.driver, item.spec.pool.name
        newest[pool] = max(newest.get(pool, item.spec.pool.generation), item.spec.pool.generation)
    return [
        (item.spec.driver, item.spec.pool.name, device)
        for item in slices
        if item.spec.pool.generation == newest[item.spec.driver, item.spec.pool.name]
        for device in item.spec.devices
    ]


def with_topology(fleet: Fleet, path: str | Path, *, product: str = "") -> tuple[Fleet, FleetReport]:
    """Give the nodes of a fleet the links that a file tells, as fast as the fleet's GPUs make them.

    A fleet of several products takes a file for each, one after the other: nodes keep the links that they have where
    a later file is not about them.

    Parameters
    ----------
    fleet
        The fleet.
    path
        What one of its machines printed, see :func:`drapolicy.topology.read.read`.
    product
        Product name of this machine's GPUs, which decides the bandwidths. If given, only the `nodes_with` it get links;
        by default it is what `product_of` finds, and all nodes that match get links.

    Returns
    -------
    fleet : Fleet
        The same fleet with links.
    report : FleetReport
        What matched and what did not, on both sides.

    Raises
    ------
    ParseError
        With every fault of the file, or when it is something else.
    OSError
        If it cannot be opened.
    """
    topology = read(path, product=product or product_of(fleet))
    return bind_fleet(fleet, topology, nodes=nodes_with(fleet, product) if product else None)


def nodes_with(fleet: Fleet, product: str) -> list[str]:
    """Return the nodes with GPUs of a product's family (`drapolicy.topology.products.FAMILIES`).

    Examples
    --------
    >>> from drapolicy.workload import fleet_objects
    >>> from drapolicy.inventory import build
    >>> fleet = build(fleet_objects("dgx-h100", 2))
    >>> nodes_with(fleet, "NVIDIA H200"), nodes_with(fleet, "NVIDIA A100-SXM4-40GB")
    (['node-00', 'node-01'], [])
    """
    wanted = family(product)

    def has(node: str) -> bool:
        gpus = ((driver, device) for driver, _, device in devices_of(fleet, node) if is_gpu_driver(driver))
        names = {str(name) for driver, device in gpus if (name := value(driver, device, "product"))}
        return any(family(name) is wanted for name in names)

    return [node for node in fleet.nodes.names if has(node)]


def product_of(fleet: Fleet) -> str:
    """Return the product name that most of a fleet's whole GPUs publish; empty if none does."""
    names: Counter[str] = Counter()
    for i in range(min(len(fleet.slices), _COUNTED_SLICES)):
        spec = fleet.slice(i).spec
        gpus = (device for device in spec.devices if role(spec.driver, device) == "gpu")
        names.update(str(name) for device in gpus if (name := value(spec.driver, device, "product")))
    return max(names, key=names.__getitem__, default="")
