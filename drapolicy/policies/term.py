"""Terms: integers with a unit that tell how good a choice of devices on one node is.

A term says by its parameters what it looks at, ``chosen``, ``left``, ``before``, ``room`` or ``rank``, and is given
nothing else, so it cannot lie about its locality. Scores are integers, so that every way of finding a placement agrees
exactly (G10).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from operator import index
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import SolverError
from drapolicy.policies.rows import Form
from drapolicy.problem.local import LocalProblem

if TYPE_CHECKING:
    from drapolicy.policies.objective import Objective

Sense = Literal["max", "min"]
Indices = NDArray[np.intp]
Masks = NDArray[np.bool_]

_NONE = np.empty(0, np.intp)


@dataclass(frozen=True)
class Term:
    """One integer that tells how good a choice on one node is.

    Attributes
    ----------
    name, unit, doc
        For tables and charts.
    sense
        Whether more is better.
    sees
        ``chosen``: devices that the ask gets; ``left``: free devices of the ask's drivers that it does not get,
        eligible or not; ``before``: all free devices of these drivers before the choice. Each is an ndarray of
        indices into ``node.devices``, ascending. ``room``: CPU and memory that the node has left and the pod asks
        for, an :class:`~drapolicy.problem.room.Outlook`. ``rank``: how good the alternatives of prioritized lists are
        that the ask gets on the node, an integer (:attr:`~drapolicy.problem.local.LocalProblem.rank`).
    bounds
        Least and greatest value the function may return; anything else is an error.
    function
        ``function(node, chosen)``, ``function(node, left)``, or any of these names together.
    over
        The same for S choices at once, or None: called with the same names, ``chosen``, ``left`` and ``before`` being
        bool ndarrays of shape (S, D), and returns an integer ndarray of shape (S,). Rows may be of several states of
        the node where ``over`` reads nothing of the node that depends on its state.
    pairs
        The same as a matrix, or None: ``pairs(node)`` is an int64 ndarray of shape (D, D), symmetric; what free
        devices add to the term of no devices is the sum of the entries between them, each pair once, and of their
        own on the diagonal. It returns None on nodes where the term is not of this form. Solvers that need not look
        at every choice read it.
    joins
        The same as a matrix of links, or None: ``joins(node)`` is an int64 ndarray of shape (D, D), symmetric and not
        negative; the term of two devices or more is the greatest amount such that links of it or more join them all.
    rows
        The same by columns of many nodes, or None: ``rows(products)`` returns a function of
        :class:`~drapolicy.policies.rows.Rows`. Engines rank nodes by it whatever CPU and memory they have left.
    """

    name: str
    unit: str
    sense: Sense
    sees: tuple[str, ...]
    bounds: tuple[int, int]
    function: Callable[..., Any]
    doc: str = ""
    over: Callable[..., Any] | None = None
    pairs: Callable[[LocalProblem], NDArray[np.int64] | None] | None = None
    joins: Callable[[LocalProblem], NDArray[np.int64]] | None = None
    rows: Form | None = None

    def of(self, node: LocalProblem, chosen: Indices, left: Indices) -> int:
        """Return the term for one choice.

        Raises
        ------
        SolverError
            When the function returns something else than an integer within its bounds.
        """
        got = self._called(self.function, node, chosen, left, lambda: sealed(node.left(_NONE)))
        try:
            number = index(got)
        except TypeError:
            message = f"objective {self.name}: returned {got!r}, which is not an integer; round it"
            raise SolverError(message) from None
        self._within(number, number)
        return number

    def of_many(self, node: LocalProblem, chosen: Masks, before: Masks) -> NDArray[np.int64]:
        """Return the term for many choices; ndarray of shape (S,), int64.

        Parameters
        ----------
        chosen, before
            Devices of each choice, and free devices of the ask's drivers before it; ndarrays of shape (S, D), bool.

        Raises
        ------
        SolverError
            As :meth:`of`.
        """
        left = sealed(before & ~chosen)
        if self.over is None:
            rows = zip(chosen, left, strict=True)
            found = [self.of(node, sealed(np.flatnonzero(c)), sealed(np.flatnonzero(k))) for c, k in rows]
            return np.array(found, np.int64)
        got = np.asarray(self._called(self.over, node, chosen, left, lambda: before))
        if got.shape != (len(chosen),) or got.dtype.kind not in "iu":
            message = (
                f"objective {self.name}: over returned {got.dtype} of shape {got.shape}, not {len(chosen)} integers"
            )
            raise SolverError(message)
        if got.size:
            self._within(int(got.min()), int(got.max()))
        return got.astype(np.int64)

    def _called(
        self, function: Callable[..., Any], node: LocalProblem, chosen: Any, left: Any, before: Callable[[], Any]
    ) -> Any:
        """Return what a function makes of what the term looks at."""
        seen: dict[str, Callable[[], Any]] = {
            "chosen": lambda: chosen,
            "left": lambda: left,
            "before": before,
            "room": lambda: node.outlook,
            "rank": lambda: node.rank,
        }
        try:
            return function(node, **{name: seen[name]() for name in self.sees})
        except Exception as error:
            error.add_note(f"in objective {self.name}, on node {node.site.name}")
            raise

    def _within(self, least: int, most: int) -> None:
        low, high = self.bounds
        if not low <= least <= most <= high:
            worst = least if least < low else most
            message = f"objective {self.name}: returned {worst}, outside its bounds {low}..{high}; widen them"
            raise SolverError(message)

    def __reduce__(self) -> str | tuple[Any, ...]:
        # The decorated function cannot be found by its name, for the term stands there: the term is pickled by name.
        # A function with parameters is an object of a class: that has no such name and is pickled as it is.
        module, name = self.function.__module__, getattr(self.function, "__qualname__", "")
        if name and module in sys.modules and _at(module, name) is self:
            return _named, (module, name)
        return Term, tuple(getattr(self, field.name) for field in fields(self))

    @property
    def _alone(self) -> Objective:
        """The objective of this term alone, as it is."""
        from drapolicy.policies.objective import Objective  # which is made of terms

        return Objective((((1, self),),))

    def __add__(self, other: Term | Objective) -> Objective:
        return self._alone + other

    def __sub__(self, other: Term | Objective) -> Objective:
        return self._alone - other

    def __mul__(self, weight: int) -> Objective:
        return self._alone * weight

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self._alone * -1


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return the same array, not writeable: what a term sees belongs to the terms after it too."""
    seen = array.view()
    seen.flags.writeable = False
    return seen


def _at(module: str, name: str) -> Any:
    """Return what stands under a name in a module; None where the name is not to be found from outside."""
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _named(module: str, name: str) -> Term:
    """Return a term that was pickled by name."""
    found = _at(module, name)
    if not isinstance(found, Term):
        message = f"objective {name}: module {module} has no term of this name in this process"
        raise SolverError(message)
    return found
