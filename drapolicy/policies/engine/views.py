"""What an ask sees of each node, as a number that nodes share when it sees the same of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy import cel
from drapolicy.api.resource import DeviceSubRequest, ExactDeviceRequest, ResourceClaim
from drapolicy.inventory import Fleet
from drapolicy.inventory.columns import ABSENT
from drapolicy.inventory.devices import AttributeColumn
from drapolicy.inventory.selecting import select, table_of
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.tainting import tainted
from drapolicy.problem.site import SHORT_NAMES
from drapolicy.topology.attributes import values
from drapolicy.topology.spellings import SPELLINGS

_Column = NDArray[np.signedinteger[Any]]

NO, YES, FAILS = range(3)
"""What class and selectors of a request say of a device."""

_LINK_GROUPS, _LINK_FACTS = ("pcie_root", "numa_node"), ("product", "type", "rdma_device")


class UnseenError(Exception):
    """Nodes cannot be told apart by columns for this ask; the message says why."""


class Sight:
    """Reads a fleet's columns for the views of asks; what several asks read is kept.

    Parameters
    ----------
    layout
        Where devices stand.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._fleet = layout.fleet
        self._table = table_of(layout.fleet)
        self._verdicts: dict[tuple[str, ...], _Column] = {}
        self._facts: dict[str, tuple[_Column, bool]] = {}

    def views(self, claims: Sequence[ResourceClaim], reads: Iterable[str]) -> Views:
        """Return the views of the claims of an ask.

        Parameters
        ----------
        claims
            Claims to be allocated.
        reads
            What solvers and objectives read beyond what is free and eligible (``LocalProblem.reads``).

        Raises
        ------
        UnseenError
            When something matters that columns do not tell.
        """
        exact: list[_Column] = []
        grouped: list[_Column] = []
        fails = False
        for wanted in wishes(claims):
            verdict = self._verdict(wanted)
            fails = fails or bool((verdict == FAILS).any())
            exact.append(verdict)
            if wanted.derived_attributes:
                message = "derived attributes"
                raise UnseenError(message)
            if wanted.capacity is not None and wanted.capacity.requests:
                exact += [column.cells.codes.astype(np.int64) for column in self._fleet.devices.capacity.values()]
        exact.append(self._taints())
        for claim in claims:
            for constraint in claim.spec.devices.constraints:
                name = constraint.match_attribute or constraint.distinct_attribute or ""
                grouped.append(self._attribute(name))
        for read in sorted(reads):
            self._read(read, exact, grouped)
        return Views.of(self._layout, exact, grouped, fails=fails)

    def _read(self, read: str, exact: list[_Column], grouped: list[_Column]) -> None:
        kind, _, name = read.partition(":")
        if kind == "rank":
            return  # what is seen of devices and taken of them tells it
        if kind == "links":
            # Links that no side file tells are made of these.
            for fact in (*_LINK_GROUPS, *_LINK_FACTS):
                codes, several = self._fact(fact, as_text=True)
                if several:
                    message = f"lists of {fact}"
                    raise UnseenError(message)
                (grouped if fact in _LINK_GROUPS else exact).append(codes)
        elif kind == "group":
            known = self._fact(SHORT_NAMES[name])[0] if name in SHORT_NAMES else self._attribute(name)
            grouped.append(known)
        else:
            message = f"the policy reads {kind}"
            raise UnseenError(message)

    def _verdict(self, wanted: ExactDeviceRequest | DeviceSubRequest) -> _Column:
        cls = self._fleet.classes[wanted.device_class_name]
        texts = tuple(s.cel.expression for s in (*cls.spec.selectors, *wanted.selectors) if s.cel is not None)
        if len(texts) != len(cls.spec.selectors) + len(wanted.selectors):
            message = "a selector that is no CEL expression"
            raise UnseenError(message)
        known = self._verdicts.get(texts)
        if known is None:
            known = np.full(len(self._fleet.devices), YES, np.int8)
            for text in texts:
                try:
                    found = select(self._table, text)
                except cel.CompileError:
                    message = "a selector that does not compile"
                    raise UnseenError(message) from None
                open_ = known == YES
                known[open_ & found.errors] = FAILS
                known[open_ & ~found.errors & ~found.matches] = NO
            self._verdicts[texts] = known
        return known

    def _taints(self) -> _Column:
        known = self._facts.get("taints")
        if known is None:
            rest = self._fleet.devices.rest
            number: dict[str, int] = {"[]": 0}
            codes = [number.setdefault(repr(device.taints), len(number)) for device in rest.values]
            try:
                ruled = tainted(self._fleet, self._table)
            except cel.CompileError:
                message = "a device taint rule that does not compile"
                raise UnseenError(message) from None
            told = numbered([np.array([*codes, 0], np.int64)[rest.codes], *ruled])
            known = self._facts["taints"] = narrowed(told), False
        return known[0]

    def _attribute(self, name: str) -> _Column:
        """Return a number of each device's value of a qualified attribute, -1 where it has none."""
        known = self._facts.get(f"attribute {name}")
        if known is None:
            fleet = self._fleet
            found = np.full(len(fleet.devices), ABSENT, np.int64)
            driver_of = fleet.slices.driver.codes[fleet.devices.slice]
            number: dict[tuple[str, object], int] = {}
            for code, driver in enumerate(fleet.slices.driver.values):
                for key in fleet.devices.resolve(driver, name):
                    column = fleet.devices.attributes[key]
                    if column.others is not None:
                        message = f"lists of {name}"
                        raise UnseenError(message)
                    for own, cells in _cells(column):
                        table = np.array([*(number.setdefault(cell, len(number)) for cell in cells), ABSENT], np.int64)
                        np.copyto(found, table[own], where=(driver_of == code) & (own >= 0) & (found < 0))
            known = self._facts[f"attribute {name}"] = narrowed(found), False
        return known[0]

    def _fact(self, fact: str, *, as_text: bool = False) -> tuple[_Column, bool]:
        """Return a number of each device's first value of a fact, and whether any device has several."""
        key = f"fact {fact} {as_text}"
        known = self._facts.get(key)
        if known is None:
            known = self._facts[key] = fact_codes(self._fleet, fact, as_text=as_text)
        return known


