"""Reads what ``rocm-smi --showtopo`` prints, as text or as JSON, and its single parts such as ``--showtopotype``."""

from __future__ import annotations

import re
from itertools import combinations
from os import PathLike, fspath
from typing import Any, Final

from drapolicy.errors import Fault, ParseError
from drapolicy.topology.amd_links import AmdLinks, Link
from drapolicy.topology.graph import Topology
from drapolicy.topology.listing import GPU, lines_of
from drapolicy.topology.source import json_of, refusal, text_of
from drapolicy.topology.tables import Tables, Words, find, stray_rows

NAME = "rocm-smi --showtopo"

WEIGHT: Final = "Weight"
HOPS: Final = "Hops"
TYPE: Final = "Link Type"

_TITLES: Final = {
    title: re.compile(rf"(?:^|[=-])[ \t]*{title} between two GPUs[ \t\r]*(?:$|[=-])", re.MULTILINE)
    for title in (WEIGHT, HOPS, TYPE)
}
_NUMBER: Final = Words(r"\d{1,9}", "a number")
_ALLOWED: Final = {WEIGHT: _NUMBER, HOPS: _NUMBER, TYPE: Words("XGMI|PCIE|XXXX", "one of XGMI, PCIE, XXXX")}
_ITSELF: Final = Words("0", "0")
_NUMA: Final = re.compile(r"^\s*GPU ?\[?(\d+)\]?\s*:\s*\(Topology\) Numa (Node|Affinity): *(\S*)")
_NUMA_NODE: Final = re.compile(r"-?\d+")
_PAIR: Final = re.compile(r"\(Topology\) (Weight|Hops|Link type) between DRM devices (\d{1,4}) and (\d{1,4})")
_ANY_PAIR: Final = re.compile(r"\(Topology\) [A-Za-z ]+ between DRM devices \d+ and \d+")
_CARD: Final = re.compile(r"card(\d+)")
_ROW: Final = re.compile(r"\s*GPU\d+(\s+(\d+|XGMI|PCIE|XXXX))+\s*")


def recognises(text: str) -> bool:
    """Tell whether a text is of rocm-smi and about links, faulty or not."""
    start = text.lstrip()[:1]
    if start == "{":
        return "between DRM devices" in text
    plain = "\n".join(lines_of(text))
    return start != "<" and any(title.search(plain) for title in _TITLES.values())


