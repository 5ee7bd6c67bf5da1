"""The picture of a machine: devices, switches and memory nodes as vertices, links as edges with units."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import Fault, InputError, UnknownReferenceError
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import networkx as nx

DEVICE_KINDS = ("gpu", "nic", "cpu")
"""Kinds of vertices that a DRA device can be bound to."""

VERTEX_KINDS = frozenset({*DEVICE_KINDS, "host", "numa", "pcie_root", "switch", "rack", "domain"})

SWITCH_LAYERS = ("nvswitch", "pcie", "leaf", "spine", "core")
"""What a switch joins: GPUs, PCIe devices, hosts, leaves, spines."""

INSIDE = "in"
"""Kind of an edge that says where a vertex is; it carries nothing: 0 MB/s."""

EDGE_KINDS = frozenset({INSIDE, *(kind.value for kind in LinkKind if kind is not LinkKind.SELF)})

MOST_TEXT = 1024
"""Characters that a name or text may have."""

_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MAY_CARRY_NOTHING = frozenset({INSIDE, LinkKind.NETWORK.value})


@dataclass(frozen=True, eq=False)
class Topology:
    """A validated `networkx.Graph` with units; knows nothing of DRA.

    Vertices are named by text and have ``kind`` (`VERTEX_KINDS`). Any may have ``failed`` (bool) and ``position``
    (tuple of ints: coordinates in a torus). Devices may have ``index`` (position in the vendor's listing), ``pci``
    (address like ``0000:10:1c.0``), ``uuid``, ``product``, ``rdma`` (name of the RDMA device), ``speed_mb_s`` (what
    the ports of a NIC carry together) and ``rail`` (which of a host's rails it is on, from 0); a switch has ``layer``
    (`SWITCH_LAYERS`) where it is known.

    Edges have ``kind`` (`EDGE_KINDS`), ``count`` (parallel links, at least 1) and ``bandwidth_mb_s`` (int, 10⁶ bytes/s
    per direction, of all ``count`` together; 0 for ``in`` and where a network's speed is not known). They may have
    ``generation`` and ``lanes`` (ints of at least 1), ``latency_ns`` (int of at least 0), ``slit`` (relative latency
    of two memory nodes as the firmware's table has it, 10 being local; no time) and ``failed`` (bool): a failed link
    stays in the picture and carries nothing, and so do all links of a failed vertex.

    The graph itself may have attributes of plain values: text, ints, bools and tuples of these.

    The graph is copied and frozen: vertices and edges cannot be added or removed, attributes must not be changed.

    Raises
    ------
    InputError
        With every vertex and edge that is not as described.
    """

    graph: nx.Graph[str]

    def __post_init__(self) -> None:
        import networkx as nx

        faults = _faults(self.graph)
        if faults:
            raise InputError(faults=faults)
        object.__setattr__(self, "graph", nx.freeze(self.graph.copy()))

    def __eq__(self, other: object) -> bool:
        import networkx as nx

        return isinstance(other, Topology) and bool(nx.utils.graphs_equal(self.graph, other.graph))

    __hash__ = None  # type: ignore[assignment]  # holds a graph

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Return the names of the vertices of these kinds, in the order they were added."""
        return tuple(name for name, data in self.graph.nodes(data=True) if data["kind"] in kinds)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the vertices that are devices, in the order they were added."""
        return self.of_kind(*DEVICE_KINDS)

    def with_failed(self, *what: str | tuple[str, str]) -> Topology:
        """Return the same picture with more vertices, given by name, and links, given by both ends, failed.

        Raises
        ------
        UnknownReferenceError
            If a name is not a vertex or a pair not an edge.
        InputError
            If something is neither a name nor a pair.
        """
        graph = self.graph.copy()
        vertices = [name for name in what if isinstance(name, str)]
        links = [pair for pair in what if not isinstance(pair, str)]
        if any(len(pair) != 2 for pair in links):
            raise InputError("topology: give a vertex by its name, a link by both ends")
        self.require([*vertices, *chain.from_iterable(links)])
        unlinked = [f"{a} - {b}" for a, b in links if not graph.has_edge(a, b)]
        if unlinked:
            raise UnknownReferenceError(f"topology: no link {', '.join(unlinked)}")
        for name in vertices:
            graph.nodes[name]["failed"] = True
        for a, b in links:
            graph.edges[a, b]["failed"] = True
        return Topology(graph)

    def without_failed(self) -> Topology:
        """Return the picture of what works: without failed links, failed vertices and the links of these."""
        graph = self.graph.copy()
        graph.remove_edges_from([(a, b) for a, b, data in graph.edges(data=True) if data.get("failed")])
        graph.remove_nodes_from([name for name, data in graph.nodes(data=True) if data.get("failed")])
        return Topology(graph)

    def direct_links(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the bandwidth of the edges between vertices; 0 where there is no edge, or it or an end has failed.

        Parameters
        ----------
        names
            D distinct vertices.

        Returns
        -------
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal

        Raises
        ------
        UnknownReferenceError
            If a name is not a vertex.
        """
        self.require(names)
        links = np.zeros((len(names), len(names)), np.int64)
        working = [name for name in names if not self.graph.nodes[name].get("failed")]
        place = {name: d for d, name in enumerate(names)}
        for a, b, data in self.graph.subgraph(working).edges(data=True):
            if not data.get("failed"):
                links[place[a], place[b]] = links[place[b], place[a]] = data["bandwidth_mb_s"]
        return links

    def require(self, names: Iterable[str]) -> None:
        """Make sure that names are vertices.

        Raises
        ------
        UnknownReferenceError
            With all names that are not.
        """
        unknown = [name for name in names if name not in self.graph]
        if unknown:
            raise UnknownReferenceError(f"topology: no vertex named {', '.join(map(repr, unknown))}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the value of a field must be."""

    holds: Callable[[Any], bool]
    what: str


def integer(least: int, most: int = 2**31) -> Rule:
    """Return the rule for integers of a range; bools are none."""

    def holds(value: object) -> bool:
        return type(value) is int and least <= value <= most

    return Rule(holds, f"an integer from {least} to {most}" if most < 2**31 else f"an integer of at least {least}")


def _one_of(words: Sequence[str]) -> Rule:
    return Rule(lambda value: isinstance(value, str) and value in words, f"one of {', '.join(words)}")


def is_text(value: object) -> bool:
    """Tell whether a value is text that can be printed on one line, of at most `MOST_TEXT` characters."""
    return isinstance(value, str) and value.isprintable() and len(value) <= MOST_TEXT


def _is_plain(value: object) -> bool:
    return is_text(value) or type(value) in {int, bool} or (isinstance(value, tuple) and all(map(_is_plain, value)))


_TEXT = Rule(is_text, f"printable text of at most {MOST_TEXT} characters")
_BOOL = Rule(lambda value: isinstance(value, bool), "True or False")
_COUNT = integer(1)
_NUMBER = integer(0)

VERTEX_FIELDS: Mapping[str, Rule] = MappingProxyType(
    {
        "kind": _one_of(sorted(VERTEX_KINDS)),
        "failed": _BOOL,
        "index": _NUMBER,
        "layer": _one_of(SWITCH_LAYERS),
        "pci": Rule(
            lambda value: isinstance(value, str) and _PCI.fullmatch(value) is not None, "an address like 0000:10:1c.0"
        ),
        "position": Rule(
            lambda value: isinstance(value, tuple) and bool(value) and all(map(_NUMBER.holds, value)),
            "a tuple of integers of at least 0",
        ),
        "product": _TEXT,
        "rail": _NUMBER,
        "rdma": _TEXT,
        "speed_mb_s": _COUNT,
        "uuid": _TEXT,
    }
)
"""What each field of a vertex must be; there are no others."""

EDGE_FIELDS: Mapping[str, Rule] = MappingProxyType(
    {
        "kind": _one_of(sorted(EDGE_KINDS)),
        "count": _COUNT,
        "bandwidth_mb_s": integer(0, 2**40),
        "failed": _BOOL,
        "generation": _COUNT,
        "lanes": _COUNT,
        "latency_ns": _NUMBER,
        "slit": _NUMBER,
    }
)
"""What each field of an edge must be; there are no others."""

_NEEDED_OF_VERTEX = ("kind",)
_NEEDED_OF_EDGE = ("kind", "count", "bandwidth_mb_s")


def _field_faults(where: str, data: Mapping[str, Any], rules: Mapping[str, Rule], needed: Sequence[str]) -> list[Fault]:
    faults = []
    for field in dict.fromkeys((*needed, *data)):
        rule = rules.get(field)
        if rule is None:
            faults.append(Fault("", -1, where, str(field), f"is no field; use {', '.join(rules)}"))
        elif field not in data:
            faults.append(Fault("", -1, where, field, f"is missing; give {rule.what}"))
        elif not rule.holds(data[field]):
            faults.append(Fault("", -1, where, field, f"{data[field]!r} is not {rule.what}"))
    return faults


def _faults(graph: nx.Graph[Any]) -> list[Fault]:
    if graph.is_directed() or graph.is_multigraph():
        return [Fault("", -1, "topology", "graph", f"{type(graph).__name__} given; use networkx.Graph, with count")]
    faults = [
        Fault("", -1, "topology", str(field), f"{value!r} is not text, an integer, a bool or a tuple of these")
        for field, value in graph.graph.items()
        if not (is_text(field) and _is_plain(value))
    ]
    for name, data in graph.nodes(data=True):
        where = f"vertex {name}"
        if not is_text(name) or name == "":
            faults.append(Fault("", -1, where, "", f"{name!r} is not a name; use {_TEXT.what}"))
        faults += _field_faults(where, data, VERTEX_FIELDS, _NEEDED_OF_VERTEX)
        if "layer" in data and data.get("kind") != "switch":
            faults.append(Fault("", -1, where, "layer", f"is {data['layer']!r}, but only switches have a layer"))
    for a, b, data in graph.edges(data=True):
        where = f"edge {a} - {b}"
        if a == b:
            faults.append(Fault("", -1, where, "", "joins a vertex to itself; remove it"))
        faults += _field_faults(where, data, EDGE_FIELDS, _NEEDED_OF_EDGE)
        kind, bandwidth_mb_s = data.get("kind"), data.get("bandwidth_mb_s")
        if kind == INSIDE and type(bandwidth_mb_s) is int and bandwidth_mb_s > 0:
            faults.append(Fault("", -1, where, "bandwidth_mb_s", f"is {bandwidth_mb_s}, but {INSIDE!r} carries 0"))
        if (
            isinstance(kind, str)
            and kind in EDGE_KINDS - _MAY_CARRY_NOTHING
            and type(bandwidth_mb_s) is int
            and bandwidth_mb_s == 0
        ):
            faults.append(Fault("", -1, where, "bandwidth_mb_s", f"is 0, but {kind} carries something; give MB/s"))
    return faults
