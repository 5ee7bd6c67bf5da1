"""Tells which vertex of a machine's graph a DRA device is: by what both sides say, else by an order that both keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal, TypeAlias

from drapolicy.api.resource import Device
from drapolicy.topology.attributes import NodeDevice, number, role, value
from drapolicy.topology.graph import DEVICE_KINDS
from drapolicy.topology.parts import Unit, units
from drapolicy.topology.pci import address
from drapolicy.topology.vertices import CALLED, Key, Vertices

By = Literal["pci", "uuid", "index", "rdma", "numa", "pci order", "minor", "name"]
"""Ways to tell which vertex a device is."""

WAYS: tuple[By, ...] = ("pci", "uuid", "index", "rdma", "numa", "pci order", "minor", "name")
"""Order in which ``auto`` tries them.

``pci``, ``uuid``, ``index``, ``rdma``
    Both sides say the same PCI address, UUID, place in the vendor's listing (of GPUs), RDMA device name (of NICs).
``numa``
    A device of a CPU driver is a CPU of the memory node that it names, if that has one of its own, else the memory
    node; many devices may be the same.
``pci order``, ``minor``, ``name``
    Only for GPUs when none of them is told yet. ``nvidia-smi`` numbers GPUs by PCI address. ``minor`` numbers
    ``/dev/nvidia*``, which usually, not always, is the same, so the order of addresses counts for more.

