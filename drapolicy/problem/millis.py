"""GPUs of a node in thousandths: what is left of each, and what a device that is chosen takes of it.

Published schedulers for shared GPUs (FGD, best fit, packing ...) know a GPU as 1,000 milli. Here a device that is given
as a whole is 1,000, a device of consumable capacity is what is left of its scarcest capacity, and partitions that draw
from one set of counters are one GPU together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.quantity import Quantity
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.reference.capacity import charge
from drapolicy.problem.site import Site

WHOLE = 1_000


class Millis(NamedTuple):
    """A node's GPUs in thousandths.

    Attributes
    ----------
    left
        What is left of each GPU, rounded down; ndarray of shape (G,), int64, from 0 to 1,000.
    gpu
        GPU that each device is, or is a part of; ndarray of shape (D,), int64.
    takes
        What each device takes of its GPU when the ask gets it, rounded up; ndarray of shape (D,), int64. A device that
        several requests could have takes what the greatest of them does.
    """

    left: NDArray[np.int64]
    gpu: NDArray[np.int64]
    takes: NDArray[np.int64]

    def after(self, chosen: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return what is left of each GPU when the ask gets some devices; ndarray of shape (G,), int64."""
        left = self.left.copy()
        np.subtract.at(left, self.gpu[chosen], self.takes[chosen])
        return np.maximum(left, 0)


def millis(
    site: Site,
    allocated: AllocatedState,
    eligible: NDArray[np.bool_],
    capacities: Sequence[Mapping[str, Quantity]],
) -> Millis:
    """Return a node's GPUs in thousandths, for one ask.

    Parameters
    ----------
    site
        The node.
    allocated
        What is taken.
    eligible
        Devices that each request accepts; ndarray of shape (R, D), bool. GPUs are devices of the drivers of these; of
        all drivers for an ask without requests.
    capacities
        Amounts that each request asks of a device's capacities, by name.
    """
    asked_for = np.flatnonzero(eligible.any(axis=0)).tolist() if len(eligible) else range(len(site.devices))
    drivers = {site.devices[d].pool.driver for d in asked_for}
    number: dict[object, int] = {}
    gpu = np.zeros(len(site.devices), np.int64)
    takes = np.zeros(len(site.devices), np.int64)
    left: list[int] = []
    for d, device in enumerate(site.devices):
        sets = tuple(sorted({name for (name, _), _ in device.counters}))
        key = (device.pool, sets) if sets else device.id
        if key not in number:
            number[key] = len(left)
            left.append(WHOLE if device.pool.driver in drivers else 0)
        gpu[d] = number[key]
        if device.pool.driver not in drivers:
            continue
        part = WHOLE * site.share(d)
        taken = allocated.holds(device.id) or (allocated.shared(device.id) and not device.shareable)
        if taken:
            left[gpu[d]] -= round(part)
        elif device.shareable:
            left[gpu[d]] = min(left[gpu[d]], _left(device, allocated))
        asked = [r for r in range(len(eligible)) if eligible[r, d]]
        takes[d] = max((_taken(device, capacities[r], part) for r in asked), default=0)
    return Millis(np.maximum(np.array(left, np.int64), 0), gpu, takes)


def _left(device: PoolDevice, allocated: AllocatedState) -> int:
    used = allocated.consumed(device.id)
    shares = [WHOLE * (total - used.get(name, 0)) // total for name, total in device.capacity if total > 0]
    return max(min(shares, default=WHOLE), 0)


def _taken(device: PoolDevice, requests: Mapping[str, Quantity], part: float) -> int:
    if not device.shareable:
        return round(part)
    amounts = charge(device, requests, fractional=True).amounts
    shares = [-(-WHOLE * a // total) for a, (_, total) in zip(amounts, device.capacity, strict=False) if total > 0]
    return min(max(shares, default=WHOLE), WHOLE)
