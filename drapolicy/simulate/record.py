"""What is kept of a play: a row for each arrival, kept as columns, and what the fleet was like over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

NANO: Final = 10**9
"""Parts of a whole device in which amounts are added up exactly."""

NEVER: Final = -1
"""What stands in a column for None."""


@dataclass(frozen=True)
class Record:
    """What happened to one arrival.

    Attributes
    ----------
    name, pattern
        Name of the ask, and of the pod that it copies.
    arrived_ns, started_ns, finished_ns
        Times; None where it did not come to that. Of several starts the last counts.
    ideal_ns
        How long it runs on ideal devices; None for ever.
    node
        Where it ran last.
    devices
        ``driver/pool/device`` of its devices.
    drawn
        How much of the fleet it holds, in whole devices: a partition counts as its mean share of its counters, a
        share of a device as the largest part of a capacity that it consumes.
    ideal_mb_s, real_mb_s
        Slowest link of its devices: the best that devices of these drivers have on this fleet, by which its run time
        stretches, and the one it got; 0 for fewer than two.
    machine_mb_s, fleet_mb_s
        Slowest link of the best set of as many devices that it could have been allocated: on an empty machine of the
        fleet, and of all that was free at that moment. 0 for fewer than two; None where it did not start, a search
        reached its limit, or the play was not to look. What the fleet had free is None too where it joined a claim.
    aligned
        Whether its devices are all of one NUMA node; None for fewer than two, where drivers do not tell, and where the
        play was not to look.
    joined
        Whether a claim of it held its devices before: they were not the policy's to choose.
    reason
        Why it waits still; empty when it started.
    unmodelled
        What its pod uses that the node choice does not model.
    tenant
        Namespace of the ask.
    priority
        Of its pod.
    wanted
        Devices that its claims ask for, by the largest alternative of each request.
    evictions, preemptions
        How often it was taken off its node, and how often of these for a pod of higher priority.
    lost_ns
        How long it ran in vain: what was done before an eviction is lost.
    refused_ns
        When it was first refused; None where it never was.
    """

    name: str
    pattern: str
    arrived_ns: int
    ideal_ns: int | None
    started_ns: int | None = None
    finished_ns: int | None = None
    node: str = ""
    devices: tuple[str, ...] = ()
    drawn: float = 0.0
    ideal_mb_s: int = 0
    real_mb_s: int = 0
    machine_mb_s: int | None = None
    fleet_mb_s: int | None = None
    aligned: bool | None = None
    joined: bool = False
    reason: str = ""
    unmodelled: tuple[str, ...] = ()
    tenant: str = ""
    priority: int = 0
    wanted: int = 0
    evictions: int = 0
    preemptions: int = 0
    lost_ns: int = 0
    refused_ns: int | None = None


_TIMES = ("ideal_ns", "started_ns", "finished_ns", "refused_ns")
_OPTIONAL = frozenset({*_TIMES, "machine_mb_s", "fleet_mb_s", "aligned"})
_AMOUNTS = ("ideal_mb_s", "real_mb_s", "priority", "wanted", "evictions", "preemptions", "lost_ns")
_NUMBERS = ("arrived_ns", *sorted(_OPTIONAL), *_AMOUNTS)
_THINGS = ("name", "pattern", "node", "devices", "reason", "unmodelled", "tenant")


class Sheet:
    """Columns that are being written: a list for each field of :class:`Record`, one cell for each arrival.

    Numbers that may be None are -1 there, ``drawn`` is in parts of :data:`NANO`, devices are any objects whose text
    names them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.columns: dict[str, list[Any]] = {name: [0] * count for name in _NUMBERS}
        for name in _OPTIONAL:
            self.columns[name] = [NEVER] * count
        self.columns |= {name: [""] * count for name in _THINGS}
        self.columns |= {"devices": [()] * count, "unmodelled": [()] * count}
        self.columns |= {"drawn": [0] * count, "joined": [False] * count}

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]

    def records(self) -> Records:
        """Return what was written."""
        return Records(self.columns)


