"""Branch and bound for weights of pairs: devices one after the other, while something better can still come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.solvers.exact.weights import combined
from drapolicy.policies.solvers.task import Best, Task
from drapolicy.problem.formulation.seats import Seats

_TAILS = 2**22  # most entries of the table of best partners behind each device


def best_by_bound(task: Task, max_steps: int | None, start: tuple[int, ...] = ()) -> Best | None:
    """Return the best assignment, or the best until the limit; None where weights or rules are not of that form.

    Parameters
    ----------
    start
        Devices of a good assignment that is known, to compare with; they are not returned.

    Notes
    -----
    A device is first taken, by each row in turn, and then left out, so that earlier devices come first; among equal
    choices a branch is left once its devices come later than those of the best. Bound: each device that may still come
    brings its weights with those taken, and half of the greatest weights to others that may come with it.
    """
    if not task.plain or task.pairs is None:
        return None
    return _Bound(task, task.pairs, max_steps, start).run()


class _Bound:
    def __init__(
        self, task: Task, pairs: tuple[NDArray[Any], ...], max_steps: int | None, start: tuple[int, ...]
    ) -> None:
        self._task = task
        self._f = task.formulation
        self._rows = [r for r in task.rows if self._f.rows[r].count]
        self._devices = np.flatnonzero(self._f.candidates[self._rows].any(axis=0)).tolist() if self._rows else []
        self._count = sum(self._f.rows[r].count for r in self._rows)
        weights = combined(pairs, self._devices, self._count)
        self._own = np.diag(weights).copy()
        self._between = weights - np.diag(self._own)
        self._partners = self._best_partners()
        self._seats = Seats(self._f)
        self._missing = {r: self._f.rows[r].count for r in self._rows}
        self._max_steps = max_steps
        self._best: Any = None
        if start and set(start) <= set(self._devices):
            at = [self._devices.index(d) for d in start]
            # One less, so that the first choice as good is found anew, with the devices that come first.
            self._best = int(weights[np.ix_(at, at)].sum() + self._own[at].sum()) // 2 - 1
        self._found: tuple[tuple[int, int], ...] | None = None
        self._mask = 0
        self._steps = 0
        self._stopped = False

    def _best_partners(self) -> NDArray[Any]:
        """Return the greatest sums of weights to so many others behind a position, by position, device and number."""
        size, most = len(self._devices), max(self._count, 1)
        tails = size if size * size * most <= _TAILS else 1
        table = np.zeros((tails, size, most), self._between.dtype)
        # Less than any other: no device is a partner of its own.
        apart = np.where(np.eye(size, dtype=bool), self._between.min(initial=0) - 1, self._between)
        for begin in range(tails):
            rest = apart[:, begin:]
            top = -np.sort(-rest, axis=1)[:, : most - 1]
            table[begin, :, 1 : top.shape[1] + 1] = np.cumsum(top, axis=1)
        return table

    def run(self) -> Best:
        self._go(0, 0, self._own.copy(), [])
        devices = tuple(sorted(d for _, d in self._found or ()))
        assignment = tuple((r, tuple(sorted(d for row, d in self._found or () if row == r))) for r in self._task.rows)
        if self._found is None:
            return Best(None, (), (), complete=not self._stopped, steps=self._steps)
        return Best(self._task.score(devices), devices, assignment, complete=not self._stopped, steps=self._steps)

    def _go(self, position: int, value: Any, gains: NDArray[Any], taken: list[tuple[int, int]]) -> None:
        """Decide about the devices from a position on.

        Parameters
        ----------
        gains
            What each device would add now.
        """
        stack: list[tuple[str, Any]] = [("at", (position, value, gains))]
        del position, value, gains
        while stack:
            kind, what = stack.pop()
            if kind == "undo":
                row, taking = what
                self._seats.undo(taking)
                self._missing[row] += 1
                taken.pop()
                continue
            if kind == "take":
                row, position, value, gains = what
                taking = self._seats.take(row, self._devices[position])
                self._missing[row] -= 1
                taken.append((row, self._devices[position]))
                stack.append(("undo", (row, taking)))
                gained = value + gains[position]
                stack.append(("at", (position + 1, gained, gains + self._between[position])))
                continue
            position, value, gains = what
            missing = self._count - len(taken)
            if not missing:
                self._judge(value, taken)
                continue
            if self._max_steps is not None and self._steps >= self._max_steps:
                self._stopped = True
                return
            self._steps += 1
            if not self._promising(position, value, gains, taken):
                continue
            stack.append(("at", (position + 1, value, gains)))
            d = self._devices[position]
            stack.extend(
                ("take", (row, position, value, gains))
                for row in reversed(self._rows)
                if self._missing[row] and self._seats.allowed(row) >> d & 1
            )

    def _judge(self, value: Any, taken: list[tuple[int, int]]) -> None:
        mask = sum(1 << d for _, d in taken)
        if self._best is None or value > self._best or (value == self._best and _earlier(mask, self._mask)):
            self._best, self._found, self._mask = value, tuple(taken), mask

    def _promising(self, position: int, value: Any, gains: NDArray[Any], taken: list[tuple[int, int]]) -> bool:
        """Return whether enough devices are left, and something better than the best can come of them."""
        behind = -1 << self._devices[position] if position < len(self._devices) else 0
        suited = 0
        for row in self._rows:
            if self._missing[row]:
                own = self._seats.allowed(row) & behind
                if own.bit_count() < self._missing[row]:
                    return False
                suited |= own
        missing = self._count - len(taken)
        at = [i for i in range(position, len(self._devices)) if suited >> self._devices[i] & 1]
        if len(at) < missing:
            return False
        if self._best is None:
            return True
        tail = position if len(self._partners) > 1 else 0
        twice = 2 * gains[at] + self._partners[tail][at, missing - 1]
        top = np.sort(twice)[-missing:].sum()
        most = value + top // 2
        if most != self._best or self._found is None:
            return bool(most > self._best)
        return not _earlier(self._mask & ~behind, sum(1 << d for _, d in taken))


def _earlier(devices: int, others: int) -> bool:
    """Return whether the first device that only one of two sets has is of the first set."""
    different = devices ^ others
    return bool(devices & different & -different)
