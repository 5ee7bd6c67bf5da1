"""The quick search finds what the plain ones find."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from drapolicy.problem.formulation import Formulation, first
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit, TimedOut
from drapolicy.testing.simple import DRIVER, claim, device, objects, request, row

Drawn = Callable[[int, str], LocalProblem]
Made = Callable[..., Formulation]


@pytest.mark.parametrize("seed", range(0, 1_000, 100))
def test_it_is_the_first_of_all(drawn: Drawn, seed: int) -> None:
    """The first assignment of the plain enumeration, also where the reference's own search would leave traces."""
    for number in range(seed, seed + 100):
        made = drawn(number, "tiny").formulation
        if isinstance(made, Formulation):
            assert first(made).assignment == next(made.assignments(), None)


@pytest.mark.parametrize("seed", range(0, 180, 30))
def test_it_is_the_first_fit_of_the_reference(drawn: Drawn, seed: int) -> None:
    """Where several pools, claims and alternatives meet, the reference takes the same devices."""
    for number in range(seed, seed + 30):
        local = drawn(number, "small")
        made = local.formulation
        if not isinstance(made, Formulation) or made.may_abort or made.gaps or not made.orderly:
            continue
        outcome, solution = local.first(5_000)
        found = first(made)
        assert found.complete
        if not isinstance(outcome, TimedOut):
            assert found.assignment == (None if solution is None else made.of(solution))
            assert isinstance(outcome, Fits) == (found.assignment is not None)
            assert isinstance(outcome, Fits) or outcome == made.refusal


def each(count: int, match: str = "") -> object:
    """Return a claim of so many requests for one device."""
    wanted = [msgspec.structs.replace(request(1), name=f"r{number}") for number in range(count)]
    return claim("c", *wanted, match=match)


@pytest.mark.parametrize(
    ("devices", "group", "wanted", "steps"),
    [
        (31, 31, claim("c", request(32)), 0),
        (31, 31, each(32), 40),
        (31, 1, each(32), 40),
        (62, 31, claim("c", request(32), match=f"{DRIVER}/group"), 10),
        (62, 7, each(8, f"{DRIVER}/group"), 80),
    ],
    ids=["one request", "many requests", "many requests, all devices differ", "match", "match of many requests"],
)
def test_what_takes_the_reference_for_ever_takes_a_few_steps(
    made: Made, devices: int, group: int, wanted: object, steps: int
) -> None:
    """Too few devices, altogether or in each group, are known at once."""
    fleet = objects({"node-0": [device(f"d{number:03}", group=number // group) for number in range(devices)]})
    found = first(made(fleet, wanted))
    assert (found.assignment, found.complete) == (None, True)
    assert found.steps <= steps


def test_a_limit_stops_it_without_a_verdict(made: Made) -> None:
    """At the limit nothing is known."""
    found = first(made(row(nodes=1, devices=8), claim("c", request(8))), max_steps=3)
    assert (found.assignment, found.complete) == (None, False)


def test_no_claims_are_met_by_nothing(made: Made) -> None:
    """Without claims the empty assignment is the first."""
    assert first(made(row(nodes=1, devices=1))).assignment == ()


def test_nothing_admitted_is_no_fit(made: Made) -> None:
    """Pools in order, nothing admitted: the reference says that nothing fits."""
    assert made(row(nodes=1, devices=1), claim("c", request(2))).refusal == NoFit()
