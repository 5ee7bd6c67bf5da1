"""Every rule of one node's problem as rows of an integer programme."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pulp

from drapolicy.problem.formulation import Assignment, Distinct, Formulation, Joint, Match

MOST_WEIGHT = 2**15
"""Greatest coefficient of a row: a solver's variable may be a millionth beside an integer."""


class _Load(NamedTuple):
    """Amounts that must not exceed what there is, exactly."""

    name: str
    amounts: dict[str, int]
    room: int


class Rules:
    """A programme whose solutions are the assignments that a formulation admits.

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

    follow
        Names of continuous variables that follow from the others.
    cuts
        What :meth:`cut` asks: each adds rows that refuse a solution, if it has to, and returns whether it did.

    Notes
    -----
    Variables are named ``x_ROW_DEVICE``, ``choice_ROW``, ``used_DEVICE``, ``match_M_VALUE`` and ``group_J_GROUP``, rows
    by their rule. Amounts too fine for a solver's floats are rows of coarser ones that cut nothing off, made exact by
    :meth:`cut`.
    """

    def __init__(self, formulation: Formulation, name: str = "node") -> None:
        self.formulation = f = formulation
        self.problem = pulp.LpProblem(name, pulp.LpMaximize)
        self.problem.setObjective(pulp.LpAffineExpression())
        self.given: dict[tuple[int, int], Any] = {}
        self.follow: set[str] = set()
        self.cuts: list[Callable[[Mapping[str, float]], bool]] = [self._cut]
        self.choice: dict[int, Any] = {}
        self._by_device: dict[int, list[int]] = {}
        self._used: dict[int, Any] = {}
        self._loads: list[_Load] = []
        self._variables: dict[str, Any] = {}
        self._number = {r: i for i, choices in enumerate(f.requests) for r in choices}
        for choices in f.requests:
            self._request(choices)
        self._limits()
        for d in self._by_device:
            self._device(d)
        self._counters()
        for j, joint in enumerate(f.joints):
            self._joint(j, joint)
        for m, match in enumerate(f.matches):
            self._match(m, match)
        for m, distinct in enumerate(f.distincts):
            self._distinct(m, distinct)

    # --- building blocks, which objectives use too -----------------------------------------------------------

    def variable(self, name: str, most: int = 1) -> Any:
        """Return a new integer variable from 0 on."""
        made = self._variables[name] = self.problem.add_variable(name, 0, most, pulp.LpInteger)
        return made

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
        return sorted(self._by_device)

    def used(self, d: int) -> Any:
        """Return the variable that is 1 if and only if any row has a device."""
        if d not in self._used:
            own = [self.given[r, d] for r in self._by_device[d]]
            if len(own) == 1 and own[0].upBound <= 1:
                self._used[d] = own[0]
                return own[0]
            self._used[d] = used = self.variable(f"used_{d}")
            total = pulp.lpSum(own)
            if self._once(d):
                self.require(total == used, f"used_{d}")
            else:
                for r, x in zip(self._by_device[d], own, strict=True):
                    self.require(x <= x.upBound * used, f"used_{d}_by_{r}")
                self.require(used <= total, f"used_{d}_at_all")
        return self._used[d]

    def _once(self, d: int) -> bool:
        """Return whether one row at most has a device, once."""
        return not self.formulation.shared[d] and not any(self.formulation.rows[r].admin for r in self._by_device[d])

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
                self._by_device.setdefault(d, []).append(r)
                if row.every is not None:
                    self.require(self.given[r, d] == self.choice[r], f"all_{r}_{d}")
            if row.every is None:
                total = pulp.lpSum(self.given[r, d] for d in own)
                self.require(total == row.count * self.choice[r], f"count_{r}")
        if len(choices) > 1:
            self.require(pulp.lpSum(self.choice[r] for r in choices) == 1, f"choose_{self._number[choices[0]]}")

    def _limits(self) -> None:
        f = self.formulation
        by_claim: dict[int, list[int]] = {}
        for r in self.choice:
            by_claim.setdefault(f.rows[r].claim, []).append(r)
        for claim, rows in by_claim.items():
            if sum(f.rows[r].count for r in rows) > f.limit:
                self.require(sum(f.rows[r].count * self.choice[r] for r in rows) <= f.limit, f"limit_{claim}")

    # --- devices ---------------------------------------------------------------------------------------------

    def _device(self, d: int) -> None:
        f = self.formulation
        rows = self._by_device[d]
        if f.shared[d]:
            for c in range(f.room.shape[1]):
                amounts = {r: int(f.amounts[r, d, c]) for r in rows}
                self._load(f"room_{d}_{c}", {self.given[r, d].name: a for r, a in amounts.items()}, int(f.room[d, c]))
            return
        whole = [r for r in rows if not f.rows[r].admin]
        self._at_most_one(f"whole_{d}", [(r, d) for r in whole])
        for claim in dict.fromkeys(f.rows[r].claim for r in rows):
            own = [r for r in rows if f.rows[r].claim == claim]
            if not set(own) <= set(whole):
                self._at_most_one(f"whole_{d}_claim_{claim}", [(r, d) for r in own])
        for r in whole:
            for other in set(rows) - set(whole):
                # With admin access a device is taken after the others only.
                if self._number[other] < self._number[r] and f.rows[other].claim != f.rows[r].claim:
                    self._at_most_one(f"before_{d}_{r}_{other}", [(r, d), (other, d)])

    def _at_most_one(self, name: str, cells: Iterable[tuple[int, int]]) -> None:
        own = [self.given[cell] for cell in cells]
        if len(own) > 1 or any(x.upBound > 1 for x in own):
            self.require(pulp.lpSum(own) <= 1, name)

    def _never(self, r: int, d: int) -> None:
        self.given[r, d].upBound = 0

    # --- amounts ---------------------------------------------------------------------------------------------

    def _load(self, name: str, amounts: Mapping[str, int], room: int) -> None:
        own = {x: amount for x, amount in amounts.items() if amount}
        if room < 0:
            # Nothing may be taken, not even what takes nothing.
            for x in amounts:
                self._variables[x].upBound = 0
            return
        if sum(amount * self._variables[x].upBound for x, amount in own.items()) <= room:
            return
        largest = max(map(abs, own.values()))
        coarse = -(-largest // MOST_WEIGHT)
        # Cut-off parts are cut off what there is too, so that no solution is lost.
        row = pulp.lpSum((amount // coarse) * self._variables[x] for x, amount in own.items())
        self.require(row <= room // coarse, name)
        if coarse > 1:
            self._loads.append(_Load(name, own, room))

    def _counters(self) -> None:
        f = self.formulation
        for k in range(f.counters.size):
            amounts: dict[str, int] = {}
            for d, rows in self._by_device.items():
                draw = int(f.draws[d, k])
                if draw and f.shared[d] and not f.draws_each:
                    amounts[self.used(d).name] = draw
                elif draw:
                    amounts |= {self.given[r, d].name: draw for r in rows}
            if f.counters[k] < 0:
                amounts = {x.name: 0 for x in self.given.values()}
            self._load(f"counter_{k}", amounts, int(f.counters[k]))

    def cut(self, values: Mapping[str, float]) -> bool:
        """Add rows that refuse a solution which only they tell from others; return whether there were any."""
        found = [cut(values) for cut in self.cuts]
        return any(found)

    def _cut(self, values: Mapping[str, float]) -> bool:
        """Add rows that refuse a solution whose exact amounts are too large."""
        found = False
        for load in self._loads:
            if sum(amount * int(values[x]) for x, amount in load.amounts.items()) <= load.room:
                continue
            found = True
            name = f"{load.name}_cut_{len(self.problem.constraints())}"
            reached = []
            for x in load.amounts:
                variable, value = self._variables[x], int(values[x])
                if value and variable.upBound <= 1:
                    reached.append(variable)
                elif value:
                    flag = self.variable(f"{name}_{x}")
                    self.require(variable <= value - 1 + (variable.upBound - value + 1) * flag, f"{name}_{x}")
                    reached.append(flag)
            self.require(pulp.lpSum(reached) <= len(reached) - 1, name)
        return found

    # --- what devices have in common -------------------------------------------------------------------------

    def _joint(self, j: int, joint: Joint) -> None:
        drawing = [d for d in self.devices if joint.drawing[d]]
        if not drawing or (joint.open & joint.groups[drawing].all(axis=0)).any():
            return
        kept = [v for v in np.flatnonzero(joint.open).tolist() if joint.groups[drawing, v].any()]
        groups = {v: self.variable(f"group_{j}_{v}") for v in kept}
        self.require(pulp.lpSum(groups.values()) <= 1, f"group_{j}")
        for d in drawing:
            own = pulp.lpSum(groups[v] for v in kept if joint.groups[d, v])
            for r in self._by_device[d]:
                x = self.given[r, d]
                self.require(x <= x.upBound * own, f"group_{j}_{r}_{d}")

    def _cells(self, made: Match | Distinct) -> list[tuple[int, int]]:
        """Return rows and devices in the scope of a constraint."""
        return [(r, d) for r, d in self.given if made.scope[r]]

    def _scope(self, made: Match | Distinct) -> tuple[list[int], int]:
        """Return the rows in the scope of a constraint, and how many devices they have at most."""
        f = self.formulation
        rows = [r for r in self.choice if made.scope[r]]
        most = sum(max((f.rows[r].count for r in choices if made.scope[r]), default=0) for choices in f.requests)
        return rows, most

    def _match(self, m: int, match: Match) -> None:
        cells = self._cells(match)
        rows, most = self._scope(match)
        code = {cell: int(match.codes[cell]) for cell in cells}
        values = {cell: np.flatnonzero(match.table[code[cell]]).tolist() for cell in cells}
        for cell in cells:
            if not values[cell] and not match.alone[code[cell]]:
                self._never(*cell)
        if most <= 1:
            return
        together = [cell for cell in cells if not match.alone[code[cell]] and values[cell]]
        common = {v: self.variable(f"match_{m}_{v}") for v in sorted({v for cell in together for v in values[cell]})}
        if len(common) > 1:
            self.require(pulp.lpSum(common.values()) <= 1, f"match_{m}")
        for r, d in together:
            if len(values[r, d]) < len(common):
                x = self.given[r, d]
                own = pulp.lpSum(common[v] for v in values[r, d])
                self.require(x <= x.upBound * own, f"match_{m}_{r}_{d}")
        taken = sum(self.formulation.rows[r].count * self.choice[r] for r in rows)
        for r, d in cells:
            if match.alone[code[r, d]]:
                self.require(taken + (most - 1) * self.given[r, d] <= most, f"match_{m}_alone_{r}_{d}")

    def _distinct(self, m: int, distinct: Distinct) -> None:
        f, cells = self.formulation, self._cells(distinct)
        rows, _ = self._scope(distinct)
        for v in range(distinct.table.shape[1]):
            having = [cell for cell in cells if distinct.table[distinct.codes[cell], v]]
            self._at_most_one(f"distinct_{m}_{v}", having)
        for r, d in cells:
            if not distinct.first[distinct.codes[r, d]]:
                continue
            x = self.given[r, d]
            if x.upBound > 1:
                self.require(x <= 1, f"distinct_{m}_first_{r}_{d}")
            for other in rows:
                if self._number[other] < self._number[r] and f.rows[other].count:
                    self.require(x + self.choice[other] <= 1, f"distinct_{m}_first_{r}_{d}_row_{other}")
            for (other, e), y in self.given.items():
                if other == r and e < d:
                    self.require(y <= y.upBound * (1 - x), f"distinct_{m}_first_{r}_{d}_device_{e}")

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
