"""The ResourceSlices of one machine, in the form in which real drivers publish them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np

from drapolicy.api import Quantity
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.workload.models import MigProfile, NodeModel

GPU_DRIVER = "gpu.nvidia.com"
NIC_DRIVER = "dra.net"
_DEVICES_PER_SLICE = 64  # the limit for devices that consume counters (K8s part A.3)


def slices_of(node: str, machine: NodeModel, rng: np.random.Generator) -> Iterator[ResourceSlice]:
    """Yield the slices of a node; uuids are drawn."""
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
