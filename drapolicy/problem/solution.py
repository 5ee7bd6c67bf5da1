"""A complete assignment of devices to the requests of a pod's claims, before it is written as Kubernetes writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceClaim
from drapolicy.inventory.pool_device import PoolDevice

# S68: the first of at most 8 alternatives is worth 8, the last one 1.
MAX_ALTERNATIVES = 8


class Taken(NamedTuple):
    """One device given to one request.

    Attributes
    ----------
    claim, request
        Positions of the claim among the claims and of the request in the claim.
    alternative
        Position of the chosen sub-request; 0 for a request without alternatives.
    device
        The device; ``device.index`` is its position among the node's devices.
    share
        What a share consumes of each capacity of the device; None for a device that is taken as a whole.
    """

    claim: int
    request: int
    alternative: int
    device: PoolDevice
    share: dict[str, Quantity] | None


class Solution(NamedTuple):
    """Devices for all requests of all claims.

    Attributes
    ----------
    taken
        Per claim, its devices in the order in which they were taken.
    alternatives
        Per claim and request, the position of the chosen sub-request; 0 for a request without alternatives.
    """

    taken: tuple[tuple[Taken, ...], ...]
    alternatives: tuple[tuple[int, ...], ...]


def rank_of(solution: Solution, claims: Sequence[ResourceClaim]) -> int:
    """Return the sum over requests with alternatives of 8 minus the chosen index (K8s S68)."""
    return sum(
        MAX_ALTERNATIVES - alternative
        for claim, alternatives in zip(claims, solution.alternatives, strict=True)
        for request, alternative in zip(claim.spec.devices.requests, alternatives, strict=True)
        if request.first_available
    )
