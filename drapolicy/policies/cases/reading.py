"""Cases as they are written: typed, with what may be left out left out."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

import msgspec

from drapolicy.errors import InputError

T = TypeVar("T")

MOST_DEVICES = 512
"""Devices that a machine of a case may have."""

_MOST = 2**53


class Fields(msgspec.Struct, frozen=True):
    """Base of everything that is read; fields that nobody asks for are let pass."""


def read(value: object, kind: Callable[..., T], where: str = "") -> T:
    """Return plain values as a typed one.

    Parameters
    ----------
    where
        What the value is, for errors.

    Raises
    ------
    InputError
        When something is missing or of another type; the message says where.
    """
    try:
        return msgspec.convert(value, kind)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$").removeprefix(".")
        raise InputError(": ".join(part for part in (where, place, _lowered(text)) if part)) from None


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def plain(value: Any) -> dict[str, Any]:
    """Return a JSON object; anything else is refused, and so are numbers and texts that no case can mean.

    Raises
    ------
    InputError
        For another value, a number beyond 2**53 or not finite, or text that is no Unicode; with its place.
    """
    if not isinstance(value, dict):
        raise InputError(f"cases: a JSON {type(value).__name__} is no file of cases; give an object")
    open_: list[tuple[str, Any]] = [("cases", value)]
    while open_:
        where, at = open_.pop()
        if isinstance(at, dict):
            open_ += [(f"{where}: a key", key) for key in at] + [
                (f"{where}.{key!a}", inner) for key, inner in at.items()
            ]
        elif isinstance(at, list):
            open_ += [(f"{where}[{i}]", inner) for i, inner in enumerate(at)]
        elif isinstance(at, int | float) and not (isfinite(at) and abs(at) <= _MOST):
            raise InputError(f"{where}: {at} is no number up to 2**53")
        elif isinstance(at, str) and not at.isascii() and any("\ud800" <= c <= "\udfff" for c in at):
            raise InputError(f"{where}: {at!a} is no text: it has half of a pair of surrogates")
    return value
