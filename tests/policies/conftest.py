"""One node for solvers and objectives to be tried on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drapolicy.api import Objects
from drapolicy.api.resource import ResourceClaim
from drapolicy.inventory import build
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with

MakeLocal = Callable[..., LocalProblem]


@pytest.fixture
def local() -> MakeLocal:
    """Makes the local problem of a fleet's first node for some claims."""

    def make(objects: Objects, *claims: ResourceClaim, held: tuple[ResourceClaim, ...] = ()) -> LocalProblem:
        state = State(build(objects), held)
        ask = ask_with(None, *claims)
        return Problem(state, (ask,)).local(0, ask)

    return make
