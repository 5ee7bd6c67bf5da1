"""JSON as Kubernetes reads it, to plain values."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from drapolicy.api.values import Doubled, ReadFault, Unreadable, not_utf8, number_of_json, whole_number_of_json

_SPACE = " \t\r\n"
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(data: bytes) -> Iterator[Any]:
    """Yield the plain value of each document of a JSON text; kubectl reads several after each other.

    Yields
    ------
    object
        The value, or a `ReadFault` in its place, after which nothing follows.
    """
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        yield not_utf8(error)
        return
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_float=number_of_json,
        parse_int=whole_number_of_json,
        parse_constant=_constant,
    )
    has_halves = _HALF_OF_A_PAIR.search(text) is not None
    position = _skip_space(text, 0)
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
            if has_halves:
                _refuse_half_pairs(value)
        except json.JSONDecodeError as error:
            yield ReadFault(f"line {error.lineno}: not JSON: {_problem(error, text)}", error.lineno)
            return
        except ReadFault as fault:
            yield fault
            return
        except RecursionError:
            yield ReadFault("nested too deeply")
            return
        if value is not None:
            yield value
        position = _skip_space(text, end)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, remembering keys given twice."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    doubled = Doubled(made)
    seen: set[str] = set()
    doubled.keys_twice = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return doubled


def _constant(name: str) -> Unreadable:
    return Unreadable(f"{name} is no JSON number; write a finite number or quote it")


def _problem(error: json.JSONDecodeError, text: str) -> str:
    """Say what a syntax error means to the reader of the file."""
    if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        return f"the text ends too early ({error.msg[0].lower()}{error.msg[1:]}); check that the file is complete"
    near = text[error.pos : error.pos + 20].splitlines()[0] if text[error.pos : error.pos + 20] else ""
    return f"{error.msg[0].lower()}{error.msg[1:]} at {near!r}; mend it there"


def _refuse_half_pairs(value: Any) -> None:
    """Refuse escapes of halves of surrogate pairs, which no UTF-8 text can hold."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ReadFault("an escape \\ud800 to \\udfff stands alone and is no character; drop it") from None


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position
