"""Arrivals by hour and weekday: the drawn times have the rate that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import InputError
from drapolicy.workload.rhythm import HOURS, Rhythm

DAY = 86_400


def test_hours_and_weekends_come_out() -> None:
    """Over many draws each hour has its part of the arrivals, and a day at the weekend its percent of another's."""
    times = Rhythm().times_s(np.random.default_rng(1), 200_000, 28 * DAY)
    hours = np.bincount((times // 3600).astype(int) % 24, minlength=24) / times.size
    assert np.abs(hours - np.array(HOURS) / sum(HOURS)).max() < 0.003
    days = np.bincount((times // DAY).astype(int) % 7, minlength=7)
    assert days[5:].mean() / days[:5].mean() == pytest.approx(0.57, abs=0.02)


def test_hours_without_arrivals_have_none() -> None:
    """All within the one hour that has a weight, on five days of seven."""
    only = tuple(int(hour == 9) for hour in range(24))
    times = Rhythm(only, 0).times_s(np.random.default_rng(2), 5_000, 7 * DAY)
    assert set((times // 3600).astype(int) % 24) == {9}
    assert set((times // DAY).astype(int)) == {0, 1, 2, 3, 4}


def test_equal_hours_are_a_plain_poisson_process() -> None:
    """Gaps of an even rate are exponential: their deviation is their mean."""
    times = Rhythm((1,) * 24, 100).times_s(np.random.default_rng(3), 100_000, 7 * DAY)
    gaps = np.diff(times)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.02)


@given(st.integers(0, 50), st.integers(1, 40 * DAY), st.integers(0, 2**32))
def test_times_are_in_order_and_within_the_span(number: int, span: int, seed: int) -> None:
    """As many as asked, sorted, from 0 to the end; the same for the same seed."""
    times = Rhythm().times_s(np.random.default_rng(seed), number, span)
    assert times.size == number
    assert (np.diff(times) >= 0).all()
    assert number == 0 or 0 <= times[0] <= times[-1] <= span
    assert (times == Rhythm().times_s(np.random.default_rng(seed), number, span)).all()


@pytest.mark.parametrize(
    ("hours", "weekend"), [((1,) * 23, 100), ((0,) * 24, 100), ((-1, *(1,) * 23), 100), ((1,) * 24, -1)]
)
def test_no_rhythm(hours: tuple[int, ...], weekend: int) -> None:
    """24 weights, none negative, not all 0."""
    with pytest.raises(InputError, match="give 24 weights, not all 0"):
        Rhythm(hours, weekend)


def test_a_span_in_which_nothing_arrives_is_refused() -> None:
    """Rather than times that mean nothing."""
    late = Rhythm(tuple(int(hour == 9) for hour in range(24)))
    for span in (0, 3600):
        with pytest.raises(InputError, match="rhythm: "):
            late.times_s(np.random.default_rng(0), 1, span)
