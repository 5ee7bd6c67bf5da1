"""Shapes: which nodes of a fleet are alike, slot by slot, and which of these have other links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.resource import Device
from drapolicy.inventory.columns import ABSENT, Frozen
from drapolicy.inventory.fleet import Fleet
from drapolicy.inventory.growing import canonical
from drapolicy.inventory.signature import INCOMPLETE, SOUND, TWICE, Slot, pool_bytes, signature


@dataclass(frozen=True, slots=True, eq=False)
class Shapes(Frozen):
    """Which of a fleet's N nodes are alike.

    Attributes
    ----------
    signatures
        Signature of each shape in hex, in the order of the first node that has it: see
        :mod:`drapolicy.inventory.signature`.
    shape_of
        ndarray of shape (N,), int32; shape of each node.
    links
        sha256 of each link table in hex, in the order of the first node that has it: 4 bytes for the number of slots
        S, then S x S numbers of 8 bytes, row by row, MB/s per direction; all little-endian. Where they were told, the
        word ``paths`` and S x S numbers follow, then ``lanes`` with theirs. Slots are those of the signature, pool
        after pool.
    links_of
        ndarray of shape (N,), int32; link table of each node, -1 for none.
    odd
        Nodes told apart by their links alone: for each shape that has several link tables, or one beside none, the
        names of the nodes by link table.
    shared
        Rows of the slices that belong to no one node: no shape has them, as labels of nodes decide where they reach.
    """

    signatures: tuple[str, ...]
    shape_of: NDArray[np.int32]
    links: tuple[str, ...]
    links_of: NDArray[np.int32]
    odd: Mapping[int, Mapping[int, tuple[str, ...]]]
    shared: tuple[int, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.shape_of)} nodes, {len(self.signatures)} shapes, {len(self.links)} link tables"]
        for shape, tables in self.odd.items():
            for table, names in tables.items():
                told = "no links" if table == ABSENT else f"links {self.links[table][:12]}"
                some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
                lines.append(f"shape {self.signatures[shape][:12]} with {told}: {len(names)} nodes: {some}")
        if self.shared:
            lines.append(f"{len(self.shared)} slices belong to no one node and are in no shape")
        return "\n".join(lines)


def shapes(fleet: Fleet, slots: Slots | None = None) -> Shapes:
    """Find the shapes of a fleet's nodes.

    Parameters
    ----------
    fleet
        The fleet.
    slots
        Its slots, for a caller that has them already.

    Notes
    -----
    Of the slices that name a node and no other selection, those of each pool's newest generation make its slots; a
    pool without devices is none. Slices of other nodes count towards completeness (K8s S24, S25).

    Works on columns: what is alike is grouped before it is written, so bytes are made once for each kind of pool.
    """
    slots = slots or Slots(fleet)
    pools = slots.pools()
    held: list[list[int]] = [[] for _ in range(len(fleet.nodes))]
    written: list[bytes] = []
    number_of_bytes: dict[bytes, int] = {}
    number_of_key: dict[bytes, int] = {}
    for node, rows in pools:
        key = slots.key(rows)
        number = number_of_key.get(key)
        if number is None:
            made = slots.bytes(rows)
            number = number_of_key[key] = number_of_bytes.setdefault(made, len(written))
            if number == len(written):
                written.append(made)
        held[node].append(number)
    first: dict[tuple[int, ...], int] = {}
    shape_of = np.array([first.setdefault(tuple(numbers), len(first)) for numbers in held], np.int32)
    signatures = tuple(signature([written[number] for number in numbers]) for numbers in first)
    links_of, links = _links(fleet, pools)
    apart: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for node in np.flatnonzero(_mixed(shape_of, links_of)).tolist():
        apart[int(shape_of[node])][int(links_of[node])].append(fleet.nodes.names[node])
    odd = {shape: {table: tuple(names) for table, names in sorted(of.items())} for shape, of in apart.items()}
    shared = tuple(np.flatnonzero(~fleet.slices.bound).tolist())
    return Shapes(signatures, shape_of, links, links_of, odd, shared)


class Slots:
    """The slices that make slots, pool by pool as Kubernetes tries them, and what is alike of them.

    Attributes
    ----------
    rows
        ndarray, int64; rows of these slices, node after node.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        table, devices = fleet.slices, fleet.devices
        self._per_slice = fleet.release.behaviour.counters == "slice"
        pool_of = _pair(table.driver.codes, table.pool.codes)
        kept = table.bound & (fleet.node_of_slice >= 0)
        node_pool = _pair(pool_of, fleet.node_of_slice)
        newest = np.full(node_pool.max(initial=-1) + 1, np.iinfo(np.int64).min)
        np.maximum.at(newest, node_pool[kept], table.generation[kept])
        kept &= table.generation == newest[node_pool]
        everywhere = _pair(pool_of, np.unique(table.generation, return_inverse=True)[1])
        complete = np.bincount(everywhere)[everywhere] == table.slice_count
        binding = np.array([bool(rest.binding_conditions) for rest in devices.rest.values] + [False])
        binds = np.bincount(devices.slice[binding[devices.rest.codes]], minlength=len(table)) > 0
        filled = np.diff(table.first) > 0
        size = len(newest)
        pool_binds = np.bincount(node_pool[kept & binds], minlength=size) > 0
        pool_filled = np.bincount(node_pool[kept & filled], minlength=size) > 0
        rows = np.flatnonzero(kept & pool_filled[node_pool]) if size else np.zeros(0, np.int64)
        last = pool_binds[node_pool[rows]] & fleet.release.behaviour.complete
        self.rows = rows[np.lexsort((rows, last, fleet.node_of_slice[rows]))]
        cut = np.flatnonzero(np.diff(node_pool[self.rows], prepend=-1))
        self._starts = [*cut.tolist(), len(self.rows)] if len(self.rows) else [0]
        self._alike = _alike(fleet)
        device_pool = _pair(node_pool[devices.slice], devices.name.codes)
        of_kept = np.isin(devices.slice, self.rows)
        many = np.bincount(device_pool[of_kept], minlength=device_pool.max(initial=-1) + 1) > 1
        self._twice = np.zeros(len(table), np.bool_)
        self._twice[devices.slice[of_kept & many[device_pool]]] = True
        self._complete = complete

    def pools(self) -> list[tuple[int, list[int]]]:
        """Return node and rows of slices of each pool."""
        rows, node = self.rows.tolist(), self.fleet.node_of_slice
        return [
            (int(node[rows[start]]), rows[start:stop])
            for start, stop in zip(self._starts, self._starts[1:], strict=False)
        ]

    def state(self, rows: list[int]) -> int:
        """Return what is wrong with a pool."""
        if not self._complete[rows[0]]:
            return INCOMPLETE
        return TWICE if self._twice[rows].any() else SOUND

    def key(self, rows: list[int]) -> bytes:
        """Return bytes that are equal only for pools that are written alike."""
        first = self.fleet.slices.first
        parts = [self.state(rows).to_bytes(4, "little"), self.fleet.slices.driver.codes[rows[0]].tobytes()]
        for i in rows:
            own = self._alike[first[i] : first[i + 1]]
            parts += [self.fleet.slices.rest.codes[i].tobytes(), len(own).to_bytes(4, "little"), own.tobytes()]
        return b"".join(parts)

    def bytes(self, rows: list[int]) -> bytes:
        """Write a pool."""
        table, devices = self.fleet.slices, self.fleet.devices
        sets, slots = [], []
        for place, i in enumerate(rows):
            place *= self._per_slice
            rest = table.rest[i]
            assert rest is not None
            sets += [(place, known) for known in rest.spec.shared_counters]
            for d in range(int(table.first[i]), int(table.first[i + 1])):
                capacity = {name: cell for name, column in devices.capacity.items() if (cell := column[d]) is not None}
                slots.append(Slot(devices.rest[d], capacity, rest.spec.skip_node_operations, place))
        return pool_bytes(table.driver[rows[0]] or "", self.state(rows), sets, slots)


