"""Distances of gangs: domains from labels and graphs."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.errors import InputError
from drapolicy.policies.objectives.distance import Domain, by_labels, by_levels, distance_between
from drapolicy.topology import labels
from drapolicy.topology.measures import levels as levels_of


def nodes(*places: tuple[str, str]) -> list[Node]:
    return [
        Node(
            metadata=ObjectMeta(
                name=f"n{i}", labels={key: value for key, value in zip(("zone", "rack"), place, strict=True) if value}
            )
        )
        for i, place in enumerate(places)
    ]


def test_labels_make_places_inside_places() -> None:
    """A rack of one name in two zones is two racks; nodes without a label are in one place together."""
    made = nodes(("a", "r"), ("b", "r"), ("a", "r"), ("a", ""), ("", ""))
    domain = by_labels(made, ["zone", "rack"], [9, 4, 1])
    apart = {(i, j): distance_between(domain, [i, j]) for i in range(5) for j in range(i, 5)}
    assert [apart[i, i] for i in range(5)] == [0] * 5
    assert (apart[0, 2], apart[0, 3], apart[0, 1], apart[3, 4]) == (1, 4, 9, 9)
    assert sorted(domain.nodes) == list(range(5))


def test_a_gang_is_as_far_as_all_its_pairs() -> None:
    """Three pods, two of them on one node."""
    domain = by_labels(nodes(("a", "r"), ("a", "s")), ["zone", "rack"], [9, 4, 1])
    assert distance_between(domain, [0, 0, 1]) == 0 + 4 + 4


def test_levels_of_a_graph_make_the_same_places() -> None:
    """Hosts of a graph are as far apart as the level of the narrowest part that both are in."""
    made = [
        Node(metadata=ObjectMeta(name=f"n{i}", labels={"example/block": f"b{i // 4}", "example/rack": f"r{i // 2}"}))
        for i in range(8)
    ]
    graph = labels.topology(made, ["example/block", "example/rack"])
    names = [node.metadata.name for node in made]
    table = levels_of(graph, names)
    domain = by_levels(table, names)
    for i in range(8):
        for j in range(8):
            assert distance_between(domain, [i, j]) == (0 if i == j else int(table[i, j]))
    assert len(set(np.unique(table).tolist())) > 2


@pytest.mark.parametrize(
    ("levels", "distances", "message"),
    [
        (["zone"], [1], "1 distances for 1 levels; give one more than there are levels"),
        (["zone", "rack"], [1, 4, 0], "distance 1 is less than 4"),
    ],
)
def test_distances_are_checked(levels: list[str], distances: list[int], message: str) -> None:
    """One distance more than levels, and none that grows inwards."""
    with pytest.raises(InputError, match=message):
        by_labels(nodes(("a", "r"), ("b", "s")), levels, distances)
    with pytest.raises(InputError, match="distance: no nodes"):
        by_labels([], ["zone"], [1, 0])
    with pytest.raises(InputError, match="domain x: give it parts, or make it a node"):
        Domain("x", 1, (Domain("n", 0, node=0),), node=1)
