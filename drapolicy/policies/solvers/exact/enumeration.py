"""Every assignment in the reference's order, each set of devices scored once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drapolicy.policies.solvers.exact.tables import BLOCK
from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.formulation import Assignment
from drapolicy.problem.formulation.seats import Seats, Taking, members


def best_by_enumeration(task: Task, max_steps: int | None) -> Best:
    """Return the best of all assignments, or of those that the limit leaves.

    Rules prune as early as they can; the objective may be anything.
    """
    f = task.formulation
    search = _Search(task, max_steps)
    best = Best(None, (), (), complete=False)
    seen: set[int] = set()
    block: list[tuple[int, Assignment]] = []

    def judge() -> None:
        nonlocal best
        masks = np.zeros((len(block), f.devices), np.bool_)
        for row, (mask, _) in enumerate(block):
            masks[row, list(members(mask))] = True
        for (mask, assignment), score in zip(block, task.objective.of_many(task.local, masks).tolist(), strict=True):
            own, devices = tuple(score), tuple(members(mask))
            if best.score is None or own > best.score or (own == best.score and devices < best.devices):
                best = Best(own, devices, assignment, complete=False)
        block.clear()

    for mask, assignment in search.sets():
        if mask not in seen:
            seen.add(mask)
            block.append((mask, assignment))
            if len(block) == BLOCK:
                judge()
    if block:
        judge()
    return best._replace(complete=not search.stopped, steps=search.steps)


class _Search:
    """A depth-first search over the assignments of a task."""

    def __init__(self, task: Task, max_steps: int | None) -> None:
        self._f = task.formulation
        self._rows = task.rows
        self._seats = Seats(task.formulation)
        self._shared = sum(1 << d for d in np.flatnonzero(task.formulation.shared).tolist())
        self._max_steps = max_steps
        self.steps = 0
        self.stopped = False

    def sets(self) -> Iterator[tuple[int, Assignment]]:
        """Yield the devices of each assignment as bits, and the assignment; ends early at the limit."""
        f, seats = self._f, self._seats
        if any(f.rows[r].every == () for r in self._rows):
            return
        needs = [(r, place) for r in self._rows for place in range(f.rows[r].count)]
        takings: list[Taking] = []
        if not needs:
            yield self._found(takings)
            return
        todo = [self._choices(*needs[0], takings)]
        while todo:
            if not todo[-1]:
                todo.pop()
                if takings:
                    seats.undo(takings.pop())
                continue
            if self._max_steps is not None and self.steps >= self._max_steps:
                self.stopped = True
                return
            self.steps += 1
            bit = todo[-1] & -todo[-1]
            todo[-1] ^= bit
            takings.append(seats.take(needs[len(takings)][0], bit.bit_length() - 1))
            if len(takings) == len(needs):
                yield self._found(takings)
                seats.undo(takings.pop())
            else:
                todo.append(self._choices(*needs[len(takings)], takings))

    def _choices(self, r: int, place: int, takings: list[Taking]) -> int:
        """Return the devices that may be next, as bits; none where the row would not get enough of them."""
        row, mask = self._f.rows[r], self._seats.allowed(r)
        if row.every is not None:
            return mask & 1 << row.every[place]
        again = self._f.again and mask & self._shared
        if place:
            last = takings[-1].device
            mask &= -1 << last if again else -1 << last + 1
            if again and not self._shared >> last & 1:
                mask &= ~(1 << last)
        return mask if again or mask.bit_count() >= row.count - place else 0

    def _found(self, takings: list[Taking]) -> tuple[int, Assignment]:
        mask = 0
        own: dict[int, list[int]] = {r: [] for r in self._rows}
        for taking in takings:
            mask |= 1 << taking.device
            own[taking.row].append(taking.device)
        return mask, tuple((r, tuple(devices)) for r, devices in own.items())
