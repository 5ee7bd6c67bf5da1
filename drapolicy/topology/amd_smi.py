"""Reads what ``amd-smi topology`` prints, as text or as JSON: experimental, after the pages of AMD alone.

Sources: the change log of AMD SMI for ROCm 6.1.1 (JSON) and the guide of its command line (tables). The text names GPUs
by PCI address only; the JSON numbers them, too. Neither tells NUMA nodes.
"""

from __future__ import annotations

import re
from itertools import combinations
from os import PathLike, fspath
from typing import Any, Final

from drapolicy.errors import Fault, ParseError
from drapolicy.topology.amd_links import AmdLinks, Link
from drapolicy.topology.graph import Topology
from drapolicy.topology.source import json_of, refusal, text_of
from drapolicy.topology.tables import Words, find, stray_rows

NAME = "amd-smi topology"

ACCESS: Final = "ACCESS"
WEIGHT: Final = "WEIGHT"
HOPS: Final = "HOPS"
TYPE: Final = "LINK TYPE"
BANDWIDTH: Final = "NUMA BW"

_ADDRESS: Final = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.IGNORECASE)
_ROW: Final = re.compile(rf"\s*{_ADDRESS.pattern}(\s+[\w/-]+)+\s*", re.IGNORECASE)
_TITLE: Final = re.compile(r"^[ \t]*(WEIGHT|HOPS|LINK TYPE) TABLE:", re.MULTILINE)
_OTHERS: Final = ("CACHE COHERANCY", "CACHE COHERENCY", "ATOMICS", "DMA", "BI-DIRECTIONAL")
_TITLES: Final = {
    title: re.compile(rf"^\s*{title} TABLE:") for title in (ACCESS, WEIGHT, HOPS, TYPE, BANDWIDTH, *_OTHERS)
}
_STATE: Final = Words("ENABLED|DISABLED|N/A", "one of ENABLED, DISABLED, N/A")
_NUMBER: Final = Words(r"\d{1,9}|N/A", "a number or N/A")
_NOUGHT: Final = Words("0|N/A", "0 or N/A")
_RANGE: Final = Words(r"\d{1,9}-\d{1,9}|N/A", "MB/s from-to or N/A")
_KIND: Final = Words("XGMI|PCIE|INTERNAL|UNKNOWN|N/A", "one of XGMI, PCIE, INTERNAL, UNKNOWN, N/A")
_ALLOWED: Final = {
    ACCESS: (_STATE, _STATE),
    WEIGHT: (_NUMBER, _NOUGHT),
    HOPS: (_NUMBER, _NOUGHT),
    TYPE: (_KIND, Words("SELF", "SELF")),
    BANDWIDTH: (_RANGE, _RANGE),
}
"""What a cell between two GPUs may say, and one of a GPU and itself."""

_FIELDS: Final = {
    "link_type": TYPE,
    "weight": WEIGHT,
    "num_hops": HOPS,
    "bandwidth": BANDWIDTH,
    "link_status": ACCESS,
}
"""Field of a link in the JSON, and the table of the text that says the same."""


def recognises(text: str) -> bool:
    """Tell whether a text is of amd-smi and about links, faulty or not."""
    start = text.lstrip()[:1]
    if start == "[":
        return '"link_type"' in text and '"bdf"' in text
    return start not in ("<", "{") and _TITLE.search(text) is not None


