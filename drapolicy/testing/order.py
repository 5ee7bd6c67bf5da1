"""When upstream's answers can be compared though its order is random (1.34, 1.35) or it has defects (K8s I2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceConstraint,
    DeviceSelector,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceSlice,
)
from drapolicy.cel import CompileError, EvaluationError, compile, device_view  # noqa: A004
from drapolicy.inventory.pool_device import PoolDevice, PoolId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.reference.capacity import charge
from drapolicy.release import Release
from drapolicy.testing.lines import Problem

ALL = 10**9
_DIGITS = re.compile(r"\D")


class Wish(NamedTuple):
    """One exact request or alternative: how many devices at most, and what its claim constrains."""

    ask: ExactDeviceRequest | DeviceSubRequest
    most: int
    constraints: Sequence[DeviceConstraint]


def wishes(problem: Problem) -> list[list[Wish]]:
    """Return the alternatives of each request of each claim."""
    found = []
    for claim in problem.claims:
        devices = claim.spec.devices
        for request in devices.requests:
            asks = [request.exactly] if request.exactly is not None else request.first_available
            found.append(
                [Wish(ask, ALL if ask.allocation_mode == "All" else ask.count, devices.constraints) for ask in asks]
            )
    return found


def one_pool(problem: Problem) -> bool:
    """Return whether there is but one pool, so that order cannot matter."""
    return len({(item.spec.driver, item.spec.pool.name) for item in problem.slices}) <= 1


def order_matters(problem: Problem, release: Release) -> str:
    """Return why the answer may depend on the order of pools, or nothing."""
    if one_pool(problem):
        return ""
    behaviour = release.behaviour
    names = [wish for alternatives in wishes(problem) for wish in alternatives]
    drawing = [
        (item, device)
        for item in problem.slices
        for device in item.spec.devices
        if device.consumes_counters and "PartitionableDevices" in release.features
    ]
    if not behaviour.skips_unusable_pools and _twice(problem.slices):
        return "invalid pool"
    if any(wish.most == ALL and wish.constraints for wish in names):
        return "All with constraints"
    if drawing and behaviour.counters == "pool name" and _twins(problem.slices):
        return "counters of pools of one name"
    if drawing and not behaviour.rolls_back and _may_leak([device for _, device in drawing], names):
        return "counters may leak"
    if _fails(problem, release, names):
        return "selector fails"
    return ""


def _twice(slices: Sequence[ResourceSlice]) -> bool:
    names = [
        (item.spec.driver, item.spec.pool.name, item.spec.pool.generation, device.name)
        for item in slices
        for device in item.spec.devices
    ]
    return len(set(names)) < len(names)


def _twins(slices: Sequence[ResourceSlice]) -> bool:
    pools = {(item.spec.driver, item.spec.pool.name) for item in slices}
    return len({name for _, name in pools}) < len(pools)


def _may_leak(drawing: Sequence[Device], names: Sequence[Wish]) -> bool:
    """Return whether a device may be refused after its counters were drawn, which are not given back (K8s S38)."""
    return (
        any(wish.constraints or wish.ask.capacity for wish in names)
        or any(device.allow_multiple_allocations for device in drawing)
        or any(taint.effect != "None" for device in drawing for taint in device.taints)
    )


def _fails(problem: Problem, release: Release, names: Sequence[Wish]) -> bool:
    try:
        for wish in names:
            for item in problem.slices:
                for _ in _selected(problem, release, wish, item):
                    pass
    except (CompileError, EvaluationError):
        return True
    return False


def _selected(problem: Problem, release: Release, wish: Wish, item: ResourceSlice) -> Iterator[int]:
    """Yield the positions of the devices of a slice that selectors let through."""
    found = next((each for each in problem.classes if each.metadata.name == wish.ask.device_class_name), None)
    selectors: list[DeviceSelector] = [*(found.spec.selectors if found is not None else ()), *wish.ask.selectors]
    for position, device in enumerate(item.spec.devices):
        if all(_matches(each, item.spec.driver, device, release) for each in selectors):
            yield position


def _matches(selector: DeviceSelector, driver: str, device: Device, release: Release) -> bool:
    assert selector.cel is not None
    return compile(selector.cel.expression, release).evaluate(device_view(driver, device))


def amounts_change(problem: Problem, release: Release) -> bool:
    """Return whether upstream up to 1.36 may change what a claim asks for while it adds amounts up.

    It copies amounts of more than 18 digits by reference, so that a sum is added to the request itself.
    """
    if release.at_least("1.37") or "ConsumableCapacity" not in release.features:
        return False
    asked = (text for alternatives in wishes(problem) for wish in alternatives for text in _amounts(wish).values())
    return any(len(_DIGITS.sub("", str(amount))) > 18 for amount in asked)


def wrong_index_matters(problem: Problem, release: Release) -> bool:
    """Return whether upstream 1.34 may check the capacity of another device than the one it takes (K8s Q24).

    It looks at the device of the slice whose position is the number of devices that the request has already. That
    matters where that device may be too small, or is not there.
    """
    if release.minor != "1.34" or "ConsumableCapacity" not in release.features:
        return False
    every = wishes(problem)
    held = AllocatedState.from_claims(problem.allocated.claims, release)
    for item in problem.slices:
        devices = [
            PoolDevice(PoolId(item.spec.driver, item.spec.pool.name), n, item, device)
            for n, device in enumerate(item.spec.devices)
        ]
        for wish in (wish for alternatives in every for wish in alternatives):
            try:
                taken = list(_selected(problem, release, wish, item))
            except (CompileError, EvaluationError):
                taken = list(range(len(devices)))
            for number in range(min(wish.most, len(devices) + 1)):
                others = [position for position in taken if position != number]
                if others and (number >= len(devices) or _may_be_full(devices[number], wish, every, held)):
                    return True
    return False


def _may_be_full(device: PoolDevice, wish: Wish, every: Sequence[Sequence[Wish]], held: AllocatedState) -> bool:
    """Return whether a request may find too little of a device's capacity, whatever was taken before."""
    asked = charge(device, _amounts(wish), fractional=False)
    if not asked.usable:
        return True
    used = list(asked.amounts)
    if device.shareable:
        charges = [
            [(_shares(other), charge(device, _amounts(other), fractional=False)) for other in alternatives]
            for alternatives in every
        ]
        used = [
            sum(
                max((shares * each.amounts[index] for shares, each in alternatives if each.usable), default=0)
                for alternatives in charges
            )
            for index in range(len(used))
        ]
    before = held.consumed(device.id)
    return any(
        amount + before.get(name, 0) > value for amount, (name, value) in zip(used, device.capacity, strict=True)
    )


def _shares(wish: Wish) -> int:
    """Return how many shares of one device a request may take: mode All takes one of each."""
    return 1 if wish.most == ALL else wish.most


def _amounts(wish: Wish) -> Mapping[str, Quantity]:
    return wish.ask.capacity.requests if wish.ask.capacity is not None else {}
