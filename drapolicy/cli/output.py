"""What commands write: tables for people, YAML and JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import isfinite
from typing import Any

_WIDE = 100_000


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


class Text(StrEnum):
    """How objects are written."""

    YAML = "yaml"
    JSON = "json"


class Picture(StrEnum):
    """How a picture of a machine is written."""

    JSON = "json"
    TABLE = "table"
    NVIDIA_SMI = "nvidia-smi"


def plain(text: str) -> str:
    r"""Return text from an input so that it cannot steer the terminal: what is not printable is escaped.

    Examples
    --------
    >>> print(plain("gpu\x1b[2J"))
    gpu\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def on_terminal() -> bool:
    """Whether a person reads the output; otherwise it has no colours and is as wide as its content."""
    return sys.stdout.isatty()


def print_table(
    head: Sequence[str], rows: Iterable[Sequence[str | Iterable[str]]], *, title: str = "", right: Iterable[int] = ()
) -> None:
    """Print rows below a head; nothing in a cell is taken for markup.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        Cells; a cell of several texts has a line for each on a terminal, and one line elsewhere.
    title
        Above the table.
    right
        Columns of numbers, by position.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = on_terminal()
    # Off a terminal not even FORCE_COLOR and COLUMNS count: programs read this.
    console = Console(
        highlight=False,
        markup=False,
        emoji=False,
        width=None if terminal else _WIDE,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold", show_edge=False)
    numeric = set(right)
    lines = [[[cell] if isinstance(cell, str) else list(cell) for cell in row] for row in rows]
    # Names that fit stay in one piece, whatever that leaves to the other columns.
    names = max((len(text) for cells in lines for text in cells[0]), default=0)
    for position, name in enumerate(head):
        table.add_column(
            Text(name),
            justify="right" if position in numeric else "left",
            overflow="fold",
            min_width=min(names, 24) if position == 0 else None,
        )
    for cells in lines:
        table.add_row(*(Text(("\n" if terminal else "; ").join(map(plain, cell))) for cell in cells))
    if title:
        console.print(Text(plain(title), style="bold"))
    if terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def shortly(names: Sequence[str]) -> str:
    """Return the first names of many in one text, with the number of the others.

    Examples
    --------
    >>> shortly(["a", "b", "c", "d", "e"])
    'a, b, c, d and 1 more'
    """
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4:,} more" if len(names) > 4 else shown


def print_line(text: str = "") -> None:
    """Print a line for people, with what steers terminals escaped."""
    sys.stdout.write(plain(text) + "\n")


def note(text: str) -> None:
    """Print lines for people beside the output."""
    sys.stderr.write("".join(plain(line) + "\n" for line in text.splitlines()))


def print_data(value: Any, how: Format) -> None:
    """Print plain values as YAML or JSON, in one piece; numbers that are not finite become null."""
    value = _finite(value)
    if how is Format.JSON:
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        return
    import yaml

    sys.stdout.write(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
