"""Host list expressions of Slurm and topograph: ``node[001-010,20],login1`` is twelve names."""

from __future__ import annotations

import itertools
import re

from drapolicy.errors import InputError

LIMIT = 65_536
"""Most names that one expression may stand for; Slurm's own bound for one range."""

MAX_NAMES = 1_000_000
"""Most names that the expressions of one file may stand for together."""

_PART = re.compile(r"(?P<text>[^\[\],\s]+)|\[(?P<ranges>[^\[\]]*)\]")
_NAME = re.compile(r"[\w.:;/+@#-]+", re.ASCII)
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")


class HostListError(InputError):
    """An expression that cannot be expanded.

    Attributes
    ----------
    offset
        Where in the expression, in characters from 0.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def expand(text: str) -> tuple[str, ...]:
    """Return the names that an expression stands for, in its order.

    Names are separated by commas or white space. Ranges in brackets keep the width of their first number. Of several
    brackets in a name the last runs fastest, and text may stand before, between and after them.

    Raises
    ------
    HostListError
        If a bracket is not closed, a range is no number or runs backwards, a name is missing, given twice or of
        other characters than names have, or there are more than `LIMIT` names.

    Examples
    --------
    >>> expand("node[08-10,20],login1")
    ('node08', 'node09', 'node10', 'node20', 'login1')
    >>> expand("rack[0-1]n[1-2]")
    ('rack0n1', 'rack0n2', 'rack1n1', 'rack1n2')
    """
    names: dict[str, None] = {}
    position = _skip_space(text, 0)
    while True:
        start = position
        parts: list[list[str]] = []
        while match := _PART.match(text, position):
            parts.append([match["text"]] if match["text"] else _numbers(match["ranges"], match.start("ranges")))
            position = match.end()
        if position < len(text) and text[position] in "[]":
            missing = "]" if text[position] == "[" else "["
            raise HostListError(f"{text[position]} at {text[position:][:20]!r} has no {missing}", position)
        if not parts:
            raise HostListError(f"{text[:40]!r} has no name at character {start + 1}", start)
        count = 1
        for part in parts:
            count *= len(part)
            if len(names) + count > LIMIT:
                raise HostListError(f"{text[:40]!r} stands for more than {LIMIT} names", start)
        for pieces in itertools.product(*parts):
            name = "".join(pieces)
            if not is_name(name):
                raise HostListError(f"{name[:40]!r} is not a name; use letters, digits and .:;/+@#_-", start)
            if name in names:
                raise HostListError(f"{name} is named twice", start)
            names[name] = None
        position = _skip_space(text, position)
        if position == len(text):
            return tuple(names)
        if text[position] == ",":
            position = _skip_space(text, position + 1)


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a node or switch; InfiniBand's own names of switches are among them.

    Examples
    --------
    >>> is_name("MF0;leaf-1:MQM9700/U1"), is_name("leaf[1"), is_name("a=b")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _numbers(ranges: str, offset: int) -> list[str]:
    numbers: list[str] = []
    for item in ranges.split(","):
        match = _RANGE.fullmatch(item)
        if match is None or not item.isascii():
            raise HostListError(f"{item!r} is no number and no range such as 01-16", offset)
        first, last = match[1], match[2] or match[1]
        low, high = int(first), int(last)
        if high < low:
            raise HostListError(f"{item} runs backwards", offset)
        if len(numbers) + high - low >= LIMIT:
            raise HostListError(f"[{ranges[:40]}] stands for more than {LIMIT} names", offset)
        numbers += [f"{number:0{len(first)}d}" for number in range(low, high + 1)]
        offset += len(item) + 1
    return numbers
