"""Text and values of a file that a machine printed; what every importer begins with."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, Final

from drapolicy.api.json_reader import read_json
from drapolicy.api.values import ReadFault, broken
from drapolicy.errors import Fault, ParseError

MAX_BYTES: Final = 64 << 20
"""Largest file that is read; the largest captures of clusters are a few MB."""


def text_of(path: str | PathLike[str], max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a file.

    Raises
    ------
    ParseError
        If it is longer than ``max_bytes`` or not UTF-8.
    OSError
        If it cannot be opened.
    """
    with Path(path).open("rb") as stream:
        return text_in(stream, fspath(path), max_bytes)


def text_in(stream: IO[bytes], file: str, max_bytes: int = MAX_BYTES) -> str:
    """Return the text that an open file holds; ``file`` names it in messages.

    Raises
    ------
    ParseError
        As `text_of`.
    """
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise refusal(file, f"is longer than {max_bytes:,} bytes; give the output of one tool")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(file, "is not UTF-8 text", f"byte {error.start}") from None


def json_of(text: str, file: str = "") -> Any:
    """Return the value of a text that is one JSON document.

    Raises
    ------
    ParseError
        With line or path of what is no JSON, given twice in an object, or after the document.
    """
    values = list(read_json(text.encode()))
    for value in values:
        if isinstance(value, ReadFault):
            raise refusal(file, value.message)
    if len(values) != 1:
        raise refusal(file, f"holds {len(values)} JSON documents; give one")
    faults = [Fault(file, -1, "", path, message) for path, message in broken(values[0])]
    if faults:
        raise ParseError(faults=faults)
    return values[0]


def refusal(file: str, why: str, place: str = "") -> ParseError:
    """Return the error of a file that is refused as a whole."""
    return ParseError(faults=[Fault(file, -1, "", place, why)])
