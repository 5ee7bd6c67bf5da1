"""States that are saved: another state made of the objects is the same for every policy."""

from __future__ import annotations

import pytest

from drapolicy import api
from drapolicy.policies import POLICIES
from drapolicy.problem.state import State
from drapolicy.simulate import Moment, play, saved
from drapolicy.testing.scenarios import a_scenario


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
