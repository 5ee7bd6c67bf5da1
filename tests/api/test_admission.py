"""Admin access needs a namespace that allows it (K8s S17)."""

from __future__ import annotations

import pytest

from drapolicy.api import loads
from drapolicy.api.admission import check
from drapolicy.release import release

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: watch, namespace: ops}}
spec: {{devices: {{requests: [{{name: a, exactly: {{deviceClassName: gpu}}}}, {{name: b, exactly: {{deviceClassName: gpu{admin}}}}}]}}}}
"""
TEMPLATE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: watch, namespace: ops}
spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: gpu, adminAccess: true}}]}}}
"""
NAMESPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: ops, labels: {{{labels}}}}}\n"
LABEL = "resource.kubernetes.io/admin-access"


@pytest.mark.parametrize(
    ("admin", "labels", "paths"),
    [
        (", adminAccess: true", "", ["spec.devices.requests[1].exactly.adminAccess"]),
        (", adminAccess: true", f'{LABEL}: "false"', ["spec.devices.requests[1].exactly.adminAccess"]),
        (", adminAccess: true", f'{LABEL}: "True"', ["spec.devices.requests[1].exactly.adminAccess"]),
        (", adminAccess: true", f'{LABEL}: "true"', []),
        (", adminAccess: false", "", []),
        ("", "", []),
    ],
)
def test_the_namespace_must_allow_it(admin: str, labels: str, paths: list[str]) -> None:
    """Only the exact label value opens a namespace; without the field nothing is asked of it."""
    objects = loads(CLAIM.format(admin=admin) + NAMESPACE.format(labels=labels))
    assert [fault.path for fault in check(objects)] == paths


def test_templates_are_looked_at_too() -> None:
    """A template is refused when it is written, not when its claims are made."""
    (fault,) = check(loads(TEMPLATE + NAMESPACE.format(labels="")))
    assert (fault.object, fault.path) == (
        "ResourceClaimTemplate ops/watch",
        "spec.spec.devices.requests[0].exactly.adminAccess",
    )
    assert f'label {LABEL}: "true" on namespace ops' in fault.message


def test_an_unknown_namespace_is_no_fault() -> None:
    """Of a namespace that is not part of the input nothing is known."""
    assert check(loads(CLAIM.format(admin=", adminAccess: true"))) == []


def test_a_result_with_admin_access_needs_the_label_too() -> None:
    """The API server looks again when an allocation is written."""
    results = "[{request: a, driver: gpu.x, pool: p, device: d, adminAccess: true}]"
    text = CLAIM.format(admin="") + f"status: {{allocation: {{devices: {{results: {results}}}}}}}\n"
    (fault,) = check(loads(text + NAMESPACE.format(labels="")))
    assert fault.path == "status.allocation.devices.results[0].adminAccess"


def test_nothing_is_asked_of_the_namespace_when_the_gate_is_off() -> None:
    """The field is dropped before anybody looks."""
    objects = loads(CLAIM.format(admin=", adminAccess: true") + NAMESPACE.format(labels=""))
    assert check(objects, release("1.35", gates={"DRAAdminAccess": False})) == []
