"""Requests and alternatives of a claim under one form, and the static rules that Kubernetes holds them to (K8s S29)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from drapolicy.api.resource import (
    DeviceClass,
    DeviceRequest,
    DeviceSubRequest,
    DeviceToleration,
    ExactDeviceRequest,
    ResourceClaim,
)
from drapolicy.errors import VerificationError
from drapolicy.release import Release


@dataclass(frozen=True)
class Wish:
    """One request, or one alternative of a request.

    Attributes
    ----------
    request, name
        Name of the request, and the name that results carry: ``req`` or ``req/alternative``.
    asked
        What is asked for.
    selects
        Whose class and selectors decide: its own, save for a quirk (:attr:`Behaviour.matches_each_alternative`).
    """

    request: str
    name: str
    asked: ExactDeviceRequest | DeviceSubRequest
    selects: ExactDeviceRequest | DeviceSubRequest

    @property
    def admin(self) -> bool:
        """Whether administrative access is asked for; alternatives cannot."""
        return isinstance(self.asked, ExactDeviceRequest) and bool(self.asked.admin_access)

    @property
    def everything(self) -> bool:
        """Whether all matching devices are asked for."""
        return self.asked.allocation_mode == "All"

    @property
    def tolerations(self) -> list[DeviceToleration]:
        """Taints that are put up with."""
        return self.asked.tolerations

    @property
    def derived(self) -> dict[str, str]:
        """Expressions of derived attributes by name."""
        return {item.name: item.expression for item in self.asked.derived_attributes}


def wishes(request: DeviceRequest, release: Release) -> list[Wish]:
    """Return the request itself, or its alternatives in order of preference."""
    if request.exactly is not None and not request.first_available:
        return [Wish(request.name, request.name, request.exactly, request.exactly)]
    found = [Wish(request.name, f"{request.name}/{other.name}", other, other) for other in request.first_available]
    if (
        not release.behaviour.matches_each_alternative
        and len(found) > 1
        and found[0].everything
        and found[1].everything
    ):
        found[1] = replace(found[1], selects=found[0].asked)
    return found


def label(claim: ResourceClaim) -> str:
    """Return kind, namespace and name of a claim for messages."""
    return f"claim {claim.metadata.namespace or 'default'}/{claim.metadata.name}"


def refused(claim: ResourceClaim, classes: Mapping[str, DeviceClass], release: Release) -> Iterator[VerificationError]:
    """List what makes Kubernetes refuse the claim before it looks at devices, alternatives that lost included."""
    for request in claim.spec.devices.requests:
        where = f"{label(claim)}, request {request.name}"
        if request.first_available and "PrioritizedList" not in release.features:
            yield VerificationError("S29", f"{where}: has alternatives, but gate DRAPrioritizedList is off")
        every = wishes(request, release)
        if not every:
            yield VerificationError("S29", f"{where}: asks for nothing; neither exactly nor firstAvailable is set")
        for wish in every:
            for reason in _refusals(wish, classes, release):
                yield VerificationError("S29", f"{label(claim)}, request {wish.name}: {reason}")
    for number, constraint in enumerate(claim.spec.devices.constraints):
        distinct = constraint.distinct_attribute is not None and release.behaviour.complete
        if constraint.match_attribute is None and not distinct:
            yield VerificationError(
                "S32", f"{label(claim)}, constraint #{number}: names no attribute that Kubernetes {release.minor} knows"
            )


def _refusals(wish: Wish, classes: Mapping[str, DeviceClass], release: Release) -> Iterator[str]:
    asked = wish.asked
    behaviour = release.behaviour
    if asked.capacity is not None and behaviour.complete and "ConsumableCapacity" not in release.features:
        yield "asks for capacity, but gate DRAConsumableCapacity is off"
    if asked.derived_attributes and behaviour.alpha_fields and "DerivedAttributes" not in release.features:
        yield "has derived attributes, but gate DRADerivedAttributes is off"
    if (
        isinstance(asked, ExactDeviceRequest)
        and asked.admin_access is not None
        and "AdminAccess" not in release.features
    ):
        yield "asks for admin access, but gate DRAAdminAccess is off"
    if any(selector.cel is None for selector in asked.selectors):
        yield "has a selector without CEL expression"
    if asked.device_class_name not in classes:
        yield f"device class {asked.device_class_name!r} does not exist"
    if asked.allocation_mode not in {"ExactCount", "All"}:
        yield f"allocation mode {asked.allocation_mode!r} is neither ExactCount nor All; set defaults first"
