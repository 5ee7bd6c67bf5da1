"""``@objective``: a function of a node and of what it looks at becomes a term."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.policies.rows import Form
from drapolicy.policies.term import Sense, Term
from drapolicy.problem.local import LocalProblem

_SEEN = ("chosen", "left", "before", "room", "rank")
_LATER = ("members",)


def objective(
    *,
    sense: Sense,
    unit: str,
    bounds: tuple[int, int],
    over: Callable[..., Any] | None = None,
    pairs: Callable[[LocalProblem], NDArray[np.int64] | None] | None = None,
    joins: Callable[[LocalProblem], NDArray[np.int64]] | None = None,
    rows: Form | None = None,
) -> Callable[[Callable[..., Any]], Term]:
    """Turn a function of a node and of ``chosen``, ``left``, ``before``, ``room`` or ``rank`` into a term.

    Parameters
    ----------
    sense
        ``"max"`` if more is better, ``"min"`` if less is.
    unit
        For tables and charts.
    bounds
        Least and greatest value.
    over, pairs, joins, rows
        Other forms of the same term, see :class:`Term`; they make solvers faster and change nothing else.

    Raises
    ------
    InputError
        When the function's parameters are not ``node`` and then one or more of ``chosen``, ``left``,
        ``before``, ``room`` and ``rank``.
    UnsupportedFeatureError
        For ``members``, which is not built yet.

    Examples
    --------
    >>> @objective(sense="min", unit="devices", bounds=(0, 512))
    ... def remaining(node, left):
    ...     return left.size
    >>> remaining.sees
    ('left',)
    """

    def make(function: Callable[..., Any]) -> Term:
        name = function.__name__
        node, *seen = inspect.signature(function).parameters or [""]
        later = [parameter for parameter in seen if parameter in _LATER]
        if later:
            message = (
                f"objective {name}: parameter {later[0]} is not supported yet; use chosen, left, before, room or rank"
            )
            raise UnsupportedFeatureError(message, later)
        if node != "node" or not seen or not set(seen) <= set(_SEEN):
            given = ", ".join([node, *seen]) or "none"
            message = f"objective {name}: parameters are {given}; use node and then {', '.join(_SEEN)}"
            raise InputError(message)
        if sense not in {"max", "min"}:
            message = f"objective {name}: sense {sense!r} is neither 'max' nor 'min'"
            raise InputError(message)
        low, high = bounds
        if not all(isinstance(bound, int) for bound in (low, high)):
            message = f"objective {name}: bounds {low}..{high} are no integers; scale the unit instead"
            raise InputError(message)
        if low > high:
            message = f"objective {name}: bounds {low}..{high} are empty; put the lower first"
            raise InputError(message)
        if over is not None and list(inspect.signature(over).parameters) != ["node", *seen]:
            message = f"objective {name}: over has other parameters than the function; use node, {', '.join(seen)}"
            raise InputError(message)
        doc = inspect.getdoc(function) or ""
        return Term(name, unit, sense, tuple(seen), (low, high), function, doc, over, pairs, joins, rows)

    return make
