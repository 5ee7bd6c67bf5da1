"""The ordinary policy: an objective, a solver and a node rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.decide import decide
from drapolicy.policies.memory import Memory
from drapolicy.policies.nodes import Best, NodeRule
from drapolicy.policies.objective import Objective, Term, as_objective
from drapolicy.policies.solvers import Exact, Solver
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem

if TYPE_CHECKING:
    from drapolicy.policies.groups import GroupPolicy


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
    together
        How asks of a group are decided; None: one after the other by this rule.

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
    together: GroupPolicy | None = None

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
