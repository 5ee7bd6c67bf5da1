"""The asks of a problem by kind: asks of one kind are interchangeable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.cycle import missing_class
from drapolicy.problem.ask import Ask, claim_key
from drapolicy.problem.group import Group
from drapolicy.problem.node_allocatable import GATE
from drapolicy.problem.problem import Problem


class UnsuitedError(Exception):
    """A problem is not of the form that a method decides; the message says why."""


@dataclass(frozen=True)
class Kinds:
    """Kinds in the order in which their first asks come.

    Attributes
    ----------
    groups
        The groups of the problem; every ask is in one.
    of_ask
        Kind of each ask of each group.
    samples
        An ask of each kind.
    possible
        Whether asks of a kind can be placed at all: those that cannot be queued or name a class that does not exist
        cannot.
    """

    groups: tuple[Group, ...]
    of_ask: tuple[tuple[int, ...], ...]
    samples: tuple[Ask, ...]
    possible: tuple[bool, ...]

    @classmethod
    def of(cls, problem: Problem) -> Kinds:
        """Return the kinds of a problem's asks."""
        groups = problem.groups or tuple(Group((ask,)) for ask in problem.asks)
        number: dict[Hashable, int] = {}
        samples: list[Ask] = []
        of_ask = []
        for group in groups:
            own = []
            for ask in group.asks:
                kind = number.setdefault(_interchangeable(ask), len(number))
                if kind == len(samples):
                    samples.append(ask)
                own.append(kind)
            of_ask.append(tuple(own))
        possible = [not ask.blocked and missing_class(ask.claims, problem.fleet) is None for ask in samples]
        return cls(groups, tuple(of_ask), tuple(samples), tuple(possible))

    @cached_property
    def wanted(self) -> NDArray[np.int64]:
        """Asks of each kind in each group; ndarray of shape (G, K), int64."""
        counts = [np.bincount(own, minlength=len(self.samples)) for own in self.of_ask]
        return np.array(counts, np.int64).reshape(len(self.groups), len(self.samples))

    @cached_property
    def most(self) -> tuple[int, ...]:
        """Asks of each kind that may be placed."""
        totals = self.wanted.sum(axis=0).tolist()
        return tuple(total if possible else 0 for total, possible in zip(totals, self.possible, strict=True))


def _interchangeable(ask: Ask) -> Hashable:
    """Return what an ask's devices, nodes and scores depend on: less than its ``kind``, which names a pod's claims."""
    room = None if ask.room is None else tuple(sorted(ask.room.requests.items()))
    return ask.wishes, ask.place, room, bool(ask.blocked)


def check_apart(problem: Problem, asks: Sequence[Ask]) -> None:
    """Refuse asks that what other asks get bears on, other than by taking devices and room of a node.

    Raises
    ------
    UnsuitedError
        Says what it is.
    """
    if GATE in problem.fleet.release.gates:
        message = "devices that cost room"
        raise UnsuitedError(message)
    seen: set[str] = set()
    for ask in asks:
        for key in map(claim_key, ask.claims):
            if key in problem.state.held:
                message = f"claim {key} holds devices already"
                raise UnsuitedError(message)
            if key in seen:
                message = f"claim {key} is used by several asks"
                raise UnsuitedError(message)
            seen.add(key)
