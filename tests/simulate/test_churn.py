"""Streams: what comes and goes depends on the seed alone, whoever decides."""

from __future__ import annotations

import pytest

from drapolicy.api import Objects, loads
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


@pytest.mark.parametrize(
    ("wanted", "steps", "stay"),
    [(claims({}, 0), 1, 4), (ONE, 1, 0), (ONE, -1, 4)],
    ids=["no asks", "no stay", "negative steps"],
)
def test_nothing_to_draw_is_refused(wanted: Objects, steps: int, stay: int) -> None:
    """Without an ask, with asks that do not stay, or with less than no steps, there is no stream."""
    with pytest.raises(InputError, match="churn: "):
        next(churn(FLEET, wanted, "first-fit", steps=steps, stay=stay))


def test_pods_take_room_while_they_stay() -> None:
    """A stream of pods is copied with claims of their own, and what leaves gives CPU back."""
    pods = loads(POD)
    (*_, last) = churn(FLEET, pods, "first-fit", steps=60, stay=3)
    running = len(last.state.running)
    assert len(last.held.claims) == running < 16
    assert {name.rpartition("-")[0] for name in last.state.running} == {"default/job"}


POD = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one, namespace: default}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: default}
spec:
  containers: [{name: main, image: main, resources: {requests: {cpu: "20"}}}]
  resourceClaims: [{name: devices, resourceClaimTemplateName: one}]
"""
