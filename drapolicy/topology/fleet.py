"""Joins a machine's graph to every node of a fleet that it describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.inventory.links import NodeLinks
from drapolicy.topology.attributes import role, value
from drapolicy.topology.bind import BindReport, Match, bind
from drapolicy.topology.graph import Topology
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
    """

    nodes: Mapping[str, BindReport]
    without: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.nodes)} nodes got links, {len(self.without)} did not"]
        texts: dict[str, list[str]] = {}
        for name, report in self.nodes.items():
            for (_, pool, device), why in report.devices:
                texts.setdefault(f"{device}: not bound: {why}", []).append(pool)
            for vertex, why in report.vertices:
                texts.setdefault(f"{vertex}: not bound: {why}", []).append(name)
        lines += [f"{text} ({len(names)} nodes)" for text, names in sorted(texts.items())]
        return "\n".join(lines)


def bind_fleet(
    fleet: Fleet, topology: Topology, *, nodes: Iterable[str] | None = None, match: Match = "auto"
) -> tuple[Fleet, FleetReport]:
    """Give the nodes of a fleet the links of one machine's graph.

    Parameters
    ----------
    fleet
        The fleet.
    topology
        Graph of one machine.
    nodes
        Nodes that are such machines; by default all nodes on which a device of the graph is found.
    match
        How GPUs are told apart, see :func:`drapolicy.topology.bind.bind`.

    Returns
    -------
    fleet : Fleet
        The same fleet with links.
    report : FleetReport
        What matched and what did not, on both sides.

    Raises
    ------
    UnknownReferenceError
        For a node that the fleet does not have.
    """
    wanted = list(fleet.nodes.names if nodes is None else nodes)
    links: dict[str, NodeLinks] = {}
    reports: dict[str, BindReport] = {}
    for name in wanted:
        if name not in fleet.nodes.index:
            message = f"topology: node {name} is not in the fleet"
            raise UnknownReferenceError(message)
        slices = [fleet.slice(i) for i in fleet.slices_on(name) if fleet.node_of_slice[i] >= 0]
        devices = [(s.spec.driver, s.spec.pool.name, device) for s in slices for device in s.spec.devices]
        table, report = bind(topology, devices, match)
        if report.bound:
            ids = tuple((driver, pool, device.name) for driver, pool, device in devices)
            links[name] = NodeLinks(ids, table)
            reports[name] = report
    return fleet.with_links(links), FleetReport(reports, tuple(name for name in wanted if name not in links))


def with_topology(fleet: Fleet, path: str | Path) -> tuple[Fleet, FleetReport]:
    """Give the nodes of a fleet the links that a file tells, as fast as the fleet's GPUs make them.

    Parameters
    ----------
    fleet
        The fleet; its `product_of` decides the bandwidths.
    path
        What one of its machines printed, see :func:`drapolicy.topology.read.read`.

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
    return bind_fleet(fleet, read(path, product=product_of(fleet)))


def product_of(fleet: Fleet) -> str:
    """Return the product name that most of a fleet's whole GPUs publish; empty if none does."""
    names: Counter[str] = Counter()
    for i in range(min(len(fleet.slices), _COUNTED_SLICES)):
        spec = fleet.slice(i).spec
        gpus = (device for device in spec.devices if role(spec.driver, device) == "gpu")
        names.update(str(name) for device in gpus if (name := value(spec.driver, device, "product")))
    return max(names, key=names.__getitem__, default="")