def wishes(claims: Sequence[ResourceClaim]) -> Iterator[ExactDeviceRequest | DeviceSubRequest]:
    """Yield each request and alternative of some claims."""
    for claim in claims:
        for request in claim.spec.devices.requests:
            if request.first_available:
                yield from request.first_available
            elif request.exactly is not None:
                yield request.exactly


def _cells(column: AttributeColumn) -> Iterator[tuple[NDArray[Any], Sequence[tuple[str, object]]]]:
    """Yield codes and typed values of each scalar part of an attribute column."""
    for kind, part in (("string", column.strings), ("version", column.versions)):
        if part is not None:
            yield part.codes, [(kind, value) for value in part.values]
    if column.integers is not None:
        distinct, inverse = np.unique(column.integers.values, return_inverse=True)
        codes = np.where(column.integers.present, inverse, ABSENT)
        yield codes, [("int", value) for value in distinct.tolist()]
    if column.flags is not None:
        yield column.flags.values.astype(np.int64), [("bool", False), ("bool", True)]


def fact_codes(fleet: Fleet, fact: str, *, as_text: bool) -> tuple[_Column, bool]:
    """Return a number of each device's first value of a fact; distinct combinations of attributes are read once."""
    devices = fleet.devices
    names = {spelling.attribute.rpartition("/")[2] for spelling in SPELLINGS[fact]}
    columns: list[NDArray[Any]] = [fleet.slices.driver.codes[devices.slice]]
    for key in devices.attributes:
        if key.rpartition("/")[2] in names:
            columns += _raw(devices.attributes[key])
    combined = numbered(columns)
    number: dict[object, int] = {}
    several = False
    codes = []
    for d in _first_of(combined).tolist():
        found = values(fleet.slices.driver[int(devices.slice[d])] or "", devices[d], fact)
        several = several or len(found) > 1
        first = str(found[0]) if found and as_text else found[:1]
        codes.append(number.setdefault(first, len(number)) if found else ABSENT)
    return narrowed(np.array([*codes, ABSENT], np.int64))[combined], several


def _raw(column: AttributeColumn) -> list[NDArray[Any]]:
    """Return arrays that together tell the cells of an attribute column apart."""
    found: list[NDArray[Any]] = [
        part.codes for part in (column.strings, column.versions, column.others) if part is not None
    ]
    if column.integers is not None:
        found += [column.integers.values, column.integers.present]
    return found if column.flags is None else [*found, column.flags.values]


# Up to so many possible numbers, counting is faster than sorting.
_MOST_COUNTED = 1 << 22


