"""What devices must have in common or not: compatibility groups, matchAttribute and distinctAttribute."""

from __future__ import annotations

import numpy as np
import pulp

from drapolicy.policies.solvers.ilp.choices import Choices
from drapolicy.problem.formulation import Distinct, Joint, Match


def add_joint(choices: Choices, j: int, joint: Joint) -> None:
    """Let the devices that draw from a counter set have a compatibility group in common."""
    drawing = [d for d in choices.devices if joint.drawing[d]]
    if not drawing or (joint.open & joint.groups[drawing].all(axis=0)).any():
        return
    kept = [v for v in np.flatnonzero(joint.open).tolist() if joint.groups[drawing, v].any()]
    groups = {v: choices.variable(f"group_{j}_{v}") for v in kept}
    choices.require(pulp.lpSum(groups.values()) <= 1, f"group_{j}")
    for d in drawing:
        own = pulp.lpSum(groups[v] for v in kept if joint.groups[d, v])
        for r in choices.holders[d]:
            x = choices.given[r, d]
            choices.require(x <= x.upBound * own, f"group_{j}_{r}_{d}")


def add_match(choices: Choices, m: int, match: Match) -> None:
    """Let the devices in the scope of a matchAttribute have a value in common."""
    cells = _cells(choices, match)
    rows, most = _scope(choices, match)
    code = {cell: int(match.codes[cell]) for cell in cells}
    values = {cell: np.flatnonzero(match.table[code[cell]]).tolist() for cell in cells}
    for cell in cells:
        if not values[cell] and not match.alone[code[cell]]:
            choices.never(*cell)
    if most <= 1:
        return
    together = [cell for cell in cells if not match.alone[code[cell]] and values[cell]]
    common = {v: choices.variable(f"match_{m}_{v}") for v in sorted({v for cell in together for v in values[cell]})}
    if len(common) > 1:
        choices.require(pulp.lpSum(common.values()) <= 1, f"match_{m}")
    for r, d in together:
        if len(values[r, d]) < len(common):
            x = choices.given[r, d]
            own = pulp.lpSum(common[v] for v in values[r, d])
            choices.require(x <= x.upBound * own, f"match_{m}_{r}_{d}")
    taken = sum(choices.formulation.rows[r].count * choices.choice[r] for r in rows)
    for r, d in cells:
        if match.alone[code[r, d]]:
            choices.require(taken + (most - 1) * choices.given[r, d] <= most, f"match_{m}_alone_{r}_{d}")


def add_distinct(choices: Choices, m: int, distinct: Distinct) -> None:
    """Let no two devices in the scope of a distinctAttribute have a value in common."""
    f, cells = choices.formulation, _cells(choices, distinct)
    rows, _ = _scope(choices, distinct)
    for v in range(distinct.table.shape[1]):
        having = [cell for cell in cells if distinct.table[distinct.codes[cell], v]]
        choices.at_most_one(f"distinct_{m}_{v}", having)
    for r, d in cells:
        if not distinct.first[distinct.codes[r, d]]:
            continue
        x = choices.given[r, d]
        if x.upBound > 1:
            choices.require(x <= 1, f"distinct_{m}_first_{r}_{d}")
        for other in rows:
            if choices.number[other] < choices.number[r] and f.rows[other].count:
                choices.require(x + choices.choice[other] <= 1, f"distinct_{m}_first_{r}_{d}_row_{other}")
        for (other, e), y in choices.given.items():
            if other == r and e < d:
                choices.require(y <= y.upBound * (1 - x), f"distinct_{m}_first_{r}_{d}_device_{e}")


def _cells(choices: Choices, made: Match | Distinct) -> list[tuple[int, int]]:
    """Return rows and devices in the scope of a constraint."""
    return [(r, d) for r, d in choices.given if made.scope[r]]


def _scope(choices: Choices, made: Match | Distinct) -> tuple[list[int], int]:
    """Return the rows in the scope of a constraint, and how many devices they have at most."""
    f = choices.formulation
    rows = [r for r in choices.choice if made.scope[r]]
    most = sum(max((f.rows[r].count for r in own if made.scope[r]), default=0) for own in f.requests)
    return rows, most
