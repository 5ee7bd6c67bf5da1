"""How the stock profile scores feasible nodes; arithmetic beside each row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import (
    Affinity,
    Container,
    Node,
    NodeAffinity,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    PreferredSchedulingTerm,
    ResourceRequirements,
    Taint,
)
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.errors import InputError
from drapolicy.policies.kube import DEFAULT_PROFILE, Candidate, Profile, scores
from drapolicy.policies.kube.scores import balanced_allocation, least_allocated, normalised
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.room import NodeRoom
from drapolicy.problem.rooms import room_of

MI = 1024**2


def pod(cpu: str = "", memory: str = "", **spec: object) -> Pod:
    requests = {name: Quantity(text) for name, text in {"cpu": cpu, "memory": memory}.items() if text}
    container = Container(resources=ResourceRequirements(requests=requests))
    return Pod(spec=PodSpec(containers=[container], **spec))  # type: ignore[arg-type]


def node(cpu: str = "10", memory: str = "1000Mi", soft: int = 0, name: str = "a", **labels: str) -> Node:
    return Node(
        metadata=ObjectMeta(name=name, labels=labels),
        spec=NodeSpec(taints=[Taint(key=f"k{i}", effect="PreferNoSchedule") for i in range(soft)]),
        status=NodeStatus(allocatable={"cpu": Quantity(cpu), "memory": Quantity(memory), "pods": Quantity("110")}),
    )


def room(cpu: str, memory: str, *pods: Pod) -> NodeRoom:
    made = room_of(node(cpu, memory))
    for each in pods:
        made.add(each)
    return made


def candidate(*pods: Pod, rank: int = 0, **about: str | int) -> Candidate:
    where = node(**about)  # type: ignore[arg-type]
    made = room_of(where)
    for each in pods:
        made.add(each)
    return Candidate(where, made, rank)


def preferring(*preferences: tuple[int, str, str, list[str]], cpu: str = "") -> Pod:
    terms = [
        PreferredSchedulingTerm(
            weight=weight,
            preference=NodeSelectorTerm(
                match_expressions=[NodeSelectorRequirement(key=key, operator=operator, values=values)] if key else []
            ),
        )
        for weight, key, operator, values in preferences
    ]
    affinity = Affinity(node_affinity=NodeAffinity(preferred_during_scheduling_ignored_during_execution=terms))
    return pod(cpu, affinity=affinity)


LEAST = {
    # CPU (10 - 1) / 10 = 90, memory (1000 - 200) / 1000 = 80: (90 + 80) / 2.
    "empty node": (pod("1"), room("10", "1000Mi"), 85),
    # CPU (9000 - 3000) * 100 / 9000 = 66.6 -> 66; memory (700 - 200) * 100 / 700 = 71.4 -> 71; 137 / 2 = 68.5 -> 68.
    "cut three times": (pod("3"), room("9", "700Mi"), 68),
    # CPU 1 + 2 of 4 -> 25; memory 100 + 100 of 800 Mi -> 75.
    "pods on the node count": (pod("1", "100Mi"), room("4", "800Mi", pod("2", "100Mi")), 50),
    # The silent pod counts as 100 m and 200 Mi: CPU (1000 - 600) / 1000 = 40, memory (800 - 300) / 800 = 62.
    "silent pod on the node": (pod("500m", "100Mi"), room("1", "800Mi", pod()), 51),
    # CPU is asked for beyond the node: 0; memory (1000 - 200) / 1000 = 80.
    "beyond the node": (pod("11"), room("10", "1000Mi"), 40),
    # Exactly full: 0 and 0.
    "to the last unit": (pod("10", "1000Mi"), room("10", "1000Mi"), 0),
    # Memory alone counts: 80.
    "no CPU to give": (pod("1"), room("0", "1000Mi"), 80),
    "nothing to give": (pod("1"), room("0", "0"), 0),
}


@pytest.mark.parametrize(("asking", "where", "expected"), LEAST.values(), ids=LEAST)
def test_least_allocated(asking: Pod, where: NodeRoom, expected: int) -> None:
    """The more of CPU and memory stays free, the better."""
    assert least_allocated(pod_ask(asking), where) == expected


BALANCED = {
    # Before 0 and 0: 100. After 0.5 and 0.1: deviation 0.2, 80. 50 + (50 + 80 - 100) / 2 = 65.
    "from even to uneven": (pod("5", "100Mi"), room("10", "1000Mi"), 65),
    # Before 0.5 and 0.1: 80. After 0.5 and 0.5: 100. 50 + (50 + 100 - 80) / 2 = 85.
    "from uneven to even": (pod("", "400Mi"), room("10", "1000Mi", pod("5", "100Mi")), 85),
    # Before 100, after 0.3 and 0.3: 100.
    "stays even": (pod("3", "300Mi"), room("10", "1000Mi"), 75),
    # After 0.3 and 0: deviation 0.15, 85. 50 + (50 + 85 - 100) / 2 = 67.5 -> 67.
    "cut": (pod("3"), room("10", "1000Mi"), 67),
    # Shares beyond 1 count as 1. Before 1 and 0: 50. After 1 and 0.5: 75. 50 + (50 + 75 - 50) / 2 = 87.5 -> 87.
    "overcommitted": (pod("1", "500Mi"), room("10", "1000Mi", pod("20")), 87),
    # One resource is always even.
    "no CPU to give": (pod("1"), room("0", "1000Mi"), 75),
    "nothing to give": (pod("1"), room("0", "0"), 75),
}


@pytest.mark.parametrize(("asking", "where", "expected"), BALANCED.values(), ids=BALANCED)
def test_balanced_allocation(asking: Pod, where: NodeRoom, expected: int) -> None:
    """A pod that evens out CPU and memory is better than one that does not; defaults for silent pods do not count."""
    assert balanced_allocation(pod_ask(asking), where) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([], []),
        ([0, 0], [0, 0]),
        ([5], [100]),
        ([8, 15, 7], [53, 100, 46]),  # 800 / 15 = 53.3, 700 / 15 = 46.6
        ([3, 3], [100, 100]),
    ],
)
def test_normalised(raw: list[int], expected: list[int]) -> None:
    """Raw scores become shares of the highest one."""
    assert normalised(raw) == expected


def test_parts_are_weighted_and_add_up() -> None:
    """Each plugin's score counts with its weight in the default profile."""
    first = candidate(soft=0, rank=7, gen="9")
    second = candidate(soft=2, rank=8, gen="8", name="b")
    found = scores(preferring((10, "gen", "In", ["9"]), (5, "gen", "Exists", []), cpu="1"), [first, second])
    # Taints: 0 and 2 of 2 -> 100 and 0, x3. Affinity: 15 and 5 of 15 -> 100 and 33, x2. Least: 90 and 80 -> 85, x1.
    # Devices: 7 and 8 of 8 -> 87 and 100, x2. Balanced: after 0.1 and 0 -> 95: 50 + (50 - 5) / 2 = 72.
    assert found.parts == [
        {
            "TaintToleration": 300,
            "NodeAffinity": 200,
            "NodeResourcesFit": 85,
            "DynamicResources": 174,
            "NodeResourcesBalancedAllocation": 72,
        },
        {
            "TaintToleration": 0,
            "NodeAffinity": 66,
            "NodeResourcesFit": 85,
            "DynamicResources": 200,
            "NodeResourcesBalancedAllocation": 72,
        },
    ]
    assert found.totals == [831, 423]


