"""The sites of a fleet: which slices and pools each node sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.api.resource import Device, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory import Fleet
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.pool_device import DeviceId, PoolId
from drapolicy.inventory.pools import Gatherer, Pool
from drapolicy.inventory.reach import NodeSelectionError, Reach
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.problem.site import Site

_KEPT_HOMES = 20_000


class Sites:
    """The sites of a fleet, each made when it is first asked for.

    Parameters
    ----------
    fleet
        The fleet.

    Attributes
    ----------
    directory
        Finds slices and devices of the fleet by name.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._made: dict[int, Site] = {}
        self._homes: dict[tuple[str, str], int] = {}
        self._unbound: dict[int, ResourceSlice] = {}
        self._published: dict[int, dict[DeviceId, Device]] = {}
        self.directory = Directory(fleet)
        self._reaches = Reach()

    @cached_property
    def _pool_rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the pool of each slice begins and ends; slices of a pool stand together."""
        slices = self.fleet.slices
        changes = (np.diff(slices.driver.codes) != 0) | (np.diff(slices.pool.codes) != 0)
        begins = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(slices)]])
        of_slice = np.searchsorted(begins, np.arange(len(slices)), side="right") - 1
        return begins[of_slice], begins[of_slice + 1]

    def slice(self, row: int) -> ResourceSlice:
        """Return a slice with the taints of all rules; slices that are not bound to one node are kept."""
        known = self._unbound.get(row)
        if known is None:
            fleet = self.fleet
            rules = fleet.taint_rules if fleet.release.heeds_taint_rules else ()
            (known,) = with_taint_rules([fleet.slice(row)], rules, fleet.release, fleet.classes)
            if fleet.node_of_slice[row] < 0:
                self._unbound[row] = known
        return known

    def _pools(self, node: Node) -> tuple[Pool, ...]:
        """Return the pools of a node: from its slices, and all others of the same pools (K8s S24)."""
        own = self._whole_pools(self.fleet.slices_on(node.metadata.name))
        rows = sorted(own | self._troubling_rows)
        return Gatherer([self.slice(row) for row in rows], self.fleet.release)(node)

    def _whole_pools(self, rows: Iterable[int]) -> set[int]:
        begin, end = self._pool_rows
        return {row for i in rows for row in range(begin[i], end[i])}

    @property
    def troubled(self) -> bool:
        """Whether a pool of shared counters is incomplete or invalid, which every node sees."""
        return bool(self._troubling_rows)

    @cached_property
    def _troubling_rows(self) -> set[int]:
        """Slices of pools that are incomplete or invalid for every node, as their counters are there for all (K8s S23).

        Other pools of other nodes would give a node nothing.
        """
        fleet = self.fleet
        if fleet.release.behaviour.counters_follow_nodes or "PartitionableDevices" not in fleet.release.features:
            return set()
        counting = [rest is not None and bool(rest.spec.shared_counters) for rest in (*fleet.slices.rest.values, None)]
        rows = self._whole_pools(np.flatnonzero(np.array(counting)[fleet.slices.rest.codes]).tolist())
        slices = {row: self.slice(row) for row in rows}
        pools = Gatherer(slices.values(), fleet.release)(Node())
        trouble = {pool.id for pool in pools if pool.incomplete or pool.invalid}
        return {row for row, known in slices.items() if PoolId(known.spec.driver, known.spec.pool.name) in trouble}

    def published(self, n: int) -> Mapping[DeviceId, Device]:
        """Return the devices of all slices that matter for a node, whatever state their pools are in (K8s S74)."""
        known = self._published.get(n)
        if known is None:
            node = self.fleet.nodes[n]
            known = self._published[n] = {}
            for row in self.fleet.slices_on(node.metadata.name):
                spec = self.slice(row).spec
                apart = bool(spec.per_device_node_selection)
                if not apart and not self._is_for(spec, node):
                    continue
                for device in spec.devices:
                    if not apart or self._is_for(device, node):
                        known.setdefault(DeviceId(spec.driver, spec.pool.name, device.name), device)
        return known

    def _is_for(self, place: ResourceSliceSpec | Device, node: Node) -> bool:
        try:
            return self._reaches(place, node)
        except NodeSelectionError:
            return False

    def __len__(self) -> int:
        return len(self.fleet.nodes)

    def __getitem__(self, n: int) -> Site:
        site = self._made.get(n)
        if site is None:
            node = self.fleet.nodes[n]
            site = Site(n, node, self._pools(node), self.fleet.links.get(node.metadata.name))
            self._made[n] = site
        return site

    def home(self, pool: tuple[str, str]) -> int | None:
        """Return the node that alone can use a pool; None for a pool that several can use, or that is not published."""
        known = self._homes.get(pool)
        if known is None:
            if len(self._homes) >= _KEPT_HOMES:
                self._homes.clear()
            known = self._homes[pool] = self._home(PoolId(*pool))
        return None if known < 0 else known

    def _home(self, pool: PoolId) -> int:
        node_of = self.fleet.node_of_slice
        rows = self.directory.slices_of(pool)
        home = int(node_of[rows.start]) if rows else -1
        return home if home >= 0 and all(node_of[row] == home and self._bound[row] for row in rows) else -1

    @cached_property
    def _bound(self) -> NDArray[np.bool_]:
        return self.fleet.slices.bound
