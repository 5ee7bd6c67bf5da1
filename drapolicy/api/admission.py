"""What the API server refuses by looking at other objects too: admin access (K8s S17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drapolicy.api.kinds import DEFAULT_NAMESPACE, label
from drapolicy.api.objects import Objects
from drapolicy.api.resource import DeviceRequest
from drapolicy.errors import Fault

ADMIN_LABEL: Final = "resource.kubernetes.io/admin-access"


def check(objects: Objects) -> list[Fault]:
    """Return the claims and templates that ask for admin access in a namespace without the label for it.

    Only namespaces that are part of the input are looked at: of others nothing is known.

    Parameters
    ----------
    objects
        Everything loaded.

    Examples
    --------
    >>> check(Objects())
    []
    """
    closed = {item.metadata.name for item in objects.namespaces if item.metadata.labels.get(ADMIN_LABEL) != "true"}
    faults: list[Fault] = []
    for kind, path, things in (
        ("ResourceClaim", "spec.devices", [(claim.metadata, claim.spec.devices) for claim in objects.claims]),
        ("ResourceClaimTemplate", "spec.spec.devices", [(t.metadata, t.spec.spec.devices) for t in objects.templates]),
    ):
        for meta, wanted in things:
            namespace = meta.namespace or DEFAULT_NAMESPACE
            if namespace in closed:
                message = f'needs the label {ADMIN_LABEL}: "true" on namespace {namespace}; set it or drop the field'
                faults += [
                    Fault("", -1, label(kind, namespace, meta.name), f"{path}.{field}", message)
                    for field in _admin_requests(wanted.requests)
                ]
    return faults


def _admin_requests(requests: list[DeviceRequest]) -> Iterator[str]:
    for i, request in enumerate(requests):
        if request.exactly is not None and request.exactly.admin_access:
            yield f"requests[{i}].exactly.adminAccess"
