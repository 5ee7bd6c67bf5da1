"""What nodes of one view answer for many contents at once, where every set of devices can be listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.answer import Answer
from drapolicy.policies.engine.contents import Content, Contents, masks
from drapolicy.policies.kube import MAX_ALTERNATIVES
from drapolicy.policies.objective import Masks, Objective
from drapolicy.policies.solvers import MAX_STEPS, Exact, FirstFit, Solver
from drapolicy.policies.solvers.exact.tables import best_row, fits
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits

MOST_SETS = 4_096
_MOST_CELLS = 4_000_000
STEPS_OF_A_SET = 32
"""The reference comes to no more than these steps for each set of devices before it knows that none fits."""


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
    amounts
        What a share consumes of a device, by capacity, in nano units; for each device that is taken as a share. Then
        sets are of one device.
    """

    alternative: int
    rank: int
    sets: Masks
    draws: NDArray[np.int64]
    amounts: Mapping[int, Mapping[str, int]]


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
    contents
        What codes of contents say of devices.
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
        contents: Contents,
        objective: Objective,
        *,
        first: bool,
    ) -> None:
        self._local = local
        self._contents = contents
        self._left_of: dict[tuple[int, int, int], bool] = {}
        self._choices = choices
        self._formulation = formulation
        self._objective = objective
        self._first = first
        self._usable = local.free & local.of_drivers

    @classmethod
    def of(cls, local: LocalProblem, contents: Contents, objective: Objective, solver: Solver) -> Table | None:
        """Return the table of a view; None where only the solver can tell.

        Parameters
        ----------
        local
            A node of the view of which nothing is taken.
        contents
            What codes of contents say of devices.
        objective, solver
            What is better, and what looks for it.
        """
        f = local.formulation
        if not isinstance(solver, Exact | FirstFit) or not isinstance(f, Formulation):
            return None
        if f.may_abort or f.gaps or not f.orderly or f.joints or len(f.requests) != 1 or cut(f):
            return None
        if isinstance(solver, FirstFit) and solver.max_steps is not None and solver.max_steps < MAX_STEPS:
            return None  # where the reference itself may be cut short, only it can tell
        choices = []
        for r in f.requests[0]:
            row = f.rows[r]
            suited = np.flatnonzero(f.candidates[r]).tolist()
            if row.admin or row.every is not None or not 1 <= row.count <= f.limit:
                return None
            shared = [d for d in suited if f.shared[d]]
            if shared and (row.count > 1 or f.draws[shared].any()):
                return None
            if any((d.first[d.codes[r, suited]] & (d.codes[r, suited] >= 0)).any() for d in f.distincts if d.scope[r]):
                return None
            count = comb(len(suited), row.count)
            steps = (1 if isinstance(solver, Exact) else STEPS_OF_A_SET) * count
            if count > MOST_SETS or (solver.max_steps is not None and steps > solver.max_steps):
                return None
            sets = np.zeros((count, f.devices), np.bool_)
            if count:
                listed = np.array(list(combinations(suited, row.count)), np.intp)
                sets[np.repeat(np.arange(count), row.count), listed.reshape(-1)] = True
                sets = sets[fits(f, r, sets)]
            asked = local.claims[row.claim].spec.devices.requests[row.request]
            rank = MAX_ALTERNATIVES - row.alternative if asked.first_available else 0
            draws = sets.astype(np.int64) @ f.draws
            choices.append(_Choices(row.alternative, rank, sets, draws, {d: local.amounts(r, d) for d in shared}))
        return cls(local, choices, f, contents, objective, first=isinstance(solver, FirstFit) or not objective.levels)

    @property
    def local(self) -> LocalProblem:
        """The node that the table was made with; what terms read of it is written down there."""
        return self._local

    def ranked(self) -> list[tuple[int, tuple[int, ...]]] | None:
        """Return all alternatives with their sets of devices, the best first; None where that depends on the state.

        Of those that fit on a node, the first is the one that it gets.
        """
        ranked: list[tuple[int, tuple[int, ...]]] = []
        for choices in self._choices:
            sets = choices.sets
            order = list(range(len(sets)))
            if order and self._objective.levels:
                try:
                    scores = self._alone(sets).tolist()
                except StateReadError:
                    return None
                if not self._first:
                    order.sort(key=lambda at: ([-level for level in scores[at]], at))
            ranked += [(choices.alternative, tuple(np.flatnonzero(sets[at]).tolist())) for at in order]
        return ranked

    def answer_of(self, alternative: int, devices: tuple[int, ...]) -> Answer:
        """Return the answer of nodes that give these devices, where terms look at nothing else.

        Raises
        ------
        StateReadError
            When a term looks at more.
        """
        (choices,) = (choices for choices in self._choices if choices.alternative == alternative)
        score: tuple[int, ...] = ()
        if self._objective.levels:
            chosen = np.zeros((1, self._local.size), np.bool_)
            chosen[0, list(devices)] = True
            score = tuple(map(int, self._alone(chosen)[0].tolist()))
        return Answer(Fits(()), score, "feasible" if self._first else "optimal", choices.rank)

    def knows(self, contents: Sequence[Content]) -> NDArray[np.bool_]:
        """Tell for which contents the table can answer; ndarray of shape (M,), bool."""
        # A counter below zero refuses devices that draw nothing of it (K8s Q7).
        known: NDArray[np.bool_] = np.greater_equal(self._left(self._taken(contents)).min(axis=1, initial=0), 0)
        shared = self._formulation.shared
        plain = shared & ~self._formulation.draws.any(axis=1)
        known &= np.array([all(plain[p] for p, _ in shares) for _, shares in contents], np.bool_)
        return known

    def _taken(self, contents: Sequence[Content]) -> Masks:
        """Return the devices that are taken as a whole; ndarray of shape (M, D), bool."""
        taken = masks([whole for whole, _ in contents], self._local.size)
        for content, (_, shares) in enumerate(contents):
            for position, code in shares:
                taken[content, position] = self._contents.use(code).whole
        return taken

    def _full(self, choices: int, contents: Sequence[Content]) -> Masks:
        """Return the devices of which no share is left for an alternative; ndarray of shape (M, D), bool."""
        full = np.zeros((len(contents), self._local.size), np.bool_)
        amounts = self._choices[choices].amounts
        for content, (_, shares) in enumerate(contents):
            for position, code in shares:
                if position in amounts:
                    full[content, position] = not self._has_room(choices, position, code)
        return full

    def _has_room(self, choices: int, position: int, code: int) -> bool:
        known = self._left_of.get((choices, position, code))
        if known is None:
            used = dict(self._contents.use(code).amounts)
            left = {name: whole - used.get(name, 0) for name, whole in self._local.capacity(position)}
            wanted = self._choices[choices].amounts[position]
            known = all(amount <= left[name] for name, amount in wanted.items())
            self._left_of[choices, position, code] = known
        return known

    def _left(self, taken: Masks) -> NDArray[np.int64]:
        f = self._formulation
        left: NDArray[np.int64] = f.counters - taken.astype(np.int64) @ f.draws
        return left

    def answers(self, contents: Sequence[Content]) -> list[Answer]:
        """Return the answer for each content, without its devices.

        Raises
        ------
        StateReadError
            When a term cannot be had for several contents at once.
        """
        found: list[Answer | None] = [None] * len(contents)
        taken = self._taken(contents)
        left = self._left(taken)
        open_: NDArray[np.intp] = np.arange(len(taken))
        for position, choices in enumerate(self._choices):
            if not len(open_) or not len(choices.sets):
                continue
            blocked = taken[open_]
            if choices.amounts:
                blocked = blocked | self._full(position, [contents[content] for content in open_.tolist()])
            good: NDArray[np.bool_] = np.equal(choices.sets.astype(np.float32) @ blocked.T.astype(np.float32), 0)
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

    def chosen(self, content: Content) -> tuple[int, tuple[int, ...]] | None:
        """Return the alternative and the devices that a content gets; None where nothing fits."""
        taken = self._taken([content])
        left = self._left(taken)[0]
        for position, choices in enumerate(self._choices):
            blocked = (taken | self._full(position, [content]))[0]
            good = np.flatnonzero(~(choices.sets & blocked).any(axis=1) & (choices.draws <= left).all(axis=1))
            if not good.size:
                continue
            at = int(good[0])
            if self._objective.levels and not self._first:
                sets = choices.sets[good]
                at = int(good[best_row(self._of(sets, np.broadcast_to(taken[0], sets.shape)))[0]])
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

    def _alone(self, chosen: Masks) -> NDArray[Any]:
        """Return the scores of some sets, whatever is taken."""
        if any(set(term.sees) - {"chosen"} for term in self._objective.terms):
            raise StateReadError
        return self._of(chosen, np.zeros_like(chosen))

    def _of(self, chosen: Masks, taken: Masks) -> NDArray[Any]:
        self._local.reads_state = False
        scores = self._objective.of_many(self._local, chosen, self._usable & ~taken)
        if self._local.reads_state:
            raise StateReadError
        return scores


def cut(f: Formulation) -> bool:
    """Tell whether a counter may say less than is there, as more than what claims of one ask draw is cut."""
    most = f.draws.max(axis=0, initial=0) * f.limit * max(1, len(f.rows))
    return bool(((f.counters >= most) & (f.draws.sum(axis=0) > f.counters)).any())
