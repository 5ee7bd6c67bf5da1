"""All selectors of an input compiled before anything runs (K8s S29, S56)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drapolicy.api.objects import Objects
from drapolicy.api.resource import DeviceClaim, DeviceClass, DeviceSelector, ResourceClaim, ResourceClaimTemplate
from drapolicy.cel.cost import LIMIT
from drapolicy.cel.errors import CompileError
from drapolicy.cel.program import compile  # noqa: A004
from drapolicy.errors import Fault
from drapolicy.release import Release

# K: pkg/apis/resource/validation, of selectors whose estimated cost exceeds the limit.
TOO_COMPLEX = "Forbidden: too complex, exceeds cost limit"


def check(objects: Objects, release: Release | None = None) -> list[Fault]:
    """Return a fault for each selector of a class, claim or template that does not compile or may cost too much.

    Parameters
    ----------
    objects
        Everything loaded.
    release
        Kubernetes release with its gates; None for 1.37.

    Returns
    -------
    list of Fault
        In the order of the objects; paths such as ``spec.devices.requests[0].exactly.selectors[1].cel.expression``.
    """
    faults: list[Fault] = []
    for device_class in objects.classes:
        faults += faults_of(device_class, release)
    for claim in objects.claims:
        faults += faults_of(claim, release)
    for template in objects.templates:
        faults += faults_of(template, release)
    return faults


def faults_of(
    thing: DeviceClass | ResourceClaim | ResourceClaimTemplate, release: Release | None = None
) -> list[Fault]:
    """Return a fault for each selector of one object that does not compile or may cost too much."""
    kind, meta = type(thing).__name__, thing.metadata
    name = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
    if isinstance(thing, DeviceClass):
        selectors = _selectors(thing.spec.selectors, "spec.selectors")
    elif isinstance(thing, ResourceClaim):
        selectors = _claimed(thing.spec.devices, "spec.devices")
    else:
        selectors = _claimed(thing.spec.spec.devices, "spec.spec.devices")
    faults = []
    for path, expression in selectors:
        try:
            estimate = compile(expression, release).estimated_cost
        except CompileError as error:
            faults.append(Fault("", -1, f"{kind} {name}", path, f"CEL compile error: {error}"))
            continue
        if estimate.max > LIMIT:
            faults.append(Fault("", -1, f"{kind} {name}", path, TOO_COMPLEX))
    return faults


def _selectors(selectors: Iterable[DeviceSelector], path: str) -> Iterator[tuple[str, str]]:
    for index, selector in enumerate(selectors):
        if selector.cel is not None:
            yield f"{path}[{index}].cel.expression", selector.cel.expression


def _claimed(claim: DeviceClaim, path: str) -> Iterator[tuple[str, str]]:
    for index, request in enumerate(claim.requests):
        at = f"{path}.requests[{index}]"
        if request.exactly is not None:
            yield from _selectors(request.exactly.selectors, f"{at}.exactly.selectors")
        for position, alternative in enumerate(request.first_available):
            yield from _selectors(alternative.selectors, f"{at}.firstAvailable[{position}].selectors")
