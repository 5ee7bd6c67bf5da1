"""String functions of CEL's extension library, version 2, and Kubernetes' ``find`` (K8s S57)."""

from __future__ import annotations

from typing import Any

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.library import regex_find_all

LIBRARY = Library()
_overload = LIBRARY.overload

# Upstream charges at least a tenth of a unit a character, so a longer string is beyond its limit of 10^6 anyway.
MAX_STRING = 10_000_000
COST_EXCEEDED = "operation cancelled: actual cost limit exceeded"

# What Go's unicode.IsSpace takes for white space.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def _out_of_range(index: int) -> EvaluationError:
    return EvaluationError(f"index out of range: {index}")


@_overload("charAt", "string", "int")
def char_at(text: str, index: int) -> str:
    """Return one character, or nothing just past the end."""
    if not 0 <= index <= len(text):
        raise _out_of_range(index)
    return text[index : index + 1]


@_overload("indexOf", "string", "string")
def index_of(text: str, part: str) -> int:
    """Return where a part first is, or -1."""
    return text.find(part)


@_overload("indexOf", "string", "string", "int")
def index_of_from(text: str, part: str, offset: int) -> int:
    """Return where a part first is at or after an offset, or -1."""
    if offset < 0:
        raise _out_of_range(offset)
    if not part:
        return min(offset, len(text))
    return text.find(part, offset)


@_overload("lastIndexOf", "string", "string")
def last_index_of(text: str, part: str) -> int:
    """Return where a part last is, or -1."""
    return text.rfind(part)


@_overload("lastIndexOf", "string", "string", "int")
def last_index_of_from(text: str, part: str, offset: int) -> int:
    """Return where a part last is at or before an offset, or -1."""
    if offset < 0:
        raise _out_of_range(offset)
    if not part:
        return min(offset, len(text))
    if offset >= len(text):
        return -1
    return text.rfind(part, 0, offset + len(part))


@_overload("lowerAscii", "string")
def lower_ascii(text: str) -> str:
    """Return the text with A to Z in lower case."""
    return text.translate(_LOWER)


@_overload("upperAscii", "string")
def upper_ascii(text: str) -> str:
    """Return the text with a to z in upper case."""
    return text.translate(_UPPER)


@_overload("replace", "string", "string", "string")
def replace(text: str, old: str, new: str) -> str:
    """Return the text with every old part replaced."""
    return replace_some(text, old, new, -1)


@_overload("replace", "string", "string", "string", "int")
def replace_some(text: str, old: str, new: str, count: int) -> str:
    """Return the text with the first parts replaced; a negative count means all."""
    occurrences = text.count(old)
    done = occurrences if count < 0 else min(count, occurrences)
    if len(text) + done * (len(new) - len(old)) > MAX_STRING:
        raise EvaluationError(COST_EXCEEDED)
    return text.replace(old, new, done)


@_overload("split", "string", "string")
def split(text: str, separator: str) -> list[str]:
    """Return the parts between separators; without a separator the characters."""
    return split_some(text, separator, -1)


@_overload("split", "string", "string", "int")
def split_some(text: str, separator: str, count: int) -> list[str]:
    """Return at most a number of parts, the last one with the rest; a negative number means all."""
    if count == 0:
        return []
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    if count < 0 or count >= len(text):
        return list(text)
    return [*text[: count - 1], text[count - 1 :]]


@_overload("substring", "string", "int")
def substring(text: str, start: int) -> str:
    """Return the text from an offset on."""
    if not 0 <= start <= len(text):
        raise _out_of_range(start)
    return text[start:]


@_overload("substring", "string", "int", "int")
def substring_range(text: str, start: int, end: int) -> str:
    """Return the text between two offsets."""
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    for offset in (start, end):
        if not 0 <= offset <= len(text):
            raise _out_of_range(offset)
    return text[start:end]


@_overload("trim", "string")
def trim(text: str) -> str:
    """Return the text without white space at its ends."""
    return text.strip(_SPACE)


_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


@_overload("strings.quote", "string")
def quote(text: str) -> str:
    """Return the text as a string literal."""
    return f'"{text.translate(_QUOTED)}"'


@_overload("join", "list(string)")
def join(parts: list[Any]) -> str:
    """Return the parts one after the other."""
    return join_with(parts, "")


@_overload("join", "list(string)", "string")
def join_with(parts: list[Any], separator: str) -> str:
    """Return the parts with a separator between them."""
    for part in parts:
        if type(part) is not str:
            raise EvaluationError(f"join: invalid input: {part}")
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_STRING:
        raise EvaluationError(COST_EXCEEDED)
    return separator.join(parts)


@_overload("find", "string", "string")
def find(text: str, pattern: str) -> str:
    """Return what an RE2 pattern matches first, or nothing."""
    return next(iter(find_some(text, pattern, 1)), "")


@_overload("findAll", "string", "string")
def find_all(text: str, pattern: str) -> list[str]:
    """Return everything that an RE2 pattern matches."""
    return find_some(text, pattern, -1)


@_overload("findAll", "string", "string", "int")
def find_some(text: str, pattern: str, count: int) -> list[str]:
    """Return the first matches; a negative count means all."""
    found = regex_find_all(text, pattern)
    return list(found if count < 0 else found[:count])
