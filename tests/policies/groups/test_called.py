"""Policies by name decide groups: domains of nodes, patterns, or one ask after the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from msgspec.structs import replace

import drapolicy as dp
from drapolicy.api import Objects
from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies.groups import Gang, Greedy, GroupPolicy, Patterns, Together, group_policy
from drapolicy.policies.named import TABLE
from drapolicy.policies.objectives.distance import of_nodes
from drapolicy.problem.problem import Problem
from drapolicy.testing.simple import claim, request, row

RACK, BLOCK = "topology.kubernetes.io/rack", "topology.kubernetes.io/block"


def labelled(*labels: Mapping[str, str], devices: int = 4) -> Objects:
    """Return a node with so many devices for each set of labels."""
    plain = row(nodes=len(labels), devices=devices)
    nodes = [
        replace(node, metadata=replace(node.metadata, labels=dict(own)))
        for node, own in zip(plain.nodes, labels, strict=True)
    ]
    return Objects(nodes=tuple(nodes), slices=plain.slices, classes=plain.classes)


def wanted(*sizes: int) -> Objects:
    return Objects(claims=tuple(claim(f"c{n}", request(size)) for n, size in enumerate(sizes)))


def nodes_of(found: Together) -> list[str | None]:
    return [placement.node for placement in found.placements]


# Three nodes in rack a, two in rack b, of which node-3 is alone in block y; all have four devices.
PLACES = [{RACK: "a", BLOCK: "x"}] * 3 + [{RACK: "b", BLOCK: "y"}, {RACK: "b", BLOCK: "x"}]


@pytest.mark.parametrize(
    ("name", "pods", "nodes", "distance"),
    [
        # Blocks first: x holds racks a (three nodes) and b (one), y holds rack b (one).
        ("kueue-tas", 3, {0, 1, 2}, 3),
        ("hived-buddy", 3, {0, 1, 2}, 3),
        # Racks alone: b has two nodes.
        (f"kueue-tas:levels={RACK}", 2, {3, 4}, 1),
        (f"hived-buddy:levels={RACK}", 2, {3, 4}, 1),
        (f"kueue-tas:levels={RACK}+kubernetes.io/hostname", 2, {3, 4}, 1),
        # Blocks alone: only x has more than one node.
        (f"kueue-tas:levels={BLOCK}", 2, {0, 1}, 1),
        # What no rack and no block holds goes as near as can be: two in each of x's racks' order, one in y.
        ("kueue-tas", 5, {0, 1, 2, 3, 4}, 3 + 3 * 2 + 4 * 3),
    ],
)
def test_domains_are_those_of_the_labels(name: str, pods: int, nodes: set[int], distance: int) -> None:
    """A gang of pods that want a node each goes where the policy's places are, by known labels or given ones."""
    fleet = build(labelled(*PLACES))
    found = dp.place_groups(fleet, wanted(*[4] * pods), name, at_least=pods)
    assert (found.policy, found.why, found.placements[0].policy) == (name, "", name)
    assert set(nodes_of(found)) == {f"node-{n}" for n in nodes}
    assert found.levels[:2] == ("asks placed", "distance")
    assert found.values[:2] == (pods, -distance)


def test_one_ask_is_a_gang_of_one() -> None:
    """It gets the tightest node, as the policy gives it on its own."""
    fleet = build(labelled(*PLACES))
    alone = dp.place(fleet, wanted(2), "kueue-tas")
    together = dp.place_groups(fleet, wanted(2), "kueue-tas", at_least=1).placements[0]
    assert (together.node, together.results, together.score) == (alone.node, alone.results, alone.score)


def test_known_labels_are_taken_where_most_nodes_have_them() -> None:
    """Zones, then the one family that most nodes have; spellings that no node has are passed over."""
    zone = "topology.kubernetes.io/zone"
    made = [
        {zone: "a", RACK: "r1", "nvidia.com/gpu.clique": "c"},
        {zone: "a", RACK: "r1"},
        {zone: "b", RACK: "r1"},
        {zone: "b"},
    ]
    domain = of_nodes(labelled(*made).nodes)
    assert [(p.name, p.distance, [(q.name, list(q.nodes)) for q in p.parts]) for p in domain.parts] == [
        ("a", 2, [("r1", [0, 1])]),
        ("b", 2, [("r1", [2]), ("", [3])]),
    ]
    assert domain.distance == 3
    assert [part.node for part in of_nodes(labelled({}, {}).nodes).parts] == [0, 1]


def test_a_label_that_no_node_has_is_an_error() -> None:
    """A misspelt level would make one place of all nodes."""
    with pytest.raises(InputError, match="distance: no node has label rack; give labels of nodes"):
        dp.place_groups(build(labelled(*PLACES)), wanted(1), "kueue-tas:levels=rack")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kueue-tas", Gang),
        ("hived-buddy", Gang),
        ("ilp-packing:max_nodes=7", Patterns),
        ("kube-scheduler", Greedy),
        ("bandwidth", Greedy),
    ],
)
def test_how_each_decides(name: str, kind: type) -> None:
    """Parameters of the name hold for groups too."""
    found = group_policy(name)
    assert (found.name, type(found.of)) == (name, kind)  # type: ignore[attr-defined]
    if kind is Patterns:
        assert found.of.max_nodes == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", TABLE)
def test_every_named_policy_decides_groups(name: str) -> None:
    """All or nothing: two claims that fill a node each are placed, and with one more none is."""
    fleet = build(labelled({RACK: "a"}, {RACK: "a"}))
    whole = dp.place_groups(fleet, wanted(4, 4), name, at_least=2)
    assert (whole.policy, whole.placed, len(whole.levels)) == (name, 2, len(whole.values))
    nothing = dp.place_groups(fleet, wanted(4, 4, 1), name, at_least=3)
    assert (nothing.placed, nothing.values[0]) == (0, 0)


class Mine:
    """Decides nothing."""

    name = "mine"

    def decide(self, problem: Problem, rng: np.random.Generator) -> Together:
        return Together(self.name, (), ("asks placed",), (0,), (None,), "feasible", "mine")

    def place(self, problem: Problem, rng: np.random.Generator) -> dp.Placement:
        return dp.policy("first-fit").place(problem, rng)


def test_ones_own_policies_are_taken() -> None:
    """A group policy is returned as it is; a policy without a rule is asked ask by ask."""
    mine = Mine()
    assert group_policy(mine) is mine
    assert isinstance(mine, GroupPolicy)
    fleet = build(labelled({}, {}))
    assert dp.place_groups(fleet, wanted(1), mine).path == "mine"
    assert nodes_of(Greedy(mine).decide(dp_problem(fleet), np.random.default_rng(0))) == ["node-0", "node-1"]


def dp_problem(fleet: dp.Fleet) -> Problem:
    from drapolicy.problem.ask import asks
    from drapolicy.problem.state import State

    return Problem(State(fleet), asks(wanted(3, 3)))
