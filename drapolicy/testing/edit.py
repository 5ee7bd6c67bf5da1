"""Changes to one part of a placement: a device, a pool, a request or a result; everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec.structs import replace as with_fields

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    Counter,
    Device,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceClaim,
    DeviceClass,
    DeviceConstraint,
    DeviceRequestAllocationResult,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourceSlice,
)
from drapolicy.testing.build import Placed

# An attribute that no device has before it is mutated.
ATTRIBUTE = "mutant.example.com/x"
Results = list[DeviceRequestAllocationResult]
Change = Callable[[ResourceSlice], ResourceSlice]


@dataclass(frozen=True)
class Spot:
    """One result of a placement, with what it stands for.

    Attributes
    ----------
    claim, index
        Positions of the claim and of the result in it.
    result, asked, slice, device
        The result, its request or alternative, and its device with the slice it was found in.
    """

    claim: int
    index: int
    result: DeviceRequestAllocationResult
    asked: ExactDeviceRequest | DeviceSubRequest
    slice: ResourceSlice
    device: Device

    @property
    def id(self) -> tuple[str, str, str]:
        """Driver, pool and name of the device."""
        return self.result.driver, self.result.pool, self.result.device


def spots(placed: Placed) -> Iterator[Spot]:
    """Iterate over the results whose device is published in exactly one slice."""
    found: dict[tuple[str, str, str], list[tuple[ResourceSlice, Device]]] = {}
    for item in placed.objects.slices:
        for device in item.spec.devices:
            found.setdefault((item.spec.driver, item.spec.pool.name, device.name), []).append((item, device))
    for number, (claim, allocation) in enumerate(zip(placed.claims, placed.results, strict=True)):
        asked: dict[str, ExactDeviceRequest | DeviceSubRequest] = {}
        for request in claim.spec.devices.requests:
            if request.exactly is not None:
                asked[request.name] = request.exactly
            asked.update((f"{request.name}/{sub.name}", sub) for sub in request.first_available)
        for index, result in enumerate(allocation.devices.results):
            places = found.get((result.driver, result.pool, result.device), [])
            if len(places) == 1:
                yield Spot(number, index, result, asked[result.request], *places[0])


def edit_slices(placed: Placed, change: Change, added: tuple[ResourceSlice, ...] = ()) -> Placed:
    """Return the placement with each slice changed and others added."""
    slices = (*(change(item) for item in placed.objects.slices), *added)
    return replace(placed, objects=replace(placed.objects, slices=slices))


def edit_pool(placed: Placed, spot: Spot, added: tuple[ResourceSlice, ...] = (), **fields: Any) -> Placed:
    """Return the placement with fields of ``spec.pool`` changed in all slices of the spot's pool."""

    def change(item: ResourceSlice) -> ResourceSlice:
        if (item.spec.driver, item.spec.pool.name) != spot.id[:2]:
            return item
        return with_fields(item, spec=with_fields(item.spec, pool=with_fields(item.spec.pool, **fields)))

    return edit_slices(placed, change, added)


def edit_device(placed: Placed, spot: Spot, **fields: Any) -> Placed:
    """Return the placement with fields of the spot's device changed."""
    devices = [with_fields(item, **fields) if item is spot.device else item for item in spot.slice.spec.devices]
    return edit_spec(placed, spot, devices=devices)


def edit_spec(placed: Placed, spot: Spot, **fields: Any) -> Placed:
    """Return the placement with fields of the spec of the spot's slice changed."""
    changed = with_fields(spot.slice, spec=with_fields(spot.slice.spec, **fields))
    return edit_slices(placed, lambda item: changed if item is spot.slice else item)


def edit_results(placed: Placed, claim: int, change: Callable[[Results], Results]) -> Placed:
    """Return the placement with the results of one claim changed."""
    devices = placed.results[claim].devices
    return edit_allocation(placed, claim, devices=with_fields(devices, results=change(list(devices.results))))


def edit_result(placed: Placed, spot: Spot, **fields: Any) -> Placed:
    """Return the placement with fields of one result changed."""

    def change(results: Results) -> Results:
        results[spot.index] = with_fields(results[spot.index], **fields)
        return results

    return edit_results(placed, spot.claim, change)


def edit_allocation(placed: Placed, claim: int, **fields: Any) -> Placed:
    """Return the placement with fields of one allocation changed."""
    results = list(placed.results)
    results[claim] = with_fields(results[claim], **fields)
    return replace(placed, results=tuple(results))


