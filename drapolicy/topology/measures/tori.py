"""Boxes in a torus: whether a set is one, and how many of a shape are free."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import permutations, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError


def is_box(size: Sequence[int], places: Collection[Sequence[int]]) -> bool:
    """Return whether places of a torus are one box, wrap-around included.

    Parameters
    ----------
    size
        Length of the torus along each axis.
    places
        Distinct places, one coordinate an axis.

    Returns
    -------
    bool
        False for no places.

    Raises
    ------
    InputError
        If a place is not in the torus or given twice.

    Notes
    -----
    A box is a product of one run along each axis, and runs may go over the edge: in a ring of 4, {3, 0} is one. A set
    is a box exactly if it has as many places as its projections' product and every projection is a run.

    Examples
    --------
    >>> is_box((4, 4), [(3, 1), (0, 1)]), is_box((4, 4), [(0, 0), (1, 1)])
    (True, False)
    """
    size = _size(size)
    found = {tuple(map(int, place)) for place in places}
    if len(found) < len(places):
        raise InputError("places: a place is given twice; give each once")
    for place in found:
        if len(place) != len(size) or not all(0 <= at < length for at, length in zip(place, size, strict=True)):
            raise InputError(f"places: {place} is not in a torus of {size}; give one coordinate an axis, from 0")
    if not found:
        return False
    axes = [{place[axis] for place in found} for axis in range(len(size))]
    return len(found) == prod(map(len, axes)) and all(map(_is_run, axes, size))


def free_boxes(free: NDArray[np.bool_], shape: Sequence[int]) -> int:
    """Count the places at which a box of a shape is free in a torus.

    Parameters
    ----------
    free
        ndarray of the torus's shape, bool: whether each place is free.
    shape
        Length of the box along each axis.

    Returns
    -------
    int
        Different sets of places, in this orientation. A box as long as the torus along an axis is the same set wherever
        it begins on this axis, and counts once. 0 where it is longer.

    Raises
    ------
    InputError
        If the box has another number of axes or a length below 1.

    Examples
    --------
    >>> free_boxes(np.ones((4, 4), bool), (2, 2)), free_boxes(np.ones((4, 4), bool), (4, 1))
    (16, 4)
    """
    shape = _shape(free, shape)
    if any(map(int.__gt__, shape, free.shape)):
        return 0
    fits = np.asarray(free, np.bool_)
    for axis, length in enumerate(shape):
        run = fits
        for step in range(1, length):
            run = run & np.roll(fits, -step, axis=axis)
        fits = run.take([0], axis=axis) if length == free.shape[axis] else run
    return int(fits.sum())


def free_boxes_loop(free: NDArray[np.bool_], shape: Sequence[int]) -> int:
    """Count the places at which a box is free by looking at each: the reference of `free_boxes`.

    Parameters, result and errors are those of `free_boxes`.
    """
    shape = _shape(free, shape)
    if any(map(int.__gt__, shape, free.shape)):
        return 0
    found = set()
    for begin in product(*map(range, free.shape)):
        box = product(
            *(
                [(at + step) % size for step in range(length)]
                for at, length, size in zip(begin, shape, free.shape, strict=True)
            )
        )
        places = frozenset(box)
        if all(free[place] for place in places):
            found.add(places)
    return len(found)


def free_boxes_any_way(free: NDArray[np.bool_], shape: Sequence[int]) -> int:
    """Count the free boxes of a shape in every orientation.

    Parameters
    ----------
    free, shape
        As for `free_boxes`.

    Returns
    -------
    int
        Sum over the different orders of the lengths.

    Raises
    ------
    InputError
        As `free_boxes`.

    Examples
    --------
    >>> free_boxes_any_way(np.ones((4, 4), bool), (4, 1))
    8
    """
    return sum(free_boxes(free, turned) for turned in sorted(set(permutations(_shape(free, shape)))))


def torus_bisection(size: Sequence[int], link_mb_s: int) -> int:
    """Return the bandwidth over the cut that halves a torus across its longest axis.

    Parameters
    ----------
    size
        Length along each axis; at least one is even.
    link_mb_s
        Bandwidth of a link between neighbours, MB/s per direction.

    Returns
    -------
    int
        MB/s in one direction. Every axis is a ring and is cut twice; two places on an axis of 2 have two links.

    Raises
    ------
    InputError
        If a length is below 1, or the longest axis is odd: such a torus has no straight cut into halves.

    Notes
    -----
    Straight cuts across the longest axis are the smallest where it is even (W. J. Dally and B. Towles, Principles and
    Practices of Interconnection Networks, 2004, chapter 5).

    Examples
    --------
    >>> torus_bisection((4, 4, 4), 50_000)
    1600000
    """
    size = _size(size)
    longest = max(size, default=1)
    if longest == 1:
        return 0
    if longest % 2:
        raise InputError(f"size: {size}: the longest axis is odd, so no straight cut halves it; use bisection_bounds")
    return 2 * prod(size) // longest * link_mb_s


def _is_run(found: set[int], length: int) -> bool:
    """Return whether coordinates are one run on a ring: at most one of them has no successor among them."""
    return sum((at + 1) % length not in found for at in found) <= 1


def _size(size: Sequence[int]) -> tuple[int, ...]:
    lengths = tuple(map(int, size))
    if any(length < 1 for length in lengths):
        raise InputError(f"size: {lengths} has a length below 1; give the length along each axis")
    return lengths


def _shape(free: NDArray[np.bool_], shape: Sequence[int]) -> tuple[int, ...]:
    lengths = tuple(map(int, shape))
    if len(lengths) != free.ndim or any(length < 1 for length in lengths):
        raise InputError(f"shape: {lengths} is no box in a torus of {free.shape}; give a length of at least 1 an axis")
    return lengths
