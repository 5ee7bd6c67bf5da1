"""Which nodes slices reach that belong to no one node (K8s S23)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.node_selection import SelectorError
from drapolicy.api.resource import Device, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory import Fleet
from drapolicy.policies.engine.usable import Usable

_MOST_SLICES = 10_000
_MOST_LOOKS = 1_000_000

Flags = NDArray[np.bool_]


def reached(fleet: Fleet, usable: Usable) -> Flags | None:
    """Return the nodes that may see something of a slice that belongs to no one node.

    Parameters
    ----------
    fleet
        The fleet.
    usable
        Which nodes selectors match.

    Returns
    -------
    ndarray or None
        Shape (N,), bool. None where it would take too long to tell, or where a selection cannot be read.
    """
    found = np.zeros(len(fleet.nodes), np.bool_)
    rows = np.flatnonzero(~fleet.slices.bound).tolist()
    if len(rows) > _MOST_SLICES:
        return None
    looks = 0
    for row in rows:
        published = fleet.slice(row)
        if published.spec.shared_counters and not fleet.release.behaviour.counters_follow_nodes:
            return ~np.zeros_like(found)
        for place in _places(published):
            if place.node_name:
                if place.node_name in fleet.nodes.index:
                    found[fleet.nodes.index[place.node_name]] = True
            elif place.all_nodes:
                return ~np.zeros_like(found)
            elif place.node_selector is not None:
                looks += usable.looks(place.node_selector)
                if looks > _MOST_LOOKS:
                    return None
                try:
                    found |= usable.mask(place.node_selector)
                except SelectorError:
                    return None
    return found | _users(rows, fleet)


def _places(published: ResourceSlice) -> Sequence[ResourceSliceSpec | Device]:
    """Return what says for which nodes a slice is."""
    spec = published.spec
    if spec.node_name or spec.all_nodes or spec.node_selector is not None:
        return [spec]
    return spec.devices if spec.per_device_node_selection else []


def _users(rows: Sequence[int], fleet: Fleet) -> Flags:
    """Return the nodes with slices of the pools of some slices: all of a pool's slices tell whether it is complete."""
    slices, node = fleet.slices, fleet.node_of_slice
    pool = slices.driver.codes.astype(np.int64) * (len(slices.pool.values) + 1) + slices.pool.codes
    own = node[np.isin(pool, pool[rows]) & (node >= 0)]
    found = np.zeros(len(fleet.nodes), np.bool_)
    found[own] = True
    return found
