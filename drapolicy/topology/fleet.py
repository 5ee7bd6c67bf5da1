"""Joins a machine's graph to every node of a fleet that it describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.inventory.links import NodeLinks
from drapolicy.topology.bind import BindReport, Match, bind
from drapolicy.topology.graph import Topology


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
