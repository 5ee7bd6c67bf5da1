"""Cases as they are written: typed, with what may be left out left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from drapolicy.errors import InputError

T = TypeVar("T")


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
    """Return a JSON object; anything else is refused."""
    if not isinstance(value, dict):
        raise InputError(f"cases: a JSON {type(value).__name__} is no file of cases; give an object")
    return value
