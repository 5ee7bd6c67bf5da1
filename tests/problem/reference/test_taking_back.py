"""A candidate that is refused or given up leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Fits, NoFit

ONLY_A = {"selectors": [{"cel": {"expression": "device.attributes['gpu.x'].?only.orValue(false)"}}]}


def draw(name: str, counter: str = "mem", amount: str = "3", **more: Any) -> dict[str, Any]:
    return {"name": name, "consumesCounters": [{"counterSet": "cs", "counters": {counter: {"value": amount}}}], **more}


def counters(kit: Any, count: int = 2, **amounts: str) -> Any:
    found = {name: {"value": amount} for name, amount in amounts.items()}
    return kit.slice(name="c", count=count, sharedCounters=[{"name": "cs", "counters": found}])


def holding(name: str) -> AllocatedState:
    state = AllocatedState()
    state.take(DeviceId("gpu.x", "p", name))
    return state


def test_counters_of_a_tainted_or_unfit_device_are_given_back(kit: Any) -> None:
    """Both draw 3 of 4; the first is refused after its counters were reserved."""
    tainted = {"taints": [{"key": "k", "effect": "NoSchedule"}]}
    slices = [kit.slice([draw("d0", **tainted), draw("d1")], count=2), counters(kit, mem="4")]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()))) == [["d1"]]
    numa = {"attributes": {"numa": {"int": 0}}}
    slices = [kit.slice([draw("d0"), draw("d1", **numa)], count=2), counters(kit, mem="4")]
    claim = kit.claim(kit.request(), constraints=[{"matchAttribute": "gpu.x/numa"}])
    assert kit.names(kit.allocate(slices, claim)) == [["d1"]]


def test_a_constraint_forgets_a_device_that_another_constraint_refused(kit: Any) -> None:
    """The first device sets numa, lacks the model, and must not bind the second."""
    devices = [
        {"name": "d0", "attributes": {"numa": {"int": 1}}},
        {"name": "d1", "attributes": {"numa": {"int": 0}, "model": {"string": "m"}}},
    ]
    constraints = [{"matchAttribute": "gpu.x/numa"}, {"matchAttribute": "gpu.x/model"}]
    assert kit.names(kit.allocate([kit.slice(devices)], kit.claim(kit.request(), constraints=constraints))) == [["d1"]]


def test_room_of_a_share_that_was_given_up_is_free_again(kit: Any) -> None:
    """x moves from a to b so that y gets its share of a."""
    shared = {"allowMultipleAllocations": True, "capacity": {"mem": {"value": "10"}}}
    slices = [kit.slice([{"name": "a", "attributes": {"only": {"bool": True}}, **shared}, {"name": "b", **shared}])]
    six = {"capacity": {"requests": {"mem": "6"}}}
    claim = kit.claim(kit.request("x", **six), kit.request("y", **six, **ONLY_A))
    assert kit.names(kit.allocate(slices, claim)) == [["b", "a"]]


def test_giving_up_a_claims_mark_keeps_another_claims(kit: Any) -> None:
    """Both hold a by admin access for a while; a stays taken for ordinary requests."""
    slices = [kit.slice([{"name": "a", "attributes": {"only": {"bool": True}}}, "b"])]
    admin = kit.request("x", adminAccess=True)
    holder = kit.claim(kit.request("x", adminAccess=True, **ONLY_A))
    assert kit.allocate(slices, holder, kit.claim(admin, kit.request("y", **ONLY_A))) == NoFit()


def test_an_overdrawn_counter_blocks_devices_that_do_not_draw_it(kit: Any) -> None:
    """One counter below zero is enough (Q7)."""
    slices = [kit.slice([draw("d0", "a", "2"), draw("d1", "b", "1")], count=2), counters(kit, a="1", b="10")]
    assert isinstance(kit.allocate(slices, kit.claim(kit.request())), Fits)
    assert kit.allocate(slices, kit.claim(kit.request()), allocated=holding("d0")) == NoFit()


def test_devices_of_other_nodes_draw_from_the_same_counters(kit: Any) -> None:
    """An allocated one leaves less for this node (S45)."""
    slices = [
        kit.slice([draw("here")], name="s1", count=3),
        kit.slice([draw("there")], name="s2", count=3, nodeName="n2"),
        counters(kit, count=3, mem="4"),
    ]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()))) == [["here"]]
    assert kit.allocate(slices, kit.claim(kit.request()), allocated=holding("there")) == NoFit()


def test_all_leaves_out_a_device_without_the_capacity(kit: Any) -> None:
    """It is too small for the request, however idle."""
    slices = [kit.slice([{"name": "a", "capacity": {"mem": {"value": "4"}}}, "b"])]
    claim = kit.claim(kit.request(count="All", capacity={"requests": {"mem": "4"}}))
    assert kit.names(kit.allocate(slices, claim)) == [["a"]]


def test_a_visit_that_saw_assignments_reports_no_invalid_pool(kit: Any) -> None:
    """The node could have served."""
    allocator = kit.allocator([kit.slice(["d", "d"], pool="bad"), kit.slice(["a"])])
    assert allocator.allocate(kit.node, [kit.claim(kit.request())], visit=lambda _: False) == NoFit()


def test_an_amount_of_another_form_is_judged_anew(kit: Any) -> None:
    """One allocator, equal amounts, and only the form of the default is spared the range (S43)."""
    policy = {"default": "5", "validRange": {"min": "500m", "max": "2500m"}}
    capacity = {"mem": {"value": "10", "requestPolicy": policy}}
    gatherer_pools = kit.allocator([kit.slice([{"name": "a", "allowMultipleAllocations": True, "capacity": capacity}])])
    pools = gatherer_pools._pools(kit.node)
    allocator = kit.allocator([], pools=lambda _: pools)
    ask = [kit.claim(kit.request(capacity={"requests": {"mem": text}})) for text in ("5", "5000m", "5")]
    assert [isinstance(allocator.allocate(kit.node, [claim]), Fits) for claim in ask] == [True, False, True]


def test_a_share_that_was_given_up_draws_counters_anew(kit: Any) -> None:
    """x held a share of d0 for a while; z may not have one for free once y has drawn the counters."""
    only_d0 = {"selectors": [{"cel": {"expression": "device.allowMultipleAllocations"}}]}
    devices = [draw("d0", allowMultipleAllocations=True), draw("a", attributes={"only": {"bool": True}}), "free"]
    slices = [kit.slice(devices, count=2), counters(kit, mem="4")]
    claim = kit.claim(kit.request("x"), kit.request("y", **ONLY_A), kit.request("z", **only_d0))
    assert kit.allocate(slices, claim) == NoFit()


def test_a_result_never_holds_more_than_32_devices(kit: Any) -> None:
    """5 + 28 are one too many, so the list's second entry is taken."""
    slices = [kit.slice([f"d{i:02}" for i in range(40)])]
    claim = kit.claim(kit.first("r", kit.request("five", 5), kit.request("two", 2)), kit.request("rest", 28))
    assert len(kit.names(kit.allocate(slices, claim))[0]) == 30


