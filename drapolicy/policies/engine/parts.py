"""What is taken of the parts of nodes, as numbers that equal parts share.

A part is the devices that draw on one counter set together; every other device is a part on its own. Nodes of
partitions or of shared devices are hardly ever in a state that was seen before; their parts nearly always are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.policies.engine.layout import Layout
from drapolicy.problem.allocated import Use
from drapolicy.problem.fleet_allocated import FleetAllocated
from drapolicy.problem.state import State

MOST_STATES = 1 << 17
_MOST_STRUCTURES = 256
_MOST_CELLS = 1 << 26

Positions = NDArray[np.intp]


class Parts:
    """Numbers of what is taken of the parts of regular nodes, kept up to date from the state's journal.

    Parameters
    ----------
    layout
        Where devices stand.
    most
        How many states of parts are kept before all are numbered anew.

    Attributes
    ----------
    states
        ndarray of shape (N, P), int32; 0 where nothing is taken, and beyond a node's parts.
    """

    def __init__(self, layout: Layout, most: int = MOST_STATES) -> None:
        self._layout = layout
        self._most = self._limit = most
        self._divided: dict[int, tuple[Positions, ...]] | None = None
        # Where the codes of each part stand among the bytes of a node's, if no other's are in between.
        self._spans: dict[int, list[tuple[int, int]]] = {}
        self._stale: dict[int, None] = {}
        self._unread = True
        self.states = np.zeros((len(layout.fleet.nodes), 0), np.int32)
        self._clear()

    def _clear(self) -> None:
        self._codes: list[tuple[int, ...]] = [()]
        self._number_of: dict[bytes, int] = {}
        self._allocated: FleetAllocated | None = None

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def full(self) -> bool:
        """Whether more states are kept than may be."""
        return len(self._codes) > self._limit

    # --- dividing --------------------------------------------------------------------------------------------

    def suit(self, state: State) -> bool:
        """Tell whether some nodes have devices that draw on counters or can be shared: others are in few states."""
        if self._divided is None:
            self._divided = self._divisions(state)
        return bool(self._divided)

    def _divisions(self, state: State) -> dict[int, tuple[Positions, ...]]:
        layout = self._layout
        if not any(
            rest.consumes_counters or rest.allow_multiple_allocations for rest in layout.fleet.devices.rest.values
        ):
            return {}
        regular = np.flatnonzero(layout.regular)
        structures, samples = np.unique(layout.structure[regular], return_index=True)
        if len(structures) > _MOST_STRUCTURES:
            return {}
        found = {}
        for structure, n in zip(structures.tolist(), regular[samples].tolist(), strict=True):
            site = state.sites[n]
            if layout.describes(site) and any(d.counters or d.api.allow_multiple_allocations for d in site.devices):
                parts = found[structure] = divided(site.devices)
                if all((np.diff(positions) == 1).all() for positions in parts):
                    self._spans[structure] = [(4 * int(own[0]), 4 * int(own[-1]) + 4) for own in parts]
        width = max(map(len, found.values()), default=0)
        return found if width * len(layout.structure) <= _MOST_CELLS else {}

    def of(self, n: int) -> tuple[Positions, ...]:
        """Return the positions of the devices of each part of a node, in the order of the first ones."""
        return (self._divided or {}).get(int(self._layout.structure[n]), ())

    # --- reading ---------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget all numbers; the next :meth:`follow` reads a state from its beginning."""
        self._clear()
        self._stale.clear()
        self._unread = True

    def touch(self, nodes: Iterable[int]) -> None:
        """Take notice that nodes have changed."""
        if not self._unread:
            self._stale.update(dict.fromkeys(nodes))

    def follow(self, state: State) -> None:
        """Read what has changed."""
        if self._unread:
            self._read_all(state)
        for n in self._stale:
            self._read(n)
        self._stale.clear()

    def _read_all(self, state: State) -> None:
        layout, divided = self._layout, self._divided or {}
        self._allocated = state.allocated
        width = max(map(len, divided.values()), default=0)
        self.states = np.zeros((len(layout.fleet.nodes), width), np.int32)
        codes = state.allocated.codes[layout.devices]
        for structure, parts in divided.items():
            nodes = np.flatnonzero(layout.regular & (layout.structure == structure))
            for p, positions in enumerate(parts):
                rows = codes[layout.first[nodes][:, None] + positions]
                taken = rows.any(axis=1)
                distinct, of = np.unique(rows[taken], axis=0, return_inverse=True)
                numbers = np.array([self._number(row) for row in distinct], np.int32)
                self.states[nodes[taken], p] = numbers[of.reshape(-1)] if len(numbers) else 0
        self._unread = False
        self._limit = max(self._most, 2 * len(self._codes))

    def _read(self, n: int) -> None:
        parts = self.of(n)
        if parts and self._layout.regular[n]:
            assert self._allocated is not None
            row = self._allocated.codes[self._layout.of(n)]
            spans = self._spans.get(int(self._layout.structure[n]))
            if spans is None:
                numbers = [self._number(row[positions]) for positions in parts]
            else:
                data, known = row.tobytes(), self._number_of
                numbers = [
                    self._number(row[positions]) if (number := known.get(data[first:last])) is None else number
                    for positions, (first, last) in zip(parts, spans, strict=True)
                ]
            self.states[n, : len(parts)] = numbers

    def _number(self, row: NDArray[np.int32]) -> int:
        key = row.tobytes()
        number = self._number_of.get(key)
        if number is None:
            number = self._number_of[key] = len(self._codes) if row.any() else 0
            if number:
                self._codes.append(tuple(row.tolist()))
        return number

    # --- telling ---------------------------------------------------------------------------------------------

    def codes(self, numbers: Sequence[int], size: int) -> NDArray[np.int32]:
        """Return the codes of some states of a part; ndarray of shape (M, size), int32."""
        nothing = (0,) * size
        return np.array([self._codes[number] or nothing for number in numbers], np.int32).reshape(len(numbers), size)

    def use(self, code: int) -> Use:
        """Return what a code says of a device."""
        assert self._allocated is not None
        return self._allocated.uses[code]


def divided(devices: Sequence[PoolDevice]) -> tuple[Positions, ...]:
    """Return the positions of devices that draw on the same counter sets, directly or by others in between."""
    part_of: dict[Hashable, int] = {}
    members: list[list[int]] = []
    for position, device in enumerate(devices):
        keys = {(device.pool, counter_set) for (counter_set, _), _ in device.counters}
        keys |= {(device.pool, counter_set) for counter_set, _ in device.groups}
        joined = sorted({part_of[key] for key in keys if key in part_of})
        if not joined:
            joined = [len(members)]
            members.append([])
        first, *others = joined
        members[first].append(position)
        for other in others:
            members[first] += members[other]
            members[other] = []
        part_of.update(dict.fromkeys(keys, first))
        part_of = {key: first if part in others else part for key, part in part_of.items()} if others else part_of
    return tuple(np.array(sorted(own), np.intp) for own in sorted(own for own in map(sorted, members) if own))
