"""Python's own searches for cycles: off during a play, as before after it."""

from __future__ import annotations

import gc

import pytest

from drapolicy.policies import POLICIES
from drapolicy.simulate import Moment, play
from drapolicy.simulate.garbage import Sweeper, seldom
from drapolicy.testing.scenarios import a_scenario


def test_searches_come_back_after_a_play() -> None:
    """Also one that ends by an error."""
    seen: list[bool] = []

    def watch(moment: Moment) -> None:
        seen.append(gc.isenabled())
        if len(seen) == 3:
            message = "enough"
            raise RuntimeError(message)

    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="enough"):
        play(a_scenario(0), POLICIES["first-fit"], 0, quality=False, watch=watch)
    assert (seen, gc.isenabled()) == ([False] * 3, True)


def test_who_had_turned_them_off_keeps_them_off() -> None:
    """Nested too."""
    gc.disable()
    try:
        with seldom(), seldom():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_searches_grow_rare_while_they_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are frequent again once something was found."""
    found, steps = iter([0, 0, 3, 0, 0]), []
    at = 0
    monkeypatch.setattr("drapolicy.simulate.garbage.FIRST", 2)
    monkeypatch.setattr(gc, "collect", lambda _: steps.append(at) or next(found))
    sweeper = Sweeper()
    for at in range(1, 250):  # noqa: B007 - the search notes it
        sweeper.step()
    assert steps == [2, 22, 222, 224, 244]


def test_what_is_kept_from_searches_stays_so() -> None:
    """Somebody may have frozen objects before processes were forked."""
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with seldom():
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