class Records(Sequence[Record]):
    """The records of a play, in order of arrival: each made when it is looked at, all of a field at once by name.

    Parameters
    ----------
    columns
        As of :class:`Sheet`.
    """

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._things = {name: columns[name] for name in _THINGS}
        self._arrays: dict[str, NDArray[Any]] = {name: np.array(columns[name], np.int64) for name in _NUMBERS}
        self._arrays["drawn"] = np.array(columns["drawn"], np.int64)
        self._arrays["joined"] = np.array(columns["joined"], np.bool_)
        for array in self._arrays.values():
            array.flags.writeable = False

    @classmethod
    def of(cls, records: Iterable[Record]) -> Records:
        """Return records that were made one by one."""
        if isinstance(records, Records):
            return records
        given = tuple(records)
        sheet = Sheet(len(given))
        for item in fields(Record):
            values = [getattr(record, item.name) for record in given]
            if item.name in _OPTIONAL:
                values = [NEVER if value is None else value for value in values]
            elif item.name == "drawn":
                values = [round(value * NANO) for value in values]
            sheet.columns[item.name] = values
        return sheet.records()

    def column(self, name: str) -> NDArray[Any]:
        """Return one number of every record; ndarray of shape (A,), int64, read-only.

        Parameters
        ----------
        name
            A field of :class:`Record` that is a number. What may be None is -1 there, ``drawn`` is in billionths of a
            device, ``joined`` is bool.
        """
        return self._arrays[name]

    def texts(self, name: str) -> Sequence[Any]:
        """Return another field of every record: a text, or a tuple of them."""
        return self._things[name]

    def __len__(self) -> int:
        return len(self._things["name"])

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        numbers = {name: int(self._arrays[name][index]) for name in _NUMBERS}
        made: dict[str, Any] = {
            name: None if value == NEVER and name in _OPTIONAL else value for name, value in numbers.items()
        }
        made["aligned"] = None if made["aligned"] is None else bool(made["aligned"])
        made |= {name: column[index] for name, column in self._things.items()}
        made["devices"] = tuple(map(str, made["devices"]))
        drawn = int(self._arrays["drawn"][index]) / NANO
        return Record(**made, drawn=drawn, joined=bool(self._arrays["joined"][index]))

    def __iter__(self) -> Iterator[Record]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple):
            return tuple(self) == other
        if not isinstance(other, Records):
            return NotImplemented
        return (
            len(self) == len(other)
            and all(np.array_equal(self.column(name), other.column(name)) for name in self._arrays)
            and all(
                list(map(_text, column)) == list(map(_text, other.texts(name))) for name, column in self._things.items()
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))


def _text(thing: Any) -> Any:
    return tuple(map(str, thing)) if isinstance(thing, tuple) else thing


@dataclass(frozen=True, eq=False)
class Series:
    """What the fleet was like after all that happened at a time; every array of shape (T,), int64.

    Attributes
    ----------
    time_ns
        Ascending.
    running, waiting
        Asks.
    drawn
        What all running asks draw, in billionths of a device; a claim that several use counts once.
    away
        Whole devices of nodes that are not there, and failed devices, in billionths of a device.
    evicted
        Asks that were taken off their nodes so far.
    """

    time_ns: NDArray[np.int64]
    running: NDArray[np.int64]
    waiting: NDArray[np.int64]
    drawn: NDArray[np.int64]
    away: NDArray[np.int64]
    evicted: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Sequence[int] = ()) -> Series:
        """Return the series of rows with a cell for each array, given cell after cell."""
        table = np.array(cells, np.int64).reshape(-1, len(fields(cls)))
        table.flags.writeable = False
        return cls(*table.T)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return all(np.array_equal(getattr(self, item.name), getattr(other, item.name)) for item in fields(Series))

    __hash__ = None  # type: ignore[assignment]

    def until(self, end_ns: int, column: str) -> int:
        """Return the integral of a column up to a time, exactly; its unit times nanoseconds."""
        times = [*np.minimum(self.time_ns, end_ns).tolist(), end_ns]
        values = getattr(self, column).tolist()
        return sum(value * (after - now) for value, now, after in zip(values, times, times[1:], strict=False))


@dataclass(frozen=True)
class Play:
    """A scenario as it went with one policy.

    Attributes
    ----------
    records
        One for each arrival, in order of arrival.
    end_ns
        When the last arrival came: rates are taken up to here, because afterwards the fleet only empties.
    decisions
        How often the policy was asked.
    answers_kept, answers_found
        Nodes' answers that were known already, and that had to be found; what a log told took neither.
    seconds
        Time that the policy took; depends on the machine and is no result.
    series
        The fleet over time.
    decision_seconds
        The same time by decision, those that a log told left out; ndarray of shape (N,), float64.
    """

    records: Records
    end_ns: int
    decisions: int
    answers_kept: int = field(compare=False)
    answers_found: int = field(compare=False)
    seconds: float = field(compare=False)
    series: Series = field(default_factory=Series.of)
    decision_seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", Records.of(self.records))
