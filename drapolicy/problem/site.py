"""One node with everything about it that never changes: its pools, devices and links."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import PoolDevice, PoolId
from drapolicy.inventory.pools import Gatherer, Pool
from drapolicy.inventory.taint_rules import patched
from drapolicy.topology.bind import LinkTable, attribute_links


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

    def __init__(self, index: int, node: Node, pools: tuple[Pool, ...], table: LinkTable | None) -> None:
        self.index = index
        self.node = node
        self.pools = pools
        self.devices: tuple[PoolDevice, ...] = tuple(device for pool in pools for device in pool.devices)
        self._table = table
        self._groups: dict[str, NDArray[np.int16]] = {}

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
            row = {name: d for d, name in enumerate(self._table.devices)}
            own = np.array([row.get((device.pool.driver, device.api.name), -1) for device in self.devices], np.intp)
            known = np.flatnonzero(own >= 0)
            links[np.ix_(known, known)] = self._table.mb_s[np.ix_(own[known], own[known])]
        links.flags.writeable = False
        return links

    def group(self, attribute: str) -> NDArray[np.int16]:
        """Return which devices share a value of an attribute; ndarray of shape (D,), int16.

        Parameters
        ----------
        attribute
            Fully qualified name.

        Returns
        -------
        ndarray
            Values numbered by first occurrence, -1 where the device lacks the attribute.
        """
        if attribute not in self._groups:
            numbers: dict[object, int] = {}
            values = [device.attribute(attribute) for device in self.devices]
            codes = [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values]
            found = np.array(codes, np.int16)
            found.flags.writeable = False
            self._groups[attribute] = found
        return self._groups[attribute]


class Sites:
    """The sites of a fleet, each made when it is first asked for.

    Parameters
    ----------
    fleet
        The fleet.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._made: dict[int, Site] = {}

    @cached_property
    def _gatherer(self) -> Gatherer:
        slices = patched(self.fleet.objects.slices, self.fleet.taint_rules, self.fleet.release.features)
        return Gatherer(slices, self.fleet.release.features)

    def __len__(self) -> int:
        return len(self.fleet.nodes)

    def __getitem__(self, n: int) -> Site:
        site = self._made.get(n)
        if site is None:
            node = self.fleet.nodes[n]
            site = Site(n, node, self._gatherer(node), self.fleet.links_of(n))
            self._made[n] = site
        return site

    @cached_property
    def home_of_pool(self) -> Mapping[PoolId, int]:
        """Node that alone can use a pool, by pool; pools that several nodes can use are left out."""
        slices = self.fleet.slices
        homes: dict[PoolId, int] = {}
        shared: set[PoolId] = set()
        alone = slices.bound
        for i, n in enumerate(self.fleet.node_of_slice.tolist()):
            pool = PoolId(slices.driver[i] or "", slices.pool[i] or "")
            if not alone[i] or homes.setdefault(pool, n) != n:
                shared.add(pool)
        return {pool: n for pool, n in homes.items() if pool not in shared}
