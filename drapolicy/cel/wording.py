"""Faults of expressions with their places, as CEL prints them (K8s S56)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

# Upstream prints no more.
_MOST: Final = 100
_WIDE_DOT, _WIDE_MARK = "\uff0e", "\uff3e"


class Fault(NamedTuple):
    """One fault at a place in the expression.

    Attributes
    ----------
    line, column
        Place, both counted from 1, columns in characters.
    reason
        What is wrong.
    """

    line: int
    column: int
    reason: str

    @classmethod
    def at(cls, offset: int, reason: str, expression: str) -> Fault:
        """Return a fault at an offset of an expression, counted in characters."""
        before = expression[:offset]
        return cls(before.count("\n") + 1, len(before) - before.rfind("\n"), reason)


def shown(faults: Sequence[Fault], expression: str) -> str:
    """Return faults by place, each with its source line below it."""
    ordered = sorted(faults, key=lambda fault: fault[:2])
    texts = [_located(fault, expression) for fault in ordered[:_MOST]]
    if len(ordered) > _MOST:
        texts.append(f"{len(ordered) - _MOST} more errors were truncated")
    return "\n".join(texts)


def _located(fault: Fault, expression: str) -> str:
    text = f"ERROR: <input>:{fault.line}:{fault.column}: {fault.reason}"
    lines = expression.split("\n")
    if fault.line > len(lines):
        return text
    source = lines[fault.line - 1].replace("\t", " ")
    before, marked = source[: fault.column - 1], source[fault.column - 1 : fault.column]
    dots = "".join("." if character.isascii() else _WIDE_DOT for character in before)
    return f"{text}\n | {source}\n | {dots}{'^' if marked.isascii() else _WIDE_MARK}"


# What the library's parser writes otherwise than upstream's, apart from its grammar.
_REASONS: Final = (
    (r"has\(\) argument must be a field selection", "invalid argument to has() macro"),
    (
        r"cel\.bind\(\) variable name must be a simple identifier",
        "cel.bind() variable names must be simple identifiers",
    ),
    (r"^\w+\(\) (?:first |second )?variable name must be a simple identifier", "argument must be a simple name"),
    (r"^Invalid string literal: .*Unicode value.*", "invalid unicode code point"),
)


def parse_reason(reason: str) -> str:
    """Return a fault of the library's parser in upstream's words."""
    for pattern, text in _REASONS:
        reason = re.sub(pattern, text, reason)
    return reason
