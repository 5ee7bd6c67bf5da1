"""What the API server refuses by looking at other objects too: admin access (K8s S17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from drapolicy.api.kinds import DEFAULT_NAMESPACE, called, label
from drapolicy.api.objects import Objects
from drapolicy.api.resource import DeviceClaim, ResourceClaimStatus
from drapolicy.errors import Fault
from drapolicy.release import Release, release

ADMIN_GATE: Final = "DRAAdminAccess"
ADMIN_LABEL: Final = "resource.kubernetes.io/admin-access"


def check(objects: Objects, rules: Release | None = None) -> list[Fault]:
    """Return the claims and templates that ask for or hold admin access in a namespace without the label for it.

    Only namespaces that are part of the input are looked at: of others nothing is known.

    Parameters
    ----------
    objects
        Everything loaded.
    rules
        The release whose API server is asked; the newest by default. With the gate off it drops the field unseen.

    Examples
    --------
    >>> check(Objects())
    []
    """
    closed = {item.metadata.name for item in objects.namespaces if item.metadata.labels.get(ADMIN_LABEL) != "true"}
    if not closed or ADMIN_GATE not in (release() if rules is None else rules).gates:
        return []
    faults: list[Fault] = []
    for kind, name, namespace, paths in _uses(objects):
        if namespace in closed:
            message = f'needs the label {ADMIN_LABEL}: "true" on namespace {namespace}; set it or drop the field'
            faults += [Fault("", -1, label(kind, namespace, name), path, message) for path in paths]
    return faults


def _uses(objects: Objects) -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Yield kind, name, namespace and admin fields of each claim and template."""
    for claim in objects.claims:
        meta = claim.metadata
        fields = [*_requests("spec.devices", claim.spec.devices), *_results(claim.status)]
        yield "ResourceClaim", called(meta), meta.namespace or DEFAULT_NAMESPACE, fields
    for template in objects.templates:
        meta = template.metadata
        fields = [*_requests("spec.spec.devices", template.spec.spec.devices)]
        yield "ResourceClaimTemplate", called(meta), meta.namespace or DEFAULT_NAMESPACE, fields


def _requests(path: str, claim: DeviceClaim) -> Iterator[str]:
    for index, request in enumerate(claim.requests):
        if request.exactly is not None and request.exactly.admin_access:
            yield f"{path}.requests[{index}].exactly.adminAccess"


def _results(status: ResourceClaimStatus) -> Iterator[str]:
    for index, result in enumerate(status.allocation.devices.results if status.allocation else ()):
        if result.admin_access:
            yield f"status.allocation.devices.results[{index}].adminAccess"
