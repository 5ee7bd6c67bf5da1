"""How far the pods of a gang are from each other: domains of nodes, one inside the other, with a distance each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.errors import InputError
from drapolicy.topology.label_table import FAMILIES, HOSTNAME, Family


@dataclass(frozen=True)
class Domain:
    """Nodes that are near each other: a rack, a spine, a cluster; or one node.

    Attributes
    ----------
    name
        For people; parts of one domain have different names.
    distance
        Between two pods in different parts of it, in whatever unit; at least that of its parts. Of a node: between
        two pods on it.
    parts
        Domains inside it; none for a node.
    node
        Position of the node; -1 for a domain of several.
    """

    name: str
    distance: int
    parts: tuple[Domain, ...] = ()
    node: int = -1

    def __post_init__(self) -> None:
        if (self.node < 0) != bool(self.parts):
            message = f"domain {self.name}: give it parts, or make it a node"
            raise InputError(message)
        farther = next((part for part in self.parts if part.distance > self.distance), None)
        if farther is not None:
            message = (
                f"domain {self.name}: distance {self.distance} is less than {farther.distance} in {farther.name}; "
                "what is wider must not be nearer"
            )
            raise InputError(message)

    @property
    def nodes(self) -> Iterator[int]:
        """Positions of its nodes, in order."""
        if self.node >= 0:
            yield self.node
        for part in self.parts:
            yield from part.nodes

    def below(self) -> Iterator[Domain]:
        """Yield this domain and all inside it, each before its parts."""
        yield self
        for part in self.parts:
            yield from part.below()


def by_labels(nodes: Sequence[Node], levels: Sequence[str], distances: Sequence[int]) -> Domain:
    """Return the domains that labels of nodes tell.

    Parameters
    ----------
    nodes
        In the order of the fleet.
    levels
        Labels from the widest to the narrowest, as in a Kueue ``Topology``. A value is the same place only inside the
        same place; nodes without a label are a place of their own together.
    distances
        Between pods that share no value of the first label, then the first alone, and so on; the last is for pods on
        nodes of one narrowest place. On one node it is 0.

    Raises
    ------
    InputError
        When there is not one distance more than there are levels, they grow inwards, or there is no node.

    Examples
    --------
    >>> from drapolicy.api.meta import ObjectMeta
    >>> made = [Node(metadata=ObjectMeta(name=f"n{i}", labels={"rack": f"r{i // 2}"})) for i in range(4)]
    >>> cluster = by_labels(made, ["rack"], [4, 1])
    >>> [(part.name, part.distance, list(part.nodes)) for part in cluster.parts]
    [('r0', 1, [0, 1]), ('r1', 1, [2, 3])]
    """
    if len(distances) != len(levels) + 1:
        message = f"distance: {len(distances)} distances for {len(levels)} levels; give one more than there are levels"
        raise InputError(message)
    if not nodes:
        message = "distance: no nodes; give those of a fleet"
        raise InputError(message)

    def made(name: str, members: Sequence[int], depth: int) -> Domain:
        if depth == len(levels):
            return Domain(name, distances[depth], tuple(Domain(nodes[n].metadata.name, 0, node=n) for n in members))
        places: dict[str, list[int]] = {}
        for n in members:
            places.setdefault(nodes[n].metadata.labels.get(levels[depth], ""), []).append(n)
        parts = tuple(made(place, own, depth + 1) for place, own in places.items())
        return Domain(name, distances[depth], parts)

    return made("", range(len(nodes)), 0)


def of_nodes(nodes: Sequence[Node], levels: Sequence[str] = ()) -> Domain:
    """Return the domains of a fleet's nodes, each level of labels one farther than the next.

    Parameters
    ----------
    nodes
        In the order of the fleet.
    levels
        Labels from the widest to the narrowest; by default those that are known (``topology.label_table``) and that
        nodes have: region and zone, then the family of labels that most nodes have. The host's own label at the end
        stands for the nodes, which are the narrowest places anyway.

    Raises
    ------
    InputError
        For a label that no node has, and without nodes.
    """
    chosen = [key for key in levels if key != HOSTNAME]
    missing = next((key for key in chosen if not any(node.metadata.labels.get(key) for node in nodes)), None)
    if missing is not None:
        message = f"distance: no node has label {missing}; give labels of nodes, from the widest to the narrowest"
        raise InputError(message)
    if not levels:
        zones, *others = (_present(family, nodes) for family in FAMILIES)
        counts = [sum(any(node.metadata.labels.get(key) for key in keys) for node in nodes) for keys in others]
        chosen = [*zones, *others[counts.index(max(counts))]]
    return by_labels(nodes, chosen, range(len(chosen) + 1, 0, -1))


def _present(family: Family, nodes: Sequence[Node]) -> list[str]:
    """Return the labels of a family that nodes have, of each level the first spelling."""
    lists = (
        [level.key for level in same if any(node.metadata.labels.get(level.key) for node in nodes)]
        for same in family.levels
    )
    return [keys[0] for keys in lists if keys]


def by_levels(levels: NDArray[np.int64], names: Sequence[str]) -> Domain:
    """Return the domains of nodes whose levels a graph tells: a distance is the level of the narrowest common place.

    Parameters
    ----------
    levels
        What :func:`drapolicy.topology.measures.levels` says of the hosts; ndarray of shape (N, N), int64.
    names
        Of the hosts.
    """

    def made(members: list[int]) -> Domain:
        if len(members) == 1:
            return Domain(names[members[0]], 0, node=members[0])
        widest = int(levels[np.ix_(members, members)].max())
        parts: list[list[int]] = []
        for n in members:
            # A host is where all are that are nearer to it than the widest: levels of a tree are transitive.
            near = next((part for part in parts if levels[n, part[0]] < widest), None)
            if near is None:
                parts.append([n])
            else:
                near.append(n)
        return Domain(f"{names[members[0]]} and {len(members) - 1} more", widest, tuple(map(made, parts)))

    return made(list(range(len(names))))


def distance_between(domain: Domain, nodes: Sequence[int]) -> int:
    """Return the distance of a gang: the sum over all pairs of its pods of how far they are apart; the plain loop.

    Two pods are as far apart as the distance of the narrowest domain that holds both.

    Parameters
    ----------
    nodes
        Node of each pod.
    """
    paths: dict[int, list[Domain]] = {}

    def walk(at: Domain, path: list[Domain]) -> None:
        if at.node >= 0:
            paths[at.node] = [*path, at]
        for part in at.parts:
            walk(part, [*path, at])

    walk(domain, [])

    def apart(a: int, b: int) -> int:
        common = [x for x, y in zip(paths[a], paths[b], strict=False) if x is y]
        return common[-1].distance

    return sum(apart(a, b) for a, b in combinations(nodes, 2))
