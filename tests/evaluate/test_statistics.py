"""Paired comparisons: exact, level and power for differences of any distribution, and what has no spread or no value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from math import inf, isnan, nan, sqrt
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drapolicy.evaluate.statistics import Difference, holm, needed, paired

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]

# What a policy's metric looks like over seeds: a draw for each comparison and seed, and the standard deviation.
METRICS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 1.0),
    "log-normal": (lambda rng, shape: rng.lognormal(size=shape), sqrt((np.e - 1) * np.e)),
    "counts": (lambda rng, shape: rng.poisson(1.0, shape).astype(float), 1.0),
    "heavy ties": (lambda rng, shape: (rng.random(shape) < 0.1).astype(float), 0.3),
    "heavy tails": (lambda rng, shape: rng.standard_t(3, shape), sqrt(3.0)),
}
# Differences that are skewed themselves: their mean is 0 and their standard deviation 1.
SKEWED: dict[str, Draw] = {
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "counts": lambda rng, shape: rng.poisson(1.0, shape) - 1.0,
    "log-normal": lambda rng, shape: (rng.lognormal(size=shape) - sqrt(np.e)) / METRICS["log-normal"][1],
}
VALUES = st.integers(-40, 40).map(lambda x: x / 8)


def named(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Return the part of comparisons, one a row, that name a winner."""
    return float(np.mean([paired(a.tolist(), b.tolist()).certain for a, b in zip(ours, theirs, strict=True)]))


@pytest.mark.parametrize("seeds", [3, 5, 6, 8, 20])
@pytest.mark.parametrize("metric", METRICS)
def test_one_policy_under_two_names_seldom_wins(metric: str, seeds: int) -> None:
    """Of 1,000 comparisons of a policy with itself at most 7 % name a winner; with five seeds and fewer none does."""
    draw, _ = METRICS[metric]
    rng = np.random.default_rng(5)
    false = named(draw(rng, (1000, seeds)), draw(rng, (1000, seeds)))
    assert false <= (0.07 if seeds >= needed() else 0.0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("metric", METRICS)
def test_a_true_difference_is_found(metric: str, sign: int) -> None:
    """With twenty seeds a shift by one standard deviation of the differences names a winner in 90 % of comparisons."""
    draw, deviation = METRICS[metric]
    rng = np.random.default_rng(6)
    ours, theirs = draw(rng, (1000, 20)), draw(rng, (1000, 20))
    assert named(ours + sign * sqrt(2) * deviation, theirs) >= 0.9


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("differences", SKEWED)
def test_skewed_differences_are_found(differences: str, sign: int) -> None:
    """The same where the differences lean to one side, whichever side the shift is to."""
    deltas = SKEWED[differences](np.random.default_rng(7), (1000, 20))
    assert named(deltas + sign, np.zeros_like(deltas)) >= 0.9


def test_several_copies_of_one_policy_seldom_have_a_winner() -> None:
    """Holm's correction holds the level for all comparisons of four names together."""
    rng = np.random.default_rng(8)
    found = []
    for _ in range(300):
        policies = rng.lognormal(size=(4, 12))
        together = holm([paired(a.tolist(), b.tolist()) for a, b in combinations(policies, 2)])
        found.append(any(each.certain for each in together))
    assert np.mean(found) <= 0.07


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_hold_the_true_difference(metric: str) -> None:
    """At least 93 of 100 intervals do, as 95 should, and they are not wide for nothing: zero is out at power."""
    draw, deviation = METRICS[metric]
    rng = np.random.default_rng(9)
    found = [
        paired((a + 2 * deviation).tolist(), b.tolist())
        for a, b in zip(draw(rng, (500, 12)), draw(rng, (500, 12)), strict=True)
    ]
    assert np.mean([each.low - 1e-4 <= 2 * deviation <= each.high + 1e-4 for each in found]) >= 0.93


def by_all_signs(deltas: list[float]) -> tuple[float, float, float]:
    """Return p and interval by writing all choices of signs, and all subsets, down."""
    n = len(deltas)
    total = sum(deltas)
    p = float(
        np.mean(
            [
                abs(sum(s * d for s, d in zip(signs, deltas, strict=True))) >= abs(total) - 1e-9
                for signs in product((1, -1), repeat=n)
            ]
        )
    )
    means = sorted(sum(part) / len(part) for size in range(1, n + 1) for part in combinations(deltas, size))
    k = int(0.05 * 2 ** (n - 1) + 1e-9)
    return (p, means[k - 1], means[-k]) if k else (p, nan, nan)


@given(st.lists(VALUES, min_size=1, max_size=9))
def test_what_is_counted_is_what_the_definition_says(deltas: list[float]) -> None:
    """Counting in halves gives the same as trying every choice of signs; the interval leaves zero out with the test."""
    found = paired(deltas, [0.0] * len(deltas))
    p, low, high = by_all_signs(deltas)
    assert found.p == pytest.approx(p)
    assert found.mean == pytest.approx(sum(deltas) / len(deltas))
    if isnan(low):
        assert (isnan(found.low), isnan(found.high), found.certain) == (True, True, False)
        return
    reach = 2e-6 * (max(deltas) - min(deltas))
    assert found.low == pytest.approx(low, abs=reach)
    assert found.high == pytest.approx(high, abs=reach)
    assert found.certain == (found.low > 0 or found.high < 0)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30))
