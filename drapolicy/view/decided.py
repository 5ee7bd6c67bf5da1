"""Placements with the claims that their results are for, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drapolicy.api import Objects
from drapolicy.api.resource import AllocationResult
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.ask import asks
from drapolicy.problem.placement import Placement
from drapolicy.view import facts


@dataclass(frozen=True)
class Decided:
    """A placement, and the name of the claim that each of its results is for."""

    placement: Placement
    claims: tuple[str, ...]

    def allocations(self) -> Iterator[tuple[str, AllocationResult]]:
        """Yield the name of each claim with its allocation."""
        yield from zip(self.claims, self.placement.results, strict=True)

    def devices(self) -> list[DeviceId]:
        """Return the devices, each once."""
        found = (r for allocation in self.placement.results for r in allocation.devices.results)
        return list(dict.fromkeys(DeviceId(r.driver, r.pool, r.device) for r in found))


def with_claims(one: Placement, wanted: Objects | None, held: Mapping[str, AllocationResult]) -> Decided:
    """Return a placement with the names of the claims; without objects, claims are called like the ask."""
    if wanted is not None:
        for ask in asks(wanted):
            new = ask.unmet(held)
            if ask.name == one.ask and len(new) == len(one.results):
                return Decided(one, tuple(claim.metadata.name for claim in new))
    return Decided(one, (one.ask.partition("/")[2] or one.ask,) * len(one.results))


def by_request(allocation: AllocationResult) -> str:
    """Return the devices of an allocation by request, in a line."""
    found: dict[str, list[str]] = {}
    for result in allocation.devices.results:
        suffix = " (admin access)" if result.admin_access else ""
        found.setdefault(result.request, []).append(result.device + suffix)
    return "; ".join(f"{request} = {', '.join(devices)}" for request, devices in found.items()) or "no devices"


def words(one: Decided) -> str:
    """Return what was decided, in a line."""
    found = one.placement
    if not found.placed:
        return f"{found.ask}: pending with {found.policy}: {found.message}"
    devices = "; ".join(by_request(allocation) for _, allocation in one.allocations())
    score = facts.score_text(found)
    return f"{found.ask}: {found.policy} → {found.node}: {devices}" + (f" ({score})" if score else "")
