"""What is better: integer terms with a unit, weighted or in order of importance.

A term says by its parameters what it looks at, ``chosen``, ``left``, ``before``, ``room`` or ``rank``, and is given
nothing else, so it cannot lie about its locality. Scores are integers, so that every way of finding a placement agrees
exactly (G10).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from operator import index
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError, SolverError
from drapolicy.policies.rows import Form
from drapolicy.problem.local import LocalProblem

Sense = Literal["max", "min"]
Indices = NDArray[np.intp]
Masks = NDArray[np.bool_]
Score = tuple[int, ...]

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
        got = self._called(self.function, node, chosen, left, lambda: _sealed(node.left(_NONE)))
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
        left = _sealed(before & ~chosen)
        if self.over is None:
            rows = zip(chosen, left, strict=True)
            found = [self.of(node, _sealed(np.flatnonzero(c)), _sealed(np.flatnonzero(k))) for c, k in rows]
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

    def __add__(self, other: Term | Objective) -> Objective:
        return _weighted(self) + other

    def __sub__(self, other: Term | Objective) -> Objective:
        return _weighted(self) - other

    def __mul__(self, weight: int) -> Objective:
        return _weighted(self) * weight

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return _weighted(self) * -1


@dataclass(frozen=True)
class Objective:
    """Terms to maximise: weighted sums, compared one after the other.

    Attributes
    ----------
    levels
        Sums in order of importance; each a tuple of (weight, term). The first level that differs decides; ties go
        to the earlier devices in upstream's order, then to the earlier node.
    """

    levels: tuple[tuple[tuple[int, Term], ...], ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms, in order of importance."""
        return tuple(term for level in self.levels for _, term in level)

    @property
    def names(self) -> tuple[str, ...]:
        """Each level as a text, ``inside - 3 links_lost``."""
        texts = [
            " ".join(f"{'-' if w < 0 else '+'} {abs(w) if abs(w) != 1 else ''} {t.name}" for w, t in level)
            for level in self.levels
        ]
        return tuple(" ".join(text.removeprefix("+").split()) for text in texts)

    @property
    def ranks(self) -> bool:
        """Whether a term says what better alternatives of prioritized lists are worth, be it nothing."""
        return any("rank" in term.sees for term in self.terms)

    @property
    def neutral(self) -> Score:
        """Score of an ask that needs no devices."""
        return (0,) * len(self.levels)

    def of(self, node: LocalProblem, chosen: Indices) -> Score:
        """Return the score of a choice, one integer a level, more is better."""
        chosen, left = _sealed(chosen), _sealed(node.left(chosen))
        return tuple(sum(w * term.of(node, chosen, left) for w, term in level) for level in self.levels)

    def of_many(self, node: LocalProblem, chosen: Masks, before: Masks | None = None) -> NDArray[Any]:
        """Return the scores of many choices; ndarray of shape (S, levels), int64, or Python ints where they are larger.

        Parameters
        ----------
        chosen
            Devices of each choice; ndarray of shape (S, D), bool.
        before
            Free devices of the ask's drivers before each choice, of the same shape; those of the node's state if left
            out.
        """
        if before is None:
            free = np.zeros(chosen.shape[1], np.bool_)
            free[node.left(_NONE)] = True
            before = np.broadcast_to(free, chosen.shape)
        chosen, before = _sealed(chosen), _sealed(before)
        scores = np.zeros((len(chosen), len(self.levels)), object if self._is_large() else np.int64)
        for position, level in enumerate(self.levels):
            for weight, term in level:
                scores[:, position] += weight * term.of_many(node, chosen, before).astype(scores.dtype)
        return scores

    def _is_large(self) -> bool:
        """Return whether a score may leave 64 bits."""
        sums = (sum(abs(w) * max(map(abs, term.bounds)) for w, term in level) for level in self.levels)
        return any(most >= 2**63 for most in sums)

    def by_term(self, node: LocalProblem, chosen: Indices) -> dict[str, int]:
        """Return the value of each term by its name, for people to look at."""
        chosen, left = _sealed(chosen), _sealed(node.left(chosen))
        return {term.name: term.of(node, chosen, left) for term in self.terms}

    def then(self, *others: Objective | Term) -> Objective:
        """Return an objective that breaks this one's ties by others, in order."""
        levels = self.levels
        for other in others:
            levels += as_objective(other).levels
        return Objective(levels)

    def _sum(self) -> tuple[tuple[int, Term], ...]:
        if len(self.levels) != 1:
            message = "objective: only single sums can be added; use then() to put objectives in order"
            raise InputError(message)
        return self.levels[0]

    def __add__(self, other: Term | Objective) -> Objective:
        return Objective((self._sum() + _weighted(other)._sum(),)).checked()

    def __sub__(self, other: Term | Objective) -> Objective:
        return self + _weighted(other) * -1

    def __mul__(self, weight: int) -> Objective:
        try:
            factor = index(weight)
        except TypeError:
            message = f"objective: weight {weight!r} is not an integer; scale the unit instead"
            raise InputError(message) from None
        return Objective((tuple((w * factor, term) for w, term in self._sum()),))

    __rmul__ = __mul__

    def checked(self) -> Objective:
        """Return this objective if each weight has the sign that its term's sense asks for."""
        for level in self.levels:
            for weight, term in level:
                if weight and (weight > 0) != (term.sense == "max"):
                    verb = "add" if term.sense == "max" else "subtract"
                    message = f"objective {term.name}: sense is {term.sense}, so {verb} it"
                    raise InputError(message)
        return self

    def __iter__(self) -> Iterator[tuple[tuple[int, Term], ...]]:
        return iter(self.levels)


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
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


def _weighted(value: Term | Objective) -> Objective:
    return value if isinstance(value, Objective) else Objective((((1, value),),))


def as_objective(value: object) -> Objective:
    """Return an objective: a single term is maximised or minimised as its sense says, None has no terms.

    Raises
    ------
    InputError
        For anything else, such as a function that is no term yet.
    """
    if value is None:
        return Objective()
    if isinstance(value, Term):
        return Objective((((1 if value.sense == "max" else -1, value),),))
    if not isinstance(value, Objective):
        message = (
            f"objective: {value!r} is no term; decorate the function with drapolicy.objective(sense=, unit=, bounds=)"
        )
        raise InputError(message)
    return value.checked()
