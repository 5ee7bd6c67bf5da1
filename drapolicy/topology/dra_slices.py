"""Reads ResourceSlices: what DRA attributes alone tell of where devices are."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from drapolicy.api.load import loads
from drapolicy.api.resource import Device
from drapolicy.errors import InputError, ParseError
from drapolicy.inventory import Fleet, build, shapes
from drapolicy.inventory.shapes import Slots
from drapolicy.topology import kubernetes_nodes
from drapolicy.topology.attributes import number, role, value, values
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.hwloc import pci_address
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates
from drapolicy.topology.rates import SOCKET_MB_S
from drapolicy.topology.source import refusal

if TYPE_CHECKING:
    import networkx as nx

NAME: Final = "ResourceSlices"
KIND: Final = "resource-slices"

_HEAD: Final = 1 << 16
_SLICE: Final = re.compile(
    r"""^[ ]*(-[ ]+)?kind:[ ]+["']?ResourceSlice(List)?["']?[ \t]*(\#.*)?\r?$|["']kind["']\s*:\s*["']ResourceSlice""",
    re.MULTILINE,
)
_UNKNOWN_SOCKET: Final = "UPI"


def recognises(text: str) -> bool:
    r"""Tell whether a text means to be objects of Kubernetes with slices among them, and no nodes.

    Examples
    --------
    >>> recognises("apiVersion: resource.k8s.io/v1\nkind: ResourceSlice\n"), recognises("kind: ResourceClaim\n")
    (True, False)
    """
    return _SLICE.search(text, 0, _HEAD) is not None and not kubernetes_nodes.recognises(text)


def parse(text: str, file: str = "") -> Fleet:
    """Return the fleet of the slices in a text; objects of other kinds are passed over.

    Raises
    ------
    ParseError
        With what is wrong with each object, or if no slice has a device on a node of its own.
    """
    try:
        fleet = build(loads(text, file, strict=False, expand=False))
    except InputError as error:
        raise ParseError(str(error) if not error.faults else "", faults=error.faults) from None
    if not len(Slots(fleet).rows):
        raise refusal(file, "has no slice with devices that names a node; give what kubectl get resourceslices prints")
    return fleet


def topology(fleet: Fleet, product: str = "") -> Topology:
    """Make a graph of the GPUs and NICs of each node.

    Parameters
    ----------
    fleet
        What `parse` gives.
    product
        Product name of the GPUs where their attributes tell none; see `link_rates`.

    Returns
    -------
    Topology
        Hosts under the names of their nodes, and in each, with the node's name before them where there are several:
        devices under their names, with the driver's where two have one, ``numa0``, and PCIe roots such as
        ``pci0000:00``. A device with several roots or NUMA nodes is beside them, as is one with none.

        The graph's attribute ``left_out`` counts what is no whole GPU and no NIC, by driver. No attribute tells how
        fast a link is: sixteen lanes of the GPUs' generation and UPI are taken, and ``assumed`` names the vertices.

    Raises
    ------
    InputError
        If two things have one name.
    """
    import networkx as nx

    slots = Slots(fleet)
    graph: nx.Graph[str] = nx.Graph(left_out="")
    left_out: Counter[str] = Counter()
    held: defaultdict[str, list[tuple[str, Device]]] = defaultdict(list)
    for node, driver, device in _devices(fleet, slots):
        held[node].append((driver, device))
        left_out[driver] += not role(driver, device)
    for node, devices in held.items():
        _add_node(graph, node, f"{node}/" if len(held) > 1 else "", devices, product)
    graph.graph["left_out"] = ", ".join(f"{count} of {driver}" for driver, count in left_out.items() if count)
    return Topology(graph)


def facts(fleet: Fleet) -> dict[str, Any]:
    """Return the number of slices, nodes and devices by driver, and the shapes of nodes with their signatures."""
    slots = Slots(fleet)
    found = shapes(fleet, slots)
    drivers = Counter(driver for _, driver, _ in _devices(fleet, slots))
    nodes = Counter(found.shape_of.tolist())
    return {
        "kind": KIND,
        "slices": len(fleet.slices),
        "nodes": len(fleet.nodes),
        "devices": dict(sorted(drivers.items())),
        "shapes": [{"signature": name, "nodes": nodes[shape]} for shape, name in enumerate(found.signatures)],
    }


