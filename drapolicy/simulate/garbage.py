"""Fewer searches for cycles of objects while much is alive."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = 1
"""The oldest generation that is searched meanwhile."""


@contextmanager
def seldom() -> Iterator[None]:
    """Keep Python from searching for cycles by itself; who asked for it before gets it back.

    What a play drops is freed by counting references. The searches look at all that is alive, again and again: on
    large fleets they took a third of the time and found nothing. Call :func:`sweep` now and then.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def sweep() -> None:
    """Search for cycles among objects that are not old yet."""
    gc.collect(YOUNG)
