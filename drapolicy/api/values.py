"""Plain values between a file and the typed objects: numbers as Kubernetes hands them on, keys given twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Self

MAX_DIGITS: Final = 1000
"""Longest number that is read, in digits; no field holds more than an amount of 30."""


TWICE: Final = "is given twice; keep one"
"""The message for a key that a mapping has more than once."""


class ReadFault(Exception):  # noqa: N818
    """A text that cannot be read.

    Attributes
    ----------
    message
        What is wrong and how to mend it.
    line
        Line in the text, counted from 1; 0 when unknown.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


class Unreadable:
    """Stands for a value that nothing can hold, until it is known which object and field it stands in.

    Attributes
    ----------
    message
        What is wrong with it and how to mend it.
    """

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return self.message


class Doubled(dict[str, Any]):
    """A mapping in which keys stood more than once.

    Attributes
    ----------
    keys_twice
        Those keys, in the order of the text.
    """

    keys_twice: tuple[str, ...] = ()


def not_utf8(error: UnicodeDecodeError, before: int = 0) -> ReadFault:
    """Return the fault of bytes that are no UTF-8; ``before`` counts the lines of the text ahead of them."""
    line = before + error.object.count(b"\n", 0, error.start) + 1
    byte = error.object[error.start]
    return ReadFault(f"line {line} is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8", line)


def broken(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and message of all inside ``value`` that no type allows: keys given twice, unreadable values."""
    if isinstance(value, dict):
        if isinstance(value, Doubled):
            yield from ((join(path, key), TWICE) for key in value.keys_twice)
        for key, inner in value.items():
            yield from broken(inner, join(path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from broken(inner, f"{path}[{position}]")
    elif isinstance(value, Unreadable):
        yield path, value.message


def holds_action(value: Any) -> bool:
    """Return whether any text in a value looks like a template's action."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        return any(holds_action(inner) for inner in value.values())
    return isinstance(value, list) and any(holds_action(inner) for inner in value)


def join(path: str, key: str) -> str:
    """Return the path of the field ``key`` of ``path``; a key that cannot be a field stands in brackets."""
    if key.isidentifier() and key.isascii():
        return f"{path}.{key}" if path else key
    return key_path(path, key)


def key_path(path: str, key: str) -> str:
    """Return the path of one entry of a map.

    Examples
    --------
    >>> key_path("spec.devices[0].attributes", "gpu.example.com/model")
    'spec.devices[0].attributes["gpu.example.com/model"]'
    """
    return f'{path}["{key if len(key) <= 100 else key[:100] + "..."}"]'


class Exponential(float):
    """A float that was written with an exponent.

    Attributes
    ----------
    text
        The number as it was written; ``1e3`` makes a quantity of another form than ``1000``.
    """

    text: str

    def __new__(cls, text: str) -> Self:
        """Keep the text beside the number."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __reduce__(self) -> tuple[type[Exponential], tuple[str]]:
        return Exponential, (self.text,)


def number_of_json(text: str) -> float | Decimal | Unreadable:
    """Return a JSON number that is not written as a whole number: a float if that loses no digit, else a Decimal."""
    if len(text) > MAX_DIGITS:
        return Unreadable(too_long(text))
    number = float(text)
    if not math.isfinite(number) or Decimal(repr(number)) != Decimal(text):
        return Decimal(text)
    return Exponential(text) if "e" in text or "E" in text else number


def whole_number_of_json(text: str) -> int | Unreadable:
    """Return a JSON number written as a whole number."""
    if len(text) > MAX_DIGITS:
        return Unreadable(too_long(text))
    return int(text)


def too_long(text: str) -> str:
    """Return the message for a number of too many digits."""
    return f"a number of {len(text)} characters ({text[:12]}...) fits no field; shorten it or quote it"


def shown(value: Any) -> str:
    """Return how messages show a value: as JSON writes it, cut to a readable length."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
