"""What is decided of asks that are decided together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from drapolicy.policies.groups.kinds import Kinds
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import first_fit, rows_of
from drapolicy.problem.ask import Ask
from drapolicy.problem.decided import seated
from drapolicy.problem.events import Start
from drapolicy.problem.formulation import Formulation, first, fixed, narrowed
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.placement import Placement, Status
from drapolicy.problem.problem import Problem


@dataclass(frozen=True)
class Together:
    """Placements of all asks of a problem, and how good they are at most.

    Attributes
    ----------
    policy
        Name of the policy.
    placements
        One an ask, in the order of the problem.
    levels
        What each of ``values`` is: ``asks placed``, for gangs ``distance``, and the levels of the objective.
    values
        Asks that are placed, then the levels of the objective, each the sum over these asks; more is better. Asks of
        one node are scored one after the other, kinds in the order of the problem.
    bounds
        No placement has a greater value in a level while it is as good in those before; None where nothing is known.
    status
        ``optimal`` when each value is its bound, ``infeasible`` when it is known that nothing can be placed.
    path
        ``patterns`` or ``greedy``.
    why
        Why another path than the policy's own was taken; empty where it was not.
    effort
        What it took, by name: states, columns, rounds.
    order
        Positions of the asks in the order in which they start, where that matters: claims that several use are
        allocated by the first.
    """

    policy: str
    placements: tuple[Placement, ...]
    levels: tuple[str, ...]
    values: tuple[int, ...]
    bounds: tuple[int | None, ...]
    status: Status
    path: str
    why: str = ""
    effort: Mapping[str, int] | None = None
    order: tuple[int, ...] = ()

    @property
    def gaps(self) -> tuple[float | None, ...]:
        """How far each value may be from the best, as part of its bound: (bound - value) / abs(bound)."""
        pairs = zip(self.values, self.bounds, strict=True)
        return tuple(None if b is None else (b - v) / max(1, abs(b)) for v, b in pairs)

    @property
    def score(self) -> dict[str, int]:
        """The objective's terms by name, each the sum over the asks that are placed."""
        found: dict[str, int] = {}
        for placement in self.placements:
            for name, value in placement.score.items():
                found[name] = found.get(name, 0) + value
        return found

    @property
    def placed(self) -> int:
        """Number of asks that are placed."""
        return sum(placement.placed for placement in self.placements)

    def events(self, problem: Problem) -> tuple[Start, ...]:
        """Return what happens when the placements of a problem are carried out."""
        order = self.order or range(len(self.placements))
        pairs = ((problem.asks[a], self.placements[a]) for a in order)
        return tuple(Start(ask, placed.node, placed.results) for ask, placed in pairs if placed.node is not None)


@runtime_checkable
class GroupPolicy(Protocol):
    """Decides groups of asks. ``decide`` must not change the problem's state."""

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    def decide(self, problem: Problem, rng: np.random.Generator) -> Together:
        """Return what is decided of all asks."""
        ...


def levels_of(objective: Objective, *before: str) -> tuple[str, ...]:
    """Return what each of the values of a group is."""
    return "asks placed", *before, *objective.names


class Seat(NamedTuple):
    """Where an ask goes: position of the node, and devices ascending."""

    node: int
    devices: tuple[int, ...]


def written(
    problem: Problem, kinds: Kinds, seats: Mapping[int, Seat], objective: Objective, policy: str, *, proved: bool
) -> tuple[tuple[Placement, ...], tuple[int, ...]]:
    """Return placements as Kubernetes writes them, each made by the reference, and the values of all together.

    Parameters
    ----------
    seats
        By position of the ask.
    policy
        Name of the policy.
    proved
        Whether it is known that no more asks can be placed.
    """
    state, names = problem.state, problem.fleet.nodes.names
    found: dict[int, Placement] = {}
    values = np.zeros(1 + len(objective.levels), object)
    kind_of = [kind for own in kinds.of_ask for kind in own]
    with state.trial():
        for a in sorted(seats, key=lambda a: (seats[a].node, kind_of[a], a)):
            ask, seat = problem.asks[a], seats[a]
            local = Problem(state, (ask,)).local(seat.node, ask)
            outcome = _seated(local, seat.devices) if ask.claims else Fits(())
            chosen = local.indices(outcome.results)
            values += np.array([1, *(objective.of(local, chosen) if ask.claims else objective.neutral)], object)
            score = objective.by_term(local, chosen) if objective.levels and ask.claims else {}
            node = names[seat.node]
            found[a] = Placement(ask.name, policy, node, outcome.results, "feasible", outcome, score, path="together")
            state.apply(Start(ask, node, outcome.results))
    group_of = [g for g, group in enumerate(kinds.groups) for _ in group.asks]
    filled = {group_of[a] for a in found}
    placements = tuple(
        found.get(a)
        or _pending(
            problem, ask, policy, 1 if group_of[a] in filled else kinds.groups[group_of[a]].at_least, proved=proved
        )
        for a, ask in enumerate(problem.asks)
    )
    return placements, tuple(map(int, values))


def _seated(local: LocalProblem, devices: Sequence[int]) -> Fits:
    """Return the allocation of just these devices, or, should the reference refuse them, of the first that fit."""
    answer, solution = first_fit(local, Objective())
    formulation = local.formulation
    assert isinstance(formulation, Formulation)
    assert solution is not None
    within = narrowed(fixed(formulation, rows_of(local, solution)), sum(1 << d for d in devices))
    assignment = first(within, None).assignment
    found = None if assignment is None else seated(local, assignment)
    outcome = answer.outcome if found is None else found[0]
    assert isinstance(outcome, Fits)
    return outcome


def _pending(problem: Problem, ask: Ask, policy: str, least: int, *, proved: bool) -> Placement:
    """Return the placement of an ask that gets nothing; ``least``: how many of its group would have been needed."""
    reason = f"no devices for {least} asks of its group" if least > 1 else "no devices left beside the other asks"
    status: Status = "infeasible" if proved else "timed_out"
    candidates = problem.fleet.nodes.candidates
    return Placement(
        ask.name, policy, None, (), status, NoFit(), reasons={ask.blocked or reason: candidates}, path="together"
    )


def values_of(
    problem: Problem, kinds: Kinds, placements: Sequence[Placement], objective: Objective, order: Sequence[int]
) -> tuple[int, ...]:
    """Return the values of placements, as :attr:`Together.values` counts them.

    Parameters
    ----------
    order
        Positions of the asks in the order in which they were decided: that counts where asks use claims together.
    """
    kind_of = [kind for own in kinds.of_ask for kind in own]
    state, at = problem.state, problem.fleet.nodes.index
    values = np.zeros(1 + len(objective.levels), object)
    placed = [(a, at[node]) for a in order if (node := placements[a].node) is not None]
    if all(len(placements[a].results) == len(problem.asks[a].claims) for a, _ in placed):
        placed.sort(key=lambda entry: (entry[1], kind_of[entry[0]], entry[0]))
    with state.trial():
        for a, n in placed:
            ask, results = problem.asks[a], placements[a].results
            local = Problem(state, (ask,)).local(n, ask)
            own = objective.of(local, local.indices(results)) if results else objective.neutral
            values += np.array([1, *own], object)
            state.apply(Start(ask, problem.fleet.nodes.names[n], results))
    return tuple(map(int, values))
