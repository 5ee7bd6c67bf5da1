"""Gates, access, taints, counters, shares and constraints, seen through whole answers."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.inventory.pools import Gatherer
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit
from drapolicy.problem.reference import Allocator
from drapolicy.release import release


def taken(*devices: str, shares: dict[str, dict[str, str]] | None = None) -> AllocatedState:
    """Return a state that holds devices of pool gpu.x/p, and shares of others."""
    state = AllocatedState()
    for name in devices:
        state.take(DeviceId("gpu.x", "p", name))
    for name, amounts in (shares or {}).items():
        state.take_share(DeviceId("gpu.x", "p", name), "s")
        state.consume(DeviceId("gpu.x", "p", name), {key: Quantity(text) for key, text in amounts.items()})
    return state


def with_numa(*values: Any) -> list[dict[str, Any]]:
    """Return devices d0, d1, ... with the attribute numa; None leaves it out."""
    kinds = {int: "int", str: "string", bool: "bool", list: "ints"}
    return [
        {"name": f"d{i}", **({} if value is None else {"attributes": {"numa": {kinds[type(value)]: value}}})}
        for i, value in enumerate(values)
    ]


# --- gates and claims that cannot be handled -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "request_", "text"),
    [
        ("PrioritizedList", "list", "request r: has subrequests, but the DRAPrioritizedList feature is disabled"),
        (
            "ConsumableCapacity",
            "capacity",
            "request r: has capacity requests, but the DRAConsumableCapacity feature is disabled",
        ),
        (
            "ConsumableCapacity",
            "sub",
            "subrequest a: has capacity requests, but the DRAConsumableCapacity feature is disabled",
        ),
        ("AdminAccess", "admin", "request r: admin access is requested, but the feature is disabled"),
        (None, "derived", "request r: cannot handle request with derived attributes, the feature is disabled"),
        (None, "selector", "request r, selector #0: CEL expression empty (unsupported selector type?)"),
        (None, "class", "request r: missing device class name (unsupported request type?)"),
        (None, "empty", "request r: missing device class name (unsupported request type?)"),
        (None, "unknown", 'request r: could not retrieve device class no: deviceclass.resource.k8s.io "no" not found'),
        (None, "mode", "request r: unsupported count mode Some"),
    ],
)
def test_claims_that_cannot_be_handled_end_the_attempt(kit: Any, off: str | None, request_: str, text: str) -> None:
    """With upstream's words, before any device is looked at (S29)."""
    capacity = {"capacity": {"requests": {"mem": "1"}}}
    wishes = {
        "list": kit.first("r", kit.request("a")),
        "capacity": kit.request(**capacity),
        "sub": kit.first("r", kit.request("a", **capacity)),
        "admin": kit.request(adminAccess=False),
        "derived": kit.request(derivedAttributes=[{"name": "a.x/b", "expression": "1"}]),
        "selector": kit.request(selectors=[{}]),
        "class": kit.request(deviceClassName=""),
        "empty": {"name": "r"},
        "unknown": kit.request(deviceClassName="no"),
        "mode": kit.request(allocationMode="Some"),
    }
    outcome = kit.allocate([kit.slice(["d"])], kit.claim(wishes[request_]), features=kit.features - {off})
    assert outcome == Abort(f"claim ns/c, {text}")


def test_a_negative_count_is_refused(kit: Any) -> None:
    """The API server lets none in, and upstream would not survive it."""
    with pytest.raises(InputError, match="count -1 is negative"):
        kit.allocate([kit.slice(["d"])], kit.claim(kit.request(count=-1)))


def test_an_empty_constraint_ends_the_attempt(kit: Any) -> None:
    """It is a kind that this version does not know (S32)."""
    outcome = kit.allocate([kit.slice(["d"])], kit.claim(kit.request(), constraints=[{}]))
    assert outcome == Abort("claim ns/c, constraint #0: empty constraint (unsupported constraint type?)")


# --- selectors -----------------------------------------------------------------------------------------------


def test_a_selector_that_fails_on_a_device_ends_the_attempt(kit: Any) -> None:
    """Even though a later device would match (Q4); the hint is 1.37's."""
    ok = {"selectors": [{"cel": {"expression": "device.attributes['gpu.x'].ok"}}]}
    slices = [kit.slice(["a", {"name": "b", "attributes": {"ok": {"bool": True}}}])]
    outcome = kit.allocate(slices, kit.claim(kit.request(**ok)))
    assert isinstance(outcome, Abort)
    assert outcome.text.startswith(
        "claim ns/c: selector #0 on device gpu.x/p/a: CEL runtime error: no such key: ok. consider"
    )
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(**ok)), allocated=taken("a"))) == [["b"]]


