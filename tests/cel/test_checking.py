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
    DeviceRequest,
    DeviceSelector,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)


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
