"""Joins a machine's graph to the DRA devices of a node, and says what did not match."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.topology.attributes import NodeDevice, role, value
from drapolicy.topology.graph import Topology

LinkTable: TypeAlias = NDArray[np.int64]
"""ndarray of shape (D, D), int64, MB/s per direction, over one node's devices; symmetric, zero diagonal."""

DeviceID: TypeAlias = tuple[str, str, str]
"""Driver, pool and name of a device."""

By = Literal["index", "pci", "minor", "name"]
"""Ways to tell which GPU of the listing a device is."""

Match: TypeAlias = Literal["auto"] | By | Mapping[DeviceID, str]

WAYS: tuple[By, ...] = ("index", "pci", "minor", "name")
"""Order in which ``auto`` tries them.

``nvidia-smi`` numbers GPUs by PCI address, and drivers publish that number as ``index``. ``minor`` numbers
``/dev/nvidia*``, which usually, not always, is the same, so a PCI address counts for more.
"""

_PCI = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")


@dataclass(frozen=True, slots=True)
class Bound:
    """A device, the vertex that it is, and how that was told: one of `WAYS`, ``rdma`` or ``given``."""

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


def bind(topology: Topology, devices: Sequence[NodeDevice], match: Match = "auto") -> tuple[LinkTable, BindReport]:
    """Give a node's devices the links of a graph.

    GPUs of the graph are matched to the devices of GPU drivers by ``index``, PCI address, ``minor`` or name, in
    this order (`WAYS`): the first that all these devices allow. NICs are matched by RDMA device name. Nothing is
    guessed: addresses and names only give an order, so they count only where there are as many devices as GPUs,
    and a vertex that two devices claim goes to neither.

    Parameters
    ----------
    topology
        Graph of one host.
    devices
        D devices of one node: driver, pool, device.
    match
        ``auto``, one of `WAYS`, or the vertex of each device that has one, by driver, pool and name.

    Returns
    -------
    links : LinkTable
        In the order of the devices; 0 where a device has no vertex or two vertices no edge. Not writeable.
    report : BindReport
        How each was matched, and what was not, on both sides.

    Raises
    ------
    InputError
        If `match` is no way to match, or two devices have the same driver, pool and name.
    UnknownReferenceError
        If `match` names a device or vertex that is not there.
    """
    ids = [(driver, pool, device.name) for driver, pool, device in devices]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise InputError(f"device {'/'.join(twice[0])}: given twice; give the devices of one node, each once")
    why: dict[int, str] = {}
    if isinstance(match, str):
        if match not in {"auto", *WAYS}:
            raise InputError(f"match: {match!r} is unknown; use auto, {', '.join(WAYS)} or a mapping")
        claims = _match_gpus(topology, devices, WAYS if match == "auto" else (match,), why)
        claims |= _match_nics(topology, devices, why)
    else:
        claims = _given(topology, ids, match)
    claimants = defaultdict(list)
    for d, (vertex, _) in claims.items():
        claimants[vertex].append(d)
    contested = {vertex: [ids[d] for d in sorted(found)] for vertex, found in claimants.items() if len(found) > 1}
    for vertex, found in contested.items():
        for d in claimants[vertex]:
            del claims[d]
            why[d] = f"{vertex} is claimed by {' and '.join('/'.join(i) for i in found)}"
    links = np.zeros((len(devices), len(devices)), np.int64)
    bound = sorted(claims)
    links[np.ix_(bound, bound)] = topology.direct_links([claims[d][0] for d in bound])
    links.flags.writeable = False
    taken = {vertex for vertex, _ in claims.values()}
    report = BindReport(
        bound=tuple(Bound(ids[d], *claims[d]) for d in bound),
        devices=tuple((ids[d], why.get(d, "is not a device of the graph")) for d in range(len(ids)) if d not in claims),
        vertices=tuple(
            (vertex, "several devices claim it" if vertex in contested else _why_free(topology, vertex))
            for vertex in topology.devices
            if vertex not in taken
        ),
    )
    return links, report


