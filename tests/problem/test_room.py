"""What nodes have left for pods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Node, NodeStatus, Pod
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.room import NodeRoom
from drapolicy.problem.rooms import room_of
from drapolicy.testing.pods import GPU, amounts, container, pod


def node(**allocatable: str) -> Node:
    return Node(status=NodeStatus(allocatable=amounts(**allocatable)))


def test_fits_up_to_the_last_unit() -> None:
    """A node takes pods until exactly nothing is left."""
    room = room_of(node(cpu="1", pods="10"))
    room.add(pod(container(cpu="999m")))
    assert room.fits(pod(container(cpu="1m"))) == ()
    assert room.fits(pod(container(cpu="2m"))) == ("cpu",)


def test_names_every_lacking_resource_in_order() -> None:
    """Everything that is missing is named: pods, the basic resources, then the others by name."""
    asking = pod(container(**{"b.io/y": "1", "a.io/x": "1"}, gpu="1", storage="1", memory="1", cpu="1"))
    expected = ("pods", "cpu", "memory", "ephemeral-storage", "a.io/x", "b.io/y", GPU)
    assert room_of(node(cpu="0")).fits(asking) == expected


def test_overcommitted_node_takes_pods_that_ask_for_nothing() -> None:
    """Only resources that a pod asks for can keep it away."""
    room = room_of(node(cpu="1", pods="10"))
    room.add(pod(container(cpu="5")))
    assert room.fits(pod(container())) == ()
    assert room.fits(pod(container(cpu="0", memory="1"))) == ("memory",)


def test_node_without_allocatable_pods_takes_none() -> None:
    """As in Kubernetes, a node that reports resources but no pods has room for no pod."""
    assert room_of(node(cpu="8")).fits(pod(container())) == ("pods",)


def test_node_that_reports_nothing_is_unbounded() -> None:
    """A node known by name only takes every pod."""
    room = room_of(Node())
    assert room.unbounded
    assert room.fits(pod(container(cpu="1000", gpu="8"))) == ()


def test_delegated_resources_are_left_to_devices() -> None:
    """An extended resource that a device class backs counts only on nodes that have it themselves (S73)."""
    asking = pod(container(gpu="2"))
    assert room_of(node(pods="9")).fits(asking) == (GPU,)
    assert room_of(node(pods="9")).fits(asking, {GPU}) == ()
    assert room_of(node(pods="9", gpu="0")).fits(asking, {GPU}) == ()
    assert room_of(node(pods="9", gpu="1")).fits(asking, {GPU}) == (GPU,)
    assert room_of(node(pods="9")).fits(pod(container(cpu="1")), {"cpu"}) == ("cpu",)


def test_nothing_can_be_taken_off_an_empty_node() -> None:
    """Taking a pod off a node without pods is a mistake of the caller."""
    with pytest.raises(ValueError, match="taken off a node that has none"):
        room_of(node(pods="9")).remove(pod())


TEXTS = st.sampled_from(["0", "1", "100m", "1500m", "3", "2Mi", "333u"])
RESOURCES = st.dictionaries(st.sampled_from(["cpu", "memory", "storage", "gpu", "huge"]), TEXTS)
PODS = st.builds(
    lambda main, init, side: pod(container(**main), init=[container(**init), container(True, **side)]),
    *[RESOURCES] * 3,
)


def state(room: NodeRoom) -> tuple[object, ...]:
    return room.pods, list(room.nonzero), dict(room.requested)


@given(st.lists(PODS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_remove_is_the_inverse_of_add(pods: list[Pod], random: object) -> None:
    """Pods taken off in any order leave the node exactly as each found it, and empty in the end."""
    room = room_of(node(cpu="4", pods="3"))
    states = [state(room)]
    for each in pods:
        room.add(each)
        states.append(state(room))
    for each, before in zip(reversed(pods), reversed(states[:-1]), strict=True):
        room.remove(each)
        assert state(room) == before
    for each in pods:
        room.add(each)
    random.shuffle(pods)  # type: ignore[attr-defined]
    for each in pods:
        room.remove(pod_ask(each))
    assert state(room) == (0, [0, 0], {})


@given(PODS, PODS)
def test_pod_and_its_ask_are_the_same(first: Pod, second: Pod) -> None:
    """A pod and what was computed of it beforehand are interchangeable."""
    room, other = room_of(node(cpu="3", pods="2", gpu="2")), room_of(node(cpu="3", pods="2", gpu="2"))
    room.add(first)
    other.add(pod_ask(first))
    assert state(room) == state(other)
    assert room.fits(second) == other.fits(pod_ask(second))
