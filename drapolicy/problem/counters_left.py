"""What is left of a node's shared counters, and which devices that still lets be allocated (K8s S45)."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.reference.counters import drawing, drawn_for_shares
from drapolicy.problem.site import Site
from drapolicy.release import Behaviour


class CountersLeft:
    """Shared counters of a node in one state, K in number, each in the unit of the site's ledger.

    Parameters
    ----------
    site
        The node.
    allocated
        What is allocated.
    behaviour
        What the release makes of shares.

    Attributes
    ----------
    left
        What is left of each counter, below zero where too much is drawn; read-only ndarray of shape (K,), int64.
    """

    def __init__(self, site: Site, allocated: AllocatedState, behaviour: Behaviour) -> None:
        ledger = self._ledger = site.ledger
        drawn_by = drawing(allocated, behaviour)
        taken = [d for d, device in enumerate(site.devices) if drawn_by(device.id)]
        elsewhere = [e for e, identity in enumerate(ledger.elsewhere) if drawn_by(identity)]
        drawn = ledger.draws[taken].sum(axis=0) + ledger.draws_elsewhere[elsewhere].sum(axis=0)
        self.left: NDArray[np.int64] = ledger.totals - drawn
        self.left.flags.writeable = False
        self._site = site
        self._drawn_once = drawn_for_shares(allocated, behaviour)

    @cached_property
    def _needs(self) -> NDArray[np.int64]:
        """What each device would still have to draw: nothing once a share of it is taken."""
        shared = [d for d, device in enumerate(self._site.devices) if self._drawn_once(device.id)]
        needs = self._ledger.draws.copy()
        needs[shared] = 0
        return needs

    def placeable(self, devices: NDArray[np.intp], chosen: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Return which of some devices could each be allocated on its own; ndarray of shape (D,), bool.

        Parameters
        ----------
        devices
            Devices in question; ascending indices.
        chosen
            Devices that are taken before; None for the state as it is.
        """
        mask = np.zeros(len(self._needs), np.bool_)
        needs = self._needs[devices]
        left = self.left if chosen is None else self.left - self._needs[chosen].sum(axis=0)
        short = (needs > left) & self._ledger.bears[devices]
        mask[devices] = ~(short.any(axis=1) & needs.any(axis=1))
        return mask
