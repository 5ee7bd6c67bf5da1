"""How the best devices of one node are found. Each solver searches with the reference, so what it finds is valid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer, Proof
from drapolicy.policies.kube import MAX_ALTERNATIVES
from drapolicy.policies.objective import Objective, Score
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit, Outcome, TimedOut
from drapolicy.problem.solution import Solution

MAX_STEPS = 2_000_000


@runtime_checkable
class Solver(Protocol):
    """Finds devices on one node.

    ``solve`` is called once for each node that is looked at, never concurrently on one problem; it must not change
    the problem. The reference decides whether a node has devices and whether the attempt aborts: a solver asks it
    first. It searches with :meth:`LocalProblem.search`, which is exhaustive in whatever order it is given, so that no
    policy makes a claim pending that has devices.

    Attributes
    ----------
    name
        For tables.
    seeded
        Whether devices depend on the random generator; such answers are not kept. A solver draws only once it knows
        that the node has devices, so that a node's refusal can be kept.
    """

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether answers depend on the generator."""
        ...

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the answer of one node."""
        ...


def rank_of(solution: Solution, local: LocalProblem) -> int:
    """Return the sum over requests with alternatives of 8 minus the chosen index (K8s S68)."""
    return sum(
        MAX_ALTERNATIVES - alternative
        for claim, alternatives in zip(local.claims, solution.alternatives, strict=True)
        for request, alternative in zip(claim.spec.devices.requests, alternatives, strict=True)
        if request.first_available
    )


def devices_of(solution: Solution) -> NDArray[np.intp]:
    """Return the distinct devices of a solution; ascending indices."""
    return np.array(sorted({entry.device.index for taken in solution.taken for entry in taken}), np.intp)


class _Accept:
    """Accepts the first solution with given alternatives, and remembers it."""

    def __init__(self, alternatives: tuple[tuple[int, ...], ...]) -> None:
        self.solution: Solution | None = None
        self._alternatives = alternatives

    def __call__(self, solution: Solution) -> bool:
        if self._alternatives != solution.alternatives:
            return False
        self.solution = solution
        return True


def answer_of(
    local: LocalProblem, objective: Objective, outcome: Outcome, solution: Solution | None, status: Proof = "feasible"
) -> Answer:
    """Return the answer that an outcome of the reference makes."""
    if not isinstance(outcome, Fits) or solution is None:
        proof: Proof = "infeasible" if isinstance(outcome, NoFit) else "not_found"
        return Answer(outcome, status="timed_out" if isinstance(outcome, TimedOut) else proof)
    score = objective.of(local, devices_of(solution)) if objective.levels else ()
    return Answer(outcome, score, status, rank_of(solution, local))


def first_fit(
    local: LocalProblem, objective: Objective, max_steps: int | None = MAX_STEPS
) -> tuple[Answer, Solution | None]:
    """Return the reference's answer, with its solution if the claims fit."""
    outcome, solution = local.first(max_steps)
    return answer_of(local, objective, outcome, solution), solution


@dataclass(frozen=True)
class FirstFit:
    """The devices that Kubernetes takes: the first in upstream's order that satisfy everything.

    Attributes
    ----------
    max_steps
        Limit of the search in calls of its recursive step; None for none. It stands for upstream's limit of 10
        seconds a node (K8s S70), because no result should depend on a clock.
    """

    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "first-fit"
    seeded: ClassVar[bool] = False

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the first devices that fit."""
        return first_fit(local, objective, self.max_steps)[0]


@dataclass(frozen=True)
class RandomOrder:
    """The first devices that fit in a random order, with the alternatives that the reference chooses."""

    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "random"
    seeded: ClassVar[bool] = True

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return devices that fit, each order of devices with the same chance."""
        first, solution = first_fit(local, objective, self.max_steps)
        if solution is None:
            return first
        accept = _Accept(solution.alternatives)
        outcome = local.search(rng.permutation(len(local.devices)).tolist(), accept, self.max_steps)
        # A selector that fails on a device which upstream never reaches decides nothing.
        return answer_of(local, objective, outcome, accept.solution) if isinstance(outcome, Fits) else first


@dataclass(frozen=True)
class Grow:
    """Grow a set from each device in turn, nearest devices first, and keep the best.

    Each start gives an order: the start, then the others by their links to it; the reference takes the first devices
    that fit in this order. The set found gives the next order, by links into the set, for a few rounds. Only sets with
    the alternatives that the reference chooses compete, as with :class:`Exact`.

    Attributes
    ----------
    rounds
        How often a set is grown again from itself.
    max_steps
        Limit of each search.

    Notes
    -----
    Time O(D (rounds + 1)) searches, extra memory O(D^2) for the links. Not exact. Ties go to the earlier start, so
    the result is deterministic. Growing from every device follows the greedy of NVIDIA's go-gpuallocator, which
    grows from one.
    """

    rounds: int = 2
    max_steps: int | None = 20_000
    name: ClassVar[str] = "grow"
    seeded: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.rounds < 0:
            message = f"solver grow: rounds {self.rounds} is negative; use 0 or more"
            raise InputError(message)

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the best set grown from any start."""
        best, solution = first_fit(local, objective)
        if solution is None or not objective.levels:
            return best
        links = local.links
        tried: set[tuple[int, ...]] = set()
        for start in np.flatnonzero(local.free & local.eligible.any(axis=0)).tolist():
            near = links[start].copy()
            near[start] = np.iinfo(np.int64).max
            for _ in range(self.rounds + 1):
                order = tuple(np.argsort(-near, kind="stable").tolist())
                if order in tried:
                    break
                tried.add(order)
                accept = _Accept(solution.alternatives)
                outcome = local.search(order, accept, self.max_steps)
                if accept.solution is None or not isinstance(outcome, Fits):
                    break
                found = answer_of(local, objective, outcome, accept.solution)
                if found.score > best.score:
                    best = found
                grown = devices_of(accept.solution)
                near = links[:, grown].sum(axis=1)
                near[grown] = np.iinfo(np.int64).max
        return best


@dataclass(frozen=True)
class Exact:
    """Look at every assignment and keep the best.

    Attributes
    ----------
    max_steps
        Limit of the search; at the limit the best so far is ``feasible``, not ``optimal``.

    Notes
    -----
    Exponential in the number of devices asked for. Prioritized lists keep Kubernetes' meaning: only assignments with
    the alternatives that the reference chooses compete. Ties go to the assignment that the reference finds first.
    """

    max_steps: int | None = 200_000
    name: ClassVar[str] = "exact"
    seeded: ClassVar[bool] = False

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the best assignment of the node."""
        best, solution = first_fit(local, objective)
        if solution is None or not objective.levels:
            return best
        wanted = solution.alternatives
        scores: dict[tuple[int, ...], Score] = {}

        def visit(candidate: Solution) -> bool:
            nonlocal best
            if candidate.alternatives != wanted:
                return False
            chosen = devices_of(candidate)
            key = tuple(chosen.tolist())
            if key not in scores:
                scores[key] = objective.of(local, chosen)
            if scores[key] > best.score:
                # Devices that cannot be written as an allocation would end the attempt, which the reference does not.
                written = local.written(candidate)
                if isinstance(written, Fits):
                    best = Answer(written, scores[key], rank=best.rank)
            return False

        outcome = local.search(visit=visit, max_steps=self.max_steps)
        return replace(best, status="optimal") if isinstance(outcome, NoFit) else best
