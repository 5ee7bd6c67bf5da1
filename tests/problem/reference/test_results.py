"""Allocations as Kubernetes writes them."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.resource import DeviceAllocationConfiguration, DeviceToleration, OpaqueDeviceConfiguration
from drapolicy.problem.outcome import Abort
from drapolicy.release import MINORS, release


def opaque(mark: str) -> OpaqueDeviceConfiguration:
    return OpaqueDeviceConfiguration(driver="gpu.x", parameters={"mark": mark})


def settings(mark: str) -> dict[str, Any]:
    return {"opaque": {"driver": "gpu.x", "parameters": {"mark": mark}}}


def from_class(mark: str, *requests: str) -> DeviceAllocationConfiguration:
    return DeviceAllocationConfiguration(source="FromClass", requests=list(requests), opaque=opaque(mark))


def from_claim(mark: str, *requests: str) -> DeviceAllocationConfiguration:
    return DeviceAllocationConfiguration(source="FromClaim", requests=list(requests), opaque=opaque(mark))


def requirement(key: str, operator: str, *values: str) -> NodeSelectorRequirement:
    return NodeSelectorRequirement(key=key, operator=operator, values=list(values))


THIS_NODE = NodeSelector(
    node_selector_terms=[NodeSelectorTerm(match_fields=[requirement("metadata.name", "In", "n1")])]
)


def selector(*terms: tuple[str, str, list[str]], fields: list[str] | None = None) -> dict[str, Any]:
    expressions = [{"key": key, "operator": operator, "values": values} for key, operator, values in terms]
    named = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in fields or []]
    return {"nodeSelectorTerms": [{"matchExpressions": expressions, "matchFields": named}]}


def test_a_device_carries_what_its_request_and_slice_say(kit: Any) -> None:
    """Name of the request and the alternative, tolerations of the chosen one, conditions, admin access (S55)."""
    device = {"name": "a", "bindingConditions": ["up"], "bindingFailureConditions": ["down"]}
    wish = kit.first("r", kit.request("s", tolerations=[{"key": "k", "operator": "Exists"}]))
    outcome = kit.allocate([kit.slice([device])], kit.claim(wish))
    (found,) = outcome.results[0].devices.results
    assert (found.request, found.driver, found.pool, found.device) == ("r/s", "gpu.x", "p", "a")
    assert found.tolerations == [DeviceToleration(key="k", operator="Exists")]
    assert (found.binding_conditions, found.binding_failure_conditions) == (["up"], ["down"])
    assert (found.admin_access, found.share_id, found.consumed_capacity) == (None, None, {})
    admin = kit.allocate([kit.slice(["a"])], kit.claim(kit.request(adminAccess=True)))
    assert admin.results[0].devices.results[0].admin_access is True
    plain = kit.allocate([kit.slice(["a"])], kit.claim(kit.request(adminAccess=False)))
    assert plain.results[0].devices.results[0].admin_access is None


def test_results_stand_in_the_order_of_taking(kit: Any) -> None:
    """Requests in order, devices as they were taken."""
    outcome = kit.allocate([kit.slice("abc")], kit.claim(kit.request("x", 2), kit.request("y")))
    assert [(found.request, found.device) for found in outcome.results[0].devices.results] == [
        ("x", "a"),
        ("x", "b"),
        ("y", "c"),
    ]


def test_configuration_of_a_class_comes_once_with_all_its_requests(kit: Any) -> None:
    """Then that of the claim; what goes to all requests names none (Q16)."""
    classes = [kit.device_class("tuned", config=[settings("c1"), settings("c2")])]
    tuned = {"deviceClassName": "tuned"}
    claim = kit.claim(kit.request("x", **tuned), kit.request("y"), kit.request("z", **tuned))
    outcome = kit.allocate([kit.slice("abc")], claim, classes=classes)
    assert outcome.results[0].devices.config == [from_class("c1", "x", "z"), from_class("c2", "x", "z")]
    every = kit.claim(kit.request("x", **tuned), kit.request("y", **tuned))
    outcome = kit.allocate([kit.slice("abc")], every, classes=classes)
    assert outcome.results[0].devices.config == [from_class("c1"), from_class("c2")]


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([], []),
        (["x"], ["x"]),
        (["x/small"], ["x/small"]),
        (["x/big"], None),
        (["x/big", "y"], ["x/big", "y"]),
        (["x/small", "y"], []),
        (["y", "x"], []),
        (["nobody"], None),
    ],
)
def test_configuration_of_a_claim_follows_the_chosen_alternative(
    kit: Any, requests: list[str], expected: list[str] | None
) -> None:
    """It is kept when it names a request or its chosen alternative, with all the names that it has."""
    claim = kit.claim(
        kit.first("x", kit.request("big", 5), kit.request("small", 1)),
        kit.request("y"),
        config=[{**settings("m"), "requests": requests}],
    )
    outcome = kit.allocate([kit.slice("abc")], claim)
    assert outcome.results[0].devices.config == ([] if expected is None else [from_claim("m", *expected)])


@pytest.mark.parametrize(
    ("minor", "named", "expected"),
    [
        ("1.37", ["x", "y"], [from_claim("m", "x", "y")]),
        ("1.37", ["x", "y", "z"], [from_claim("m")]),
        ("1.36", ["x"], [from_claim("m", "x")]),
        ("1.36", ["x", "x/s", "y"], [from_claim("m", "x", "x/s", "y")] * 2),
        ("1.35", ["x", "y", "z"], [from_claim("m", "x", "y", "z")] * 3),
        ("1.34", [], [from_claim("m")]),
    ],
)
def test_configuration_was_listed_once_for_each_request(
    kit: Any, minor: str, named: list[str], expected: list[DeviceAllocationConfiguration]
) -> None:
    """Up to 1.36, and names stood in it though they were all (S55)."""
    claim = kit.claim(
        kit.first("x", kit.request("s")),
        kit.request("y"),
        kit.request("z"),
        config=[{**settings("m"), "requests": named}],
    )
    outcome = kit.allocate([kit.slice("abc")], claim, kubernetes=release(minor))
    assert outcome.results[0].devices.config == expected


@pytest.mark.parametrize("minor", MINORS)
def test_tolerations_are_copied_since_1_35(kit: Any, minor: str) -> None:
    """From the request or the chosen alternative (S55)."""
    tolerations = [{"key": "k", "operator": "Exists"}]
    outcome = kit.allocate([kit.slice("a")], kit.claim(kit.request(tolerations=tolerations)), kubernetes=release(minor))
    (found,) = outcome.results[0].devices.results
    assert found.tolerations == ([] if minor == "1.34" else [DeviceToleration(key="k", operator="Exists")])


@pytest.mark.parametrize(
    ("minor", "variant", "binds"),
    [
        ("1.37", "stable", False),
        ("1.37", "incubating", True),
        ("1.35", "incubating", False),
        ("1.35", "experimental", True),
    ],
)
def test_a_device_that_binds_to_its_node_keeps_the_claim_there(kit: Any, minor: str, variant: str, binds: bool) -> None:
    """In variants that know such devices (S19)."""
    slices = [kit.slice([{"name": "a", "bindsToNode": True}], allNodes=True)]
    plain = release(minor).with_features([]).with_variant(variant)
    outcome = kit.allocate(slices, kit.claim(kit.request()), kubernetes=plain)
    assert outcome.results[0].node_selector == (THIS_NODE if binds else None)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"allNodes": True}, {"allNodes": True}, None),
        ({"allNodes": True}, {"nodeName": "n1"}, THIS_NODE),
        ({"nodeSelector": selector(("zone", "In", ["a", "b"]))}, {"nodeName": "n1"}, THIS_NODE),
        (
            {"nodeSelector": selector(("zone", "In", ["a", "b"]))},
            {"nodeSelector": selector(("zone", "In", ["b", "a"]), ("zone", "Exists", []))},
            NodeSelector(
                node_selector_terms=[
                    NodeSelectorTerm(
                        match_expressions=[requirement("zone", "In", "a", "b"), requirement("zone", "Exists")]
                    )
                ]
            ),
        ),
        (
            {"nodeSelector": selector(fields=["n1"])},
            {"nodeSelector": selector(("zone", "NotIn", ["z"]), fields=["n1"])},
            NodeSelector(
                node_selector_terms=[
                    NodeSelectorTerm(
                        match_fields=[requirement("metadata.name", "In", "n1")],
                        match_expressions=[requirement("zone", "NotIn", "z")],
                    )
                ]
            ),
        ),
        (
            {
                "perDeviceNodeSelection": True,
                "devices": [{"name": "a", "nodeSelector": selector(("zone", "Exists", []))}],
            },
            {"allNodes": True},
            NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[requirement("zone", "Exists")])]),
        ),
        (
            {"perDeviceNodeSelection": True, "devices": [{"name": "a", "nodeName": "n1"}]},
            {"allNodes": True},
            THIS_NODE,
        ),
        ({"allNodes": True, "devices": [{"name": "a", "bindsToNode": True}]}, {"allNodes": True}, THIS_NODE),
    ],
)
def test_the_node_selector_is_what_all_devices_allow(
    kit: Any, first: dict[str, Any], second: dict[str, Any], expected: NodeSelector | None
) -> None:
    """This node as soon as one device is local or binds; else all requirements, each once; else all nodes (S55)."""
    slices = [
        kit.slice(name=f"s{i}", pool=f"p{i}", **{"devices": [name], **where})
        for i, (name, where) in enumerate([("a", first), ("b", second)])
    ]
    outcome = kit.allocate(slices, kit.claim(kit.request(count=2)))
    assert outcome.results[0].node_selector == expected


def test_a_node_selector_of_several_terms_ends_the_attempt(kit: Any) -> None:
    """Validation lets none in; upstream cannot merge it."""
    two = {"nodeSelectorTerms": selector(("zone", "Exists", []))["nodeSelectorTerms"] * 2}
    outcome = kit.allocate([kit.slice(["a"], nodeSelector=two)], kit.claim(kit.request()))
    assert outcome == Abort("create NodeSelector for claim c: unsupported ResourceSlice.NodeSelector with 2 terms")
