"""Who waits: in lines of units that any policy answers alike, so that only the first of each line is ever tried."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from drapolicy.problem.ask import Ask
from drapolicy.simulate.discipline import Discipline
from drapolicy.simulate.job import Job

Rank: TypeAlias = tuple[int, int]


class Unit:
    """What starts together: one ask, or those of a group.

    Attributes
    ----------
    numbers, asks
        Positions of its arrivals, and their asks.
    at_least
        How many of them must start for any to start.
    job
        Whose they are.
    priority, tenant
        Of the job's first ask, and of its own first.
    key
        Equal for units of which none starts where another was refused.
    """

    __slots__ = ("asks", "at_least", "job", "key", "numbers", "priority", "tenant")

    def __init__(self, asks: tuple[Ask, ...], job: Job, key: Hashable) -> None:
        self.numbers = job.waiting
        self.asks = asks
        self.job = job
        self.at_least = job.needed
        self.priority = job.priority
        self.tenant = asks[0].name.partition("/")[0]
        self.key = key

    @property
    def number(self) -> int:
        """Its place in the order of arrival."""
        return self.numbers[0]


class _Line:
    """Units of one key, the one to be tried first at the front of a heap."""

    __slots__ = ("reason", "refused", "tenant", "units", "unmodelled")

    def __init__(self, tenant: str) -> None:
        self.units: list[tuple[Rank, Unit]] = []
        self.refused = False
        self.tenant = tenant
        self.reason = ""
        self.unmodelled: tuple[str, ...] = ()

    @property
    def rank(self) -> Rank:
        return self.units[0][0]


class Queue:
    """Units that wait, served by a discipline.

    A unit that was refused is not tried again, nor is any other of its line, until something was freed.

    Parameters
    ----------
    discipline
        How it is served.
    held
        Devices that each tenant holds, for fair shares; read whenever the next unit is chosen.

    Notes
    -----
    Time: each try looks at the lines that may be tried; waiting units cost nothing.
    """

    def __init__(self, discipline: Discipline, held: Mapping[str, int]) -> None:
        self._discipline = discipline
        self._held = held
        self._lines: dict[Hashable, _Line] = {}
        self._open: dict[Hashable, _Line] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many asks wait."""
        return self._count

    def add(self, unit: Unit) -> None:
        """Put a unit in its line."""
        line = self._lines.get(unit.key)
        if line is None:
            line = self._lines[unit.key] = self._open[unit.key] = _Line(unit.tenant)
        heappush(line.units, (self._rank(unit), unit))
        self._count += len(unit.asks)

    def _rank(self, unit: Unit) -> Rank:
        return (-unit.priority if self._discipline.order == "priority" else 0, unit.number)

    def _order(self, line: _Line) -> tuple[int, Rank]:
        return (self._held.get(line.tenant, 0) if self._discipline.order == "fair-share" else 0, line.rank)

    @property
    def head(self) -> Unit | None:
        """The unit that comes first, tried or not; None where nobody waits."""
        if not self._lines:
            return None
        return min(self._lines.values(), key=self._order).units[0][1]

    def next(self) -> Unit | None:
        """Return the unit to be tried now; None when all that may start were tried."""
        if not self._open:
            return None
        lines = self._open.values()
        found = (min(lines, key=self._order) if len(lines) > 1 else next(iter(lines))).units[0][1]
        if self._discipline.passes == "none" and found is not self.head:
            return None
        return found

    def remove(self, unit: Unit) -> None:
        """Take out the unit that :meth:`next` returned."""
        line = self._lines[unit.key]
        heappop(line.units)
        self._count -= len(unit.asks)
        if not line.units:
            del self._lines[unit.key]
            del self._open[unit.key]

    def withdraw(self, unit: Unit) -> None:
        """Take out any unit."""
        line = self._lines[unit.key]
        line.units.remove((self._rank(unit), unit))
        heapify(line.units)
        self._count -= len(unit.asks)
        if not line.units:
            del self._lines[unit.key]
            self._open.pop(unit.key, None)

    def refuse(self, unit: Unit, reason: str, unmodelled: tuple[str, ...]) -> None:
        """Note that the unit that :meth:`next` returned does not start now, why, and what of it is not modelled."""
        line = self._open.pop(unit.key)
        line.refused, line.reason, line.unmodelled = True, reason, unmodelled

    def refuse_apart(self, unit: Unit, reason: str, unmodelled: tuple[str, ...]) -> None:
        """Refuse the unit that :meth:`next` returned alone: what it was told is true of no other."""
        self.remove(unit)
        unit.key = ("apart", unit.number)
        self.add(unit)
        self.refuse(unit, reason, unmodelled)

    def refused(self) -> Iterator[tuple[Unit, str, tuple[str, ...]]]:
        """Yield the units that wait, why, and what of them is not modelled: as the first of their line was told."""
        head = self.head
        for line in self._lines.values():
            for _, unit in line.units:
                behind = "" if head is None or unit is head else f"waits behind {head.asks[0].name}"
                yield unit, line.reason or behind, line.unmodelled

    def freed(self, helps: Callable[[Unit], bool] | None = None) -> None:
        """Try lines again, of which the first unit may be helped."""
        for key, line in self._lines.items():
            if line.refused and (helps is None or helps(line.units[0][1])):
                line.refused = False
                self._open[key] = line
