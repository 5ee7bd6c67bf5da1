"""Fleets for the bench of the engine, by formula: what node ``n`` publishes, what is taken there, what is asked.

``gpus`` is the fleet of upstream's baseline: 8 GPUs a node, H200 on even nodes and A100 on odd ones. ``mixed`` has the
GPU models of Alibaba's openb trace, 1 to 8 a node, each of which pods may share. ``mig`` has 8 A100 a node whose
driver publishes every MIG placement: 208 devices that draw on shared counters.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import msgspec

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CapacityRequirements,
    CELDeviceSelector,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClaim,
    DeviceClass,
    DeviceClassSpec,
    DeviceConstraint,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaimSpec,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.workload import MODELS
from drapolicy.workload.machine import GPU_DRIVER, slices_of

DRIVER = "gpu.example"
CLASS = "any"
ZONES = 3
_ZONE_NAMES = [f"z{zone}" for zone in range(ZONES)]
_PODS = Quantity(110)
_A_PART = 1000

Results = list[DeviceRequestAllocationResult]


@dataclass(frozen=True)
class Kind:
    """A kind of ask."""

    name: str
    spec: ResourceClaimSpec
    zone: str = ""

    def pod(self, name: str, cpu: int, memory_gi: int) -> Pod | None:
        """Return a pod that asks for room and a zone too; None for a kind of claims alone."""
        if not self.zone:
            return None
        asked = ResourceRequirements(requests={"cpu": Quantity(cpu), "memory": Quantity(f"{memory_gi}Gi")})
        spec = PodSpec(containers=[Container(name="main", resources=asked)], node_selector={"zone": self.zone})
        return Pod(metadata=ObjectMeta(name=name, namespace="bench"), spec=spec)


@dataclass(frozen=True)
class World:
    """A fleet by formula.

    Attributes
    ----------
    slices
        What a node publishes.
    taken
        What is taken there at the beginning, in claims.
    size
        How much of a fleet a result takes, in devices.
    devices
        Devices of a node on average, in the unit of ``size``.
    room
        Whether nodes are given, with CPU and memory that all differ, and pods ask for some.
    """

    name: str
    driver: str
    slices: Callable[[int], Sequence[ResourceSlice]]
    taken: Callable[[int, random.Random], list[Results]]
    kinds: tuple[Kind, ...]
    size: Callable[[DeviceRequestAllocationResult], float]
    devices: float
    room: bool = False

    def parts(self, nodes: int) -> Iterator[Objects]:
        """Yield the objects of a fleet, some nodes at a time."""
        for start in range(0, nodes, _A_PART):
            part = range(start, min(nodes, start + _A_PART))
            yield Objects(
                slices=tuple(each for n in part for each in self.slices(n)),
                nodes=tuple(node(n) for n in part) if self.room else (),
            )
        yield Objects(classes=(self.device_class,))

    @property
    def device_class(self) -> DeviceClass:
        """The class of all requests: any device of the driver."""
        spec = DeviceClassSpec(selectors=_selectors(f'device.driver == "{self.driver}"'))
        return DeviceClass(metadata=ObjectMeta(name=CLASS), spec=spec)

    def with_room(self) -> World:
        """Return the world whose pods ask for CPU, memory and a zone, each kind for a zone of its own."""
        kinds = tuple(replace(kind, zone=f"z{i % ZONES}") for i, kind in enumerate(self.kinds))
        return replace(self, name=f"{self.name}, with room", kinds=kinds, room=True)


def named(n: int) -> str:
    """Return the name of node ``n``."""
    return f"node-{n:07d}"


def node(n: int) -> Node:
    """Return node ``n``: no two have the same memory, few the same CPU."""
    scattered, name = n * 2654435761 % 2**32, named(n)
    allocatable = {
        "cpu": Quantity(f"{16_000 + scattered % 131_071}m"),
        "memory": Quantity(2**36 + 96 * scattered),
        "pods": _PODS,
    }
    labels = {"kubernetes.io/hostname": name, "zone": _ZONE_NAMES[n % ZONES]}
    return Node(metadata=ObjectMeta(name=name, labels=labels), status=NodeStatus(allocatable=allocatable))


# --- asks ----------------------------------------------------------------------------------------------------


def _selectors(expression: str) -> list[DeviceSelector]:
    return [DeviceSelector(cel=CELDeviceSelector(expression=expression))] if expression else []


def wish(count: int, expression: str = "", milli: int = 0, name: str = "r") -> DeviceRequest:
    """Return a request for some devices that an expression accepts, or for a share of each."""
    capacity = CapacityRequirements(requests={"milli": Quantity(milli)}) if milli else None
    return DeviceRequest(
        name=name,
        exactly=ExactDeviceRequest(
            device_class_name=CLASS,
            allocation_mode="ExactCount",
            count=count,
            selectors=_selectors(expression),
            capacity=capacity,
        ),
    )


def _first_of(*choices: tuple[int, str]) -> DeviceRequest:
    alternatives = [
        DeviceSubRequest(
            name=f"a{i}",
            device_class_name=CLASS,
            allocation_mode="ExactCount",
            count=count,
            selectors=_selectors(expression),
        )
        for i, (count, expression) in enumerate(choices)
    ]
    return DeviceRequest(name="r", first_available=alternatives)


def _kind(name: str, *requests: DeviceRequest, match: str = "") -> Kind:
    constraints = [DeviceConstraint(match_attribute=match)] if match else []
    return Kind(name, ResourceClaimSpec(devices=DeviceClaim(requests=list(requests), constraints=constraints)))


def _result(driver: str, pool: str, device: str, **given: object) -> DeviceRequestAllocationResult:
    # The lists are shared by all: a million nodes' worth of empty ones would be a tenth of the memory.
    return DeviceRequestAllocationResult(
        request="r",
        driver=driver,
        pool=pool,
        device=device,
        tolerations=_NONE,
        binding_conditions=_NONE,
        binding_failure_conditions=_NONE,
        **given,
    )


_NONE: list[object] = []


# --- eight GPUs ----------------------------------------------------------------------------------------------

_GPU = [f"gpu-{g}" for g in range(8)]
_MODEL = [DeviceAttribute(string_value=name) for name in ("H200", "A100")]
_NUMA = [DeviceAttribute(int_value=g // 4) for g in range(8)]
_ROOT = [DeviceAttribute(string_value=f"pci{g // 2}") for g in range(8)]
_MEMORY = [{"memory": DeviceCapacity(value=Quantity(amount))} for amount in ("141Gi", "80Gi")]


def _slice(n: int, devices: list[Device]) -> ResourceSlice:
    name = named(n)
    pool = ResourcePool(name=name, generation=1, resource_slice_count=1)
    spec = ResourceSliceSpec(driver=DRIVER, node_name=name, pool=pool, devices=devices)
    return ResourceSlice(metadata=ObjectMeta(name=f"{name}-gpu"), spec=spec)


def _eight(n: int) -> list[ResourceSlice]:
    made = []
    for g, name in enumerate(_GPU):
        attributes = {
            "model": _MODEL[n % 2],
            "uuid": DeviceAttribute(string_value=f"GPU-{n:08d}-{g}"),
            "numa": _NUMA[g],
            "pcieRoot": _ROOT[g],
        }
        made.append(Device(name=name, attributes=attributes, capacity=_MEMORY[n % 2]))
    return [_slice(n, made)]


_FILLS = (0, 1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 8, 8, 8, 8, 8)
"""GPUs taken of a node, each with the same chance: 70 % of all, and any set of eight may be taken."""


def _eight_taken(n: int, rng: random.Random) -> list[Results]:
    left, pool = rng.sample(_GPU, rng.choice(_FILLS)), named(n)
    made = []
    while left:
        count = min(len(left), rng.choice((1, 2, 4, 8)))
        made.append([_result(DRIVER, pool, device) for device in left[:count]])
        left = left[count:]
    return made


def _eight_kinds() -> tuple[Kind, ...]:
    model = f'device.attributes["{DRIVER}"].model'
    memory = f'device.capacity["{DRIVER}"].memory'
    chosen = {
        "any": "",
        "H200": f'{model} == "H200"',
        "A100": f'{model} == "A100"',
        "100Gi": f'{memory}.compareTo(quantity("100Gi")) >= 0',
        "H200 and 100Gi": f'{model} == "H200" && {memory}.compareTo(quantity("100Gi")) >= 0',
        "second NUMA node": f'device.attributes["{DRIVER}"].numa == 1',
    }
    made = [_kind(f"{c} {name}", wish(c, text)) for name, text in chosen.items() for c in (1, 2, 4, 8)]
    for attribute, counts in (("numa", (2, 4)), ("pcieRoot", (2,))):
        match = f"{DRIVER}/{attribute}"
        made += [
            _kind(f"{c} {name}, one {attribute}", wish(c, text), match=match)
            for name, text in chosen.items()
            for c in counts
        ]
    h200, a100, half = chosen["H200"], chosen["A100"], chosen["second NUMA node"]
    lists = [
        ((8, h200), (4, h200)),
        ((4, h200), (4, a100)),
        ((2, h200), (1, a100)),
        ((8, ""), (4, ""), (2, "")),
        ((1, a100), (1, h200)),
        ((4, half), (2, half), (1, "")),
    ]
    made += [_kind(f"first of {i}", _first_of(*choices)) for i, choices in enumerate(lists)]
    made += [
        _kind("2 in order, one numa", _first_of((4, h200), (2, "")), match=f"{DRIVER}/numa"),
        _kind("two requests", wish(1, h200), wish(2, half, name="s")),
        _kind("two requests, one pcieRoot", wish(1), wish(1, name="s"), match=f"{DRIVER}/pcieRoot"),
        _kind("4 any, one pcieRoot: never", wish(4), match=f"{DRIVER}/pcieRoot"),
        _kind("2 of no model: never", wish(2, f'{model} == "none"')),
    ]
    return tuple(made)


GPUS = World("gpus", DRIVER, _eight, _eight_taken, _eight_kinds(), lambda _: 1.0, 8)


# --- shared GPUs of many models ------------------------------------------------------------------------------

_MODELS = (("T4", 2, 16), ("T4", 4, 16), ("P100", 2, 16), ("V100M16", 4, 16), ("V100M32", 8, 32), ("G2", 8, 24))
_MODELS += (("G2", 8, 24), ("G3", 8, 80), ("A10", 1, 24))
"""Model, GPUs of a node, GiB of a GPU: the models of openb, about as frequent."""
_MILLI = {"milli": DeviceCapacity(value=Quantity(1000))}


def _model(n: int) -> tuple[str, int, int]:
    return _MODELS[n * 2654435761 % 2**32 % len(_MODELS)]


@cache
def _shared_devices(model: str, count: int, gi: int) -> list[Device]:
    attributes = {"model": DeviceAttribute(string_value=model), "gi": DeviceAttribute(int_value=gi)}
    return [
        Device(name=name, attributes=attributes, capacity=_MILLI, allow_multiple_allocations=True)
        for name in _GPU[:count]
    ]


def _mixed(n: int) -> list[ResourceSlice]:
    return [_slice(n, _shared_devices(*_model(n)))]


def _mixed_taken(n: int, rng: random.Random) -> list[Results]:
    made, pool = [], named(n)
    for g in range(_model(n)[1]):
        left = 1000
        wanted = rng.choice(([1000], [1000], [1000], [], [500], [500, 250], [300, 300, 300], [700], [900], [200, 100]))
        for share, milli in enumerate(wanted):
            left -= milli
            given = {"share_id": f"pre-{n}-{g}-{share}", "consumed_capacity": {"milli": Quantity(milli)}}
            made.append([_result(DRIVER, pool, _GPU[g], **given)])
    return made


def _mixed_kinds() -> tuple[Kind, ...]:
    model, gi = (f'device.attributes["{DRIVER}"].{name}' for name in ("model", "gi"))
    chosen = {
        "any": "",
        "24Gi": f"{gi} >= 24",
        "V100": f'{model}.startsWith("V100")',
        "G2": f'{model} == "G2"',
    }
    parts = (100, 200, 250, 300, 400, 500, 600, 750, 900)
    made = [_kind(f"{m}m {name}", wish(1, text, milli=m)) for name, text in chosen.items() for m in parts]
    made += [_kind(f"{c} {name}", wish(c, text)) for name, text in chosen.items() for c in (1, 2, 4, 8)]
    return tuple(made)


def _milli(result: DeviceRequestAllocationResult) -> float:
    return float(result.consumed_capacity["milli"].nano) / 1e12


MIXED = World("mixed", DRIVER, _mixed, _mixed_taken, _mixed_kinds(), _milli, sum(m[1] for m in _MODELS) / len(_MODELS))


# --- partitions ----------------------------------------------------------------------------------------------

_MIG_NODE = replace(MODELS["aws-p4d"], mig=MODELS["a100-mig"].mig, nic_roots=(), plain_nic_roots=())
_COUNTED = ("multiprocessors", "memory")


@cache
def _mig_template() -> tuple[ResourceSlice, ...]:
    import numpy as np

    return tuple(slices_of(named(0), _MIG_NODE, np.random.default_rng(0)))


def _mig(n: int) -> list[ResourceSlice]:
    """All nodes share one list of devices, uuids too: two million of them are more than a generator should make."""
    pool = msgspec.structs.replace(_mig_template()[0].spec.pool, name=named(n))
    return [
        ResourceSlice(
            metadata=ObjectMeta(name=f"{named(n)}-{i}"),
            spec=msgspec.structs.replace(each.spec, node_name=named(n), pool=pool),
        )
        for i, each in enumerate(_mig_template())
    ]


def _draws(device: Device) -> Mapping[str, int]:
    return {name: counter.value.nano for name, counter in device.consumes_counters[0].counters.items()}


@cache
def _partitions() -> tuple[tuple[tuple[str, Mapping[str, int]], ...], Mapping[str, int]]:
    """Return the devices of the first GPU with what they draw, and what the GPU has."""
    of_gpu = [d for each in _mig_template() for d in each.spec.devices if d.name.startswith("gpu-0")]
    whole = next(device for device in of_gpu if device.name == "gpu-0")
    return tuple((device.name[5:], _draws(device)) for device in of_gpu), _draws(whole)


def _mig_taken(n: int, rng: random.Random) -> list[Results]:
    devices, whole = _partitions()
    made, pool = [], named(n)
    for g in range(8):
        left = dict(whole)
        for suffix, draws in rng.sample(devices, rng.choice((0, 8, 12, 16, 26))):
            if all(left[name] >= amount for name, amount in draws.items()):
                for name, amount in draws.items():
                    left[name] -= amount
                made.append([_result(GPU_DRIVER, pool, f"gpu-{g}{suffix}")])
    return made


def _mig_kinds() -> tuple[Kind, ...]:
    at = f'device.attributes["{GPU_DRIVER}"]'
    whole = f'{at}.type == "gpu"'
    of = {profile.name: f'{at}.type == "mig" && {at}.profile == "{profile.name}"' for profile in _MIG_NODE.mig}
    made = [_kind(f"1 {name}", wish(1, text)) for name, text in of.items()]
    made += [_kind(f"{c} whole", wish(c, whole)) for c in (1, 2, 4)]
    made += [
        _kind("2 1g.5gb, one GPU", wish(2, of["1g.5gb"]), match=f"{GPU_DRIVER}/parentUUID"),
        _kind("4 1g.5gb", wish(4, of["1g.5gb"])),
        _kind("3g or 2g", _first_of((1, of["3g.20gb"]), (1, of["2g.10gb"]))),
        _kind("7g or 4g or 3g", _first_of((1, of["7g.40gb"]), (1, of["4g.20gb"]), (1, of["3g.20gb"]))),
    ]
    return tuple(made)


def _part(result: DeviceRequestAllocationResult) -> float:
    devices, whole = _partitions()
    return dict(devices)[result.device[5:]]["memory"] / whole["memory"]


MIG = World("mig", GPU_DRIVER, _mig, _mig_taken, _mig_kinds(), _part, 8)

WORLDS = {world.name: world for world in (GPUS, MIXED, MIG)}
