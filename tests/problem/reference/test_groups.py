"""Compatibility groups of devices that draw from one counter set (K8s S46)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.resource import Device, DeviceCounterConsumption, ResourceSlice
from drapolicy.inventory.pool_device import DeviceId, PoolDevice, PoolId
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import NoFit
from drapolicy.problem.reference.groups import GroupLedger, GroupOpenings
from drapolicy.release import release

COUNTERS = [{"name": name, "counters": {"units": {"value": "10"}}} for name in ("card", "link")]


def device(name: str, groups: str | None = "", *, counter_set: str = "card", **more: Any) -> dict[str, Any]:
    drawn = {"counterSet": counter_set, "counters": {"units": {"value": "1"}}}
    named = {"compatibilityGroups": list(groups)} if groups else {}
    return {"name": name, "consumesCounters": [{**drawn, **named}], **more}


def pool(kit: Any, *devices: dict[str, Any], other: tuple[dict[str, Any], ...] = ()) -> list[ResourceSlice]:
    count = 3 if other else 2
    slices = [
        kit.slice(name="counters", count=count, sharedCounters=COUNTERS),
        kit.slice(devices, name="here", count=count),
    ]
    return [*slices, kit.slice(other, name="there", count=count, nodeName="n2")] if other else slices


@pytest.mark.parametrize(
    ("groups", "fits"),
    [
        (["ab", "b"], True),
        (["ab", "bc", "ca"], False),
        (["ab", "bc", "b"], True),
        (["a", "b"], False),
        (["", ""], True),
        (["", "a"], False),
        (["a", ""], False),
    ],
)
def test_devices_of_a_counter_set_have_a_group_in_common(kit: Any, groups: list[str], fits: bool) -> None:
    """All of them one and the same group; those without groups go only with each other (S46)."""
    devices = [device(f"d{number}", named) for number, named in enumerate(groups)]
    outcome = kit.allocate(pool(kit, *devices), kit.claim(kit.request(count=len(groups))), kubernetes=kit.everything())
    assert (outcome != NoFit()) is fits


def test_other_counter_sets_have_groups_of_their_own(kit: Any) -> None:
    """As has a device that draws from none."""
    devices = [device("a", "x"), device("b", "y", counter_set="link"), {"name": "c"}]
    outcome = kit.allocate(pool(kit, *devices), kit.claim(kit.request(count=3)), kubernetes=kit.everything())
    assert kit.names(outcome) == [["a", "b", "c"]]


def test_a_search_turns_back_from_groups(kit: Any) -> None:
    """The first pair that goes together is found."""
    devices = [device("a", "x"), device("b", "yz"), device("c", "z")]
    outcome = kit.allocate(pool(kit, *devices), kit.claim(kit.request(count=2)), kubernetes=kit.everything())
    assert kit.names(outcome) == [["b", "c"]]


@pytest.mark.parametrize("held", ["a", "far"])
def test_allocated_devices_count_also_those_of_other_nodes(kit: Any, held: str) -> None:
    """What they leave in common is what newcomers must share."""
    slices = pool(kit, device("a", "x"), device("b", "y"), device("c", "xz"), other=(device("far", "x"),))
    allocated = AllocatedState()
    allocated.take(DeviceId("gpu.x", "p", held))
    outcome = kit.allocate(slices, kit.claim(kit.request(count=2)), allocated=allocated, kubernetes=kit.everything())
    assert outcome == NoFit() if held == "a" else kit.names(outcome) == [["a", "c"]]


def test_allocated_devices_that_do_not_go_together_let_nobody_in(kit: Any) -> None:
    """Devices without groups among them leave things as they were, whichever came first."""
    slices = pool(kit, device("a", "x"), device("b", "y"), device("c", "x"), device("d"), device("e", "xy"))
    for held, want in (("ab", None), ("ad", ["c"])):
        allocated = AllocatedState()
        for name in held:
            allocated.take(DeviceId("gpu.x", "p", name))
        outcome = kit.allocate(slices, kit.claim(kit.request()), allocated=allocated, kubernetes=kit.everything())
        assert outcome == NoFit() if want is None else kit.names(outcome) == [want]


def test_one_more_share_is_asked_for_no_groups(kit: Any) -> None:
    """It draws no counters either (S45)."""
    shared = device("a", "x", allowMultipleAllocations=True)
    slices = pool(kit, shared, device("b", "y"))
    allocated = AllocatedState()
    allocated.take_share(DeviceId("gpu.x", "p", "a"), "s")
    allocated.take(DeviceId("gpu.x", "p", "b"))
    outcome = kit.allocate(slices, kit.claim(kit.request()), allocated=allocated, kubernetes=kit.everything())
    assert kit.names(outcome) == [["a"]]


@pytest.mark.parametrize(("minor", "fits"), [("1.36", True), ("1.37", False)])
def test_without_the_gate_slices_with_groups_count_for_nothing(kit: Any, minor: str, fits: bool) -> None:
    """Their pool is incomplete then; earlier releases do not see groups at all (S46)."""
    slices = pool(kit, device("a", "x"))
    outcome = kit.allocate(slices, kit.claim(kit.request()), kubernetes=release(minor))
    assert (outcome != NoFit()) is fits


names = st.lists(st.sampled_from("xyz"), max_size=2, unique=True)


@given(st.lists(st.lists(st.tuples(st.sampled_from(["card", "link"]), names), max_size=2), max_size=6))
def test_devices_that_leave_leave_no_trace(drawn: list[list[tuple[str, list[str]]]]) -> None:
    """What may join depends on who is in, not on who was."""
    devices = [
        PoolDevice(
            PoolId("gpu.x", "p"),
            number,
            ResourceSlice(),
            Device(
                consumes_counters=[
                    DeviceCounterConsumption(counter_set=counter_set, compatibility_groups=groups)
                    for counter_set, groups in dict(sets).items()
                ]
            ),
        )
        for number, sets in enumerate(drawn)
    ]
    pools = {PoolId("gpu.x", "p"): Pool(PoolId("gpu.x", "p"), tuple(devices))}
    plain, busy = (GroupLedger(GroupOpenings(AllocatedState()), pools) for _ in range(2))
    joined = [each for each in devices[::2] if busy.join(each)]
    for each in reversed(joined):
        busy.leave(each)
    assert [plain.join(each) for each in devices] == [busy.join(each) for each in devices]
