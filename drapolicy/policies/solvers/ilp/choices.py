"""Which row of each request counts and which devices it gets: the variables of a programme, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pulp

from drapolicy.problem.formulation import Assignment, Formulation


class Choices:
    """A programme that gives each request one of its rows, and the row as many devices as it needs.

    Parameters
    ----------
    formulation
        The rules; requests may have several rows each, of which the programme chooses one.
    name
        Of the programme.

    Attributes
    ----------
    problem
        The programme, without an objective.
    given
        Variables by row and device: whether the row gets the device, or how often.
    choice
        Variables by row, 1 for the chosen row of its request; the number 1 where a request has one row only.
    holders
        Rows that may have a device, by device.
    number
        Position of the request of each row.
    follow
        Names of continuous variables that follow from the others.

    Notes
    -----
    Variables are named ``x_ROW_DEVICE``, ``choice_ROW`` and ``used_DEVICE``, rows of the programme by their rule.
    """

    def __init__(self, formulation: Formulation, name: str = "node") -> None:
        self.formulation = f = formulation
        self.problem = pulp.LpProblem(name, pulp.LpMaximize)
        self.problem.setObjective(pulp.LpAffineExpression())
        self.given: dict[tuple[int, int], Any] = {}
        self.follow: set[str] = set()
        self.choice: dict[int, Any] = {}
        self.holders: dict[int, list[int]] = {}
        self._used: dict[int, Any] = {}
        self._variables: dict[str, Any] = {}
        self.number = {r: i for i, choices in enumerate(f.requests) for r in choices}
        for choices in f.requests:
            self._request(choices)
        self._limits()

    def variable(self, name: str, most: int = 1) -> Any:
        """Return a new integer variable from 0 on."""
        made = self._variables[name] = self.problem.add_variable(name, 0, most, pulp.LpInteger)
        return made

    def named(self, name: str) -> Any:
        """Return the variable of a name."""
        return self._variables[name]

    def implied(self, name: str) -> Any:
        """Return a new variable from 0 to 1 that is an integer wherever all others are."""
        made = self._variables[name] = self.problem.add_variable(name, 0, 1, pulp.LpContinuous)
        self.follow.add(name)
        return made

    def require(self, row: Any, name: str) -> None:
        """Add a row, a comparison of expressions; one of mere numbers may be True or False."""
        if row is True:
            return
        if row is False:
            row = pulp.LpAffineExpression(constant=1) <= 0
        self.problem.addConstraint(row, name)

    @property
    def devices(self) -> list[int]:
        """Devices that any row may have, ascending."""
        return sorted(self.holders)

    def used(self, d: int) -> Any:
        """Return the variable that is 1 if and only if any row has a device."""
        if d not in self._used:
            own = [self.given[r, d] for r in self.holders[d]]
            if len(own) == 1 and own[0].upBound <= 1:
                self._used[d] = own[0]
                return own[0]
            self._used[d] = used = self.variable(f"used_{d}")
            total = pulp.lpSum(own)
            if self._once(d):
                self.require(total == used, f"used_{d}")
            else:
                for r, x in zip(self.holders[d], own, strict=True):
                    self.require(x <= x.upBound * used, f"used_{d}_by_{r}")
                self.require(used <= total, f"used_{d}_at_all")
        return self._used[d]

    def _once(self, d: int) -> bool:
        """Return whether one row at most has a device, once."""
        return not self.formulation.shared[d] and not any(self.formulation.rows[r].admin for r in self.holders[d])

    def at_most_one(self, name: str, cells: Iterable[tuple[int, int]]) -> None:
        """Add the row that a device goes to one of some rows at most, once; cells are rows and devices."""
        own = [self.given[cell] for cell in cells]
        if len(own) > 1 or any(x.upBound > 1 for x in own):
            self.require(pulp.lpSum(own) <= 1, name)

    def never(self, r: int, d: int) -> None:
        """Let a row not have a device."""
        self.given[r, d].upBound = 0

    # --- requests --------------------------------------------------------------------------------------------

    def _request(self, choices: tuple[int, ...]) -> None:
        f = self.formulation
        for r in choices:
            self.choice[r] = 1 if len(choices) == 1 else self.variable(f"choice_{r}")
            row = f.rows[r]
            own = np.flatnonzero(f.candidates[r]).tolist() if row.every is None else row.every
            if row.every is not None and (not own or not f.candidates[r, list(own)].all()):
                self.require(self.choice[r] <= 0, f"all_{r}")
                continue
            if row.every is None and not row.count:
                continue
            for d in own:
                again = f.again and f.shared[d] and row.every is None
                self.given[r, d] = self.variable(f"x_{r}_{d}", row.count if again else 1)
                self.holders.setdefault(d, []).append(r)
                if row.every is not None:
                    self.require(self.given[r, d] == self.choice[r], f"all_{r}_{d}")
            if row.every is None:
                total = pulp.lpSum(self.given[r, d] for d in own)
                self.require(total == row.count * self.choice[r], f"count_{r}")
        if len(choices) > 1:
            self.require(pulp.lpSum(self.choice[r] for r in choices) == 1, f"choose_{self.number[choices[0]]}")

    def _limits(self) -> None:
        f = self.formulation
        by_claim: dict[int, list[int]] = {}
        for r in self.choice:
            by_claim.setdefault(f.rows[r].claim, []).append(r)
        for claim, rows in by_claim.items():
            if sum(f.rows[r].count for r in rows) > f.limit:
                self.require(sum(f.rows[r].count * self.choice[r] for r in rows) <= f.limit, f"limit_{claim}")

    # --- to and fro ------------------------------------------------------------------------------------------

    def assignment(self, values: Mapping[str, float]) -> Assignment:
        """Return the assignment that values of the variables are."""
        found = []
        for choices in self.formulation.requests:
            r = self.chosen(choices, values)
            devices = [d for d in self.devices if (r, d) in self.given for _ in range(int(values[f"x_{r}_{d}"]))]
            found.append((r, tuple(devices)))
        return tuple(found)

    @staticmethod
    def chosen(choices: tuple[int, ...], values: Mapping[str, float]) -> int:
        """Return the row of a request that values choose."""
        return next(r for r in choices if len(choices) == 1 or values[f"choice_{r}"])

    def decisions(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values of the variables that are decided, from which all others follow."""
        own = [*self.given.values(), *(choice for choice in self.choice.values() if not isinstance(choice, int))]
        return {variable.name: values[variable.name] for variable in own if variable.name in values}

    def values(self, assignment: Assignment) -> dict[str, float]:
        """Return the values of the variables of an assignment that is admitted: a start."""
        values = {x.name: 0.0 for x in self.given.values()}
        values |= {f"choice_{r}": 0.0 for r, choice in self.choice.items() if not isinstance(choice, int)}
        for r, devices in assignment:
            if f"choice_{r}" in values:
                values[f"choice_{r}"] = 1.0
            for d in devices:
                values[f"x_{r}_{d}"] += 1.0
        return values
