"""Generators of fleets: nodes, classes and slices in the form in which real drivers publish them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import CELDeviceSelector, DeviceClass, DeviceClassSpec, DeviceSelector, ResourceSlice
from drapolicy.errors import Fault, InputError, UnknownReferenceError
from drapolicy.inventory import Fleet, build
from drapolicy.topology import nvidia_smi
from drapolicy.topology.fleet import bind_fleet
from drapolicy.workload.machine import GPU_DRIVER, NIC_DRIVER, slices_of
from drapolicy.workload.models import MODELS, NodeModel

MOST_NODES = 100_000


def fleet_objects(model: str | Mapping[str, int], nodes: int = 1, *, seed: int = 0, zones: int = 1) -> Objects:
    """Return the objects of a fleet of equal nodes, or of several kinds.

    Parameters
    ----------
    model
        Name in :data:`drapolicy.workload.models.MODELS`, or how many nodes of each.
    nodes
        How many nodes of the one model.
    seed
        Of the device uuids; the same seed gives the same bytes.
    zones
        Over how many values of ``topology.kubernetes.io/zone`` the nodes are dealt.

    Raises
    ------
    UnknownReferenceError
        For a model that is not in the table.
    InputError
        For a negative number of nodes or more than 100,000, or no zone.

    Examples
    --------
    >>> objects = fleet_objects("dgx-h100", nodes=2)
    >>> [(s.metadata.name, len(s.spec.devices)) for s in objects.slices]
    [('node-00-dra.net', 8), ('node-00-gpu.nvidia.com', 8), ('node-01-dra.net', 8), ('node-01-gpu.nvidia.com', 8)]
    """
    parts = _parts(model, nodes, zones)
    rng = np.random.default_rng(seed)
    made_nodes: list[Node] = []
    slices: list[ResourceSlice] = []
    for name, machine in _named(parts):
        made_nodes.append(_node(name, machine, f"zone-{len(made_nodes) % zones}"))
        slices += slices_of(name, machine, rng)
    classes = {made.metadata.name: made for kind in parts for made in _classes(MODELS[kind])}
    return Objects(
        nodes=tuple(made_nodes),
        slices=tuple(sorted(slices, key=lambda s: s.metadata.name)),
        classes=tuple(classes.values()),
    )


def _parts(model: str | Mapping[str, int], nodes: int, zones: int) -> Mapping[str, int]:
    parts = {model: nodes} if isinstance(model, str) else dict(model)
    unknown = sorted(parts.keys() - MODELS.keys())
    if unknown:
        known = ", ".join(sorted(MODELS))
        faults = [Fault("", -1, "", "", f"fleet model {name!r}: unknown; use one of {known}") for name in unknown]
        raise UnknownReferenceError(faults=faults)
    if min(parts.values(), default=0) < 0 or sum(parts.values()) > MOST_NODES or zones < 1:
        counts = " and ".join(f"{count:,} nodes {name}" for name, count in parts.items())
        limits = f"give 0 to {MOST_NODES:,} nodes and at least one zone"
        raise InputError(f"fleet: {counts} over {zones} zones; {limits}")
    return parts


def _named(parts: Mapping[str, int]) -> list[tuple[str, NodeModel]]:
    """Return every node's name and machine; names sort as they are counted."""
    machines = [MODELS[kind] for kind, count in parts.items() for _ in range(count)]
    digits = max(2, len(str(len(machines) - 1)))
    return [(f"node-{number:0{digits}d}", machine) for number, machine in enumerate(machines)]


def fleet(model: str | Mapping[str, int], nodes: int = 1, *, seed: int = 0, zones: int = 1) -> Fleet:
    """Return a fleet of equal nodes or of several kinds, with the links that ``nvidia-smi topo -m`` would tell.

    Parameters
    ----------
    model, nodes, seed, zones
        As in :func:`fleet_objects`.

    Raises
    ------
    UnknownReferenceError
        For a model that is not in the table.

    Examples
    --------
    >>> made = fleet("a100-bridged-4")
    >>> len(made.devices), sorted(made.links)
    (4, ['node-00'])
    >>> len(fleet({"philly-2": 3, "philly-8": 1}).devices)
    14
    """
    made = build(fleet_objects(model, nodes, seed=seed, zones=zones))
    parts = _parts(model, nodes, zones)
    names = _named(parts)
    for kind in parts:
        machine = MODELS[kind]
        own = [name for name, other in names if other is machine]
        if machine.nvlink_pairs and own:
            matrix = nvidia_smi.parse(topology_text(kind))
            made = bind_fleet(made, nvidia_smi.topology(matrix, machine.product), nodes=own)[0]
    return made


def _node(name: str, machine: NodeModel, zone: str) -> Node:
    resources = {"cpu": Quantity(machine.cpu), "memory": Quantity(f"{machine.memory_gi}Gi"), "pods": Quantity(110)}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    return Node(
        metadata=ObjectMeta(name=name, labels=labels),
        status=NodeStatus(capacity=resources, allocatable=resources),
    )


def _classes(machine: NodeModel) -> tuple[DeviceClass, ...]:
    made = [
        _class("gpu.nvidia.com", f"device.driver == '{GPU_DRIVER}' && device.attributes['{GPU_DRIVER}'].type == 'gpu'")
    ]
    if machine.mig:
        made.append(
            _class(
                "mig.nvidia.com", f"device.driver == '{GPU_DRIVER}' && device.attributes['{GPU_DRIVER}'].type == 'mig'"
            )
        )
    if machine.nic_roots:
        made.append(
            _class("rdma.dra.net", f"device.driver == '{NIC_DRIVER}' && device.attributes['{NIC_DRIVER}'].rdma == true")
        )
    return tuple(made)


def _class(name: str, expression: str) -> DeviceClass:
    selector = DeviceSelector(cel=CELDeviceSelector(expression=expression))
    return DeviceClass(metadata=ObjectMeta(name=name), spec=DeviceClassSpec(selectors=[selector]))


def topology_text(model: str) -> str:
    """Return what ``nvidia-smi topo -m`` would print on a node of a model.

    Bridged cards show ``NV#``; other pairs the PCIe path: one root ``PHB``, one NUMA node ``NODE``, else ``SYS``.
    """
    machine = MODELS[model]
    numa = dict(machine.numa)
    names = [f"GPU{i}" for i in range(len(machine.roots))] + [f"NIC{i}" for i in range(len(machine.nic_roots))]
    roots = [*machine.roots, *machine.nic_roots]
    bridged = {pair: f"NV{machine.nvlinks}" for a, b in machine.nvlink_pairs for pair in ((a, b), (b, a))}

    def cell(a: int, b: int) -> str:
        if a == b:
            return "X"
        if (a, b) in bridged:
            return bridged[a, b]
        if roots[a] == roots[b]:
            return "PHB"
        return "NODE" if numa[roots[a]] == numa[roots[b]] else "SYS"

    lines = ["\t" + "\t".join([*names, "CPU Affinity", "NUMA Affinity"])]
    for a, name in enumerate(names):
        cells = [cell(a, b) for b in range(len(names))]
        if name.startswith("GPU"):
            part = machine.cpu // len(set(numa.values()))
            node = numa[roots[a]]
            cells += [f"{node * part}-{node * part + part - 1}", str(node)]
        lines.append("\t".join([name, *cells]))
    legend: list[str] = []
    if machine.nic_roots:
        legend = ["", "NIC Legend:", "", *(f"  NIC{i}: mlx5_{i}" for i in range(len(machine.nic_roots)))]
    return "\n".join([*lines, *legend]) + "\n"
