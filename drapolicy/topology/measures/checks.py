"""Checks of what measures are given: devices of a table, and many sets of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError

MOST_ENTRIES = 1 << 27
"""Names times vertices of a graph up to which tables between names are made: 1 GiB of int64."""


def check_names(names: Sequence[str], vertices: int) -> None:
    """Refuse more names than tables can be made for.

    Raises
    ------
    InputError
        If names times vertices are more than `MOST_ENTRIES`.
    """
    if len(names) * vertices > MOST_ENTRIES:
        most = MOST_ENTRIES // vertices
        raise InputError(f"names: {len(names):,} of {vertices:,} vertices are too many; give at most {most:,}")


def indices(given: Sequence[int], size: int, name: str) -> list[int]:
    """Return distinct device indices as a list.

    Raises
    ------
    InputError
        If a mask is given, an index is out of range, or one is given twice.
    """
    if getattr(given, "dtype", None) == np.bool_ or any(isinstance(d, bool) for d in given):
        raise InputError(f"{name}: is a mask; give device indices, e.g. numpy.flatnonzero(mask)")
    found = [int(d) for d in given]
    outside = [d for d in found if not 0 <= d < size]
    if outside:
        raise InputError(f"{name}: {outside[0]} is not a device; use indices from 0 to {size - 1}")
    if len(set(found)) < len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise InputError(f"{name}: {twice} is given twice; give each device once")
    return found


def set_table(sets: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return sets of the same size, one a row.

    Raises
    ------
    InputError
        If they are no table of integers, or a row names what is no device, or one twice.
    """
    table = np.asarray(sets)
    if table.ndim != 2 or (table.size and table.dtype.kind not in "iu"):
        raise InputError(f"sets: {table.dtype} of shape {table.shape} given; give integers of shape (sets, devices)")
    table = table.astype(np.int64)
    if table.size and (table.min() < 0 or table.max() >= size):
        outside = table[(table < 0) | (table >= size)][0]
        raise InputError(f"sets: {outside} is not a device; use indices from 0 to {size - 1}")
    ordered = np.sort(table, axis=1)
    twice = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
    if len(twice):
        s, e = twice[0]
        raise InputError(f"sets: row {s} names {ordered[s, e]} twice; give each device once")
    return table
