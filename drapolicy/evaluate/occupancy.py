"""How full nodes are while a scenario is played: looked at from time to time, and told by a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate.parts import Parts, parts_of
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.problem.rooms import NodeRooms
from drapolicy.problem.sites import Sites
from drapolicy.simulate import Moment, Scenario
from drapolicy.simulate.record import NANO

POINTS: Final = 120
"""Points of time at which a play is looked at, spread evenly up to the last arrival."""

MOST_ROWS: Final = 96
"""Rows of a heat map at most; neighbours in the fleet's order share one where there are more nodes."""

EVERY: Final = 2
"""Points of time to one column of a heat map."""

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
    room
        Milli CPU and bytes of memory that each node has left; ndarray of shape (2, N), int64.
    """

    codes: NDArray[np.int32]
    away: frozenset[int]
    failed: frozenset[int]
    room: NDArray[np.int64]


class Stage(NamedTuple):
    """A fleet at a point of time, and where it is another than at the point before.

    Attributes
    ----------
    nodes, rows
        Which nodes changed, and their devices; all of them at the first point.
    held
        Which devices are taken, wholly or in part; ndarray of shape (D,), bool.
    taken
        How much of each whole device is, in billionths; ndarray of shape (D,), int64.
    there
        Which devices can be used: they have not failed and their nodes are not away; ndarray of shape (D,), bool.
    away
        Nodes that are not there.
    room
        As of :class:`Snapshot`.
    """

    nodes: NDArray[np.intp]
    rows: NDArray[np.intp]
    held: NDArray[np.bool_]
    taken: NDArray[np.int64]
    there: NDArray[np.bool_]
    away: frozenset[int]
    room: NDArray[np.int64]


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
        self._fleet = scenario.fleet
        self._sites = Sites(self._fleet)
        self._times = [end_ns * (point + 1) // POINTS for point in range(POINTS)]
        self._snapshots: list[Snapshot] = []
        # As all states of a scenario begin alike, their codes of what is taken from the start are the same.
        begin = scenario.state()
        self._last = Snapshot(begin.allocated.codes.copy(), frozenset(), frozenset(), self._room(begin.rooms))
        self._moment: Moment | None = None

    @property
    def parts(self) -> Parts:
        """The fleet's devices, whole and in parts."""
        return parts_of(self._fleet)

    def watch(self, moment: Moment) -> None:
        """Take note of what was taken until this moment, where points of time lie before it."""
        while len(self._snapshots) < POINTS and self._times[len(self._snapshots)] < moment.now_ns:
            self._snapshots.append(self._last)
        if len(self._snapshots) < POINTS:
            self._last = self._now(moment)
        self._moment = moment

    def _now(self, moment: Moment) -> Snapshot:
        state = moment.state
        failed: frozenset[int] = frozenset()
        if state.conditions.any:
            rows_of = self._sites.directory.rows_of
            failed = frozenset(row for device in state.conditions.failed for row in rows_of(device))
        return Snapshot(state.allocated.codes.copy(), state.conditions.away, failed, self._room(state.rooms))

    def _room(self, rooms: NodeRooms) -> NDArray[np.int64]:
        count = len(self._fleet.nodes)
        return np.stack([rooms.left(name).rows.reshape(-1)[:count] for name in (CPU, MEMORY)])

    # --- point after point -----------------------------------------------------------------------------------

    def stages(self) -> Iterator[Stage]:
        """Yield the fleet at each of :data:`POINTS`; arrays are changed in place. None of a play without a moment."""
        if self._moment is None:
            return
        parts, uses = self.parts, self._moment.state.allocated.uses
        takes = np.array([bool(use.whole or use.shared or use.consuming) for use in uses], np.bool_)
        count, devices = len(self._fleet.nodes), len(parts.node)
        held, there = np.zeros(devices, np.bool_), np.ones(devices, np.bool_)
        taken = np.zeros(devices, np.int64)
        before: Snapshot | None = None
        for snapshot in [*self._snapshots, *[self._last] * (POINTS - len(self._snapshots))]:
            changed = np.zeros(count + 1, np.bool_)  # the last one stands for devices that no node has alone
            if before is None:
                changed[:] = True
            elif snapshot is not before:
                changed[parts.node[snapshot.codes != before.codes]] = True
                changed[parts.node[list(snapshot.failed ^ before.failed)]] = True
                changed[list(snapshot.away ^ before.away)] = True
                changed[:-1] |= (snapshot.room != before.room).any(axis=0)
            rows = np.flatnonzero(changed[parts.node]) if changed.any() else np.zeros(0, np.intp)
            held[rows] = takes[snapshot.codes[rows]]
            taken[rows] = 0
            mine = rows[held[rows]]
            np.add.at(taken, parts.whole[mine], self._share(mine, snapshot.codes[mine]))
            taken[rows] = np.minimum(taken[rows], NANO)
            away = np.zeros(count + 1, np.bool_)
            away[list(snapshot.away)] = True
            there[rows] = ~away[parts.node[rows]]
            there[list(snapshot.failed)] = False
            yield Stage(np.flatnonzero(changed[:-1]), rows, held, taken, there, snapshot.away, snapshot.room)
            before = snapshot

    def _share(self, rows: NDArray[np.intp], codes: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return how much of its whole device is taken by each of some devices, in billionths."""
        assert self._moment is not None
        share, uses = self.parts.share[rows], self._moment.state.allocated.uses
        for code in np.unique(codes).tolist():
            if not uses[code].whole and uses[code].amounts:
                own = codes == code
                part = self.part(rows[own], dict(uses[code].amounts))
                share[own] = np.rint(share[own] * part).astype(np.int64)
        return share

    def part(self, rows: NDArray[np.intp], amounts: dict[str, int]) -> NDArray[np.float64]:
        """Return the largest part of a capacity that some amounts, in nano units, are of each of some devices."""
        found = np.zeros(len(rows))
        for name, nano in amounts.items():
            column = self._fleet.devices.capacity.get(name)
            if column is not None:
                there = np.array(column.amount[rows], np.float64) * (1 if column.in_nano else NANO)
                found = np.maximum(found, np.divide(nano, there, out=np.zeros(len(rows)), where=there > 0))
        return np.where(found > 0, np.minimum(found, 1.0), 1.0)

    # --- the heat map ----------------------------------------------------------------------------------------

    def heat(self) -> tuple[list[str], list[int]]:
        """Return how full nodes are over time.

        Returns
        -------
        nodes : list of str
            Name of the first node of each row.
        percent : list of int
            Devices held, row after row, :data:`POINTS` / :data:`EVERY` to a row; -1 where no node is there.
        """
        whole = np.flatnonzero(self.parts.is_whole)
        node = self.parts.node[whole]
        wholes = np.bincount(node, minlength=len(self._fleet.nodes))
        with_devices = np.flatnonzero(wholes)
        if self._moment is None or not len(with_devices):
            return [], []
        together = -(-len(with_devices) // MOST_ROWS)
        row_of = np.zeros(len(wholes), np.intp)
        row_of[with_devices] = np.arange(len(with_devices)) // together
        rows = int(row_of.max()) + 1
        columns = []
        for point, stage in enumerate(self.stages()):
            if point % EVERY == EVERY - 1:
                there = wholes.copy()
                there[list(stage.away)] = 0
                use = there[node] > 0
                # Exact: a float of 64 bits holds the billionths of nine million devices.
                held = np.bincount(row_of[node[use]], stage.taken[whole[use]], rows).astype(np.int64)
                all_ = np.bincount(row_of, there, rows).astype(np.int64)
                columns.append(np.where(all_ > 0, 100 * held // (NANO * np.maximum(all_, 1)), _AWAY))
        names = [str(self._fleet.nodes.names[int(n)]) for n in with_devices[::together]]
        return names, np.array(columns, np.int64).T.ravel().tolist()
