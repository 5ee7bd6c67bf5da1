"""What is taken on each node, as a number that equal contents share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies.engine.layout import Layout
from drapolicy.problem.allocated import AllocatedState, Use
from drapolicy.problem.fleet_allocated import WHOLE, FleetAllocated
from drapolicy.problem.state import State

Content: TypeAlias = tuple[int, tuple[tuple[int, int], ...]]
"""Of one node: devices taken as a whole and by nobody else, as bits; position and code of the others, ascending."""

_NOTHING: Content = (0, ())

MOST_CONTENTS = 1 << 17


class Contents:
    """Numbers of what is taken on regular nodes, kept up to date from the state's journal.

    Changes are read when somebody asks for the numbers: kinds that look at parts of nodes never do.

    Parameters
    ----------
    layout
        Where devices stand.
    most
        How many contents are kept before all are numbered anew.

    Attributes
    ----------
    of_node
        ndarray of shape (N,), int32; 0 where nothing is taken.
    """

    def __init__(self, layout: Layout, most: int = MOST_CONTENTS) -> None:
        self._layout = layout
        self._most = self._limit = most
        self._stale: dict[int, None] = {}
        self._unread = True
        self.of_node = np.zeros(len(layout.fleet.nodes), np.int32)
        self._clear()

    def _clear(self) -> None:
        self._contents: list[Content] = [_NOTHING]
        self._number_of: dict[bytes, int] = {}
        self._allocated: FleetAllocated | None = None

    def __len__(self) -> int:
        return len(self._contents)

    def __getitem__(self, number: int) -> Content:
        return self._contents[number]

    def use(self, code: int) -> Use:
        """Return what a code of a content says of a device."""
        assert self._allocated is not None
        return self._allocated.uses[code]

    @property
    def full(self) -> bool:
        """Whether more contents are kept than may be."""
        return len(self._contents) > self._limit

    def reset(self) -> None:
        """Forget all numbers; the next :meth:`follow` reads a state from its beginning."""
        self._clear()
        self._stale.clear()
        self._unread = True

    def touch(self, nodes: Iterable[int]) -> None:
        """Take notice that nodes have changed."""
        if not self._unread:
            self._stale.update(dict.fromkeys(nodes))

    def follow(self, state: State, nodes: object = None, rows: Any = None) -> None:  # noqa: ARG002 - as facets do
        """Read what has changed."""
        if self._unread:
            self._read_all(state)
        for n in self._stale:
            self._read(state, n)
        self._stale.clear()

    def _read_all(self, state: State) -> None:
        self._clear()
        self._allocated = state.allocated
        self.of_node[:] = 0
        layout = self._layout
        codes = state.allocated.codes[layout.devices]
        sizes = layout.sizes()
        for size in np.unique(sizes[layout.regular]).tolist():
            nodes = np.flatnonzero(layout.regular & (sizes == size))
            rows = codes[layout.first[nodes][:, None] + np.arange(size)]
            taken = rows.any(axis=1)
            distinct, of = np.unique(rows[taken], axis=0, return_inverse=True)
            numbers = np.array([self._number(row) for row in distinct], np.int32)
            self.of_node[nodes[taken]] = numbers[of.reshape(-1)] if len(numbers) else 0
        self._unread = False
        self._limit = max(self._most, 2 * len(self._contents))

    def _read(self, state: State, n: int) -> None:
        layout = self._layout
        if layout.regular[n]:
            row = state.allocated.codes[layout.span(n)]
            number = self._number_of.get(row.tobytes())
            self.of_node[n] = self._number(row) if number is None else number

    def _number(self, row: NDArray[np.int32]) -> int:
        number = self._number_of.get(row.tobytes())
        if number is None:
            codes = row.tolist()
            whole = sum(1 << position for position, code in enumerate(codes) if code == WHOLE)
            others = [(position, code) for position, code in enumerate(codes) if code > WHOLE]
            number = self._number_of[row.tobytes()] = len(self._contents) if whole or others else 0
            if number:
                self._contents.append((whole, tuple(others)))
        return number

    def allocated(self, number: int, devices: Sequence[DeviceId], *, consumable: bool) -> AllocatedState:
        """Return a state in which just a content is taken of one node's devices.

        Parameters
        ----------
        number
            Of the content.
        devices
            Names of the node's devices, in order.
        """
        state = AllocatedState(consumable=consumable)
        taken, others = self._contents[number]
        for position in bits(taken):
            state.take(devices[position])
        for position, code in others:
            state.restore(devices[position], self.use(code))
        return state


def bits(mask: int) -> Iterator[int]:
    """Yield the positions of a mask's bits, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def masks(wholes: Sequence[int], size: int) -> NDArray[np.bool_]:
    """Return the devices that some masks of bits name; ndarray of shape (M, D), bool."""
    width = -(-size // 8) or 1
    packed = b"".join(whole.to_bytes(width, "little") for whole in wholes)
    rows = np.frombuffer(packed, np.uint8).reshape(len(wholes), width)
    return np.unpackbits(rows, axis=1, count=size, bitorder="little").astype(np.bool_)
