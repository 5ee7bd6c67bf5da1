"""Several asks on one node: the dynamic programme against all ways to place them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import pytest

from drapolicy.policies.groups.joint import Joint, Moves, Pattern, in_order
from drapolicy.policies.groups.kinds import UnsuitedError

SIZE, LEVELS = 3, 3


def made(seed: int) -> Joint:
    """Return what asks of up to three kinds may get of three devices, at random; an ask may want none."""
    rng = random.Random(seed)
    moves = []
    for _ in range(rng.randint(1, 3)):
        rows = sorted(
            (free, free & ~chosen, [1, rng.randint(-9, 9), rng.randint(-9, 9)])
            for free in range(1 << SIZE)
            for chosen in range(1 << SIZE)
            if not chosen & ~free and rng.random() < (0.5 if chosen else 0.05)
        )
        arrays = zip(*rows, strict=True) if rows else ((), (), np.zeros((0, LEVELS)))
        free, then, scores = (np.array(list(a), np.int64) for a in arrays)
        moves.append(Moves(free, then, scores.reshape(-1, LEVELS)))
    return Joint(SIZE, moves, LEVELS)


def ways(joint: Joint, pattern: Pattern, free: int) -> Iterator[tuple[int, ...]]:
    """Yield the values of each way to place a pattern."""
    if not pattern:
        yield (0,) * joint.levels
        return
    moves = joint.moves[pattern[0]]
    for at, then, score in zip(moves.free.tolist(), moves.then.tolist(), moves.scores.tolist(), strict=True):
        if at == free:
            for rest in ways(joint, pattern[1:], then):
                yield tuple(a + b for a, b in zip(score, rest, strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_patterns_are_worth_what_the_best_way_is(seed: int) -> None:
    """In order of levels, priced, and all above a bound: as every way to place every pattern says."""
    joint = made(seed)
    kinds = range(len(joint.moves))
    most = [2] * len(kinds)
    patterns = [
        p
        for n in range(2 * len(kinds) + 1)
        for p in combinations_with_replacement(kinds, n)
        if all(p.count(kind) <= 2 for kind in kinds)
    ]
    order = in_order([joint], most)
    weights, prices = np.array([3, 2, 1]), np.array([7, 1, 4])[: len(kinds)]
    priced = joint.priced(weights, prices, most)
    for free in range(1 << SIZE):
        worth = {}
        for pattern in patterns:
            values = list(ways(joint, pattern, free))
            play = joint.best(pattern, free, order)
            assert (play is None) == (not values)
            if play is not None:
                assert play.values == max(values)
                assert play.pattern == pattern
                assert (play.steps[0].free if play.steps else free) == free
                paid = sum(int(prices[kind]) for kind in pattern)
                worth[pattern] = (
                    max(sum(int(w) * v for w, v in zip(weights, own, strict=True)) for own in values) - paid
                )
        assert priced.worth[free] == max(worth.values())
        assert worth[priced.best(free)] == max(worth.values())
        for bound in (-5, 0, 3):
            above = dict(priced.above(free, bound))
            assert above == {p: w for p, w in worth.items() if p and w > bound}
        few = dict(priced.above(free, -5, fits=lambda pattern: len(pattern) <= 1))
        assert few == {p: w for p, w in worth.items() if len(p) == 1 and w > -5}
        rising = list(priced.above(free, 0, rising=True))
        assert (rising[-1][1] if rising else 0) == max(worth.values())


def test_scores_that_do_not_fit_are_refused() -> None:
    """Levels that cannot be put in order in 64 bits."""
    one = Moves(np.array([1]), np.array([0]), np.array([[1, 2**40, 2**40]]))
    with pytest.raises(UnsuitedError, match="scores beyond 64 bits"):
        in_order([Joint(1, [one], LEVELS)], [1])


def test_of_equal_ways_earlier_asks_get_earlier_devices() -> None:
    """Four devices, of which any one or two will do: upstream's order of devices, and of asks."""
    moves = [
        sorted((free, free & ~c) for free in range(16) for c in range(16) if c & ~free == 0 and c.bit_count() == size)
        for size in (1, 2)
    ]
    scores = [np.ones((len(own), 1), np.int64) for own in moves]
    kinds = [Moves(*np.array(own, np.int64).T, score) for own, score in zip(moves, scores, strict=True)]
    joint = Joint(4, kinds, 1)
    for pattern, free, gone in (((0,), 0b1110, [0b10]), ((1,), 0b1101, [0b101]), ((0, 0, 1), 0b1111, [1, 2, 12])):
        play = joint.best(pattern, free, np.zeros(1, np.int64))
        assert play is not None
        assert [step.free & ~step.then for step in play.steps] == gone
