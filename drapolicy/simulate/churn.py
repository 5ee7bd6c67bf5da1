"""A stream of asks over a fleet, a decision at a time: what comes, stays a while and goes, without a clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

import numpy as np

from drapolicy.api import Objects
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies import policy as policy_of
from drapolicy.problem.ask import asks
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.simulate.checking import claim_holding
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.workload import Workload


class Decider(Protocol):
    """What decides: a policy, or an engine that remembers for one."""

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask."""
        ...


@dataclass(frozen=True)
class Step:
    """One decision of a stream.

    Attributes
    ----------
    number
        Position in the stream, from 0.
    problem
        What was to be decided.
    placement
        What was decided.
    seconds
        How long deciding took; no result, it depends on the machine.
    state
        The fleet's state after it, which the next step changes.
    """

    number: int
    problem: Problem
    placement: Placement
    seconds: float
    state: State

    @property
    def held(self) -> Objects:
        """The claims that hold devices after this step, as :func:`drapolicy.place_all` takes them."""
        return Objects(claims=tuple(claim_holding(key, found) for key, found in self.state.held.items()))


def churn(
    fleet: Fleet, wanted: Objects, policy: str | Decider, *, steps: int, stay: int, seed: int = 0
) -> Iterator[Step]:
    """Play a stream: at each step one of some asks comes, is decided once, and leaves some steps later.

    What comes when, and how long it stays, depends on the seed alone, so that all policies play the same stream. What
    cannot be placed at once is lost.

    Parameters
    ----------
    fleet
        The fleet, empty at the start.
    wanted
        Pods and claims; each step takes a copy of one of them, drawn with the same chance.
    policy
        Name, policy, or an :class:`~drapolicy.policies.Engine`.
    steps
        Number of decisions.
    stay
        How many steps an ask stays on average; about as many run at a time.
    seed
        Of the stream and of the policy's draws.

    Raises
    ------
    InputError
        When there is nothing to draw from, nothing stays, or the number of steps is negative.
    """
    decider: Decider = policy_of(policy) if isinstance(policy, str) else policy
    names = [ask.name for ask in asks(wanted)]
    if not names or stay < 1 or steps < 0:
        message = (
            f"churn: {steps} steps with {len(names)} asks that stay {stay}; give 0 or more steps, the rest from 1 on"
        )
        raise InputError(message)
    world, own = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    drawn = world.integers(len(names), size=steps).tolist()
    stays = world.geometric(1 / stay, size=steps).tolist()
    workload = Workload(wanted, tuple(Arrival(n, stays[n], names[drawn[n]]) for n in range(steps)))
    state = State(fleet)
    leaving: list[tuple[int, str]] = []
    for number, arrival in enumerate(workload.arrivals):
        while leaving and leaving[0][0] <= number:
            state.apply(Finish(heappop(leaving)[1]))
        ask = workload.ask(arrival, number)
        problem = Problem(state, (ask,))
        before = time.perf_counter()
        placement = decider.place(problem, own)
        seconds = time.perf_counter() - before
        state.cursor = placement.cursor
        if placement.node is not None:
            state.apply(Start(ask, placement.node, placement.results))
            heappush(leaving, (number + stays[number], ask.name))
        yield Step(number, problem, placement, seconds, state)
