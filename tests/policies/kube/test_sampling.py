"""Which nodes are looked at, in which order, and which of the best wins."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.policies.kube import NodeTree, Rotation, nodes_to_find, select
from drapolicy.policies.kube.sampling import zone_key

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"


def node(name: str, **labels: str) -> Node:
    return Node(metadata=ObjectMeta(name=name, labels=labels))


def zoned(*names: str) -> list[Node]:
    """The first letter of a name is its zone."""
    return [node(name, **{ZONE: name[0]}) for name in names]


@pytest.mark.parametrize(
    ("total", "percentage", "expected"),
    [
        (0, 0, 0),
        (99, 1, 99),  # below 100 nodes all are searched
        (100, 0, 100),  # 50 - 0 = 50 %, but at least 100 nodes
        (100, 100, 100),
        (249, 0, 122),  # 50 - 1 = 49 %: 122.01
        (1000, 0, 420),  # 50 - 8 = 42 %
        (1000, 30, 300),
        (1000, 5, 100),  # 50, but at least 100
        (5625, 0, 281),  # 50 - 45 = 5 %: 281.25
        (6250, 0, 312),  # 50 - 50 = 0, but at least 5 %: 312.5
        (10000, 0, 500),
        (10000, 100, 10000),
    ],
)
def test_nodes_to_find(total: int, percentage: int, expected: int) -> None:
    """The search stops at Kubernetes' number of feasible nodes."""
    assert nodes_to_find(total, percentage) == expected


def test_zones_take_turns() -> None:
    """The list takes one node of each zone in turn; a zone that runs out drops out."""
    assert NodeTree(zoned("a1", "a2", "a3", "b1", "c1", "c2")).order() == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_zones_keep_their_place_while_they_have_nodes() -> None:
    """A zone comes in the order in which it came up, and anew once it was empty."""
    a1, b1, a2 = zoned("a1", "b1", "a2")
    tree = NodeTree([a1, b1, a2])
    tree.remove(a1)
    assert tree.order() == ["a2", "b1"]
    tree.remove(a2)
    tree.add(a1)
    assert tree.order() == ["b1", "a1"]
    tree.add(b1)
    assert tree.order() == ["b1", "a1"]


def test_node_that_is_not_there_cannot_leave() -> None:
    """Taking out a node that was never added is an error, in an unknown zone as well."""
    tree = NodeTree(zoned("a1"))
    for stranger in zoned("a2", "b1"):
        with pytest.raises(KeyError):
            tree.remove(stranger)
    assert tree.order() == ["a1"]
    assert NodeTree().order() == []


def test_zone_is_read_from_region_and_zone_labels() -> None:
    """Equal zones of two regions differ, and a deprecated label wins even when empty."""
    assert zone_key(node("n", **{ZONE: "z", REGION: "r"})) == ("r", "z")
    assert zone_key(node("n", **{ZONE: "z"})) == ("", "z")
    assert zone_key(node("n", **{ZONE: "z", OLD_ZONE: ""})) == ("", "")


def test_search_goes_on_where_the_last_one_ended() -> None:
    """The next pod starts after the nodes that were kept or refused for this one."""
    rotation = Rotation()
    assert rotation.search("abcdef", lambda n: n != "b", 2) == ["a", "c"]
    assert rotation.start == 3  # a, c kept and b refused; d passed as one too many
    assert rotation.search("abcdef", lambda n: n != "b", 3) == ["d", "e", "f"]
    assert rotation.start == 0
    assert rotation.search("abcdef", lambda n: n in "bf", 1) == ["b"]
    assert rotation.start == 5  # b kept; a, c, d, e refused; f was one too many


def test_search_of_all_nodes_starts_at_the_same_place_again() -> None:
    """Where every node is looked at the start does not move."""
    rotation = Rotation(2)
    assert rotation.search("abc", lambda n: n != "c", 3) == ["a", "b"]
    assert rotation.start == 2


def test_search_among_pinned_nodes_moves_within_all_nodes() -> None:
    """A pinned pod moves the start by the few nodes it looked at, counted around all nodes."""
    rotation = Rotation(9)
    assert rotation.search("xy", lambda _: True, 2, total=10) == ["y", "x"]
    assert rotation.start == 1


def test_empty_search_finds_nothing() -> None:
    """Without nodes nothing moves."""
    rotation = Rotation(4)
    assert rotation.search([], lambda _: True, 0) == []
    assert rotation.search([], lambda _: True, 0, total=10) == []
    assert rotation.start == 4


def test_search_that_fails_still_moves_on() -> None:
    """An error in a filter reaches the caller, and the next search starts after the nodes judged before it."""
    rotation = Rotation()

    def passes(name: str) -> bool:
        if name == "c":
            message = "broken"
            raise RuntimeError(message)
        return name == "a"

    with pytest.raises(RuntimeError, match="broken"):
        rotation.search("abcd", passes, 4)
    assert rotation.start == 2


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 11), st.integers(1, 12))
def test_search_keeps_the_first_nodes_around_the_ring(fits: list[bool], start: int, want: int) -> None:
    """What is kept is a prefix of the fitting nodes as seen from the start, each looked at once."""
    start %= len(fits)
    seen: list[int] = []
    rotation = Rotation(start)
    kept = rotation.search(range(len(fits)), lambda n: bool(seen.append(n)) or fits[n], want)
    ring = [(start + i) % len(fits) for i in range(len(fits))]
    assert kept == [n for n in ring if fits[n]][:want]
    assert seen == ring[: len(seen)]
    assert 0 <= rotation.start < len(fits)


def test_highest_total_wins_without_a_draw() -> None:
    """A single best node needs no random number."""
    rng = np.random.default_rng(1)
    assert select([3, 9, 4], rng) == 1
    assert select([7], rng) == 0
    assert rng.integers(1000) == np.random.default_rng(1).integers(1000)


def test_ties_are_fair_and_repeatable() -> None:
    """Nodes with the same total win equally often, the same ones for the same seed."""
    rng = np.random.default_rng(7)
    found = [select([5, 2, 5, 5], rng) for _ in range(3000)]
    again = np.random.default_rng(7)
    assert found == [select([5, 2, 5, 5], again) for _ in range(3000)]
    counts = Counter(found)
    assert set(counts) == {0, 2, 3}
    # 1000 expected, standard deviation 26.
    assert all(900 < count < 1100 for count in counts.values())


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ([5], 0),
        ([5, 5, 5, 5, 5], 0),  # nothing moves in a heap of equals
        ([1, 5, 5], 1),  # of two equal children the left one rises
        ([1, 2, 5, 3, 5], 4),  # the last 5 rises above the 2; then it is the left child, and rises on
    ],
)
def test_order_takes_the_root_of_the_heap(totals: list[int], expected: int) -> None:
    """Without a draw the winner is the node that rises to the top of upstream's heap."""
    assert select(totals, np.random.default_rng(0), "order") == expected


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_winner_has_the_highest_total(totals: list[int]) -> None:
    """However ties are broken, no node beats the winner."""
    rng = np.random.default_rng(0)
    assert totals[select(totals, rng)] == totals[select(totals, rng, "order")] == max(totals)


def test_nobody_wins_among_none() -> None:
    """Selecting from no candidates is a mistake of the caller."""
    with pytest.raises(ValueError, match="no candidate"):
        select([], np.random.default_rng(0))
