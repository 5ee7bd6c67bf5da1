"""Nodes by what the asks of a problem see of them, what is taken there, and what room is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Pod
from drapolicy.policies.engine.contents import Contents
from drapolicy.policies.engine.faces import Faces
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.rooms import asked as columns_of
from drapolicy.policies.engine.views import Sight, UnseenError
from drapolicy.policies.groups.boards import Board, Boards, Ground, UnreadError
from drapolicy.policies.groups.joint import Pattern
from drapolicy.policies.groups.kinds import Kinds, UnsuitedError, check_apart
from drapolicy.policies.objective import Objective
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

_ROOM = "room"
_RANK = "rank"  # what devices are seen and taken tells it
_SEEN_BY = {"product": "links"}  # nodes whose links are told apart are told apart by their products too


class Stand(NamedTuple):
    """Nodes that are alike for all asks: one state.

    Attributes
    ----------
    board
        What asks can get there.
    free
        Mask of the board's devices that are free.
    room
        What is left of each resource that some ask needs, no more than all of them need together.
    nodes
        The nodes, ascending.
    """

    board: Board
    free: int
    room: tuple[int, ...]
    nodes: NDArray[np.intp]


class Survey:
    """The nodes of a problem.

    Parameters
    ----------
    problem
        The problem.
    kinds
        Its asks by kind.
    objective
        What is better.
    symmetric
        Whether nodes that are alike are one state; otherwise each is its own.

    Attributes
    ----------
    stands
        States, in the order of their first nodes; nodes on which no ask fits are left out.
    needs
        What an ask of each kind needs of each resource; ndarray of shape (K, M), int64.

    Raises
    ------
    UnsuitedError
        When nodes are not independent of each other, or cannot be told apart by columns.
    """

    def __init__(self, problem: Problem, kinds: Kinds, objective: Objective, *, symmetric: bool = True) -> None:
        check_apart(problem, problem.asks)
        state, fleet = problem.state, problem.fleet
        if state.conditions.any:
            message = "nodes that are away or cordoned, or devices that failed or were tainted since"
            raise UnsuitedError(message)
        layout = Layout(fleet, troubled=state.sites.troubled)
        if layout.obstacle:
            raise UnsuitedError(layout.obstacle)
        if not layout.regular[: fleet.nodes.candidates].all():
            message = "pools that several nodes use"
            raise UnsuitedError(message)
        contents = Contents(layout)
        contents.follow(state)
        sight, faces = Sight(layout), Faces(fleet)
        refused = [
            faces.refusals(ask.pod).refused | (not can) for ask, can in zip(kinds.samples, kinds.possible, strict=True)
        ]
        self.needs, left = _room(state, kinds)
        reads: frozenset[str] = frozenset()
        while True:
            try:
                seeing = {_SEEN_BY.get(read, read) for read in reads - {_ROOM, _RANK}}
                views = [
                    sight.views(ask.claims, seeing).of_node if can else np.zeros(len(fleet.nodes), np.int32)
                    for ask, can in zip(kinds.samples, kinds.possible, strict=True)
                ]
                seen = [np.where(no, -2, view) for no, view in zip(refused, views, strict=True)]
                if _ROOM in reads:
                    seen.append(_outlooks(problem, kinds))
                boards = Boards(problem, kinds, objective, Ground(layout, contents, reads))
                row = np.unique(
                    np.stack([np.zeros(len(fleet.nodes), np.int64), *seen], 1), axis=0, return_inverse=True
                )[1].reshape(-1)
                keys = np.stack([row, contents.of_node], 1)
                self.stands = self._gathered(boards, seen, keys, left, fleet.nodes.candidates, symmetric=symmetric)
            except UnreadError as unread:
                reads |= unread.reads
            except UnseenError as unseen:
                raise UnsuitedError(str(unseen)) from None
            else:
                return

    def _gathered(
        self,
        boards: Boards,
        seen: Sequence[NDArray[np.int64]],
        keys: NDArray[np.int64],
        left: NDArray[np.int64],
        candidates: int,
        *,
        symmetric: bool,
    ) -> tuple[Stand, ...]:
        table = np.concatenate([keys, left], axis=1)[:candidates]
        distinct, first, of_node = np.unique(table, axis=0, return_index=True, return_inverse=True)
        nodes_of = np.split(
            np.argsort(of_node.reshape(-1), kind="stable"), np.cumsum(np.bincount(of_node.reshape(-1)))[:-1]
        )
        found = []
        for row in np.argsort(first).tolist():
            n = int(first[row])
            allowed = tuple(int(column[n]) != -2 for column in seen[: len(boards.kinds.samples)])
            board, free = boards.at(int(distinct[row, 0]), n, int(distinct[row, 1]), allowed)
            if board is None:
                continue
            room = tuple(distinct[row, 2:].tolist())
            nodes = nodes_of[row]
            found += [Stand(board, free, room, own) for own in ([nodes] if symmetric else nodes[:, None])]
        boards.fill((stand.board, stand.free) for stand in found)
        return tuple(found)

    def fits(self, stand: Stand, pattern: Pattern) -> bool:
        """Return whether a node has room for the asks of a pattern."""
        needs = self.needs[list(pattern)].sum(axis=0)
        # Who needs nothing of a resource fits where pods that were bound by hand have taken more than there is.
        return bool(((needs == 0) | (needs <= np.array(stand.room, np.int64))).all())


def _room(state: State, kinds: Kinds) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what kinds need of each resource, shape (K, M), and what nodes have left of it, shape (N, M)."""
    asked = [[] if ask.room is None else columns_of(state.rooms, ask).pairs for ask in kinds.samples]
    columns = list({id(column): column for own in asked for column, _ in own}.values())
    at = {id(column): m for m, column in enumerate(columns)}
    needs = np.zeros((len(asked), len(columns)), np.int64)
    for kind, own in enumerate(asked):
        for column, amount in own:
            needs[kind, at[id(column)]] = amount
    every = np.arange(len(state.fleet.nodes))
    total = [sum(int(n) * m for n, m in zip(column, kinds.most, strict=True)) for column in needs.T.tolist()]
    most = [min(amount, np.iinfo(np.int64).max) for amount in total]
    left = [np.minimum(column.of(every), least) for column, least in zip(columns, most, strict=True)]
    return needs, np.stack(left, 1) if left else np.zeros((len(every), 0), np.int64)


def _outlooks(problem: Problem, kinds: Kinds) -> NDArray[np.int64]:
    """Return a number of each node's room, equal for equal rooms."""
    if any(ask.pod is not None for ask in kinds.samples):
        message = "the objective reads room, and pods take it"
        raise UnsuitedError(message)
    nobody = pod_ask(Pod())
    rooms = [problem.state.rooms[n].outlook(nobody) for n in range(len(problem.fleet.nodes))]
    return np.unique(np.array(rooms, np.int64), axis=0, return_inverse=True)[1].reshape(-1)
