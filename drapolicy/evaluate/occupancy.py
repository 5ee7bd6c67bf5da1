"""How full nodes are while a scenario is played, and what of their free devices lies idle in pieces of no use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceSubRequest, ExactDeviceRequest
from drapolicy.inventory import Fleet
from drapolicy.inventory.selecting import select, table_of
from drapolicy.problem.ask import Ask
from drapolicy.problem.sites import Sites
from drapolicy.simulate import Moment, Scenario
from drapolicy.simulate.record import NANO

POINTS: Final = 120
"""Points of time at which a play is looked at, spread evenly up to the last arrival."""

MOST_ROWS: Final = 96
"""Rows of a heat map at most; neighbours in the fleet's order share one where there are more nodes."""

EVERY: Final = 2
"""Points of time to one column of a heat map."""

MOST_KINDS: Final = 48
"""Kinds of pods that fragmentation is told of; the commonest, where there are more."""

_AWAY: Final = -1


class Snapshot(NamedTuple):
    """What is taken of a fleet at some moment.

    Attributes
    ----------
    codes
        As of :class:`~drapolicy.problem.fleet_allocated.FleetAllocated`; a copy.
    away
        Nodes that are not there.
    failed
        Rows of failed devices.
    """

    codes: NDArray[np.int32]
    away: frozenset[int]
    failed: tuple[int, ...]


class Want(NamedTuple):
    """What one request wants of a node: so many whole devices of these, of each a part.

    Attributes
    ----------
    rows
        Whole devices that will do, or have parts that will; ndarray of shape (D,), bool.
    part
        In billionths of a device.
    devices
        How many.
    """

    rows: NDArray[np.bool_]
    part: int
    devices: int


