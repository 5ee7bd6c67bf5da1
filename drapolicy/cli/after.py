"""What claims are after decisions: allocated, reserved for their pods, and checked against the API objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import AllocationResult, ResourceClaim, ResourceClaimConsumerReference
from drapolicy.inventory import Fleet
from drapolicy.problem.ask import Ask, claim_key
from drapolicy.problem.placement import Placement
from drapolicy.verify import Verifier


def _granted(
    pairs: Sequence[tuple[Ask, Placement]], held: dict[str, AllocationResult]
) -> Iterator[tuple[Ask, Placement, tuple[ResourceClaim, ...]]]:
    """Yield what was placed with the claims that it got; ``held`` grows by their allocations after each."""
    for ask, placement in pairs:
        if placement.placed:
            new = ask.unmet(held)
            yield ask, placement, new
            held.update(zip(map(claim_key, new), placement.results, strict=True))


def _held(claims: Sequence[ResourceClaim]) -> dict[str, AllocationResult]:
    return {claim_key(claim): claim.status.allocation for claim in claims if claim.status.allocation is not None}


def claims_after(claims: Sequence[ResourceClaim], pairs: Sequence[tuple[Ask, Placement]]) -> tuple[ResourceClaim, ...]:
    """Return all claims as they are after the decisions: with allocations, reserved for the pods that were placed."""
    held = _held(claims)
    users: dict[str, list[ResourceClaimConsumerReference]] = {}
    for ask, _, _ in _granted(pairs, held):
        if ask.pod is not None:
            meta = ask.pod.metadata
            uid = meta.uid or uid_of(meta.namespace, meta.name)
            user = ResourceClaimConsumerReference(resource="pods", name=meta.name, uid=uid)
            for claim in ask.claims:
                users.setdefault(claim_key(claim), []).append(user)
    found = []
    for claim in claims:
        key, status = claim_key(claim), claim.status
        if key in held:
            new = [user for user in users.get(key, ()) if user not in status.reserved_for]
            status = replace(status, allocation=held[key], reserved_for=[*status.reserved_for, *new])
        found.append(replace(claim, metadata=_owned(claim.metadata), status=status))
    return tuple(found)


def uid_of(namespace: str, name: str) -> str:
    """Return a uid for a pod straight from a user's file: Kubernetes has one for every pod, and references need it."""
    return str(uuid5(NAMESPACE_URL, f"drapolicy:pods/{namespace}/{name}"))


def _owned(meta: ObjectMeta) -> ObjectMeta:
    owners = [
        replace(owner, uid=uid_of(meta.namespace, owner.name)) if owner.kind == "Pod" and not owner.uid else owner
        for owner in meta.owner_references
    ]
    return replace(meta, owner_references=owners)


def verify_all(objects: Objects, fleet: Fleet, pairs: Sequence[tuple[Ask, Placement]]) -> None:
    """Check every placement against the API objects alone.

    Raises
    ------
    VerificationError
        For the first rule that is broken.
    """
    verifier = Verifier(objects, fleet.release)
    held = _held(objects.claims)
    by_name = {claim_key(claim): claim for claim in objects.claims}
    for _, placement, new in _granted(pairs, held):
        existing = [_with(by_name[key], allocation) for key, allocation in held.items()]
        node = fleet.nodes[fleet.nodes.index[placement.node or ""]]
        for error in verifier.violations(node, new, placement.results, existing):
            raise error


def _with(claim: ResourceClaim, allocation: AllocationResult) -> ResourceClaim:
    return replace(claim, status=replace(claim.status, allocation=allocation))


def allocated_before(pairs: Sequence[tuple[Ask, Placement]]) -> Iterator[list[str]]:
    """Yield for each ask a text for each of its claims whose devices others got or it had already."""
    got: set[str] = set()
    for ask, placement in pairs:
        held = [claim for claim in ask.claims if claim.status.allocation is not None or claim_key(claim) in got]
        yield [f"{claim.metadata.name}: allocated before" for claim in held]
        if placement.placed:
            got.update(map(claim_key, ask.claims))
