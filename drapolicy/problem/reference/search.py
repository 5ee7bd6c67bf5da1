"""Depth-first search for the first complete assignment, step for step as Kubernetes does it (K8s S33-S36).

The search keeps its own stack, so that its depth is bound by memory alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.reference.board import Board, Move
from drapolicy.problem.reference.plan import AbortError, Plan
from drapolicy.problem.reference.prepare import MAX_RESULTS
from drapolicy.problem.solution import Solution


class ExpiredError(Exception):
    """The search used up its time or steps; the message says which."""


class _Border:
    """A claim is complete; what fails beyond it is an ordinary failure for it."""

    __slots__ = ()


class _Alternatives:
    """A prioritized list, and which entry is being tried."""

    __slots__ = ("current", "only_exceeded", "plans")

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.current = 0
        self.only_exceeded = True


class _Choice:
    """One device among many, and where the next candidate stands."""

    __slots__ = ("following", "move", "number", "plan")

    def __init__(self, plan: Plan, number: int, start: int) -> None:
        self.plan = plan
        self.number = number
        self.following = start
        self.move: Move | None = None


class _Fixed:
    """One device that mode All needs."""

    __slots__ = ("move",)

    def __init__(self, move: Move) -> None:
        self.move = move


_Frame: TypeAlias = _Border | _Alternatives | _Choice | _Fixed

# How often the clock is read; a step costs microseconds.
_STEPS_PER_LOOK = 64


class Rules(NamedTuple):
    """What releases do differently while they search.

    Attributes
    ----------
    next_start
        Where the next device of a request is sought, by position and device: behind this one; or, up to 1.35, from
        the beginning (K8s S34).
    keeps_alternative
        False up to 1.35: after the first device of mode All a search goes on in the first alternative (K8s Q21).
    """

    next_start: Callable[[int, PoolDevice], int]
    keeps_alternative: bool


class Search:
    """One search over one node.

    Parameters
    ----------
    plans
        Plans per claim, request and alternative.
    board
        What is taken.
    order
        Devices in the order in which requests for some devices try them.
    rules
        Where a search goes on behind a device.
    beyond
        Why the attempt ends where no device is left to try, in upstream's words; empty when it need not. An invalid
        pool is such a reason in 1.34 (K8s S25).
    visit
        Called with each complete assignment; returns True to accept it. None accepts the first.
    max_steps, deadline
        Limits: number of steps, and reading of ``time.monotonic``; None for none.

    Attributes
    ----------
    steps
        Calls of upstream's recursive step so far.
    visited
        Complete assignments found so far.
    """

    def __init__(
        self,
        plans: Sequence[Sequence[Sequence[Plan]]],
        board: Board,
        order: Sequence[PoolDevice],
        rules: Rules,
        *,
        beyond: str = "",
        visit: Callable[[Solution], bool] | None = None,
        max_steps: int | None = None,
        deadline: float | None = None,
    ) -> None:
        self.steps = 0
        self.visited = 0
        self._plans = plans
        self._board = board
        self._order = order
        self._rules = rules
        self._beyond = beyond
        self._visit = visit
        self._max_steps = max_steps
        self._deadline = deadline
        self._stack: list[_Frame] = []
        # Where the next step stands: claim, request, plan of the request once chosen, its device, first candidate.
        self._claim = 0
        self._request = 0
        self._plan: Plan | None = None
        self._number = 0
        self._start = 0

    def run(self) -> Solution | None:
        """Return the accepted assignment, or None when there is none.

        Raises
        ------
        AbortError
            When the attempt to schedule the pod must end.
        ExpiredError
            When a limit is reached.
        """
        while True:
            self._tick()
            if self._claim == len(self._plans):
                solution = self._solution()
                self.visited += 1
                if self._visit is None or self._visit(solution):
                    return solution
                failed, exceeded = True, False
            else:
                failed, exceeded = self._step()
            if failed and not self._backtrack(exceeded=exceeded):
                return None

    def _tick(self) -> None:
        if self._max_steps is not None and self.steps >= self._max_steps:
            message = f"search stopped after {self.steps} steps"
            raise ExpiredError(message)
        if self._deadline is not None and self.steps % _STEPS_PER_LOOK == 0 and time.monotonic() >= self._deadline:
            message = "filter operation aborted: context deadline exceeded"
            raise ExpiredError(message)
        self.steps += 1

    def _step(self) -> tuple[bool, bool]:
        """Go one step deeper; return whether that failed, and whether only for want of room in the result."""
        requests = self._plans[self._claim]
        if self._plan is None:
            if self._request == len(requests):
                self._stack.append(_Border())
                self._go(self._claim + 1, 0)
                return False, False
            alternatives = requests[self._request]
            if alternatives[0].prioritized:
                self._stack.append(_Alternatives(alternatives))
                self._go(self._claim, self._request, alternatives[0])
                return False, False
            self._plan = alternatives[0]
        plan = self._plan
        if plan.all_devices is not None and not plan.all_devices:
            return True, False
        if self._number >= plan.count:
            self._go(self._claim, self._request + 1)
            return False, False
        if plan.count - self._number > MAX_RESULTS - len(self._board.moves[self._claim]):
            return True, True
        if plan.all_devices is not None:
            move = self._take(plan, plan.all_devices[self._number])
            if move is None:
                return True, False
            self._stack.append(_Fixed(move))
            following = plan if self._rules.keeps_alternative else requests[self._request][0]
            self._go(self._claim, self._request, following, self._number + 1)
            return False, False
        choice = _Choice(plan, self._number, self._start)
        if not self._advance(choice):
            return True, False
        self._stack.append(choice)
        return False, False

    def _take(self, plan: Plan, device: PoolDevice) -> Move | None:
        try:
            return self._board.take(plan, device, must=True)
        except AbortError:
            if self.visited:
                return None
            raise

    def _advance(self, choice: _Choice) -> bool:
        """Take the next candidate that can be had, and stand behind it; False when there is none."""
        board, plan, order = self._board, choice.plan, self._order
        for position in range(choice.following, len(order)):
            device = order[position]
            try:
                move = board.take(plan, device, must=False) if board.candidate(plan, device) else None
            except AbortError:
                # Stock Kubernetes stopped at the first assignment and never came here.
                if self.visited:
                    continue
                raise
            if move is not None:
                choice.move = move
                choice.following = position + 1
                start = self._rules.next_start(position, device)
                self._go(plan.claim, plan.request, plan, choice.number + 1, start)
                return True
        if self._beyond and not self.visited:
            raise AbortError(self._beyond)
        return False

    def _backtrack(self, *, exceeded: bool) -> bool:
        """Return to the last choice that has more to offer; False when there is none.

        ``exceeded`` tells that the result had no room for a request. It skips all choices up to the next prioritized
        list, whose later entries may need fewer devices, or up to the claim's border.
        """
        stack = self._stack
        while stack:
            frame = stack[-1]
            if isinstance(frame, _Choice):
                assert frame.move is not None
                self._board.undo(frame.move)
                if not exceeded and self._advance(frame):
                    return True
            elif isinstance(frame, _Fixed):
                self._board.undo(frame.move)
            elif isinstance(frame, _Border):
                exceeded = False
            else:
                frame.only_exceeded = frame.only_exceeded and exceeded
                frame.current += 1
                if frame.current < len(frame.plans):
                    plan = frame.plans[frame.current]
                    self._go(plan.claim, plan.request, plan)
                    return True
                exceeded = frame.only_exceeded
            stack.pop()
        if exceeded:
            message = "allocation max size exceeded"
            raise AbortError(message)
        return False

    def _go(self, claim: int, request: int, plan: Plan | None = None, number: int = 0, start: int = 0) -> None:
        self._claim, self._request, self._plan, self._number, self._start = claim, request, plan, number, start

    def _solution(self) -> Solution:
        alternatives = [[0] * len(requests) for requests in self._plans]
        for frame in self._stack:
            if isinstance(frame, _Alternatives):
                plan = frame.plans[frame.current]
                alternatives[plan.claim][plan.request] = plan.alternative
        return Solution(self._board.taken(), tuple(tuple(chosen) for chosen in alternatives))
