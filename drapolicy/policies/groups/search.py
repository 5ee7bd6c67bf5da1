"""The search for the best placement by patterns: prices, columns, bounds and choices, level by level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pulp
from numpy.typing import NDArray

from drapolicy.errors import SolverError
from drapolicy.policies.groups.joint import LARGEST, Pattern, Play, Priced, in_order
from drapolicy.policies.groups.kinds import Kinds, UnsuitedError
from drapolicy.policies.groups.master import Column, Duals, Master
from drapolicy.policies.groups.survey import Survey
from drapolicy.policies.groups.together import Seat
from drapolicy.policies.objective import as_objective
from drapolicy.policies.solvers.ilp.backend import Limits

if TYPE_CHECKING:
    from drapolicy.policies.groups.patterns import Patterns

Ints = NDArray[np.int64]

_FINEST = 1 << 12  # parts of a unit that prices are told in


class _Relaxed(NamedTuple):
    """A level's bound, and the prices that prove it."""

    bound: int
    scaled: int
    unit: int
    prices: Ints
    weights: Ints


class Search:
    """One run.

    Parameters
    ----------
    given
        Objective and limits.
    kinds, survey
        The asks, and the nodes.

    Attributes
    ----------
    master
        The columns that were needed.
    rounds
        Rounds of the linear programme.

    Raises
    ------
    UnsuitedError
        When scores would leave 64 bits.
    """

    def __init__(self, given: Patterns, kinds: Kinds, survey: Survey) -> None:
        self._given = given
        self._kinds = kinds
        self._survey = survey
        self._asks = sum(kinds.most)
        self._levels = 1 + len(as_objective(given.objective).levels)
        joints = {id(stand.board): stand.board.joint for stand in survey.stands if stand.board.joint}
        self._largest = [1] * self._levels
        for moves in (moves for joint in joints.values() for moves in joint.moves):
            own = np.abs(moves.scores).max(axis=0, initial=1).tolist()
            self._largest = [max(level) for level in zip(self._largest, own, strict=True)]
        if max(self._largest) * max(1, self._asks) > LARGEST >> 8:
            message = "scores beyond 64 bits"
            raise UnsuitedError(message)
        self._order = in_order(joints.values(), kinds.most)
        self.rounds = 0
        counts = [min(len(stand.nodes), self._asks) for stand in survey.stands]
        self.master = Master(kinds, counts)
        self._placed = [0] * len(self.master.shares)

    def run(self) -> tuple[tuple[int, ...], tuple[int, ...], dict[int, Seat]]:
        """Return value and bound of each level, and the seats."""
        self.master.add(self._singles())
        bounds: list[int] = []
        nodes: list[int] = []
        while len(bounds) < self._levels:
            level = len(bounds)
            relaxed = self._relax(level)
            value, nodes, bound = self._chosen(level, relaxed.bound, nodes)
            # Better points of a pattern need be known only where no earlier level could be traded for this one.
            if value < bound and bounds == list(self.master.floors) and self._complete(relaxed, value):
                value, nodes, bound = self._chosen(level, bound, nodes, whole=True)
            self.master.floors += (value,)
            bounds.append(bound)
            # A choice for this level may be better in an earlier one by the way: those after it are made again.
            got = tuple(self._value(i, nodes) for i in range(level))
            better = next((i for i in range(level) if got[i] > self.master.floors[i]), None)
            if better is not None:
                self.master.floors = (*self.master.floors[:better], got[better])
                del bounds[better + 1 :]
        return self.master.floors, tuple(bounds), self._seats(nodes)

    def last(self) -> pulp.LpProblem:
        """Return the programme of the last level once :meth:`run` is over; those before are held by rows."""
        self.master.floors = self.master.floors[: self._levels - 1]
        return self.master.programme(self._levels - 1)

    def _singles(self) -> Iterator[Column]:
        """Yield the best nodes for each ask alone, as many as there are asks of its kind: a choice to begin with."""
        known: dict[tuple[int, int, int], Play | None] = {}
        for kind, most in enumerate(self._kinds.most):
            found: list[tuple[tuple[int, ...], int, Play]] = []
            for s, stand in enumerate(self._survey.stands):
                key = id(stand.board), stand.free, kind
                if most and key not in known:
                    assert stand.board.joint is not None
                    known[key] = stand.board.joint.best((kind,), stand.free, self._order)
                play = known.get(key)
                if play is not None and (not stand.room or self._survey.fits(stand, (kind,))):
                    found.append((play.values, -s, play))
            for _, s, play in sorted(found, reverse=True):
                if most <= 0:
                    break
                most -= self.master.counts[-s]
                yield Column(-s, play)

    # --- the bound -------------------------------------------------------------------------------------------

    def _relax(self, level: int) -> _Relaxed:
        """Add columns until the linear programme has all that it needs, or the rounds are over."""
        best: _Relaxed | None = None
        for _ in range(self._given.max_rounds):
            self.rounds += 1
            value, duals = self.master.relaxed(level) or (np.inf, self.master.free())
            relaxed, columns = self._priced(level, duals)
            if best is None or relaxed.bound < best.bound:
                best = relaxed
            if best.bound <= value + 1e-6 * max(1.0, abs(value)) or not self.master.add(columns):
                break
        assert best is not None
        return best

    def _priced(self, level: int, duals: Duals) -> tuple[_Relaxed, list[Column]]:
        unit = self._unit(level, duals)
        if not unit:
            duals, unit = self.master.free(), 1
        prices = np.rint(duals.kinds * unit).astype(np.int64)
        weights = np.zeros(self._levels, np.int64)
        weights[level] = unit
        weights[:level] = np.maximum(0, np.rint(duals.floors * unit)).astype(np.int64)
        worth = np.zeros(len(self._survey.stands), np.int64)
        priced: dict[int, Priced] = {}
        columns = []
        for s, stand in enumerate(self._survey.stands):
            joint = stand.board.joint
            assert joint is not None
            own = priced.get(id(stand.board))
            if own is None:
                own = priced[id(stand.board)] = joint.priced(weights, prices, self._kinds.most)
            worth[s], pattern = self._best(s, own)
            if worth[s] > np.floor(duals.stands[s] * unit) + 1:
                play = joint.best(pattern, stand.free, weights)
                assert play is not None
                columns.append(Column(s, play))
        floors = sum(int(w) * floor for w, floor in zip(weights, self.master.floors, strict=False))
        scaled = self.master.paid(prices.tolist()) + self.master.gained(worth) - floors
        return _Relaxed(scaled // unit, scaled, unit, prices, weights), columns

    def _unit(self, level: int, duals: Duals) -> int:
        """Return into how many parts a unit of the level is divided, so that sums still fit; 0 where none do."""
        asks = max(1, self._asks)
        most = self._largest[level] + sum(
            abs(price) * largest for price, largest in zip(duals.floors.tolist(), self._largest, strict=False)
        )
        most += float(np.abs(duals.kinds).max(initial=0))
        return min(_FINEST, int(LARGEST / (4 * asks * most)))

    def _best(self, s: int, priced: Priced) -> tuple[int, Pattern]:
        stand = self._survey.stands[s]
        pattern, worth = priced.best(stand.free), int(priced.worth[stand.free])
        if not stand.room or self._survey.fits(stand, pattern):
            return worth, pattern
        worth, pattern = 0, ()
        for pattern, worth in priced.above(  # noqa: B007
            stand.free, 0, lambda own: self._survey.fits(stand, own), rising=True
        ):
            pass
        return worth, pattern

    # --- the choice ------------------------------------------------------------------------------------------

    def _chosen(
        self, level: int, bound: int, known: Sequence[int], *, whole: bool = False
    ) -> tuple[int, list[int], int]:
        """Return value and nodes of each column of the best choice, and the bound.

        Parameters
        ----------
        bound
            The bound so far.
        known
            Nodes of each column in a choice that satisfies the floors.
        whole
            Whether the columns hold every placement that is better than what is known.
        """
        columns = self.master.columns
        start = [*known, *[0] * (len(columns) - len(known))]
        limits = Limits(self._given.time_limit_s, self._given.max_nodes)
        nodes, value = start, self._value(level, start)
        try:
            solved = self.master.chosen(level, limits, start)
        except SolverError:
            # What a solver got wrong is worth nothing; what was known before still is.
            return value, nodes, bound
        if solved.values:
            found = [int(solved.values.get(f"w{c}", 0)) for c in range(len(columns))]
            if self._value(level, found) >= value:
                nodes, value = found, self._value(level, found)
                self._placed = [int(solved.values.get(f"x{s}", 0)) for s in range(len(self.master.shares))]
        if whole and solved.bound is not None:
            bound = min(bound, max(value, int(solved.bound)))
        return value, nodes, bound

    def _value(self, level: int, nodes: Sequence[int]) -> int:
        return sum(n * column.play.values[level] for n, column in zip(nodes, self.master.columns, strict=True))

    def _complete(self, relaxed: _Relaxed, value: int) -> bool:
        """Add every column that a better placement may have; False where there are too many."""
        unit, weights = relaxed.unit, relaxed.weights
        slack = relaxed.scaled - unit * (value + 1)
        found: list[Column] = []
        priced: dict[int, Priced] = {}
        for s, stand in enumerate(self._survey.stands):
            joint = stand.board.joint
            assert joint is not None
            own = priced.get(id(stand.board))
            if own is None:
                own = priced[id(stand.board)] = joint.priced(weights, relaxed.prices, self._kinds.most)
            least = self._best(s, own)[0] - slack - 1
            for pattern in self._patterns(s, own, least):
                play = joint.best(pattern, stand.free, self._order)
                assert play is not None
                found.append(Column(s, play))
                if len(found) > self._given.max_columns:
                    return False
        self.master.add(found)
        return True

    def _patterns(self, s: int, priced: Priced, least: int) -> Iterator[Pattern]:
        stand = self._survey.stands[s]
        fits = (lambda own: self._survey.fits(stand, own)) if stand.room else None
        return (pattern for pattern, _ in priced.above(stand.free, least, fits))

    # --- seats -----------------------------------------------------------------------------------------------

    def _seats(self, nodes: Sequence[int]) -> dict[int, Seat]:
        """Return where each ask goes: nodes and asks of a kind in order."""
        waiting = self._waiting()
        used = [0] * len(self._survey.stands)
        seats: dict[int, Seat] = {}
        for column, number in zip(self.master.columns, nodes, strict=True):
            stand = self._survey.stands[column.stand]
            for _ in range(number):
                n = int(stand.nodes[used[column.stand]])
                used[column.stand] += 1
                for step in column.play.steps:
                    seats[waiting[step.kind].pop()] = Seat(n, stand.board.chosen(step.free & ~step.then))
        return seats

    def _waiting(self) -> list[list[int]]:
        """Return the asks of each kind that are placed, by position, last first."""
        waiting: list[list[int]] = [[] for _ in self._kinds.samples]
        left = {(share.group, share.kind): n for share, n in zip(self.master.shares, self._placed, strict=True)}
        for a, at in enumerate((g, kind) for g, own in enumerate(self._kinds.of_ask) for kind in own):
            if left.get(at, 0):
                left[at] -= 1
                waiting[at[1]].insert(0, a)
        return waiting
