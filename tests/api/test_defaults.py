"""Defaults."""

from __future__ import annotations

import pytest

from drapolicy.api.core import Pod
from drapolicy.api.defaults import apply_defaults
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceRequest,
    DeviceSubRequest,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceToleration,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)


def claim(*requests: DeviceRequest, namespace: str = "n") -> ResourceClaim:
    return ResourceClaim(
        metadata=ObjectMeta(name="c", namespace=namespace),
        spec=ResourceClaimSpec(devices=DeviceClaim(requests=list(requests))),
    )


MODES = [
    ("", 0, "ExactCount", 1),
    ("", 3, "ExactCount", 3),
    ("ExactCount", 0, "ExactCount", 1),
    ("ExactCount", -1, "ExactCount", -1),
    ("All", 0, "All", 0),
    ("All", 2, "All", 2),
    ("Other", 0, "Other", 0),
]


@pytest.mark.parametrize("row", MODES)
def test_mode_and_count_are_filled_in(row):
    """ExactCount and one device are the default; All and unknown modes get no count (S16)."""
    mode, count, filled_mode, filled_count = row
    exactly = ExactDeviceRequest(allocation_mode=mode, count=count)
    alternative = DeviceSubRequest(allocation_mode=mode, count=count)
    made = apply_defaults(claim(DeviceRequest(exactly=exactly), DeviceRequest(first_available=[alternative])))
    first, second = made.spec.devices.requests
    for wanted in (first.exactly, second.first_available[0]):
        assert wanted is not None
        assert (wanted.allocation_mode, wanted.count) == (filled_mode, filled_count)


def test_tolerations_get_the_operator_equal():
    """An empty operator means Equal (S16)."""
    tolerations = [DeviceToleration(key="a"), DeviceToleration(operator="Exists")]
    made = apply_defaults(claim(DeviceRequest(exactly=ExactDeviceRequest(tolerations=tolerations))))
    assert made.spec.devices.requests[0].exactly is not None
    assert [entry.operator for entry in made.spec.devices.requests[0].exactly.tolerations] == ["Equal", "Exists"]
    assert tolerations[0].operator == ""


def test_templates_get_the_defaults_of_claims():
    """The claim inside a template is complete before the controller copies it."""
    spec = ResourceClaimSpec(devices=DeviceClaim(requests=[DeviceRequest(exactly=ExactDeviceRequest())]))
    made = apply_defaults(ResourceClaimTemplate(spec=ResourceClaimTemplateSpec(spec=spec)))
    assert made.metadata.namespace == "default"
    assert made.spec.spec.devices.requests[0].exactly == ExactDeviceRequest(allocation_mode="ExactCount", count=1)


def test_a_claim_without_namespace_goes_to_default():
    """The namespace is what kubectl would use."""
    assert apply_defaults(claim(namespace="")).metadata.namespace == "default"


def test_complete_objects_are_returned_unchanged():
    """Loading a large dump twice must not copy it twice."""
    made = apply_defaults(claim(DeviceRequest(exactly=ExactDeviceRequest(tolerations=[DeviceToleration()]))))
    assert apply_defaults(made) is made
    pod = Pod()
    assert apply_defaults(pod) is pod


def test_taints_get_no_time():
    """The API server would set the present time; a reproducible model has no clock."""
    rule = DeviceTaintRule(spec=DeviceTaintRuleSpec(taint=DeviceTaint(key="a", effect="NoExecute")))
    assert apply_defaults(rule) is rule