def read(path: str | PathLike[str]) -> AmdLinks:
    """Read a file with the output of ``rocm-smi --showtopo``, or that with ``--json``.

    Raises
    ------
    ParseError, OSError
        As `parse`, or if the file cannot be read.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> AmdLinks:
    r"""Read the output of ``rocm-smi --showtopo``, or that with ``--json``.

    The table of link types must be there; weights, hops and NUMA nodes may be absent as a whole.

    Raises
    ------
    ParseError
        With line and column of every ragged, missing or doubled row, unknown text, and pair of cells that contradict
        each other; or with the fields of the JSON.

    Examples
    --------
    >>> links = parse("== Link Type between two GPUs ==\n GPU0 GPU1\nGPU0 0 XGMI\nGPU1 XGMI 0\n")
    >>> links.links[0, 1].kind
    'XGMI'
    """
    return _of_json(json_of(text, file), file) if text.lstrip().startswith("{") else _of_text(text, file)


def topology(links: AmdLinks, product: str = "", *, host: str = "host") -> Topology:
    """Make a graph of one host; see `AmdLinks.topology`."""
    return links.topology(product, host=host)


def facts(links: AmdLinks) -> dict[str, Any]:
    """Count the texts between different GPUs, both ways, in each table, and list the NUMA nodes."""
    return {"kind": "rocm-smi", **links.counts(), "numa": [numa for numa in links.numa if numa]}


def _of_text(text: str, file: str) -> AmdLinks:
    tables = find(text, file, _TITLES, GPU)
    for title, allowed in _ALLOWED.items():
        tables.check(title, allowed, _ITSELF)
    if TYPE not in tables.found:
        tables.fault("", 1, f"has no table {TYPE!r}; give the output of {NAME} as it was printed")
    names = next((table.names for table in tables.found.values()), ())
    numa = _numa_of_text(text, tables, names)
    stray_rows(tables, text, _ROW)
    if tables.faults:
        raise ParseError(faults=tables.faults)

    def cell(title: str, a: str, b: str) -> str:
        return tables.found[title].cells[a, b].text if title in tables.found else ""

    links = {
        (d, e): _link(cell(TYPE, a, b), cell(WEIGHT, a, b), cell(HOPS, a, b))
        for (d, a), (e, b) in combinations(enumerate(names), 2)
    }
    return _links(names, links, numa)


def _numa_of_text(text: str, tables: Tables, names: tuple[str, ...]) -> dict[str, str]:
    numa: dict[str, str] = {}
    last = 0
    for number, line in enumerate(lines_of(text), 1):
        match = _NUMA.match(line)
        if not match:
            continue
        last = number
        name, what, value = f"GPU{match[1]}", f"Numa {match[2]}", match[3]
        if name not in names:
            tables.fault(what, number, f"{name} is in no table")
        elif not _NUMA_NODE.fullmatch(value):
            tables.fault(f"{what}, {name}", number, f"{value!r} is not a number", match.start(3) + 1)
        elif match[2] == "Node" and numa.setdefault(name, value) != value:
            tables.fault(f"{what}, {name}", number, f"is {value}, but was {numa[name]} before", match.start(3) + 1)
    if last and not tables.faults:
        for name in names:
            if name not in numa:
                tables.fault(f"Numa Node, {name}", last, "is missing; give the whole output")
    return numa


def _of_json(value: Any, file: str) -> AmdLinks:
    system = value.get("system") if isinstance(value, dict) else None
    if not isinstance(system, dict):
        raise refusal(file, f"has no object 'system'; give the output of {NAME} --json", "system")
    faults: list[Fault] = []
    told: dict[tuple[str, int, int], str] = {}
    indexes: set[int] = set()

    def fault(path: str, message: str) -> None:
        faults.append(Fault(file, -1, "", path, message))

    for key, text in system.items():
        match = _PAIR.fullmatch(key)
        if not match:
            if ("Topology" in key or "DRM devices" in key) and not _ANY_PAIR.fullmatch(key):
                fault(f"system.{key}", "is nothing between two DRM devices")
            continue
        title = TYPE if match[1] == "Link type" else match[1]
        d, e = sorted(map(int, match.groups()[1:]))
        indexes |= {d, e}
        if d == e or not _ALLOWED[title].fit(str(text)):
            fault(f"system.{key}", f"{text!r} is not {_ALLOWED[title].told}, for two devices")
        elif told.setdefault((title, d, e), str(text)) != str(text):
            fault(f"system.{key}", f"is {text}, but {told[title, d, e]} the other way")
    order = sorted(indexes)
    present = {title for title, _, _ in told} | {TYPE}
    for title in sorted(present):
        for d, e in combinations(order, 2):
            if (title, d, e) not in told and not faults:
                fault("system", f"{title} between devices {d} and {e} is missing; give the whole output")
    numa = {}
    for card, fields in value.items():
        node = fields.get("(Topology) Numa Node") if isinstance(fields, dict) else None
        if (match := _CARD.fullmatch(card)) and node is not None:
            numa[f"GPU{match[1]}"] = str(node)
            if not _NUMA_NODE.fullmatch(str(node)):
                fault(f"{card}.(Topology) Numa Node", f"{node!r} is not a number")
    for d in order if numa and not faults else ():
        if f"GPU{d}" not in numa:
            fault(f"card{d}", "has no (Topology) Numa Node; give the whole output")
    if faults:
        raise ParseError(faults=faults)
    links = {
        (d, e): _link(told[TYPE, a, b], told.get((WEIGHT, a, b), ""), told.get((HOPS, a, b), ""))
        for (d, a), (e, b) in combinations(enumerate(order), 2)
    }
    return _links(tuple(f"GPU{d}" for d in order), links, numa)


def _link(kind: str, weight: str, hops: str) -> Link:
    return Link(kind, int(weight) if weight else None, int(hops) if hops else None)


def _links(names: tuple[str, ...], links: dict[tuple[int, int], Link], numa: dict[str, str]) -> AmdLinks:
    return AmdLinks(
        names=names,
        links=links,
        pci=("",) * len(names),
        numa=tuple(numa.get(name, "") for name in names),
        index=tuple(int(name.removeprefix("GPU")) for name in names),
        tool=NAME,
    )