def read(path: str | PathLike[str]) -> AmdLinks:
    """Read a file with the output of ``amd-smi topology``, or that with ``--json``.

    Raises
    ------
    ParseError, OSError
        As `parse`, or if the file cannot be read.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> AmdLinks:
    """Read the output of ``amd-smi topology``, or that with ``--json``.

    The types of the links must be there; what else was not asked for may be absent.

    Raises
    ------
    ParseError
        With line and column of every fault of a table, or with the fields of the JSON.
    """
    return _of_json(json_of(text, file), file) if text.lstrip().startswith("[") else _of_text(text, file)


def topology(links: AmdLinks, product: str = "", *, host: str = "host") -> Topology:
    """Make a graph of one host; see `AmdLinks.topology`."""
    return links.topology(product, host=host)


def facts(links: AmdLinks) -> dict[str, Any]:
    """Count the texts between different GPUs, both ways, in each table."""
    return {"kind": "amd-smi", "experimental": True, **links.counts()}


def _of_text(text: str, file: str) -> AmdLinks:
    tables = find(text, file, _TITLES, _ADDRESS)
    for title, (allowed, itself) in _ALLOWED.items():
        tables.check(title, allowed, itself)
    if TYPE not in tables.found:
        tables.fault("", 1, f"has no table {TYPE!r}; give the output of {NAME} as it was printed")
    stray_rows(tables, text, _ROW)
    if tables.faults:
        raise ParseError(faults=tables.faults)
    names = tables.found[TYPE].names
    links = {}
    for (d, a), (e, b) in combinations(enumerate(names), 2):
        links[d, e] = _link({title: table.cells[a, b].text for title, table in tables.found.items()})
    addresses = tuple(name.lower() for name in names)
    return _links(addresses, links, addresses, (None,) * len(names))


def _of_json(value: Any, file: str) -> AmdLinks:
    if not all(isinstance(gpu, dict) and isinstance(gpu.get("links"), list) for gpu in value) or not value:
        raise refusal(file, f"is not a list of GPUs with 'links'; give the output of {NAME} --json since ROCm 6.1.1")
    faults: list[Fault] = []

    def fault(path: str, message: str) -> None:
        faults.append(Fault(file, -1, "", path, message))

    def whose(path: str, item: Any) -> tuple[int, str]:
        number, address = (item.get("gpu"), item.get("bdf")) if isinstance(item, dict) else (None, None)
        if type(number) is not int or not 0 <= number < 4096:
            fault(f"{path}.gpu", f"{number!r} is not the number of a GPU")
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            fault(f"{path}.bdf", f"{address!r} is not a PCI address like 0000:10:1c.0")
        return (number or 0, str(address).lower())

    gpus = [whose(f"[{i}]", gpu) for i, gpu in enumerate(value)]
    told: dict[tuple[int, int], dict[str, str]] = {}
    for i, gpu in enumerate(value):
        others = [whose(f"[{i}].links[{j}]", link) for j, link in enumerate(gpu["links"])]
        if faults:
            continue
        if sorted(others) != sorted(gpus) or len(set(gpus)) != len(gpus):
            fault(f"[{i}].links", "does not name each GPU of the list once; give the whole output")
            continue
        for j, (link, other) in enumerate(zip(gpu["links"], others, strict=True)):
            texts = {title: str(link[key]) for key, title in _FIELDS.items() if key in link}
            e = gpus.index(other)
            for key, title in _FIELDS.items():
                allowed = _ALLOWED[title][i == e]
                if key == "link_type" and key not in link:
                    fault(f"[{i}].links[{j}].{key}", "is missing; give the whole output")
                elif title in texts and not allowed.fit(texts[title]):
                    fault(f"[{i}].links[{j}].{key}", f"{texts[title]!r} is not {allowed.told}")
            pair = (min(i, e), max(i, e))
            if told.setdefault(pair, texts) != texts:
                fault(f"[{i}].links[{j}]", f"does not say what [{pair[0]}] says of the same pair")
    if faults:
        raise ParseError(faults=faults)
    links = {pair: _link(texts) for pair, texts in sorted(told.items()) if pair[0] != pair[1]}
    indexes = tuple(number for number, _ in gpus)
    return _links(tuple(f"GPU{d}" for d in indexes), links, tuple(address for _, address in gpus), indexes)


def _link(told: dict[str, str]) -> Link:
    def number(text: str) -> int | None:
        return None if text in ("", "N/A") else int(text)

    least, _, most = told.get(BANDWIDTH, "").partition("-")
    return Link(
        told[TYPE],
        weight=number(told.get(WEIGHT, "")),
        hops=number(told.get(HOPS, "")),
        least_mb_s=number(least),
        most_mb_s=number(most),
        disabled=told.get(ACCESS) == "DISABLED",
    )


def _links(
    names: tuple[str, ...], links: dict[tuple[int, int], Link], pci: tuple[str, ...], index: tuple[int | None, ...]
) -> AmdLinks:
    return AmdLinks(names, links, pci, ("",) * len(names), index, NAME, experimental=True)
