"""Every selector of an input is compiled, and each fault says where it is."""

from __future__ import annotations

import pytest

from drapolicy import cel
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.resource import (
    CELDeviceSelector,
    DeviceClaim,
    DeviceClass,
    DeviceClassSpec,
    DeviceDerivedAttribute,
    DeviceRequest,
    DeviceSelector,
    DeviceSubRequest,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)
from drapolicy.release import release


def selectors(*expressions: str) -> list[DeviceSelector]:
    return [DeviceSelector(cel=CELDeviceSelector(expression=expression)) for expression in expressions]


def spec(*requests: DeviceRequest) -> ResourceClaimSpec:
    return ResourceClaimSpec(devices=DeviceClaim(requests=list(requests)))


EXACT = DeviceRequest(name="r", exactly=ExactDeviceRequest(device_class_name="c", selectors=selectors("true", "nope")))
EITHER = DeviceRequest(
    name="r",
    first_available=[
        DeviceSubRequest(name="a", device_class_name="c", selectors=selectors("true")),
        DeviceSubRequest(name="b", device_class_name="c", selectors=selectors("1")),
    ],
)


def test_faults_name_object_and_path() -> None:
    """Classes, exact requests, alternatives and templates all hold selectors."""
    objects = Objects(
        classes=(DeviceClass(metadata=ObjectMeta(name="gpu"), spec=DeviceClassSpec(selectors=selectors("("))),),
        claims=(ResourceClaim(metadata=ObjectMeta(name="train", namespace="ml"), spec=spec(EITHER, EXACT)),),
        templates=(
            ResourceClaimTemplate(
                metadata=ObjectMeta(name="t", namespace="ml"), spec=ResourceClaimTemplateSpec(spec=spec(EXACT))
            ),
        ),
    )
    assert [(fault.object, fault.path) for fault in cel.check(objects)] == [
        ("DeviceClass gpu", "spec.selectors[0].cel.expression"),
        ("ResourceClaim ml/train", "spec.devices.requests[0].firstAvailable[1].selectors[0].cel.expression"),
        ("ResourceClaim ml/train", "spec.devices.requests[1].exactly.selectors[1].cel.expression"),
        ("ResourceClaimTemplate ml/t", "spec.spec.devices.requests[0].exactly.selectors[1].cel.expression"),
    ]


def test_faults_carry_upstreams_text() -> None:
    """The message is the one of the allocator."""
    objects = Objects(
        classes=(DeviceClass(metadata=ObjectMeta(name="gpu"), spec=DeviceClassSpec(selectors=selectors("1"))),)
    )
    (fault,) = cel.check(objects)
    assert fault.message == "CEL compile error: must evaluate to bool or the unknown type, not int"


def test_good_selectors_have_no_faults() -> None:
    """A selector without ``cel`` is the validation's business, not a CEL fault."""
    good = ResourceClaim(
        metadata=ObjectMeta(name="c"),
        spec=spec(DeviceRequest(name="r", exactly=ExactDeviceRequest(selectors=[DeviceSelector()]))),
    )
    assert cel.check(Objects(claims=(good,))) == []


@pytest.mark.parametrize(
    ("size", "messages"), [(166_664, []), (166_665, ["Forbidden: too complex, exceeds cost limit"])]
)
def test_selectors_that_may_cost_too_much_are_forbidden(size: int, messages: list[str]) -> None:
    """S60: 999,996 units by estimate are allowed, 1,000,002 are not."""
    expression = f"lists.range({size}).all(x, x >= 0)"
    objects = Objects(
        classes=(DeviceClass(metadata=ObjectMeta(name="gpu"), spec=DeviceClassSpec(selectors=selectors(expression))),)
    )
    assert [fault.message for fault in cel.check(objects)] == messages


def derived(*expressions: str) -> ResourceClaim:
    attributes = [DeviceDerivedAttribute(name=f"a.example/{i}", expression=text) for i, text in enumerate(expressions)]
    request = DeviceRequest(name="r", exactly=ExactDeviceRequest(device_class_name="c", derived_attributes=attributes))
    return ResourceClaim(metadata=ObjectMeta(name="c"), spec=spec(request))


def test_derived_attributes_are_checked_where_the_gate_is_on() -> None:
    """The API server drops them elsewhere; lists need a gate of their own in new objects."""
    objects = Objects(claims=(derived("1", "1.5", "[1]"),))
    assert cel.check(objects, release("1.37")) == []
    found = cel.check(objects, release("1.37", gates={"DRADerivedAttributes": True}))
    path = "spec.devices.requests[0].exactly.derivedAttributes"
    rule = "CEL compile error: must evaluate to a primitive scalar (string, integer, boolean, semver), not"
    assert [(fault.path, fault.message) for fault in found] == [
        (f"{path}[1].expression", f"{rule} double"),
        (f"{path}[2].expression", f"{rule} list(int)"),
    ]


def test_derived_attributes_of_a_claim_share_a_limit() -> None:
    """Each may cost a million, but all together no more."""
    gates = {"DRADerivedAttributes": True}
    half = "lists.range(500000).size()"
    assert cel.check(Objects(claims=(derived(half),)), release("1.37", gates=gates)) == []
    (fault,) = cel.check(Objects(claims=(derived(half, half),)), release("1.37", gates=gates))
    assert fault.path == "spec.devices"
    assert fault.message == (
        "Forbidden: too complex, total cost of derived attribute CEL expressions in the claim exceeds cost limit"
    )


def test_new_objects_use_what_the_release_before_has() -> None:
    """Lists came with 1.34, so its API server does not yet store them; the scheduler of 1.34 evaluates them."""
    objects = Objects(
        classes=(
            DeviceClass(
                metadata=ObjectMeta(name="g"), spec=DeviceClassSpec(selectors=selectors("[1].distinct() == [1]"))
            ),
        )
    )
    (fault,) = cel.check(objects, release("1.34"))
    assert "undeclared reference to 'distinct'" in fault.message
    assert cel.check(objects, release("1.35")) == []


def test_taint_rules_with_selectors_are_checked() -> None:
    """Kubernetes 1.34 selects the devices of a rule by expressions, in the environment of that release."""
    chosen = DeviceTaintSelector(selectors=selectors("true", "1", "device.allowMultipleAllocations"))
    rule = DeviceTaintRule(metadata=ObjectMeta(name="bad"), spec=DeviceTaintRuleSpec(device_selector=chosen))
    empty = DeviceTaintRule(metadata=ObjectMeta(name="all"))
    faults = cel.check(Objects(taint_rules=(rule, empty)), release("1.34"))
    assert [(fault.object, fault.path) for fault in faults] == [
        ("DeviceTaintRule bad", f"spec.deviceSelector.selectors[{index}].cel.expression") for index in (1, 2)
    ]
    assert len(cel.check(Objects(taint_rules=(rule,)), release("1.37"))) == 1
