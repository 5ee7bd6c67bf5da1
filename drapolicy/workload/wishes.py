"""Claims from a few words, for notebooks and tests."""

from __future__ import annotations

from collections.abc import Mapping

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    DeviceClaim,
    DeviceConstraint,
    DeviceRequest,
    DeviceSelector,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
)


def claims(
    requests: Mapping[str, tuple[int, str] | tuple[int, str, str]],
    number: int = 1,
    *,
    same: str = "",
    name: str = "claim",
) -> Objects:
    """Return equal claims in the namespace ``default``.

    Parameters
    ----------
    requests
        By name: how many devices of which class, and perhaps a CEL expression that each must satisfy.
    number
        How many claims; several are called ``name-0``, ``name-1`` ...
    same
        Fully qualified attribute that all devices of a claim must share; none by default.
    name
        Name of the claim.

    Examples
    --------
    >>> [claim.metadata.name for claim in claims({"gpu": (2, "gpu.nvidia.com")}, 2, name="pair").claims]
    ['pair-0', 'pair-1']
    """
    spec = ResourceClaimSpec(
        devices=DeviceClaim(
            requests=[request_for(request, *wish) for request, wish in requests.items()],
            constraints=[DeviceConstraint(match_attribute=same)] if same else [],
        )
    )
    names = [name] if number == 1 else [f"{name}-{i}" for i in range(number)]
    return Objects(
        claims=tuple(ResourceClaim(metadata=ObjectMeta(name=n, namespace="default"), spec=spec) for n in names)
    )


def request_for(name: str, count: int, device_class: str, expression: str = "") -> DeviceRequest:
    """Return a request for some devices of a class, and perhaps a CEL expression that each must satisfy."""
    selectors = [DeviceSelector(cel=CELDeviceSelector(expression=expression))] if expression else []
    wanted = ExactDeviceRequest(
        device_class_name=device_class, allocation_mode="ExactCount", count=count, selectors=selectors
    )
    return DeviceRequest(name=name, exactly=wanted)
