"""Requests and alternatives of a claim under one form, and the static rules that Kubernetes holds them to (K8s S29)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
    """

    request: str
    name: str
    asked: ExactDeviceRequest | DeviceSubRequest

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


def wishes(request: DeviceRequest) -> list[Wish]:
    """Return the request itself, or its alternatives in order of preference."""
    if request.exactly is not None and not request.first_available:
        return [Wish(request.name, request.name, request.exactly)]
    return [Wish(request.name, f"{request.name}/{other.name}", other) for other in request.first_available]


def label(claim: ResourceClaim) -> str:
    """Return kind, namespace and name of a claim for messages."""
    return f"claim {claim.metadata.namespace or 'default'}/{claim.metadata.name}"


def refused(claim: ResourceClaim, classes: Mapping[str, DeviceClass], release: Release) -> Iterator[VerificationError]:
    """List what makes Kubernetes refuse the claim before it looks at devices, alternatives that lost included."""
    for request in claim.spec.devices.requests:
        where = f"{label(claim)}, request {request.name}"
        if request.first_available and "PrioritizedList" not in release.features:
            yield VerificationError("S29", f"{where}: has alternatives, but gate DRAPrioritizedList is off")
        every = wishes(request)
        if not every:
            yield VerificationError("S29", f"{where}: asks for nothing; neither exactly nor firstAvailable is set")
        for wish in every:
            for reason in _refusals(wish, classes, release):
                yield VerificationError("S29", f"{label(claim)}, request {wish.name}: {reason}")
    for number, constraint in enumerate(claim.spec.devices.constraints):
        if constraint.match_attribute is None and constraint.distinct_attribute is None:
            yield VerificationError("S32", f"{label(claim)}, constraint #{number}: names no attribute")


def _refusals(wish: Wish, classes: Mapping[str, DeviceClass], release: Release) -> Iterator[str]:
    asked = wish.asked
    if asked.capacity is not None and "ConsumableCapacity" not in release.features:
        yield "asks for capacity, but gate DRAConsumableCapacity is off"
    if asked.derived_attributes:
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
