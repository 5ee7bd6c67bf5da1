"""``drapolicy allocate``: claims and pods get their devices, as a policy decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from msgspec.structs import replace

from drapolicy import api, inventory
from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import AllocationResult, ResourceClaim, ResourceClaimConsumerReference
from drapolicy.cli.inputs import read
from drapolicy.cli.output import Format, note, print_line, print_table
from drapolicy.cli.releases import called, caveats
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies import policy as policy_of
from drapolicy.policies.place import place_all
from drapolicy.problem.ask import Ask, asks, claim_key, unmet
from drapolicy.problem.never import never_hold
from drapolicy.problem.placement import Placement
from drapolicy.release import Release
from drapolicy.verify import Verifier

PENDING = 1


@dataclass(frozen=True)
class Decided:
    """All decisions of a run.

    Attributes
    ----------
    pairs
        Each ask with its placement, in order.
    claims
        All claims of the input with their status after the run.
    """

    pairs: tuple[tuple[Ask, Placement], ...]
    claims: tuple[ResourceClaim, ...]

    @property
    def pending(self) -> tuple[Placement, ...]:
        """What got no node."""
        return tuple(placement for _, placement in self.pairs if not placement.placed)


def allocate(
    files: Sequence[str],
    *,
    topology: Path | None,
    policy: str,
    kubernetes: Release,
    seed: int,
    lenient: bool,
    check: bool,
    output: Format,
) -> int:
    """Decide every ask of the files and print the result; return 0, or 1 when some stay pending."""
    if not files:
        message = "allocate: no files; give those of the fleet and of the claims, or - for standard input"
        raise InputError(message)
    chosen = policy_of(policy)
    objects = read(files, kubernetes, lenient=lenient)
    if not objects.claims and not objects.pods:
        message = "allocate: no claims and no pods in the files; add some with --claims"
        raise InputError(message)
    fleet = inventory.build(objects, kubernetes)
    if topology is not None:
        from drapolicy.topology.fleet import with_topology

        fleet, report = with_topology(fleet, topology)
        note(f"topology: {report}")
    for caveat in caveats(kubernetes):
        note(f"note: {caveat}")
    placements = place_all(fleet, objects, chosen, seed=seed)
    pairs = tuple(zip(asks(objects), placements, strict=True))
    if check:
        verify_all(objects, fleet, pairs)
    decided = Decided(pairs, claims_after(objects.claims, pairs))
    pending = (claim for ask, placement in pairs if not placement.placed for claim in ask.claims)
    never = objects.located(never_hold(fleet, pending))
    if output is Format.TABLE:
        _print(decided, chosen.name, kubernetes)
        if check:
            print_line("every placement was checked and keeps the rules of Kubernetes")
        for reason in never:
            print_line(f"note: {reason}")
    else:
        text = api.dump(decided.claims, output.value)
        print(text, end="")
        for placement in decided.pending:
            note(f"pending: {placement.ask}: {placement.message}")
        for reason in never:
            note(f"note: {reason}")
        for line in _unmodelled(decided):
            note(line)
    return PENDING if decided.pending else 0


def _granted(
    pairs: Sequence[tuple[Ask, Placement]], held: dict[str, AllocationResult]
) -> Iterator[tuple[Ask, Placement, tuple[ResourceClaim, ...]]]:
    """Yield what was placed with the claims that it got; ``held`` grows by their allocations after each."""
    for ask, placement in pairs:
        if placement.placed:
            new = unmet(ask.claims, held)
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


def _print(decided: Decided, policy: str, kubernetes: Release) -> None:
    rows = [
        (
            placement.ask,
            placement.node or "-",
            [*devices(placement), *before] or ["none"] if placement.placed else [f"pending: {placement.message}"],
            ", ".join(f"{term} {value}" for term, value in placement.score.items()) or "-",
        )
        for (_, placement), before in zip(decided.pairs, _allocated_before(decided.pairs), strict=True)
    ]
    if rows:
        print_table(("ASK", "NODE", "DEVICES", "SCORE"), rows)
    placed = len(rows) - len(decided.pending)
    print_line(f"{placed} of {len(rows)} placed by {policy}, {called(kubernetes)}")
    for line in _unmodelled(decided):
        print_line(line)


def _allocated_before(pairs: Sequence[tuple[Ask, Placement]]) -> Iterator[list[str]]:
    """Yield for each ask a text for each of its claims whose devices others got or it had already."""
    got: set[str] = set()
    for ask, placement in pairs:
        held = [claim for claim in ask.claims if claim.status.allocation is not None or claim_key(claim) in got]
        yield [f"{claim.metadata.name}: allocated before" for claim in held]
        if placement.placed:
            got.update(map(claim_key, ask.claims))


def devices(placement: Placement) -> list[str]:
    """Return a text for each request: the devices it got, with driver and pool where they tell something.

    A pool that is called as the node, the usual case, goes without saying.
    """
    taken: dict[tuple[int, str, str], list[str]] = {}
    for number, result in enumerate(placement.results):
        for device in result.devices.results:
            name = device.device if device.pool == placement.node else f"{device.pool}/{device.device}"
            if device.consumed_capacity:
                amounts = ", ".join(f"{key} {value}" for key, value in device.consumed_capacity.items())
                name += f" ({amounts})"
            if device.admin_access:
                name += " (admin access)"
            taken.setdefault((number, device.request, device.driver), []).append(name)
    return [f"{request}: {', '.join(names)} [{driver}]" for (_, request, driver), names in taken.items()]


def _unmodelled(decided: Decided) -> list[str]:
    counts: dict[str, int] = {}
    for _, placement in decided.pairs:
        for what in placement.unmodelled:
            counts[what] = counts.get(what, 0) + 1
    return [f"not modelled: {what} ({n} {'pod' if n == 1 else 'pods'})" for what, n in counts.items()]
