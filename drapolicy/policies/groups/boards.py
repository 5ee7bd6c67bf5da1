"""What asks can get on nodes that they see alike, found by the formulation of one node and scored by the objective."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.contents import Contents, bits
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.views import UnseenError
from drapolicy.policies.groups.joint import Joint, Moves
from drapolicy.policies.groups.kinds import Kinds, UnsuitedError
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers.base import first_fit, rows_of
from drapolicy.policies.solvers.task import Task
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, TimedOut
from drapolicy.problem.problem import Problem

MOST_DEVICES = 16
"""Devices of a node that matter to the asks, at most."""

MOST_MASKS = 4_096
"""Sets of free devices that are looked at on nodes that are alike, at most."""


MOST_ASSIGNMENTS = 50_000
"""Assignments of one ask to a node, at most."""


class UnreadError(Exception):
    """An objective read what nodes have not been told apart by."""

    def __init__(self, reads: frozenset[str]) -> None:
        self.reads = reads
        super().__init__(", ".join(sorted(reads)))


@dataclass(eq=False)
class Board:
    """Nodes that all asks see alike and of which the same is taken, but for devices that the asks may get.

    Attributes
    ----------
    node
        One of the nodes.
    content
        Number of what is taken there.
    devices
        Positions of the devices that matter; bit ``i`` of a mask is ``devices[i]``.
    allowed
        Kinds that may go there.
    masks
        Sets of free devices that may come about.
    """

    node: int
    content: int
    devices: tuple[int, ...]
    allowed: tuple[bool, ...]
    masks: set[int]
    joint: Joint | None = None

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """Whether a device is in a mask; ndarray of shape (2**R, R), bool."""
        return (np.arange(1 << len(self.devices))[:, None] >> np.arange(len(self.devices)) & 1).astype(np.bool_)

    def chosen(self, mask: int) -> tuple[int, ...]:
        """Return the positions of a mask's devices, ascending."""
        return tuple(self.devices[bit] for bit in bits(mask))


class Ground(NamedTuple):
    """Where devices stand, what is taken, and what nodes were told apart by."""

    layout: Layout
    contents: Contents
    reads: frozenset[str]