def test_a_class_selector_fails_under_the_name_of_the_class(kit: Any) -> None:
    """Class selectors come first."""
    broken = kit.device_class("broken", selectors=[{"cel": {"expression": "nonsense"}}])
    outcome = kit.allocate([kit.slice(["a"])], kit.claim(kit.request(deviceClassName="broken")), classes=[broken])
    assert isinstance(outcome, Abort)
    assert outcome.text.startswith("class broken: selector #0: CEL compile error: ")


def test_a_device_of_another_node_can_end_the_attempt(kit: Any) -> None:
    """Its own node selection is looked at after CEL (Q19)."""
    there = {"name": "there", "nodeName": "n2"}
    here = {"name": "here", "nodeName": "n1", "attributes": {"ok": {"bool": True}}}
    slices = [kit.slice([there, here], perDeviceNodeSelection=True)]
    ok = {"selectors": [{"cel": {"expression": "device.attributes['gpu.x'].ok"}}]}
    assert isinstance(kit.allocate(slices, kit.claim(kit.request(**ok))), Abort)
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()))) == [["here"]]


def test_binding_conditions_need_their_gate(kit: Any) -> None:
    """Without it such a device is never chosen."""
    slices = [kit.slice([{"name": "a", "bindingConditions": ["x"]}])]
    off = kit.features - {"DeviceBindingAndStatus"}
    assert isinstance(kit.allocate(slices, kit.claim(kit.request())), Fits)
    assert kit.allocate(slices, kit.claim(kit.request()), features=off) == NoFit()


# --- pools ---------------------------------------------------------------------------------------------------


def test_an_invalid_pool_only_matters_where_nothing_else_fits(kit: Any) -> None:
    """The node fails then, not the attempt (S25)."""
    twice = kit.slice(["d", "d"], pool="bad")
    assert kit.names(kit.allocate([twice, kit.slice(["a"])], kit.claim(kit.request()))) == [["a"]]
    assert kit.allocate([twice], kit.claim(kit.request())) == NodeError("invalid resource pools were encountered")


@pytest.mark.parametrize(("devices", "count", "state"), [(["d", "d"], 1, "invalid"), (["d"], 2, "being updated")])
def test_all_needs_every_pool_of_the_node_in_order(kit: Any, devices: list[str], count: int, state: str) -> None:
    """Even a pool of another driver ends the attempt (Q3)."""
    slices = [kit.slice(["a"]), kit.slice(devices, driver="nic.x", pool="q", count=count)]
    outcome = kit.allocate(slices, kit.claim(kit.request(count="All")))
    assert outcome == Abort(
        f"claim ns/c, request r: asks for all devices, but resource pool nic.x/q is currently {state}"
    )


def test_an_unreadable_node_selector_ends_the_attempt(kit: Any) -> None:
    """The slice's fault hits every pod."""
    bad = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Is"}]}]}
    outcome = kit.allocate([kit.slice(["a"], nodeSelector=bad)], kit.claim(kit.request()))
    assert isinstance(outcome, Abort)
    assert outcome.text.startswith("gather pool information: failed to perform node selection for slice s: ")


def test_pools_gathered_before_give_the_same_answers(kit: Any) -> None:
    """They depend on slices, features and node alone."""
    pools = Gatherer([kit.slice("abc")], release())(kit.node)
    allocator = kit.allocator([], pools=lambda _: pools)
    first = allocator.allocate(kit.node, [kit.claim(kit.request(count=2))])
    assert first == allocator.allocate(kit.node, [kit.claim(kit.request(count=2))])
    assert kit.names(first) == [["a", "b"]]


# --- admin access --------------------------------------------------------------------------------------------


def test_admin_access_sees_what_its_own_claim_took_only(kit: Any) -> None:
    """Allocated devices and other claims' devices are open to it (S37, Q6)."""
    slices = [kit.slice(["a", "b"])]
    admin = kit.request("admin", adminAccess=True)
    assert kit.names(kit.allocate(slices, kit.claim(admin), allocated=taken("a", "b"))) == [["a"]]
    assert kit.names(kit.allocate(slices, kit.claim(admin, kit.request("use")))) == [["a", "b"]]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request("use")), kit.claim(admin))) == [["a"], ["a"]]
    assert kit.names(kit.allocate(slices, kit.claim(admin), kit.claim(kit.request("use")))) == [["a"], ["b"]]
    assert kit.names(kit.allocate(slices, kit.claim(admin), kit.claim(admin))) == [["a"], ["a"]]


