"""Reads the matrix of ``xpu-smi topology -m``: experimental, after the pages of Intel alone.

Source: the user guides of XPU System Management Interface 1 and 2. Cells are separated by bars; rows and columns are
tiles (``GPU 1/0``: tile 0 of card 1) and NICs, the last column is the CPU affinity.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from os import PathLike, fspath
from typing import Any, Final

from drapolicy.errors import InputError, ParseError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LinkKind
from drapolicy.topology.listing import lines_of
from drapolicy.topology.products import LinkRates, link_rates
from drapolicy.topology.rates import MDF, XE_LINK
from drapolicy.topology.source import text_of
from drapolicy.topology.tables import Table, Tables, Words, take

NAME = "xpu-smi topology -m"

LANES: Final = 4
"""Lanes of one Xe Link (xpu-smi discovery: Number of Lanes per Xe Link port)."""

_TABLE: Final = "matrix"
_LETTERS: Final = Words(r"MDF|XL\d{1,3}|XL\*|PIX|PXB|PHB|NODE|SYS", "one of MDF, XL#, XL*, PIX, PXB, PHB, NODE, SYS")
_ITSELF: Final = Words("S", "S")
_HEADER: Final = re.compile(r"[ \t|]*(GPU \d+/\d+ *(\||$)[ \t]*)+(?!\S* *\|)")
_TILE: Final = re.compile(r"GPU (\d{1,4})/(\d{1,4})")
_CPUS: Final = re.compile(r"\s*(\d+(-\d+)?(,\d+(-\d+)?)*)?\s*")
# A space inside a name would part it; the name is as long with a dot.
_JOINED: Final = re.compile(r"GPU·\d{1,4}/\d{1,4}|NIC\d{1,4}")


@dataclass(frozen=True)
class XpuMatrix:
    """One machine as ``xpu-smi topology -m`` shows it; all tuples are in the order of its columns.

    Attributes
    ----------
    names
        Tiles and NICs as the columns name them; D in all.
    letters
        D × D paths in xpu-smi's letters, symmetric; ``S`` on the diagonal only.
    cpu_affinity
        Per device its CPUs as printed; empty where there are none.
    """

    names: tuple[str, ...]
    letters: tuple[tuple[str, ...], ...]
    cpu_affinity: tuple[str, ...]

    def card(self, d: int) -> str:
        """Return the number of the card that a tile is of; empty for NICs."""
        match = _TILE.fullmatch(self.names[d])
        return match[1] if match else ""

    def lanes(self, d: int, e: int) -> int:
        """Return the Xe Link lanes that join two tiles; of ``XL*``, the most that other tiles of their cards have."""
        if self.letters[d][e] != "XL*":
            return _lanes(self.letters[d][e])
        here, there = ([a for a in range(len(self.names)) if self.card(a) == self.card(x)] for x in (d, e))
        return max(_lanes(self.letters[a][b]) for a in here for b in there)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is in doubt, one sentence each."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield f"{NAME}: experimental, read after the vendor's documentation, not after captures"
        for d, e in combinations(range(len(self.names)), 2):
            if self.letters[d][e].startswith("XL") and not self.lanes(d, e):
                yield f"{self.names[d]} - {self.names[e]}: no edge, as no Xe Link joins their cards"


def recognises(text: str) -> bool:
    """Tell whether a text has a matrix of xpu-smi, faulty or not."""
    return text.lstrip()[:1] not in ("{", "[", "<") and any(map(_HEADER.match, lines_of(text)))


def read(path: str | PathLike[str]) -> XpuMatrix:
    """Read a file with the output of ``xpu-smi topology -m``.

    Raises
    ------
    ParseError, OSError
        As `parse`, or if the file cannot be read.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> XpuMatrix:
    """Read the output of ``xpu-smi topology -m``; text around the matrix is passed over.

    Raises
    ------
    ParseError
        With line and column of every ragged, missing or doubled row, unknown letter, and pair of cells that
        contradict each other.
    """
    lines = lines_of(text)
    heads = [i for i, line in enumerate(lines) if _HEADER.match(line)]
    tables = Tables(file)
    cpus: dict[str, str] = {}
    if heads:
        plain = [_plain(line, cpus) for line in lines]
        table = take(tables, plain, Table(_TABLE, heads[0]), (*heads, len(lines))[1], _JOINED)
        tables.found[_TABLE] = table
        tables.check(_TABLE, _LETTERS, _ITSELF)
    else:
        tables.fault(
            "", 1, f"has no line that names tiles, such as GPU 0/0; give the output of {NAME} as it was printed"
        )
    for i in heads[1:]:
        tables.fault(_TABLE, i + 1, "a second matrix starts here; give one machine at a time")
    if tables.faults:
        raise ParseError(
            faults=[replace(f, object=_spaced(f.object), message=_spaced(f.message)) for f in tables.faults]
        )
    names = table.names
    return XpuMatrix(
        names=tuple(map(_spaced, names)),
        letters=tuple(tuple(table.cells[a, b].text for b in names) for a in names),
        cpu_affinity=tuple(cpus.get(name, "") for name in names),
    )


