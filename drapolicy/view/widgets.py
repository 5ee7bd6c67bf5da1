"""Makes widgets; ipywidgets is imported when the first one is made, because that takes long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drapolicy.api import Objects
from drapolicy.inventory import Fleet

if TYPE_CHECKING:
    from drapolicy.view.controls import Form


def form(fleet: Fleet, *, classes: Sequence[str] | None = None, taken: Objects | None = None) -> Form:
    """Return a form that asks for some devices of a class and shows where they are placed.

    Parameters
    ----------
    fleet
        The fleet.
    classes
        Device classes to choose from; all of the fleet by default.
    taken
        Claims that are allocated and pods that are bound are taken from it; others are left out.

    Returns
    -------
    Form
        A widget; it works without a display too: set ``form.count.value`` and read ``form.placement``.

    Raises
    ------
    UnknownReferenceError
        For a class that the fleet does not have, or a fleet without classes.
    """
    from drapolicy.view.controls import Form

    return Form(fleet, classes, taken)
