"""Mutations that change the problem under a placement, so that the placement stops being valid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec.structs import replace as with_fields

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    CapacityRequirements,
    CELDeviceSelector,
    Counter,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceConstraint,
    DeviceCounterConsumption,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
)
from drapolicy.testing import edit
from drapolicy.testing.build import Placed
from drapolicy.testing.edit import Spot

_ELSEWHERE = {
    "node_name": "example-elsewhere",
    "node_selector": None,
    "all_nodes": None,
    "per_device_node_selection": None,
}
_EVERYWHERE = {"node_name": None, "node_selector": None, "all_nodes": True, "per_device_node_selection": None}
_TAINT = DeviceTaint(key="example.com/mutant", effect="NoExecute")
_ATTRIBUTE = edit.ATTRIBUTE
_SHARE = "ffffffff-ffff-4fff-8fff-ffffffffffff"


# --- S23 node relevance, S24 generations, S25 incomplete and invalid pools -----------------------------------


def slice_of_another_node(placed: Placed, spot: Spot) -> Placed | None:
    """Move the device's slice to another node, where nothing older of the pool stays behind (S24)."""
    return None if _has_generations(placed, spot) else edit.edit_spec(placed, spot, **_ELSEWHERE)


def selector_of_other_nodes(placed: Placed, spot: Spot) -> Placed | None:
    """Turn the node selector of the device's slice round."""
    selector = spot.slice.spec.node_selector
    if selector is None or _has_generations(placed, spot):
        return None
    term = selector.node_selector_terms[0]
    needs = [with_fields(need, operator="DoesNotExist", values=[]) for need in term.match_expressions]
    terms = [with_fields(term, match_expressions=needs)]
    return edit.edit_spec(placed, spot, node_selector=with_fields(selector, node_selector_terms=terms))


def newer_generation(placed: Placed, spot: Spot) -> Placed | None:
    """Publish a newer generation of the pool that lacks the device."""
    newer = edit.another_slice(spot, [], spot.slice.spec.pool.generation + 1, 1, **_EVERYWHERE)
    return edit.edit_slices(placed, lambda item: item, (newer,))


def newer_generation_elsewhere(placed: Placed, spot: Spot) -> Placed | None:
    """Publish a newer generation on another node while a slice of the old one is gone (Q13)."""
    if not placed.release.behaviour.skips_unusable_pools:
        return None
    pool = spot.slice.spec.pool
    newer = edit.another_slice(spot, [], pool.generation + 1, 1, **_ELSEWHERE)
    return edit.edit_pool(placed, spot, (newer,), resource_slice_count=pool.resource_slice_count + 1)


def missing_slice(placed: Placed, spot: Spot) -> Placed | None:
    """Let the pool expect one slice more than there is; a newer generation would make it obsolete instead."""
    if _has_generations(placed, spot) or not placed.release.behaviour.skips_unusable_pools:
        return None
    return edit.edit_pool(placed, spot, resource_slice_count=spot.slice.spec.pool.resource_slice_count + 1)


def duplicate_device(placed: Placed, spot: Spot) -> Placed | None:
    """Publish another device of the pool a second time, in a slice of its own."""
    pool = spot.slice.spec.pool
    twin = edit.another_slice(spot, [spot.device], pool.generation, pool.resource_slice_count + 1)
    return edit.edit_pool(placed, spot, (twin,), resource_slice_count=pool.resource_slice_count + 1)


def unknown_counter(placed: Placed, spot: Spot) -> Placed | None:
    """Add a device to the pool that draws from a counter set which nobody defines."""
    if not placed.release.behaviour.skips_unusable_pools or "PartitionableDevices" not in placed.release.features:
        return None
    draws = [DeviceCounterConsumption(counter_set="mutant", counters={"n": Counter(value=Quantity("1"))})]
    reach = True if spot.slice.spec.per_device_node_selection else None
    device = Device(name="mutant", consumes_counters=draws, all_nodes=reach)
    pool = spot.slice.spec.pool
    more = edit.another_slice(spot, [device], pool.generation, pool.resource_slice_count + 1)
    return edit.edit_pool(placed, spot, (more,), resource_slice_count=pool.resource_slice_count + 1)


def all_beside_missing_slice(placed: Placed, spot: Spot) -> Placed | None:
    """Publish an incomplete pool of another driver beside a request for all devices (Q3)."""
    if spot.asked.allocation_mode != "All":
        return None
    more = edit.another_slice(spot, [], 1, 2, **_EVERYWHERE)
    more = with_fields(more, spec=with_fields(more.spec, driver="mutant.example.com"))
    return edit.edit_slices(placed, lambda item: item, (more,))


# --- S29 refused requests, S30 number of devices, S37 in use, S39 selectors ----------------------------------


def no_class(placed: Placed, spot: Spot) -> Placed | None:
    """Remove the class of the request."""
    left = tuple(item for item in placed.objects.classes if item.metadata.name != spot.asked.device_class_name)
    return replace(placed, objects=replace(placed.objects, classes=left))


