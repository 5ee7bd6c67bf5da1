"""Corners of the checker that mutations do not reach: order of taking, gates that are off, what is held already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as with_fields

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequirements,
    CELDeviceSelector,
    Counter,
    DeviceAttribute,
    DeviceConstraint,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceToleration,
    ResourceClaim,
)
from drapolicy.cel import CompileError
from drapolicy.errors import VerificationError
from drapolicy.release import Release, release
from drapolicy.testing import edit
from drapolicy.testing.build import Placed
from drapolicy.testing.edit import Spot
from drapolicy.testing.specimens import GPU, specimens
from drapolicy.verify import Verifier, violations


def rules(placed: Placed, **gates: bool) -> list[str]:
    default = release("1.37")
    made = Release("1.37", default.gates.difference(name for name, on in gates.items() if not on))
    found = violations(placed.objects, placed.node, placed.claims, placed.results, made, existing=placed.existing)
    return [error.rule for error in found]


def spot(placed: Placed, claim: int = 0, index: int = 0) -> Spot:
    return next(item for item in edit.spots(placed) if (item.claim, item.index) == (claim, index))


# --- order of taking, S37 ------------------------------------------------------------------------------------


def one_device_twice(first_is_admin: bool, second_is_admin: bool) -> Placed:
    """Two claims of one pod that get the same device."""
    placed = specimens()["alternatives"]
    claim, result = placed.claims[1], placed.results[1]
    claims, results = [], []
    for name, admin in (("first", first_is_admin), ("second", second_is_admin)):
        again = replace(placed, claims=(claim,), results=(result,), existing=())
        again = edit.edit_request(again, spot(again), admin_access=True if admin else None)
        again = edit.edit_result(again, spot(again), admin_access=True if admin else None)
        claims.append(with_fields(again.claims[0], metadata=with_fields(claim.metadata, name=name)))
        results += again.results
    return replace(placed, claims=tuple(claims), results=tuple(results), existing=())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(False, False, ["S37"]), (True, False, ["S37"]), (False, True, []), (True, True, [])],
)
def test_admin_access_blocks_later_requests_of_the_pod_only(first: bool, second: bool, expected: list[str]) -> None:
    """Admin access takes a device from later requests of its pod, but not from itself or from earlier ones (Q6)."""
    assert rules(one_device_twice(first, second)) == expected


def test_admin_access_twice_in_one_claim_is_refused() -> None:
    """One claim does not get a device twice, not even for administration."""
    placed = specimens()["alternatives"]
    placed = edit.edit_request(placed, spot(placed, 1), count=2)
    placed = edit.edit_results(placed, 1, lambda results: results * 2)
    assert rules(placed) == ["S37"]


def test_results_of_admin_access_hold_nothing() -> None:
    """A device that another claim has for administration is free (S20)."""
    placed = specimens()["plain"]
    driver, pool, device = spot(placed).id
    held = DeviceRequestAllocationResult(driver=driver, pool=pool, device=device, admin_access=True)
    assert rules(edit.hold(placed, held)) == []


def test_a_claim_is_not_in_its_own_way() -> None:
    """An allocation of the very claim that is verified is not counted as held by another claim."""
    placed = specimens()["plain"]
    status = with_fields(placed.claims[0].status, allocation=placed.results[0])
    assert rules(replace(placed, existing=(with_fields(placed.claims[0], status=status),))) == []


def test_claims_of_the_objects_hold_devices_by_default() -> None:
    """Without a list of existing claims those among the objects count."""
    placed = specimens()["plain"]
    driver, pool, device = spot(placed).id
    held = edit.hold(placed, DeviceRequestAllocationResult(driver=driver, pool=pool, device=device)).existing
    objects = replace(placed.objects, claims=(*placed.objects.claims, *held))
    found = violations(objects, placed.node, placed.claims, placed.results, release())
    assert [error.rule for error in found] == ["S37"]


# --- shares and counters -------------------------------------------------------------------------------------


def test_a_share_held_of_a_whole_device_leaves_it_free() -> None:
    """A share of a device that is not shareable any more holds its capacity, not the device (S20, S37)."""
    placed = specimens()["plain"]
    driver, pool, device = spot(placed).id
    share = DeviceRequestAllocationResult(driver=driver, pool=pool, device=device, share_id="old")
    assert rules(edit.hold(placed, share)) == []
    assert rules(edit.hold(placed, share), DRAConsumableCapacity=False, DRAFractionalCapacityRange=False) == ["S37"]


def test_a_device_held_as_a_whole_cannot_be_shared() -> None:
    """A result without share ID holds all of a device that became shareable (S37)."""
    placed = specimens()["shares"]
    driver, pool, device = spot(placed, 0, 0).id
    assert "S37" in rules(edit.hold(placed, DeviceRequestAllocationResult(driver=driver, pool=pool, device=device)))


def test_an_overdrawn_set_blocks_the_whole_pool() -> None:
    """A set that is negative already blocks devices that draw from another set of the pool (Q7)."""
    placed = specimens()["partitions"]
    counters = [item for each in placed.objects.slices for item in each.spec.shared_counters]
    other = with_fields(counters[0], name="other", counters={"n": Counter(value=Quantity("-1"))})

    def change(item):
        if not item.spec.shared_counters:
            return item
        return with_fields(item, spec=with_fields(item.spec, shared_counters=[*item.spec.shared_counters, other]))

    assert rules(edit.edit_slices(placed, change)) == ["S45", "S45"]


def test_partitions_of_other_nodes_draw_from_the_counters() -> None:
    """A held device in a slice of another node counts against the counters of its pool (S45)."""
    placed = specimens()["partitions"]
    held = placed.existing[0].status.allocation.devices.results[0].device
    here = spot(placed)
    away = [item for item in here.slice.spec.devices if item.name == held]
    near = [item for item in here.slice.spec.devices if item.name != held]
    placed = edit.edit_spec(placed, here, devices=near)
    here = spot(placed)
    elsewhere = edit.another_slice(here, away, 1, 3, node_name="away")
    placed = edit.edit_pool(placed, here, (elsewhere,), resource_slice_count=3)
    assert rules(placed) == []
    assert rules(edit.edit_counter(placed, here, "card", "slices", Quantity("8"))) == ["S45"]


def test_shares_of_the_default_amount_need_no_request() -> None:
    """A request without capacity takes the whole value where there is no default (Q9)."""
    placed = specimens()["shares"]
    placed = replace(placed, claims=placed.claims[1:], results=placed.results[1:], existing=())
    here = spot(placed)
    capacity = {"memory": with_fields(here.device.capacity["memory"], request_policy=None)}
    placed = edit.edit_device(placed, here, capacity=capacity)
    assert rules(edit.edit_result(placed, here, consumed_capacity={"memory": Quantity("80Gi")})) == []
    assert rules(edit.edit_result(placed, here, consumed_capacity={"memory": Quantity("79Gi")})) == ["S42"]


def test_amounts_compare_by_number() -> None:
    """How a consumed amount is written does not matter."""
    placed = specimens()["shares"]
    here = spot(placed)
    written = {"memory": Quantity(str(15 * 2**30)), "cores": Quantity("1000m")}
    assert rules(edit.edit_result(placed, here, consumed_capacity=written)) == []


# --- taints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        (DeviceToleration(operator="Exists"), []),
        (DeviceToleration(key="k", operator="Exists"), []),
        (DeviceToleration(key="k", operator="Equal", value="v"), []),
        (DeviceToleration(key="k", value="v"), []),
        (DeviceToleration(key="k", operator="Exists", effect="NoExecute"), []),
        (DeviceToleration(key="k", operator="Exists", effect="NoExecute", toleration_seconds=0), []),
        (DeviceToleration(value="v"), []),
        (DeviceToleration(key="k", operator="Equal", value="w"), ["S48"]),
        (DeviceToleration(key="k", operator="Equal"), ["S48"]),
        (DeviceToleration(key="l", operator="Exists"), ["S48"]),
        (DeviceToleration(key="k", operator="Exists", effect="NoSchedule"), ["S48"]),
        (DeviceToleration(key="k", operator="In", value="v"), ["S48"]),
    ],
)
def test_tolerations(toleration: DeviceToleration, expected: list[str]) -> None:
    """Empty fields match everything, the operator is Equal by default, the time does not matter (S48)."""
    placed = specimens()["network"]
    placed = edit.edit_request(placed, spot(placed), tolerations=[toleration])
    placed = edit.edit_result(placed, spot(placed), tolerations=[toleration])
    taint = DeviceTaint(key="k", value="v", effect="NoExecute")
    assert rules(edit.edit_device(placed, spot(placed), taints=[taint])) == expected


@pytest.mark.parametrize("effect", ["None", "PreferNoSchedule", ""])
def test_effects_that_block_nothing(effect: str) -> None:
    """Only NoSchedule and NoExecute keep a device from being allocated (S47)."""
    placed = specimens()["network"]
    assert rules(edit.edit_device(placed, spot(placed), taints=[DeviceTaint(key="k", effect=effect)])) == []


def test_a_rule_without_selector_taints_nothing() -> None:
    """A rule without selector is for no device (S49)."""
    placed = specimens()["network"]
    spec = DeviceTaintRuleSpec(taint=DeviceTaint(key="k", effect="NoExecute"))
    rule = DeviceTaintRule(metadata=ObjectMeta(name="r"), spec=spec)
    assert rules(replace(placed, objects=replace(placed.objects, taint_rules=(rule,)))) == []


# --- constraints ---------------------------------------------------------------------------------------------


def between(values: list[DeviceAttribute | None], *, match: bool) -> list[str]:
    """Rules broken when two devices of a request have these values of one attribute."""
    placed = specimens()["alternatives"]
    for index, value in enumerate(values):
        here = spot(placed, 0, index)
        attributes = {} if value is None else {"x": value}
        placed = edit.edit_device(placed, here, attributes=attributes)
    name = f"{GPU}/x"
    both = DeviceConstraint(requests=["one/few"], match_attribute=name)
    if not match:
        both = DeviceConstraint(requests=["one"], distinct_attribute=name)
    return rules(edit.edit_claim(placed, 0, constraints=[both]))


ONE, TRUE = DeviceAttribute(int_value=1), DeviceAttribute(bool_value=True)
TEXT, VERSION = DeviceAttribute(string_value="1.0.0"), DeviceAttribute(version_value="1.0.0")
BUILD, LIST = DeviceAttribute(version_value="1.0.0+b"), DeviceAttribute(int_values=[1])


@pytest.mark.parametrize(
    ("values", "matches", "differs"),
    [
        ([ONE, ONE], True, False),
        ([ONE, DeviceAttribute(int_value=2)], False, True),
        ([ONE, TRUE], False, True),
        ([TEXT, VERSION], False, True),
        ([VERSION, VERSION], True, False),
        ([VERSION, BUILD], False, True),
        ([ONE, None], False, False),
        ([None, ONE], False, False),
        ([LIST, LIST], False, False),
        ([LIST, ONE], False, True),
        ([ONE, LIST], False, False),
    ],
)
def test_values_match_or_differ_by_type_and_value(
    values: list[DeviceAttribute | None], matches: bool, differs: bool
) -> None:
    """Missing attributes are refused, types count, versions are texts, lists compare with nothing (S50-S52, Q14)."""
    match, distinct = ("S52", "S52") if LIST in values else ("S50", "S51")
    assert between(values, match=True) == ([] if matches else [match])
    assert between(values, match=False) == ([] if differs else [distinct])


def test_one_device_matches_by_a_list() -> None:
    """A list is accepted as the first value (Q14)."""
    placed = specimens()["network"]
    here = spot(placed)
    placed = edit.edit_device(placed, here, attributes={f"{GPU}/x": LIST})
    constraint = DeviceConstraint(requests=["gpu"], match_attribute=f"{GPU}/x")
    assert rules(edit.edit_claim(placed, 0, constraints=[constraint])) == []


# --- gates that are off --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "gates", "expected"),
    [
        ("alternatives", {"DRAPrioritizedList": False}, {"S29"}),
        ("alternatives", {"DRAAdminAccess": False}, {"S29"}),
        ("partitions", {"DRAPartitionableDevices": False}, {"S45"}),
        ("partitions", {"DRADeviceBindingConditions": False}, {"S39", "S55"}),
        ("partitions", {"DRAConsumableCapacity": False, "DRAFractionalCapacityRange": False}, {"S29"}),
        ("network", {"DRAPartitionableDevices": False}, {"S23"}),
        ("plain", {"DRADeviceTaints": False, "DRADeviceTaintRules": False}, set()),
    ],
)
def test_gates_that_are_off(name: str, gates: dict[str, bool], expected: set[str]) -> None:
    """What needs a gate is refused without it, by the rule that says so."""
    assert set(rules(specimens()[name], **gates)) == expected


def test_taints_count_for_nothing_without_their_gate() -> None:
    """With the gate of taints off a tainted device is as good as any."""
    placed = specimens()["network"]
    placed = edit.edit_device(placed, spot(placed), taints=[DeviceTaint(key="k", effect="NoExecute")])
    assert rules(placed) == ["S47"]
    assert rules(placed, DRADeviceTaints=False, DRADeviceTaintRules=False) == []


# --- form ----------------------------------------------------------------------------------------------------


def test_each_claim_needs_one_allocation() -> None:
    """Allocations and claims are told apart by their position, so there must be as many."""
    placed = specimens()["partitions"]
    assert rules(replace(placed, results=placed.results[:1])) == ["S55"]


def test_a_claim_without_requests_gets_nothing() -> None:
    """An empty claim is allocated by an empty result (Q15)."""
    placed = specimens()["plain"]
    empty = edit.edit_allocation(placed, 0, devices=with_fields(placed.results[0].devices, results=[], config=[]))
    empty = edit.edit_allocation(empty, 0, node_selector=None)
    assert rules(replace(empty, claims=(ResourceClaim(metadata=ObjectMeta(name="c0", namespace="team")),))) == []


def test_a_namespace_that_is_not_known_is_not_judged() -> None:
    """Admin access is asked of the namespace only where the namespace is among the objects (S17)."""
    placed = specimens()["alternatives"]
    assert rules(replace(placed, objects=replace(placed.objects, namespaces=()))) == []


def test_a_mode_without_default_is_refused() -> None:
    """An allocation mode must be set, as the API server sets it (S16, S29)."""
    placed = specimens()["network"]
    assert rules(edit.edit_request(placed, spot(placed), allocation_mode=""))[0] == "S29"


def test_capacity_that_is_asked_for_by_another_spelling_is_missing() -> None:
    """Capacities are found by their literal name (Q8)."""
    placed = specimens()["partitions"]
    wanted = CapacityRequirements(requests={f"{GPU}/memory": Quantity("1Gi")})
    assert rules(edit.edit_request(placed, spot(placed), capacity=wanted)) == ["S41"]


def test_a_message_names_claim_request_device_and_value() -> None:
    """A reader finds the fault without looking at the objects."""
    placed = specimens()["shares"]
    here = spot(placed)
    amounts = {**here.result.consumed_capacity, "memory": Quantity("16Gi")}
    placed = edit.edit_result(placed, here, consumed_capacity=amounts)
    found = violations(placed.objects, placed.node, placed.claims, placed.results, release())
    where = "claim team/c0, request r, device gpu.example.com/here/big-1"
    assert [str(error) for error in found] == [f"S42: {where}: consumedCapacity memory is 16Gi, should be 15Gi"]


def test_what_cannot_be_evaluated_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A selector beyond drapolicy's means gives an error of its own, not a verdict."""

    def refuse(expression: str, kubernetes: Release) -> object:
        raise CompileError("not supported by drapolicy", expression, unsupported=True)

    monkeypatch.setattr("drapolicy.cel.compile", refuse)
    with pytest.raises(CompileError):
        rules(specimens()["plain"])


