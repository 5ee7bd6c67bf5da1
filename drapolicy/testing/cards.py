"""Small clusters of cards in partitions and of shared devices, some of them in states that no scheduler makes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from drapolicy.api import Objects, Quantity
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequirements,
    CELDeviceSelector,
    Counter,
    CounterSet,
    Device,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceCapacity,
    DeviceConstraint,
    DeviceCounterConsumption,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import build
from drapolicy.problem.ask import Ask
from drapolicy.problem.state import State
from drapolicy.release import Release
from drapolicy.testing.simple import CLASS, DRIVER, ask_with, claim, request, row

_ATTRIBUTES = f'device.attributes["{DRIVER}"]'
_KINDS = ("1g", "2g", "4g", "share", "plain")
_SLICES = 4


def world(seed: int, release: Release) -> tuple[State, tuple[Ask, ...]]:
    """Return a state in which some devices are taken already, and asks that may come and go."""
    rng = random.Random(seed)
    boxes = [_box(rng) for _ in range(rng.randint(1, 3))]
    held = {f"node-{n}": rng.choice(boxes) for n in range(rng.randint(1, 6))}
    slices = [made for name, box in held.items() for made in _slices(name, box)]
    nodes = tuple(Node(metadata=ObjectMeta(name=name)) for name in held)
    fleet = build(Objects(nodes=nodes, slices=tuple(slices), classes=row(nodes=0, devices=0).classes), release)
    return State(fleet, tuple(_taken(slices, rng))), tuple(_asks(rng))


def _box(rng: random.Random) -> tuple[list[CounterSet], list[Device]]:
    """Return the counters and devices of a node: cards whose partitions draw, devices that are shared, and others."""
    sets, devices = [], []
    for card in range(rng.randint(0, 3)):
        engines = rng.choice([3, 4, 1000])
        counters = {f"slice-{s}": Counter(value=Quantity(1)) for s in range(_SLICES)}
        counters["engines"] = Counter(value=Quantity(engines))
        sets.append(CounterSet(name=f"card-{card}", counters=counters))
        shared = rng.random() < 0.15
        for kind, size in (("1g", 1), ("2g", 2), ("4g", 4)):
            for start in range(0, _SLICES, size):
                drawn = {f"slice-{s}": Counter(value=Quantity(1)) for s in range(start, start + size)}
                drawn["engines"] = Counter(value=Quantity(size))
                uses = DeviceCounterConsumption(counter_set=f"card-{card}", counters=drawn)
                devices.append(_device(f"card-{card}-{kind}-{start}", kind, card, uses, shared=shared and size == 1))
    devices += [_device(f"share-{i}", "share", i // 2, shared=True) for i in range(rng.randint(0, 4))]
    devices += [_device(f"plain-{i}", "plain", i) for i in range(rng.randint(0, 2))]
    if rng.random() < 0.3:
        rng.shuffle(devices)
    return sets, devices


def _device(
    name: str, kind: str, card: int, uses: DeviceCounterConsumption | None = None, *, shared: bool = False
) -> Device:
    return Device(
        name=name,
        attributes={"kind": DeviceAttribute(string_value=kind), "card": DeviceAttribute(int_value=card)},
        capacity={"milli": DeviceCapacity(value=Quantity(1000))} if shared else {},
        consumes_counters=[] if uses is None else [uses],
        allow_multiple_allocations=shared or None,
    )


def _slices(node: str, box: tuple[list[CounterSet], list[Device]]) -> Iterator[ResourceSlice]:
    sets, devices = box
    parts: list[tuple[list[CounterSet], list[Device]]] = [(sets, []), ([], devices)]
    parts = [part for part in parts if part[0] or part[1]]
    pool = ResourcePool(name=node, generation=1, resource_slice_count=len(parts))
    for number, (counters, own) in enumerate(parts):
        spec = ResourceSliceSpec(driver=DRIVER, node_name=node, pool=pool, devices=own, shared_counters=counters)
        yield ResourceSlice(metadata=ObjectMeta(name=f"{node}-{number}"), spec=spec)


def _taken(slices: Sequence[ResourceSlice], rng: random.Random) -> Iterator[ResourceClaim]:
    """Yield claims that hold devices, now and then more than there is."""
    share = rng.choice([0, 0.1, 0.3])
    for number, published in enumerate(slices):
        for device in published.spec.devices:
            if rng.random() < share:
                yield _holding(f"old-{number}-{device.name}", published.spec.node_name or "", device, rng)


def _holding(name: str, node: str, device: Device, rng: random.Random) -> ResourceClaim:
    result = DeviceRequestAllocationResult(request="r", driver=DRIVER, pool=node, device=device.name)
    if device.allow_multiple_allocations or rng.random() < 0.05:
        consumed = {"milli": Quantity(rng.choice([100, 500, 1000]))}
        result = replace(result, share_id=f"id-{name}", consumed_capacity=consumed)
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[result]))
    return replace(claim(name, request(1)), status=ResourceClaimStatus(allocation=allocation))


def _asks(rng: random.Random) -> Iterator[Ask]:
    for number in range(10):
        if rng.random() < 0.25:
            subs = [_sub(rng, f"a{i}") for i in range(rng.randint(2, 3))]
            requests = [DeviceRequest(name="r", first_available=subs)]
        else:
            requests = [_exact(rng, "r")]
            if rng.random() < 0.1:
                requests.append(_exact(rng, "s"))
        wanted = claim(f"c-{number}", *requests)
        if rng.random() < 0.3:
            same = DeviceConstraint(match_attribute=f"{DRIVER}/card")
            apart = DeviceConstraint(distinct_attribute=f"{DRIVER}/card")
            wanted.spec.devices.constraints.append(rng.choice([same, same, apart]))
        yield ask_with(None, wanted, name=f"test/{number}")


def _wish(rng: random.Random) -> dict[str, object]:
    kinds = rng.sample(_KINDS, rng.choice([1, 1, 1, 2]))
    expression = " || ".join(f'{_ATTRIBUTES}.kind == "{kind}"' for kind in kinds)
    milli = rng.choice([None, 100, 500, 700])
    wish: dict[str, object] = {
        "device_class_name": CLASS,
        "allocation_mode": "ExactCount",
        "count": rng.choice([1, 1, 1, 2, 3, 4]),
        "selectors": [DeviceSelector(cel=CELDeviceSelector(expression=expression))],
    }
    if milli is not None and "share" in kinds:
        wish["capacity"] = CapacityRequirements(requests={"milli": Quantity(milli)})
    return wish


def _exact(rng: random.Random, name: str) -> DeviceRequest:
    return DeviceRequest(name=name, exactly=ExactDeviceRequest(**_wish(rng)))  # type: ignore[arg-type]


def _sub(rng: random.Random, name: str) -> DeviceSubRequest:
    return DeviceSubRequest(name=name, **_wish(rng))  # type: ignore[arg-type]
