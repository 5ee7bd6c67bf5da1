"""``format`` of CEL's string library, version 2 (K8s S57)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from drapolicy.cel.conversions import string_from_bytes
from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import double_text, quoted
from drapolicy.cel.times import Duration, Timestamp, duration_text, timestamp_text
from drapolicy.cel.values import BoolKey, TypeName, Uint, type_name, unkey

LIBRARY = Library()

_CLAUSES = {
    "d": "decimal clause can only be used on integers, was given {}",
    "f": "fixed-point clause can only be used on doubles, was given {}",
    "e": "scientific clause can only be used on doubles, was given {}",
    "b": "only integers and bools can be formatted as binary, was given {}",
    "x": "only integers, byte buffers, and strings can be formatted as hex, was given {}",
    "o": "octal clause can only be used on integers, was given {}",
}
_STRINGS = (
    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and"
    " timestamps, was given {}"
)
# Types that each clause takes; strings may spell the special doubles.
_TAKES = {
    "s": frozenset({"string", "bool", "bytes", "int", "uint", "double", "map", "list", "type", "null_type"})
    | {"google.protobuf.Timestamp", "google.protobuf.Duration"},
    "d": frozenset({"int", "uint"}),
    "f": frozenset({"double", "string"}),
    "e": frozenset({"double", "string"}),
    "b": frozenset({"int", "uint", "bool"}),
    "x": frozenset({"int", "uint", "string", "bytes"}),
    "o": frozenset({"int", "uint"}),
}
WRITTEN = _TAKES["s"] | {"dyn"}
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@LIBRARY.overload("format", "string", "list")
def format_text(pattern: str, values: list[Any]) -> str:
    """Return a text with its clauses replaced by values."""
    parts, used = [], 0
    for part, letter, precision in _clauses(pattern):
        if not letter:
            parts.append(part)
            continue
        if used >= len(values):
            raise EvaluationError(f"index {used} out of range")
        parts.append(_written(_known(letter), precision, values[used]))
        used += 1
    return "".join(parts)


def fault(pattern: str, kinds: list[str]) -> tuple[int | None, str] | None:
    """Return what upstream's validator says of a literal pattern and arguments of these types, None if it is content.

    The first part is the position of the argument at fault, None when the call as a whole is.
    """
    used = 0
    try:
        for _, letter, _ in _clauses(pattern):
            if not letter:
                continue
            if used >= len(kinds):
                return None, f"index {used} out of range"
            if kinds[used] not in _TAKES[_known(letter).lower()] and kinds[used] != "dyn":
                return used, f"error during formatting: {_reason(letter, kinds[used])}"
            used += 1
    except EvaluationError as error:
        return None, str(error)
    if used < len(kinds):
        count = f"expected {used}, got {len(kinds)}"
        return None, f"too many arguments supplied to string.format ({count})"
    return None


_UNPARSED = "could not parse formatting clause: "


def _clauses(pattern: str) -> Iterator[tuple[str, str, int]]:
    """Yield literal parts, and clauses as letter and precision; a letter that does not exist is yielded too."""
    position = 0
    while (found := pattern.find("%", position)) >= 0:
        yield pattern[position:found], "", 0
        position = found + 1
        if pattern[position : position + 1] == "%":
            yield "%", "", 0
        elif position >= len(pattern):
            # Upstream looks for the argument first.
            yield "", "end", 0
        else:
            precision = 6
            if pattern[position] == ".":
                precision, position = _precision(pattern, position + 1)
            yield "", pattern[position], precision
        position += 1
    yield pattern[position:], "", 0


def _precision(pattern: str, start: int) -> tuple[int, int]:
    end = start
    while end < len(pattern) and pattern[end].isascii() and pattern[end].isdigit():
        end += 1
    where = f"{_UNPARSED}error while parsing precision: "
    if end >= len(pattern):
        raise EvaluationError(f"{where}could not find end of precision specifier")
    digits = pattern[start:end]
    if not digits:
        conversion = "error while converting precision to integer"
        raise EvaluationError(f'{where}{conversion}: strconv.Atoi: parsing "": invalid syntax')
    if len(digits) > 3:
        raise EvaluationError(f"a precision of {digits} digits is not supported by drapolicy")
    return int(digits), end


def _known(letter: str) -> str:
    if letter == "end":
        raise EvaluationError("unexpected end of string")
    if letter not in "sdfebxXo":
        raise EvaluationError(f'{_UNPARSED}unrecognized formatting clause "{letter}"')
    return letter


def _reason(letter: str, kind: str) -> str:
    return _CLAUSES.get(letter.lower(), _STRINGS).format(kind)


def _written(letter: str, precision: int, value: Any) -> str:
    try:
        return _converted(letter, precision, value)
    except ValueError:
        raise EvaluationError(f"error during formatting: {_reason(letter, type_name(value))}") from None


def _converted(letter: str, precision: int, value: Any) -> str:
    kind = type(value)
    if letter == "s":
        return _string(value)
    if letter in "fe":
        number = _SPECIAL.get(value) if kind is str else value
        if type(number) is not float:
            raise ValueError(letter)
        if not math.isfinite(number) or (letter == "f" and abs(number) >= 1000) or letter == "e":
            raise EvaluationError(f"format of {double_text(number)} with %{letter} is not supported by drapolicy")
        return format(number, f".{precision}{letter}")
    if letter == "b" and kind is bool:
        return "1" if value else "0"
    if letter in "xX" and kind in {str, bytes}:
        digits = str((value.encode() if kind is str else value).hex())
        return digits.upper() if letter == "X" else digits
    if kind is not int and kind is not Uint:
        raise ValueError(letter)
    return format(int(value), letter)


def _string(value: Any) -> str:
    """Return a value as ``%s`` writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case bytes():
            return string_from_bytes(value)
        case int():
            return str(int(value))
        case float():
            return double_text(value)
        case TypeName():
            return value.name
        case Duration():
            return duration_text(value)
        case Timestamp():
            return timestamp_text(value)
        case list():
            return f"[{', '.join(map(_member, value))}]"
        case dict():
            entries = sorted((_key(unkey(entry)), _member(part)) for entry, part in value.items())
            return "{" + ", ".join(f"{entry}:{part}" for entry, part in entries) + "}"
    raise ValueError(value)


def _key(value: Any) -> str:
    if type_name(value) not in {"string", "bool", "int", "uint"}:
        raise EvaluationError(f"error during formatting: no formatting function for map key of type {type_name(value)}")
    return _member(value)


def _member(value: Any) -> str:
    """Return an element or entry of a formatted list or map."""
    if isinstance(value, BoolKey):
        value = value.value
    if type(value) is str:
        return quoted(value)
    if type(value) is Duration:
        return f'duration("{duration_text(value)}")'
    if type(value) is Timestamp:
        return f'timestamp("{timestamp_text(value)}")'
    if type(value) is bytes:
        raise EvaluationError("format of bytes in a list or map is not supported by drapolicy")
    if type(value) is float:
        text = f"{value:.6f}" if math.isfinite(value) else double_text(value)
        return text if math.isfinite(value) else f'"{text.removeprefix("+")}"'
    if type_name(value) not in {"null_type", "bool", "int", "uint", "type", "list", "map"}:
        raise EvaluationError(f"error during formatting: no formatting function for {type_name(value)}")
    return _string(value)