def test_a_selector_that_does_not_compile_breaks_the_selector_rule() -> None:
    """An expression that Kubernetes cannot compile gives up the pod (S39, S56)."""
    placed = specimens()["network"]
    selectors = [DeviceSelector(cel=CELDeviceSelector(expression="device.driver =="))]
    assert rules(edit.edit_request(placed, spot(placed), selectors=selectors)) == ["S39"]


def test_one_verifier_serves_many_placements() -> None:
    """Nothing that one check takes is missing in the next one."""
    placed = specimens()["shares"]
    verifier = Verifier(placed.objects, release())
    for _ in range(2):
        verifier.verify(placed.node, placed.claims, placed.results, placed.existing)
    with pytest.raises(VerificationError):
        verifier.verify(placed.node, placed.claims, (), placed.existing)


def test_a_release_of_other_gates_can_be_made_by_hand() -> None:
    """Only the gates decide; with none upstream's oldest allocator decides, which knows no distinct attributes (S32)."""
    placed = specimens()["plain"]
    bare = Release("1.37", frozenset())
    found = violations(placed.objects, placed.node, placed.claims, placed.results, bare)
    assert [error.rule for error in found] == ["S32"]
    newer = bare.with_variant("incubating")
    assert violations(placed.objects, placed.node, placed.claims, placed.results, newer) == []
