"""One node with everything about it that never changes: its pools, devices and links."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.api.resource import Device, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory import Fleet
from drapolicy.inventory.directory import Directory
from drapolicy.inventory.links import NodeLinks, Path
from drapolicy.inventory.pool_device import DeviceId, PoolDevice, PoolId
from drapolicy.inventory.pools import Gatherer, Pool
from drapolicy.inventory.reach import NodeSelectionError, Reach
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.topology.attributes import attribute_links, values

SHORT_NAMES = {"numa": "numa_node", "pcieRoot": "pcie_root"}

_HUGE = 2**50  # amounts beyond this many units are as good as unlimited and keep sums within int64


@dataclass(frozen=True)
class Ledger:
    """Shared counters of a node's pools as columns, each in a unit of its own so that exact amounts fit int64.

    Attributes
    ----------
    totals
        What the pools publish; ndarray of shape (K,), int64.
    draws
        What each device draws; ndarray of shape (D, K), int64.
    bears
        Counters of the pool that a device draws from, its own or not: below zero any of them refuses the device (K8s
        S45); ndarray of shape (D, K), bool.
    elsewhere, draws_elsewhere
        Devices of the pools that only other nodes can use, E in number, and what they draw; shape (E, K), int64.
    """

    totals: NDArray[np.int64]
    draws: NDArray[np.int64]
    bears: NDArray[np.bool_]
    elsewhere: tuple[DeviceId, ...]
    draws_elsewhere: NDArray[np.int64]


def _ledger(pools: Sequence[Pool], devices: Sequence[PoolDevice]) -> Ledger:
    column = {(pool.id, key): k for k, (pool, key) in enumerate((p, key) for p in pools for key in p.counters or {})}
    totals = [(pool.counters or {})[key] for pool in pools for key in pool.counters or {}]
    here = [(d.index, column.get((d.pool, key)), amount) for d in devices for key, amount in d.counters]
    others = [(pool, identity, drawn) for pool in pools for identity, drawn in pool.elsewhere]
    away = [
        (e, column.get((pool.id, key)), amount) for e, (pool, _, drawn) in enumerate(others) for key, amount in drawn
    ]
    units = [0] * len(totals)
    for _, k, amount in (*here, *away):
        if k is not None:
            units[k] = math.gcd(units[k], amount)
    units = [unit or 1 for unit in units]

    def scaled(rows: int, entries: Sequence[tuple[int, int | None, int]]) -> NDArray[np.int64]:
        matrix = np.zeros((rows, len(totals)), np.int64)
        for row, k, amount in entries:
            if k is not None:
                matrix[row, k] += min(amount // units[k], _HUGE)
        matrix.flags.writeable = False
        return matrix

    return Ledger(
        # Whole units are enough: what devices draw are multiples of the unit.
        np.array([min(total // unit, _HUGE) for total, unit in zip(totals, units, strict=True)], np.int64),
        scaled(len(devices), here),
        _bearing(list(column), devices),
        tuple(identity for _, identity, _ in others),
        scaled(len(others), away),
    )


def _bearing(counters: Sequence[tuple[PoolId, tuple[str, str]]], devices: Sequence[PoolDevice]) -> NDArray[np.bool_]:
    number = {pool: p for p, pool in enumerate(dict.fromkeys(pool for pool, _ in counters))}
    owners = np.array([number[pool] for pool, _ in counters], np.intp)
    pools = np.array([number.get(device.pool, -1) if device.counters else -1 for device in devices], np.intp)
    bears: NDArray[np.bool_] = pools[:, None] == owners[None, :]
    bears.flags.writeable = False
    return bears


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
        return _ledger(self.pools, self.devices)

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
            row = {identity: d for d, identity in enumerate(self._table.devices)}
            own = np.array([row.get(device.id, -1) for device in self.devices], np.intp)
            known = np.flatnonzero(own >= 0)
            told = self._table.mb_s[np.ix_(own[known], own[known])]
            links[np.ix_(known, known)] = np.where(told > 0, told, links[np.ix_(known, known)])
        links.flags.writeable = False
        return links

    def _told(self, table: NDArray[Any] | None, untold: NDArray[Any]) -> NDArray[Any]:
        """Return what the link table says of the pairs that it knows; ``untold`` has the others."""
        if self._table is not None and table is not None:
            row = {identity: d for d, identity in enumerate(self._table.devices)}
            own = np.array([row.get(device.id, -1) for device in self.devices], np.intp)
            known = np.flatnonzero(own >= 0)
            untold[np.ix_(known, known)] = table[np.ix_(own[known], own[known])]
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

    def home(self, pool: PoolId) -> int | None:
        """Return the node that alone can use a pool; None for a pool that several can use, or that is not published."""
        node_of = self.fleet.node_of_slice
        rows = self.directory.slices_of(pool)
        home = int(node_of[rows.start]) if rows else -1
        alone = home >= 0 and all(node_of[row] == home and self._bound[row] for row in rows)
        return home if alone else None

    @cached_property
    def _bound(self) -> NDArray[np.bool_]:
        return self.fleet.slices.bound
