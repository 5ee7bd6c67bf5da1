"""Mutations that change a placement itself: its devices, its copies, its configuration."""

from __future__ import annotations

from msgspec.structs import replace as with_fields

from drapolicy.api.core import NodeSelector
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    DeviceAllocationConfiguration,
    DeviceClaimConfiguration,
    DeviceClassConfiguration,
    DeviceToleration,
    OpaqueDeviceConfiguration,
)
from drapolicy.testing import edit
from drapolicy.testing.build import Placed
from drapolicy.testing.edit import Spot

_SHARE = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
_OPAQUE = OpaqueDeviceConfiguration(driver="mutant.example.com", parameters={})
_MOST_RESULTS = 32
_MOST_OF_A_CLASS = 32


# --- devices -------------------------------------------------------------------------------------------------


def unpublished_device(placed: Placed, spot: Spot) -> Placed | None:
    """Name a device that nobody publishes."""
    return edit.edit_result(placed, spot, device="mutant")


def left_out(placed: Placed, spot: Spot) -> Placed | None:
    """Leave out one of several devices of a request."""
    if sum(item.request == spot.result.request for item in placed.results[spot.claim].devices.results) < 2:
        return None
    return edit.edit_results(placed, spot.claim, lambda results: [*results[: spot.index], *results[spot.index + 1 :]])


def taken_twice(placed: Placed, spot: Spot) -> Placed | None:
    """Give a request a device twice that cannot be shared."""
    return None if spot.device.allow_multiple_allocations else _repeated(placed, spot)


def shared_twice(placed: Placed, spot: Spot) -> Placed | None:
    """Give a request two shares of one device that has room for both."""
    possible = spot.device.allow_multiple_allocations and placed.release.behaviour.sets
    return _repeated(placed, spot, share_id=_SHARE) if possible else None


def too_many(placed: Placed, spot: Spot) -> Placed | None:
    """Ask for and give one device more than a claim may hold."""
    plain = not (spot.device.allow_multiple_allocations or spot.device.consumes_counters)
    claim = placed.claims[spot.claim].spec.devices
    if not plain or claim.constraints or spot.asked.allocation_mode == "All":
        return None
    lacking = _MOST_RESULTS + 1 - len(placed.results[spot.claim].devices.results)
    names = [f"mutant-{number}" for number in range(lacking)]
    twins = [with_fields(spot.device, name=name) for name in names]
    mutant = edit.edit_spec(placed, spot, devices=[*spot.slice.spec.devices, *twins])
    mutant = edit.edit_request(mutant, spot, count=spot.asked.count + lacking)
    more = [with_fields(spot.result, device=name) for name in names]
    return edit.edit_results(
        mutant, spot.claim, lambda results: [*results[: spot.index], *more, *results[spot.index :]]
    )


# --- alternatives and requests -------------------------------------------------------------------------------


def two_alternatives(placed: Placed, spot: Spot) -> Placed | None:
    """Let one of several devices stand for another alternative of its request."""
    parent, slash, chosen = spot.result.request.partition("/")
    results = placed.results[spot.claim].devices.results
    several = sum(item.request == spot.result.request for item in results) > 1
    if not slash or not several or not placed.release.behaviour.keeps_alternative:
        return None
    for request in placed.claims[spot.claim].spec.devices.requests:
        for sub in request.first_available:
            if request.name == parent and sub.name != chosen:
                return edit.edit_result(placed, spot, request=f"{parent}/{sub.name}")
    return None


def no_alternative(placed: Placed, spot: Spot) -> Placed | None:
    """Name the request instead of the chosen alternative."""
    parent, slash, _ = spot.result.request.partition("/")
    return edit.edit_result(placed, spot, request=parent) if slash else None


def unknown_request(placed: Placed, spot: Spot) -> Placed | None:
    """Name a request that the claim does not have."""
    return edit.edit_result(placed, spot, request="mutant")


def out_of_order(placed: Placed, spot: Spot) -> Placed | None:
    """Swap two neighbours of different requests."""
    results = placed.results[spot.claim].devices.results
    following = results[spot.index + 1 : spot.index + 2]
    if all(item.request == spot.result.request for item in following):
        return None
    swapped = [*results[: spot.index], *following, spot.result, *results[spot.index + 2 :]]
    return edit.edit_results(placed, spot.claim, lambda _: swapped)


# --- shares --------------------------------------------------------------------------------------------------


def no_share_id(placed: Placed, spot: Spot) -> Placed | None:
    """Drop the ID of a share."""
    return None if spot.result.share_id is None else edit.edit_result(placed, spot, share_id=None)


