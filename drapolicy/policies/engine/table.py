"""What nodes of one view answer for many contents at once, where every set of devices can be listed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.answer import Answer
from drapolicy.policies.kube import MAX_ALTERNATIVES
from drapolicy.policies.objective import Masks, Objective
from drapolicy.policies.solvers import Exact, FirstFit, Solver
from drapolicy.policies.solvers.exact.tables import best_row, fits
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits

MOST_SETS = 4_096
_MOST_CELLS = 4_000_000
# The reference comes to no more than these steps for each set of devices before it knows that none fits.
_STEPS_OF_A_SET = 32


class StateReadError(Exception):
    """A term looks at more of the node's state than at what it is given."""


class _Choices(NamedTuple):
    """One alternative of the request.

    Attributes
    ----------
    alternative
        Its position.
    rank
        As of an answer.
    sets
        Sets of devices that may be taken together, in upstream's order; ndarray of shape (S, D), bool.
    draws
        What each set draws of each counter; ndarray of shape (S, K), int64.
    """

    alternative: int
    rank: int
    sets: Masks
    draws: NDArray[np.int64]


class Table:
    """All sets of devices that one request may get on a node of a view.

    Answers by it are those of the solver in rank and score; which devices they are, the solver says.

    Parameters
    ----------
    local
        A node of the view of which nothing is taken.
    choices
        Alternatives in order.
    formulation
        Of the node.
    objective
        What is better.
    first
        The first set that fits is taken, however good it is.
    """

    def __init__(
        self,
        local: LocalProblem,
        choices: Sequence[_Choices],
        formulation: Formulation,
        objective: Objective,
        *,
        first: bool,
    ) -> None:
        self._local = local
        self._choices = choices
        self._formulation = formulation
        self._objective = objective
        self._first = first
        self._usable = local.free & local.of_drivers

    @classmethod
    def of(cls, local: LocalProblem, objective: Objective, solver: Solver) -> Table | None:
        """Return the table of a view; None where only the solver can tell.

        Parameters
        ----------
        local
            A node of the view of which nothing is taken.
        objective, solver
            What is better, and what looks for it.
        """
        f = local.formulation
        if not isinstance(solver, Exact | FirstFit) or not isinstance(f, Formulation):
            return None
        if f.may_abort or f.gaps or not f.orderly or f.joints or len(f.requests) != 1:
            return None
        choices = []
        for r in f.requests[0]:
            row = f.rows[r]
            suited = np.flatnonzero(f.candidates[r]).tolist()
            if row.admin or row.every is not None or not 1 <= row.count <= f.limit or f.shared[suited].any():
                return None
            if any((d.first[d.codes[r, suited]] & (d.codes[r, suited] >= 0)).any() for d in f.distincts if d.scope[r]):
                return None
            count = comb(len(suited), row.count)
            steps = (1 if isinstance(solver, Exact) else _STEPS_OF_A_SET) * count
            if count > MOST_SETS or (solver.max_steps is not None and steps > solver.max_steps):
                return None
            sets = np.zeros((count, f.devices), np.bool_)
            if count:
                listed = np.array(list(combinations(suited, row.count)), np.intp)
                sets[np.repeat(np.arange(count), row.count), listed.reshape(-1)] = True
                sets = sets[fits(f, r, sets)]
            asked = local.claims[row.claim].spec.devices.requests[row.request]
            rank = MAX_ALTERNATIVES - row.alternative if asked.first_available else 0
            choices.append(_Choices(row.alternative, rank, sets, sets.astype(np.int64) @ f.draws))
        return cls(local, choices, f, objective, first=isinstance(solver, FirstFit) or not objective.levels)

    @property
    def local(self) -> LocalProblem:
        """The node that the table was made with; what terms read of it is written down there."""
        return self._local

    def knows(self, taken: Masks) -> NDArray[np.bool_]:
        """Tell for which contents the table can answer; ndarray of shape (M,), bool.

        Parameters
        ----------
        taken
            Devices that are taken as a whole, nothing being taken besides; ndarray of shape (M, D), bool.
        """
        # A counter below zero refuses devices that draw nothing of it (K8s Q7).
        known: NDArray[np.bool_] = np.greater_equal(self._left(taken).min(axis=1, initial=0), 0)
        return known

    def _left(self, taken: Masks) -> NDArray[np.int64]:
        f = self._formulation
        left: NDArray[np.int64] = f.counters - taken.astype(np.int64) @ f.draws
        return left

    def answers(self, taken: Masks) -> list[Answer]:
        """Return the answer for each content, without its devices.

        Raises
        ------
        StateReadError
            When a term cannot be had for several contents at once.
        """
        found: list[Answer | None] = [None] * len(taken)
        left = self._left(taken)
        open_: NDArray[np.intp] = np.arange(len(taken))
        for choices in self._choices:
            if not len(open_) or not len(choices.sets):
                continue
            good: NDArray[np.bool_] = np.equal(choices.sets.astype(np.float32) @ taken[open_].T.astype(np.float32), 0)
            if left.shape[1]:
                good &= (choices.draws[:, None, :] <= left[None, open_, :]).all(axis=2)
            fitting = np.logical_or.reduce(good, axis=0)
            here = open_[fitting]
            for content, score in zip(
                here.tolist(), self._scores(choices.sets, taken[here], good[:, fitting]), strict=True
            ):
                found[content] = Answer(Fits(()), score, "feasible" if self._first else "optimal", choices.rank)
            open_ = open_[~fitting]
        refused = Answer(self._formulation.refusal, status="infeasible")
        return [answer or refused for answer in found]

    def chosen(self, taken: NDArray[np.bool_]) -> tuple[int, tuple[int, ...]] | None:
        """Return the alternative and the devices that a content gets; None where nothing fits.

        Parameters
        ----------
        taken
            Devices that are taken as a whole, nothing being taken besides; ndarray of shape (D,), bool.
        """
        left = self._left(taken[None])[0]
        for choices in self._choices:
            good = np.flatnonzero(~(choices.sets & taken).any(axis=1) & (choices.draws <= left).all(axis=1))
            if not good.size:
                continue
            at = int(good[0])
            if self._objective.levels and not self._first:
                sets = choices.sets[good]
                at = int(good[best_row(self._of(sets, np.broadcast_to(taken, sets.shape)))[0]])
            return choices.alternative, tuple(np.flatnonzero(choices.sets[at]).tolist())
        return None

    def _scores(self, sets: Masks, taken: Masks, good: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        """Return the score of the set that each content gets."""
        if not self._objective.levels:
            return [()] * len(taken)
        if self._first:
            first = good.argmax(axis=0)
            return [tuple(map(int, row)) for row in self._of(sets[first], taken).tolist()]
        scores: list[tuple[int, ...]] = []
        step = max(1, _MOST_CELLS // (len(sets) * sets.shape[1]))
        for start in range(0, len(taken), step):
            scores += self._best(sets, taken[start : start + step], good[:, start : start + step])
        return scores

    def _best(self, sets: Masks, taken: Masks, good: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        content, chosen = np.nonzero(good.T)
        values = self._of(sets[chosen], taken[content])
        starts = np.searchsorted(content, np.arange(len(taken)))
        best = []
        alive = np.ones(len(content), np.bool_)
        for level in values.T:
            lowest = level.min() - 1
            top = np.maximum.reduceat(np.where(alive, level, lowest), starts)
            alive &= level == top[content]
            best.append(top.tolist())
        return list(zip(*best, strict=True))

    def _of(self, chosen: Masks, taken: Masks) -> NDArray[Any]:
        self._local.reads_state = False
        scores = self._objective.of_many(self._local, chosen, self._usable & ~taken)
        if self._local.reads_state:
            raise StateReadError
        return scores