def numbered(columns: Sequence[NDArray[Any]]) -> _Column:
    """Return a number of each row of some columns, equal for equal rows, from 0 without gaps."""
    found, count = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        if not len(column):
            return found
        low, high = int(column.min()), int(column.max())
        if low == high:
            continue
        span = high - low + 1
        if span > _MOST_COUNTED:
            distinct, codes = np.unique(column, return_inverse=True)
            low, span, column = 0, len(distinct), codes
        both = found * span + (column.astype(np.int64) - low)
        if count * span <= _MOST_COUNTED:
            occurs = np.bincount(both, minlength=count * span) > 0
            places = np.cumsum(occurs) - 1
            found, count = places[both], int(occurs.sum())
        else:
            distinct, found = np.unique(both, return_inverse=True)
            count = len(distinct)
    return found


def _first_of(numbers: _Column) -> NDArray[np.intp]:
    return np.unique(numbers, return_index=True)[1]


class Views:
    """Which nodes an ask sees alike.

    Attributes
    ----------
    of_node
        ndarray of shape (N,), int32; -1 for nodes that are not regular.
    sample
        ndarray of shape (V,), int64; a node of each view.
    fails
        ndarray of shape (V,), bool; whether a selector fails on some device.
    """

    def __init__(self, of_node: NDArray[np.int32], sample: NDArray[np.int64], *, fails: bool) -> None:
        self.of_node = of_node
        self.sample = sample
        self.fails = fails

    def __len__(self) -> int:
        return len(self.sample)

    @classmethod
    def of(cls, layout: Layout, exact: Sequence[_Column], grouped: Sequence[_Column], *, fails: bool) -> Views:
        """Tell nodes apart by columns over the fleet's devices.

        Parameters
        ----------
        layout
            Which devices are those of a node, and which nodes are alike in structure.
        exact
            Columns that must be equal position by position.
        grouped
            Columns of which only matters which positions are equal; -1 stands for none.
        """
        rows = layout.devices
        device = narrowed(numbered([column[rows] for column in exact])) if exact else np.zeros(len(rows), np.int8)
        groups = [column[rows] for column in grouped]
        sizes, structure = layout.sizes(), narrowed(layout.structure)
        found = np.full(len(sizes), ABSENT, np.int64)
        made = 0
        for size in np.unique(sizes[layout.regular]).tolist():
            nodes = np.flatnonzero(layout.regular & (sizes == size))
            if len(nodes) == len(sizes):
                cells = [column.reshape(len(nodes), size) for column in (device, *groups)]
            else:
                at = layout.first[nodes][:, None] + np.arange(size)
                cells = [column[at] for column in (device, *groups)]
            parts = [structure[nodes][:, None], cells[0], *map(_renumbered, cells[1:])]
            told = _rows_numbered(np.concatenate(parts, axis=1))
            found[nodes] = told + made
            made += int(told.max(initial=ABSENT)) + 1
        sample = np.zeros(made, np.int64)
        nodes = np.flatnonzero(found >= 0)[::-1]
        sample[found[nodes]] = nodes
        return cls(found.astype(np.int32), sample, fails=fails)


_CHUNK = 2_000_000


def narrowed(codes: _Column) -> _Column:
    """Return small numbers in as few bytes as hold them: columns of devices are a fleet's largest arrays."""
    low, high = (int(codes.min()), int(codes.max())) if len(codes) else (0, 0)
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return codes.astype(kind, copy=False)
    return codes


def _renumbered(codes: _Column) -> _Column:
    """Return each row with its values numbered by the position where each first occurs; -1 stays."""
    if not codes.size:
        return codes
    distinct, inverse = np.unique(codes, axis=0, return_inverse=True) if codes.shape[1] > 16 else (codes, None)
    made = np.empty(distinct.shape, np.int16 if distinct.shape[1] <= np.iinfo(np.int16).max else np.int64)
    step = max(1, _CHUNK // max(1, distinct.shape[1] ** 2))
    for start in range(0, len(distinct), step):
        part = distinct[start : start + step]
        made[start : start + step] = (part[:, :, None] == part[:, None, :]).argmax(axis=2)
    made[distinct < 0] = ABSENT
    return made if inverse is None else made[inverse.reshape(-1)]


def _rows_numbered(rows: _Column) -> _Column:
    """Return a number of each row of a matrix, equal for equal rows, from 0 without gaps."""
    if not len(rows):
        return np.zeros(0, np.int64)
    varying = rows[:, (rows != rows[0]).any(axis=0)]
    if not varying.shape[1]:
        return np.zeros(len(rows), np.int64)
    return numbered(list(varying.T))
