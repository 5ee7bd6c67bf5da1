"""What DRA attributes say about where a device is, the links that follow, and what ``matchAttribute`` can join."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates
from drapolicy.topology.spellings import LOCATION_FACTS, SPELLINGS

NodeDevice = tuple[str, str, Device]
"""A device of a node: driver, pool, device."""

WHOLE_GPU_TYPES = frozenset({"gpu", "amdgpu"})
"""Values of ``type`` that GPU drivers give to whole devices; others are partitions or passed-through functions."""

_DIGITS = re.compile(r"[0-9]{1,9}")
_GPU_DRIVER = re.compile(r"(^|[./-])(gpu|gaudi)([./-]|$)")


def values(driver: str, device: Device, fact: str) -> tuple[int | str, ...]:
    """Return what a device says about a fact, under whichever spelling.

    Parameters
    ----------
    driver
        Driver of the device, the domain of its attributes without one.
    fact
        A key of `SPELLINGS`.

    Returns
    -------
    tuple of int or str
        One value, several of a list attribute, or none. Negative NUMA nodes mean "unknown" (Linux) and are left out.
    """
    for spelling in SPELLINGS[fact]:
        held = _held(driver, device, spelling.attribute)
        if held is not None:
            return tuple(
                v for v in _scalars(held) if not (fact == "numa_node" and isinstance(v, int) and v < 0) and v != ""
            )
    return ()


def value(driver: str, device: Device, fact: str) -> int | str | None:
    """Return the one value of a fact; None where there is none or a list of several."""
    found = values(driver, device, fact)
    return found[0] if len(found) == 1 else None


def number(driver: str, device: Device, fact: str) -> int | None:
    """Return the one value of a fact that is a number, also where a driver publishes its digits as text."""
    found = value(driver, device, fact)
    return int(found) if isinstance(found, int) or (found and _DIGITS.fullmatch(found)) else None


def role(driver: str, device: Device) -> str:
    """Return which kind of vertex a device is: ``gpu``, ``nic`` or, for all else, partitions included, nothing.

    Examples
    --------
    >>> role("gpu.nvidia.com", Device(name="gpu-0"))
    'gpu'
    """
    if values(driver, device, "rdma_device") or driver == "dra.net":
        return "nic"
    if is_gpu_driver(driver):
        return "gpu" if value(driver, device, "type") in {None, *WHOLE_GPU_TYPES} else ""
    return ""


def is_gpu_driver(driver: str) -> bool:
    """Tell whether a driver's name says that its devices are GPUs or parts of them."""
    return _GPU_DRIVER.search(driver) is not None


def attribute_links(
    devices: Sequence[NodeDevice], *, product: str = "", pcie_generation: int | None = None
) -> NDArray[np.int64]:
    """Estimate the links between a node's devices from their attributes alone.

    Devices of one PCIe root get the bandwidth of `LinkKind.PXB`, of one NUMA node that of `LinkKind.NODE`, all
    others that of `LinkKind.SYS`. A device with a list of roots or NUMA nodes shares each of them; where the shared
    root comes from such a list, as CPUs have it, the path crosses the host bridge: `LinkKind.PHB`.

    Parameters
    ----------
    devices
        D devices of one node: driver, pool, device.
    product, pcie_generation
        Choose the bandwidths, see `drapolicy.topology.products.link_rates`; the first product name among the GPUs'
        attributes by default.

    Returns
    -------
    ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal, not writeable

    Notes
    -----
    NVLink and xGMI are in no attribute today: join a side file with `drapolicy.topology.bind` to have them.
    """
    if not product:
        gpus = ((driver, device) for driver, _, device in devices if role(driver, device) == "gpu")
        named = (str(value(driver, device, "product") or "") for driver, device in gpus)
        product = next((name for name in named if name), "")
    rates = link_rates(product, pcie_generation=pcie_generation)
    roots = [frozenset(values(driver, device, "pcie_root")) for driver, _, device in devices]
    numas = [frozenset(map(str, values(driver, device, "numa_node"))) for driver, _, device in devices]
    links = np.zeros((len(devices), len(devices)), np.int64)
    for a in range(len(devices)):
        for b in range(a):
            kind = LinkKind.SYS
            if roots[a] & roots[b]:
                kind = LinkKind.PXB if len(roots[a]) == len(roots[b]) == 1 else LinkKind.PHB
            elif numas[a] & numas[b]:
                kind = LinkKind.NODE
            links[a, b] = links[b, a] = rates.bandwidth_mb_s(kind)
    links.flags.writeable = False
    return links