def test_plugins_skip_pods_that_they_have_nothing_to_say_of() -> None:
    """Without preferences and requests the affinity and the balance do not score at all."""
    (part,) = scores(pod(), [candidate()]).parts
    # Taints 100 x 3; least: CPU (10 - 0.1) / 10 = 99, memory 80 -> 89.
    assert part == {"TaintToleration": 300, "NodeResourcesFit": 89, "DynamicResources": 0}


def test_no_candidates_have_no_scores() -> None:
    """An empty list of nodes gives empty lists."""
    assert scores(pod("1"), []) == ([], [])


def test_terms_without_weight_are_not_even_read() -> None:
    """A preference of weight 0 scores nothing and may be unreadable; so scores an empty one."""
    found = scores(preferring((0, "gen", "Like", []), (3, "", "", [])), [candidate(gen="9")])
    assert found.parts[0]["NodeAffinity"] == 0


def test_unreadable_preference_is_an_error() -> None:
    """A preferred term that cannot be read aborts the cycle, in upstream's words."""
    with pytest.raises(InputError) as caught:
        scores(preferring((1, "gen", "Exists", []), (3, "gen", "Like", ["9"])), [candidate()])
    assert str(caught.value) == (
        'running PreScore plugin "NodeAffinity": [1].matchExpressions[0].operator: Unsupported value: "Like": '
        'supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"'
    )


def test_profile_weights_rule() -> None:
    """Another profile changes weights, and a plugin left out does not score."""
    profile = Profile(weights=(("NodeResourcesFit", 7),))
    found = scores(pod("1"), [candidate(soft=3)], profile)
    assert found.parts == [{"NodeResourcesFit": 7 * 85}]
    assert found.totals == [595]


TEXT = st.sampled_from(["", "0", "100m", "1", "3", "7", "12"])
MEMORY = st.sampled_from(["", "0", "1Mi", "333Mi", "800Mi", "2Gi"])
ASKS = st.builds(pod, TEXT, MEMORY)
NODES = st.builds(
    lambda pods, cpu, memory, soft, rank: candidate(*pods, cpu=cpu, memory=memory, soft=soft, rank=rank),
    st.lists(ASKS, max_size=3),
    st.sampled_from(["0", "1", "8", "64"]),
    st.sampled_from(["0", "512Mi", "1Gi", "7Gi"]),
    st.integers(0, 3),
    st.integers(0, 64),
)


@given(ASKS, st.lists(NODES, max_size=6))
def test_scores_stay_in_bounds(asking: Pod, feasible: list[Candidate]) -> None:
    """Every part lies between 0 and 100 times its weight, and the parts give the total."""
    weights = dict(DEFAULT_PROFILE.weights)
    found = scores(asking, feasible)
    assert len(found.parts) == len(found.totals) == len(feasible)
    for part, total in zip(found.parts, found.totals, strict=True):
        assert all(0 <= score <= 100 * weights[name] for name, score in part.items())
        assert total == sum(part.values())


@given(ASKS, st.lists(NODES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_order_or_names(asking: Pod, feasible: list[Candidate], random: object) -> None:
    """Reordering and renaming nodes only reorders the totals."""
    order = list(range(len(feasible)))
    random.shuffle(order)  # type: ignore[attr-defined]
    renamed = [
        Candidate(
            Node(metadata=ObjectMeta(name=f"z{i}"), spec=feasible[i].node.spec, status=feasible[i].node.status),
            feasible[i].room,
            feasible[i].rank,
        )
        for i in order
    ]
    totals = scores(asking, feasible).totals
    assert scores(asking, renamed, ask=pod_ask(asking)).totals == [totals[i] for i in order]