def test_a_claims_mark_on_a_device_outlives_another_claims(kit: Any) -> None:
    """Two claims hold one device by admin access; giving back one keeps the other's."""
    slices = [kit.slice(["a", "b"])]
    admin = kit.request("admin", adminAccess=True)
    claims = [kit.claim(admin), kit.claim(admin), kit.claim(kit.request(count=2))]
    assert kit.allocate(slices, *claims) == NoFit()


# --- taints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "tolerations", "fits"),
    [
        ("NoSchedule", [], False),
        ("NoExecute", [], False),
        ("None", [], True),
        ("SomethingNew", [], True),
        ("NoSchedule", [{"operator": "Exists"}], True),
        ("NoSchedule", [{"key": "k", "operator": "Exists"}], True),
        ("NoSchedule", [{"key": "other", "operator": "Exists"}], False),
        ("NoSchedule", [{"key": "k", "value": "v"}], True),
        ("NoSchedule", [{"key": "k", "operator": "Equal", "value": "w"}], False),
        ("NoSchedule", [{"key": "k", "operator": "Exists", "effect": "NoExecute"}], False),
        ("NoSchedule", [{"key": "k", "operator": "Like", "value": "v"}], False),
    ],
)
def test_taints_keep_devices_from_requests_that_do_not_tolerate_them(
    kit: Any, effect: str, tolerations: list[dict[str, str]], fits: bool
) -> None:
    """Known effects only; empty fields of a toleration match everything (S47, S48)."""
    slices = [kit.slice([{"name": "a", "taints": [{"key": "k", "value": "v", "effect": effect}]}])]
    outcome = kit.allocate(slices, kit.claim(kit.request(tolerations=tolerations)))
    assert isinstance(outcome, Fits) is fits
    off = kit.features - {"DeviceTaints"}
    assert isinstance(kit.allocate(slices, kit.claim(kit.request(tolerations=tolerations)), features=off), Fits)


# --- counters ------------------------------------------------------------------------------------------------


def partitions(kit: Any, *draws: str, total: str = "4", **device: Any) -> list[Any]:
    """Return a pool whose devices d0, d1, ... draw from one counter."""
    devices = [
        {"name": f"d{i}", **device, "consumesCounters": [{"counterSet": "cs", "counters": {"mem": {"value": amount}}}]}
        for i, amount in enumerate(draws)
    ]
    counters = [{"name": "cs", "counters": {"mem": {"value": total}}}]
    return [kit.slice([*devices, "free"], count=2), kit.slice(name="c", count=2, sharedCounters=counters)]


def test_devices_share_what_the_counters_hold(kit: Any) -> None:
    """What does not fit is passed over; a failed attempt leaves the counters as they were (S45)."""
    slices = partitions(kit, "3", "2", "2")
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()))) == [["d0"]]
    only = {"selectors": [{"cel": {"expression": "device.driver == 'gpu.x'"}}]}
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count=2, **only)))) == [["d0", "free"]]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count=3)))) == [["d1", "d2", "free"]]
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()), allocated=taken("d1"))) == [["d2"]]


def test_fractions_of_a_counter_add_up_exactly(kit: Any) -> None:
    """Three times a third of a milli unit too much is too much."""
    slices = partitions(kit, "500m", "500m", "1n", total="1")
    assert kit.allocate(slices, kit.claim(kit.request(count=4))) == NoFit()
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count=3)))) == [["d0", "d1", "free"]]


def test_an_overdrawn_counter_blocks_every_consumer_of_the_pool(kit: Any) -> None:
    """Related or not, admin access too (Q5, Q7)."""
    slices = partitions(kit, "3", "2", "0")
    state = taken("d0", "d1")
    assert kit.names(kit.allocate(slices, kit.claim(kit.request()), allocated=state)) == [["free"]]
    admin = kit.request(adminAccess=True)
    assert kit.names(kit.allocate(slices, kit.claim(admin), allocated=state)) == [["free"]]


def test_a_shareable_partition_draws_once(kit: Any) -> None:
    """However many shares of it are held or taken (S45)."""
    slices = partitions(kit, "4", allowMultipleAllocations=True)
    claims = [kit.claim(kit.request(), name=name) for name in "ab"]
    assert kit.names(kit.allocate(slices, *claims)) == [["d0"], ["d0"]]
    assert kit.names(kit.allocate(slices, *claims, allocated=taken(shares={"d0": {}}))) == [["d0"], ["d0"]]


