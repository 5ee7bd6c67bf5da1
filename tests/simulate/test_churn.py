"""Streams: what comes and goes depends on the seed alone, whoever decides."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError
from drapolicy.policies import POLICIES, Engine
from drapolicy.policies.place import place_all
from drapolicy.simulate import churn
from drapolicy.workload import claims, fleet

FLEET = fleet("aws-p4d", 2)
ONE = claims({"gpu": (1, "gpu.nvidia.com")})
MIXED = ONE.merged(claims({"gpu": (3, "gpu.nvidia.com")}, name="three"))


def test_all_policies_play_the_same_stream() -> None:
    """Where everything fits, each policy decides the same asks and has as many running after each step."""
    seen = [
        [(step.problem.ask.name, len(step.held.claims)) for step in churn(FLEET, ONE, name, steps=30, stay=4)]
        for name in ("first-fit", "random")
    ]
    assert seen[0] == seen[1]
    assert max(running for _, running in seen[0]) > min(running for _, running in seen[0][5:])


def test_a_seed_gives_one_stream() -> None:
    """The same seed gives the same placements again, another seed other asks."""

    def names(seed: int) -> list[str]:
        return [step.placement.ask for step in churn(FLEET, MIXED, "random", steps=40, stay=4, seed=seed)]

    assert names(1) == names(1)
    assert names(1) != names(2)
    assert {name.rpartition("-")[0] for name in names(1)} == {"default/claim", "default/three"}


def test_what_is_held_can_be_given_to_place() -> None:
    """The claims of a step keep their devices from what is asked next; at the end as many are free as are not held."""
    (*_, last) = churn(FLEET, ONE, "first-fit", steps=12, stay=100, seed=3)
    more = place_all(FLEET, last.held.merged(claims({"gpu": (1, "gpu.nvidia.com")}, 20, name="more")), "first-fit")
    assert sum(found.placed for found in more) == 16 - len(last.held.claims)


def test_what_does_not_fit_is_lost() -> None:
    """An ask that finds no devices does not start later, and nothing leaves on its behalf."""
    steps = list(churn(FLEET, MIXED, "first-fit", steps=60, stay=1000))
    pending = [step for step in steps if not step.placement.placed]
    held = {claim.metadata.name for claim in steps[-1].held.claims}
    assert pending
    assert not held & {step.problem.ask.claims[0].metadata.name for step in pending}


def test_an_engine_decides_a_stream_as_its_policy_does() -> None:
    """The decider may be a policy or an engine; the placements are equal."""
    rule = POLICIES["bandwidth"]
    plain, fast = (
        [(step.placement.node, step.placement.results, step.placement.score) for step in steps]
        for steps in (
            churn(FLEET, MIXED, rule, steps=25, stay=4),
            churn(FLEET, MIXED, Engine(FLEET, rule), steps=25, stay=4),
        )
    )
    assert plain == fast


@pytest.mark.parametrize(("wanted", "stay"), [(claims({}, 0), 4), (ONE, 0)], ids=["no asks", "no stay"])
def test_nothing_to_draw_is_refused(wanted: object, stay: int) -> None:
    """Without an ask, or with asks that do not stay, there is no stream."""
    with pytest.raises(InputError, match="churn: "):
        next(churn(FLEET, wanted, "first-fit", steps=1, stay=stay))  # type: ignore[arg-type]
