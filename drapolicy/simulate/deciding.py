"""What is decided of a unit: placements of the asks that start now, or why none does."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drapolicy.api.resource import AllocationResult
from drapolicy.policies import Engine, Policy, Rule
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.outcome import NoFit, TimedOut
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.simulate.queue import Unit

if TYPE_CHECKING:
    from drapolicy.policies.groups import GroupPolicy


class Begin(NamedTuple):
    """One ask of a unit that starts.

    Attributes
    ----------
    position
        Its position in the unit.
    node, results
        Its node, and an allocation for each of its claims that has none.
    unmodelled
        What its pod uses that the node choice does not model.
    """

    position: int
    node: str
    results: tuple[AllocationResult, ...]
    unmodelled: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """What is decided of a unit.

    Attributes
    ----------
    begins
        Asks that start, in order; none where the unit waits on.
    reason
        Why it waits on; empty where something starts.
    unmodelled
        What pods that wait on use that the node choice does not model.
    alike
        Whether every other unit of its line would be refused too.
    victims
        Names of asks that are taken off their nodes for it.
    """

    begins: tuple[Begin, ...]
    reason: str = ""
    unmodelled: tuple[str, ...] = ()
    alike: bool = True
    victims: tuple[str, ...] = ()

    @property
    def starts(self) -> bool:
        """Whether anything starts."""
        return bool(self.begins)


class Decider:
    """Asks a policy about units.

    Parameters
    ----------
    state
        The state that units start in.
    policy
        Decides asks.
    groups
        Decides asks of groups together. None for one ask after the other by ``policy``, each in the state that those
        before leave: all of them start or, with fewer than the group wants, none (as Kubernetes, K8s S80).
    rng
        The policy's own draws.

    Attributes
    ----------
    decisions
        How often a policy was asked.
    seconds
        How long that took.
    times
        How long each took, in seconds.
    engine
        What remembers for the policy.
    is_rule
        Whether the policy looks at nothing but its problem.
    """

    def __init__(self, state: State, policy: Policy, groups: GroupPolicy | None, rng: np.random.Generator) -> None:
        self.engine = Engine(state.fleet, policy)
        self.decisions = 0
        self.seconds = 0.0
        self.times = array("d")
        self._state = state
        self._groups = groups
        self._rng = rng
        self.is_rule = isinstance(policy, Rule)

    def decide(self, unit: Unit, now_ns: int) -> Verdict:
        """Return what the policy says of a unit; the state is as before."""
        if len(unit.asks) > 1:
            return self._together(unit, now_ns)
        placement = self._place(unit.asks[0], now_ns)
        self._state.cursor = placement.cursor
        if placement.node is None:
            return Verdict((), placement.message, placement.unmodelled, self._alike(placement))
        return Verdict((Begin(0, placement.node, placement.results, placement.unmodelled),))

    def fits(self, unit: Unit, now_ns: int) -> bool:
        """Tell whether a unit could start now; the cursor stays where it is."""
        cursor = self._state.cursor
        found = self.decide(unit, now_ns).starts
        self._state.cursor = cursor
        return found

    def _alike(self, placement: Placement) -> bool:
        # What names the claim is told of this one alone; who is no rule may look at anything.
        return self.is_rule and isinstance(placement.outcome, NoFit | TimedOut)

    def _clock(self, seconds: float) -> None:
        self.seconds += seconds
        self.times.append(seconds)
        self.decisions += 1

    def _place(self, ask: Ask, now_ns: int) -> Placement:
        problem = Problem(self._state, (ask,), now_ns)
        before = time.perf_counter()
        placement = self.engine.place(problem, self._rng)
        self._clock(time.perf_counter() - before)
        return placement

    def _together(self, unit: Unit, now_ns: int) -> Verdict:
        placements, order = self._one_by_one(unit, now_ns) if self._groups is None else self._jointly(unit, now_ns)
        begins = tuple(
            Begin(at, p.node, p.results, p.unmodelled) for at in order if (p := placements[at]).node is not None
        )
        if len(begins) >= max(1, unit.at_least):
            if self._groups is None:
                self._state.cursor = placements[-1].cursor
            return Verdict(begins)
        refused = [placement for placement in placements if placement.node is None]
        unmodelled = tuple(dict.fromkeys(what for placement in placements for what in placement.unmodelled))
        alike = self._groups is not None or all(map(self._alike, refused))
        return Verdict((), f"{len(begins)} of {len(unit.asks)} fit together; {refused[0].message}", unmodelled, alike)

    def _one_by_one(self, unit: Unit, now_ns: int) -> tuple[list[Placement], Sequence[int]]:
        found: list[Placement] = []
        with self._state.trial():
            for ask in unit.asks:
                placement = self._place(ask, now_ns)
                found.append(placement)
                self._state.cursor = placement.cursor
                if placement.node is not None:
                    self._state.apply(Start(ask, placement.node, placement.results))
                elif len(found) - sum(p.node is not None for p in found) > len(unit.asks) - max(1, unit.at_least):
                    break  # too few are left
        return found, range(len(found))

    def _jointly(self, unit: Unit, now_ns: int) -> tuple[list[Placement], Sequence[int]]:
        assert self._groups is not None
        problem = Problem.of_groups(self._state, [Group(unit.asks, unit.at_least)], now_ns)
        before = time.perf_counter()
        together = self._groups.decide(problem, self._rng)
        self._clock(time.perf_counter() - before)
        return list(together.placements), together.order or range(len(together.placements))
