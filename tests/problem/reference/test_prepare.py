"""What releases do differently before and while they look at devices (K8s S29, S30, S38, S47, S56)."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, NoFit
from drapolicy.release import MINORS, Release, release

WANTS_MEMORY = {"capacity": {"requests": {"mem": "1Gi"}}}
WITHOUT_CAPACITY = "has capacity requests, but the DRAConsumableCapacity feature is disabled"


def without_capacity(minor: str, variant: str) -> Release:
    return release(minor).with_features(["PrioritizedList"]).with_variant(variant)


@pytest.mark.parametrize(
    ("minor", "variant", "where"),
    [
        ("1.37", "incubating", "subrequest s"),
        ("1.35", "experimental", "subrequest s"),
        ("1.34", "experimental", "request r"),
        ("1.34", "incubating", None),
        ("1.35", "incubating", None),
        ("1.37", "stable", None),
    ],
)
def test_a_request_for_capacity_needs_the_gate(kit: Any, minor: str, variant: str, where: str | None) -> None:
    """1.34 names the request of a sub-request; variants that know no capacity look past it (S29)."""
    claim = kit.claim(kit.first("r", kit.request("s", **WANTS_MEMORY)))
    outcome = kit.allocate([kit.slice(["a"])], claim, kubernetes=without_capacity(minor, variant))
    assert (
        kit.names(outcome) == [["a"]] if where is None else outcome == Abort(f"claim ns/c, {where}: {WITHOUT_CAPACITY}")
    )


@pytest.mark.parametrize("minor", MINORS)
def test_all_leaves_out_what_is_too_full_up_to_1_36(kit: Any, minor: str) -> None:
    """1.37 asks for it all the same, and fails (S30)."""
    memory = {"mem": {"value": "4Gi"}}
    slices = [kit.slice([{"name": name, "allowMultipleAllocations": True, "capacity": memory} for name in "ab"])]
    allocated = AllocatedState()
    allocated.consume(DeviceId("gpu.x", "p", "b"), {"mem": Quantity("4Gi")})
    claim = kit.claim(kit.request(count="All", **WANTS_MEMORY))
    outcome = kit.allocate(slices, claim, allocated=allocated, kubernetes=kit.everything(minor))
    assert outcome == NoFit() if minor == "1.37" else kit.names(outcome) == [["a"]]


def only(name: str) -> dict[str, Any]:
    expression = f'device.attributes["gpu.x"].kind == "{name}"'
    return {"selectors": [{"cel": {"expression": expression}}]}


@pytest.mark.parametrize(("minor", "want"), [("1.34", "a"), ("1.35", "a"), ("1.36", "bc"), ("1.37", "bc")])
def test_a_second_alternative_of_mode_all_took_the_devices_of_the_first(kit: Any, minor: str, want: str) -> None:
    """Upstream kept the first one's answers under the second one's number (S30)."""
    kinds = {"a": "one", "b": "two", "c": "two"}
    devices = [
        {"name": name, "attributes": {"kind": {"string": kind}}, "taints": [{"key": "k", "effect": "NoSchedule"}]}
        for name, kind in kinds.items()
    ]
    tolerant = {"tolerations": [{"operator": "Exists"}]}
    claim = kit.claim(
        kit.first("r", kit.request("s", "All", **only("one")), kit.request("t", "All", **only("two"), **tolerant))
    )
    outcome = kit.allocate([kit.slice(devices)], claim, kubernetes=kit.everything(minor))
    assert kit.names(outcome) == [list(want)]


@pytest.mark.parametrize("minor", MINORS)
def test_effects_that_are_unknown_keep_nobody_off_since_1_35(kit: Any, minor: str) -> None:
    """1.34 wants every taint tolerated (S47)."""
    devices = [{"name": "a", "taints": [{"key": "k", "effect": "None"}]}, "b"]
    outcome = kit.allocate([kit.slice(devices)], kit.claim(kit.request()), kubernetes=kit.everything(minor))
    assert kit.names(outcome) == [["b" if minor == "1.34" else "a"]]


@pytest.mark.parametrize(
    ("minor", "features", "declared", "fits"),
    [
        ("1.37", {"OptionalNodeOperations"}, ["DRAOptionalNodeOperations"], True),
        ("1.37", {"OptionalNodeOperations"}, ["Other"], False),
        ("1.37", {"ListTypeAttributes"}, ["DRAOptionalNodeOperations"], False),
        ("1.37", set(), [], True),
        ("1.36", {"ListTypeAttributes"}, [], True),
    ],
)
def test_skipping_node_operations_takes_gate_and_node(
    kit: Any, minor: str, features: set[str], declared: list[str], fits: bool
) -> None:
    """Variants other than the experimental one know nothing of it and take such devices like any other (S38)."""
    node = Node(metadata=ObjectMeta(name="n1"), status=NodeStatus(declared_features=declared))
    slices = [kit.slice(["a"], skipNodeOperations=["*"])]
    allocator = kit.allocator(slices, kubernetes=release(minor).with_features(features))
    outcome = allocator.allocate(node, [kit.claim(kit.request())])
    if not fits:
        assert outcome == NoFit()
        return
    (device,) = outcome.results[0].devices.results
    assert device.skip_node_operations == (["*"] if "OptionalNodeOperations" in features else [])


def test_all_needs_devices_that_skip_node_operations_too(kit: Any) -> None:
    """They stay in the set, and the request fails."""
    slices = [
        kit.slice(["a"], name="a", pool="a"),
        kit.slice(["b"], name="b", pool="b", skipNodeOperations=["*"]),
    ]
    claim = kit.claim(kit.request(count="All"))
    assert kit.allocate(slices, claim, kubernetes=kit.everything()) == NoFit()


@pytest.mark.parametrize("minor", MINORS)
def test_an_expression_that_fails_names_the_device_since_1_37(kit: Any, minor: str) -> None:
    """And gives advice on missing keys (S56)."""
    claim = kit.claim(kit.request(selectors=[{"cel": {"expression": 'device.attributes["gpu.x"].a == 1'}}]))
    devices = [{"name": "a", "attributes": {"b": {"int": 1}}}]
    outcome = kit.allocate([kit.slice(devices)], claim, kubernetes=release(minor))
    assert isinstance(outcome, Abort)
    if minor == "1.37":
        assert outcome.text.startswith(
            "claim ns/c: selector #0 on device gpu.x/p/a: CEL runtime error: no such key: a. "
        )
    else:
        assert outcome.text == "claim ns/c: selector #0: CEL runtime error: no such key: a"
