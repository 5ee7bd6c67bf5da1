"""Parameters of what can be generated: integers, words, lengths, text; from Python or from a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drapolicy.topology.graph import Rule, integer, is_text


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a kind.

    Attributes
    ----------
    what
        What it is.
    default
        Its value where none is given.
    rule
        What values must be.
    read
        Reads a value from text; what it cannot read it returns, for the rule to refuse.
    means
        Values by their other names, in lower case.
    """

    what: str
    default: Any
    rule: Rule
    read: Callable[[str], Any]
    means: Mapping[str, str] = field(default_factory=dict)

    def meant(self, value: Any) -> Any:
        """Return the value that is given, or that what is given is another name of."""
        return self.means.get(value.lower(), value) if isinstance(value, str) else value


def whole(what: str, default: int, least: int, most: int) -> Param:
    """Return a parameter that is an integer of a range."""
    return Param(what, default, integer(least, most), _read_int)


def word(what: str, default: str, words: tuple[str, ...], means: Mapping[str, str] | None = None) -> Param:
    """Return a parameter that is one of some words; `means` has other names of them, in lower case."""
    rule = Rule(lambda value: value in words, f"one of {', '.join(map(repr, words))}")
    return Param(what, default, rule, str, means or {})


def lengths(what: str, default: tuple[int, ...], least: int, must: str) -> Param:
    """Return a parameter that is a tuple of lengths, at least so many and at most six."""

    def holds(value: object) -> bool:
        one = integer(1, 1024)
        return isinstance(value, tuple) and least <= len(value) <= 6 and all(map(one.holds, value))

    def read(text: str) -> tuple[int | str, ...]:
        return tuple(map(_read_int, text.replace("x", ",").split(","))) if text else ()

    return Param(what, default, Rule(holds, must), read)


def flag(what: str, default: bool) -> Param:
    """Return a parameter that is True or False."""
    return Param(what, default, Rule(lambda value: isinstance(value, bool), "True or False"), _read_bool)


def text(what: str, default: str) -> Param:
    """Return a parameter that is text of one line."""
    return Param(what, default, Rule(is_text, "text of one line"), str)


def _read_int(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _read_bool(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)
