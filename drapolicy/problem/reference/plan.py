"""One request, or one alternative of it, ready for the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    DeviceClass,
    DeviceSelector,
    DeviceSubRequest,
    DeviceToleration,
    ExactDeviceRequest,
    ResourceClaim,
)
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.reference.capacity import Charge
from drapolicy.problem.reference.constraints import Constraint


class AbortError(Exception):
    """The attempt to schedule the pod ends; the message is upstream's."""


class Plan:
    """What one request or sub-request needs, with the answers about devices that do not change during a search.

    Attributes
    ----------
    claim, request, alternative
        Positions; ``alternative`` is 0 for a request without alternatives.
    where
        ``claim NS/NAME, request NAME``, as upstream's errors begin.
    prioritized
        It is an entry of a prioritized list.
    all_devices
        The devices that mode All needs; None for ExactCount.
    count
        Devices needed.
    constraints
        Constraints of the claim that bear on this request, in their order.
    derived
        Expressions of attributes that stand in for published ones of the same names (K8s S53).
    """

    __slots__ = (
        "admin",
        "all_devices",
        "alternative",
        "amounts",
        "charge_key",
        "charges",
        "claim",
        "constraints",
        "count",
        "derived",
        "matches",
        "prioritized",
        "request",
        "selectors",
        "tolerated",
        "tolerations",
        "where",
    )

    def __init__(
        self,
        position: tuple[int, int, int],
        owner: ResourceClaim,
        name: str,
        spec: ExactDeviceRequest | DeviceSubRequest,
        device_class: DeviceClass,
        *,
        fractional: bool,
    ) -> None:
        self.claim, self.request, self.alternative = position
        claim = claim_name(owner)
        self.where = f"claim {claim}, request {name}"
        self.prioritized = isinstance(spec, DeviceSubRequest)
        self.admin = isinstance(spec, ExactDeviceRequest) and bool(spec.admin_access)
        self.selectors: list[tuple[str, str]] = [
            *_labelled(f"class {device_class.metadata.name}", device_class.spec.selectors),
            *_labelled(f"claim {claim}", spec.selectors),
        ]
        self.tolerations: Sequence[DeviceToleration] = spec.tolerations
        self.amounts: Mapping[str, Quantity] = spec.capacity.requests if spec.capacity is not None else {}
        self.charge_key = (fractional, *((key, asked.nano, asked.format) for key, asked in self.amounts.items()))
        self.derived: Mapping[str, str] = {entry.name: entry.expression for entry in spec.derived_attributes}
        self.count = 0
        self.all_devices: list[PoolDevice] | None = None
        self.constraints: tuple[Constraint, ...] = ()
        self.matches: dict[int, bool] = {}
        self.charges: dict[int, Charge] = {}
        self.tolerated: dict[int, bool] = {}


def _labelled(owner: str, selectors: Sequence[DeviceSelector]) -> list[tuple[str, str]]:
    return [
        (f"{owner}: selector #{i}", selector.cel.expression if selector.cel is not None else "")
        for i, selector in enumerate(selectors)
    ]


def claim_name(claim: ResourceClaim) -> str:
    """Return a claim's name as upstream's errors write it."""
    namespace = claim.metadata.namespace
    return f"{namespace}/{claim.metadata.name}" if namespace else claim.metadata.name
