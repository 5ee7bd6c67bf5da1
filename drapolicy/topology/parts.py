"""Tells which of a node's devices are parts of one: partitions of a GPU, virtual functions of a network card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.topology.attributes import WHOLE_GPU_TYPES, NodeDevice, is_gpu_driver, number, value
from drapolicy.topology.pci import address

Fact: TypeAlias = tuple[str, object]
"""What kind of thing is told, and the thing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A physical device, and the devices that drivers publish of it.

    Attributes
    ----------
    item
        Driver, pool and device that say what it is: those of the whole where it is published, else made from what
        its parts say of it.
    members
        Positions of its devices, the whole first.
    whole
        Whether the first member is the whole.
    """

    item: NodeDevice
    members: tuple[int, ...]
    whole: bool


def is_part(driver: str, device: Device) -> bool:
    """Tell whether a device is a part of another one, or another face of it, as a GPU given to a virtual machine is.

    Examples
    --------
    >>> is_part("gpu.nvidia.com", Device(name="a", attributes={"type": DeviceAttribute(string_value="mig")}))
    True
    """
    if value(driver, device, "parent_uuid") is not None or value(driver, device, "parent_pci") is not None:
        return True
    return is_gpu_driver(driver) and value(driver, device, "type") not in {None, *WHOLE_GPU_TYPES}


def units(
    devices: Sequence[NodeDevice], stands_alone: Callable[[NodeDevice], bool] = lambda _: False
) -> tuple[list[Unit], dict[int, str]]:
    """Group a node's devices by the physical device that they are or are a part of.

    A part names its parent by UUID, by the parent's PCI address, which partitions have themselves, or by index; else
    it draws from a counter set of the parent's (K8s S45). Where no device is called so, parts that name the same parent
    are of one all the same.

    Parameters
    ----------
    devices
        Driver, pool, device.
    stands_alone
        Parts that count as devices of their own.

    Returns
    -------
    units : list of Unit
        In the order of their first members.
    homeless : dict
        Why the parent of a part is not known, by position.
    """
    parts = [d for d, item in enumerate(devices) if is_part(item[0], item[2]) and not stands_alone(item)]
    wholes = sorted(set(range(len(devices))) - set(parts))
    called: dict[Fact, list[int]] = defaultdict(list)
    for d in wholes if parts else ():
        for fact in _own(devices[d]):
            called[fact].append(d)
    of_whole: dict[int, list[int]] = {d: [] for d in wholes}
    orphans: dict[Fact, list[int]] = defaultdict(list)
    homeless: dict[int, str] = {}
    for d in parts:
        facts = _of_parent(devices[d])
        found = next((called[fact] for fact in facts if fact in called), [])
        if len(found) == 1:
            of_whole[found[0]].append(d)
        elif found:
            names = " and ".join("/".join((devices[w][0], devices[w][1], devices[w][2].name)) for w in found)
            homeless[d] = f"is a part of {names}, which say the same of themselves"
        elif facts:
            orphans[facts[0]].append(d)
        else:
            homeless[d] = "is a part of a device and does not say of which"
    made = [Unit(devices[d], (d, *members), True) for d, members in of_whole.items()]
    made += [Unit(_stand_in(devices[members[0]]), tuple(members), False) for members in orphans.values()]
    return sorted(made, key=lambda unit: unit.members[0]), homeless


def _own(item: NodeDevice) -> list[Fact]:
    """Return by what parts may call a whole device."""
    driver, _, device = item
    facts: list[Fact] = [("uuid", value(driver, device, "uuid")), ("pci", address(value(driver, device, "pci_bus_id")))]
    if is_gpu_driver(driver):
        facts.append(("index", _of_driver(item, "index")))
    return [fact for fact in facts if fact[1] is not None] + _counter_sets(item)


def _of_parent(item: NodeDevice) -> list[Fact]:
    driver, _, device = item
    facts: list[Fact] = [
        ("uuid", value(driver, device, "parent_uuid")),
        ("pci", address(_parent_pci(item))),
        ("index", _of_driver(item, "parent_index")),
    ]
    return [fact for fact in facts if fact[1] is not None] + _counter_sets(item)


def _of_driver(item: NodeDevice, fact: str) -> tuple[str, int] | None:
    """Return a number that counts for one driver alone."""
    found = number(item[0], item[2], fact)
    return None if found is None else (item[0], found)


def _counter_sets(item: NodeDevice) -> list[Fact]:
    driver, pool, device = item
    return [("counters", (driver, pool, drawn.counter_set)) for drawn in device.consumes_counters]


def _parent_pci(item: NodeDevice) -> int | str | None:
    driver, _, device = item
    told = value(driver, device, "parent_pci")
    return value(driver, device, "pci_bus_id") if told is None else told


def _stand_in(part: NodeDevice) -> NodeDevice:
    """Return the parent of a part, as far as the part tells it."""
    driver, pool, device = part
    told = {
        "uuid": value(driver, device, "parent_uuid"),
        "resource.kubernetes.io/pciBusID": _parent_pci(part),
        "index": number(driver, device, "parent_index"),
    }
    attributes = {
        name: DeviceAttribute(int_value=v) if isinstance(v, int) else DeviceAttribute(string_value=v)
        for name, v in told.items()
        if v is not None
    }
    return driver, pool, Device(name=device.name, attributes=attributes)
