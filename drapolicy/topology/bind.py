"""Joins a machine's graph to the DRA devices of a node, and says what did not match."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology.attributes import NodeDevice
from drapolicy.topology.graph import Topology
from drapolicy.topology.matching import WAYS, By, match_devices, units_on
from drapolicy.topology.measures.pairwise import pairwise
from drapolicy.topology.vertices import Vertices

INSIDE_TIMES = 2
"""Bandwidth between two parts of one device, as a multiple of the best between any two of the machine.

A convention: parts meet in the device's memory, which no vendor rates by the part, so that nothing is closer.
"""

_WITH_PARTS = ("gpu", "nic")

LinkTable: TypeAlias = NDArray[np.int64]
"""ndarray of shape (D, D), int64, MB/s per direction, over one node's devices; symmetric, zero diagonal."""

DeviceID: TypeAlias = tuple[str, str, str]
"""Driver, pool and name of a device."""

Match: TypeAlias = str | Mapping[DeviceID, str] | Callable[[NodeDevice], str | None]
"""``auto``, one of `WAYS`, the vertex of each device that has one, or a rule that gives it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A device, the vertex that it is or is a part of, and how that was told: one of `WAYS`, `PARENT` or ``given``."""

    device: DeviceID
    vertex: str
    by: str


@dataclass(frozen=True)
class BindReport:
    """How a graph and a node's devices were joined.

    Attributes
    ----------
    bound
        In the order of the devices.
    devices
        Devices without a vertex, and why.
    vertices
        Devices of the graph that no DRA device is, and why.
    """

    bound: tuple[Bound, ...]
    devices: tuple[tuple[DeviceID, str], ...]
    vertices: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [f"{'/'.join(bound.device)} = {bound.vertex} (by {bound.by})" for bound in self.bound]
        lines += [f"{'/'.join(device)}: not bound: {why}" for device, why in self.devices]
        lines += [f"{vertex}: not bound: {why}" for vertex, why in self.vertices]
        return "\n".join(lines)


