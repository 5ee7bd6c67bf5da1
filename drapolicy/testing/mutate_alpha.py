"""Mutations of what only some gates or releases know: groups, lists, derived attributes, skipped operations."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as with_fields

from drapolicy.api.resource import DeviceAttribute, DeviceConstraint, DeviceDerivedAttribute
from drapolicy.release import Release
from drapolicy.testing import edit
from drapolicy.testing.build import Placed
from drapolicy.testing.edit import Spot

_DERIVED = "mutant.example.com/derived"

# --- S29, S38 gates that are off, S38 node operations -----------------------------------------------------------


def derived_attributes_off(placed: Placed, spot: Spot) -> Placed | None:
    """Turn off the gate of derived attributes."""
    return _without(placed, "DRADerivedAttributes") if spot.asked.derived_attributes else None


def node_operations_off(placed: Placed, spot: Spot) -> Placed | None:
    """Turn off the gate of devices that skip node operations."""
    return _without(placed, "DRAOptionalNodeOperations") if spot.slice.spec.skip_node_operations else None


def node_that_skips_nothing(placed: Placed, spot: Spot) -> Placed | None:
    """Let the node declare no features."""
    if not spot.slice.spec.skip_node_operations:
        return None
    status = with_fields(placed.node.status, declared_features=[])
    return replace(placed, node=with_fields(placed.node, status=status))


def other_node_operations(placed: Placed, spot: Spot) -> Placed | None:
    """Drop the operations to skip from the result."""
    return edit.edit_result(placed, spot, skip_node_operations=[]) if spot.result.skip_node_operations else None


# --- S46 compatibility groups -----------------------------------------------------------------------------------


def groups_off(placed: Placed, spot: Spot) -> Placed | None:
    """Turn off the gate of compatibility groups, so that the slice of the device does not count."""
    return _without(placed, "DRADeviceCompatibilityGroups") if _groups(spot) else None


def other_groups(placed: Placed, spot: Spot) -> Placed | None:
    """Put the device into a group of its own."""
    return _with_groups(placed, spot, ["mutant"]) if _beside_others(placed, spot) else None


def no_groups(placed: Placed, spot: Spot) -> Placed | None:
    """Take the device out of all groups."""
    return _with_groups(placed, spot, []) if _beside_others(placed, spot) else None


# --- S52 lists, S53 derived attributes --------------------------------------------------------------------------


def lists_off(placed: Placed, spot: Spot) -> Placed | None:
    """Turn off the gate of list attributes where two devices of a request are compared by lists."""
    mutant = _between_two(placed, spot, ([1], [1]), DeviceConstraint(match_attribute=edit.ATTRIBUTE))
    return None if mutant is None else _without(mutant, "DRAListTypeAttributes")


def lists_with_nothing_in_common(placed: Placed, spot: Spot) -> Placed | None:
    """Match a list attribute in which the device has no value of another one of its request."""
    return _between_two(placed, spot, ([1, 2], [3, 4]), DeviceConstraint(match_attribute=edit.ATTRIBUTE))


def lists_that_overlap(placed: Placed, spot: Spot) -> Placed | None:
    """Want distinct values of a list attribute in which the device has a value of another one of its request."""
    if not placed.release.behaviour.remembers_all_distinct:
        return None
    return _between_two(placed, spot, ([1, 2], [2, 3]), DeviceConstraint(distinct_attribute=edit.ATTRIBUTE))


def derived_attribute_that_fails(placed: Placed, spot: Spot) -> Placed | None:
    """Compare the devices of a request by an attribute that one of them lacks what it is derived from."""
    return _derived(placed, spot, "device.attributes['mutant.example.com'].missing")


def derived_attribute_that_differs(placed: Placed, spot: Spot) -> Placed | None:
    """Match the devices of a request by an attribute that is derived from one in which they differ (S50)."""
    return _derived(placed, spot, "device.attributes['mutant.example.com'].x")


# --- S55 results of other releases ------------------------------------------------------------------------------


def other_requests_of_config(placed: Placed, spot: Spot) -> Placed | None:
    """Name the requests of configuration for all of them, or none where they are named (S55)."""
    devices = placed.results[spot.claim].devices
    names = list(dict.fromkeys(item.request for item in devices.results))
    if not devices.config or {item.partition("/")[0] for item in names} != {
        request.name for request in placed.claims[spot.claim].spec.devices.requests
    }:
        return None
    named = [
        with_fields(item, requests=[] if item.requests == names else names) if item.requests in ([], names) else item
        for item in devices.config
    ]
    if named == devices.config:
        return None
    return edit.edit_allocation(placed, spot.claim, devices=with_fields(devices, config=named))


def config_listed_again(placed: Placed, spot: Spot) -> Placed | None:
    """List the last configuration once more (S55)."""
    devices = placed.results[spot.claim].devices
    if not devices.config:
        return None
    return edit.edit_allocation(
        placed, spot.claim, devices=with_fields(devices, config=[*devices.config, devices.config[-1]])
    )


def _without(placed: Placed, gate: str) -> Placed | None:
    if gate not in placed.release.gates:
        return None
    # The oldest variants of the allocator would look past what needs the gate.
    bare = Release(placed.release.minor, placed.release.gates - {gate})
    return replace(placed, release=bare.with_variant("experimental"))


def _groups(spot: Spot) -> bool:
    return any(drawn.compatibility_groups for drawn in spot.device.consumes_counters)


def _beside_others(placed: Placed, spot: Spot) -> bool:
    """Whether another device with groups draws from the counters of the device, which draws once."""
    held = [claim.status.allocation for claim in placed.existing]
    allocations = [*placed.results, *(found for found in held if found is not None)]
    results = [item for found in allocations for item in found.devices.results if not item.admin_access]
    others = {(item.driver, item.pool, item.device) for item in results} - {spot.id}
    sets = {drawn.counter_set for drawn in spot.device.consumes_counters if drawn.compatibility_groups}
    return not spot.device.allow_multiple_allocations and any(
        (item.spec.driver, item.spec.pool.name, device.name) in others
        and item.spec.pool == spot.slice.spec.pool
        and any(drawn.counter_set in sets and drawn.compatibility_groups for drawn in device.consumes_counters)
        for item in placed.objects.slices
        for device in item.spec.devices
    )


def _with_groups(placed: Placed, spot: Spot, groups: list[str]) -> Placed:
    draws = [with_fields(drawn, compatibility_groups=groups) for drawn in spot.device.consumes_counters]
    return edit.edit_device(placed, spot, consumes_counters=draws)


def _between_two(
    placed: Placed, spot: Spot, values: tuple[list[int], list[int]], constraint: DeviceConstraint
) -> Placed | None:
    if "ListTypeAttributes" not in placed.release.features:
        return None
    attributes = [DeviceAttribute(int_values=value) for value in values]
    return edit.constrain_two(placed, spot, attributes, constraint)


def _derived(placed: Placed, spot: Spot, expression: str) -> Placed | None:
    if "DerivedAttributes" not in placed.release.features:
        return None
    values = [DeviceAttribute(int_value=value) for value in (1, 2)]
    mutant = edit.constrain_two(placed, spot, values, DeviceConstraint(match_attribute=_DERIVED))
    if mutant is None:
        return None
    again = next(item for item in edit.spots(mutant) if (item.claim, item.index) == (spot.claim, spot.index))
    added = DeviceDerivedAttribute(name=_DERIVED, expression=expression)
    return edit.edit_request(mutant, again, derived_attributes=[*again.asked.derived_attributes, added])
