"""Which alternative of each request the results stand for (K8s S40), and whether they keep the order (K8s S55)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drapolicy.api.resource import DeviceRequest, DeviceRequestAllocationResult, ResourceClaim
from drapolicy.errors import VerificationError
from drapolicy.release import Release
from drapolicy.verify.wishes import Wish, label, wishes


@dataclass(frozen=True)
class Choice:
    """What was chosen for one request.

    Attributes
    ----------
    wish
        The request, or the alternative that won.
    first
        The request, or its first alternative.
    mixes
        Whether the first device may be of the alternative that won, and the others of the first one (Q21).
    """

    wish: Wish
    first: Wish
    mixes: bool


def choose(
    claim: ResourceClaim, items: Sequence[DeviceRequestAllocationResult], release: Release
) -> tuple[list[Choice], list[VerificationError]]:
    """Return what was chosen for each request, and what is wrong with the names and the order of the results."""
    faults = []
    chosen = []
    place: dict[str, int] = {}
    for number, request in enumerate(claim.spec.devices.requests):
        choice, fault = _choice(claim, request, items, release)
        place.update((wish.name, number) for wish in wishes(request, release))
        faults += fault
        if choice is not None:
            chosen.append(choice)
    requests = {request.name for request in claim.spec.devices.requests}
    last = 0
    for item in items:
        where = f"{label(claim)}, request {item.request}"
        if item.request not in place:
            rule = "S40" if item.request.partition("/")[0] in requests else "S55"
            faults.append(VerificationError(rule, f"{where}: the claim has no such request or alternative"))
        elif place[item.request] < last:
            faults.append(VerificationError("S55", f"{where}: results are not in the order of the requests"))
        else:
            last = place[item.request]
    return chosen, faults


def _choice(
    claim: ResourceClaim, request: DeviceRequest, items: Sequence[DeviceRequestAllocationResult], release: Release
) -> tuple[Choice | None, list[VerificationError]]:
    every = wishes(request, release)
    if not every:
        return None, []
    where = f"{label(claim)}, request {request.name}"
    named = [item.request for item in items]
    used = list({wish.name: wish for wish in every if wish.name in named}.values())
    if not used:
        nothing = request.first_available and all(wish.everything or wish.asked.count for wish in every)
        fault = [VerificationError("S40", f"{where}: no alternative has results")] if nothing else []
        return Choice(every[0], every[0], mixes=False), fault
    winner = used[-1]
    mixes = winner is not every[0] and winner.everything and not release.behaviour.keeps_alternative
    if mixes and len(used) > 1:
        mixes = used[:-1] == every[:1] and named.index(winner.name) < named.index(every[0].name)
    if len(used) > 1 and not mixes:
        names = ", ".join(sorted(wish.name for wish in used))
        fault = [VerificationError("S40", f"{where}: results stand for more than one alternative: {names}")]
        return Choice(used[0], every[0], mixes=False), fault
    return Choice(winner, every[0], mixes), []