Parts of a device are matched with it (`drapolicy.topology.parts`), and told ``by`` `PARENT`.
"""

PARENT = "parent"
"""How a part of a device is told: it is where the whole is."""

_Claims: TypeAlias = dict[int, tuple[str, str]]

_CPU_DRIVER = re.compile(r"(^|[./-])cpu([./-]|$)")


def match_devices(vertices: Vertices, grouped: Sequence[Unit], ways: Sequence[By], why: dict[int, str]) -> _Claims:
    """Match the physical devices of one node, with their parts, to vertices.

    Parameters
    ----------
    vertices
        Of one machine.
    grouped
        See `units_on`.
    ways
        In the order of `WAYS`.
    why
        Gets the reason for each device that has no vertex.

    Returns
    -------
    dict
        Vertex and way, by position of the device; two devices of a way may claim the same vertex.
    """
    refused: dict[int, list[str]] = {u: [] for u in range(len(grouped))}
    found = _match_units(vertices, grouped, ways, refused)
    claims: _Claims = {}
    for u, unit in enumerate(grouped):
        for n, d in enumerate(unit.members):
            is_whole = unit.whole and n == 0
            if u in found:
                claims[d] = found[u] if is_whole else (found[u][0], PARENT)
            else:
                reason = "; ".join(refused[u]) or f"says nothing by which it could be told: {', '.join(ways)}"
                why[d] = reason if is_whole else f"is a part of a device that is not bound: {reason}"
    return claims


def units_on(vertices: Vertices, devices: Sequence[NodeDevice]) -> tuple[list[Unit], dict[int, str]]:
    """Group devices as :func:`drapolicy.topology.parts.units` does; what the graph has a vertex for is no part."""

    def has_vertex(item: NodeDevice) -> bool:
        own = None if value(item[0], item[2], "parent_pci") is None else _address(item)
        return own is not None and bool(vertices.equal("pci", own, DEVICE_KINDS))

    return units(devices, has_vertex)


def _match_units(
    vertices: Vertices, grouped: Sequence[Unit], ways: Sequence[By], refused: dict[int, list[str]]
) -> _Claims:
    claims: _Claims = {}
    items = [unit.item for unit in grouped]
    kinds = [_kinds(driver, device) for driver, _, device in items]
    for way in ways:
        taken = {vertex for vertex, _ in claims.values()}
        open_ = [u for u in refused if u not in claims]
        if way == "numa":
            claims |= _by_numa(vertices, items, [u for u in open_ if kinds[u] == ("cpu",)], refused)
        elif way in CALLED:
            for u in open_:
                if way == "index" and kinds[u] != ("gpu",):
                    continue
                found, reason = _by_fact(vertices, items[u], way, kinds[u], taken)
                if found:
                    claims[u] = found, way
                elif reason:
                    refused[u].append(reason)
        else:
            gpus = [u for u in refused if kinds[u] == ("gpu",)]
            wholes = [u for u in gpus if grouped[u].whole]
            # Where all GPUs are published, one that only parts tell of is none beside them.
            gpus = wholes if len(wholes) == len(vertices.gpus_in_order()) else gpus
            if not any(u in claims for u in gpus):
                claims |= _by_order(vertices, items, gpus, way, refused)
    return claims


def _by_fact(
    vertices: Vertices, item: NodeDevice, way: str, kinds: Sequence[str], taken: Container[str]
) -> tuple[str, str]:
    """Return the one vertex that says the same as a device, or why there is none; neither if it says nothing."""
    key = _KEYS[way](item)
    if key is None:
        return "", ""
    told = f"{CALLED[way]} {value(item[0], item[2], _FACTS[way])}"
    if not vertices.says(way, kinds):
        return "", f"{told}: the graph tells no {CALLED[way]}"
    found = vertices.equal(way, key, kinds)
    if not found:
        return "", f"{told}: no device of the graph has it"
    if len(found) > 1:
        return "", f"{told}: {' and '.join(found)} have it"
    theirs, own = vertices.fact("pci", found[0]), _address(item)
    if own is not None and theirs is not None and theirs != own:
        return "", f"{told}: {found[0]} has it, but another PCI address"
    if found[0] in taken:
        return "", f"{told}: {found[0]} has it, but is told to be another device"
    return found[0], ""


def _by_numa(
    vertices: Vertices, devices: Sequence[NodeDevice], cpus: Sequence[int], refused: Mapping[int, list[str]]
) -> _Claims:
    claims: _Claims = {}
    for d in cpus:
        numa = number(devices[d][0], devices[d][2], "numa_node")
        if numa in vertices.of_numa:
            claims[d] = vertices.of_numa[numa], "numa"
        else:
            refused[d].append("names no memory node" if numa is None else f"the graph has no memory node {numa}")
    return claims


def _by_order(
    vertices: Vertices, devices: Sequence[NodeDevice], gpus: Sequence[int], way: By, refused: Mapping[int, list[str]]
) -> _Claims:
    """Match all GPUs at once; nothing and the reason if the order says nothing."""
    keys = {d: _KEYS[way](devices[d]) for d in gpus}
    in_order = vertices.gpus_in_order()
    reason = ""
    if any(key is None for key in keys.values()):
        reason = "not every GPU has it"
    elif way == "pci order" and any(vertices.fact("pci", name) for name in in_order):
        reason = "the graph tells the addresses themselves"
    elif way == "minor":
        at = {key: name for name in in_order if (key := vertices.fact("index", name)) is not None}
        for d in gpus:
            if keys[d] not in at:
                refused[d].append(f"the graph has no GPU with index {keys[d][0]}")  # type: ignore[index]
        found = {d: at[key] for d, key in keys.items() if key in at}
    elif len(set(keys.values())) < len(gpus):
        reason = "two GPUs have the same"
    elif len(gpus) != len(in_order):
        reason = f"{len(gpus)} devices for {len(in_order)} GPUs of the graph"
    else:
        found = dict(zip(sorted(gpus, key=keys.__getitem__), in_order, strict=True))  # type: ignore[arg-type]
    if reason:
        for d in gpus:
            refused[d].append(f"{way}: {reason}")
        return {}
    addresses = {d: (vertices.fact("pci", name), _address(devices[d])) for d, name in found.items()}
    if any(theirs is not None and own is not None and theirs != own for theirs, own in addresses.values()):
        for d in gpus:
            refused[d].append(f"{way}: would give GPUs other PCI addresses")
        return {}
    return {d: (name, way) for d, name in found.items()}


def _kinds(driver: str, device: Device) -> tuple[str, ...]:
    """Return the kinds of vertices that a device can be."""
    known = role(driver, device) or ("cpu" if _CPU_DRIVER.search(driver) else "")
    return (known,) if known else DEVICE_KINDS


def _address(item: NodeDevice) -> Key | None:
    return address(value(item[0], item[2], "pci_bus_id"))


def _number(fact: str) -> Callable[[NodeDevice], Key | None]:
    def key(item: NodeDevice) -> Key | None:
        found = number(item[0], item[2], fact)
        return None if found is None else (found,)

    return key


def _word(fact: str) -> Callable[[NodeDevice], Key | None]:
    def key(item: NodeDevice) -> Key | None:
        found = value(item[0], item[2], fact)
        return (found,) if isinstance(found, str) else None

    return key


def _name(item: NodeDevice) -> Key:
    """Split a name into text and numbers, so that gpu-2 comes before gpu-10."""
    parts = re.split(r"(\d+)", item[2].name)
    return (*(int(part) if n % 2 else part for n, part in enumerate(parts)), item[1], item[0])


_FACTS = {"pci": "pci_bus_id", "uuid": "uuid", "index": "index", "rdma": "rdma_device"}

_KEYS: Mapping[str, Callable[[NodeDevice], Key | None]] = {
    "pci": _address,
    "uuid": _word("uuid"),
    "index": _number("index"),
    "rdma": _word("rdma_device"),
    "pci order": _address,
    "minor": _number("minor"),
    "name": _name,
}
