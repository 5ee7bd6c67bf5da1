"""Reads what topograph gets from NetQ and NMX: ``topologyGraph.json`` (cables) and ``computeNodes.json`` (domains)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from drapolicy.api.values import join
from drapolicy.errors import InputError
from drapolicy.topology.document import Document
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.slurm import LAYERS

if TYPE_CHECKING:
    import networkx as nx

NAME: Final = "an output of topograph"
KIND: Final = "topograph-output"

HEALTH: Final = {"HEALTHY": False, "UNHEALTHY": True}
"""Words of NMX for a node's health, and whether it has failed; other words say neither."""

_JSON = re.compile(r'\s*[\[{]\s*(?:\{\s*)?"')
_SIGNS = ('"compounded_nodes"', '"DomainUUID"', '"GpuIDList"')


@dataclass(frozen=True, slots=True)
class Unit:
    """A switch or host of NetQ; ``tier`` counts from 1 at the leaves, hosts have -1."""

    id: str
    name: str
    is_switch: bool
    tier: int


@dataclass(frozen=True, slots=True)
class Cable:
    """Parallel cables between two units, by their names."""

    ends: tuple[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class ComputeNode:
    """A host of NMX: its NVLink domain, its chassis, its GPUs by id."""

    name: str
    domain: str
    chassis: str
    gpus: tuple[str, ...]
    health: str


@dataclass(frozen=True)
class Output:
    """What one of the two files says; the other parts are empty."""

    units: tuple[Unit, ...] = ()
    cables: tuple[Cable, ...] = ()
    nodes: tuple[ComputeNode, ...] = ()


def recognises(text: str) -> bool:
    """Return whether the text is JSON with fields of either file, or a request to topograph (which `parse` refuses)."""
    if _JSON.match(text.removeprefix("\ufeff")) is None:
        return False
    return any(sign in text for sign in _SIGNS) or ('"provider"' in text and '"engine"' in text)


def parse(text: str, file: str = "") -> Output:
    """Read the text of either file.

    Parameters
    ----------
    text
        The file, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With every fault: names and ids that are given twice, cables to units that are not there, counts that
        contradict each other. A request to topograph is refused: it only names a provider, an engine, a model.
    """
    document = Document(text, file)
    value = document.value
    if isinstance(value, dict) and {"provider", "engine"} & value.keys():
        document.refuse("is a request to topograph, which only names a provider, an engine or a model file")
    members = [("", value)] if isinstance(value, dict) else list(document.entries(value, ""))
    is_cables = any(isinstance(member, dict) and "links" in member for _, member in members)
    output = _cables(document, members) if is_cables else _compute_nodes(document, members)
    if document.sound and not output.units and not output.nodes:
        document.refuse("names no switch and no node")
    document.close()
    return output


def topology(output: Output, product: str = "") -> Topology:
    """Make a graph of switches and hosts with their cables, or of hosts with their GPUs in domains.

    Parameters
    ----------
    output
        What `parse` gives.
    product
        Product name of the GPUs.

    Returns
    -------
    Topology
        Switches and hosts under their names, GPUs under their ids, ``domain/UUID`` and ``rack/SERIAL`` for a chassis.
        ``count`` of an edge is its number of cables, whose speed is not known. A host that is UNHEALTHY has failed.

    Raises
    ------
    InputError
        If a GPU is called as a host.
    """
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph(source="topograph output")
    for unit in output.units:
        if unit.is_switch:
            layer = {"layer": LAYERS[min(unit.tier, len(LAYERS)) - 1]} if unit.tier > 0 else {}
            graph.add_node(unit.name, kind="switch", **layer)
        else:
            graph.add_node(unit.name, kind="host")
    for cable in output.cables:
        graph.add_edge(*cable.ends, kind=LinkKind.NETWORK.value, count=cable.count, bandwidth_mb_s=0)
    for node in output.nodes:
        failed = {"failed": True} if HEALTH.get(node.health) else {}
        graph.add_node(node.name, kind="host", **failed)
    for node in output.nodes:
        for gpu in node.gpus:
            if gpu in graph:
                raise InputError(f"{gpu}: is the name of a GPU and of a {graph.nodes[gpu]['kind']}")
            graph.add_node(gpu, kind="gpu", **({"product": product} if product else {}))
            graph.add_edge(gpu, node.name, kind=INSIDE, count=1, bandwidth_mb_s=0)
        for kind, name in (("domain", node.domain), ("rack", node.chassis)):
            if name:
                graph.add_node(f"{kind}/{name}", kind=kind)
                graph.add_edge(node.name, f"{kind}/{name}", kind=INSIDE, count=1, bandwidth_mb_s=0)
    return Topology(graph)


def facts(output: Output) -> dict[str, Any]:  # noqa: ARG001
    """Return the kind of the file; nothing is counted of it."""
    return {"kind": KIND}


def _cables(document: Document, members: list[tuple[str, Any]]) -> Output:
    units: dict[str, Unit] = {}
    names: set[str] = set()
    cables: dict[frozenset[str], Cable] = {}
    for path, member in members:
        fields = document.mapping(member, path)
        for where, tier in document.entries(fields.get("nodes"), join(path, "nodes")):
            inside = document.mapping(tier, where).get("compounded_nodes")
            for place, device in document.entries(inside, join(where, "compounded_nodes")):
                unit = _unit(document, document.mapping(device, place), place)
                if unit.id in units or unit.name in names:
                    document.fault(place, f"{unit.id} or {unit.name} is given twice")
                units[unit.id] = unit
                names.add(unit.name)
    for path, member in members:
        fields = document.mapping(member, path)
        for place, link in document.entries(fields.get("links"), join(path, "links")):
            cable = _cable(document, document.mapping(link, place), place, units)
            if cable is None:
                continue
            if frozenset(cable.ends) in cables:
                document.fault(place, f"joins {' and '.join(cable.ends)}, as a link before it does")
            cables[frozenset(cable.ends)] = cable
    return Output(units=tuple(units.values()), cables=tuple(cables.values()))


def _unit(document: Document, fields: Mapping[str, Any], path: str) -> Unit:
    tier = document.number(fields.get("tier"), join(path, "tier"), -1)
    is_switch = document.text(fields.get("device_type"), join(path, "device_type")) == "switch"
    name = document.text(fields.get("name"), join(path, "name"))
    return Unit(document.text(fields.get("id"), join(path, "id")), name, is_switch, tier)


def _cable(document: Document, fields: Mapping[str, Any], path: str, units: Mapping[str, Unit]) -> Cable | None:
    ends = [document.text(fields.get(key), join(path, key)) for key in ("src", "target")]
    missing = next((end for end in ends if end and end not in units), None)
    if missing is not None:
        document.fault(path, f"leads to {missing}, which is no switch and no host of the file")
        return None
    if ends[0] == ends[1]:
        document.fault(path, f"joins {ends[0]} to itself")
        return None
    count = 0
    for place, cable in document.entries(fields.get("compounded_links"), join(path, "compounded_links")):
        inner = document.mapping(cable, place)
        members = document.entries(inner.get("interfaces"), join(place, "interfaces"))
        joined = [document.mapping(member, where).get("node") for where, member in members]
        if sorted(map(str, joined)) != sorted(ends):
            document.fault(place, f"joins {' and '.join(map(str, joined))[:80]}, the link {' and '.join(ends)}")
        count += 1
    size = document.number(fields.get("size", count), join(path, "size"), 1)
    if size != count:
        document.fault(join(path, "size"), f"is {size}, but {count} cables are listed")
    if not all(end in units for end in ends):
        return None
    return Cable((units[ends[0]].name, units[ends[1]].name), size)


def _compute_nodes(document: Document, members: list[tuple[str, Any]]) -> Output:
    nodes: dict[str, ComputeNode] = {}
    owner: dict[str, str] = {}
    for path, member in members:
        fields = document.mapping(member, path)
        name = document.text(fields.get("Name"), join(path, "Name"))
        if name in nodes:
            document.fault(join(path, "Name"), f"{name} is given twice")
        gpus = []
        for place, value in document.entries(fields.get("GpuIDList", []), join(path, "GpuIDList")):
            gpu = document.text(value, place)
            if gpu in owner:
                document.fault(place, f"{gpu} is in {owner[gpu]} already")
            owner[gpu] = name
            gpus.append(gpu)
        location_path = join(path, "LocationInfo")
        location = document.mapping(fields.get("LocationInfo", {}), location_path)
        serial = location.get("ChassisSerialNumber")
        chassis = document.text(serial, join(location_path, "ChassisSerialNumber")) if serial else ""
        domain = document.text(fields.get("DomainUUID"), join(path, "DomainUUID"))
        health = document.text(fields["Health"], join(path, "Health")) if "Health" in fields else ""
        nodes[name] = ComputeNode(name, domain, chassis, tuple(gpus), health)
    return Output(nodes=tuple(nodes.values()))