def test_counters_follow_the_allocated_state(kit: Any) -> None:
    """One allocator serves a state that changes."""
    state = taken()
    allocator = kit.allocator(partitions(kit, "3", "3"), allocated=state)
    claim = kit.claim(kit.request())
    first = allocator.allocate(kit.node, [claim])
    assert isinstance(first, Fits)
    state.add(first.results[0])
    assert kit.names(allocator.allocate(kit.node, [claim])) == [["free"]]
    state.remove(first.results[0])
    assert kit.names(allocator.allocate(kit.node, [claim])) == [["d0"]]


def test_without_partitionable_devices_a_consumer_is_never_chosen(kit: Any) -> None:
    """The pool itself serves on."""
    off = kit.features - {"PartitionableDevices"}
    assert kit.names(kit.allocate(partitions(kit, "1"), kit.claim(kit.request()), features=off)) == [["free"]]


# --- shares --------------------------------------------------------------------------------------------------


SHAREABLE = {"allowMultipleAllocations": True, "capacity": {"mem": {"value": "10"}}}


def share(amount: str | None = None) -> dict[str, Any]:
    """Return what a request adds to ask for an amount."""
    return {} if amount is None else {"capacity": {"requests": {"mem": amount}}}


def test_shares_fill_a_device_and_then_go_on_to_the_next(kit: Any) -> None:
    """Each take gets an id and says what it consumes; one request never takes a device twice (S34, S44)."""
    slices = [kit.slice([{"name": "a", **SHAREABLE}, {"name": "b", **SHAREABLE}])]
    claims = [kit.claim(kit.request(**share("4")), name=f"c{i}") for i in range(5)]
    outcome = kit.allocate(slices, *claims[:4])
    assert kit.names(outcome) == [["a"], ["a"], ["b"], ["b"]]
    assert kit.allocate(slices, *claims) == NoFit()
    devices = [result.devices.results[0] for result in outcome.results]
    assert len({device.share_id for device in devices}) == 4
    assert {device.consumed_capacity["mem"] for device in devices} == {Quantity("4")}
    assert kit.names(kit.allocate(slices, kit.claim(kit.request(count=2, **share("1"))))) == [["a", "b"]]


def test_a_share_without_an_amount_takes_all(kit: Any) -> None:
    """Unless the policy has a default (Q9)."""
    slices = [kit.slice([{"name": "a", **SHAREABLE}, {"name": "b", **SHAREABLE}])]
    claims = [kit.claim(kit.request()), kit.claim(kit.request(**share("1")))]
    assert kit.names(kit.allocate(slices, *claims)) == [["a"], ["b"]]


def test_held_shares_leave_the_rest(kit: Any) -> None:
    """Exactly the rest."""
    slices = [kit.slice([{"name": "a", **SHAREABLE}])]
    state = taken(shares={"a": {"mem": "7500m"}})
    assert isinstance(kit.allocate(slices, kit.claim(kit.request(**share("2500m"))), allocated=state), Fits)
    assert kit.allocate(slices, kit.claim(kit.request(**share("2501m"))), allocated=state) == NoFit()


def test_all_waits_for_a_busy_shareable_device_but_not_for_a_small_one(kit: Any) -> None:
    """Room is looked at when taking, size when choosing (S30)."""
    small = {"name": "b", "allowMultipleAllocations": True, "capacity": {"mem": {"value": "2"}}}
    slices = [kit.slice([{"name": "a", **SHAREABLE}, small])]
    claim = kit.claim(kit.request(count="All", **share("4")))
    assert kit.names(kit.allocate(slices, claim)) == [["a"]]
    assert kit.allocate(slices, claim, allocated=taken(shares={"a": {"mem": "7"}})) == NoFit()


def test_without_consumable_capacity_a_shareable_device_is_taken_as_a_whole(kit: Any) -> None:
    """No share id, and no second claim."""
    slices = [kit.slice([{"name": "a", **SHAREABLE}])]
    off = kit.features - {"ConsumableCapacity", "FractionalCapacityRange"}
    outcome = kit.allocate(slices, kit.claim(kit.request()), features=off)
    assert outcome.results[0].devices.results[0].share_id is None
    assert kit.allocate(slices, kit.claim(kit.request()), kit.claim(kit.request()), features=off) == NoFit()


def test_share_ids_are_lower_case_uuids_and_never_one_in_use(kit: Any) -> None:
    """The same on every run, version 4, and new where the device has shares already."""
    slices = [kit.slice([{"name": "a", **SHAREABLE}])]
    claim = kit.claim(kit.request(**share("1")))
    state = taken()
    ids = []
    for _ in range(3):
        outcome = kit.allocate(slices, claim, allocated=state)
        state.add(outcome.results[0])
        ids.append(outcome.results[0].devices.results[0].share_id)
    assert len(set(ids)) == 3
    assert all(text == text.lower() and text[14] == "4" and text[19] in "89ab" for text in ids)
    assert kit.allocate(slices, claim).results[0].devices.results[0].share_id == ids[0]
    given = kit.allocate(slices, claim, share_ids=lambda: "mine")
    assert given.results[0].devices.results[0].share_id == "mine"


