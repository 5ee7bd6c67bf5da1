"""What is to happen, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drapolicy.simulate.agenda import Agenda

THINGS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=12)


@given(planned=THINGS, later=THINGS)
def test_things_come_by_time_class_and_order_of_planning(
    planned: list[tuple[int, int]], later: list[tuple[int, int]]
) -> None:
    """Whether they were planned from the start or meanwhile, for the same time too."""
    agenda = Agenda([(time, cls, number) for number, (time, cls) in enumerate(planned)])
    number, left = len(planned), iter(later)
    open_ = {(time, cls, n) for n, (time, cls) in enumerate(planned)}
    for now, things in agenda:
        for cls, thing in things:
            assert (now, cls, thing) == min(open_)
            open_.remove((now, cls, thing))
            for after, kind in [pair for _, pair in zip(range(2), left, strict=False)]:
                agenda.add(now + after, kind, number)
                open_.add((now + after, kind, number))
                number += 1
    assert not open_
