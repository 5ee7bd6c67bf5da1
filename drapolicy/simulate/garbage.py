"""Fewer searches for cycles of objects while much is alive."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = 1
"""The oldest generation that is searched meanwhile."""

FIRST: Final = 5_000
"""After how many steps the first search is made."""


@contextmanager
def seldom() -> Iterator[None]:
    """Keep Python from searching for cycles by itself; who asked for it before gets it back.

    What a play drops is freed by counting references. The searches look at all that is alive, again and again: on
    large fleets they took a third of the time and found nothing. :class:`Sweeper` searches now and then.
    """
    was = gc.isenabled()
    gc.disable()
    _age()
    try:
        yield
    finally:
        _age()
        if was:
            gc.enable()


def _age() -> None:
    """Let all that is alive count as old, without a search; not where somebody keeps objects from searches for ever."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()


class Sweeper:
    """Searches for cycles among objects that are not old yet, ten times as seldom whenever it finds none.

    A policy that leaves cycles behind is swept after every :data:`FIRST` steps again.
    """

    def __init__(self) -> None:
        self._left = self._pause = FIRST

    def step(self) -> None:
        """Count a step of the play, and search if it is time."""
        self._left -= 1
        if not self._left:
            self._pause = FIRST if gc.collect(YOUNG) else 10 * self._pause
            self._left = self._pause
