"""Room of all nodes of a fleet, each made when it is first looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import overload

from drapolicy.inventory.nodes import NodeTable
from drapolicy.problem.room import NodeRoom


class NodeRooms(Sequence[NodeRoom]):
    """The room of each node, in the fleet's order.

    Parameters
    ----------
    nodes
        The nodes.
    """

    def __init__(self, nodes: NodeTable) -> None:
        self._nodes = nodes
        self._made: dict[int, NodeRoom] = {}

    @property
    def made(self) -> Mapping[int, NodeRoom]:
        """Rooms that were looked at, by position; all others are as empty as they began."""
        return MappingProxyType(self._made)

    def __len__(self) -> int:
        return len(self._nodes)

    @overload
    def __getitem__(self, n: int) -> NodeRoom: ...
    @overload
    def __getitem__(self, n: slice) -> list[NodeRoom]: ...
    def __getitem__(self, n: int | slice) -> NodeRoom | list[NodeRoom]:
        if isinstance(n, slice):
            return [self[i] for i in range(*n.indices(len(self)))]
        room = self._made.get(n)
        if room is None:
            n = range(len(self))[n]
            room = self._made.setdefault(n, NodeRoom(self._nodes[n]))
        return room

    def __repr__(self) -> str:
        return repr(list(self))
