"""What the scheduler does around the allocator follows the release (S67, S68)."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.api.core import Pod
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    ResourceClaim,
)
from drapolicy.inventory import build
from drapolicy.policies import Best, First, FirstFit, Kube, Rule
from drapolicy.policies.kube import Profile
from drapolicy.policies.kube.profile import DYNAMIC_RESOURCES
from drapolicy.problem.events import Start
from drapolicy.problem.outcome import Abort, TimedOut
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import MINORS, release
from drapolicy.testing.simple import ask_with, claim, device, objects, request

MANY = {"node-0": [device(f"d{i}") for i in range(6)], "node-1": [device("only")]}


def placed(minor: str, *claims: ResourceClaim, rule: Rule, held: ResourceClaim | None = None) -> Placement:
    state = State(build(objects(MANY), release(minor)))
    if held is not None:
        taken = DeviceRequestAllocationResult(request="devices", driver="net.example", pool="far", device="d")
        allocation = AllocationResult(devices=DeviceAllocationResult(results=[taken]))
        state.apply(Start(ask_with(None, held, name="test/holder"), "node-0", (allocation,)))
    wanted = ask_with(Pod(), *([held] if held else []), *claims)
    return rule.place(Problem(state, (wanted,)), np.random.default_rng(0))


@pytest.mark.parametrize("minor", MINORS)
def test_the_score_of_devices_is_there_from_1_35_on(minor: str) -> None:
    """1.34 has no such score; nothing else of the profile changes."""
    weights = dict(Profile().of(release(minor)).weights)
    assert (DYNAMIC_RESOURCES in weights) == (minor != "1.34")
    assert {**weights, DYNAMIC_RESOURCES: 2} == dict(Profile().weights)
    score = placed(minor, claim("c", request(1)), rule=Rule(solver=FirstFit(), nodes=Kube())).score
    assert (DYNAMIC_RESOURCES in score) == (minor != "1.34")


@pytest.mark.parametrize("minor", MINORS)
def test_1_35_cannot_score_old_and_new_claims(minor: str) -> None:
    """With one claim allocated before and one not, its attempt ends, unless one node is left or none is scored (Q43)."""
    old, new = claim("old", request(1)), claim("new", request(1))
    rule = Rule(solver=FirstFit(), nodes=Kube())
    ended = placed(minor, new, rule=rule, held=old)
    if minor == "1.35":
        text = "number of allocations 1 is smaller than number of claims"
        assert ended.outcome == Abort(f'running Score plugins: plugin "DynamicResources" failed with: {text}')
    else:
        assert ended.placed
    assert placed(minor, rule=rule, held=old).placed
    assert placed(minor, claim("new", request(3)), rule=rule, held=old).node == "node-0"
    unscored = Profile(weights=tuple(pair for pair in Profile().weights if pair[0] != DYNAMIC_RESOURCES))
    assert placed(minor, new, rule=Rule(solver=FirstFit(), nodes=Kube(unscored)), held=old).placed


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("nodes", [Kube(), First(), Best()], ids=lambda nodes: nodes.name)
def test_a_search_out_of_time_ends_the_attempt_from_1_36_on(minor: str, nodes: First | Best | Kube) -> None:
    """Before, only its node is passed over, so that another may serve."""
    rule = Rule(solver=FirstFit(max_steps=4), nodes=nodes)
    ended = placed(minor, claim("c", request(5)), rule=rule)
    assert not ended.placed
    if release(minor).at_least("1.36"):
        assert ended.outcome == TimedOut("node node-0: timed out trying to allocate devices")
        assert ended.message == "node node-0: timed out trying to allocate devices"
    else:
        assert (ended.outcome, ended.status) == (TimedOut("timed out trying to allocate devices"), "timed_out")
        assert ended.reasons == {"timed out trying to allocate devices": 1, "cannot allocate all claims": 1}


@pytest.mark.parametrize("minor", MINORS)
def test_another_node_serves_where_one_ran_out_of_time(minor: str) -> None:
    """The first node's devices match no other, which takes longer to see than to take the second node's."""
    fleet = {"node-0": [device(f"d{i:02}", g=i) for i in range(12)], "node-1": [device(f"d{i}", g=0) for i in (0, 1)]}
    wanted = ask_with(Pod(), claim("c", request(2), match="gpu.example/g"))
    state = State(build(objects(fleet), release(minor)))
    rule = Rule(solver=FirstFit(max_steps=8), nodes=First())
    node = rule.place(Problem(state, (wanted,)), np.random.default_rng(0)).node
    assert node == (None if release(minor).at_least("1.36") else "node-1")