def _match_gpus(
    topology: Topology, devices: Sequence[NodeDevice], ways: Sequence[By], why: dict[int, str]
) -> dict[int, tuple[str, str]]:
    vertices = [(topology.graph.nodes[name].get("index", -1), name) for name in topology.of_kind("gpu")]
    at = {index: name for index, name in vertices if index >= 0}
    in_order = [name for _, name in sorted(vertices, key=lambda pair: pair[0])]
    gpus = [d for d, (driver, _, device) in enumerate(devices) if role(driver, device) == "gpu"]
    for d, (driver, _, device) in enumerate(devices):
        if role(driver, device) == "":
            why[d] = "is neither a whole GPU nor a NIC"
    reasons = []
    for way in ways:
        keys = {d: _KEYS[way](devices[d]) for d in gpus}
        if any(key is None for key in keys.values()):
            reasons.append(f"{way}: not every GPU has it")
        elif way in {"index", "minor"}:
            why |= {d: f"the graph has no GPU with {way} {keys[d][0]}" for d in gpus if keys[d]}  # type: ignore[index]
            return {d: (at[key[0]], way) for d, key in keys.items() if key and key[0] in at}
        elif len(set(keys.values())) < len(gpus):
            reasons.append(f"{way}: two GPUs have the same")
        elif len(gpus) != len(in_order):
            reasons.append(f"{way}: {len(gpus)} devices for {len(in_order)} GPUs of the graph")
        else:
            ranked = sorted(gpus, key=lambda d: keys[d])  # type: ignore[arg-type, return-value]
            return {d: (name, way) for d, name in zip(ranked, in_order, strict=True)}
    why.update(dict.fromkeys(gpus, "; ".join(reasons)))
    return {}


def _match_nics(topology: Topology, devices: Sequence[NodeDevice], why: dict[int, str]) -> dict[int, tuple[str, str]]:
    vertices: dict[str, list[str]] = defaultdict(list)
    for name in topology.of_kind("nic"):
        vertices[topology.graph.nodes[name].get("rdma", "")].append(name)
    claims = {}
    for d, (driver, _, device) in enumerate(devices):
        if role(driver, device) != "nic":
            continue
        rdma = value(driver, device, "rdma_device")
        if rdma is None:
            why[d] = "publishes no RDMA device name"
        elif len(vertices.get(str(rdma), ())) != 1:
            why[d] = f"the graph has no NIC, or several, with RDMA name {rdma}"
        else:
            claims[d] = (vertices[str(rdma)][0], "rdma")
    return claims


def _given(topology: Topology, ids: list[DeviceID], match: Mapping[DeviceID, str]) -> dict[int, tuple[str, str]]:
    known = set(topology.devices)
    unknown = [f"no device {'/'.join(i)}" for i in match if i not in ids]
    unknown += [f"no vertex {vertex!r}" for vertex in match.values() if vertex not in known]
    if unknown:
        raise UnknownReferenceError(f"match: {'; '.join(unknown)}")
    return {ids.index(i): (vertex, "given") for i, vertex in match.items()}


def _why_free(topology: Topology, vertex: str) -> str:
    data = topology.graph.nodes[vertex]
    if data["kind"] == "nic" and not data.get("rdma"):
        return "nothing says its RDMA name"
    return "no device matches it"


def _number(fact: str) -> Callable[[NodeDevice], tuple[int | str, ...] | None]:
    def key(item: NodeDevice) -> tuple[int | str, ...] | None:
        found = value(item[0], item[2], fact)
        return (found,) if isinstance(found, int) else None

    return key


def _address(item: NodeDevice) -> tuple[int | str, ...] | None:
    match = _PCI.fullmatch(str(value(item[0], item[2], "pci_bus_id")))
    return tuple(int(part or "0", 16) for part in match.groups()) if match else None


def _name(item: NodeDevice) -> tuple[int | str, ...]:
    """Split a name into text and numbers, so that gpu-2 comes before gpu-10."""
    parts = re.split(r"(\d+)", item[2].name)
    return (*(int(part) if n % 2 else part for n, part in enumerate(parts)), item[1], item[0])


_KEYS: Mapping[By, Callable[[NodeDevice], tuple[int | str, ...] | None]] = {
    "index": _number("index"),
    "pci": _address,
    "minor": _number("minor"),
    "name": _name,
}
