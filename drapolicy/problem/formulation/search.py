"""The first assignment in the reference's order, without going where nothing can be found."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.problem.formulation.matching import shortage
from drapolicy.problem.formulation.model import Assignment, Formulation
from drapolicy.problem.formulation.seats import Seats, Taking, mask_of
from drapolicy.problem.formulation.symmetry import Symmetry, least_draws, pools

MAX_STEPS = 20_000
_EASY = 64  # steps after which it pays to look ahead by matchings


class Found(NamedTuple):
    """What a search came to.

    Attributes
    ----------
    assignment
        The first that is admitted; None where there is none, or where the search was stopped.
    complete
        False when the search was stopped at its limit: then nothing is known.
    steps
        Devices tried.
    """

    assignment: Assignment | None
    complete: bool
    steps: int


def first(formulation: Formulation, max_steps: int | None = MAX_STEPS, timeout_s: float | None = None) -> Found:
    """Return the first assignment that is admitted, in the order of the reference.

    Parameters
    ----------
    max_steps, timeout_s
        Limits of the search, in devices tried and in seconds; None for none.

    Notes
    -----
    Depth first as the reference (K8s S33, S34), with shortcuts that change no answer: of devices and blocks of devices
    (:class:`Symmetry`) that are alike and in the same state the first is tried alone; a state that failed once is not
    entered again; a request is not begun where a later one has too few devices left, where later ones draw too much of
    counters together, nor, in long searches, where all of them together have too few devices (Hall's theorem).
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    return _First(formulation, max_steps, deadline).run()


class _Request:
    """A request, and which alternative is being tried."""

    __slots__ = ("number", "position", "takings")

    def __init__(self, number: int) -> None:
        self.number = number
        self.position = -1
        self.takings: list[Taking] = []


class _Device:
    """One device of a request's row, and which ones are still to be tried."""

    __slots__ = ("begun", "place", "row", "taking", "todo")

    def __init__(self, row: int, place: int, todo: int) -> None:
        self.row = row
        self.place = place
        self.todo = self.begun = todo
        self.taking: Taking | None = None


class _First:
    def __init__(self, formulation: Formulation, max_steps: int | None, deadline: float | None) -> None:
        self._f = formulation
        self._deadline = deadline
        self._seats = Seats(formulation)
        self._max_steps = max_steps
        self._steps = 0
        self._failed: set[Hashable] = set()
        # What is alike matters only once something has failed: most searches never come to it.
        self._straight = True
        self._checked = False
        self._later = self._rows_from()
        self._shared = mask_of(formulation.shared)

    def _rows_from(self) -> list[int]:
        """Return the devices that any row of a request or a later one may have, by request."""
        later = [0]
        for choices in reversed(self._f.requests):
            later.append(later[-1] | mask_of(np.any(self._f.candidates[list(choices)], axis=0)))
        return later[::-1]

    @cached_property
    def _symmetry(self) -> Symmetry:
        return Symmetry(self._f)

    @cached_property
    def _pools(self) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
        """Counters that are looked at together, and what devices of each row draw of them at least."""
        together = pools(self._symmetry.blocks)
        return together, least_draws(self._f, together)

    def run(self) -> Found:
        stack: list[_Request | _Device] = []
        if not self._begin(0, stack):
            return Found(None, complete=True, steps=self._steps)
        while stack:
            if self._expired():
                return Found(None, complete=False, steps=self._steps)
            frame = stack[-1]
            if isinstance(frame, _Request):
                if frame.number == len(self._f.requests):
                    return Found(self._assignment(stack), complete=True, steps=self._steps)
                going = self._next_alternative(frame, stack)
            else:
                going = self._next_device(frame, stack)
            if not (going or self._checked):
                self._checked = True
                if self._overdrawn(0, self._f.counters.tolist()):
                    return Found(None, complete=True, steps=self._steps)
            if not going and stack[-1] is frame:
                self._fail(self._key_of(frame))
                stack.pop()
        return Found(None, complete=True, steps=self._steps)

    def _expired(self) -> bool:
        if self._max_steps is not None and self._steps > self._max_steps:
            return True
        return self._deadline is not None and time.monotonic() >= self._deadline

    # --- going deeper ----------------------------------------------------------------------------------------

    def _begin(self, number: int, stack: list[_Request | _Device]) -> bool:
        """Stand before a request; False where nothing can come of it."""
        if number < len(self._f.requests):
            if not self._straight and self._key(number) in self._failed:
                return False
            if self._hopeless(number):
                self._fail(self._key(number))
                return False
        stack.append(_Request(number))
        return True

    def _fail(self, key: Hashable) -> None:
        self._straight = False
        self._failed.add(key)

    def _key_of(self, frame: _Request | _Device) -> Hashable:
        """Return the state in which a frame was begun; all that was taken since was given back."""
        if isinstance(frame, _Request):
            return self._key(frame.number)
        return self._key_within(frame.row, frame.place, frame.begun)

    def _next_alternative(self, frame: _Request, stack: list[_Request | _Device]) -> bool:
        f, seats = self._f, self._seats
        while frame.takings:
            seats.undo(frame.takings.pop())
        frame.position += 1
        choices = f.requests[frame.number]
        while frame.position < len(choices):
            r = choices[frame.position]
            row = f.rows[r]
            if seats.held[row.claim] + row.count <= f.limit:
                if row.every is not None:
                    if row.every and self._take_all(frame, r, row.every) and self._begin(frame.number + 1, stack):
                        return True
                    while frame.takings:
                        seats.undo(frame.takings.pop())
                elif row.count == 0:
                    if self._begin(frame.number + 1, stack):
                        return True
                elif self._enter(r, 0, seats.allowed(r), stack):
                    return True
            frame.position += 1
        return False

    def _take_all(self, frame: _Request, r: int, every: tuple[int, ...]) -> bool:
        for d in every:
            self._steps += 1
            if not self._seats.allowed(r) >> d & 1:
                return False
            frame.takings.append(self._seats.take(r, d))
        return True

    def _enter(self, r: int, place: int, todo: int, stack: list[_Request | _Device]) -> bool:
        """Stand before one device of a row; False where too few are left or the state has failed before."""
        row = self._f.rows[r]
        if todo.bit_count() < row.count - place and not (self._f.again and todo & self._shared):
            return False
        if not self._straight and self._key_within(r, place, todo) in self._failed:
            return False
        stack.append(_Device(r, place, todo))
        return True

    def _next_device(self, frame: _Device, stack: list[_Request | _Device]) -> bool:
        seats, row = self._seats, self._f.rows[frame.row]
        if frame.taking is not None:
            seats.undo(frame.taking)
            frame.taking = None
        while frame.todo:
            if frame.todo.bit_count() < row.count - frame.place and not (self._f.again and frame.todo & self._shared):
                return False
            bit = frame.todo & -frame.todo
            frame.todo ^= bit
            d = bit.bit_length() - 1
            if not self._straight and self._has_like_before(d, stack):
                continue
            self._steps += 1
            frame.taking = seats.take(frame.row, d)
            following = seats.allowed(frame.row) & -bit
            if not (self._f.again and bit & self._shared):
                following &= ~bit
            if frame.place + 1 == row.count:
                number = next(f.number for f in reversed(stack) if isinstance(f, _Request)) + 1
                if self._begin(number, stack):
                    return True
            elif self._enter(frame.row, frame.place + 1, following, stack):
                return True
            self._straight = False
            seats.undo(frame.taking)
            frame.taking = None
        return False

    def _has_like_before(self, d: int, stack: list[_Request | _Device]) -> bool:
        """Return whether an earlier device that is alike, and in a like state, could be taken instead."""
        own: list[int] = []
        for frame in reversed(stack):
            if isinstance(frame, _Request):
                break
            if frame.taking is not None:
                own.append(frame.taking.device)
        return self._symmetry.replaceable(d, self._seats, own)

    # --- what is remembered ----------------------------------------------------------------------------------

    def _key(self, number: int) -> Hashable:
        return number, self._symmetry.state(self._seats, self._later[number]), tuple(self._seats.held)

    def _key_within(self, r: int, place: int, todo: int) -> Hashable:
        """States of devices that the rest of the row or later requests may have; others matter no more."""
        matter = todo | self._later[self._number_of(r) + 1]
        return r, place, todo, self._symmetry.state(self._seats, matter, todo), tuple(self._seats.held)

    def _number_of(self, r: int) -> int:
        return next(i for i, choices in enumerate(self._f.requests) if r in choices)

    # --- looking ahead ---------------------------------------------------------------------------------------

    def _hopeless(self, number: int) -> bool:
        """Return whether the requests from this one on cannot all be met, by counting their devices."""
        f, seats = self._f, self._seats
        demands: list[tuple[int, int]] = []
        for choices in f.requests[number:]:
            fewest, suited, countable = 1 << 30, 0, True
            for r in choices:
                row, own = f.rows[r], seats.allowed(r)
                if row.every is not None:
                    if not row.every or any(not own >> d & 1 for d in row.every):
                        continue
                elif own.bit_count() < row.count and not (f.again and own & self._shared):
                    continue
                fewest = min(fewest, row.count)
                suited |= own
                countable &= not row.admin and not own & self._shared
            if fewest == 1 << 30:
                return True
            if countable and fewest:
                demands.append((fewest, suited))
        if not self._straight and self._overdrawn(number, self._seats.left):
            return True
        return self._steps > _EASY and shortage(demands) is not None

    def _overdrawn(self, number: int, left: Sequence[int]) -> bool:
        """Return whether the requests from this one on draw more than is left of counters of like blocks together."""
        if not left:
            return False
        f = self._f
        together, draws = self._pools
        for p, own in enumerate(together):
            least = sum(min(f.rows[r].count * int(draws[r, p]) for r in choices) for choices in f.requests[number:])
            if least > sum(left[k] for k in own):
                return True
        return False

    def _assignment(self, stack: list[_Request | _Device]) -> Assignment:
        found: list[tuple[int, list[int]]] = []
        for frame in stack:
            if isinstance(frame, _Device):
                assert frame.taking is not None
                found[-1][1].append(frame.taking.device)
            elif frame.number < len(self._f.requests):
                r = self._f.requests[frame.number][frame.position]
                found.append((r, [taking.device for taking in frame.takings]))
        return tuple((r, tuple(devices)) for r, devices in found)
