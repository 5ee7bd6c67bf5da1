"""Names from outside made fit to be shown: one line, no characters that XML forbids, no surprises in direction."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: object, limit: int = 80) -> str:
    r"""Return a text as one line of visible characters, cut in the middle at a limit.

    Control characters, lone surrogates, non-characters and marks that turn the direction of writing become U+FFFD:
    XML forbids the first three, and the last could make one name look like another.

    Parameters
    ----------
    text
        Anything; its ``str`` is shown.
    limit
        Greatest number of characters.

    Examples
    --------
    >>> printable("gpu\x00-0"), printable("a" * 9 + "b", limit=5)
    ('gpu\ufffd-0', 'aa…ab')
    """
    shown = "".join(" " if c in "\n\r\t" else "\ufffd" if unicodedata.category(c) in _HIDDEN else c for c in str(text))
    if len(shown) <= limit:
        return shown
    head = (limit - 1) // 2
    return f"{shown[:head]}…{shown[len(shown) - (limit - 1 - head) :]}"


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "seed"), counted(1_000, "cell"), counted(0, "pod")
    ('1 seed', '1,000 cells', '0 pods')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def instead(name: str, known: Iterable[str]) -> str:
    """Return what may be given instead of a name that is unknown: those that are spelt alike first.

    Examples
    --------
    >>> instead("paking", ["packing", "random"]), instead("x", ["packing", "random"])
    ('did you mean packing? Known are packing, random', 'use one of packing, random')
    """
    every = list(known)
    alike = get_close_matches(name.lower(), every, 2)
    return (
        f"did you mean {' or '.join(alike)}? Known are {', '.join(every)}"
        if alike
        else f"use one of {', '.join(every)}"
    )


def distinct(names: Iterable[str], limit: int = 40) -> dict[str, str]:
    r"""Return a printable form of each name; names that would look alike get a number.

    Examples
    --------
    >>> distinct(["a", "b\x00", "b\x01"])
    {'a': 'a', 'b\x00': 'b\ufffd', 'b\x01': 'b\ufffd (2)'}
    """
    found: dict[str, str] = {}
    for name in names:
        shown = short = printable(name, limit)
        number = 2
        while shown in found.values():
            shown = f"{short} ({number})"
            number += 1
        found[name] = shown
    return found