def _devices(fleet: Fleet, slots: Slots) -> Iterator[tuple[str, str, Device]]:
    """Yield node, driver and device of the newest generation of each pool."""
    for row in slots.rows.tolist():
        spec = fleet.slice(row).spec
        for device in spec.devices:
            yield fleet.nodes.names[int(fleet.node_of_slice[row])], spec.driver, device


def _add_node(graph: nx.Graph[str], host: str, prefix: str, devices: list[tuple[str, Device]], product: str) -> None:
    drawn = [(driver, device, kind) for driver, device in devices if (kind := role(driver, device))]
    told = (str(value(driver, device, "product") or "") for driver, device, kind in drawn if kind == "gpu")
    rates = link_rates(product or next(filter(None, told), ""))
    _add(graph, host, kind="host")
    homes = {n: f"{prefix}numa{n}" for driver, device, _ in drawn for n in values(driver, device, "numa_node")}
    for home in dict.fromkeys(homes.values()):
        _add(graph, home, kind="numa")
        _put(graph, home, host)
    of_root: defaultdict[str, set[str]] = defaultdict(set)
    for driver, device, _ in drawn:
        if (root := value(driver, device, "pcie_root")) is not None:
            of_root[f"{prefix}{root}"].add(_home(driver, device, homes, host))
    for root, around in of_root.items():
        _add(graph, root, kind="pcie_root")
        _put(graph, root, around.pop() if len(around) == 1 else host)
    names = Counter(device.name for _, device, _ in drawn)
    for driver, device, kind in drawn:
        name = f"{prefix}{device.name}" if names[device.name] == 1 else f"{prefix}{driver}/{device.name}"
        _add(graph, name, kind=kind, **_data(driver, device))
        if (root := value(driver, device, "pcie_root")) is not None:
            _join(graph, name, f"{prefix}{root}", LinkKind.PCIE, rates.pcie_x16_mb_s)
        else:
            _put(graph, name, _home(driver, device, homes, host))
    for a, b in combinations(dict.fromkeys(homes.values()), 2):
        _join(graph, a, b, LinkKind.SOCKET, SOCKET_MB_S[_UNKNOWN_SOCKET].bandwidth_mb_s)


def _home(driver: str, device: Device, homes: Mapping[int | str, str], host: str) -> str:
    numa = value(driver, device, "numa_node")
    return host if numa is None else homes[numa]


def _data(driver: str, device: Device) -> dict[str, Any]:
    """Return what a device says of itself, as attributes of its vertex."""
    pairs = (("uuid", "uuid"), ("rdma", "rdma_device"), ("product", "product"))
    told: dict[str, Any] = {key: str(value(driver, device, fact) or "") for key, fact in pairs}
    told["pci"] = pci_address(str(value(driver, device, "pci_bus_id")))
    index = number(driver, device, "index")
    return {key: text for key, text in told.items() if text} | ({} if index is None or index < 0 else {"index": index})


def _add(graph: nx.Graph[str], name: str, **data: Any) -> None:
    if name in graph:
        raise InputError(f"{name}: is the name of two things: a {graph.nodes[name]['kind']} and a {data['kind']}")
    graph.add_node(name, **data)


def _put(graph: nx.Graph[str], name: str, around: str) -> None:
    graph.add_edge(name, around, kind=INSIDE, count=1, bandwidth_mb_s=0)


def _join(graph: nx.Graph[str], a: str, b: str, kind: LinkKind, bandwidth_mb_s: int) -> None:
    graph.add_edge(a, b, kind=kind.value, count=1, bandwidth_mb_s=bandwidth_mb_s)
    graph.graph["assumed"] = tuple(dict.fromkeys((*graph.graph.get("assumed", ()), a)))