def one_more_wanted(placed: Placed, spot: Spot) -> Placed | None:
    """Ask for one device more than were given."""
    return edit.edit_request(placed, spot, count=spot.asked.count + 1) if spot.asked.count else None


def one_more_of_all(placed: Placed, spot: Spot) -> Placed | None:
    """Publish a twin of a device that all were asked of."""
    if spot.asked.allocation_mode != "All":
        return None
    twin = with_fields(spot.device, name="mutant")
    return edit.edit_spec(placed, spot, devices=[*spot.slice.spec.devices, twin])


def held_by_another_claim(placed: Placed, spot: Spot) -> Placed | None:
    """Let another claim hold the device as a whole."""
    if spot.result.admin_access:
        return None
    driver, pool, device = spot.id
    return edit.hold(placed, DeviceRequestAllocationResult(request="r", driver=driver, pool=pool, device=device))


def class_selects_others(placed: Placed, spot: Spot) -> Placed | None:
    """Give the class a selector that the device does not match."""
    return edit.edit_class(placed, spot.asked.device_class_name, selectors=[_selector("device.driver == 'mutant'")])


def request_selects_others(placed: Placed, spot: Spot) -> Placed | None:
    """Give the request a selector that the device does not match."""
    selectors = [*spot.asked.selectors, _selector("device.driver == 'mutant'")]
    return edit.edit_request(placed, spot, selectors=selectors)


def selector_fails(placed: Placed, spot: Spot) -> Placed | None:
    """Give the request a selector that has no answer for the device (S56)."""
    selectors = [*spot.asked.selectors, _selector("device.attributes['mutant.example.com'].missing == 1")]
    return edit.edit_request(placed, spot, selectors=selectors)


def device_of_another_node(placed: Placed, spot: Spot) -> Placed | None:
    """Move the device alone to another node, while another one of its slice stays."""
    if not spot.slice.spec.per_device_node_selection:
        return None
    stays = Device(name="mutant", all_nodes=True)
    moved = with_fields(spot.device, node_name="example-elsewhere", node_selector=None, all_nodes=None)
    devices = [moved if item is spot.device else item for item in spot.slice.spec.devices]
    return edit.edit_spec(placed, spot, devices=[*devices, stays])


# --- S41-S44 capacity, S45 counters --------------------------------------------------------------------------


def capacity_that_is_missing(placed: Placed, spot: Spot) -> Placed | None:
    """Ask for a capacity that the device does not have."""
    if "ConsumableCapacity" not in placed.release.features:
        return None
    asked = spot.asked.capacity.requests if spot.asked.capacity is not None else {}
    return edit.edit_request(placed, spot, capacity=CapacityRequirements(requests={**asked, "mutant": Quantity("1")}))


def capacity_too_small(placed: Placed, spot: Spot) -> Placed | None:
    """Shrink a capacity of a whole device below what is asked for."""
    if spot.asked.capacity is None or spot.device.allow_multiple_allocations:
        return None
    name = min(spot.asked.capacity.requests)
    value = _less(spot.asked.capacity.requests[name])
    capacity = {**spot.device.capacity, name: DeviceCapacity(value=value)}
    return edit.edit_device(placed, spot, capacity=capacity)


def capacity_shared_out(placed: Placed, spot: Spot) -> Placed | None:
    """Let another claim hold a share of all the capacity."""
    if not spot.result.consumed_capacity:
        return None
    amounts = {name: capacity.value for name, capacity in spot.device.capacity.items()}
    driver, pool, device = spot.id
    return edit.hold(
        placed,
        DeviceRequestAllocationResult(
            request="r", driver=driver, pool=pool, device=device, share_id=_SHARE, consumed_capacity=amounts
        ),
    )


def policy_without_the_amount(placed: Placed, spot: Spot) -> Placed | None:
    """Let the only valid value of a capacity be smaller than what is asked for."""
    return _with_policy(
        placed, spot, lambda amount: CapacityRequestPolicy(default=_less(amount), valid_values=[_less(amount)])
    )


def policy_with_smaller_maximum(placed: Placed, spot: Spot) -> Placed | None:
    """Let the maximum of a capacity be smaller than what is asked for."""
    return _with_policy(
        placed,
        spot,
        lambda amount: CapacityRequestPolicy(
            default=_less(amount), valid_range=CapacityRequestPolicyRange(min=_less(amount), max=_less(amount))
        ),
    )


def counters_used_up(placed: Placed, spot: Spot) -> Placed | None:
    """Leave less of a counter than the device draws; shares after the first draw nothing."""
    if spot.device.allow_multiple_allocations and _has_shares(placed, spot):
        return None
    namesakes = {item.spec.driver for item in placed.objects.slices if item.spec.pool.name == spot.id[1]}
    if placed.release.behaviour.counters == "pool name" and len(namesakes) > 1:
        return None
    for drawn in spot.device.consumes_counters:
        for name, counter in drawn.counters.items():
            return edit.edit_counter(placed, spot, drawn.counter_set, name, _less(counter.value))
    return None


