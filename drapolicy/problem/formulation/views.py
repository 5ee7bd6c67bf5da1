"""The same problem with fewer choices, or with its devices in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from drapolicy.problem.formulation.model import Assignment, Formulation


def fixed(formulation: Formulation, rows: Sequence[int]) -> Formulation:
    """Return the problem in which each request has just one row, as in ``assignment`` of the same rows."""
    return replace(formulation, requests=tuple((r,) for r in rows))


def narrowed(formulation: Formulation, devices: int) -> Formulation:
    """Return the problem in which only some devices, given as bits, are candidates."""
    kept = np.array([bool(devices >> d & 1) for d in range(formulation.devices)], np.bool_)
    return replace(formulation, candidates=formulation.candidates & kept)


def permuted(formulation: Formulation, order: Sequence[int]) -> Formulation:
    """Return the problem with its devices in another order: ``order[i]`` becomes device ``i``."""
    f, at = formulation, list(order)
    new = {d: i for i, d in enumerate(at)}
    rows = tuple(
        row if row.every is None else replace(row, every=tuple(sorted(new[d] for d in row.every))) for row in f.rows
    )
    return replace(
        f,
        rows=rows,
        candidates=f.candidates[:, at],
        shared=f.shared[at],
        room=f.room[at],
        amounts=f.amounts[:, at],
        draws=f.draws[at],
        joints=tuple(replace(joint, drawing=joint.drawing[at], groups=joint.groups[at]) for joint in f.joints),
        matches=tuple(replace(match, codes=match.codes[:, at]) for match in f.matches),
        distincts=tuple(replace(distinct, codes=distinct.codes[:, at]) for distinct in f.distincts),
    )


def restored(assignment: Assignment, order: Sequence[int]) -> Assignment:
    """Return an assignment of the permuted problem as one of the problem itself."""
    return tuple((r, tuple(sorted(order[d] for d in devices))) for r, devices in assignment)