class Boards:
    """The boards of a problem, each made once.

    Parameters
    ----------
    problem, kinds, objective
        What is decided.
    ground
        Where.
    """

    def __init__(self, problem: Problem, kinds: Kinds, objective: Objective, ground: Ground) -> None:
        self.kinds = kinds
        self._problem = problem
        self._objective = objective
        self._layout, self._contents, self._reads = ground
        self._made: dict[object, Board | None] = {}
        self._devices: dict[int, tuple[int, ...]] = {}

    def at(self, row: int, n: int, content: int, allowed: tuple[bool, ...]) -> tuple[Board | None, int]:
        """Return the board of a node and the mask of its free devices; None where nothing matters to any ask.

        Parameters
        ----------
        row
            Number of what asks see of the node.
        n
            The node.
        content
            Number of what is taken there.
        allowed
            Kinds that may go there.
        """
        devices = self._devices.get(row)
        if devices is None:
            devices = self._devices[row] = self._eligible(n, allowed)
        taken, others = self._contents[content]
        shared = {position for position, _ in others}
        matter = tuple(d for d in devices if d not in shared)
        bit = sum(1 << d for d in matter)
        key = row, taken & ~bit, others
        if key not in self._made:
            if len(matter) > MOST_DEVICES:
                message = f"a node with {len(matter)} devices that the asks may get, more than {MOST_DEVICES}"
                raise UnsuitedError(message)
            self._made[key] = Board(n, content, matter, allowed, set()) if any(allowed) else None
        free = sum(1 << i for i, d in enumerate(matter) if not taken >> d & 1)
        return self._made[key], free

    def _eligible(self, n: int, allowed: tuple[bool, ...]) -> tuple[int, ...]:
        found: set[int] = set()
        for ask, may in zip(self.kinds.samples, allowed, strict=True):
            if may:
                found.update(np.flatnonzero(self._problem.local(n, ask).eligible.any(axis=0)).tolist())
        return tuple(sorted(found))

    def fill(self, stands: Iterable[tuple[Board, int]]) -> None:
        """Find what asks can get on boards.

        Parameters
        ----------
        stands
            Boards with the masks of free devices that nodes have.
        """
        boards: dict[int, Board] = {}
        for board, free in stands:
            boards[id(board)] = board
            if free not in board.masks:
                board.masks.update(_within(free))
            if len(board.masks) > MOST_MASKS:
                message = f"nodes alike with more than {MOST_MASKS} sets of free devices"
                raise UnsuitedError(message)
        for board in boards.values():
            moves = [self._moves(board, kind) for kind in range(len(self.kinds.samples))]
            board.joint = Joint(len(board.devices), moves, 1 + len(self._objective.levels))

    # --- one kind --------------------------------------------------------------------------------------------

    def _moves(self, board: Board, kind: int) -> Moves:
        free, then, scores = [], [], []
        levels = len(self._objective.levels)
        if board.allowed[kind] and self.kinds.most[kind]:
            every, lasting = self._sets(board, self._local(board, kind, (1 << len(board.devices)) - 1))
            for mask in sorted(board.masks, reverse=True):
                local = self._local(board, kind, mask)
                chosen = every[every & ~mask == 0] if lasting else self._sets(board, local)[0]
                if not len(chosen):
                    continue
                full = np.zeros((len(chosen), local.size), np.bool_)
                full[:, list(board.devices)] = board.members[chosen]
                scored = levels and local.claims
                own = self._objective.of_many(local, full) if scored else np.zeros((len(chosen), levels), np.int64)
                if own.dtype != np.int64:
                    message = "scores beyond 64 bits"
                    raise UnsuitedError(message)
                unread = frozenset(local.reads) - self._reads
                if unread:
                    raise UnreadError(unread)
                free.append(np.full(len(chosen), mask, np.int64))
                then.append(mask & ~chosen)
                # Level 0 counts asks.
                scores.append(np.concatenate([np.ones((len(chosen), 1), np.int64), own], axis=1))
        if not free:
            return Moves(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1 + levels), np.int64))
        return Moves(np.concatenate(free[::-1]), np.concatenate(then[::-1]), np.concatenate(scores[::-1]))

    def _sets(self, board: Board, local: LocalProblem) -> tuple[NDArray[np.int64], bool]:
        """Return the masks of devices that an ask may get, and whether less free means no more than some masks less."""
        f = local.formulation
        if isinstance(f, Abort) or f.may_abort or f.gaps:
            message = "requests that may end an attempt" if isinstance(f, Abort) or f.may_abort else f.gaps[0]
            raise UnsuitedError(message)
        lasting = not f.counters.size and not f.joints and all(len(rows) == 1 for rows in f.requests)
        answer, solution = first_fit(local, Objective())
        if isinstance(answer.outcome, Abort | TimedOut):
            raise UnsuitedError(answer.outcome.text)
        if solution is None:
            return np.zeros(0, np.int64), lasting
        task = Task.of(local, self._objective, f, rows_of(local, solution))
        if not task.plain:
            message = "devices that are shared, or wanted in mode All or with admin access"
            raise UnsuitedError(message)
        bit = {d: 1 << i for i, d in enumerate(board.devices)}
        assignments = list(islice(task.formulation.assignments(), MOST_ASSIGNMENTS + 1))
        if len(assignments) > MOST_ASSIGNMENTS:
            message = f"an ask with more than {MOST_ASSIGNMENTS} assignments on a node"
            raise UnsuitedError(message)
        masks = {sum(bit[d] for _, devices in assignment for d in devices) for assignment in assignments}
        return np.array(sorted(masks), np.int64), lasting

    def _local(self, board: Board, kind: int, mask: int) -> LocalProblem:
        """Return the problem of an ask on a node of a board where just these devices are free."""
        fleet, state = self._problem.fleet, self._problem.state
        site = state.sites[board.node]
        ids = self._layout.ids(board.node)
        if not self._layout.describes(site):
            message = "devices that a node does not see as its slices publish them"
            raise UnseenError(message)
        taken, others = self._contents[board.content]
        for i, d in enumerate(board.devices):
            taken = taken & ~(1 << d) if mask >> i & 1 else taken | 1 << d
        allocated = AllocatedState(consumable="ConsumableCapacity" in fleet.release.features)
        for d in bits(taken):
            allocated.take(ids[d])
        for d, code in others:
            allocated.restore(ids[d], self._contents.use(code))
        ask = self.kinds.samples[kind]
        return LocalProblem(
            site,
            ask.claims,
            allocated,
            state.rooms[board.node],
            classes=fleet.classes,
            release=fleet.release,
            pod=ask.pod,
        )


def _within(mask: int) -> Iterator[int]:
    """Yield all masks within a mask."""
    part = mask
    while True:
        yield part
        if not part:
            return
        part = part - 1 & mask
