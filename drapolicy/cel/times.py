"""Durations and points in time, exact to the nanosecond (K8s S57)."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, ClassVar

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.values import INT_MAX, INT_MIN

LIBRARY = Library()
_overload = LIBRARY.overload

_SECOND = 10**9
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_FIRST, _LAST = -62135596800, 253402300799
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds; nothing is false."""

    cel_type: ClassVar[str] = "google.protobuf.Duration"
    ordered: ClassVar[bool] = True
    nanos: int

    def __bool__(self) -> bool:
        return self.nanos != 0


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time in nanoseconds since 1970, with the offset in seconds that it was written with.

    Go's zero, the beginning of the year 1, is false.
    """

    cel_type: ClassVar[str] = "google.protobuf.Timestamp"
    ordered: ClassVar[bool] = True
    nanos: int
    offset: int = field(default=0, compare=False)

    def __bool__(self) -> bool:
        return self.nanos != _FIRST * _SECOND


def _checked(nanos: int) -> Duration:
    if INT_MIN <= nanos <= INT_MAX:
        return Duration(nanos)
    raise EvaluationError("integer overflow")


def _moved(start: Timestamp, nanos: int) -> Timestamp:
    moved = start.nanos + nanos
    if not _FIRST <= moved // _SECOND <= _LAST:
        raise EvaluationError("timestamp overflow")
    return Timestamp(moved, start.offset)


def added(left: Any, right: Any) -> Duration | Timestamp | None:
    """Return a sum, None if there is none of these types."""
    if isinstance(right, Duration):
        if isinstance(left, Duration):
            return _checked(left.nanos + right.nanos)
        return _moved(left, right.nanos) if isinstance(left, Timestamp) else None
    return _moved(right, left.nanos) if isinstance(left, Duration) and isinstance(right, Timestamp) else None


def subtracted(left: Any, right: Any) -> Duration | Timestamp | None:
    """Return a difference, None if there is none of these types."""
    if isinstance(left, Timestamp):
        if isinstance(right, Timestamp):
            return _checked(left.nanos - right.nanos)
        return _moved(left, _checked(-right.nanos).nanos) if isinstance(right, Duration) else None
    both = isinstance(left, Duration) and isinstance(right, Duration)
    return _checked(left.nanos - right.nanos) if both else None


def negated(value: Duration) -> Duration:
    """Return a duration the other way."""
    return _checked(-value.nanos)


@_overload("duration", "string")
def parse_duration(text: str) -> Duration:
    """Return the duration that a text spells in Go's form, such as ``1h30m``."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    total = position = 0
    while position < len(body) and body != "0":
        found = _PART.match(body, position)
        if not found or not (found[1] or found[2]):
            break
        unit = _UNITS[found[3]]
        total += int(found[1] or 0) * unit
        digits = (found[2] or "")[:18]
        if digits:
            total += int(float(int(digits)) * (float(unit) / 10.0 ** len(digits)))
        position = found.end()
    total = -total if text[:1] == "-" else total
    if body == "0" or (body and position == len(body) and INT_MIN <= total <= INT_MAX):
        return Duration(total)
    raise EvaluationError("type conversion error from 'string' to 'google.protobuf.Duration'")


