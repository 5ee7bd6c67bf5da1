"""Paired differences equal those of scipy's test for related samples."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from drapolicy.evaluate.statistics import paired

VALUES = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=12), st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_are_those_of_the_t_test(pairs: list[tuple[float, float]], confidence: float) -> None:
    """Mean and interval agree with scipy.stats.ttest_rel."""
    ours, theirs = zip(*pairs, strict=True)
    found = paired(ours, theirs, confidence)
    deltas = {round(a - b, 6) for a, b in pairs}
    assert found.pairs == len(pairs)
    if len(deltas) == 1:
        assert found.low == pytest.approx(found.mean, abs=1e-6)
        return
    expected = stats.ttest_rel(ours, theirs).confidence_interval(confidence)
    assert found.low == pytest.approx(expected.low, rel=1e-6, abs=1e-6)
    assert found.high == pytest.approx(expected.high, rel=1e-6, abs=1e-6)
    assert found.certain == (found.low > 0 or found.high < 0)


def test_what_has_no_meaning_is_left_out() -> None:
    """Pairs with a NaN do not count; one pair has no interval, none has no mean."""
    assert paired([1.0, nan, 3.0], [0.0, 1.0, nan]) != paired([], [])
    one = paired([1.0, nan, 3.0], [0.0, 1.0, nan])
    assert (one.mean, one.pairs, one.certain, isnan(one.low)) == (1, 1, False, True)
    none = paired([nan], [1.0])
    assert (none.pairs, none.certain, isnan(none.mean)) == (0, False, True)


def test_equal_results_are_no_difference() -> None:
    """All differences zero: nothing is certain. All the same and not zero: it is."""
    assert not paired([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).certain
    assert paired([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]).certain


def test_lengths_must_agree() -> None:
    """Unpaired numbers are refused."""
    with pytest.raises(ValueError, match="zip"):
        paired([1.0], [1.0, 2.0])
