"""The contract: every shipped policy keeps it, and each check has a policy that fails it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from random import SystemRandom

import msgspec
import numpy as np
import pytest

from drapolicy.api.resource import ResourceClaim
from drapolicy.policies import COMPARED, POLICIES
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.testing.contract import CHECKS, BrokenContract, check

FIRST_FIT = POLICIES["first-fit"]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("policy", POLICIES)
def test_shipped_policies_keep_the_contract(policy: str, name: str) -> None:
    """Each policy of the table passes each check."""
    CHECKS[name](POLICIES[policy], 60 if policy in COMPARED else 20)


def test_check_runs_all() -> None:
    """One call is the whole contract."""
    check(FIRST_FIT, cases=5)
    with pytest.raises(BrokenContract):
        check(Forgetful(), cases=30)


@dataclass(frozen=True)
class Broken:
    """First fit with one thing wrong; what exactly say those that inherit."""

    name: str = "broken"

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        return FIRST_FIT.place(problem, rng)


class Blind(Broken):
    """Takes the last devices of the node, whoever holds them and whatever they are."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        found = super().place(problem, rng)
        if found.node is None:
            return found
        site = problem.state.sites[problem.fleet.nodes.index[found.node]]
        last = site.devices[-1].id
        results = tuple(
            msgspec.structs.replace(
                result,
                devices=msgspec.structs.replace(
                    result.devices,
                    results=[
                        msgspec.structs.replace(r, driver=last.driver, pool=last.pool, device=last.device)
                        for r in result.devices.results
                    ],
                ),
            )
            for result in found.results
        )
        return replace(found, results=results)


class GivesUp(Broken):
    """Places nothing that needs more than one device."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        found = super().place(problem, rng)
        if sum(len(result.devices.results) for result in found.results) > 1:
            return replace(found, node=None, results=(), status="not_found", outcome=NoFit())
        return found


class Taker(Broken):
    """Takes the devices from the state itself."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        found = super().place(problem, rng)
        for result in found.results:
            problem.state.allocated.add(result)
        return found


class Pusher(Broken):
    """Moves the cursor of the state."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        problem.state.cursor += 1
        return super().place(problem, rng)


class Writer(Broken):
    """Writes into the claims."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        for claim in problem.ask.claims:
            claim.metadata.labels["seen"] = "yes"
        return super().place(problem, rng)


class Dice(Broken):
    """Draws from the system instead of the generator."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        return POLICIES["random"].place(problem, np.random.default_rng(SystemRandom().randrange(2**32)))


class ByName(Broken):
    """Prefers devices by a hash of their names."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        site = problem.state.sites[0]
        text = "".join(device.id.device for device in site.devices)
        return POLICIES["random"].place(problem, np.random.default_rng(list(text.encode())))


class Counting(Broken):
    """Decides by how often it was asked."""

    calls = 0

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        Counting.calls += 1
        return POLICIES["random"].place(problem, np.random.default_rng(Counting.calls))


class Fragile(Broken):
    """Says that it placed pods on a fleet that has no room for them."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        found = super().place(problem, rng)
        return found if found.placed else replace(found, node="node-0", outcome=Fits(()))


class Forgetful(Broken):
    """Leaves out the result of the last claim."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        found = super().place(problem, rng)
        return replace(found, results=found.results[:-1])


HASHED = '''
"""A policy that lets Python's hash of a text decide, which differs between processes."""
from dataclasses import dataclass

import numpy as np

from drapolicy.policies import POLICIES


@dataclass(frozen=True)
class Hashed:
    name: str = "broken"

    def place(self, problem, rng):
        return POLICIES["random"].place(problem, np.random.default_rng(abs(hash("hashed"))))
'''


BREAKS = {
    "placements_verify": [Blind(), Forgetful()],
    "nothing_feasible_is_left_pending": [GivesUp()],
    "inputs_stay_unchanged": [Taker(), Pusher(), Writer()],
    "same_seed_same_placement": [Dice(), Counting()],
    "engine_equals_policy": [Counting()],
    "renaming_only_renames": [ByName()],
    "small_problems_are_answered": [Fragile()],
    "unmet_claims_get_results": [Forgetful()],
}


@pytest.mark.parametrize(
    ("name", "policy"),
    [pytest.param(name, policy, id=f"{name}-{type(policy).__name__}") for name in BREAKS for policy in BREAKS[name]],
)
def test_a_broken_policy_fails(name: str, policy: Broken) -> None:
    """Each check finds the policy that breaks what it is about, and names it."""
    with pytest.raises(BrokenContract, match="broken"):
        CHECKS[name](policy, 60)


def test_other_processes_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that depends on the process is found."""
    (tmp_path / "hashed_policy.py").write_text(HASHED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    hashed = import_module("hashed_policy").Hashed()
    with pytest.raises(BrokenContract, match="broken: another process decides otherwise"):
        CHECKS["other_processes_agree"](hashed, 10)


def test_what_cannot_be_sent_is_not_asked_elsewhere() -> None:
    """A policy of a module that another process cannot import is no fault."""
    CHECKS["other_processes_agree"](Broken(), 2)


def test_every_check_is_broken_by_some_policy() -> None:
    """No check stands without a policy that fails it."""
    assert {*BREAKS, "other_processes_agree"} == CHECKS.keys()


def test_claims_of_a_case_are_not_shared_between_calls() -> None:
    """A policy that wrote into claims cannot spoil the next problem."""
    from drapolicy.testing.generate import problem

    one, other = problem(3).claims[0], problem(3).claims[0]
    assert isinstance(one, ResourceClaim)
    assert one == other
    assert one is not other
