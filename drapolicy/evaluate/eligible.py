"""Which devices of a fleet a request accepts, whoever holds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceRequest, DeviceSubRequest, ExactDeviceRequest
from drapolicy.inventory import Fleet
from drapolicy.inventory.selecting import select, table_of


class Eligible:
    """Tells which devices of a fleet the selectors of a request and of its class accept; each is run once.

    Parameters
    ----------
    fleet
        The fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._table = table_of(fleet)
        self._known: dict[str, NDArray[np.bool_]] = {}

    def __call__(self, request: ExactDeviceRequest | DeviceSubRequest) -> NDArray[np.bool_]:
        """Return which devices are accepted; ndarray of shape (D,), bool."""
        accepted = np.ones(len(self._fleet.devices), np.bool_)
        cls = self._fleet.classes.get(request.device_class_name)
        if cls is None:
            return np.zeros_like(accepted)
        for selector in (*cls.spec.selectors, *request.selectors):
            if selector.cel is not None:
                accepted = accepted & self._of(selector.cel.expression)
        return accepted

    def _of(self, expression: str) -> NDArray[np.bool_]:
        known = self._known.get(expression)
        if known is None:
            known = self._known[expression] = np.asarray(select(self._table, expression).matches)
        return known


def choices(request: DeviceRequest) -> tuple[ExactDeviceRequest | DeviceSubRequest, ...]:
    """Return what a request can be met by: itself, or its alternatives in order; admin access takes nothing."""
    if request.exactly is None:
        return tuple(request.first_available)
    return () if request.exactly.admin_access else (request.exactly,)
