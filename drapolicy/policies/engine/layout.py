"""Where each node's devices stand in the fleet's columns, and which nodes are alike in structure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.inventory.shapes import Slots, shapes
from drapolicy.policies.engine.faces import Faces
from drapolicy.policies.engine.unbound import reached
from drapolicy.policies.engine.usable import Usable
from drapolicy.problem.site import Site

_KEPT_NODES = 50_000


class Layout:
    """The devices of each node in upstream's order, without a `Site` for each.

    Parameters
    ----------
    fleet
        The fleet.
    troubled
        Whether a pool of shared counters is in trouble, which every node sees.
    usable
        Which nodes selectors match.

    Attributes
    ----------
    devices
        ndarray, int64; rows of the fleet's devices, node after node.
    first
        ndarray of shape (N + 1,), int64; ``devices[first[n]:first[n + 1]]`` are those of node ``n``.
    structure
        ndarray of shape (N,), int32; equal for nodes that are alike in all but attributes, taints and names.
    regular
        ndarray of shape (N,), bool; which nodes can be answered by what they are alike in.
    obstacle
        Why no node can; empty when nodes can.
    """

    def __init__(self, fleet: Fleet, *, troubled: bool, usable: Usable | None = None) -> None:
        self.fleet = fleet
        count = len(fleet.nodes)
        self.obstacle = "pools that contradict themselves" if troubled else ""
        sharing = _sharing(fleet)
        if not fleet.slices.bound.all():
            beyond = reached(fleet, usable or Usable(fleet, lambda: Faces(fleet)))
            # Nodes that such slices reach are asked one by one, whenever one of them changes.
            if beyond is None or 2 * beyond[: fleet.nodes.candidates].sum() > fleet.nodes.candidates:
                self.obstacle = self.obstacle or "slices that belong to no one node"
            else:
                sharing |= beyond
        self._known: OrderedDict[int, tuple[tuple[DeviceId, ...], Mapping[DeviceId, int]]] = OrderedDict()
        if self.obstacle:
            self.devices, self.first = np.empty(0, np.int64), np.zeros(count + 1, np.int64)
            self.structure, self.regular = np.full(count, -1, np.int32), np.zeros(count, np.bool_)
            self._begins, self._sizes = np.full(count, -1), np.zeros(count, np.int64)
            return
        slots = Slots(fleet)
        made = shapes(fleet, slots)
        rows = slots.rows
        starts, stops = fleet.slices.first[rows], fleet.slices.first[rows + 1]
        self.devices = _ranges(starts, stops)
        ends = np.zeros(count + 1, np.int64)
        np.add.at(ends, fleet.node_of_slice[rows] + 1, stops - starts)
        self.first = np.cumsum(ends)
        self._sizes = np.diff(self.first)
        self._begins = _begins(self.devices, self.first)
        self.structure = _numbered(made.shape_of, made.links_of, _declares(fleet))
        self.regular = ~sharing
        self._rows, self._of_row = rows, np.searchsorted(fleet.node_of_slice[rows], np.arange(count + 1))

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of devices of each node; ndarray of shape (N,), int64."""
        return self._sizes

    def span(self, n: int) -> slice | NDArray[np.int64]:
        """Return the rows of a node's devices as a slice where they stand together, which is read in less time."""
        first = self._begins[n]
        return slice(first, first + self._sizes[n]) if first >= 0 else self.of(n)

    def of(self, n: int) -> NDArray[np.int64]:
        """Return the rows of a node's devices in the fleet's columns."""
        return self.devices[self.first[n] : self.first[n + 1]]

    def ids(self, n: int) -> tuple[DeviceId, ...]:
        """Return the names of a node's devices, in order."""
        return self._named(n)[0]

    def names(self, n: int) -> Callable[[int], DeviceId]:
        """Return what tells the name of a node's device at a position: kept names, where all of a fleet can be."""
        return self._named(n)[0].__getitem__ if len(self.fleet.nodes) <= _KEPT_NODES else partial(self._name, n)

    def _name(self, n: int, position: int) -> DeviceId:
        fleet, row = self.fleet, int(self.devices[self.first[n] + position])
        of = int(fleet.devices.slice[row])
        return DeviceId(fleet.slices.driver[of] or "", fleet.slices.pool[of] or "", fleet.devices.name[row] or "")

    def positions(self, n: int) -> Mapping[DeviceId, int]:
        """Return the position of each of a node's devices by its name."""
        return self._named(n)[1]

    def _named(self, n: int) -> tuple[tuple[DeviceId, ...], Mapping[DeviceId, int]]:
        known = self._known.get(n)
        if known is None:
            fleet = self.fleet
            found: list[DeviceId] = []
            for row in self._rows[self._of_row[n] : self._of_row[n + 1]].tolist():
                driver, pool = fleet.slices.driver[row] or "", fleet.slices.pool[row] or ""
                start, stop = fleet.slices.first[row : row + 2].tolist()
                found += [DeviceId(driver, pool, name or "") for name in fleet.devices.name.between(start, stop)]
            known = self._known[n] = tuple(found), {device: position for position, device in enumerate(found)}
            if len(self._known) > _KEPT_NODES:
                self._known.popitem(last=False)
        return known

    def describes(self, site: Site) -> bool:
        """Tell whether a site has just the devices that the columns say, in their order."""
        return tuple(device.id for device in site.devices) == self.ids(site.index)


def _begins(devices: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each node's devices where these stand together; -1 elsewhere."""
    gaps = np.concatenate([[0], np.cumsum(np.diff(devices, prepend=0) != 1)])
    sizes = np.diff(first)
    begins = np.where(sizes > 0, devices[np.minimum(first[:-1], len(devices) - 1)] if len(devices) else -1, -1)
    begins[gaps[first[1:]] - gaps[np.minimum(first[:-1] + 1, first[1:])] > 0] = -1
    return begins


def _ranges(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers from each start up to its stop, one range after the other."""
    sizes = stops - starts
    begins = np.cumsum(sizes) - sizes
    ranges: NDArray[np.int64] = np.arange(sizes.sum()) + np.repeat(starts - begins, sizes)
    return ranges


def _numbered(*columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return a number of each row, equal for equal rows."""
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)


def _declares(fleet: Fleet) -> NDArray[np.int32]:
    """Return which nodes declare the same features, for slices that skip what only some nodes can do without."""
    found = np.zeros(len(fleet.nodes), np.int32)
    if any(rest.spec.skip_node_operations for rest in fleet.slices.rest.values):
        found[: fleet.nodes.candidates] = fleet.nodes.rests(lambda node: tuple(node.status.declared_features)) + 1
    return found


def _sharing(fleet: Fleet) -> NDArray[np.bool_]:
    """Tell which nodes use a pool that another node uses too."""
    table, node = fleet.slices, fleet.node_of_slice
    shared = np.zeros(len(fleet.nodes), np.bool_)
    bound = np.flatnonzero(table.bound & (node >= 0))
    if not len(bound):
        return shared
    change = (np.diff(table.driver.codes) != 0) | (np.diff(table.pool.codes) != 0)
    pool = np.concatenate([[0], np.cumsum(change)])
    least, most = np.full(pool[-1] + 1, np.iinfo(np.int32).max, np.int64), np.full(pool[-1] + 1, -1, np.int64)
    np.minimum.at(least, pool[bound], node[bound])
    np.maximum.at(most, pool[bound], node[bound])
    shared[node[bound[(least < most)[pool[bound]]]]] = True
    return shared
