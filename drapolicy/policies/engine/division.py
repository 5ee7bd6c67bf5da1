"""How the nodes of one view answer by their parts, where they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.piece import Flags, Piece
from drapolicy.policies.engine.table import STEPS_OF_A_SET, Table, cut
from drapolicy.policies.solvers import MAX_STEPS, FirstFit, Solver
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem

Seat = tuple[int, tuple[int, ...]]
"""An alternative and the devices that it gets."""


@dataclass(frozen=True)
class Division:
    """What a request may have of each part of the nodes of a view.

    Attributes
    ----------
    pieces
        For each part; None where no device suits and nothing is drawn.
    seats
        For each part what its sets are. Of a node's parts the one counts whose set comes first in ``order``.
    order
        All seats, the best first.
    count
        How many devices are taken of the first parts that have some; 0 where all come from one part.
    """

    pieces: tuple[Piece | None, ...]
    seats: tuple[tuple[Seat, ...], ...]
    order: tuple[Seat, ...]
    count: int = 0


def divided(
    local: LocalProblem, table: Table | None, parts: Sequence[NDArray[np.intp]], solver: Solver, *, aimless: bool
) -> Division | None:
    """Return how nodes of a view answer by their parts; None where only the whole node can tell.

    Parameters
    ----------
    local
        A node of the view of which nothing is taken.
    table
        Its sets of devices, if they can be listed.
    parts
        Positions of the devices of each part.
    solver
        What looks for devices.
    aimless
        Whether the policy has no objective.
    """
    f = local.formulation
    if not parts or not isinstance(f, Formulation):
        return None
    part_of = np.zeros(f.devices, np.intp)
    for p, positions in enumerate(parts):
        part_of[positions] = p
    if any(len(set(part_of[drawing > 0].tolist())) > 1 for drawing in f.draws.T):
        return None
    if table is not None:
        ranked = table.ranked()
        if ranked is None:
            return None
        if all(len(set(part_of[list(devices)].tolist())) == 1 for _, devices in ranked):
            return _within(local, f, ranked, parts, part_of)
    return _across(local, f, parts, part_of, solver) if aimless else None


def _within(
    local: LocalProblem,
    f: Formulation,
    ranked: Sequence[Seat],
    parts: Sequence[NDArray[np.intp]],
    part_of: NDArray[np.intp],
) -> Division:
    own: list[list[Seat]] = [[] for _ in parts]
    for seat in ranked:
        own[part_of[seat[1][0]]].append(seat)
    pieces = [_piece(local, f, seats, positions) for seats, positions in zip(own, parts, strict=True)]
    return Division(tuple(pieces), tuple(map(tuple, own)), tuple(ranked))


def _across(
    local: LocalProblem, f: Formulation, parts: Sequence[NDArray[np.intp]], part_of: NDArray[np.intp], solver: Solver
) -> Division | None:
    """Return the division of a request for several devices of which the first that fit are taken."""
    if not isinstance(solver, FirstFit) or (solver.max_steps is not None and solver.max_steps < MAX_STEPS):
        return None
    if f.may_abort or f.gaps or not f.orderly or f.joints or cut(f):
        return None
    if len(f.requests) != 1 or len(f.requests[0]) != 1 or f.matches or f.distincts:
        return None
    (r,) = f.requests[0]
    row, suited = f.rows[r], np.flatnonzero(f.candidates[r])
    if row.admin or row.every is not None or not 1 <= row.count <= f.limit:
        return None
    shared = suited[f.shared[suited]]
    if len(shared) and (f.again or f.draws[shared].any()):
        return None
    # Before it knows that there are too few, the reference tries every smaller set at most.
    smaller = sum(comb(len(suited), taken) for taken in range(row.count))
    if STEPS_OF_A_SET * smaller > MAX_STEPS or (np.diff(part_of[suited]) < 0).any():
        return None
    own = [tuple((0, (d,)) for d in positions[f.candidates[r][positions]].tolist()) for positions in parts]
    pieces = tuple(_piece(local, f, seats, positions) for seats, positions in zip(own, parts, strict=True))
    if not all(piece is None or _alike(piece) for piece in pieces):
        return None
    return Division(pieces, tuple(own), (), row.count)


def _alike(piece: Piece) -> bool:
    """Tell whether devices of a part are no obstacle to each other but by counters on which all draw alike."""
    drawn = piece.sets @ piece.draws
    common = drawn[:, (drawn > 0).sum(axis=0) > 1]
    return not len(drawn) or bool((common == common[0]).all())


def _piece(local: LocalProblem, f: Formulation, seats: Sequence[Seat], positions: NDArray[np.intp]) -> Piece | None:
    drawn = f.draws[positions].any(axis=0)
    # What is overdrawn blocks a pool, whether the request may draw on it or not (K8s Q7).
    if not seats and not drawn.any():
        return None
    at = {position: d for d, position in enumerate(positions.tolist())}
    sets: Flags = np.zeros((len(seats), len(positions)), np.bool_)
    needs: list[tuple[tuple[str, int], ...]] = []
    for number, (alternative, devices) in enumerate(seats):
        sets[number, [at[device] for device in devices]] = True
        r, first = f.requests[0][alternative], devices[0]
        needs.append(tuple(local.amounts(r, first).items()) if f.shared[first] else ())
    shared = f.shared[positions]
    capacity = tuple(local.capacity(d) if f.shared[d] else () for d in positions.tolist())
    return Piece(sets, f.counters[drawn], f.draws[positions][:, drawn], shared, tuple(needs), capacity)