def topology(matrix: XpuMatrix, product: str = "", *, host: str = "host") -> Topology:
    """Make a graph of one host: an edge between each two devices, and all of them inside the host.

    Parameters
    ----------
    matrix
        What `parse` gives.
    product
        Product name of the GPUs; decides what PCIe carries, see `link_rates`.
    host
        Name of the host's vertex; must differ from the devices' names.

    Raises
    ------
    InputError
        If the host's name is a device's.

    Notes
    -----
    Tiles of a card are vertices of their own; the only tile of a card has the card's number as ``index``. A way over a
    neighbouring tile (``XL*``) shares that tile's links and counts as half of them: a convention, not measured.
    """
    import networkx as nx

    if host in matrix.names:
        raise InputError(f"host {host}: is already the name of a device; rename one")
    rates = link_rates(product)
    graph: nx.Graph[str] = nx.Graph(
        product=product, pcie_generation=rates.pcie_generation, tool=NAME, experimental=True, notes=matrix.notes
    )
    cards = Counter(matrix.card(d) for d in range(len(matrix.names)))
    for d, name in enumerate(matrix.names):
        card = matrix.card(d)
        alone = {"index": int(card)} if card and cards[card] == 1 else {}
        graph.add_node(name, kind="gpu" if card else "nic", **alone)
    graph.add_node(host, kind="host")
    for d, name in enumerate(matrix.names):
        graph.add_edge(name, host, kind=INSIDE, count=1, bandwidth_mb_s=0)
        for e in range(d):
            edge = _edge(matrix.letters[d][e], matrix.lanes(d, e), rates)
            if edge:
                graph.add_edge(matrix.names[e], name, **edge)
    return Topology(graph)


def facts(matrix: XpuMatrix) -> dict[str, Any]:
    """Count the paths between tiles, and between tiles and NICs, by their letters."""
    tiles = [d for d in range(len(matrix.names)) if matrix.card(d)]
    nics = [d for d in range(len(matrix.names)) if not matrix.card(d)]
    return {
        "kind": "xpu-smi",
        "experimental": True,
        "columns": list(matrix.names),
        "gpus": len({matrix.card(d) for d in tiles}),
        "tiles": len(tiles),
        "nics": len(nics),
        "tile_pairs": dict(Counter(matrix.letters[d][e] for d, e in combinations(tiles, 2))),
        "tile_nic": dict(Counter(matrix.letters[d][e] for d in tiles for e in nics)),
    }


def _plain(line: str, cpus: dict[str, str]) -> str:
    """Put spaces for the bars, so that columns stay where they are, and take the affinity off the line's end."""
    line = re.sub(r"GPU (?=\d)", "GPU·", line)
    head, bar, last = line.rpartition("|")
    if bar and (_CPUS.fullmatch(last) or last.strip() == "CPU Affinity"):
        cpus[head.replace("|", " ").split(maxsplit=1)[0] if head.strip(" |") else ""] = last.strip()
        line = head
    return line.replace("|", " ")


def _spaced(text: str) -> str:
    return text.replace("GPU·", "GPU ")


def _lanes(letters: str) -> int:
    return int(letters[2:]) if re.fullmatch(r"XL\d+", letters) else 0


def _edge(letters: str, lanes: int, rates: LinkRates) -> dict[str, Any]:
    if letters == "MDF":
        return {"kind": LinkKind.C2C.value, "count": 1, "bandwidth_mb_s": MDF.bandwidth_mb_s}
    if not letters.startswith("XL"):
        kind = LinkKind(letters)
        return {"kind": kind.value, "count": 1, "bandwidth_mb_s": rates.bandwidth_mb_s(kind)}
    bandwidth_mb_s = XE_LINK.bandwidth_mb_s * lanes // LANES // (2 if letters == "XL*" else 1)
    return (
        {"kind": LinkKind.XE.value, "count": max(lanes // LANES, 1), "bandwidth_mb_s": bandwidth_mb_s} if lanes else {}
    )
