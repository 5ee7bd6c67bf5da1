"""What nodes have left besides devices, as columns."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.policies.engine.ranking import Amounts
from drapolicy.policies.engine.views import numbered
from drapolicy.problem.room import CPU, MEMORY, PODS, NodeRoom, PodAsk
from drapolicy.problem.state import State

_MOST = int(np.iinfo(np.int64).max)
MOST_SCORED = 2**61


class Rooms:
    """A column for each resource that some pod has asked for, kept up to date from the state's journal.

    Parameters
    ----------
    fleet
        Its nodes.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._columns: dict[str, Amounts] = {}
        self._scored: NDArray[np.int64] | None = None

    @cached_property
    def _alike(self) -> tuple[list[NodeRoom], NDArray[np.intp]]:
        """Empty rooms that differ, and which of them each node has."""
        number: dict[tuple[tuple[str, int], ...], int] = {}
        rooms: list[NodeRoom] = []
        of_node = np.zeros(len(self._fleet.nodes), np.intp)
        for n, node in enumerate(self._fleet.nodes):
            key = tuple([(name, amount.nano) for name, amount in node.status.allocatable.items()])
            of_node[n] = number.setdefault(key, len(rooms))
            if of_node[n] == len(rooms):
                rooms.append(NodeRoom(node))
        return rooms, of_node

    def reset(self) -> None:
        """Forget all columns; each is made anew when it is asked for."""
        self._columns.clear()
        self._scored = None

    def read(self, state: State, n: int) -> None:
        """Read what is left on one node."""
        if self._columns:
            room = state.rooms[n]
            for name, column in self._columns.items():
                column.write(n, _left(room, name))
        if self._scored is not None:
            self._scored[:, :, n] = _balance(state.rooms[n])

    def scored(self, state: State) -> NDArray[np.int64]:
        """Return what scores see of CPU and memory of every node.

        Returns
        -------
        ndarray
            Shape (3, 2, N), int64: allocatable, requested, and requested with defaults for pods that ask for none;
            CPU, then memory; amounts beyond 2**61 are cut off there.
        """
        if self._scored is None:
            rooms, of_node = self._alike
            bare = np.array([_balance(room) for room in rooms], np.int64).reshape(-1, 3, 2)
            self._scored = bare[of_node].transpose(1, 2, 0).copy()
            for n, room in state.rooms.made.items():
                self._scored[:, :, n] = _balance(room)
        return self._scored

    def asked(self, state: State, room: PodAsk) -> list[tuple[Amounts, int]]:
        """Return the columns of what a pod needs, and how much of each."""
        needs = _needs(room)
        new = [name for name, _ in needs if name not in self._columns]
        if new:
            self._add(state, new)
        return [(self._columns[name], amount) for name, amount in needs]

    def _add(self, state: State, names: list[str]) -> None:
        rooms, of_node = self._alike
        for name in names:
            empty = np.array([_left(room, name) for room in rooms], np.int64)
            column = self._columns[name] = Amounts(empty[of_node])
            for n, room in state.rooms.made.items():
                column.write(n, _left(room, name))

    def lacking(self, room: PodAsk, nodes: NDArray[np.intp]) -> Counter[str]:
        """Return NodeResourcesFit's words for each of some nodes that lack something, with counts.

        Parameters
        ----------
        room
            What :meth:`asked` was asked before.
        """
        reasons: Counter[str] = Counter()
        needs = _needs(room)
        short = numbered([self._columns[name].of(nodes) < amount for name, amount in needs])
        _, at, counts = np.unique(short, return_index=True, return_counts=True)
        for n, count in zip(nodes[at], counts.tolist(), strict=True):
            names = [name for name, amount in needs if self._columns[name].of(n) < amount]
            if names:
                words = ["Too many pods" if name == PODS else f"Insufficient {name}" for name in names]
                reasons[", ".join(words)] += count
        return reasons


def _balance(room: NodeRoom) -> list[list[int]]:
    have = [room.allocatable.get(name, 0) for name in (CPU, MEMORY)]
    used = [room.requested.get(name, 0) for name in (CPU, MEMORY)]
    return [[max(-MOST_SCORED, min(MOST_SCORED, amount)) for amount in row] for row in (have, used, room.nonzero)]


def _needs(room: PodAsk) -> list[tuple[str, int]]:
    return [(PODS, 1), *((name, min(amount, _MOST)) for name, amount in room.requests.items() if amount > 0)]


def _left(room: NodeRoom, name: str) -> int:
    if room.unbounded:
        return _MOST
    if name == PODS:
        return room.max_pods - room.pods
    return max(-_MOST, min(_MOST, room.allocatable.get(name, 0) - room.requested.get(name, 0)))
