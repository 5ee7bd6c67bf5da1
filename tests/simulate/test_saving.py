"""States that are saved: another state made of the objects is the same for every policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drapolicy import api
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.state import State
from drapolicy.simulate import Moment, play, saved
from drapolicy.testing.scenarios import a_scenario
from drapolicy.testing.simple import row

HELD = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: one, namespace: default}
spec: {devices: {requests: [{name: devices, exactly: {deviceClassName: any}}]}}
status: {allocation: {devices: {results: [{request: devices, driver: gpu.example, pool: node-0, device: device-0}]}}}
"""


def test_what_stood_from_the_start_is_saved_too() -> None:
    """It is not to be known from the state what claims that nobody uses now want."""
    standing = api.loads(HELD)
    state = State(build(row(nodes=1, devices=1)), standing.claims)
    assert saved(state, standing).claims[0].status.allocation == standing.claims[0].status.allocation
    with pytest.raises(InputError, match="saved: claim default/one holds devices"):
        saved(state)


@pytest.mark.parametrize("seed", range(6))
def test_a_saved_state_is_the_same(seed: int) -> None:
    """Through text and back, in the middle of a play: devices, shares, claims and room."""
    scenario = a_scenario(seed, incidents=0)
    seen = 0

    def compare(moment: Moment) -> None:
        nonlocal seen
        if moment.running < 3:
            return
        seen += 1
        state = moment.state
        read = api.loads(api.dump(saved(state), "json"))
        again = State(scenario.fleet, read.claims, read.pods)
        assert again.held == state.held
        assert dict(again.allocated.taken) == dict(state.allocated.taken)
        rooms = [[(dict(room.requested), room.pods) for room in one.rooms] for one in (again, state)]
        assert rooms[0] == rooms[1]

    play(scenario, POLICIES["first-fit"], 0, quality=False, watch=compare)
    assert seen


def test_copies_have_other_names_than_what_stands_of_a_play_before() -> None:
    """The same workload goes on from a saved state, and nothing takes over what another copy holds."""
    scenario = a_scenario(3, incidents=0)
    states: list[api.Objects] = []

    def keep(moment: Moment) -> None:
        if moment.running > 2 and not states:
            states.append(saved(moment.state))

    before = play(scenario, POLICIES["first-fit"], 0, quality=False, watch=keep)
    standing = states[0]
    after = play(replace(scenario, standing=standing), POLICIES["first-fit"], 0, quality=False, check=True)
    names = {record.name for record in after.records}
    assert len(names) == len(before.records)
    assert names.isdisjoint(f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in standing.pods)