def edit_claim(placed: Placed, claim: int, **fields: Any) -> Placed:
    """Return the placement with fields of ``spec.devices`` of one claim changed."""
    claims = list(placed.claims)
    devices = with_fields(claims[claim].spec.devices, **fields)
    claims[claim] = with_fields(claims[claim], spec=with_fields(claims[claim].spec, devices=devices))
    return replace(placed, claims=tuple(claims))


def edit_request(placed: Placed, spot: Spot, **fields: Any) -> Placed:
    """Return the placement with fields of the spot's request or alternative changed."""
    requests = []
    for request in placed.claims[spot.claim].spec.devices.requests:
        if request.exactly is spot.asked:
            request = with_fields(request, exactly=with_fields(request.exactly, **fields))
        subs = [with_fields(sub, **fields) if sub is spot.asked else sub for sub in request.first_available]
        requests.append(with_fields(request, first_available=subs))
    return edit_claim(placed, spot.claim, requests=requests)


def edit_class(placed: Placed, name: str, **fields: Any) -> Placed:
    """Return the placement with fields of the spec of one class changed."""

    def change(item: DeviceClass) -> DeviceClass:
        return with_fields(item, spec=with_fields(item.spec, **fields)) if item.metadata.name == name else item

    classes = tuple(change(item) for item in placed.objects.classes)
    return replace(placed, objects=replace(placed.objects, classes=classes))


def edit_counter(placed: Placed, spot: Spot, counters: str, name: str, value: Quantity) -> Placed:
    """Return the placement with the amount of one counter of the spot's pool changed."""

    def change(item: ResourceSlice) -> ResourceSlice:
        if (item.spec.driver, item.spec.pool.name) != spot.id[:2]:
            return item
        sets = [
            with_fields(each, counters={**each.counters, name: Counter(value=value)}) if each.name == counters else each
            for each in item.spec.shared_counters
        ]
        return with_fields(item, spec=with_fields(item.spec, shared_counters=sets))

    return edit_slices(placed, change)


def constrain(placed: Placed, spot: Spot, constraint: DeviceConstraint) -> Placed:
    """Return the placement with one more constraint of the spot's claim."""
    constraints = [*placed.claims[spot.claim].spec.devices.constraints, constraint]
    return edit_claim(placed, spot.claim, constraints=constraints)


def constrain_two(
    placed: Placed, spot: Spot, values: Sequence[DeviceAttribute], constraint: DeviceConstraint
) -> Placed | None:
    """Give the first two devices of a request values of :data:`ATTRIBUTE`, and constrain the request by it."""
    pair = [item for item in spots(placed) if (item.claim, item.result.request) == (spot.claim, spot.result.request)]
    if len(pair) < 2 or pair[0].index != spot.index or pair[0].id == pair[1].id:
        return None
    mutant = placed
    for identity, value in zip((pair[0].id, pair[1].id), values, strict=True):
        again = next(item for item in spots(mutant) if item.id == identity)
        mutant = edit_device(mutant, again, attributes={**again.device.attributes, ATTRIBUTE: value})
    return constrain(mutant, spot, with_fields(constraint, requests=[spot.result.request]))


def another_slice(spot: Spot, devices: list[Device], generation: int, count: int, **reach: Any) -> ResourceSlice:
    """Return one more slice of the spot's pool, reached as the spot's slice is unless told otherwise."""
    pool = with_fields(spot.slice.spec.pool, generation=generation, resource_slice_count=count)
    spec = with_fields(spot.slice.spec, pool=pool, devices=devices, shared_counters=[], **reach)
    return ResourceSlice(metadata=ObjectMeta(name=f"{spot.slice.metadata.name}-more"), spec=spec)


def hold(placed: Placed, result: DeviceRequestAllocationResult) -> Placed:
    """Return the placement with one more claim that holds a device already."""
    claim = ResourceClaim(
        metadata=ObjectMeta(name=f"holder-{len(placed.existing)}", namespace="others"),
        spec=ResourceClaimSpec(devices=DeviceClaim()),
        status=ResourceClaimStatus(
            allocation=AllocationResult(devices=DeviceAllocationResult(results=[result])),
        ),
    )
    return replace(placed, existing=(*placed.existing, claim))