def share_id_of_a_whole_device(placed: Placed, spot: Spot) -> Placed | None:
    """Give a device that cannot be shared the ID of a share."""
    return None if spot.device.allow_multiple_allocations else edit.edit_result(placed, spot, share_id=_SHARE)


def share_id_of_another_share(placed: Placed, spot: Spot) -> Placed | None:
    """Use the ID of a share that is held already."""
    for claim in placed.existing:
        allocation = claim.status.allocation
        for item in allocation.devices.results if allocation is not None else ():
            if (item.driver, item.pool, item.device) == spot.id and item.share_id is not None:
                return edit.edit_result(placed, spot, share_id=item.share_id)
    return None


def share_id_in_capitals(placed: Placed, spot: Spot) -> Placed | None:
    """Write the ID of a share in capitals."""
    return None if spot.result.share_id is None else edit.edit_result(placed, spot, share_id=_SHARE.upper())


def no_consumed_capacity(placed: Placed, spot: Spot) -> Placed | None:
    """Drop what a share takes."""
    return edit.edit_result(placed, spot, consumed_capacity={}) if spot.result.consumed_capacity else None


def other_consumed_capacity(placed: Placed, spot: Spot) -> Placed | None:
    """Let a share say that it takes a little more than it does."""
    amounts = dict(spot.result.consumed_capacity)
    for name, amount in amounts.items():
        more = {**amounts, name: Quantity.from_nano(amount.nano + 1, amount.format)}
        return edit.edit_result(placed, spot, consumed_capacity=more)
    return None


# --- copies, configuration, node selector --------------------------------------------------------------------


def other_tolerations(placed: Placed, spot: Spot) -> Placed | None:
    """Give the result a toleration that the request does not have."""
    return edit.edit_result(placed, spot, tolerations=[*spot.result.tolerations, DeviceToleration(operator="Exists")])


def no_binding_conditions(placed: Placed, spot: Spot) -> Placed | None:
    """Drop the binding conditions of the device."""
    return edit.edit_result(placed, spot, binding_conditions=[]) if spot.result.binding_conditions else None


def no_failure_conditions(placed: Placed, spot: Spot) -> Placed | None:
    """Drop the failure conditions of the device."""
    has = spot.result.binding_failure_conditions
    return edit.edit_result(placed, spot, binding_failure_conditions=[]) if has else None


def other_admin_access(placed: Placed, spot: Spot) -> Placed | None:
    """Drop or claim admin access."""
    return edit.edit_result(placed, spot, admin_access=None if spot.result.admin_access else True)


def no_config(placed: Placed, spot: Spot) -> Placed | None:
    """Drop the last configuration."""
    devices = placed.results[spot.claim].devices
    if not devices.config:
        return None
    return edit.edit_allocation(placed, spot.claim, devices=with_fields(devices, config=devices.config[:-1]))


def too_much_config(placed: Placed, spot: Spot) -> Placed | None:
    """Give a claim of two classes, and the classes, more configuration than an allocation may hold."""
    claim = placed.claims[spot.claim].spec.devices
    asked = [request.exactly for request in claim.requests if request.exactly is not None]
    classes = list(dict.fromkeys(item.device_class_name for item in asked))
    if len(classes) != 2 or len(asked) != len(claim.requests):
        return None
    mutant = edit.edit_claim(placed, spot.claim, config=[DeviceClaimConfiguration(opaque=_OPAQUE)])
    config = []
    for name in classes:
        given = [DeviceClassConfiguration(opaque=_OPAQUE)] * _MOST_OF_A_CLASS
        mutant = edit.edit_class(mutant, name, config=given)
        names = [each.name for each, item in zip(claim.requests, asked, strict=True) if item.device_class_name == name]
        config += [DeviceAllocationConfiguration(source="FromClass", requests=names, opaque=_OPAQUE)] * len(given)
    config.append(DeviceAllocationConfiguration(source="FromClaim", opaque=_OPAQUE))
    devices = placed.results[spot.claim].devices
    return edit.edit_allocation(mutant, spot.claim, devices=with_fields(devices, config=config))


def other_node_selector(placed: Placed, spot: Spot) -> Placed | None:
    """Bind the claim to nothing, or to an empty term that no node matches."""
    has = placed.results[spot.claim].node_selector
    return edit.edit_allocation(placed, spot.claim, node_selector=NodeSelector() if has is None else None)


def _repeated(placed: Placed, spot: Spot, **fields: str) -> Placed | None:
    if not spot.asked.count:
        return None
    mutant = edit.edit_request(placed, spot, count=spot.asked.count + 1)
    again = with_fields(spot.result, **fields)
    return edit.edit_results(
        mutant, spot.claim, lambda results: [*results[: spot.index + 1], again, *results[spot.index + 1 :]]
    )
