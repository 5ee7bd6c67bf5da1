"""What a solver and an objective see of a node."""

from __future__ import annotations

from typing import Any

import numpy as np

from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Start
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask, ask_with, claim, device, objects, request
from drapolicy.workload import fleet

OF = f"device.attributes['{DRIVER}']"


def started(state: State, wanted: Ask) -> list[str]:
    placement = POLICIES["first-fit"].place(Problem(state, (wanted,)), np.random.default_rng(0))
    assert placement.node is not None
    state.apply(Start(wanted, placement.node, placement.results))
    return [r.device for result in placement.results for r in result.devices.results]


def local(state: State, *claims: Any) -> LocalProblem:
    wanted = ask_with(None, *claims)
    return Problem(state, (wanted,)).local(0, wanted)


def mixed() -> State:
    made = [device("a", size=1), device("b", size=2), device("c"), device("d", size=2)]
    return State(build(objects({"node-0": made})))


def test_free_and_left_follow_the_state() -> None:
    """What is held is neither free nor left, whatever is chosen."""
    state = mixed()
    assert started(state, ask("x", 1)) == ["a"]
    node = local(state, claim("c", request()))
    assert node.free.tolist() == [False, True, True, True]
    assert node.left(np.array([2])).tolist() == [1, 3]
    assert node.placeable().tolist() == [False, True, True, True]
    assert node.placeable(node.left(np.array([2]))).tolist() == [False, True, False, True]


def test_groups_number_the_values_of_an_attribute() -> None:
    """By first occurrence, -1 where it is missing; short names know drivers' own spellings."""
    groups = local(mixed(), claim("c", request())).groups
    assert groups[f"{DRIVER}/size"].tolist() == [0, 1, -1, 1]
    assert groups["numa"].tolist() == [-1] * 4
    assert sorted(groups) == ["numa", "pcieRoot"]


def test_counters_say_what_still_fits() -> None:
    """After one partition of a GPU its whole is no longer placeable, the other GPUs are."""
    state = State(fleet("a100-mig"))
    small = claim("m", request(1, "device.attributes['gpu.nvidia.com'].profile == '1g.5gb'", cls="mig.nvidia.com"))
    started(state, ask_with(None, small, name="test/m"))
    node = local(state, claim("c", request(cls="gpu.nvidia.com")))
    whole = [d.index for d in node.devices if "mig" not in d.id.device]
    assert node.placeable()[whole].tolist() == [False, True, True, True]
    left = node.left(np.array(whole[1:2]))
    assert node.placeable(left)[whole].tolist() == [False, False, True, True]
    assert (node.draws[whole[0]] > 0).any()
    assert (node.counters >= 0).all()
