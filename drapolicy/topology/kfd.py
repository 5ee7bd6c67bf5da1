"""Reads what the kernel's driver for AMD GPUs says of a machine: captures of ``/sys/class/kfd/kfd/topology``.

A capture is a folder, a tar archive of it, or one JSON object: by node its ``properties``, ``io_links`` and
``p2p_links``, the links by number, all values as the files have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike, fspath
from typing import Any, Final

from drapolicy.api.values import join
from drapolicy.topology.document import Document
from drapolicy.topology.kfd_graph import topology
from drapolicy.topology.kfd_record import Capture, Link, Node
from drapolicy.topology.kfd_sysfs import is_folder, sysfs
from drapolicy.topology.source import text_of

__all__ = ["NAME", "facts", "is_folder", "parse", "read", "recognises", "topology"]

NAME: Final = "sysfs capture of AMD's KFD"

MOST_NODES: Final = 4096

_PARTS: Final = frozenset({"properties", "io_links", "p2p_links", "mem_banks", "caches", "perf", "gpu_id", "name"})
_LISTS: Final = ("io_links", "p2p_links")
_KINDS: Final = {1: "hypertransport", 2: "pcie", 5: "qpi", 11: "xgmi"}
"""Types of links that machines with GPUs have (Linux, amdkfd/kfd_crat.h)."""


def recognises(text: str) -> bool:
    """Tell whether a text means to be a capture in JSON.

    Examples
    --------
    >>> recognises('{"0": {"properties": {"cpu_cores_count": 64, "simd_count": 0'), recognises("{}")
    (True, False)
    """
    return text.lstrip("\ufeff \t\r\n").startswith("{") and '"simd_count"' in text


def read(path: str | PathLike[str]) -> Capture:
    """Read a capture: a folder, a tar archive or a JSON file.

    Parameters
    ----------
    path
        The folder may be the whole of ``/sys/class/kfd/kfd/topology``, or ``nodes`` in it.

    Raises
    ------
    ParseError
        As `parse`; of a folder or archive with file and line.
    OSError
        If it cannot be opened.
    """
    return _capture(sysfs(path)) if is_folder(path) else parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> Capture:
    """Read a capture in JSON.

    Parameters
    ----------
    text
        The document, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of each node without its properties, value that is no number, number of links that is not
        that of the links, link to what is no node, doubled link, doubled address, and of links that are told
        differently in the two directions.

    Examples
    --------
    >>> capture = parse('{"0": {"properties": {"cpu_cores_count": 64, "simd_count": 0}}}')
    >>> capture.nodes[0].cores
    64
    """
    return _capture(Document(text, file))


def facts(capture: Capture) -> dict[str, Any]:
    """Return the kind of the file; what is counted of the others is not defined for captures."""
    del capture
    return {"kind": "kfd-capture"}


def _capture(document: Document) -> Capture:
    top = document.mapping(document.value, "")
    found: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for key, value in top.items():
        if not (key.isascii() and key.isdigit() and len(key) <= 9 and key == str(int(key))):
            document.fault(join("", key), "is no number of a node; give what is in nodes")
            continue
        found[int(key)] = join("", key), document.mapping(value, join("", key), _PARTS)
    if not found:
        document.fault("", "has no node")
    if len(found) > MOST_NODES:
        document.refuse(f"has {len(found):,} nodes; at most {MOST_NODES:,} are read")
    nodes = tuple(_node(document, number, *found[number]) for number in sorted(found))
    links: dict[tuple[int, int, bool], tuple[Link, str]] = {}
    for node in nodes:
        for link, path in _links(document, node, *found[node.number]):
            ends = (link.start, link.end, link.direct)
            if link.end not in found:
                document.fault(join(path, "node_to"), f"{link.end} is no node; give the whole capture")
            elif link.end == link.start:
                document.fault(join(path, "node_to"), f"{link.end} is the node itself")
            elif ends in links:
                document.fault(join(path, "node_to"), f"{link.end} has a link in {links[ends][1]} too")
            else:
                links[ends] = link, path
    _addresses(document, nodes)
    notes = list(_two_ways(document, {node.number for node in nodes if node.simds}, links))
    document.close()
    return Capture(nodes, tuple(link for link, _ in links.values()), tuple(notes))


def _node(document: Document, number: int, path: str, parts: Mapping[str, Any]) -> Node:
    inside = join(path, "properties")
    if "properties" not in parts:
        document.fault(path, "has no properties; give the whole capture")
        return Node(number, 0, 0)
    told = document.mapping(parts["properties"], inside)

    def value(field: str, most: int, default: int | None = None) -> int:
        if field not in told:
            if default is None:
                document.fault(inside, f"has no {field}")
            return default or 0
        return document.number(told[field], join(inside, field), 0, most)

    for links in _LISTS:
        given = parts.get(links, {})
        count = value(f"{links}_count", MOST_NODES, -1)
        if isinstance(given, dict) and f"{links}_count" in told and count != len(given):
            message = f"{count} is told, but {len(given)} are there; give the whole capture"
            document.fault(join(inside, f"{links}_count"), message)
    cores, simds = value("cpu_cores_count", 2**31), value("simd_count", 2**31)
    place, domain = value("location_id", 2**32 - 1, 0), value("domain", 2**32 - 1, 0)
    # Some kernels put the number of a part of a GPU into the four highest bits, most into the function.
    function = place & 7 or place >> 28
    return Node(
        number=number,
        cores=cores,
        simds=simds,
        location=(domain, place >> 8 & 0xFF, place >> 3 & 0x1F, function),
        hive=value("hive_id", 2**64 - 1, 0),
        unique=value("unique_id", 2**64 - 1, 0),
        gfx=value("gfx_target_version", 2**31, 0),
    )


def _links(document: Document, node: Node, path: str, parts: Mapping[str, Any]) -> Iterator[tuple[Link, str]]:
    for part in _LISTS:
        for key, value in document.mapping(parts.get(part, {}), join(path, part)).items():
            where = join(join(path, part), key)
            told = document.mapping(value, where)
            missing = [field for field in ("type", "node_from", "node_to", "weight") if field not in told]
            if missing:
                document.fault(where, f"has no {', '.join(missing)}")
                continue
            kind = document.number(told["type"], join(where, "type"), 0, 255)
            if kind not in _KINDS:
                known = ", ".join(f"{number} ({name})" for number, name in _KINDS.items())
                document.fault(join(where, "type"), f"{kind} is no type of a link here; known: {known}")
            start = document.number(told["node_from"], join(where, "node_from"), 0, 10**9)
            if start != node.number:
                document.fault(join(where, "node_from"), f"{start} is not the node that has the link, {node.number}")
            link = Link(
                kind=_KINDS.get(kind, ""),
                start=node.number,
                end=document.number(told["node_to"], join(where, "node_to"), 0, 10**9),
                direct=part == "io_links",
                weight=document.number(told["weight"], join(where, "weight"), 0, 2**31),
                least_mb_s=document.number(told.get("min_bandwidth", 0), join(where, "min_bandwidth"), 0, 2**32),
                most_mb_s=document.number(told.get("max_bandwidth", 0), join(where, "max_bandwidth"), 0, 2**32),
            )
            yield link, where


def _addresses(document: Document, nodes: tuple[Node, ...]) -> None:
    first: dict[tuple[int, int, int, int], int] = {}
    for node in nodes:
        if node.simds and first.setdefault(node.location, node.number) != node.number:
            path = join(join(join("", str(node.number)), "properties"), "location_id")
            document.fault(path, f"is that of node {first[node.location]} too")


def _two_ways(
    document: Document, gpus: set[int], links: Mapping[tuple[int, int, bool], tuple[Link, str]]
) -> Iterator[str]:
    """Fault links that the two ends tell differently; yield what only one end tells and may well do so."""
    for (start, end, direct), (link, path) in links.items():
        back, place = links.get((end, start, direct), (None, ""))
        if back is None:
            if link.kind == "xgmi" and {start, end} <= gpus:
                document.fault(path, f"leads from {start} to {end}, and nothing back")
            else:
                yield f"{path}: leads from node {start} to {end}, and nothing back"
            continue
        if start > end:
            continue
        for field, mine, theirs in (
            ("type", link.kind, back.kind),
            ("weight", link.weight, back.weight),
            ("max_bandwidth", link.most_mb_s, back.most_mb_s),
        ):
            # The firmware's distances between sockets may differ by direction.
            if mine != theirs and not (field == "weight" and not {start, end} & gpus):
                document.fault(path, f"{field} is {mine}, but {place} says {theirs} for the way back")
