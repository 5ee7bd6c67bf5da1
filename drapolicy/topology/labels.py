"""Where hosts are, as the labels of Kubernetes nodes tell it: zones, switches, blocks, racks and NVLink domains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drapolicy.api.core import Node
from drapolicy.errors import Fault, InputError
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.label_table import FABRIC, FAMILIES, HOSTNAME, WIDTHS, Family, Level, Path
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import networkx as nx


def topology(nodes: Iterable[Node], levels: Sequence[str | Level] = ()) -> Topology:
    """Make a graph of where hosts are.

    Parameters
    ----------
    nodes
        Nodes; only names and labels are looked at.
    levels
        Labels to use instead of `FAMILIES`, from the widest to the narrowest, each inside the one before: what
        ``spec.levels`` of a Kueue ``Topology`` lists. A label that is in no family is a switch: a leaf if nothing
        narrower is a rack or switch, else the next wider layer, at most a core. `HOSTNAME` at the end stands for the
        hosts themselves.

    Returns
    -------
    Topology
        Hosts under the nodes' names; the values of labels as ``zone/us-east1-b``: the label's last word, then the
        value, after those of the levels around it where one value is in several. Links of switches to switches and
        hosts are ``NET``, whose speed is not known; all else is ``in``, zones and regions too.

        The graph's attribute ``unlabelled`` names the nodes that have none of the labels; ``incomplete`` those that
        lack a level inside others that they have, each as ``node: label``.

    Raises
    ------
    InputError
        With each node that is given twice or has no name; if a level is given twice, `HOSTNAME` is not the last, or a
        node is called as a value is.

    Notes
    -----
    A value that is empty tells nothing. Where a node has two spellings of one level, the first in `FAMILIES` counts.
    Values of a level are the same place only inside the same place, as in Kueue; a node that lacks a level is where
    the nodes are that have its labels and more, if that is one place. A host is in the narrowest of its places, and
    in each that is not wider than a narrower one: an NVLink domain below a spine.

    Examples
    --------
    >>> from drapolicy.api.meta import ObjectMeta
    >>> node = Node(metadata=ObjectMeta(name="n1", labels={"topology.kubernetes.io/zone": "a"}))
    >>> topology([node]).of_kind("switch", "host")
    ('zone/a', 'n1')
    """
    import networkx as nx

    nodes = list(nodes)
    faults = _faults(nodes)
    if faults:
        raise InputError(faults=faults)
    families = FAMILIES if not levels else (Family(_given(levels), "given"),)
    paths = {node.metadata.name: [family.path(node.metadata.labels) for family in families] for node in nodes}
    places = _places(path for of_node in paths.values() for path in of_node)
    graph: nx.Graph[str] = nx.Graph(
        unlabelled=tuple(name for name, of_node in paths.items() if not any(of_node)),
        incomplete=tuple(_incomplete(paths, families)),
    )
    names = _names(set(places.values()))
    for path, name in names.items():
        level = path[-1][0]
        graph.add_node(name, kind=level.kind, **({"layer": level.layer} if level.layer else {}))
    for path, name in names.items():
        if len(path) > 1 and path[-2][0].width >= path[-1][0].width:
            _join(graph, name, names[places[path[:-1]]], path[-2][0])
    for host, of_node in paths.items():
        if host in graph:
            raise InputError(f"Node {host}: is called as a place that labels name; rename one")
        graph.add_node(host, kind="host")
        for path in filter(None, of_node):
            for place in _directly(places[path]):
                _join(graph, host, names[places[place]], place[-1][0])
    return Topology(graph)


def _faults(nodes: Sequence[Node]) -> list[Fault]:
    faults, seen = [], set()
    for position, node in enumerate(nodes):
        name = node.metadata.name
        if not name:
            faults.append(Fault("", -1, f"Node at position {position}", "metadata.name", "is empty; give a name"))
        elif name in seen:
            faults.append(Fault("", -1, f"Node {name}", "metadata.name", "is given twice; give each node once"))
        seen.add(name)
    return faults


def _given(levels: Sequence[str | Level]) -> tuple[tuple[Level, ...], ...]:
    if isinstance(levels, str):
        raise InputError(f"levels: {levels!r} is one text; give a list of labels")
    keys = [level if isinstance(level, str) else level.key for level in levels]
    for position, key in enumerate(keys):
        if key in keys[:position]:
            raise InputError(f"levels: {key} is given twice; give each label once")
        if key == HOSTNAME and position < len(keys) - 1:
            raise InputError(f"levels: {HOSTNAME} is the host itself; give it last")
    known = {level.key: level for family in reversed(FAMILIES) for same in family.levels for level in same}
    chosen: list[Level] = []
    for level in reversed(levels):
        if isinstance(level, Level):
            chosen.append(level)
        elif level != HOSTNAME:
            narrower = max((other.width for other in chosen if other.kind != "domain"), default=-1)
            layer = next((layer for layer in FABRIC if WIDTHS.index(layer) > narrower), "core")
            chosen.append(known.get(level) or Level(level, "switch", layer))
    return tuple((level,) for level in reversed(chosen))


def _incomplete(paths: Mapping[str, Sequence[Path]], families: Sequence[Family]) -> Iterator[str]:
    for name, of_node in paths.items():
        for path, family in zip(of_node, families, strict=True):
            has = {level for level, _ in path}
            lacks = (same[0] for same in family.levels if has and same[0] not in has and not same[0].optional)
            yield from (f"{name}: {level.key}" for level in lacks)


def _places(paths: Iterable[Path]) -> dict[Path, Path]:
    """Return for each path and what is around it the place that is meant: the longest that has all of it."""
    known = dict.fromkeys(path[:end] for path in paths for end in range(1, len(path) + 1))
    ending: dict[tuple[Level, str], list[Path]] = defaultdict(list)
    for path in known:
        ending[path[-1]].append(path)
    places = {}
    for path in known:
        more = [other for other in ending[path[-1]] if len(path) < len(other) and set(path) < set(other)]
        longest = [other for other in more if not any(set(other) < set(another) for another in more)]
        places[path] = longest[0] if len(longest) == 1 else path
    return places


def _names(places: Iterable[Path]) -> dict[Path, str]:
    """Return the name of each place."""
    called: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(places, key=lambda path: [(level.key, value) for level, value in path]):
        called[_word(path[-1][0], path[-1][1])].append(path)
    names = {}
    for name, same in called.items():
        for path in same:
            names[path] = name if len(same) == 1 else _word(path[-1][0], "/".join(value for _, value in path))
    if len(set(names.values())) < len(names):
        raise InputError("labels: values of two labels give one name; give levels whose last words differ")
    return names


def _word(level: Level, value: str) -> str:
    return f"{level.key.rpartition('/')[2]}/{value}"


def _directly(path: Path) -> Iterator[Path]:
    """Yield the places of a path that a host is joined to."""
    yield path
    for end in range(1, len(path)):
        if path[end - 1][0].width < path[end][0].width:
            yield path[:end]


def _join(graph: nx.Graph[Any], inner: str, outer: str, level: Level) -> None:
    """Join a place or host to what it is in, or to the switch that it is cabled to."""
    cabled = level.kind == "switch" and level.cabled and graph.nodes[inner]["kind"] in ("switch", "host")
    kind = LinkKind.NETWORK.value if cabled else INSIDE
    graph.add_edge(inner, outer, kind=kind, count=1, bandwidth_mb_s=0)
