"""Heat maps of a fleet over time: a small picture with a pixel for each row of nodes and point of time."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from drapolicy.evaluate.cell import Cell
from drapolicy.text import printable

_RGB = (0x00, 0x72, 0xB2)
_AWAY = 255
_AWAY_RGB = (0xD5, 0x5E, 0x00)


@dataclass(frozen=True)
class HeatMap:
    """What the page shows of one cell.

    Attributes
    ----------
    policy
        As it is shown.
    picture
        Address with the picture in it.
    rows, columns
        Its size in pixels.
    first, last
        Names of the nodes that the first row and the last row begin with.
    label
        In words.
    """

    policy: str
    picture: str
    rows: int
    columns: int
    first: str
    last: str
    label: str


def heat_map(cell: Cell, policy: str) -> HeatMap | None:
    """Return the heat map of a cell; None where its fleet has no devices of one node."""
    rows = len(cell.heat_nodes)
    if not rows or len(cell.heat) % rows or not cell.heat:
        return None
    columns = len(cell.heat) // rows
    there = [value for value in cell.heat if value >= 0]
    mean = sum(there) / len(there) if there else 0.0
    full = 100 * sum(value >= 100 for value in there) / len(there) if there else 0.0
    gone = ", nodes that are away in orange" if len(there) < len(cell.heat) else ""
    return HeatMap(
        policy,
        "data:image/png;base64," + base64.b64encode(png(cell.heat, columns)).decode(),
        rows,
        columns,
        printable(cell.heat_nodes[0], 40),
        printable(cell.heat_nodes[-1], 40),
        f"{policy}, seed {cell.seed}: devices held by node over time; {mean:.0f} % on average, full nodes "
        f"{full:.0f} % of the time{gone}.",
    )


def png(values: Sequence[int], columns: int) -> bytes:
    """Return numbers as a picture, row after row: 0 is transparent, 100 is blue, what is below 0 is orange.

    Parameters
    ----------
    values
        From -1 to 100.
    columns
        Pixels to a row.

    References
    ----------
    ISO/IEC 15948 (PNG), section 11: a palette of 8 bits, with transparency.
    """
    rows = len(values) // columns
    levels = bytes(_AWAY if value < 0 else min(value, 100) for value in values)
    lines = b"".join(b"\0" + levels[row * columns : (row + 1) * columns] for row in range(rows))
    palette = bytes(_RGB) * _AWAY + bytes(_AWAY_RGB)
    # A little of every colour shows, so that a node that is nearly empty can be told from one that is.
    opacity = bytes(0 if not k else 20 + 235 * min(k, 100) // 100 for k in range(_AWAY)) + b"\xff"
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"tRNS", opacity),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, body = chunk
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
