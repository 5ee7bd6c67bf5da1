"""Amounts that must not exceed what there is: capacities of shares and shared counters, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pulp

from drapolicy.policies.solvers.ilp.choices import Choices

MOST_WEIGHT = 2**15
"""Greatest coefficient of a row: a solver's variable may be a millionth beside an integer."""


class _Load(NamedTuple):
    """Amounts that must not exceed what there is, exactly."""

    name: str
    amounts: dict[str, int]
    room: int


class Amounts:
    """Rows of amounts; those too fine for a solver's floats are coarser, cut nothing off, and are made exact by cuts.

    Parameters
    ----------
    choices
        The programme to which rows are added.
    """

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._loads: list[_Load] = []
        f = choices.formulation
        for d, rows in choices.holders.items():
            for c in range(f.room.shape[1] if f.shared[d] else 0):
                amounts = {choices.given[r, d].name: int(f.amounts[r, d, c]) for r in rows}
                self._load(f"room_{d}_{c}", amounts, int(f.room[d, c]))
        self._counters()

    def _counters(self) -> None:
        f = self._choices.formulation
        for k in range(f.counters.size):
            amounts: dict[str, int] = {}
            for d, rows in self._choices.holders.items():
                draw = int(f.draws[d, k])
                if draw and f.shared[d] and not f.draws_each:
                    amounts[self._choices.used(d).name] = draw
                elif draw:
                    amounts |= {self._choices.given[r, d].name: draw for r in rows}
            if f.counters[k] < 0:
                amounts = {x.name: 0 for x in self._choices.given.values()}
            self._load(f"counter_{k}", amounts, int(f.counters[k]))

    def _load(self, name: str, amounts: Mapping[str, int], room: int) -> None:
        own = {x: amount for x, amount in amounts.items() if amount}
        if room < 0:
            # Nothing may be taken, not even what takes nothing.
            for x in amounts:
                self._choices.named(x).upBound = 0
            return
        if sum(amount * self._choices.named(x).upBound for x, amount in own.items()) <= room:
            return
        largest = max(map(abs, own.values()))
        coarse = -(-largest // MOST_WEIGHT)
        # Cut-off parts are cut off what there is too, so that no solution is lost.
        row = pulp.lpSum((amount // coarse) * self._choices.named(x) for x, amount in own.items())
        self._choices.require(row <= room // coarse, name)
        if coarse > 1:
            self._loads.append(_Load(name, own, room))

    def cut(self, values: Mapping[str, float]) -> bool:
        """Add rows that refuse a solution whose exact amounts are too large."""
        found = False
        for load in self._loads:
            if sum(amount * int(values[x]) for x, amount in load.amounts.items()) <= load.room:
                continue
            found = True
            name = f"{load.name}_cut_{len(self._choices.problem.constraints())}"
            reached = []
            for x in load.amounts:
                variable, value = self._choices.named(x), int(values[x])
                if value and variable.upBound <= 1:
                    reached.append(variable)
                elif value:
                    flag = self._choices.variable(f"{name}_{x}")
                    self._choices.require(variable <= value - 1 + (variable.upBound - value + 1) * flag, f"{name}_{x}")
                    reached.append(flag)
            self._choices.require(pulp.lpSum(reached) <= len(reached) - 1, name)
        return found
