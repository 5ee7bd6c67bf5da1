"""What is left of the devices of each node, as a matrix that follows the state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.views import UnseenError, numbered
from drapolicy.problem.allocated import Use
from drapolicy.problem.millis import WHOLE
from drapolicy.problem.state import State

NANO = 10**9
_MOST_CAPACITIES = 4
_MOST_SIZE = 62
_MOST_CELLS = 1 << 27


class Model(NamedTuple):
    """Devices that are alike in what can be taken of them.

    Attributes
    ----------
    shareable
        Whether several claims can hold shares of one.
    capacity
        Amount of each capacity: ``(name, nano units)``.
    unit
        Nano units that amounts of them are counted in.
    draws
        Whether they draw from shared counters.
    """

    shareable: bool
    capacity: tuple[tuple[str, int], ...]
    unit: int
    draws: bool

    def left(self, use: Use) -> tuple[int, ...]:
        """Return what is left of a device: thousandths of it, then how much of each capacity, in units.

        Raises
        ------
        UnseenError
            When an amount is no number of units.
        """
        nothing = (0, *([-1] * max(len(self.capacity), 1)))
        if not self.shareable:
            return nothing if use.whole or use.shared or use.consuming else (WHOLE, *([0] * (len(nothing) - 1)))
        if use.whole:
            return nothing
        used = dict(use.amounts)
        free = [total - used.get(name, 0) for name, total in self.capacity]
        if any(amount % self.unit for amount in free):
            message = "amounts of capacity that are no whole units"
            raise UnseenError(message)
        parts = [WHOLE * amount // total for amount, (_, total) in zip(free, self.capacity, strict=True) if total > 0]
        level = max(min(parts, default=WHOLE), 0)
        return level, *([amount // self.unit for amount in free] or [0])


class Columns:
    """Devices of all nodes, one row a node.

    Parameters
    ----------
    layout
        Where devices stand.

    Attributes
    ----------
    left
        Thousandths left of each device; ndarray of shape (N, D), int64, 0 where a node has no such device.
    free
        What is left of each of its capacities, in units of its model, -1 where nothing can be had of it; ndarray of
        shape (C, N, D), int64.
    models
        Kinds of devices.
    """

    def __init__(self, layout: Layout) -> None:
        fleet = layout.fleet
        counts = layout.sizes()
        width = int(counts.max(initial=0))
        if len(counts) * width > _MOST_CELLS:
            message = "too many devices for a matrix"
            raise UnseenError(message)
        place = np.arange(width)
        self.here = place < counts[:, None]
        at = np.where(self.here, layout.first[:-1, None] + place, 0)
        self._rows = layout.devices[at] if len(layout.devices) else np.zeros(at.shape, np.int64)
        self.models, of_device = _models(fleet)
        self.model = np.where(self.here, of_device[self._rows], -1) if len(of_device) else at - 1
        self._slots = max((len(model.capacity) for model in self.models), default=1) or 1
        self._table = np.zeros((1 + self._slots, max(len(self.models), 1), 0), np.int64)
        self.left = np.zeros(at.shape, np.int64)
        self.free = np.full((self._slots, *at.shape), -1, np.int64)
        self._sizes: NDArray[np.int64] | None = None
        self._state: State | None = None

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many devices the allocations on each node have, as :class:`~drapolicy.policies.rows.Rows` tells it.

        Read when somebody first asks, as most terms never do.

        Raises
        ------
        UnseenError
            When the matrix cannot tell it.
        """
        if self._sizes is None:
            assert self._state is not None
            sizes = self._state.sizes
            self._sizes = np.array([_mask(sizes.of(n)) for n in range(len(self.left))], np.int64)
        return self._sizes

    def read(self, state: State, nodes: NDArray[np.intp]) -> None:
        """Read what is taken of some nodes.

        Raises
        ------
        UnseenError
            When the matrix cannot tell it.
        """
        self._state = state
        self._extend(state.allocated.uses)
        codes = state.allocated.codes[self._rows[nodes]]
        here = self.here[nodes]
        found = self._table[:, np.maximum(self.model[nodes], 0), codes] if self.models else None
        if found is not None:
            self.left[nodes] = np.where(here, found[0], 0)
            self.free[:, nodes] = np.where(here, found[1:], -1)
        if self._sizes is not None:
            self._sizes[nodes] = [_mask(state.sizes.of(n)) for n in nodes.tolist()]

    def _extend(self, uses: Sequence[Use]) -> None:
        """Learn what new codes say."""
        known, width = self._known, self._table.shape[2]
        if len(uses) > width:
            grown = np.full((*self._table.shape[:2], 2 * len(uses)), -1, np.int64)
            grown[:, :, :width] = self._table
            self._table = grown
        for code in range(known, len(uses)):
            for number, model in enumerate(self.models):
                told = model.left(uses[code])
                self._table[: len(told), number, code] = told
        self._known = len(uses)

    _known = 0


def _mask(sizes: Iterable[int]) -> int:
    found = 0
    for size in sizes:
        if size > _MOST_SIZE:
            message = "allocations of very many devices"
            raise UnseenError(message)
        found |= 1 << size
    return found


def _models(fleet: Fleet) -> tuple[list[Model], NDArray[np.int64]]:
    """Return the models of a fleet's devices, and which each device is of."""
    devices = fleet.devices
    if not len(devices):
        return [], np.zeros(0, np.int64)
    codes = numbered([devices.rest.codes, *(column.cells.codes for column in devices.capacity.values())])
    consumable = "ConsumableCapacity" in fleet.release.features
    number: dict[Model, int] = {}
    found = []
    for d in np.unique(codes, return_index=True)[1].tolist():
        device = devices[d]
        capacity = tuple(sorted((name, cell.value.nano) for name, cell in device.capacity.items()))
        shareable = bool(device.allow_multiple_allocations)
        if shareable and (not consumable or len(capacity) > _MOST_CAPACITIES):
            message = "shares that a matrix does not tell"
            raise UnseenError(message)
        unit = NANO if all(total % NANO == 0 for _, total in capacity) else 1
        if shareable and any(total // unit >= 1 << 62 for _, total in capacity):
            message = "capacities of very many units"
            raise UnseenError(message)
        model = Model(shareable, capacity if shareable else (), unit, bool(device.consumes_counters))
        found.append(number.setdefault(model, len(number)))
    return list(number), np.array(found, np.int64)[codes]
