"""Room of all nodes of a fleet, in columns: what they can give, what is requested of them, what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np

from drapolicy.api.core import Node
from drapolicy.api.quantity import Quantity
from drapolicy.inventory.node_builder import node_table
from drapolicy.inventory.nodes import NodeTable
from drapolicy.problem.amounts import MOST, Amounts, Columns, Exact, cut
from drapolicy.problem.pod_requests import PodAsk
from drapolicy.problem.resources import CPU, PODS, counted, rounded
from drapolicy.problem.room import NodeRoom

_KEPT = 16_384


class _Step(NamedTuple):
    """One column that a pod changes, and the one of what is left that follows from it, where somebody asks for it."""

    column: Exact
    amount: int
    left: Amounts | None
    allocatable: Exact


class NodeRooms(Sequence[NodeRoom]):
    """The room of each node, in the fleet's order.

    Parameters
    ----------
    nodes
        The nodes.

    Attributes
    ----------
    nonzero
        Milli CPU and bytes of memory that LeastAllocated sees as taken of each node.
    unbounded
        ndarray of shape (N,), bool; which nodes tell no allocatable resources: everything fits there.

    Notes
    -----
    A resource has columns from the time that somebody asks for it. The number of pods is the resource ``pods`` here.
    """

    def __init__(self, nodes: NodeTable) -> None:
        self._nodes = nodes
        self.unbounded = np.ones(len(nodes), np.bool_)
        self.unbounded[: len(nodes.allocatable)] = np.diff(nodes.allocatable.first) == 0
        self.nonzero = self._nothing(), self._nothing()
        self._allocatable: dict[str, Exact] = {}
        self._requested: dict[str, Exact] = {}
        self._left: dict[str, Amounts] = {}
        self._together: dict[tuple[str, ...], Columns] = {}
        self._steps: dict[int, tuple[PodAsk, tuple[_Step, ...]]] = {}

    def _nothing(self) -> Exact:
        return Exact(np.zeros(len(self._nodes), np.int64))

    # --- columns ---------------------------------------------------------------------------------------------

    def allocatable(self, name: str) -> Exact:
        """Return how much of a resource each node can give; nothing where a node does not say."""
        known = self._allocatable.get(name)
        if known is None:
            table = self._nodes.allocatable
            rows, places = table.having(name)
            found = table.cells.units(places, -3 if name == CPU else 0, lambda amount: _amount(name, amount))
            amounts = np.zeros(len(self._nodes), found.dtype)
            amounts[rows] = found
            known = self._allocatable[name] = Exact(amounts)
        return known

    def requested(self, name: str) -> Exact:
        """Return how much of a resource the pods of each node request."""
        known = self._requested.get(name)
        if known is None:
            known = self._requested[name] = self._nothing()
        return known

    def left(self, name: str) -> Amounts:
        """Return what each node has left of a resource, kept up to date from now on.

        Nodes that tell no room have ``MOST`` of everything; amounts beyond it are cut off.
        """
        known = self._left.get(name)
        if known is None:
            amounts = self.allocatable(name).without(self.requested(name))
            amounts[self.unbounded] = MOST
            known = self._left[name] = Amounts(amounts)
            self._steps.clear()
        return known

    def together(self, names: tuple[str, ...]) -> Columns:
        """Return what each node has left of several resources (:meth:`left`)."""
        known = self._together.get(names)
        if known is None:
            if len(self._together) >= _KEPT:
                self._together.clear()
            known = self._together[names] = Columns(tuple(map(self.left, names)))
        return known

    # --- changes ---------------------------------------------------------------------------------------------

    def add(self, n: int, ask: PodAsk) -> None:
        """Put a pod on a node."""
        self._change(n, ask, 1)

    def remove(self, n: int, ask: PodAsk) -> None:
        """Take a pod off a node.

        Raises
        ------
        ValueError
            If the node has no pod.
        """
        if not self.requested(PODS)[n]:
            message = "a pod is taken off a node that has none"
            raise ValueError(message)
        self._change(n, ask, -1)

    def _change(self, n: int, ask: PodAsk, sign: int) -> None:
        known = self._steps.get(id(ask))
        for step in self._steps_of(ask) if known is None else known[1]:
            total = step.column.add(n, sign * step.amount)
            if step.left is not None and not self.unbounded[n]:
                step.left.write(n, cut(step.allocatable[n] - total))

    def _steps_of(self, ask: PodAsk) -> tuple[_Step, ...]:
        """Return what a pod changes; copies of a pod share what they ask, which is held on to for its identity."""
        if len(self._steps) >= _KEPT:
            self._steps.clear()
        steps = [_Step(column, amount, None, column) for column, amount in zip(self.nonzero, ask.nonzero, strict=True)]
        for name, amount in ((PODS, 1), *ask.requests.items()):
            if amount:
                column, left = self.requested(name), self._left.get(name)
                steps.append(_Step(column, amount, left, column if left is None else self.allocatable(name)))
        self._steps[id(ask)] = ask, tuple(steps)
        return tuple(steps)

    # --- one node --------------------------------------------------------------------------------------------

    def told(self, n: int) -> dict[str, int]:
        """Return what a node can give, by the names of all resources that the scheduler counts."""
        if self.unbounded[n]:
            return {}
        return counted({name: amount.milli_value() for name, amount in self._nodes.allocatable[n].items()})

    def taken(self, n: int) -> dict[str, int]:
        """Return what the pods of a node request, by resource; names with a sum of zero are left out."""
        found = {name: column[n] for name, column in self._requested.items() if name != PODS}
        return {name: amount for name, amount in found.items() if amount}

    def __len__(self) -> int:
        return len(self._nodes)

    @overload
    def __getitem__(self, n: int) -> NodeRoom: ...
    @overload
    def __getitem__(self, n: slice) -> list[NodeRoom]: ...
    def __getitem__(self, n: int | slice) -> NodeRoom | list[NodeRoom]:
        places = range(len(self))[n]
        return NodeRoom(self, places) if isinstance(places, int) else [NodeRoom(self, place) for place in places]

    def __iter__(self) -> Iterator[NodeRoom]:
        return (NodeRoom(self, n) for n in range(len(self)))

    def __repr__(self) -> str:
        return repr(list(self))


def room_of(node: Node) -> NodeRoom:
    """Return the room of a node on its own."""
    return NodeRooms(node_table([node]))[0]


def _amount(name: str, amount: Quantity) -> int:
    return amount.value() if name == PODS else rounded(name, amount.milli_value())
