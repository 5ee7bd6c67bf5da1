"""``drapolicy allocate``: claims and pods get their devices, as a policy decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drapolicy import api, inventory
from drapolicy.api import Objects
from drapolicy.api.resource import ResourceClaim
from drapolicy.cli.after import allocated_before, claims_after, verify_all
from drapolicy.cli.inputs import read
from drapolicy.cli.output import Format, note, print_line, print_table
from drapolicy.cli.releases import called, caveats
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies import STOCK
from drapolicy.policies import policy as policy_of
from drapolicy.policies.place import place_all
from drapolicy.problem.ask import Ask, asks
from drapolicy.problem.never import never_hold
from drapolicy.problem.placement import Placement
from drapolicy.release import Release
from drapolicy.text import counted

if TYPE_CHECKING:
    from drapolicy.cli.together import Timed  # what it needs takes longer to import than all else

PENDING = 1


@dataclass(frozen=True)
class Decided:
    """All decisions of a run.

    Attributes
    ----------
    pairs
        Each ask with its placement, in order.
    started
        The same in the order in which they start.
    claims
        All claims of the input with their status after the run.
    before
        For each ask, a text for each of its claims whose devices others got or it had already.
    timed
        What is known of asks that were decided together.
    """

    pairs: tuple[tuple[Ask, Placement], ...]
    started: tuple[tuple[Ask, Placement], ...]
    claims: tuple[ResourceClaim, ...]
    before: tuple[list[str], ...]
    timed: Timed | None = None

    @property
    def pending(self) -> tuple[Placement, ...]:
        """What got no node."""
        return tuple(placement for _, placement in self.pairs if not placement.placed)


@dataclass(frozen=True)
class How:
    """How asks are decided.

    Attributes
    ----------
    policy
        Name; where empty, the stock scheduler, and for asks together as many as can be.
    together
        ``all``, ``most`` or a number: the asks are decided as one group. Where empty, one after the other.
    programme
        Where the integer programme goes that the policy solves; None for nowhere.
    seed
        Of the policy's draws.
    """

    policy: str
    together: str = ""
    programme: Path | None = None
    seed: int = 0


def allocate(
    files: Sequence[str],
    how: How,
    *,
    topology: Path | None,
    kubernetes: Release,
    lenient: bool,
    check: bool,
    output: Format,
) -> int:
    """Decide every ask of the files and print the result; return 0, or 1 when some stay pending."""
    if not files:
        message = "allocate: no files; give those of the fleet and of the claims, or - for standard input"
        raise InputError(message)
    chosen = policy_of(how.policy or STOCK)
    if how.programme is not None:
        from drapolicy.cli import programme

        programme.check(how.policy, how.programme, together=bool(how.together))
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
    decided = _decide(fleet, objects, how)
    if check:
        verify_all(objects, fleet, decided.started)
    pending = (claim for ask, placement in decided.pairs if not placement.placed for claim in ask.claims)
    never = objects.located(never_hold(fleet, pending))
    if output is Format.TABLE:
        _print(decided, chosen.name, kubernetes)
        if check:
            print_line("every placement was checked and keeps the rules of Kubernetes")
        for reason in never:
            print_line(f"note: {reason}")
    else:
        _print_objects(decided, output)
        for placement in decided.pending:
            note(f"pending: {placement.ask}: {placement.message}")
        for reason in never:
            note(f"note: {reason}")
        for line in _unmodelled(decided):
            note(line)
    return PENDING if decided.pending else 0


def _decide(fleet: Fleet, objects: Objects, how: How) -> Decided:
    wanted = asks(objects)
    timed: Timed | None = None
    if how.together:
        from drapolicy.cli.together import decide

        timed = decide(fleet, objects, how)
    placements = timed.found.placements if timed else place_all(fleet, objects, how.policy or STOCK, seed=how.seed)
    if how.programme is not None:
        from drapolicy.cli import programme

        programme.write(fleet, objects, how, placements)
    pairs = tuple(zip(wanted, placements, strict=True))
    order = tuple((timed.found.order if timed else ()) or range(len(pairs)))
    started = tuple(pairs[a] for a in order)
    before = dict(zip(order, allocated_before(started), strict=True))
    texts = tuple(before[a] for a in range(len(pairs)))
    return Decided(pairs, started, claims_after(objects.claims, started), texts, timed)


def _print_objects(decided: Decided, output: Format) -> None:
    if decided.timed is None:
        print(api.dump(decided.claims, output.value), end="")
        return
    from drapolicy.cli.together import print_objects

    print_objects(decided.claims, decided.timed, output)


def _print(decided: Decided, policy: str, kubernetes: Release) -> None:
    timed = decided.timed
    rows = [
        (
            placement.ask,
            placement.node or "-",
            [*devices(placement), *before] or ["none"] if placement.placed else [f"pending: {placement.message}"],
            ", ".join(f"{term} {value}" for term, value in placement.score.items()) or "-",
        )
        for (_, placement), before in zip(decided.pairs, decided.before, strict=True)
    ]
    if rows:
        print_table(("ASK", "NODE", "DEVICES", "SCORE"), rows)
    placed = len(rows) - len(decided.pending)
    by = f"placed by {policy}" if timed is None else f"placed together by {timed.found.policy}"
    print_line(f"{placed} of {len(rows)} {by}, {called(kubernetes)}")
    if timed is not None:
        from drapolicy.cli.together import print_values

        print_values(timed)
    for line in _unmodelled(decided):
        print_line(line)


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
    return [f"not modelled: {what} ({counted(n, 'pod')})" for what, n in counts.items()]