@pytest.mark.parametrize("visit", [None, lambda _: True])
def test_a_callers_search_leaves_nothing_behind_in_any_release(kit: Any, visit: Any) -> None:
    """Upstream's own search loses the counters of a refused device up to 1.35, which is no rule of allocation (S38)."""
    tainted = {"taints": [{"key": "k", "effect": "NoSchedule"}]}
    slices = [kit.slice([draw("d0", **tainted), draw("d1")], count=2), counters(kit, mem="4")]
    allocator = kit.allocator(slices, kubernetes=kit.everything("1.35"))
    outcome = allocator.allocate(kit.node, [kit.claim(kit.request())], visit=visit)
    assert outcome == NoFit() if visit is None else kit.names(outcome) == [["d1"]]


def test_up_to_1_35_a_refused_share_stays_under_its_constraints(kit: Any) -> None:
    """The share of d0 that mode All cannot have leaves a value behind, which d1 of the next alternative lacks (S38)."""
    shared = {"allowMultipleAllocations": True, "capacity": {"mem": {"value": "4"}}}
    devices = [
        {"name": name, "attributes": {"numa": {"int": number}, "only": {"bool": name == "d1"}}, **more}
        for number, (name, more) in enumerate({"d0": shared, "d1": {}}.items())
    ]
    half = {"capacity": {"requests": {"mem": "3"}}}
    first = kit.request("a", **half)
    listed = kit.first("b", kit.request("x", "All", **half), kit.request("y", **ONLY_A))
    claim = kit.claim(first, listed, constraints=[{"requests": ["b"], "matchAttribute": "gpu.x/numa"}])
    told = {
        minor: kit.allocate([kit.slice(devices)], claim, kubernetes=kit.everything(minor)) for minor in ("1.35", "1.36")
    }
    assert told["1.35"] == NoFit()
    assert kit.names(told["1.36"]) == [["d0", "d1"]]
