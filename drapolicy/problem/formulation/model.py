"""What may be assigned on one node, as arrays: what exact solvers, programmes and proofs read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.problem.outcome import NodeError, NoFit
from drapolicy.problem.solution import Solution

# Per request in order: the row that was chosen for it, and its devices, ascending.
Assignment: TypeAlias = tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Row:
    """One request or alternative.

    Attributes
    ----------
    claim, request, alternative
        Positions; ``alternative`` is 0 for ``exactly``.
    count
        Devices needed.
    every
        The devices that mode All needs, ascending: exactly these. None for a number of devices.
    admin
        Admin access: the row may have devices that others hold.
    """

    claim: int
    request: int
    alternative: int
    count: int
    every: tuple[int, ...] | None
    admin: bool


@dataclass(frozen=True)
class Match:
    """A claim's matchAttribute: all devices of its rows have a value in common (K8s S50, S52).

    Attributes
    ----------
    scope
        Rows that it bears on; ndarray of shape (R,), bool.
    codes
        What each device has for each row: a row of ``table``, or -1 for a device that is refused; shape (R, D), int64.
    table
        Which values each code holds, exactly one unless lists are attributes too; ndarray of shape (C, V), bool.
    alone
        Codes whose devices equal nothing, not even themselves: they fit only where nothing else is in the scope, once;
        ndarray of shape (C,), bool.
    """

    scope: NDArray[np.bool_]
    codes: NDArray[np.int64]
    table: NDArray[np.bool_]
    alone: NDArray[np.bool_]


@dataclass(frozen=True)
class Distinct:
    """A claim's distinctAttribute: no two devices of its rows have a value in common (K8s S51, S52).

    Attributes
    ----------
    scope, codes, table
        As in :class:`Match`; a code may hold no value at all.
    first
        Codes whose devices fit only before all others of the scope; ndarray of shape (C,), bool.
    """

    scope: NDArray[np.bool_]
    codes: NDArray[np.int64]
    table: NDArray[np.bool_]
    first: NDArray[np.bool_]


@dataclass(frozen=True)
class Joint:
    """Compatibility groups of one counter set: the devices that draw from it have a group in common (K8s S46).

    Attributes
    ----------
    drawing
        Devices that draw from the set; ndarray of shape (D,), bool.
    groups
        Groups of each device, V in number; ndarray of shape (D, V), bool.
    open
        What devices that are allocated already have in common; all True where there are none; shape (V,), bool.
    """

    drawing: NDArray[np.bool_]
    groups: NDArray[np.bool_]
    open: NDArray[np.bool_]


@dataclass(frozen=True)
class Formulation:
    """What may be assigned on one node: D devices, R rows, K shared counters, C capacities of a device at most.

    Attributes
    ----------
    devices
        D.
    rows
        Requests and alternatives in order.
    requests
        Rows of each request, in order of preference; requests in the order in which devices are taken. One row of
        each request is chosen.
    candidates
        Devices that a row may have as far as nothing else taken matters: class, selectors, node, taints, capacity
        policy, what is held, refused values of constraints, and counters for this device alone; shape (R, D), bool.
    shared
        Devices that are taken as shares: any number of rows may have one while there is room. Others are taken as a
        whole, see :meth:`fits`; ndarray of shape (D,), bool.
    again
        One row may have a shared device more than once (up to 1.35).
    room
        What is left of each capacity of a shared device, each cell in a unit of its own; shape (D, C), int64.
    amounts
        What a share for a row consumes; units as in ``room``; ndarray of shape (R, D, C), int64.
    counters
        What is left of each shared counter, each in a unit of its own; ndarray of shape (K,), int64.
    draws
        What taking a device draws; 0 for a shared device that has drawn already; shape (D, K), int64.
    draws_each
        Each share of a device draws (1.34); otherwise the first alone.
    joints, matches, distincts
        Compatibility groups, and constraints of claims.
    limit
        Most devices of one claim, shares counted each.
    may_abort
        The reference may end the attempt on the way, before it finds anything: then it alone may say whether there
        are devices at all.
    gaps
        Why the assignments admitted are not just those that the reference comes to; empty when they are. Those
        admitted are valid all the same.
    orderly
        The release's own first fit takes the first assignment that is admitted: nothing that it refuses leaves
        traces behind (K8s S34, S38, Q21).
    refusal
        What the reference answers when nothing is admitted and it does not abort.
    """

    devices: int
    rows: tuple[Row, ...]
    requests: tuple[tuple[int, ...], ...]
    candidates: NDArray[np.bool_]
    shared: NDArray[np.bool_]
    again: bool
    room: NDArray[np.int64]
    amounts: NDArray[np.int64]
    counters: NDArray[np.int64]
    draws: NDArray[np.int64]
    draws_each: bool
    joints: tuple[Joint, ...]
    matches: tuple[Match, ...]
    distincts: tuple[Distinct, ...]
    limit: int
    may_abort: bool
    gaps: tuple[str, ...]
    orderly: bool
    refusal: NoFit | NodeError

    def admits(self, assignment: Assignment) -> bool:
        """Return whether a complete assignment satisfies every rule: the plain loop."""
        if len(assignment) != len(self.requests):
            return False
        held: dict[int, int] = {}
        for (r, devices), choices in zip(assignment, self.requests, strict=True):
            row = self.rows[r]
            held[row.claim] = held.get(row.claim, 0) + len(devices)
            if r not in choices or len(devices) != row.count or held[row.claim] > self.limit:
                return False
            if row.every is not None and (devices != row.every or not devices):
                return False
            for d, following in pairwise(devices):
                if d > following or (d == following and not (self.again and self.shared[d])):
                    return False
        return self.fits([(r, d) for r, devices in assignment for d in devices])

    def fits(self, taken: Sequence[tuple[int, int]]) -> bool:
        """Return whether devices can be taken one after the other, as (row, device): the rules between devices.

        A device that is taken as a whole goes to one row without admin access at most, and before rows with; to each
        claim once at most.
        """
        holders: dict[int, set[int]] = {}
        room, counters = self.room.copy(), self.counters.copy()
        common = [joint.open.copy() for joint in self.joints]
        drawn: set[int] = set()
        for r, d in taken:
            row = self.rows[r]
            if not self.candidates[r, d]:
                return False
            if self.shared[d]:
                room[d] -= self.amounts[r, d]
                if (room[d] < 0).any():
                    return False
            else:
                claims = holders.setdefault(d, set())
                if row.claim in claims or (claims and not row.admin):
                    return False
                claims.add(row.claim)
            if self.shared[d] and not self.draws_each and d in drawn:
                continue
            drawn.add(d)
            counters -= self.draws[d]
            if (counters < 0).any():
                return False
            for joint, groups in zip(self.joints, common, strict=True):
                if joint.drawing[d]:
                    groups &= joint.groups[d]
                    if not groups.any():
                        return False
        return all(_matching(match, taken) for match in self.matches) and all(
            _differing(distinct, taken) for distinct in self.distincts
        )

    def assignments(self) -> Iterator[Assignment]:
        """Yield every assignment that is admitted, in the order in which the reference comes to them: brute force."""
        yield from self._extended(())

    def _extended(self, begun: Assignment) -> Iterator[Assignment]:
        if len(begun) == len(self.requests):
            if self.admits(begun):
                yield begun
            return
        if not self.fits([(r, d) for r, devices in begun for d in devices]):
            return
        for r in self.requests[len(begun)]:
            for devices in self._sets(r):
                yield from self._extended((*begun, (r, devices)))

    def _sets(self, r: int) -> Iterator[tuple[int, ...]]:
        row = self.rows[r]
        if row.every is not None:
            return iter([row.every])
        own = np.flatnonzero(self.candidates[r]).tolist()
        return (combinations_with_replacement if self.again else combinations)(own, row.count)

    def of(self, solution: Solution) -> Assignment:
        """Return the assignment that a solution of the reference is."""
        found: list[tuple[int, tuple[int, ...]]] = []
        for choices in self.requests:
            claim, request = self.rows[choices[0]].claim, self.rows[choices[0]].request
            r = choices[solution.alternatives[claim][request]]
            own = sorted(entry.device.index for entry in solution.taken[claim] if entry.request == request)
            found.append((r, tuple(own)))
        return tuple(found)


def _matching(match: Match, taken: Sequence[tuple[int, int]]) -> bool:
    codes = [int(match.codes[r, d]) for r, d in taken if match.scope[r]]
    if not codes:
        return True
    if any(match.alone[code] for code in codes):
        return len(codes) == 1
    return bool(match.table[codes].all(axis=0).any())


def _differing(distinct: Distinct, taken: Sequence[tuple[int, int]]) -> bool:
    codes = [int(distinct.codes[r, d]) for r, d in taken if distinct.scope[r]]
    return not any(distinct.first[code] for code in codes[1:]) and bool((distinct.table[codes].sum(axis=0) <= 1).all())