# --- constraints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "count", "expected"),
    [
        ("matchAttribute", [0, 1, 1], 2, ["d1", "d2"]),
        ("matchAttribute", [None, 1], 1, ["d1"]),
        ("matchAttribute", [1, "1"], 2, None),
        ("matchAttribute", [1, True], 2, None),
        ("matchAttribute", [[1], 1], 1, ["d0"]),
        ("matchAttribute", [[1], [1], 1], 2, None),
        ("distinctAttribute", [0, 0, 1], 2, ["d0", "d2"]),
        ("distinctAttribute", [0, 1, 0, 2], 3, ["d0", "d1", "d3"]),
        ("distinctAttribute", [None, 0], 1, ["d1"]),
        ("distinctAttribute", [1, "1", True], 3, ["d0", "d1", "d2"]),
        ("distinctAttribute", [[1], 1], 2, ["d0", "d1"]),
        ("distinctAttribute", [1, [1]], 2, None),
    ],
)
def test_constraints_compare_type_and_value(
    kit: Any, kind: str, values: list[Any], count: int, expected: list[str] | None
) -> None:
    """A device without the attribute is refused; a list is accepted as the first device only (S50-S52, Q14)."""
    claim = kit.claim(kit.request(count=count), constraints=[{kind: "gpu.x/numa"}])
    outcome = kit.allocate([kit.slice(with_numa(*values))], claim)
    assert (kit.names(outcome)[0] if isinstance(outcome, Fits) else None) == expected


def test_constraints_bind_the_requests_they_name(kit: Any) -> None:
    """By request or by request and alternative; others are free."""
    slices = [kit.slice(with_numa(0, 1, 0))]
    wishes = [kit.request("x"), kit.request("y"), kit.request("z")]
    match = {"matchAttribute": "gpu.x/numa"}
    assert kit.names(kit.allocate(slices, kit.claim(*wishes, constraints=[{**match, "requests": ["x", "y"]}]))) == [
        ["d0", "d2", "d1"]
    ]
    listed = [kit.first("x", kit.request("s")), kit.request("y")]
    for name, expected in (("x/s", ["d0", "d2"]), ("x", ["d0", "d2"]), ("x/t", ["d0", "d1"])):
        claim = kit.claim(*listed, constraints=[{**match, "requests": [name, "y"]}])
        assert kit.names(kit.allocate(slices, claim)) == [expected]


def test_a_constraint_that_refuses_one_of_all_devices_ends_the_attempt(kit: Any) -> None:
    """Asking for all and forbidding some makes no sense to upstream (Q2)."""
    claim = kit.claim(kit.request(count="All"), constraints=[{"matchAttribute": "gpu.x/numa"}])
    assert kit.allocate([kit.slice(with_numa(0, 1))], claim) == Abort(
        "claim ns/c, request r: cannot add device gpu.x/p/d1 because a claim constraint would not be satisfied"
    )


def test_a_qualified_attribute_is_found_under_its_short_name_for_its_own_driver_only(kit: Any) -> None:
    """The exact key wins; another domain never matches a short name (S50)."""
    both = {"name": "a", "attributes": {"numa": {"int": 0}, "gpu.x/numa": {"int": 1}}}
    other = {"name": "b", "attributes": {"gpu.x/numa": {"int": 1}}}
    claim = kit.claim(kit.request(count=2), constraints=[{"matchAttribute": "gpu.x/numa"}])
    assert kit.names(kit.allocate([kit.slice([both, other])], claim)) == [["a", "b"]]
    foreign = kit.claim(kit.request(), constraints=[{"matchAttribute": "nic.x/numa"}])
    assert kit.allocate([kit.slice(with_numa(0))], foreign) == NoFit()


def test_another_node_gets_its_own_answer(kit: Any) -> None:
    """The same allocator serves all nodes."""
    allocator: Allocator = kit.allocator([kit.slice(["a"]), kit.slice(["b"], pool="q", nodeName="n2")])
    claim = kit.claim(kit.request())
    assert kit.names(allocator.allocate(kit.node, [claim])) == [["a"]]
    assert kit.names(allocator.allocate(Node(metadata=ObjectMeta(name="n2")), [claim])) == [["b"]]
    assert allocator.allocate(Node(metadata=ObjectMeta(name="n3")), [claim]) == NoFit()