class Machine:
    """One machine's graph, read once to be joined to many nodes.

    Parameters
    ----------
    topology
        Graph of one host.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.vertices = Vertices(topology)
        self._at = {name: i for i, name in enumerate((*topology.devices, *self.vertices.memory))}
        self._links: LinkTable | None = None

    def links(self, names: Sequence[str]) -> LinkTable:
        """Return the bandwidth between some of the machine's devices and memory nodes, along the best path.

        A GPU or card may be named more than once, for its parts: see `INSIDE_TIMES`.

        Returns
        -------
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal
        """
        if self._links is None:
            self._links = pairwise(self.topology, tuple(self._at))
        at = np.array([self._at[name] for name in names], np.intp)
        links: LinkTable = self._links[np.ix_(at, at)]
        same = (at[:, None] == at) & self._has_parts[at]
        links[same] = INSIDE_TIMES * self._links.max(initial=0)
        np.fill_diagonal(links, 0)
        return links

    @cached_property
    def _has_parts(self) -> NDArray[np.bool_]:
        nodes = self.topology.graph.nodes
        return np.array(
            [nodes[name]["kind"] in _WITH_PARTS and not nodes[name].get("failed") for name in self._at], np.bool_
        )

    def bind(self, devices: Sequence[NodeDevice], match: Match = "auto") -> tuple[LinkTable, BindReport]:
        """Do what :func:`bind` does, for one node of many."""
        ids = [(driver, pool, device.name) for driver, pool, device in devices]
        grouped, why = units_on(self.vertices, devices)
        if isinstance(match, str):
            if match not in {"auto", *WAYS}:
                raise InputError(f"match: {match!r} is unknown; use auto, {', '.join(WAYS)}, a mapping or a function")
            ways: tuple[By, ...] = WAYS if match == "auto" else tuple(way for way in WAYS if way == match)
            claims = match_devices(self.vertices, grouped, ways, why)
        else:
            claims = _given(self._at, devices, ids, match)
            why = {}
        often = Counter(ids)
        for d in [d for d in claims if often[ids[d]] > 1]:
            del claims[d]
        why |= {d: "is given twice, so nobody can tell which is meant" for d, i in enumerate(ids) if often[i] > 1}
        unit_of = {d: u for u, unit in enumerate(grouped) for d in unit.members}
        contested = _settle(claims, unit_of, ids, why)
        bound = sorted(claims)
        links = np.zeros((len(devices), len(devices)), np.int64)
        links[np.ix_(bound, bound)] = self.links([claims[d][0] for d in bound])
        links.flags.writeable = False
        taken = {vertex for vertex, _ in claims.values()}
        report = BindReport(
            bound=tuple(Bound(ids[d], *claims[d]) for d in bound),
            devices=tuple(
                (ids[d], why.get(d, "the rule that was given names no vertex for it"))
                for d in range(len(ids))
                if d not in claims
            ),
            vertices=tuple(
                (vertex, "several devices claim it" if vertex in contested else self.vertices.why_free(vertex))
                for vertex in self.topology.devices
                if vertex not in taken
            ),
        )
        return links, report


def bind(topology: Topology, devices: Sequence[NodeDevice], match: Match = "auto") -> tuple[LinkTable, BindReport]:
    """Give a node's devices the links of a graph.

    Devices of any number of drivers are matched to vertices by the first of `WAYS` that fits, PCI address above all:
    a vertex whose address is another is never taken, whatever else is equal. Parts of a device are where the whole is
    (`drapolicy.topology.parts`). Nothing is guessed: addresses and names give an order only where there are as many
    devices as GPUs, and a vertex that two devices claim goes to neither.

    Parameters
    ----------
    topology
        Graph of one host.
    devices
        D devices of one node: driver, pool, device.
    match
        ``auto``, one of `WAYS`, or the vertex of each device that has one: by driver, pool and name, or as a function
        of driver, pool and device that gives None for no vertex.

    Returns
    -------
    links : LinkTable
        In the order of the devices: bandwidth along the best path, see
        :func:`drapolicy.topology.measures.pairwise`; 0 where a device has no vertex or two vertices no path. Not
        writeable.
    report : BindReport
        How each was matched, and what was not, on both sides.

    Raises
    ------
    InputError
        If `match` is no way to match.
    UnknownReferenceError
        If `match` names a device or vertex that is not there.
    """
    return Machine(topology).bind(devices, match)


def _given(
    vertices: Container[str],
    devices: Sequence[NodeDevice],
    ids: list[DeviceID],
    match: Mapping[DeviceID, str] | Callable[[NodeDevice], str | None],
) -> dict[int, tuple[str, str]]:
    if isinstance(match, Mapping):
        told: list[str | None] = [match.get(i) for i in ids]
        unknown = [f"no device {'/'.join(i)}" for i in match.keys() - set(ids)]
        named: list[str | None] = list(match.values())
    else:
        told = [match(item) for item in devices]
        unknown, named = [], told
    unknown = sorted(unknown) + [
        f"no vertex {vertex!r}" for vertex in dict.fromkeys(named) if vertex is not None and vertex not in vertices
    ]
    if unknown:
        raise UnknownReferenceError(f"match: {'; '.join(unknown)}")
    return {d: (vertex, "given") for d, vertex in enumerate(told) if vertex is not None}


def _settle(
    claims: dict[int, tuple[str, str]], unit_of: Mapping[int, int], ids: Sequence[DeviceID], why: dict[int, str]
) -> set[str]:
    """Give what several devices claim to none of them; a memory node and a CPU are several devices at once."""
    claimants: dict[str, list[int]] = defaultdict(list)
    for d in sorted(claims):
        vertex, way = claims[d]
        if way != "numa":
            claimants[vertex].append(d)
    # A part without a parent, which only a rule of the caller puts somewhere, is of no unit but its own.
    firsts = {vertex: {unit_of.get(d, ~d): d for d in reversed(found)} for vertex, found in claimants.items()}
    contested = {vertex: found for vertex, found in claimants.items() if len(firsts[vertex]) > 1}
    for vertex, found in contested.items():
        names = " and ".join("/".join(ids[d]) for d in sorted(firsts[vertex].values()))
        for d in found:
            del claims[d]
            why[d] = f"{vertex} is claimed by {names}"
    return set(contested)