@dataclass(frozen=True, slots=True)
class Common:
    """What ``matchAttribute`` can do between the devices of two drivers on one node.

    Attributes
    ----------
    drivers
        The two drivers, in the order of the devices.
    holds
        Attributes of which some device of each has the same value.
    never
        Attributes that devices of both have, no two of them with the same value.
    sentences
        What is in the way, one sentence each; empty where every attribute that both have can hold.
    """

    drivers: tuple[str, str]
    holds: tuple[str, ...]
    never: tuple[str, ...]
    sentences: tuple[str, ...]


def common(devices: Sequence[NodeDevice]) -> tuple[Common, ...]:
    """Tell for each two drivers of a node by which attribute their devices can be asked for together.

    Parameters
    ----------
    devices
        Devices of one node: driver, pool, device. Drivers without GPUs, NICs and facts of where a device is
        (`LOCATION_FACTS`) are passed over.

    Returns
    -------
    tuple of Common
        One for each two drivers. Values are compared as the constraint does (K8s S50): by type, a list by any of its
        members, -1 like any other number.

    Examples
    --------
    >>> def at(root):
    ...     attribute = DeviceAttribute(string_value=root)
    ...     return Device(name="d", attributes={"resource.kubernetes.io/pcieRoot": attribute})
    >>> found = common([("gpu.nvidia.com", "p", at("pci0008:00")), ("dra.net", "p", at("pci0000:00"))])
    >>> found[0].never
    ('resource.kubernetes.io/pcieRoot',)
    """
    told: dict[str, dict[str, set[int | str]]] = {}
    for driver, _, device in devices:
        found = _located(driver, device)
        if found or role(driver, device):
            of_driver = told.setdefault(driver, {})
            for attribute, scalars in found.items():
                of_driver.setdefault(attribute, set()).update(scalars)
    return tuple(_between(a, told[a], b, told[b]) for a, b in combinations(told, 2))


def _between(a: str, of_a: dict[str, set[int | str]], b: str, of_b: dict[str, set[int | str]]) -> Common:
    both = [attribute for attribute in of_a if attribute in of_b]
    holds = tuple(attribute for attribute in both if of_a[attribute] & of_b[attribute])
    never = tuple(attribute for attribute in both if attribute not in holds)
    sentences = [
        f"matchAttribute {attribute} can never hold between {a} and {b} on this node: {a} has "
        f"{_listed(of_a[attribute])}, {b} has {_listed(of_b[attribute])}."
        for attribute in never
    ]
    if not both:
        sentences.append(
            f"{a} and {b} have no attribute in common that tells where a device is ({a}: {_listed(of_a)}; "
            f"{b}: {_listed(of_b)}), so no matchAttribute can be written between them on this node; "
            "join a side file instead."
        )
    return Common((a, b), holds, never, tuple(sentences))


def _located(driver: str, device: Device) -> dict[str, set[int | str]]:
    """Return the values of every attribute of a device that tells where it is, by full name."""
    found: dict[str, set[int | str]] = {}
    for fact in LOCATION_FACTS:
        for spelling in SPELLINGS[fact]:
            held = _held(driver, device, spelling.attribute)
            if held is not None:
                domain, _, name = spelling.attribute.rpartition("/")
                found[f"{domain or driver}/{name}"] = set(_scalars(held))
    return found


def _held(driver: str, device: Device, attribute: str) -> DeviceAttribute | None:
    """Return an attribute of a device; one without a domain is its driver's own."""
    full, short = _keys(driver, attribute)
    held = device.attributes.get(full)
    return device.attributes.get(short) if held is None else held


@cache
def _keys(driver: str, attribute: str) -> tuple[str, str]:
    """Return the keys under which a driver may publish an attribute (K8s S50)."""
    domain, _, name = attribute.rpartition("/")
    full = f"{domain or driver}/{name}"
    return full, name if domain in {"", driver} else full


def _scalars(held: DeviceAttribute) -> list[int | str]:
    found: list[int | str] = [*held.int_values, *held.string_values]
    if held.int_value is not None:
        found.append(held.int_value)
    if held.string_value is not None:
        found.append(held.string_value)
    return found


def _listed(found: set[int | str] | dict[str, set[int | str]]) -> str:
    return ", ".join(sorted(map(str, found))) or "none"
