"""Questions that take upstream's search for ever: decided at once, with a proof where nothing fits."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from drapolicy.api.resource import ResourceClaim
from drapolicy.inventory import build
from drapolicy.policies import Exact, FirstFit, Grow, Objective, RandomOrder, inside
from drapolicy.policies.solvers import LocalSearch, Portfolio
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import NoFit
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.release import MINORS, release
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, objects, request

GROUP = f"{DRIVER}/group"
SOLVERS = (FirstFit(), RandomOrder(), Grow(), Exact(), LocalSearch(), Portfolio())


def local(devices: int, group: int, wanted: ResourceClaim, minor: str = "1.37") -> LocalProblem:
    made = [device(f"d{number:03}", group=number // group) for number in range(devices)]
    ask = ask_with(None, wanted)
    return Problem(State(build(objects({"node-0": made}), release(minor))), (ask,)).local(0, ask)


def each(count: int, match: str = "") -> ResourceClaim:
    """Return a claim of so many requests for one device."""
    wanted = [msgspec.structs.replace(request(1), name=f"r{number}") for number in range(count)]
    return claim("c", *wanted, match=match)


# One request of one device more than there are; as many requests as devices and one; the same in each of two groups;
# eight devices of one group, as requests and as a count, where groups have seven at most.
HARD = {
    "A": (31, 31, claim("c", request(32))),
    "B": (20, 20, each(21)),
    "C": (62, 31, claim("c", request(32), match=GROUP)),
    "D": (16, 7, each(8, GROUP)),
    "E": (16, 7, claim("c", request(8), match=GROUP)),
}


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_nothing_fits_and_that_is_proved(solver: Any, case: str, minor: str) -> None:
    """In every release, within a few hundred steps of the reference's search."""
    node = local(*HARD[case], minor)
    answer = solver.solve(node, Objective().then(inside), np.random.default_rng(0))
    assert (answer.outcome, answer.status) == (NoFit(), "infeasible")
    assert node._allocator.steps <= 300


@pytest.mark.parametrize("wanted", [each(8, GROUP), claim("c", request(8), match=GROUP)], ids=["D", "E"])
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_one_group_more_fits(solver: Any, wanted: ResourceClaim) -> None:
    """With groups of eight the same claims have devices, all of one group."""
    node = local(16, 8, wanted)
    answer = solver.solve(node, Objective().then(inside), np.random.default_rng(0))
    assert answer.fits
    chosen = node.indices(answer.outcome.results)
    assert len(set((chosen // 8).tolist())) == 1


def test_a_limit_that_is_asked_for_is_kept() -> None:
    """A search limited to few steps says that it was stopped, as upstream's would."""
    answer = FirstFit(max_steps=20).solve(local(*HARD["D"]), Objective(), np.random.default_rng(0))
    assert answer.status == "timed_out"
