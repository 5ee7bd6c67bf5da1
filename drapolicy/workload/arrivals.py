"""Arrivals of pods over time: read from CSV, or drawn from a recorded trace again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from drapolicy.errors import Fault
from drapolicy.workload.faults import Faults
from drapolicy.workload.table import LIMIT_S, NS, Row, table

COLUMNS = ("time_s", "duration_s", "pod")
GROUP_COLUMNS = ("group", "at_least")
_MOST = 1_000_000


@dataclass(frozen=True, order=True)
class Arrival:
    """One pod that comes at a time.

    Attributes
    ----------
    time_ns
        When it comes, counted from the start of the trace.
    duration_ns
        How long it runs on its ideal devices; None for ever.
    pod
        Name of the pod that it is a copy of.
    group
        Name of the group that it is placed with; empty for a pod on its own.
    at_least
        How many of its group must be placed for any to be placed, 0 for as many as fit; as in
        :class:`drapolicy.problem.Group`, and the same for all of a group.
    """

    time_ns: int
    duration_ns: int | None
    pod: str
    group: str = ""
    at_least: int = 0


def read_arrivals(path: str | Path, known: Collection[str] | None = None) -> tuple[Arrival, ...]:
    """Read a CSV file with the columns ``time_s``, ``duration_s`` and ``pod``, and perhaps ``group`` and ``at_least``.

    Times are decimal seconds, exact to the nanosecond; an empty duration means that the pod never leaves. Pods that
    name one group are placed together: at least so many of them, or none.

    Parameters
    ----------
    path
        The file, plain or gzipped.
    known
        Names of pods that may arrive; any if left out.

    Returns
    -------
    tuple of Arrival
        In order of time; equal times keep the order of the file.

    Raises
    ------
    InputError
        With every faulty line of the file.
    """
    faults = Faults()
    found: list[Arrival] = []
    lines: list[int] = []
    for row in table(path, faults, required=COLUMNS, optional=GROUP_COLUMNS, others=False):
        arrival = _arrival(row)
        if arrival is None:
            continue
        if known is not None and arrival.pod not in known:
            row.fault("pod", no_pattern(arrival.pod, known))
        found.append(arrival)
        lines.append(row.line)
    _check_groups(str(path), found, lines, faults)
    faults.settle()
    return tuple(sorted(found, key=lambda arrival: arrival.time_ns))


def no_pattern(name: str, known: Collection[str]) -> str:
    """Return what is wrong with an arrival of a pod that the workload does not have."""
    there = ", ".join(sorted(known)[:8]) or "none"
    return f"{name!r} is no waiting pod or lone claim of the workload; known are {there}"


def _arrival(row: Row) -> Arrival | None:
    time_ns = row.seconds("time_s")
    duration_ns = row.seconds("duration_s") if row.text("duration_s") else None
    if duration_ns == 0:
        row.fault("duration_s", f"{row.text('duration_s')!r} is no time; give more than 0 or leave it empty")
    pod = row.name("pod", "name a pod of the workload")
    group = row.text("group")
    at_least = row.integer("at_least", 0, _MOST, empty=0)
    if not group and at_least:
        row.fault("at_least", f"{at_least} of no group; name it in the column group")
    if group and not row.text("at_least"):
        row.fault("at_least", f"is empty; say how many of group {group!r} must be placed, 0 for as many as fit")
    if not row.ok or time_ns is None or at_least is None:
        return None
    return Arrival(time_ns, duration_ns, pod, group, at_least)


def _check_groups(path: str, arrivals: Sequence[Arrival], lines: Sequence[int], faults: Faults) -> None:
    """Note groups that can never be placed, or of which two lines say different things."""
    first: dict[str, tuple[int, int]] = {}
    size: dict[str, int] = {}
    for arrival, line in zip(arrivals, lines, strict=True):
        if not arrival.group:
            continue
        size[arrival.group] = size.get(arrival.group, 0) + 1
        at, least = first.setdefault(arrival.group, (line, arrival.at_least))
        if arrival.at_least != least:
            message = f"{arrival.at_least} of group {arrival.group!r}, but line {at} says {least}; say one of them"
            faults.of_row(Fault(path, -1, f"line {line}", "at_least", message))
    # Of a group some of whose lines are faulty it is not known how many it has.
    for group, (line, least) in first.items():
        if least > size[group] and not faults.rows:
            message = f"{least} of group {group!r} must be placed, but it has {size[group]} pods"
            faults.of_row(Fault(path, -1, f"line {line}", "at_least", message))


def faults_in(arrivals: Sequence[Arrival]) -> list[Fault]:
    """Return what is wrong with arrivals that no file holds: times, their order, and what is said of groups."""
    found: list[Fault] = []
    before = 0
    sizes = Counter(arrival.group for arrival in arrivals)
    said: dict[str, int] = {}
    for number, arrival in enumerate(arrivals, start=1):
        least = said.setdefault(arrival.group, arrival.at_least)
        wrong = {
            "time_ns": not before <= arrival.time_ns <= LIMIT_S * NS
            and f"{arrival.time_ns} is not from {before}, the time before it, to {LIMIT_S} s; give arrivals in order",
            "duration_ns": not 0 <= (arrival.duration_ns or 0) <= LIMIT_S * NS
            and f"{arrival.duration_ns} is not from 0 to {LIMIT_S} s; give None for ever",
            "at_least": not 0 <= arrival.at_least <= (sizes[arrival.group] if arrival.group else 0)
            and f"{arrival.at_least} of group {arrival.group!r} must be placed, but it has {sizes[arrival.group]} pods",
            "group": bool(arrival.group and arrival.at_least != least)
            and f"{arrival.group!r} says {arrival.at_least} here and {least} before; say one of them",
        }
        found += [Fault("", -1, f"arrival {number}", name, told) for name, told in wrong.items() if told]
        before = max(before, arrival.time_ns)
    return found


def write_arrivals(arrivals: Iterable[Arrival]) -> str:
    """Return the text that :func:`read_arrivals` reads back; columns for groups only where there are any.

    Examples
    --------
    >>> print(write_arrivals([Arrival(1_500_000_000, None, "a")]), end="")
    time_s,duration_s,pod
    1.5,,a
    """
    given = list(arrivals)
    grouped = any(arrival.group for arrival in given)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow((*COLUMNS, *GROUP_COLUMNS) if grouped else COLUMNS)
    for arrival in given:
        cells = [_decimal(arrival.time_ns), _decimal(arrival.duration_ns), arrival.pod]
        lines.writerow([*cells, arrival.group, arrival.at_least if arrival.group else ""] if grouped else cells)
    return text.getvalue()


def _decimal(time_ns: int | None) -> str:
    if time_ns is None:
        return ""
    whole, part = divmod(time_ns, NS)
    return f"{whole}.{part:09}".rstrip("0").rstrip(".")


def redrawn(arrivals: Sequence[Arrival], seed: int) -> tuple[Arrival, ...]:
    """Return another trace of the same kind.

    Seed 0 is the trace itself. Any other seed draws pods with their durations, and the gaps between arrivals, with
    replacement and independently of each other: a bootstrap of the trace that keeps its mix and its load on average
    but not the order. A group is drawn as one; each copy of it is a group of its own.

    Parameters
    ----------
    arrivals
        In order of time.
    seed
        Of the draw.
    """
    units = _units(arrivals)
    if seed == 0 or len(units) < 2:
        return tuple(arrivals)
    rng = np.random.default_rng([seed, len(units)])
    times = np.array([unit[0].time_ns for unit in units], np.int64)
    gaps = np.diff(times, prepend=0)
    drawn = accumulate(rng.choice(gaps, size=len(units)).tolist())
    picked = rng.integers(len(units), size=len(units))
    found: list[Arrival] = []
    for number, (time, pick) in enumerate(zip(drawn, picked.tolist(), strict=True)):
        begin = units[pick][0].time_ns
        for arrival in units[pick]:
            group = f"{arrival.group}~{number}" if arrival.group else ""
            found.append(replace(arrival, time_ns=time + arrival.time_ns - begin, group=group))
    return tuple(sorted(found, key=lambda arrival: arrival.time_ns))


def _units(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """Return what is drawn as one: a group, or a pod on its own; in order of the first arrival."""
    units: list[list[Arrival]] = []
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.group in groups:
            groups[arrival.group].append(arrival)
            continue
        units.append([arrival])
        if arrival.group:
            groups[arrival.group] = units[-1]
    return units
