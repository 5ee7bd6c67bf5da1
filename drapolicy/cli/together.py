"""``drapolicy allocate --together``: all asks decided as one group, and how good that is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.resource import ResourceClaim
from drapolicy.cli.output import Format, print_data, print_line, print_table
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies.groups import Together
from drapolicy.policies.place import place_groups
from drapolicy.problem.ask import asks

if TYPE_CHECKING:
    from drapolicy.cli.allocate import How


@dataclass(frozen=True)
class Timed:
    """What was decided of a group, and the seconds that it took."""

    found: Together
    seconds: float


def at_least(together: str, asks: int) -> int:
    """Return how many asks must be placed for any to be placed.

    Parameters
    ----------
    together
        ``all``, ``most`` for as many as can be, or a number.
    asks
        How many there are.

    Raises
    ------
    InputError
        For anything else, and for more than there are.
    """
    if together in {"all", "most"}:
        return asks if together == "all" else 0
    if together.isascii() and together.isdecimal() and 1 <= int(together) <= asks:
        return int(together)
    message = (
        f"--together: {together!r} is neither all nor most nor a number from 1 to {asks}, as many as are asked for"
    )
    raise InputError(message)


def decide(fleet: Fleet, objects: Objects, how: How) -> Timed:
    """Decide all asks of an input together."""
    least = at_least(how.together, len(asks(objects)))
    begin = perf_counter()
    found = place_groups(fleet, objects, how.policy or None, at_least=least, seed=how.seed)
    return Timed(found, perf_counter() - begin)


def print_values(timed: Timed) -> None:
    """Print how good the placements are: each level with its bound and gap, the terms, and how they were found."""
    found = timed.found
    rows = [
        (name, f"{value:,}", "-" if bound is None else f"{bound:,}", "-" if gap is None else f"{gap:.2%}")
        for name, value, bound, gap in zip(found.levels, found.values, found.bounds, found.gaps, strict=True)
    ]
    print_table(("IN ORDER OF IMPORTANCE", "REACHED", "AT MOST", "GAP"), rows, right=(1, 2, 3))
    if found.score:
        print_line(f"terms in all: {', '.join(f'{name} {value:,}' for name, value in found.score.items())}")
    why = f" ({found.why})" if found.why else ""
    print_line(f"{found.status}, by {found.path}{why}, in {timed.seconds:.2f} s")


def print_objects(claims: tuple[ResourceClaim, ...], timed: Timed, output: Format) -> None:
    """Print a list of the claims with their status, and beside them what is known of the placements."""
    listed: dict[str, Any] = json.loads(api.dump(claims, "json"))
    print_data({**listed, "together": as_data(timed)}, output)


def as_data(timed: Timed) -> dict[str, Any]:
    """Return what is known of the placements as plain values."""
    found = timed.found
    rows = zip(found.levels, found.values, found.bounds, found.gaps, strict=True)
    return {
        "policy": found.policy,
        "status": found.status,
        "path": found.path,
        "why": found.why,
        "placed": found.placed,
        "asks": len(found.placements),
        "objective": [{"level": name, "value": value, "bound": b, "gap": gap} for name, value, b, gap in rows],
        "terms": found.score,
        "effort": dict(found.effort or {}),
        "placements": [
            {
                "ask": placement.ask,
                "node": placement.node,
                "devices": [
                    {"request": d.request, "driver": d.driver, "pool": d.pool, "device": d.device}
                    for result in placement.results
                    for d in result.devices.results
                ],
                "terms": dict(placement.score),
                "message": placement.message,
            }
            for placement in found.placements
        ],
        "notReproducible": {"seconds": timed.seconds},
    }
