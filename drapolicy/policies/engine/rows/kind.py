"""One kind of ask on all nodes: the score of each node's best devices, made anew where a node has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.rows.columns import Columns
from drapolicy.policies.engine.rows.told import Told
from drapolicy.policies.engine.rows.wish import Wish
from drapolicy.policies.objective import Objective
from drapolicy.policies.rows import Column, Rows, Scoring
from drapolicy.problem.amounts import Amounts
from drapolicy.problem.room import BOUNDLESS
from drapolicy.problem.rooms import NodeRooms

Level: TypeAlias = tuple[tuple[int, Scoring], ...]
Nodes: TypeAlias = NDArray[np.intp]

CLOSED = np.iinfo(np.int64).min
"""Score of a node that does not take the ask."""

_NO_LEVELS: tuple[Level, ...] = ((),)


class RowKind:
    """A kind of ask.

    Parameters
    ----------
    columns, products
        Devices and product of each node.
    wish
        What the ask may have of each node.
    refused
        Nodes that are none for the pod, whatever is taken there; ndarray of shape (N,), bool.
    levels
        What is better: scorings with weights, in order of importance.
    room
        Milli CPU and bytes that the pod asks for.
    needs
        Columns of all that the pod needs of a node, and how much of each.

    Attributes
    ----------
    scores
        Of each node's best devices, by level; ndarray of shape (L, N), int64; ``CLOSED`` in the first level where the
        node does not take the ask.
    device
        The device that is best on its own; ndarray of shape (N,), intp.
    tick
        When the columns were read last.
    """

    def __init__(
        self,
        columns: Columns,
        products: NDArray[np.intp],
        wish: Wish,
        refused: NDArray[np.bool_],
        *,
        levels: Sequence[Level],
        room: tuple[int, int],
        needs: Sequence[tuple[Amounts, int]],
    ) -> None:
        self.wish = wish
        self._columns = columns
        self._products = products
        self._open = wish.open & ~refused
        self._levels = tuple(levels) or _NO_LEVELS
        self._room = room
        self._needs = tuple(needs)
        self._names: set[str] = set()
        self.scores = np.full((len(self._levels), len(refused)), CLOSED, np.int64)
        self.device = np.zeros(len(refused), np.intp)
        self.tick = -1

    # --- keeping up ------------------------------------------------------------------------------------------

    def catch_up(self, rooms: NodeRooms, nodes: Nodes) -> None:
        """Score some nodes anew.

        Parameters
        ----------
        rooms
            Room of each node.
        nodes
            Those that may have changed.
        """
        first = self.scores[0]
        first[nodes] = CLOSED
        taking = self._open[nodes]
        for column, amount in self._needs:
            taking &= column.of(nodes) >= amount
        nodes = nodes[taking]
        fits = self.fits(nodes)
        if self.wish.count:
            enough = fits.any(axis=1) if self.wish.count == 1 else fits.sum(axis=1) >= self.wish.count
            nodes, fits = nodes[enough], fits[enough]
        if not len(nodes):
            return
        if any(self._levels):
            self._score(self._rows(rooms, nodes), nodes, fits)
        else:
            self.scores[:, nodes] = 0
            if self.wish.count == 1:
                self.device[nodes] = fits.argmax(axis=1)

    def fits(self, nodes: Nodes) -> NDArray[np.bool_]:
        """Return which devices of some nodes have enough left; ndarray of shape (M, D), bool."""
        wish, free = self.wish, self._columns.free
        found: NDArray[np.bool_] = free[0][nodes] >= (wish.amounts[0] if wish.amounts else 0)
        for column, amount in zip(free[1:], wish.amounts[1:], strict=False):
            found &= column[nodes] >= amount
        return found if wish.suited is None else found & wish.suited[wish.view[nodes]]

    def _rows(self, rooms: NodeRooms, nodes: Nodes) -> Rows:
        wish, columns = self.wish, self._columns
        left = columns.left[nodes]
        level = left
        if wish.counted is not None:
            left = left * wish.counted[wish.view[nodes]]
        if wish.count != 1:
            # Several devices are taken as wholes, so those that fit are free.
            level = np.full((len(nodes), 1), wish.takes, np.int64)
        return Rows(
            left=left,
            level=level,
            count=wish.count,
            takes=wish.takes,
            shares=wish.shares,
            asked_cpu=self._room[0],
            asked_memory=self._room[1],
            column=partial(self._column, rooms, nodes),
        )

    def _column(self, rooms: NodeRooms, nodes: Nodes, name: str) -> NDArray[Any]:
        """Return what is known of some nodes by name, CPU and memory as an Outlook tells them."""
        if name == "gpus":
            return self.wish.gpus[nodes]
        if name == "product":
            return self._products[nodes]
        if name == "sizes":
            return self._columns.sizes[nodes]
        whole, _, resource = name.rpartition("_")
        found = rooms.allocatable(resource).cut[nodes] if whole else rooms.left(resource).of(nodes)
        return np.where(rooms.unbounded[nodes], BOUNDLESS, found)

    def _score(self, rows: Rows, nodes: Nodes, fits: NDArray[np.bool_]) -> None:
        single = self.wish.count == 1
        best = fits
        for number, level in enumerate(self._levels):
            score: Column = np.zeros((len(nodes), 1), np.int64)
            for weight, scoring in level:
                score = score + weight * scoring(rows)
            self._names |= rows.known
            if score.shape[1] == 1:
                self.scores[number, nodes] = score[:, 0]
                continue
            own = np.where(best, score, CLOSED)
            top = own.max(axis=1)
            self.scores[number, nodes] = top
            best = own == top[:, None]
        if single:
            self.device[nodes] = best.argmax(axis=1)

    # --- telling ---------------------------------------------------------------------------------------------

    def best(self, levels: int | None = None) -> int | None:
        """Return the first node of the best score; None where no node takes the ask.

        Parameters
        ----------
        levels
            How many levels nodes are compared by; all if None.
        """
        first = self.scores[0]
        n = int(first.argmax())
        if first[n] == CLOSED:
            return None
        others = self.scores[1:levels]
        if not len(others):
            return n
        nodes = np.flatnonzero(first == first[n])
        for score in others:
            own = score[nodes]
            nodes = nodes[own == own.max()]
        return int(nodes[0])

    def takes(self, nodes: Nodes) -> NDArray[np.bool_]:
        """Return which of some nodes take the ask."""
        found: NDArray[np.bool_] = self.scores[0][nodes] != CLOSED
        return found

    def chosen(self, n: int) -> tuple[int, ...]:
        """Return the best devices of a node that takes the ask, ascending."""
        if self.wish.count == 1:
            return (int(self.device[n]),)
        fits = self.fits(np.array([n]))[0]
        return tuple(np.flatnonzero(fits)[: self.wish.count].tolist())

    def terms(self, rooms: NodeRooms, n: int, objective: Objective) -> Mapping[str, int]:
        """Return the value of each term for the best devices of a node, by its name."""
        scores = self.scores[:, n].tolist()
        if all(len(level) == 1 and level[0][0] for level in objective.levels):
            return {term.name: s // w for s, ((w, term),) in zip(scores, objective.levels, strict=True)}
        names = tuple(dict.fromkeys(term.name for term in objective.terms))
        # Scorings read of one node what they read of it among others.
        rows, device = self._rows(rooms, np.array([n])).read(self._names), int(self.device[n])
        return Told(names, partial(self._told, rows, device, scores, objective))

    def _told(self, rows: Rows, device: int, scores: Sequence[int], objective: Objective) -> dict[str, int]:
        found: dict[str, int] = {}
        for score, level, forms in zip(scores, objective.levels, self._levels, strict=True):
            # The first term that counts is what the others leave of the score.
            first: tuple[str, int] | None = None
            rest = score
            for (weight, term), (_, scoring) in zip(level, forms, strict=True):
                if first is None and weight:
                    first = term.name, weight
                    found[term.name] = 0
                    continue
                values = scoring(rows)[0]
                found[term.name] = int(values[device if len(values) > 1 else 0])
                rest -= weight * found[term.name]
            if first is not None:
                name, weight = first
                found[name] = rest // weight
        return found
