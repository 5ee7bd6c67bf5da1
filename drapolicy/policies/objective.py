"""What is better: terms weighted and added up, or in order of importance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.policies.term import Indices, Masks, Sense, Term, sealed
from drapolicy.problem.local import LocalProblem

__all__ = ["Indices", "Masks", "Objective", "Score", "Sense", "Term", "as_objective"]

Score = tuple[int, ...]

_NONE = np.empty(0, np.intp)


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
        chosen, left = sealed(chosen), sealed(node.left(chosen))
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
        chosen, before = sealed(chosen), sealed(before)
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
        chosen, left = sealed(chosen), sealed(node.left(chosen))
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
