"""Several asks on one node: what every multiset of them is worth there, by a dynamic programme over free devices.

Asks of one node are placed one after the other, kinds in their order; devices that matter are bits of a mask. A *move*
is what one ask of a kind may get: the mask before, the mask after, and the ask's score in the state that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.groups.kinds import UnsuitedError

Ints = NDArray[np.int64]
Pattern = tuple[int, ...]
"""Kinds of the asks on one node, ascending; an ask each."""

LARGEST = 1 << 58
"""Sums of scores stay below."""

NOTHING = -(1 << 60)
"""Worth of what cannot be; adding scores to it stays below everything that can."""


@dataclass(frozen=True)
class Moves:
    """What an ask of one kind may get.

    Attributes
    ----------
    free, then
        Masks of free devices before and after; ndarrays of shape (M,), int64, sorted by ``free``.
    scores
        Score of the ask, a column a level; ndarray of shape (M, L), int64.
    """

    free: Ints
    then: Ints
    scores: Ints

    @cached_property
    def segments(self) -> tuple[Ints, Ints]:
        """Distinct masks before, ascending, and where the moves of each begin."""
        masks, starts = np.unique(self.free, return_index=True)
        return masks, starts.astype(np.int64)

    @cached_property
    def backwards(self) -> tuple[NDArray[np.intp], Ints, Ints]:
        """The moves ordered by the mask after; these masks, and where the moves of each begin."""
        order = np.argsort(self.then, kind="stable")
        masks, starts = np.unique(self.then[order], return_index=True)
        return order, masks, starts.astype(np.int64)

    def of(self, mask: int) -> slice:
        """Return where the moves from one mask are."""
        begin, end = np.searchsorted(self.free, [mask, mask + 1]).tolist()
        return slice(begin, end)


class Step(NamedTuple):
    """One ask on a node: its kind, and the free devices before and after it."""

    kind: int
    free: int
    then: int


class Play(NamedTuple):
    """Asks on one node, one after the other.

    Attributes
    ----------
    steps
        In order; kinds ascend.
    values
        Sum of the scores, one integer a level.
    """

    steps: tuple[Step, ...]
    values: tuple[int, ...]

    @property
    def pattern(self) -> Pattern:
        """The kinds."""
        return tuple(step.kind for step in self.steps)


class Joint:
    """All that several asks can get on nodes that are alike but for what is free.

    Parameters
    ----------
    size
        Number of devices that matter, R; masks are below 2**R.
    moves
        Of each kind.
    levels
        Number of columns of the scores.
    """

    def __init__(self, size: int, moves: Sequence[Moves], levels: int) -> None:
        self.size = size
        self.moves = tuple(moves)
        self.levels = levels

    def best(self, pattern: Pattern, free: int, weights: Ints) -> Play | None:
        """Return the best way to place the asks of a pattern; None where they do not fit.

        Of equal ways that of the earlier devices, and there that which gives them to the earlier asks.

        Parameters
        ----------
        pattern
            Kinds, ascending.
        free
            Mask of free devices.
        weights
            What a unit of each level counts; ndarray of shape (L,), int64.
        """
        reached = [self.start(free)]
        for kind in pattern:
            reached.append(self.after(reached[-1], kind, self.moves[kind].scores @ weights))
        turned = _turned(self.size)
        best = np.flatnonzero(reached[-1] == reached[-1].max())
        end = int(best[turned[best].argmin()])
        if reached[-1][end] <= NOTHING // 2:
            return None
        steps: list[Step] = []
        values = np.zeros(self.levels, np.int64)
        for before, kind in zip(reached[-2::-1], reversed(pattern), strict=True):
            moves = self.moves[kind]
            order, masks, starts = moves.backwards
            at = int(np.searchsorted(masks, end))
            own = order[starts[at] : starts[at + 1] if at + 1 < len(starts) else None]
            worth = before[moves.free[own]] + moves.scores[own] @ weights
            own = own[worth == worth.max()]
            move = int(own[turned[moves.free[own]].argmin()])
            values += moves.scores[move]
            steps.append(Step(kind, int(moves.free[move]), end))
            end = int(moves.free[move])
        return Play(tuple(reversed(steps)), tuple(values.tolist()))

    def priced(self, weights: Ints, prices: Ints, most: Sequence[int]) -> Priced:
        """Return what the best asks to place are worth on every mask when each kind has a price.

        Parameters
        ----------
        weights
            As in :meth:`best`.
        prices
            Of an ask of each kind; ndarray of shape (K,), int64.
        most
            Asks of each kind at most.
        """
        return Priced(self, weights, prices, most)

    def start(self, free: int) -> Ints:
        """Return the worth of ending at each mask after no ask; ndarray of shape (2**R,), int64."""
        reached = np.full(1 << self.size, NOTHING, np.int64)
        reached[free] = 0
        return reached

    def after(self, reached: Ints, kind: int, worth: Ints) -> Ints:
        """Return the same after one more ask, whose moves are worth so much."""
        moves = self.moves[kind]
        after = np.full(len(reached), NOTHING, np.int64)
        if len(moves.free):
            order, masks, starts = moves.backwards
            gained = (reached[moves.free] + worth)[order]
            after[masks] = np.maximum(np.maximum.reduceat(gained, starts), NOTHING)
        return after


@lru_cache(maxsize=4)
def _turned(size: int) -> Ints:
    """Return for each mask its digits the other way round: the less is left there, the earlier are the devices gone."""
    turned = np.zeros(1 << size, np.int64)
    for bit in range(size):
        turned |= (np.arange(1 << size) >> bit & 1) << size - 1 - bit
    turned.flags.writeable = False
    return turned


def in_order(joints: Iterable[Joint], most: Sequence[int]) -> Ints:
    """Return weights under which the better sum of scores of a pattern is the one that is better level by level.

    Parameters
    ----------
    joints
        What is compared.
    most
        Asks of each kind at most.

    Raises
    ------
    UnsuitedError
        When sums would leave 64 bits.
    """
    largest: list[int] = []
    free = np.zeros(len(most), np.int64)
    for joint in joints:
        units = np.eye(joint.levels, dtype=np.int64)
        own = [max(int(joint.priced(u, free, most).worth.max()) for u in (unit, -unit)) for unit in units]
        largest = [max(level) for level in zip(own, largest or own, strict=True)]
    return weights_of(largest, 1)


def weights_of(largest: Sequence[int], asks: int) -> Ints:
    """Return weights that put sums of so many scores in order, of which the largest of each level are known."""
    weights, weight = [], 1
    for most in reversed(largest[1:]):
        weights.append(weight)
        weight *= 2 * asks * most + 1
    if weight > LARGEST:
        message = "scores beyond 64 bits"
        raise UnsuitedError(message)
    # The number of asks, which the first level counts, is the same for all ways to place a pattern.
    return np.array([0, *reversed(weights)], np.int64)


class Priced:
    """What the best asks to place are worth on every mask, kinds priced.

    Attributes
    ----------
    worth
        ndarray of shape (2**R,), int64; at least 0, for nothing may be placed.
    """

    def __init__(self, joint: Joint, weights: Ints, prices: Ints, most: Sequence[int]) -> None:
        self._joint = joint
        self._gain = [moves.scores @ weights - price for moves, price in zip(joint.moves, prices, strict=True)]
        self._most = tuple(most)
        # Of kind k and later ones, the worth with 0, 1, 2 ... asks of kind k at most; the last kind comes first.
        worth = np.zeros(1 << joint.size, np.int64)
        stages = []
        for kind in reversed(range(len(joint.moves))):
            stages.append(self._stages(kind, worth))
            worth = stages[-1][-1]
        self._stages_of = stages[::-1]
        self.worth = worth

    def _stages(self, kind: int, without: Ints) -> list[Ints]:
        moves = self._joint.moves[kind]
        found = [without]
        masks, starts = moves.segments
        for _ in range(self._most[kind] if len(masks) else 0):
            better = without.copy()
            gained = np.maximum.reduceat(self._gain[kind] + found[-1][moves.then], starts)
            better[masks] = np.maximum(better[masks], gained)
            if np.array_equal(better, found[-1]):
                break
            found.append(better)
        return found

    def best(self, free: int) -> Pattern:
        """Return a pattern that is worth what :attr:`worth` says."""
        pattern: list[int] = []
        for kind, stages in enumerate(self._stages_of):
            stage = len(stages) - 1
            moves = self._joint.moves[kind]
            while stages[stage][free] != stages[0][free]:
                own = moves.of(free)
                then = moves.then[own]
                right = self._gain[kind][own] + stages[stage - 1][then] == stages[stage][free]
                free = int(then[right.argmax()])
                pattern.append(kind)
                stage -= 1
        return tuple(pattern)

    def above(
        self, free: int, bound: int, fits: Callable[[Pattern], bool] | None = None, *, rising: bool = False
    ) -> Iterator[tuple[Pattern, int]]:
        """Yield patterns that are worth more than a bound, with their worth.

        Parameters
        ----------
        free
            Mask of free devices.
        bound
            The bound.
        fits
            What else a pattern must satisfy; with it, all its parts do.
        rising
            The bound rises to what was found: the last pattern is the best.
        """
        todo: list[tuple[int, Pattern, Ints]] = [(int(self.worth[free]), (), self._joint.start(free))]
        while todo:
            hope, pattern, reached = todo.pop()
            if hope <= bound:
                continue
            if pattern:
                own = int(reached.max())
                if own > bound:
                    yield pattern, own
                    bound = own if rising else bound
            further = []
            for kind in range(pattern[-1] if pattern else 0, len(self._joint.moves)):
                more = (*pattern, kind)
                if more.count(kind) > self._most[kind]:
                    continue
                after = self._joint.after(reached, kind, self._gain[kind])
                hope = int((after + self._stages_of[kind][-1]).max())
                if hope > bound and (fits is None or fits(more)):
                    further.append((hope, more, after))
            todo += sorted(further, key=lambda entry: entry[:2])
