"""What matters of a node for one kind of ask, as a number that nodes share when they give the same devices.

Where a node answers by its parts, that is the devices that it would give; else it is all that is taken there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine import kernels
from drapolicy.policies.engine.contents import Contents
from drapolicy.policies.engine.division import Division, Seat
from drapolicy.policies.engine.parts import Parts
from drapolicy.policies.engine.piece import FirstFew, FirstSet, Piece
from drapolicy.problem.state import State

Nodes = NDArray[np.intp]
Rows = NDArray[np.signedinteger[Any]]

_UNSEEN, _UNTOLD = -1, -2
_UNPLANNED, _WHOLE, _WITHIN, _ACROSS = range(4)
_NODES_AT_ONCE = 1 << 17


class Facet(NamedTuple):
    """What matters of some nodes.

    Attributes
    ----------
    seat
        The alternative and the devices that they give; None where they give none, or where ``content`` counts.
    content
        Number of all that is taken there, where the parts do not tell; -1 where they do.
    """

    seat: Seat | None
    content: int = -1


NOTHING = Facet(None)


class Facets:
    """Facets of the nodes as one kind of ask sees them.

    Parameters
    ----------
    parts, contents
        What is taken.
    plan
        Returns how the nodes of a row answer by their parts, None where they do not.
    rows
        Number of rows that have a view.

    Attributes
    ----------
    of_node
        ndarray of shape (N,), int32.
    count
        How many devices are taken of several parts; 0 where all come from one.
    found
        How many verdicts about parts were found.
    """

    def __init__(self, parts: Parts, contents: Contents, plan: Callable[[int], Division | None], rows: int) -> None:
        self._parts = parts
        self._contents = contents
        self._plan = plan
        self.of_node = np.zeros(len(contents.of_node), np.int32)
        self.found = 0
        self._facets: list[Facet] = [NOTHING]
        self._number_of = {NOTHING: 0}
        width = parts.states.shape[1]
        self._mode = np.full(rows, _UNPLANNED, np.int8)
        self._one = np.zeros(rows, np.bool_)
        self._todo = np.empty(256, np.intp)
        self.count = 0
        # Which piece each part of a row is; piece 0 is a part that gives nothing.
        self._piece = np.zeros((rows, width), np.int32)
        self._judges: list[FirstSet | FirstFew | None] = [None]
        self._piece_of: dict[object, int] = {}
        self._verdicts = np.zeros((1, 0), np.int32)
        # The place of each set of a part in the order of all sets of a row, and the facet at each place.
        self._places = np.zeros((rows, width, 1), np.int32)
        self._facet_at = np.zeros((rows, 1), np.int32)
        # Tuples of positions in a part, their lengths, and the numbers of their beginnings by length.
        self._tuples: list[tuple[int, ...]] = [()]
        self._tuple_of: dict[tuple[int, ...], int] = {(): 0}
        self._lengths = np.zeros(1, np.int32)
        self._begins = np.zeros((1, 1), np.int32)
        self._seats_of: dict[int, tuple[tuple[Seat, ...], ...]] = {}
        self._across_of: dict[tuple[int, bytes], int] = {}

    def __len__(self) -> int:
        return len(self._facets)

    def __getitem__(self, number: int) -> Facet:
        return self._facets[number]

    def plan(self, rows: Sequence[int]) -> bool:
        """Find out how nodes of some rows answer; tell whether some do by their parts."""
        for row in rows:
            self._add(row, self._plan(row))
        return bool((self._mode > _WHOLE).any())

    # --- keeping up ------------------------------------------------------------------------------------------

    def follow(self, state: State, nodes: Nodes, rows: Rows) -> None:
        """Bring the facets of some nodes up to date.

        Parameters
        ----------
        state
            The state.
        nodes
            Nodes that may have changed, with repeats.
        rows
            Row of each node of the fleet.
        """
        self._parts.follow(state)
        nodes = self._unsettled(nodes, rows)
        for start in range(0, len(nodes), _NODES_AT_ONCE):
            some = nodes[start : start + _NODES_AT_ONCE]
            of = rows[some].astype(np.intp)
            viewed = of < len(self._mode)
            if not viewed.all():
                some, of = some[viewed], of[viewed]
            mode = self._mode[of]
            if (mode == _UNPLANNED).any():
                for row in np.unique(of[mode == _UNPLANNED]).tolist():
                    self._add(row, self._plan(row))
                mode = self._mode[of]
            for wanted, found in ((_WITHIN, self._within), (_ACROSS, self._across)):
                chosen = mode == wanted
                if chosen.any():
                    here = (some, of) if chosen.all() else (some[chosen], of[chosen])
                    self.of_node[here[0]] = found(state, *here)
            if (mode == _WHOLE).any():
                whole = some[mode == _WHOLE]
                self.of_node[whole] = self._wholes(state, whole)

    def _unsettled(self, nodes: Nodes, rows: Rows) -> Nodes:
        """Bring those nodes up to date of which one part counts and all verdicts are known; return the others."""
        if len(self._parts) > self._verdicts.shape[1]:
            grown = np.full((len(self._judges), 2 * len(self._parts)), _UNSEEN, np.int32)
            grown[0] = 0
            grown[:, : self._verdicts.shape[1]] = self._verdicts
            self._verdicts = grown
        if not self._one.any():
            return nodes
        if len(nodes) > len(self._todo):
            self._todo = np.empty(2 * len(nodes), np.intp)
        count = kernels.foremost(
            nodes,
            rows,
            self._one,
            self._piece,
            self._parts.states,
            self._verdicts,
            self._places,
            self._facet_at,
            self.of_node,
            self._todo,
        )
        return self._todo[:count].copy()

    def _wholes(self, state: State, nodes: Nodes) -> list[int]:
        self._contents.follow(state)
        return [self._number(Facet(None, int(content))) for content in self._contents.of_node[nodes].tolist()]

    def _number(self, facet: Facet) -> int:
        number = self._number_of.get(facet)
        if number is None:
            number = self._number_of[facet] = len(self._facets)
            self._facets.append(facet)
        return number

    def _verdicts_of(self, nodes: Nodes, rows: Nodes) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
        """Return the verdict about each part, and which nodes their parts do not tell of; None for none of them."""
        pieces, states = self._piece[rows], self._parts.states[nodes]
        verdicts = self._verdicts[pieces, states]
        if verdicts.min(initial=0) >= 0:
            return verdicts, None
        unseen = verdicts == _UNSEEN
        if unseen.any():
            self._judge(pieces[unseen], states[unseen])
            verdicts = self._verdicts[pieces, states]
        untold = (verdicts == _UNTOLD).any(axis=1)
        return verdicts, untold if untold.any() else None

    def _judge(self, pieces: NDArray[np.int32], states: NDArray[np.int32]) -> None:
        for piece in np.unique(pieces).tolist():
            judge = self._judges[piece]
            assert judge is not None
            cases = np.unique(states[pieces == piece])
            codes = self._parts.codes(cases.tolist(), judge.piece.sets.shape[1])
            verdicts, untold = judge.verdicts(codes, self._parts.use)
            self._verdicts[piece, cases] = np.where(untold, _UNTOLD, verdicts)
            self.found += len(cases)

    def _within(self, state: State, nodes: Nodes, rows: Nodes) -> NDArray[np.int32]:
        verdicts, untold = self._verdicts_of(nodes, rows)
        if untold is not None:
            verdicts[untold] = 0
        places = self._places[rows[:, None], np.arange(verdicts.shape[1]), verdicts].min(axis=1)
        found: NDArray[np.int32] = self._facet_at[rows, places]
        if untold is not None:
            found[untold] = self._wholes(state, nodes[untold])
        return found

    def _across(self, state: State, nodes: Nodes, rows: Nodes) -> NDArray[np.int32]:
        verdicts, untold = self._verdicts_of(nodes, rows)
        if untold is not None:
            verdicts[untold] = 0
        lengths = self._lengths[verdicts]
        till = np.cumsum(lengths, axis=1)
        taken = np.clip(self.count - (till - lengths), 0, lengths)
        begins = self._begins[verdicts, taken]
        enough = till[:, -1] >= self.count
        found = np.zeros(len(nodes), np.int32)
        known = self._across_of
        for at in np.flatnonzero(enough).tolist():
            key = int(rows[at]), begins[at].tobytes()
            number = known.get(key)
            if number is None:
                number = known[key] = self._number(Facet(self._joined(key[0], begins[at])))
            found[at] = number
        if untold is not None:
            found[untold] = self._wholes(state, nodes[untold])
        return found

    def _joined(self, row: int, begins: NDArray[np.int32]) -> Seat:
        positions = self._seats_of[row]
        devices = [d for of, begin in zip(positions, begins.tolist(), strict=False) for d in self._devices(of, begin)]
        return 0, tuple(devices)

    def _devices(self, seats: tuple[Seat, ...], begin: int) -> list[int]:
        return [seats[number][1][0] for number in self._tuples[begin]]

    # --- planning --------------------------------------------------------------------------------------------

    def _add(self, row: int, division: Division | None) -> None:
        if division is None or (division.count and self.count not in {0, division.count}):
            self._mode[row] = _WHOLE
            return
        self.count = division.count or self.count
        self._mode[row] = _ACROSS if division.count else _WITHIN
        self._one[row] = not division.count
        for p, piece in enumerate(division.pieces):
            if piece is not None:
                self._piece[row, p] = self._piece_number(piece, division.count)
        if division.count:
            self._seats_of[row] = division.seats
            return
        place_of = {seat: place for place, seat in enumerate(division.order)}
        most = max((len(own) for own in division.seats), default=0)
        self._places = _widened(self._places, 1 + most)
        self._facet_at = _widened(self._facet_at, 1 + len(division.order))
        self._places[row] = len(division.order)
        for p, own in enumerate(division.seats):
            self._places[row, p, : len(own)] = [place_of[seat] for seat in own]
        self._facet_at[row, : len(division.order)] = [self._number(Facet(seat)) for seat in division.order]

    def _piece_number(self, piece: Piece, count: int) -> int:
        judge = FirstFew(piece, count, self._tuple) if count else FirstSet(piece)
        key = count, judge.key
        number = self._piece_of.get(key)
        if number is None:
            number = self._piece_of[key] = len(self._judges)
            self._judges.append(judge)
            none = np.full((1, self._verdicts.shape[1]), _UNSEEN, np.int32)
            self._verdicts = np.concatenate([self._verdicts, none])
        return number

    def _tuple(self, numbers: tuple[int, ...]) -> int:
        known = self._tuple_of.get(numbers)
        if known is None:
            begins = [self._tuple(numbers[:length]) for length in range(len(numbers))]
            known = self._tuple_of[numbers] = len(self._tuples)
            self._tuples.append(numbers)
            if known >= len(self._lengths):
                grown = np.zeros((2 * len(self._lengths), self.count + 1), np.int32)
                grown[: len(self._begins), : self._begins.shape[1]] = self._begins
                self._begins = grown
                self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
            self._lengths[known] = len(numbers)
            self._begins[known, : len(numbers) + 1] = [*begins, known]
        return known


def _widened(table: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Return a table whose last axis is at least so long; what is new repeats nothing and is written by the caller."""
    more = width - table.shape[-1]
    if more <= 0:
        return table
    return np.concatenate([table, np.zeros((*table.shape[:-1], more), np.int32)], axis=-1)
