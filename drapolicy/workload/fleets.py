"""Generators of fleets: nodes, classes and slices in the form in which real drivers publish them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClass,
    DeviceClassSpec,
    DeviceCounterConsumption,
    DeviceSelector,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import Fleet, build
from drapolicy.topology import nvidia_smi
from drapolicy.topology.fleet import bind_fleet
from drapolicy.workload.models import MODELS, MigProfile, NodeModel

GPU_DRIVER = "gpu.nvidia.com"
NIC_DRIVER = "dra.net"
_DEVICES_PER_SLICE = 64  # the limit for devices that consume counters (K8s part A.3)


def fleet_objects(model: str, nodes: int, *, seed: int = 0, zones: int = 1) -> Objects:
    """Return the objects of a fleet of equal nodes.

    Parameters
    ----------
    model
        Name in :data:`drapolicy.workload.models.MODELS`.
    nodes
        How many nodes.
    seed
        Of the device uuids; the same seed gives the same bytes.
    zones
        Over how many values of ``topology.kubernetes.io/zone`` the nodes are dealt.

    Raises
    ------
    UnknownReferenceError
        For a model that is not in the table.
    InputError
        For a negative number of nodes, or no zone.

    Examples
    --------
    >>> objects = fleet_objects("dgx-h100", nodes=2)
    >>> [(s.metadata.name, len(s.spec.devices)) for s in objects.slices]
    [('node-00-dra.net', 8), ('node-00-gpu.nvidia.com', 8), ('node-01-dra.net', 8), ('node-01-gpu.nvidia.com', 8)]
    """
    if model not in MODELS:
        message = f"fleet model {model!r}: unknown; use one of {', '.join(sorted(MODELS))}"
        raise UnknownReferenceError(message)
    if nodes < 0 or zones < 1:
        message = f"fleet {model}: {nodes} nodes over {zones} zones; give 0 or more nodes and at least one zone"
        raise InputError(message)
    machine = MODELS[model]
    rng = np.random.default_rng(seed)
    made_nodes: list[Node] = []
    slices: list[ResourceSlice] = []
    for number in range(nodes):
        name = f"node-{number:02d}"
        made_nodes.append(_node(name, machine, f"zone-{number % zones}"))
        slices += _slices(name, machine, rng)
    return Objects(
        nodes=tuple(made_nodes),
        slices=tuple(sorted(slices, key=lambda s: s.metadata.name)),
        classes=_classes(machine),
    )


def fleet(model: str, nodes: int = 1, *, seed: int = 0, zones: int = 1) -> Fleet:
    """Return a fleet of equal nodes, with the links that ``nvidia-smi topo -m`` would tell.

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
    """
    made = build(fleet_objects(model, nodes, seed=seed, zones=zones))
    machine = MODELS[model]
    if not machine.nvlink_pairs:
        return made
    matrix = nvidia_smi.parse(topology_text(model))
    return bind_fleet(made, nvidia_smi.topology(matrix, machine.product))[0]


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


def _slices(node: str, machine: NodeModel, rng: np.random.Generator) -> Iterator[ResourceSlice]:
    if machine.mig:
        yield from _partitioned(node, machine, rng)
    else:
        gpus = [_gpu(index, machine, rng) for index in range(len(machine.roots))]
        yield _slice(f"{node}-{GPU_DRIVER}", GPU_DRIVER, node, 1, devices=gpus)
    if machine.nic_roots:
        nics = [_nic(index, machine) for index in range(len(machine.nic_roots))]
        nics += [_plain_nic(index, machine) for index in range(len(machine.plain_nic_roots))]
        yield _slice(f"{node}-{NIC_DRIVER}", NIC_DRIVER, node, 1, devices=nics)


def _slice(
    name: str,
    driver: str,
    node: str,
    count: int,
    *,
    devices: list[Device] | None = None,
    counters: list[CounterSet] | None = None,
) -> ResourceSlice:
    spec = ResourceSliceSpec(
        driver=driver,
        node_name=node,
        pool=ResourcePool(name=node, generation=1, resource_slice_count=count),
        devices=devices or [],
        shared_counters=counters or [],
    )
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)


def _uuid(rng: np.random.Generator, prefix: str) -> str:
    return f"{prefix}-{uuid.UUID(bytes=rng.bytes(16), version=4)}"


def _text(value: str) -> DeviceAttribute:
    return DeviceAttribute(string_value=value)


def _version(value: str) -> DeviceAttribute:
    return DeviceAttribute(version_value=value)


def _bus(root: str, offset: int) -> str:
    """Return the PCI bus id so many buses below a root, e.g. ``0000:12:00.0`` for 2 below ``pci0000:10``."""
    domain, bus = root.removeprefix("pci").split(":")
    return f"{domain}:{int(bus, 16) + offset:02x}:00.0"


def _gpu(index: int, machine: NodeModel, rng: np.random.Generator, *, counters: bool = False) -> Device:
    attributes = {
        "addressingMode": _text("HMM"),
        "architecture": _text(machine.architecture),
        "brand": _text("Nvidia"),
        "cudaComputeCapability": _version(machine.compute_capability),
        "cudaDriverVersion": _version("13.0.0"),
        "driverVersion": _version("580.105.8"),
        "productName": _text(machine.product),
        "resource.kubernetes.io/pciBusID": _text(_bus(machine.roots[index], 1 + index % 2)),
        "resource.kubernetes.io/pcieRoot": _text(machine.roots[index]),
        "type": _text("gpu"),
        "uuid": _text(_uuid(rng, "GPU")),
    }
    consumes = (
        [DeviceCounterConsumption(counter_set=_set_name(index), counters=_all_counters(machine))] if counters else []
    )
    return Device(
        name=f"gpu-{index}",
        attributes=attributes,
        capacity={"memory": DeviceCapacity(value=Quantity(f"{machine.memory_mi}Mi"))},
        consumes_counters=consumes,
    )


def _nic(index: int, machine: NodeModel) -> Device:
    root = machine.nic_roots[index]
    attributes = {
        "dra.net/ifName": _text(f"rdma{index}"),
        "dra.net/mtu": DeviceAttribute(int_value=9000),
        "dra.net/numaNode": DeviceAttribute(int_value=dict(machine.numa)[root]),
        "dra.net/rdma": DeviceAttribute(bool_value=True),
        "dra.net/rdmaDevice": _text(f"mlx5_{index}"),
        "dra.net/virtual": DeviceAttribute(bool_value=False),
        "resource.kubernetes.io/pciBusID": _text(_bus(root, 5)),
        "resource.kubernetes.io/pcieRoot": _text(root),
    }
    return Device(name=f"rdma{index}", attributes=attributes)


def _plain_nic(index: int, machine: NodeModel) -> Device:
    root = machine.plain_nic_roots[index]
    attributes = {
        "dra.net/ifName": _text(f"eth{index}"),
        "dra.net/mtu": DeviceAttribute(int_value=1500),
        "dra.net/numaNode": DeviceAttribute(int_value=dict(machine.numa)[root]),
        "dra.net/rdma": DeviceAttribute(bool_value=False),
        "dra.net/virtual": DeviceAttribute(bool_value=False),
        "resource.kubernetes.io/pciBusID": _text(_bus(root, 4)),
        "resource.kubernetes.io/pcieRoot": _text(root),
    }
    return Device(name=f"eth{index}", attributes=attributes)


# --- partitioned GPUs ----------------------------------------------------------------------------------------


def _partitioned(node: str, machine: NodeModel, rng: np.random.Generator) -> list[ResourceSlice]:
    gpus = range(len(machine.roots))
    devices: list[Device] = []
    for index in gpus:
        gpu = _gpu(index, machine, rng, counters=True)
        devices.append(gpu)
        devices += [_partition(gpu, index, profile, start, rng) for profile in machine.mig for start in profile.starts]
    sets = [CounterSet(name=_set_name(index), counters=_all_counters(machine)) for index in gpus]
    chunks = [devices[i : i + _DEVICES_PER_SLICE] for i in range(0, len(devices), _DEVICES_PER_SLICE)]
    count = 1 + len(chunks)
    counter_slice = _slice(f"{node}-{GPU_DRIVER}-0", GPU_DRIVER, node, count, counters=sets)
    return [
        counter_slice,
        *(
            _slice(f"{node}-{GPU_DRIVER}-{number}", GPU_DRIVER, node, count, devices=chunk)
            for number, chunk in enumerate(chunks, start=1)
        ),
    ]


def _set_name(index: int) -> str:
    return f"gpu-{index}-counter-set"


def _all_counters(machine: NodeModel) -> dict[str, Counter]:
    whole = machine.mig[-1]
    return _counters(whole, 0) | {"memory": Counter(value=Quantity(f"{machine.memory_mi}Mi"))}


def _counters(profile: MigProfile, start: int) -> dict[str, Counter]:
    amounts = {
        "multiprocessors": profile.multiprocessors,
        "copy-engines": profile.copy_engines,
        "decoders": profile.decoders,
        "jpeg-engines": profile.jpeg_engines,
        "ofa-engines": profile.ofa_engines,
    }
    amounts |= {f"memory-slice-{number}": 1 for number in range(start, start + profile.width)}
    drawn = {name: Counter(value=Quantity(amount)) for name, amount in amounts.items() if amount}
    return drawn | {"memory": Counter(value=Quantity(f"{profile.memory_mi}Mi"))}


def _partition(gpu: Device, index: int, profile: MigProfile, start: int, rng: np.random.Generator) -> Device:
    kept = {name: value for name, value in gpu.attributes.items() if name not in {"type", "uuid", "addressingMode"}}
    attributes = kept | {
        "type": _text("mig"),
        "profile": _text(profile.name),
        "parentUUID": gpu.attributes["uuid"],
        "uuid": _text(_uuid(rng, "MIG")),
    }
    capacity = {
        "multiprocessors": DeviceCapacity(value=Quantity(profile.multiprocessors)),
        "memory": DeviceCapacity(value=Quantity(f"{profile.memory_mi}Mi")),
    }
    consumes = [DeviceCounterConsumption(counter_set=_set_name(index), counters=_counters(profile, start))]
    name = f"gpu-{index}-mig-{profile.name.replace('.', '-').replace('+', '-')}-{start}"
    return Device(name=name, attributes=attributes, capacity=capacity, consumes_counters=consumes)


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
