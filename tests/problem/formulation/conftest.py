"""Random problems of all releases, and hard ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drapolicy.api import Objects
from drapolicy.api.resource import ResourceClaim
from drapolicy.inventory import build
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with

Drawn = Callable[[int, str], LocalProblem]
Made = Callable[..., Formulation]


@pytest.fixture
def drawn() -> Drawn:
    """Makes the random problem of a seed and a size, for each release in turn, with default gates and with all."""

    def make(seed: int, size: str) -> LocalProblem:
        release = RELEASES[seed % len(RELEASES)]
        case = problem(seed, size=size, release=release)
        fleet = build(case.objects, release)
        ask = ask_with(None, *case.claims)
        return Problem(State(fleet, case.existing), (ask,)).local(fleet.nodes.index[case.node.metadata.name], ask)

    return make


@pytest.fixture
def made() -> Made:
    """Makes the formulation of the first node of a fleet for some claims."""

    def make(objects: Objects, *claims: ResourceClaim) -> Formulation:
        ask = ask_with(None, *claims)
        formulation = Problem(State(build(objects)), (ask,)).local(0, ask).formulation
        assert isinstance(formulation, Formulation)
        return formulation

    return make
