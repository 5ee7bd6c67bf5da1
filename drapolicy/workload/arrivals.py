"""Arrivals of pods over time: read from CSV, or drawn from a recorded trace again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from pathlib import Path

import numpy as np

from drapolicy.errors import Fault, InputError

HEADER = ("time_s", "duration_s", "pod")
_NS = 10**9
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LIMIT_S = 10 * 366 * 24 * 3600  # ten years keep every time within int64 nanoseconds


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
    """

    time_ns: int
    duration_ns: int | None
    pod: str


def read_arrivals(path: str | Path) -> tuple[Arrival, ...]:
    """Read a CSV file with the columns ``time_s``, ``duration_s`` and ``pod``.

    Times are decimal seconds, exact to the nanosecond; an empty duration means that the pod never leaves.

    Returns
    -------
    tuple of Arrival
        In order of time; equal times keep the order of the file.

    Raises
    ------
    InputError
        With every faulty row of the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise InputError(message) from error
    faults: list[Fault] = []
    found: list[Arrival] = []
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = tuple(next(rows, ()))
        if header != HEADER:
            faults.append(
                Fault(str(path), -1, "row 1", "", f"header is {','.join(header)!r}; make it {','.join(HEADER)}")
            )
        for number, row in enumerate(rows, start=2):
            if row:
                _read_row(str(path), number, row, found, faults)
    except csv.Error as error:
        faults.append(Fault(str(path), -1, f"row {rows.line_num}", "", f"is not CSV: {error}"))
    if faults:
        raise InputError(faults=faults)
    return tuple(sorted(found, key=lambda arrival: arrival.time_ns))


def _read_row(path: str, number: int, row: list[str], found: list[Arrival], faults: list[Fault]) -> None:
    where = f"row {number}"
    if len(row) != len(HEADER):
        faults.append(Fault(path, -1, where, "", f"has {len(row)} columns; give {', '.join(HEADER)}"))
        return
    time_ns = _nanoseconds(path, where, "time_s", row[0], faults)
    duration_ns = None if not row[1] else _nanoseconds(path, where, "duration_s", row[1], faults)
    if duration_ns == 0 and row[1]:
        faults.append(
            Fault(path, -1, where, "duration_s", f"{row[1]!r} is no time; give more than 0 or leave it empty")
        )
    if not row[2]:
        faults.append(Fault(path, -1, where, "pod", "is empty; name a pod of the workload"))
    if time_ns is not None:
        found.append(Arrival(time_ns, duration_ns, row[2]))


def _nanoseconds(path: str, where: str, field: str, text: str, faults: list[Fault]) -> int | None:
    try:
        # Decimal itself takes more: spaces, underscores, digits of other scripts.
        seconds = Decimal(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else Decimal("nan")
    except InvalidOperation:
        seconds = Decimal("nan")
    if not seconds.is_finite() or not 0 <= seconds <= _LIMIT_S:
        shown = text if len(text) <= 40 else text[:37] + "..."
        faults.append(Fault(path, -1, where, field, f"{shown!r} is not a number of seconds from 0 to {_LIMIT_S}"))
        return None
    return int((seconds * _NS).to_integral_value())


def redrawn(arrivals: Sequence[Arrival], seed: int) -> tuple[Arrival, ...]:
    """Return another trace of the same kind.

    Seed 0 is the trace itself. Any other seed draws pods with their durations, and the gaps between arrivals, with
    replacement and independently of each other: a bootstrap of the trace that keeps its mix and its load on average
    but not the order.

    Parameters
    ----------
    arrivals
        In order of time.
    seed
        Of the draw.
    """
    if seed == 0 or len(arrivals) < 2:
        return tuple(arrivals)
    rng = np.random.default_rng([seed, len(arrivals)])
    times = np.array([arrival.time_ns for arrival in arrivals], np.int64)
    gaps = np.diff(times, prepend=0)
    drawn = accumulate(rng.choice(gaps, size=len(arrivals)).tolist())
    picked = rng.integers(len(arrivals), size=len(arrivals))
    return tuple(
        Arrival(time, arrivals[pick].duration_ns, arrivals[pick].pod) for time, pick in zip(drawn, picked, strict=True)
    )
