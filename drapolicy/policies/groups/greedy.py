"""Asks one after the other, each by a rule; groups that stay too small are taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.engine import Engine
from drapolicy.policies.groups.kinds import Kinds
from drapolicy.policies.groups.together import Together, levels_of, values_of
from drapolicy.policies.objective import as_objective
from drapolicy.policies.rule import Policy, Rule
from drapolicy.problem.ask import Ask, devices_of
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.outcome import NoFit
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem

ORDERS = ("given", "largest")


@dataclass(frozen=True)
class Greedy:
    """Each ask gets the node and devices that are best for it alone, in the state that those before left.

    Attributes
    ----------
    rule
        Decides each ask.
    order
        Order of a group's asks: ``given``, or ``largest``, most devices first.
    """

    rule: Policy = field(default_factory=Rule)
    order: Literal["given", "largest"] = "given"

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            message = f"greedy: order {self.order!r}; use one of {', '.join(ORDERS)}"
            raise InputError(message)

    @property
    def name(self) -> str:
        """Name for tables."""
        return f"greedy-{self.order}/{self.rule.name}"

    def decide(self, problem: Problem, rng: np.random.Generator, engine: Engine | None = None) -> Together:
        """Return what is decided of all asks.

        Parameters
        ----------
        engine
            Engine of the rule and the fleet, if there is one already.
        """
        kinds, state = Kinds.of(problem), problem.state
        engine = engine or Engine(problem.fleet, self.rule)
        found: list[Placement] = []
        decided: list[int] = []
        with state.trial():
            for group in kinds.groups:
                order = list(range(len(group.asks)))
                if self.order == "largest":
                    order.sort(key=lambda a: -devices_of(group.asks[a]))
                own: dict[int, Placement] = {}
                with state.trial():
                    for a in order:
                        own[a] = engine.place(Problem(state, (group.asks[a],)), rng)
                        self._start(problem, group.asks[a], own[a])
                if sum(placement.placed for placement in own.values()) >= group.at_least:
                    for a in order:
                        self._start(problem, group.asks[a], own[a])
                else:
                    own = {a: _withdrawn(placement, group) for a, placement in own.items()}
                decided += [len(found) + a for a in order]
                found += [own[a] for a in range(len(group.asks))]
        objective = as_objective(self.rule.objective if isinstance(self.rule, Rule) else None)
        values = values_of(problem, kinds, found, objective, decided)
        bounds = (None,) * len(values)
        levels = levels_of(objective)
        return Together(self.name, tuple(found), levels, values, bounds, "feasible", "greedy", order=tuple(decided))

    @staticmethod
    def _start(problem: Problem, ask: Ask, placement: Placement) -> None:
        if placement.node is not None:
            problem.state.apply(Start(ask, placement.node, placement.results))
            problem.state.cursor = placement.cursor


def _withdrawn(placement: Placement, group: Group) -> Placement:
    """Return the placement of an ask whose group stays too small."""
    if placement.node is None:
        return placement
    reason = f"no devices for {group.at_least} asks of its group"
    return Placement(
        placement.ask,
        placement.policy,
        None,
        (),
        "timed_out",
        NoFit(),
        reasons={reason: placement.considered},
        considered=placement.considered,
        path=placement.path,
        unmodelled=placement.unmodelled,
    )
