"""Devices changed for better ones, one or two at a time, until nothing improves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from typing import ClassVar

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer
from drapolicy.policies.objective import Objective, Score
from drapolicy.policies.solvers.base import Solver, answer_of, devices_of, first_fit, first_in_order, rows_of
from drapolicy.policies.solvers.grow import Grow
from drapolicy.policies.solvers.task import Task
from drapolicy.problem.decided import seated
from drapolicy.problem.formulation import Assignment, Formulation, first, narrowed
from drapolicy.problem.formulation.proofs import value_cases
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits

MAX_STEPS = 20_000
MAX_GROUPS = 32
_BLOCK = 2_048


@dataclass(frozen=True)
class LocalSearch:
    """Improve answers by changing devices.

    Attributes
    ----------
    start
        Finds the first answer.
    restarts
        How often the search starts again from devices in a random order; answers depend on the generator then.
    max_steps
        Limit of choices looked at.

    Notes
    -----
    From each start the best change of one device is made, also between two requests that trade; where none improves,
    the best change of two devices of a request. Starts are the first answer, and for claims with matchAttribute one in
    each group of devices that agree (at most :data:`MAX_GROUPS`). Changes that a rule forbids are passed over. Not
    exact; ties go to the change that comes first, so answers are deterministic without restarts.
    """

    start: Solver = field(default_factory=Grow)
    restarts: int = 0
    max_steps: int | None = MAX_STEPS
    name: ClassVar[str] = "local-search"

    def __post_init__(self) -> None:
        if self.restarts < 0:
            message = f"solver local-search: restarts {self.restarts} is negative; use 0 or more"
            raise InputError(message)

    @property
    def seeded(self) -> bool:
        """Whether answers depend on the generator."""
        return bool(self.restarts) or self.start.seeded

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        """Return the best answer found."""
        fitting, solution = first_fit(local, objective)
        if solution is None or not objective.levels:
            return fitting
        formulation = local.formulation
        assert isinstance(formulation, Formulation)
        begun = self.start.solve(local, objective, rng)
        best = begun if begun.fits and begun.score >= fitting.score else fitting
        if best.status == "optimal":
            return best
        rows = rows_of(local, solution)
        task = Task.of(local, objective, formulation, rows)
        climb = _Climb(task, self.max_steps)
        for assignment in self._starts(task, best, rows, rng):
            score, better = climb.up(assignment)
            found = seated(local, task.expanded(better)) if score > best.score else None
            if found is not None:
                best = answer_of(local, objective, *found)
        return replace(best, status="feasible")

    def _starts(
        self, task: Task, best: Answer, rows: tuple[int, ...], rng: np.random.Generator
    ) -> Iterator[Assignment]:
        f, local = task.formulation, task.local
        assert isinstance(best.outcome, Fits)
        known = sum(1 << int(d) for d in local.indices(best.outcome.results))
        sets: list[Mapping[int, int]] = [dict.fromkeys(task.rows, known)]
        cases = value_cases(f, task.rows, MAX_GROUPS) if f.matches else None
        sets += cases or []
        for suited in sets:
            kept = np.zeros(f.candidates.shape, np.bool_)
            for r, own in suited.items():
                kept[r] = [bool(own >> d & 1) for d in range(f.devices)]
            found = first(replace(f, candidates=f.candidates & kept), self.max_steps)
            if found.assignment is not None:
                yield found.assignment
        for _ in range(self.restarts):
            drawn = first_in_order(local, rows, rng.permutation(local.size).tolist(), self.max_steps)
            if drawn is not None:
                devices = sum(1 << int(d) for d in devices_of(drawn[1]))
                found = first(narrowed(f, devices), self.max_steps)
                if found.assignment is not None:
                    yield found.assignment


class _Climb:
    """Makes the best change until none improves, within a limit of choices for all climbs."""

    def __init__(self, task: Task, max_steps: int | None) -> None:
        self._task = task
        self._f = task.formulation
        self._left = max_steps

    def up(self, assignment: Assignment) -> tuple[Score, Assignment]:
        """Return where changes lead from an assignment, and its score."""
        score = self._task.score(_devices(assignment))
        while True:
            found = self._best(self._one(assignment), score) or self._best(self._two(assignment), score)
            if found is None:
                return score, assignment
            score, assignment = found

    def _best(self, changes: Iterator[Assignment], score: Score) -> tuple[Score, Assignment] | None:
        """Return the best change that improves on a score and breaks no rule."""
        best: tuple[Score, Assignment] | None = None
        while block := list(islice(changes, _BLOCK if self._left is None else min(_BLOCK, self._left))):
            if self._left is not None:
                self._left -= len(block)
            masks = np.zeros((len(block), self._f.devices), np.bool_)
            for row, changed in enumerate(block):
                masks[row, list(_devices(changed))] = True
            scores = [tuple(row) for row in self._task.objective.of_many(self._task.local, masks).tolist()]
            for at in sorted(range(len(block)), key=lambda at: scores[at], reverse=True):
                if scores[at] <= (score if best is None else best[0]):
                    break
                if self._f.admits(block[at]):
                    best = scores[at], block[at]
                    break
        return best

    def _free(self, i: int, assignment: Assignment) -> list[int]:
        """Return the devices that a request may have and has not."""
        r, own = assignment[i]
        return [d for d in np.flatnonzero(self._f.candidates[r]).tolist() if d not in own]

    def _one(self, assignment: Assignment) -> Iterator[Assignment]:
        for i, (r, own) in enumerate(assignment):
            if self._f.rows[r].every is not None:
                continue
            for d in own:
                for other in self._free(i, assignment):
                    yield _changed(assignment, {i: ((d,), (other,))})
                    for j, (_, theirs) in enumerate(assignment):
                        if j != i and other in theirs and d not in theirs:
                            yield _changed(assignment, {i: ((d,), (other,)), j: ((other,), (d,))})

    def _two(self, assignment: Assignment) -> Iterator[Assignment]:
        for i, (r, own) in enumerate(assignment):
            if self._f.rows[r].every is None:
                for gone in combinations(own, 2):
                    for others in combinations(self._free(i, assignment), 2):
                        yield _changed(assignment, {i: (gone, others)})


def _changed(assignment: Assignment, changes: dict[int, tuple[tuple[int, ...], tuple[int, ...]]]) -> Assignment:
    """Return an assignment in which some requests give up devices for others."""
    made = list(assignment)
    for i, (gone, come) in changes.items():
        r, own = made[i]
        kept = list(own)
        for d in gone:
            kept.remove(d)
        made[i] = r, tuple(sorted([*kept, *come]))
    return tuple(made)


def _devices(assignment: Assignment) -> tuple[int, ...]:
    return tuple(sorted({d for _, own in assignment for d in own}))
