"""One node with everything about it that never changes: its pools, devices and links."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.inventory.links import NodeLinks, Path
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.inventory.pools import Pool
from drapolicy.problem.ledger import Ledger, ledger_of
from drapolicy.topology.attributes import attribute_links, values

SHORT_NAMES = {"numa": "numa_node", "pcieRoot": "pcie_root"}


class Site:
    """A node as allocation sees it. Made once for a fleet, shared by all decisions; nothing in it changes.

    Attributes
    ----------
    index, node
        Position in the fleet, and the node.
    pools
        In the order in which Kubernetes tries them.
    devices
        Devices of all pools, D in number; ``devices[d].index == d``.
    """

    def __init__(self, index: int, node: Node, pools: tuple[Pool, ...], table: NodeLinks | None) -> None:
        self.index = index
        self.node = node
        self.pools = pools
        self.devices: tuple[PoolDevice, ...] = tuple(device for pool in pools for device in pool.devices)
        self._table = table
        self._groups: dict[str, NDArray[np.int16]] = {}

    @cached_property
    def ledger(self) -> Ledger:
        """Shared counters of the node's pools."""
        return ledger_of(self.pools, self.devices)

    @property
    def name(self) -> str:
        """Name of the node."""
        return self.node.metadata.name

    @cached_property
    def links(self) -> NDArray[np.int64]:
        """Bandwidth between devices; ndarray of shape (D, D), int64, MB/s per direction, symmetric, zero diagonal.

        From the link table of the node where there is one, otherwise from the attributes that the drivers publish.
        """
        published = attribute_links([(device.pool.driver, device.pool.pool, device.api) for device in self.devices])
        links = published.copy()
        if self._table is not None:
            known, rows = self._known
            told = self._table.mb_s[np.ix_(rows, rows)]
            links[np.ix_(known, known)] = np.where(told > 0, told, links[np.ix_(known, known)])
        links.flags.writeable = False
        return links

    @cached_property
    def _known(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Devices that the link table knows, and their rows in it."""
        row = {} if self._table is None else {identity: r for r, identity in enumerate(self._table.devices)}
        rows = np.array([row.get(device.id, -1) for device in self.devices], np.intp)
        known = np.flatnonzero(rows >= 0)
        return known, rows[known]

    def _told(self, table: NDArray[Any] | None, untold: NDArray[Any]) -> NDArray[Any]:
        """Return what the link table says of the pairs that it knows; ``untold`` has the others."""
        if table is not None:
            known, rows = self._known
            untold[np.ix_(known, known)] = table[np.ix_(rows, rows)]
        untold.flags.writeable = False
        return untold

    @cached_property
    def paths(self) -> NDArray[np.int8]:
        """How near devices are over PCIe; ndarray of shape (D, D), int8, `Path`, symmetric, zero diagonal.

        From the link table where it tells; otherwise PXB within a PCIe root, NODE within a NUMA node, else SYS.
        """
        root, numa = self.group("pcieRoot"), self.group("numa")
        near = np.full((len(self.devices),) * 2, Path.SYS, np.int8)
        for group, path in ((numa, Path.NODE), (root, Path.PXB)):
            near[(group[:, None] == group) & (group >= 0)] = path
        np.fill_diagonal(near, Path.NONE)
        return self._told(None if self._table is None else self._table.paths, near)

    @cached_property
    def lanes(self) -> NDArray[np.int16]:
        """Links straight from GPU to GPU; ndarray of shape (D, D), int16, symmetric, zero diagonal.

        From the link table; no driver publishes them.
        """
        none = np.zeros((len(self.devices),) * 2, np.int16)
        return self._told(None if self._table is None else self._table.lanes, none)

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        shares = np.ones(len(self.devices))
        for pool in self.pools:
            totals = pool.counters or {}
            for device in pool.devices:
                drawn = dict(device.counters)
                own = [key for key in totals if key[0] in {name for name, _ in drawn} and totals[key] > 0]
                if own:
                    shares[device.index] = sum(drawn.get(key, 0) / totals[key] for key in own) / len(own)
        return shares

    def share(self, d: int) -> float:
        """Return how much of a whole device one device is: its mean share of its counter sets' counters, else 1."""
        return float(self._shares[d])

    @property
    def whole(self) -> int:
        """Number of whole devices: counter sets, and devices that draw from none."""
        sets = {(pool.id, name) for pool in self.pools for name, _ in pool.counters or {}}
        return len(sets) + sum(not device.counters for device in self.devices)

    def group(self, attribute: str) -> NDArray[np.int16]:
        """Return which devices share a value of an attribute; ndarray of shape (D,), int16.

        Parameters
        ----------
        attribute
            Fully qualified name; or ``numa`` or ``pcieRoot``, which know the drivers' own spellings.

        Returns
        -------
        ndarray
            Values numbered by first occurrence, -1 where the device lacks the attribute.
        """
        if attribute not in self._groups:
            numbers: dict[object, int] = {}
            found_values = [self._value(device, attribute) for device in self.devices]
            codes = [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in found_values]
            found = np.array(codes, np.int16)
            found.flags.writeable = False
            self._groups[attribute] = found
        return self._groups[attribute]

    @staticmethod
    def _value(device: PoolDevice, attribute: str) -> object:
        fact = SHORT_NAMES.get(attribute)
        if fact is None:
            return device.attribute(attribute)
        found = values(device.pool.driver, device.api, fact)
        return found[0] if found else None