class Occupancy:
    """Looks at a play at some points of time; :meth:`watch` is what :func:`~drapolicy.simulate.play` calls.

    Parameters
    ----------
    scenario
        What is played.
    end_ns
        Time of the last arrival.

    Notes
    -----
    Whole devices are rows of the fleet; the partitions of a counter set are parts of the first of them. Amounts are
    exact; whether free parts of one device lie together is not looked at.
    """

    def __init__(self, scenario: Scenario, end_ns: int) -> None:
        self._scenario = scenario
        self._fleet = scenario.fleet
        self._sites = Sites(self._fleet)
        self._times = [end_ns * (point + 1) // POINTS for point in range(POINTS)]
        self._snapshots: list[Snapshot] = []
        # As all states of a scenario begin alike, their codes of what is taken from the start are the same.
        self._last = Snapshot(scenario.state().allocated.codes.copy(), frozenset(), ())
        self._moment: Moment | None = None

    def watch(self, moment: Moment) -> None:
        """Take note of what was taken until this moment, where points of time lie before it."""
        while len(self._snapshots) < POINTS and self._times[len(self._snapshots)] < moment.now_ns:
            self._snapshots.append(self._last)
        if len(self._snapshots) < POINTS:
            self._last = self._now(moment)
        self._moment = moment

    def _now(self, moment: Moment) -> Snapshot:
        state = moment.state
        failed: tuple[int, ...] = ()
        if state.conditions.any:
            rows_of = self._sites.directory.rows_of
            failed = tuple(sorted(row for device in state.conditions.failed for row in rows_of(device)))
        return Snapshot(state.allocated.codes.copy(), state.conditions.away, failed)

    def _all(self) -> list[Snapshot]:
        return [*self._snapshots, *[self._last] * (POINTS - len(self._snapshots))]

    # --- the fleet -------------------------------------------------------------------------------------------

    @cached_property
    def _node(self) -> NDArray[np.int64]:
        """Node of each device, -1 where several can use it; ndarray of shape (D,)."""
        return self._fleet.node_of_slice[self._fleet.devices.slice].astype(np.int64)

    @cached_property
    def _parts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of which whole device each device is part, and how much of it; ndarrays of shape (D,), int64."""
        count = len(self._fleet.devices)
        whole, share = np.arange(count), np.full(count, NANO, np.int64)
        if any(kind.consumes_counters for kind in self._fleet.devices.rest.values):
            first: dict[tuple[object, str], int] = {}
            for n in range(len(self._sites)):
                site = self._sites[n]
                for device in site.devices:
                    for row in self._sites.directory.rows_of(device.id) if device.counters else ():
                        (counter_set, _), _ = device.counters[0]
                        whole[row] = first.setdefault((device.pool, counter_set), row)
                        share[row] = round(NANO * site.share(device.index))
        return whole, share

    @cached_property
    def _is_whole(self) -> NDArray[np.bool_]:
        whole, _ = self._parts
        first: NDArray[np.bool_] = whole == np.arange(len(whole))
        return first & (self._node >= 0)

    def _taken(self, snapshot: Snapshot) -> NDArray[np.int64]:
        """Return how much of each whole device is taken, in billionths; ndarray of shape (D,), int64."""
        whole, share = self._parts
        taken = np.zeros(len(whole), np.int64)
        assert self._moment is not None
        uses = self._moment.state.allocated.uses
        for code in np.unique(snapshot.codes).tolist():
            use = uses[code]
            if code and (use.whole or use.shared or use.consuming):
                rows = np.flatnonzero(snapshot.codes == code)
                part = share[rows]
                if not use.whole and use.amounts:
                    part = np.rint(part * self._part(rows, dict(use.amounts))).astype(np.int64)
                np.add.at(taken, whole[rows], part)
        return np.minimum(taken, NANO)

    def _part(self, rows: NDArray[np.intp], amounts: dict[str, int]) -> NDArray[np.float64]:
        """Return the largest part of a capacity that some amounts are of each device."""
        found = np.zeros(len(rows))
        for name, nano in amounts.items():
            column = self._fleet.devices.capacity.get(name)
            if column is not None:
                there = np.array(column.amount[rows], np.float64) * (1 if column.in_nano else NANO)
                found = np.maximum(found, np.divide(nano, there, out=np.zeros(len(rows)), where=there > 0))
        return np.where(found > 0, np.minimum(found, 1.0), 1.0)

    # --- what is told ----------------------------------------------------------------------------------------

    def heat(self) -> tuple[list[str], list[int]]:
        """Return how full nodes are over time.

        Returns
        -------
        nodes : list of str
            Name of the first node of each row.
        percent : list of int
            Devices held, row after row, :data:`POINTS` / :data:`EVERY` to a row; -1 where no node is there.
        """
        wholes = np.bincount(self._node[self._is_whole], minlength=len(self._fleet.nodes))
        with_devices = np.flatnonzero(wholes)
        if self._moment is None or not len(with_devices):
            return [], []
        together = -(-len(with_devices) // MOST_ROWS)
        row_of = np.full(len(wholes), -1)
        row_of[with_devices] = np.arange(len(with_devices)) // together
        rows = int(row_of.max()) + 1
        columns = [self._column(snapshot, wholes, row_of, rows) for snapshot in self._all()[EVERY - 1 :: EVERY]]
        names = [str(self._fleet.nodes.names[int(n)]) for n in with_devices[::together]]
        return names, np.array(columns, np.int64).T.ravel().tolist()

    def _column(
        self, snapshot: Snapshot, wholes: NDArray[np.int64], row_of: NDArray[np.int64], rows: int
    ) -> NDArray[np.int64]:
        there = wholes.copy()
        there[list(snapshot.away)] = 0
        taken = np.zeros(len(wholes), np.int64)
        np.add.at(taken, self._node[self._is_whole], self._taken(snapshot)[self._is_whole])
        use = there > 0
        whole, held = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        np.add.at(whole, row_of[use], there[use])
        np.add.at(held, row_of[use], taken[use])
        return np.where(whole > 0, 100 * held // (NANO * np.maximum(whole, 1)), _AWAY)

    def stranded(self) -> list[float]:
        """Return what of the devices is free and of no use to a pod of the workload, in percent, at each point of time.

        The mean over the pods, as they come, of the free devices on nodes where such a pod finds too few, and of those
        with too little left for it where it finds enough; of the devices that it may use. Room for CPU and memory is
        not looked at, alternatives count by the first. Empty where no pod's wishes can be told so.

        References
        ----------
        Q. Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
        Descent", USENIX ATC 2023, section 3 (there in percent of the free devices, with CPU).
        """
        kinds = list(self._kinds())
        room = sum(weight * NANO * int(_union(wants).sum()) for weight, wants in kinds)
        if self._moment is None or not room:
            return []
        return [round(100 * wasted / room, 2) for wasted in (self._wasted(s, kinds) for s in self._all())]

    def _wasted(self, snapshot: Snapshot, kinds: list[tuple[int, tuple[Want, ...]]]) -> int:
        free = np.where(self._is_whole, NANO - self._taken(snapshot), 0)
        free[list(snapshot.failed)] = 0
        free[np.isin(self._node, list(snapshot.away))] = 0
        node, nodes = self._node, len(self._fleet.nodes)
        total = 0
        for weight, wants in kinds:
            fits, usable = np.ones(nodes, np.bool_), np.zeros(len(free), np.bool_)
            for want in wants:
                enough = want.rows & (free >= want.part)
                usable |= enough
                fits &= np.bincount(node[enough], minlength=nodes) >= want.devices
            idle = _union(wants) & ~(usable & fits[node])
            total += weight * int(free[idle].sum())
        return total

    def _kinds(self) -> Iterator[tuple[int, tuple[Want, ...]]]:
        """Yield what the commonest kinds of pods want, with their numbers."""
        workload = self._scenario.workload
        copies = Counter(arrival.pod for arrival in workload.arrivals)
        counts: Counter[bytes] = Counter()
        asks: dict[bytes, Ask] = {}
        for pod, count in copies.items():
            ask = workload.patterns[pod]
            asks.setdefault(ask.wishes, ask)
            counts[ask.wishes] += count
        eligible = _Eligible(self._fleet)
        for wishes, count in counts.most_common(MOST_KINDS):
            wants = self._wants(asks[wishes], eligible)
            if wants:
                yield count, wants

    def _wants(self, ask: Ask, eligible: _Eligible) -> tuple[Want, ...]:
        """Return what an ask wants; nothing where that cannot be told by amounts."""
        whole, share = self._parts
        found: dict[tuple[bytes, int], Want] = {}
        for claim in ask.claims:
            for request in claim.spec.devices.requests:
                exact = request.exactly or next(iter(request.first_available), None)
                if exact is None or exact.allocation_mode == "All":
                    return ()
                if isinstance(exact, ExactDeviceRequest) and exact.admin_access:
                    continue
                rows = np.flatnonzero(eligible(exact))
                if not len(rows):
                    return ()
                amounts = {} if exact.capacity is None else {n: q.nano for n, q in exact.capacity.requests.items()}
                part = int(np.rint((share[rows] * self._part(rows, amounts)).min()))
                mask = np.zeros(len(whole), np.bool_)
                mask[whole[rows]] = True
                mask &= self._is_whole
                known = found.get(key := (mask.tobytes(), part))
                found[key] = Want(mask, part, max(exact.count, 1) + (known.devices if known else 0))
        return tuple(found.values())


def _union(wants: tuple[Want, ...]) -> NDArray[np.bool_]:
    rows: NDArray[np.bool_] = np.logical_or.reduce([want.rows for want in wants])
    return rows


class _Eligible:
    """Tells which devices of a fleet the selectors of a request and of its class accept; each is run once."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._table = table_of(fleet)
        self._known: dict[str, NDArray[np.bool_]] = {}

    def __call__(self, request: ExactDeviceRequest | DeviceSubRequest) -> NDArray[np.bool_]:
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
