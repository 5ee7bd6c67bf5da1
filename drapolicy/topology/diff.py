"""What differs between two pictures of a machine, and what that does to the bandwidth between its devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drapolicy.topology.graph import Topology
from drapolicy.topology.measures.pairwise import pairwise

MOST_DEVICES = 2048
"""Devices up to which bandwidths are compared without being asked for by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a vertex, a link or the picture that has another value; None where there is none.

    Attributes
    ----------
    what
        The vertex, ``a - b`` for a link, empty for the picture itself.
    field
        Its name.
    before, after
        Its values.
    """

    what: str
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.what or 'picture'}: {self.field}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class PairChange:
    """Two devices whose bandwidth along the best path is another one, in MB/s per direction; 0 for no path."""

    a: str
    b: str
    before_mb_s: int
    after_mb_s: int

    def __str__(self) -> str:
        return f"{self.a} - {self.b}: {self.before_mb_s} -> {self.after_mb_s} MB/s"


@dataclass(frozen=True)
class Diff:
    """What differs.

    Attributes
    ----------
    added_vertices, removed_vertices
        Names, in the order of the picture that has them.
    added_links, removed_links
        Both ends of each.
    changed
        Fields of what both have: of the picture, of vertices, of links.
    compared
        Devices whose bandwidths were compared.
    bandwidth
        Pairs of them that are faster or slower.
    """

    added_vertices: tuple[str, ...]
    removed_vertices: tuple[str, ...]
    added_links: tuple[tuple[str, str], ...]
    removed_links: tuple[tuple[str, str], ...]
    changed: tuple[Change, ...]
    compared: tuple[str, ...]
    bandwidth: tuple[PairChange, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any((self.added_vertices, self.removed_vertices, self.added_links, self.removed_links, self.changed))

    def as_data(self) -> dict[str, Any]:
        """Return the same as plain data for JSON."""
        return {
            "same": self.same,
            "vertices": {"added": list(self.added_vertices), "removed": list(self.removed_vertices)},
            "links": {
                "added": [[*pair] for pair in self.added_links],
                "removed": [[*pair] for pair in self.removed_links],
            },
            "changed": [
                {"what": c.what, "field": c.field, "before": _plain(c.before), "after": _plain(c.after)}
                for c in self.changed
            ],
            "compared": len(self.compared),
            "bandwidth": [
                {"a": pair.a, "b": pair.b, "before_mb_s": pair.before_mb_s, "after_mb_s": pair.after_mb_s}
                for pair in self.bandwidth
            ],
        }

    def __str__(self) -> str:
        if self.same:
            return "no difference"
        lines = [*_signed("+", self.added_vertices, self.added_links)]
        lines += _signed("-", self.removed_vertices, self.removed_links)
        lines += [f"~ {change}" for change in self.changed]
        pairs = len(self.compared) * (len(self.compared) - 1) // 2
        if not self.compared:
            lines.append("bandwidth: no devices were compared")
        else:
            lines.append(f"bandwidth: {len(self.bandwidth)} of {pairs} pairs of {len(self.compared)} devices differ")
        lines += [f"  {pair}" for pair in self.bandwidth]
        return "\n".join(lines)


def diff(a: Topology, b: Topology, names: Sequence[str] | None = None) -> Diff:
    """Compare two pictures.

    Parameters
    ----------
    a, b
        Before and after; vertices are the same if they have the same name.
    names
        Vertices whose bandwidths are compared; by default all devices that both have, or none if these are more than
        `MOST_DEVICES`.

    Raises
    ------
    UnknownReferenceError
        If a picture lacks one of the names.

    Notes
    -----
    A field that is absent differs from one that is there, but for ``failed``: absent, it is False. Bandwidths are those
    of :func:`drapolicy.topology.measures.pairwise.pairwise`.
    """
    before, after = a.graph, b.graph
    changed = _changes("", before.graph, after.graph)
    for name in before:
        if name in after:
            changed += _changes(name, before.nodes[name], after.nodes[name])
    links, links_after = list(before.edges), list(after.edges)
    for x, y in links:
        if after.has_edge(x, y):
            changed += _changes(f"{x} - {y}", before.edges[x, y], after.edges[x, y])
    if names is None:
        devices = set(b.devices)
        shared = [name for name in a.devices if name in devices]
        names = shared if len(shared) <= MOST_DEVICES else []
    return Diff(
        added_vertices=tuple(name for name in after if name not in before),
        removed_vertices=tuple(name for name in before if name not in after),
        added_links=tuple((x, y) for x, y in links_after if not before.has_edge(x, y)),
        removed_links=tuple((x, y) for x, y in links if not after.has_edge(x, y)),
        changed=tuple(changed),
        compared=tuple(names),
        bandwidth=tuple(_bandwidths(a, b, names)),
    )


def _changes(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    found = []
    for field in dict.fromkeys((*before, *after)):
        absent = False if field == "failed" else None
        one, other = before.get(field, absent), after.get(field, absent)
        # True is 1 to Python, but not in a picture.
        if one != other or type(one) is not type(other):
            found.append(Change(what, field, one, other))
    return found


def _bandwidths(a: Topology, b: Topology, names: Sequence[str]) -> Iterable[PairChange]:
    if not names:
        return
    before, after = pairwise(a, names), pairwise(b, names)
    for d, e in np.argwhere(np.triu(before != after)):
        yield PairChange(names[d], names[e], int(before[d, e]), int(after[d, e]))


def _signed(sign: str, vertices: Sequence[str], links: Sequence[tuple[str, str]]) -> Iterable[str]:
    """Yield vertices with the number of links that came or went with them, then the links between others."""
    ends = Counter(end for link in links for end in link)
    for name in vertices:
        count = ends[name]
        yield f"{sign} {name}" + (f" and its {count} link{'' if count == 1 else 's'}" if count else "")
    new = set(vertices)
    yield from (f"{sign} {a} - {b}" for a, b in links if a not in new and b not in new)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _plain(value: Any) -> Any:
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