# --- S47-S49 taints, S50 match, S51 distinct -----------------------------------------------------------------


def taint(placed: Placed, spot: Spot) -> Placed | None:
    """Taint a device whose request tolerates nothing."""
    return None if spot.asked.tolerations else edit.edit_device(placed, spot, taints=[_TAINT])


def taint_beside_tolerations(placed: Placed, spot: Spot) -> Placed | None:
    """Taint a device whose request tolerates other taints."""
    if not spot.asked.tolerations or any(not item.key for item in spot.asked.tolerations):
        return None
    return edit.edit_device(placed, spot, taints=[*spot.device.taints, _TAINT])


def taint_rule(placed: Placed, spot: Spot) -> Placed | None:
    """Taint the device by a rule."""
    if not placed.release.heeds_taint_rules or any(not item.key for item in spot.asked.tolerations):
        return None
    driver, pool, device = spot.id
    selector = DeviceTaintSelector(driver=driver, pool=pool, device=device)
    spec = DeviceTaintRuleSpec(device_selector=selector, taint=_TAINT)
    rule = DeviceTaintRule(metadata=ObjectMeta(name="mutant"), spec=spec)
    return replace(placed, objects=replace(placed.objects, taint_rules=(*placed.objects.taint_rules, rule)))


def match_of_a_missing_attribute(placed: Placed, spot: Spot) -> Placed | None:
    """Let the claim match an attribute that the device does not have."""
    constraint = DeviceConstraint(requests=[spot.result.request], match_attribute="mutant.example.com/missing")
    return edit.constrain(placed, spot, constraint)


def match_of_two_values(placed: Placed, spot: Spot) -> Placed | None:
    """Let the claim match an attribute in which the device differs from another one of its request."""
    return _between_two(placed, spot, (1, 2), DeviceConstraint(match_attribute=_ATTRIBUTE))


def distinct_of_a_missing_attribute(placed: Placed, spot: Spot) -> Placed | None:
    """Let the claim want distinct values of an attribute that the device does not have."""
    constraint = DeviceConstraint(requests=[spot.result.request], distinct_attribute="mutant.example.com/missing")
    return edit.constrain(placed, spot, constraint)


def distinct_of_one_value(placed: Placed, spot: Spot) -> Placed | None:
    """Let the claim want distinct values where the device equals another one of its request."""
    if not placed.release.behaviour.remembers_all_distinct:
        return None
    return _between_two(placed, spot, (1, 1), DeviceConstraint(distinct_attribute=_ATTRIBUTE))


def no_admin_label(placed: Placed, spot: Spot) -> Placed | None:
    """Take the label that allows admin access from the namespace."""
    if not spot.result.admin_access:
        return None
    bare = tuple(
        with_fields(item, metadata=with_fields(item.metadata, labels={})) for item in placed.objects.namespaces
    )
    return replace(placed, objects=replace(placed.objects, namespaces=bare))


def _selector(expression: str) -> DeviceSelector:
    return DeviceSelector(cel=CELDeviceSelector(expression=expression))


def _less(amount: Quantity) -> Quantity:
    return Quantity.from_nano(amount.nano - 10**6, "DecimalSI")


def _has_generations(placed: Placed, spot: Spot) -> bool:
    pools = [item.spec for item in placed.objects.slices]
    return len({spec.pool.generation for spec in pools if (spec.driver, spec.pool.name) == spot.id[:2]}) > 1


def _has_shares(placed: Placed, spot: Spot) -> bool:
    allocations = [claim.status.allocation for claim in placed.existing]
    held = [item for found in allocations if found is not None for item in found.devices.results]
    return any((item.driver, item.pool, item.device) == spot.id for item in held)


def _between_two(placed: Placed, spot: Spot, values: tuple[int, int], constraint: DeviceConstraint) -> Placed | None:
    return edit.constrain_two(placed, spot, [DeviceAttribute(int_value=value) for value in values], constraint)


def _with_policy(placed: Placed, spot: Spot, policy: Callable[[Quantity], CapacityRequestPolicy]) -> Placed | None:
    """Ask for the very amount that was given, under another policy."""
    alone = sum(item.id == spot.id for item in edit.spots(placed)) == 1
    if not spot.result.consumed_capacity or not alone:
        return None
    name = min(spot.result.consumed_capacity)
    amount = spot.result.consumed_capacity[name]
    asked = spot.asked.capacity.requests if spot.asked.capacity is not None else {}
    mutant = edit.edit_request(placed, spot, capacity=CapacityRequirements(requests={**asked, name: amount}))
    changed = with_fields(spot.device.capacity[name], request_policy=policy(amount))
    return edit.edit_device(mutant, spot, capacity={**spot.device.capacity, name: changed})
