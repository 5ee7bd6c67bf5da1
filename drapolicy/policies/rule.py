"""The ordinary policy: an objective, a solver and a node rule; and the engine that remembers its answers."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import msgspec.structs
import numpy as np

from drapolicy.api.resource import AllocationResult
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies.cycle import Cycle, CycleEndError
from drapolicy.policies.kube import unmodelled
from drapolicy.policies.memory import Memory
from drapolicy.policies.nodes import Best, Choice, NodeRule
from drapolicy.policies.objective import Objective, Term, as_objective
from drapolicy.policies.solvers import Exact, Solver
from drapolicy.problem.ask import Ask
from drapolicy.problem.outcome import Abort, Fits, NoFit, Outcome, TimedOut
from drapolicy.problem.placement import Placement, Status
from drapolicy.problem.problem import Problem

KEPT_ANSWERS = 200_000


@runtime_checkable
class Policy(Protocol):
    """Decides where an ask goes and which devices it gets.

    ``place`` is called once a decision, from one thread; it must not change the problem. The same problem and the same
    state of the generator give the same placement, in any process (G9).
    """

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask."""
        ...


@dataclass(frozen=True)
class Rule:
    """A policy made of an objective, a solver and a node rule.

    Attributes
    ----------
    objective
        What is better; a term, a sum of terms, or several in order. None: the first that fits is the best.
    solver
        How devices of one node are found.
    nodes
        Which node is taken.
    name
        For tables; by default made of the parts' names.

    Examples
    --------
    >>> from drapolicy.policies import FirstFit, First
    >>> Rule(solver=FirstFit(), nodes=First()).name
    'first-fit/first'
    """

    objective: Objective | Term | None = None
    solver: Solver = field(default_factory=Exact)
    nodes: NodeRule = field(default_factory=Best)
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "objective", as_objective(self.objective))
        for field_name, part, kind, example in (
            ("solver", self.solver, Solver, "Exact()"),
            ("nodes", self.nodes, NodeRule, "Best()"),
        ):
            if isinstance(part, type) or not isinstance(part, kind):
                message = f"rule: {field_name} {part!r} is no {kind.__name__}; use for example {example}"
                raise InputError(message)
        if not self.name:
            object.__setattr__(self, "name", f"{self.solver.name}/{self.nodes.name}")

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask."""
        return decide(self, problem, rng, Memory(0))


class Engine:
    """Decides as its policy does, and remembers what nodes answered until they change.

    One engine serves one fleet and one policy; it owns every cache (decision 2). Whatever it remembers, its
    placements are those of ``policy.place``.

    Parameters
    ----------
    fleet
        The fleet that all problems are about.
    policy
        A :class:`Rule`, or any object with ``place``: then nothing can be remembered.
    answers
        How many answers are kept.
    """

    def __init__(self, fleet: Fleet, policy: Policy, *, answers: int = KEPT_ANSWERS) -> None:
        self.fleet = fleet
        self.policy = policy
        self.memory = Memory(answers)

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask.

        Raises
        ------
        InputError
            When the problem is about another fleet.
        """
        if problem.fleet is not self.fleet:
            message = "engine: the problem is about another fleet; make an engine for it"
            raise InputError(message)
        if isinstance(self.policy, Rule):
            return decide(self.policy, problem, rng, self.memory)
        return self.policy.place(problem, rng)


def decide(rule: Rule, problem: Problem, rng: np.random.Generator, memory: Memory) -> Placement:
    """Return what a rule decides, with or without memory."""
    ask = problem.ask
    objective = as_objective(rule.objective)
    cycle = Cycle(problem, rule.solver, objective, rng, memory)
    stopped: Outcome | None = Abort(ask.blocked) if ask.blocked else cycle.missing_class()
    choice: Choice | None = None
    if stopped is None:
        try:
            choice = rule.nodes.choose(cycle, rng)
        except CycleEndError as end:
            stopped = end.outcome

    def placement(
        node: str | None, status: Status, outcome: Outcome, reasons: Mapping[str, int], score: Mapping[str, int]
    ) -> Placement:
        return Placement(
            ask.name,
            rule.name,
            node,
            outcome.results if isinstance(outcome, Fits) else (),
            status,
            outcome,
            score,
            reasons,
            considered=cycle.considered,
            cursor=cycle.cursor,
            path="cached" if cycle.recalled else "reference",
            unmodelled=() if ask.pod is None else unmodelled(ask.pod, memory.surroundings(problem.fleet)),
        )

    if choice is None:
        outcome = stopped or cycle.node_error or cycle.timed_out or NoFit()
        return placement(None, _status(outcome), outcome, {} if stopped else dict(cycle.reasons), {})
    assert isinstance(choice.answer.outcome, Fits)
    results = _with_own_shares(ask, choice.answer.outcome.results, problem.state.version)
    score = dict(choice.scores)
    if objective.levels and results:
        local = problem.local(choice.node, ask)
        score |= objective.by_term(local, local.indices(results))
    # The best of several nodes is known only where all were looked at and each is known to have given its best.
    alone = len(cycle) == 1 or isinstance(rule.nodes, Best)
    status: Status = "optimal" if alone and cycle.proved and choice.answer.status == "optimal" else "feasible"
    return placement(problem.fleet.nodes.names[choice.node], status, Fits(results), dict(cycle.reasons), score)


def _status(outcome: Outcome) -> Status:
    if isinstance(outcome, TimedOut):
        return "timed_out"
    return "infeasible" if isinstance(outcome, NoFit) else "not_found"


def _with_own_shares(ask: Ask, results: Iterable[AllocationResult], version: int) -> tuple[AllocationResult, ...]:
    """Give every share an id of its own, made of the ask and the state's version: the same in any process."""
    made = []
    number = 0
    for result in results:
        devices = []
        for device in result.devices.results:
            if device.share_id is not None:
                seed = f"{ask.name}\n{version}\n{number}".encode()
                share = str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))
                device = msgspec.structs.replace(device, share_id=share)
                number += 1
            devices.append(device)
        made.append(msgspec.structs.replace(result, devices=msgspec.structs.replace(result.devices, results=devices)))
    return tuple(made)
