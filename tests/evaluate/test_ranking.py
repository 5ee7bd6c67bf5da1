"""Rankings with ties, and sentences that say what the data allow."""

from __future__ import annotations

from math import nan

import pytest

from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.ranking import Pair, ranking
from drapolicy.evaluate.statistics import paired

WAVE = [0.0, 0.5, 1.0, 0.25, 0.75, 0.1, 0.6, 0.9, 0.4, 0.3]


def around(mean: float, factor: float = 1.0) -> list[float]:
    return [mean + factor * value for value in WAVE]


def places(values: dict[str, list[float]], metric: str = "wait") -> list[tuple[str, str]]:
    return [(str(place), place.policy) for place in ranking(values, METRICS[metric]).places]


def test_policies_that_are_not_told_apart_share_a_rank() -> None:
    """Two that now win and now lose are both first, and the next is third."""
    near = around(2.0)
    near[0], near[1] = near[1], near[0]
    assert places({"c": around(9.0), "a": around(2.0), "b": near}) == [("1=", "a"), ("1=", "b"), ("3", "c")]


def test_more_comes_first_where_more_is_better() -> None:
    """The sense is the metric's; of what is neither, more comes first too."""
    values = {"low": around(10.0), "high": around(20.0)}
    assert places(values, "placed") == places(values, "used") == [("1", "high"), ("2", "low")]
    assert places(values, "wait") == [("1", "low"), ("2", "high")]


def test_what_is_between_is_tied_with_both() -> None:
    """A rank is one more than how many are certainly better: ties need not be transitive."""
    a = [0.0] * 10
    b = [1.0, 1, 1, 1, 1, 1, 1, -1, -1, -1]
    c = [0.5] * 10
    assert places({"a": a, "b": b, "c": c}) == [("1=", "a"), ("1=", "b"), ("2", "c")]


def test_policies_without_a_value_come_last() -> None:
    """They have no rank and no mean, and are in the sentences all the same."""
    found = ranking({"a": [nan] * 10, "b": around(1.0)}, METRICS["wait"])
    assert [(str(place), place.policy) for place in found.places] == [("1", "b"), ("–", "a")]
    assert str(found.pairs[0]) == "a and b have no wait to compare; 10 left out, without a value"


@pytest.mark.parametrize(
    ("ours", "theirs", "metric", "sentence"),
    [
        (
            around(3.0, 2.0),
            around(0.0),
            "placed",
            "A beats B on placed by 3.48 points, 95 % CI 3.24–3.72, 10 seeds",
        ),
        (around(3.0), around(5.0, 1.5), "wait", "A beats B on wait by 2.24 s, 95 % CI 2.12–2.36, 10 seeds"),
        (around(3.0), around(5.0, 1.5), "placed", "B beats A on placed by 2.24 points, 95 % CI 2.12–2.36, 10 seeds"),
        (around(3.0), around(5.0, 1.5), "used", "B is 2.24 points above A on used, 95 % CI 2.12–2.36, 10 seeds"),
        ([2.0] * 8, [1.0] * 8, "slowdown", "B beats A on slowdown by 1.00 x, 95 % CI 1.00–1.00, 8 seeds"),
        (
            [1.0, -1, 2, -2, 1, -1, 1, 0],
            [0.0] * 8,
            "slowdown",
            "A and B are not separated on slowdown: 0.1 x apart, 95 % CI −1.0 to 1.3, 8 seeds",
        ),
        ([2.0] * 8, [2.0] * 8, "slowdown", "A and B are equal on slowdown, 8 seeds"),
        (
            [1.0] * 5,
            [2.0] * 5,
            "slowdown",
            "A and B: too few seeds to separate them on slowdown: 5, 6 at least",
        ),
        (
            [1.0, nan, *[1.0] * 7],
            [2.0] * 9,
            "slowdown",
            "A beats B on slowdown by 1.00 x, 95 % CI 1.00–1.00, 8 seeds; 1 left out, without a value",
        ),
    ],
)
def test_sentences(ours: list[float], theirs: list[float], metric: str, sentence: str) -> None:
    """Who beats whom, by how much, how sure and with how many seeds; or why nobody does."""
    (pair,) = ranking({"A": ours, "B": theirs}, METRICS[metric]).pairs
    assert str(pair) == sentence


def test_the_whole_family_is_corrected() -> None:
    """What is told apart alone need not be as one of many; the sentence says how many seeds that takes."""
    clear, zero = [float(seed + 1) for seed in range(7)], [0.0] * 7
    assert paired(clear, zero).certain
    others = {f"p{k}": zero for k in range(4)}
    pair = ranking({"a": clear, **others}, METRICS["wait"]).pairs[0]
    assert isinstance(pair, Pair)
    assert str(pair) == "a and p0: too few seeds to separate them on wait as one of 10 pairs: 7, 9 at least"