def test_who_comes_first_does_not_matter(pairs: list[tuple[float, float]]) -> None:
    """The second from the first is the first from the second with the other sign."""
    ours, theirs = map(list, zip(*pairs, strict=True))
    one, other = paired(ours, theirs), paired(theirs, ours)
    assert (other.p, other.pairs) == (one.p, one.pairs)
    expected = [-one.mean, -one.high, -one.low, -one.cohen, -one.cliff]
    assert [other.mean, other.low, other.high, other.cohen, other.cliff] == pytest.approx(
        expected, nan_ok=True, abs=1e-6
    )


def test_many_seeds_are_compared_in_no_time() -> None:
    """A thousand pairs are added up in groups; the difference is as clear."""
    rng = np.random.default_rng(0)
    found = paired((rng.normal(size=1000) + 0.2).tolist(), rng.normal(size=1000).tolist())
    assert found.certain
    assert 0.05 < found.low < found.mean < found.high < 0.4


def test_effect_sizes() -> None:
    """Cohen's d is mean by deviation, Cliff's delta greater less smaller; by hand."""
    found = paired([1.0, 2.0, 3.0, -2.0], [0.0] * 4)
    # Mean 1; deviation sqrt((0 + 1 + 4 + 9) / 3); three of four greater, one smaller.
    assert found.cohen == pytest.approx(1 / sqrt(14 / 3))
    assert found.cliff == 0.5


@pytest.mark.parametrize(
    ("deltas", "p", "cohen", "certain"),
    [
        ([0.0] * 8, 1.0, 0.0, False),
        ([2.0] * 8, 2 / 2**8, inf, True),
        ([-2.0] * 8, 2 / 2**8, -inf, True),
        ([2.0] * 5, 2 / 2**5, inf, False),
        ([2.0], 1.0, nan, False),
    ],
)
def test_differences_without_spread(deltas: list[float], p: float, cohen: float, certain: bool) -> None:
    """All equal is nothing to tell apart; all shifted alike is, if there are seeds enough."""
    found = paired(deltas, [0.0] * len(deltas))
    assert (found.p, found.cohen, found.certain) == (p, pytest.approx(cohen, nan_ok=True), certain)
    if found.pairs >= needed():
        assert (found.low, found.high) == (deltas[0], deltas[0])


def test_what_has_no_meaning_is_left_out() -> None:
    """Pairs with a NaN or an infinity do not count and are told; none has no mean."""
    found = paired([1.0, nan, 3.0, inf, 2.0], [0.0, 1.0, nan, 0.0, inf])
    assert (found.mean, found.pairs, found.left_out, found.certain) == (1.0, 1, 4, False)
    none = paired([nan], [1.0])
    assert (none.pairs, none.left_out, none.certain, isnan(none.mean), isnan(none.p)) == (0, 1, False, True, True)
    assert paired([], []).pairs == 0


def test_rounding_names_no_winner() -> None:
    """Sums in another order differ in the last digits, always to the same side perhaps."""
    ours = [0.1 + 0.2 + seed for seed in range(20)]
    assert any(a != b for a, b in zip(ours, [0.3 + seed for seed in range(20)], strict=True))
    found = paired(ours, [0.3 + seed for seed in range(20)])
    assert (found.mean, found.p, found.certain) == (0.0, 1.0, False)


def test_holm_by_hand() -> None:
    """The smallest p counts times three, the next times two, and none is below one before it."""
    given_p = [0.04, nan, 0.01, 0.03]
    found = holm([Difference(1.0, 0.0, 2.0, 9, p=p) for p in given_p])
    assert [each.p for each in found] == pytest.approx([0.06, nan, 0.03, 0.06], nan_ok=True)
    assert [each.certain for each in found] == [False, False, True, False]
    assert holm([]) == ()


@pytest.mark.parametrize(("comparisons", "pairs"), [(0, 6), (1, 6), (2, 7), (4, 8), (6, 8), (10, 9), (28, 11)])
def test_how_many_seeds_it_takes(comparisons: int, pairs: int) -> None:
    """With one seed fewer no result at all could be told apart; with as many, the clearest is."""
    assert needed(comparisons) == pairs
    for count, certain in ((pairs, True), (pairs - 1, False)):
        clear = [paired([float(k + 1) for k in range(count)], [0.0] * count)] * max(comparisons, 1)
        assert holm(clear)[0].certain is certain


def test_lengths_must_agree() -> None:
    """Unpaired numbers are refused."""
    with pytest.raises(ValueError, match="zip"):
        paired([1.0], [1.0, 2.0])
