"""What exact methods are given: one node's problem with its alternatives chosen and its like requests put together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objective import Objective, Score
from drapolicy.problem.formulation import Assignment, Formulation, fixed
from drapolicy.problem.local import LocalProblem


class Best(NamedTuple):
    """The best assignment that a method found.

    Attributes
    ----------
    score, devices, assignment
        None where nothing was found. Devices ascending, each once.
    complete
        Whether no other is better, nor as good with earlier devices.
    steps
        Choices looked at.
    """

    score: Score | None
    devices: tuple[int, ...]
    assignment: Assignment
    complete: bool
    steps: int = 0


@dataclass(frozen=True)
class Task:
    """One node's problem for exact methods.

    Attributes
    ----------
    local, objective
        The node, and what is better.
    formulation
        One row a request, requests that no rule tells apart put together in the first of them.
    alike
        For each request of ``formulation``, the rows that were put together, in order.
    counts
        Devices of each of these rows.
    """

    local: LocalProblem
    objective: Objective
    formulation: Formulation
    alike: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, local: LocalProblem, objective: Objective, formulation: Formulation, rows: tuple[int, ...]) -> Task:
        """Return the task of a problem in which each request has one of its rows."""
        f = fixed(formulation, rows)
        groups: dict[Hashable, list[int]] = {}
        for r in rows:
            groups.setdefault(_kind(f, r), []).append(r)
        merged = list(f.rows)
        for own in groups.values():
            merged[own[0]] = replace(merged[own[0]], count=sum(f.rows[r].count for r in own))
        # The limit of devices of a claim depends on nothing but the rows, which are chosen.
        together = replace(
            f,
            rows=tuple(merged),
            requests=tuple((own[0],) for own in groups.values()),
            limit=sum(f.rows[r].count for r in rows),
        )
        return cls(local, objective, together, tuple(map(tuple, groups.values())), tuple(row.count for row in f.rows))

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows, one a request."""
        return tuple(r for (r,) in self.formulation.requests)

    @cached_property
    def plain(self) -> bool:
        """Whether every device goes to one row at most, in whatever order: no shares, admin access, nor mode All."""
        f = self.formulation
        return not any(
            f.rows[r].admin or f.rows[r].every is not None or (f.candidates[r] & f.shared).any() for r in self.rows
        ) and not any(_firsts(f, r) for r in self.rows)

    @cached_property
    def pairs(self) -> tuple[NDArray[Any], ...] | None:
        """Weights of pairs of devices and, on the diagonal, of devices, a matrix a level; None where there are none.

        Each an int64 ndarray of shape (D, D), or of Python ints where they do not fit.
        """
        return self._pairs(0)

    @cached_property
    def joins(self) -> tuple[NDArray[np.int64], tuple[NDArray[Any], ...]] | None:
        """Links of which the first level is the slowest that is needed, and the weights of the levels after it."""
        first = self.objective.levels[0]
        if len(first) != 1 or first[0][0] < 1 or first[0][1].joins is None:
            return None
        after = self._pairs(1)
        return None if after is None else (first[0][1].joins(self.local), after)

    def _pairs(self, begin: int) -> tuple[NDArray[Any], ...] | None:
        levels = []
        for level in self.objective.levels[begin:]:
            made = [(weight, None if term.pairs is None else term.pairs(self.local)) for weight, term in level]
            if any(matrix is None for _, matrix in made):
                return None
            known = [(weight, matrix) for weight, matrix in made if matrix is not None]
            largest = sum(abs(weight) * int(np.abs(matrix).max(initial=0)) for weight, matrix in known)
            kind = np.int64 if largest < 2**62 else object
            levels.append(sum((weight * matrix.astype(kind) for weight, matrix in known), np.zeros((), kind)))
        return tuple(levels)

    def score(self, devices: tuple[int, ...]) -> Score:
        """Return the score of a set of devices."""
        return self.objective.of(self.local, np.array(devices, np.intp))

    def expanded(self, assignment: Assignment) -> Assignment:
        """Return an assignment with the requests that were put together apart again, in the order of all requests."""
        found: dict[int, tuple[int, ...]] = {}
        for (_, devices), own in zip(assignment, self.alike, strict=True):
            begin = 0
            for r in own:
                found[r] = devices[begin : begin + self.counts[r]]
                begin += self.counts[r]
        return tuple(sorted(found.items()))


def _kind(f: Formulation, r: int) -> Hashable:
    """Return what tells a row from others; rows for which the order of taking matters are of a kind of their own."""
    row = f.rows[r]
    if row.admin or row.every is not None or (f.candidates[r] & f.shared).any() or _firsts(f, r):
        return r
    rules = (*((m.scope, m.codes) for m in f.matches), *((d.scope, d.codes) for d in f.distincts))
    return f.candidates[r].tobytes(), *((bool(scope[r]), codes[r].tobytes() * bool(scope[r])) for scope, codes in rules)


def _firsts(f: Formulation, r: int) -> bool:
    """Return whether some device of a row fits only before others."""
    return any(
        distinct.scope[r] and distinct.first[distinct.codes[r, f.candidates[r]]].any() for distinct in f.distincts
    )
