"""What is taken on each node, as a number that equal contents share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies.engine.layout import Layout
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.state import State

Held: TypeAlias = tuple[bool, bool, bool, tuple[tuple[str, int], ...]]
"""Of one device: taken as a whole, some share taken, some share with amounts, amounts in nano units."""

Content: TypeAlias = tuple[int, tuple[tuple[int, int], ...]]
"""Of one node: devices taken as a whole and by nobody else, as bits; position and code of the others, ascending."""

_NOTHING: Content = (0, ())


class Contents:
    """Numbers of what is taken on regular nodes, kept up to date from the state's journal.

    Attributes
    ----------
    of_node
        ndarray of shape (N,), int32; 0 where nothing is taken.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._held: list[Held] = []
        self._code_of: dict[Held, int] = {}
        self._contents: list[Content] = [_NOTHING]
        self._number_of: dict[Content, int] = {_NOTHING: 0}
        self.of_node = np.zeros(len(layout.fleet.nodes), np.int32)

    def __len__(self) -> int:
        return len(self._contents)

    def __getitem__(self, number: int) -> Content:
        return self._contents[number]

    def held(self, code: int) -> Held:
        """Return what a code of a content says of a device."""
        return self._held[code]

    def reset(self, state: State) -> None:
        """Read a state from its beginning."""
        self.of_node[:] = 0
        for n in state.with_taken:
            self.read(state, n)

    def read(self, state: State, n: int) -> None:
        """Read what is taken on one node."""
        if not self._layout.regular[n]:
            return
        taken = state.taken(n)
        if not taken:
            self.of_node[n] = 0
            return
        at, allocated = self._layout.positions(n), state.allocated
        whole, shares = 0, []
        any_shares = allocated.has_shares
        for device in taken:
            position = at.get(device)
            if position is None:
                continue  # no slice publishes it any more
            if any_shares and allocated.shared(device):
                shares.append((position, self._code(allocated, device)))
            else:
                whole |= 1 << position
        key = whole, tuple(sorted(shares))
        number = self._number_of.get(key)
        if number is None:
            number = self._number_of[key] = len(self._contents)
            self._contents.append(key)
        self.of_node[n] = number

    def _code(self, allocated: AllocatedState, device: DeviceId) -> int:
        held = (
            allocated.holds(device),
            True,
            allocated.consuming(device),
            tuple(sorted(allocated.consumed(device).items())),
        )
        code = self._code_of.get(held)
        if code is None:
            code = self._code_of[held] = len(self._held)
            self._held.append(held)
        return code

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
            whole, shared, consuming, amounts = self._held[code]
            state.restore(devices[position], whole=whole, shared=shared, consuming=consuming, amounts=dict(amounts))
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
