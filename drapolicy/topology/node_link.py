"""Saves a picture of a machine as JSON and reads it back: node-link data, as `networkx.node_link_data` lays it out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from drapolicy.api.files import write_whole
from drapolicy.errors import Fault, InputError, ParseError
from drapolicy.topology.graph import Topology
from drapolicy.topology.source import json_of, refusal, text_of

if TYPE_CHECKING:
    import networkx as nx

NAME: Final = "drapolicy topology"

FORMAT: Final = "drapolicy/topology"
VERSION: Final = 1

MOST_BYTES: Final = 256 << 20
"""Largest file that `load` reads."""

MOST_ROWS: Final = 1 << 22
"""Vertices, and links, that a file may have."""

_FIXED: Final = {"format": FORMAT, "version": VERSION, "directed": False, "multigraph": False}
_LISTS: Final = ("nodes", "edges")
_DEEPEST: Final = 8


def recognises(text: str) -> bool:
    """Tell whether a text is a saved picture, of any version."""
    return text.lstrip("\ufeff \t\r\n").startswith("{") and f'"{FORMAT}"' in text


def dumps(topology: Topology) -> str:
    """Write a picture as JSON text, a vertex or link a line.

    Returns
    -------
    str
        The same for the same picture: vertices in their order, links by theirs, fields by name.
        ``networkx.node_link_graph(json.loads(text), edges="edges")`` reads it too.
    """
    graph = topology.graph
    place = {name: n for n, name in enumerate(graph)}
    head = {**_FIXED, "graph": graph.graph}
    links = []
    for one, other, data in graph.edges(data=True):
        a, b = sorted((one, other), key=place.__getitem__)
        links.append({"source": a, "target": b, **data})
    links.sort(key=lambda link: (place[link["source"]], place[link["target"]]))
    parts = [f" {json.dumps(key)}: {_line(value)}" for key, value in head.items()]
    parts.append(_rows("nodes", [{"id": name, **data} for name, data in graph.nodes(data=True)]))
    parts.append(_rows("edges", links))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def save(topology: Topology, path: str | PathLike[str]) -> None:
    """Write a picture to a file, which is whole or as it was before.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    write_whole(Path(path), lambda place: place.write_bytes(dumps(topology).encode()))


def load(path: str | PathLike[str]) -> Topology:
    """Read a picture that `save` wrote.

    Raises
    ------
    ParseError
        With every fault of the file.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path, MOST_BYTES), fspath(path))


def parse(text: str, file: str = "") -> Topology:
    """Read a picture that `dumps` wrote; ``file`` names it in messages.

    Raises
    ------
    ParseError
        With every fault: no JSON, another version, fields that are unknown or missing, vertices and links given twice,
        links of no vertex, and whatever `Topology` refuses.
    """
    data = json_of(text, file)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise refusal(file, f'is not a saved picture; it is an object with "format": "{FORMAT}"')
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise refusal(file, f"is {version!r}, which is not read here; version {VERSION} is", "version")
    faults = list(_head_faults(data))
    graph = _graph(data, faults)
    try:
        topology = Topology(graph)
    except InputError as error:
        faults += error.faults
    if faults:
        raise ParseError(faults=[Fault(file, -1, f.object, f.path, f.message) for f in faults])
    return topology


def topology(record: Topology, product: str = "") -> Topology:  # noqa: ARG001  # a saved picture knows its rates
    """Return the picture itself; it says how fast its links are."""
    return record


def facts(record: Topology) -> dict[str, Any]:
    """Return how many vertices and links of each kind there are, and how many have failed."""
    graph = record.graph
    vertices = [data for _, data in graph.nodes(data=True)]
    links = [data for _, _, data in graph.edges(data=True)]
    return {
        "kind": "drapolicy-topology",
        "vertices": dict(sorted(Counter(data["kind"] for data in vertices).items())),
        "links": dict(sorted(Counter(data["kind"] for data in links).items())),
        "failed": sum(bool(data.get("failed")) for data in (*vertices, *links)),
    }


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _rows(name: str, rows: list[dict[str, Any]]) -> str:
    lines = ",\n".join(f"  {_line(row)}" for row in rows)
    return f' "{name}": [\n{lines}\n ]' if lines else f' "{name}": []'


def _head_faults(data: dict[str, Any]) -> Iterable[Fault]:
    fields = (*_FIXED, "graph", *_LISTS)
    for field in sorted(data.keys() - set(fields)):
        yield Fault("", -1, "", field, f"is no field; use {', '.join(fields)}")
    for field in ("directed", "multigraph"):
        if data.get(field) is not False:
            yield Fault(
                "",
                -1,
                "",
                field,
                f"is {data.get(field)!r}; links have no direction, parallel ones are a count: give false",
            )
    if not isinstance(data.get("graph"), dict):
        yield Fault("", -1, "", "graph", "is not an object; give {} if there is nothing to say")
    for field in _LISTS:
        if not isinstance(data.get(field), list):
            yield Fault("", -1, "", field, "is not a list; give [] if there are none")
        elif len(data[field]) > MOST_ROWS:
            yield Fault("", -1, "", field, f"has {len(data[field]):,} entries; at most {MOST_ROWS:,} are read")


def _graph(data: dict[str, Any], faults: list[Fault]) -> nx.Graph[str]:
    """Make a graph of what can be understood."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    told = data.get("graph")
    graph.graph.update({key: _tuples(value) for key, value in told.items()} if isinstance(told, dict) else {})
    for place, row in _entries(data, "nodes", ("id",), faults):
        name = row.pop("id")
        if name in graph:
            faults.append(Fault("", -1, f"vertex {name}", place, "is given twice; give each vertex once"))
            continue
        graph.add_node(name)
        graph.nodes[name].update({key: _tuples(value) for key, value in row.items()})
    for place, row in _entries(data, "edges", ("source", "target"), faults):
        a, b = row.pop("source"), row.pop("target")
        where = f"edge {a} - {b}"
        unknown = [repr(end) for end in (a, b) if end not in graph]
        if unknown:
            faults.append(Fault("", -1, where, place, f"no vertex is named {' or '.join(unknown)}"))
        elif graph.has_edge(a, b):
            faults.append(Fault("", -1, where, place, "is given twice; give parallel links as a count"))
        else:
            graph.add_edge(a, b)
            graph.edges[a, b].update(row)
    return graph


def _entries(
    data: dict[str, Any], field: str, ends: tuple[str, ...], faults: list[Fault]
) -> Iterable[tuple[str, dict[str, Any]]]:
    entries = data.get(field)
    for n, entry in enumerate(entries[:MOST_ROWS] if isinstance(entries, list) else ()):
        place = f"{field}[{n}]"
        if not isinstance(entry, dict):
            faults.append(Fault("", -1, "", place, "is not an object"))
            continue
        wrong = [end for end in ends if not isinstance(entry.get(end), str)]
        faults += [
            Fault("", -1, "", f"{place}.{end}", f"is {entry.get(end)!r}; give the name of a vertex") for end in wrong
        ]
        if not wrong:
            yield place, dict(entry)


def _tuples(value: Any, deep: int = _DEEPEST) -> Any:
    """Turn lists into tuples; what is deeper than any picture stays a list, which is refused."""
    return tuple(_tuples(inner, deep - 1) for inner in value) if isinstance(value, list) and deep else value
