"""What an ask can get on a node at most: its devices are joined by links as fast, whatever else they must satisfy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import ExactDeviceRequest
from drapolicy.problem.local import LocalProblem


class Wants(NamedTuple):
    """Which devices of a node an ask can use, and of which it needs how many.

    Attributes
    ----------
    rows
        Devices that each request or alternative accepts, taken or not; ndarray of shape (R, D), bool. Admin access has
        no row: its devices are not the ask's own.
    least
        Distinct devices that each must have; ndarray of shape (R,), int64. 0 for alternatives and for all devices, at
        most 1 where one device can serve a request twice.
    """

    rows: NDArray[np.bool_]
    least: NDArray[np.int64]

    @classmethod
    def of(cls, local: LocalProblem) -> Wants:
        """Return what the ask wants of a node."""
        shareable = np.array([device.shareable for device in local.devices], np.bool_)
        rows, least = [], []
        for wish, row, count in zip(local.wishes, local.eligible, local.count.tolist(), strict=True):
            exactly = wish.wanted if isinstance(wish.wanted, ExactDeviceRequest) else None
            if exactly is not None and exactly.admin_access:
                continue
            rows.append(row)
            least.append(0 if exactly is None else min(count, 1) if (row & shareable).any() else count)
        shape = (len(rows), len(local.devices))
        return cls(np.array(rows, np.bool_).reshape(shape), np.array(least, np.int64))


def bound_mb_s(links: NDArray[np.int64], wants: Wants, count: int) -> tuple[int, tuple[int, ...]]:
    """Return a bottleneck that no set for an ask exceeds, with devices to try first.

    Links are added from the fastest down, until some joined devices are enough for every request; where all are of one
    request, so many of them have this bottleneck.

    Parameters
    ----------
    links
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal.
    wants
        With free devices alone.
    count
        Size of the set, at least 2.

    Returns
    -------
    tuple of int and tuple of int
        MB/s, 0 where nothing is joined that is enough; and up to `count` devices that links as fast join.

    Examples
    --------
    >>> links = np.array([[0, 50, 10], [50, 0, 20], [10, 20, 0]])
    >>> card = np.array([[True, True, False], [False, False, True]])
    >>> bound_mb_s(links, Wants(card, np.array([1, 1])), 2)
    (20, (1, 2))
    """
    usable = np.flatnonzero(wants.rows.any(axis=0))
    if len(usable) < count:
        return 0, ()
    parts = {d: ([d], wants.rows[:, d].astype(np.int64)) for d in usable.tolist()}
    rows, columns = np.nonzero(np.triu(links[np.ix_(usable, usable)]))
    one, other = usable[rows], usable[columns]
    speeds = links[one, other]
    for e in np.argsort(-speeds, kind="stable").tolist():
        (joined, has), (more, theirs) = parts[int(one[e])], parts[int(other[e])]
        if joined is more:
            continue
        joined += more
        has += theirs
        if len(joined) >= count and (has >= wants.least).all():
            slowest = int(speeds[e])
            return slowest, _grown(links >= slowest, wants, count, int(one[e]), joined)
        for d in more:
            parts[d] = joined, has
    return 0, ()


def best_of_each_mb_s(links: NDArray[np.int64], wants: Wants) -> int:
    """Return the greatest bottleneck of a set with just so many devices of each request, which accept none in common.

    Parameters
    ----------
    links
        As for :func:`bound_mb_s`.
    wants
        Rows without a device in common; together they want at least 2.

    Notes
    -----
    From the bound down, the speeds at which links join such a set: connected sets are grown without one twice. Time is
    exponential in the worst case, and that of the bound where links are those of best paths: what such links join are
    cliques, and the first set grown will do.

    Examples
    --------
    >>> links = np.array([[0, 50, 10], [50, 0, 20], [10, 20, 0]])
    >>> best_of_each_mb_s(links, Wants(np.array([[True, True, False], [False, False, True]]), np.array([2, 1])))
    20
    """
    bound, _ = bound_mb_s(links, wants, int(wants.least.sum()))
    usable = np.flatnonzero(wants.rows.any(axis=0)).tolist()
    request = {d: int(wants.rows[:, d].argmax()) for d in usable}
    speeds = np.unique(links[links > 0])[::-1].tolist() if bound else []
    for speed in speeds:
        if speed <= bound and _joins(links >= speed, usable, request, wants.least.tolist()):
            return int(speed)
    return 0


def _joins(near: NDArray[np.bool_], usable: Sequence[int], request: Mapping[int, int], needs: list[int]) -> bool:
    """Return whether some connected set has just so many devices of each request."""
    reach = {d: [other for other in usable if near[d, other]] for d in usable}

    def grows(edge: list[int], seen: frozenset[int]) -> bool:
        if not any(needs):
            return True
        while edge:
            device = edge.pop()
            if needs[request[device]]:
                needs[request[device]] -= 1
                new = [other for other in reach[device] if other not in seen]
                if grows([*edge, *new], seen.union(new)):
                    return True
                needs[request[device]] += 1
        return False

    return any(grows([start], frozenset(usable[: s + 1])) for s, start in enumerate(usable))


def _grown(near: NDArray[np.bool_], wants: Wants, count: int, start: int, joined: Sequence[int]) -> tuple[int, ...]:
    """Return devices that links reach from one, so many of each request as it needs."""
    needs = wants.least.copy()
    spare = count - int(needs.sum())
    grown: list[int] = []

    def add(device: int) -> None:
        nonlocal spare
        open_rows = np.flatnonzero(wants.rows[:, device] & (needs > 0))
        if len(open_rows):
            needs[open_rows[0]] -= 1
        elif spare > 0:
            spare -= 1
        else:
            return
        grown.append(device)

    add(start)
    for device in grown:
        for other in joined:
            if near[device, other] and other not in grown:
                add(other)
    return tuple(grown)