@_overload("timestamp", "string")
def parse_timestamp(text: str) -> Timestamp:
    """Return the point in time that a text spells as of RFC 3339."""
    found = _TIME.fullmatch(text)
    wrong = EvaluationError("type conversion error from 'string' to 'google.protobuf.Timestamp'")
    if not found:
        raise wrong
    hours, minutes = int(found[9] or 0), int(found[10] or 0)
    year = int(found[1])
    try:
        # The year 0 is one of RFC 3339, but not of Python; its length is that of any leap year.
        month, date, hour, minute, second = (int(part) for part in found.group(2, 3, 4, 5, 6))
        day = datetime(year or 4, month, date, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise wrong from None
    if hours > 24 or minutes > 59:
        raise wrong
    offset = (hours * 3600 + minutes * 60) * (-1 if found[8] == "-" else 1)
    since = day - _EPOCH
    seconds = since.days * 86400 + since.seconds - offset
    if not year or not _FIRST <= seconds <= _LAST:
        raise EvaluationError("timestamp overflow")
    return Timestamp(seconds * _SECOND + int((found[7] or "0")[:9].ljust(9, "0")), offset)


@_overload("timestamp", "int")
def timestamp_from_int(seconds: int) -> Timestamp:
    """Return the point in time so many seconds after 1970."""
    if not _FIRST <= seconds <= _LAST:
        raise EvaluationError("timestamp overflow")
    return Timestamp(seconds * _SECOND)


@_overload("duration", "duration")
@_overload("timestamp", "timestamp")
def same(value: Any) -> Any:
    """Return the value itself."""
    return value


def _cut(value: int, unit: int) -> tuple[int, int]:
    """Return a quotient cut towards zero, and the rest."""
    quotient = abs(value) // unit * (1 if value >= 0 else -1)
    return quotient, value - quotient * unit


def _in(value: Duration, unit: int) -> float:
    whole, rest = _cut(value.nanos, unit)
    return float(whole) + float(rest) / float(unit)


@_overload("string", "duration")
def duration_text(value: Duration) -> str:
    """Return a duration in seconds."""
    return format(Decimal(repr(_in(value, _SECOND))).normalize(), "f") + "s"


@_overload("int", "duration")
def duration_nanos(value: Duration) -> int:
    """Return the nanoseconds."""
    return value.nanos


@_overload("int", "timestamp")
def timestamp_seconds(value: Timestamp) -> int:
    """Return the whole seconds since 1970."""
    return value.nanos // _SECOND


@_overload("string", "timestamp")
def timestamp_text(value: Timestamp) -> str:
    """Return a point in time as of RFC 3339, with as few digits of the fraction as it takes."""
    local = _EPOCH + timedelta(seconds=value.nanos // _SECOND + value.offset)
    fraction = f"{value.nanos % _SECOND:09}".rstrip("0")
    sign, minutes = "-" if value.offset < 0 else "+", abs(value.offset) // 60
    zone = f"{sign}{minutes // 60:02}:{minutes % 60:02}" if value.offset else "Z"
    return f"{local.year:04}-{local:%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}{zone}"


def _zone(text: str) -> tzinfo:
    hours, colon, minutes = text.partition(":")
    if not colon:
        try:
            return UTC if text in {"", "UTC"} else zoneinfo.ZoneInfo(text)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise EvaluationError(f"unknown time zone {text}") from None
    for part in (hours, minutes):
        if not re.fullmatch(r"[+-]?[0-9]{1,4}", part):
            raise EvaluationError(f'strconv.Atoi: parsing "{part}": invalid syntax')
    offset = int(hours) * 60 + (-int(minutes) if text[0] == "-" else int(minutes))
    if abs(offset) >= 24 * 60:
        raise EvaluationError(f"the time zone {text} is not supported by drapolicy")
    return timezone(timedelta(minutes=offset))


_FIELDS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda time: time.year,
    "getMonth": lambda time: time.month - 1,
    "getDayOfYear": lambda time: time.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda time: time.day - 1,
    "getDate": lambda time: time.day,
    "getDayOfWeek": lambda time: time.isoweekday() % 7,
    "getHours": lambda time: time.hour,
    "getMinutes": lambda time: time.minute,
    "getSeconds": lambda time: time.second,
    "getMilliseconds": lambda time: time.microsecond // 1000,
}
_LENGTHS = {"getHours": 3600 * _SECOND, "getMinutes": 60 * _SECOND, "getSeconds": _SECOND}


def _register(name: str, read: Callable[[datetime], int]) -> None:
    @_overload(name, "timestamp")
    def own(value: Timestamp) -> int:
        return read(_EPOCH + timedelta(microseconds=value.nanos // 1000))

    @_overload(name, "timestamp", "string")
    def zoned(value: Timestamp, zone: str) -> int:
        return read((_EPOCH + timedelta(microseconds=value.nanos // 1000)).astimezone(_zone(zone)))

    if unit := _LENGTHS.get(name):
        _overload(name, "duration")(lambda value: int(_in(value, unit)))


for _name, _read in _FIELDS.items():
    _register(_name, _read)
_overload("getMilliseconds", "duration")(lambda value: _cut(value.nanos, 10**6)[0])