def _alike(fleet: Fleet) -> NDArray[np.int64]:
    """Return a number of each device, equal only for devices that are alike in all that a signature may tell."""
    rest = fleet.devices.rest
    number: dict[bytes, int] = {_NO_STRUCTURE: ABSENT}
    classes = [
        number.setdefault(_structure(device), len(rest.values) + code) if _has_more(device) else code
        for code, device in enumerate(rest.values)
    ]
    alike = np.array([*classes, ABSENT], np.int64)[rest.codes]
    for column in fleet.devices.capacity.values():
        alike = _pair(alike, column.cells.codes)
    return alike


def _has_more(device: Device) -> bool:
    """Tell whether a device says something that is no structure, beside its name and attributes."""
    return bool(device.taints) or device.node_selector is not None or device.all_nodes is not None


def _structure(device: Device) -> bytes:
    return canonical(replace(device, taints=[], node_selector=None, all_nodes=None))


_NO_STRUCTURE = canonical(Device())


def _pair(a: NDArray[np.integer[Any]], b: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return a number of each row, equal for equal pairs in two columns of numbers of at least ABSENT."""
    both = (a.astype(np.int64) - ABSENT) * (int(b.max(initial=ABSENT)) + 2) + (b.astype(np.int64) - ABSENT)
    numbers: NDArray[np.int64] = np.unique(both, return_inverse=True)[1]
    return numbers


def _mixed(shape_of: NDArray[np.int32], links_of: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which nodes are of a shape that has several link tables."""
    least = np.full(shape_of.max(initial=-1) + 1, np.iinfo(np.int32).max)
    most = np.full(len(least), ABSENT)
    np.minimum.at(least, shape_of, links_of)
    np.maximum.at(most, shape_of, links_of)
    return (least < most)[shape_of]


def _links(fleet: Fleet, pools: list[tuple[int, list[int]]]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the link table of each node, and the digest of each."""
    links_of = np.full(len(fleet.nodes), ABSENT, np.int32)
    own: dict[int, list[tuple[str, str, str]]] = {fleet.nodes.index[name]: [] for name in fleet.links}
    table, devices = fleet.slices, fleet.devices
    for node, rows in pools if own else ():
        if node in own:
            for i in rows:
                driver, pool = table.driver[i] or "", table.pool[i] or ""
                names = devices.name.between(int(table.first[i]), int(table.first[i + 1]))
                own[node] += [(driver, pool, name or "") for name in names]
    number: dict[str, int] = {}
    known: dict[tuple[bytes, bytes], str] = {}
    for node in sorted(own):
        held = fleet.links[fleet.nodes.names[node]]
        at = {device: d for d, device in enumerate(held.devices)}
        order = np.array([at.get(device, len(at)) for device in own[node]], np.int64)
        told = [(b"", held.mb_s), (b"paths", held.paths), (b"lanes", held.lanes)]
        tables = [(tag, table) for tag, table in told if table is not None]
        key = order.tobytes(), b"".join(tag + table.tobytes() for tag, table in tables)
        if key not in known:
            content = [
                tag + np.pad(table, (0, 1))[np.ix_(order, order)].astype("<i8").tobytes() for tag, table in tables
            ]
            known[key] = sha256(len(order).to_bytes(4, "little") + b"".join(content)).hexdigest()
        links_of[node] = number.setdefault(known[key], len(number))
    return links_of, tuple(number)
