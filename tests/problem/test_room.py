"""What pods ask of nodes and what nodes have left; arithmetic beside each row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.quantity import Quantity
from drapolicy.problem.room import NodeRoom, is_scalar_resource, pod_ask, pod_requests
from drapolicy.problem.rooms import room_of

MI = 1024**2
GPU = "example.com/gpu"


def amounts(**given: str) -> dict[str, Quantity]:
    """``gpu`` and ``huge`` stand for names that are no Python names."""
    names = {"gpu": GPU, "huge": "hugepages-2Mi", "storage": "ephemeral-storage"}
    return {names.get(name, name): Quantity(text) for name, text in given.items()}


def needs(**requests: str) -> ResourceRequirements:
    return ResourceRequirements(requests=amounts(**requests))


def container(always: bool = False, limits: dict[str, Quantity] | None = None, **requests: str) -> Container:
    resources = ResourceRequirements(requests=amounts(**requests), limits=limits or {})
    return Container(name="c", resources=resources, restart_policy="Always" if always else None)


def pod(*containers: Container, init: list[Container] | None = None, **spec: object) -> Pod:
    return Pod(spec=PodSpec(containers=list(containers), init_containers=init or [], **spec))  # type: ignore[arg-type]


def node(**allocatable: str) -> Node:
    return Node(status=NodeStatus(allocatable=amounts(**allocatable)))


REQUESTS = {
    "nothing": (pod(container()), {}),
    "containers add up": (pod(container(cpu="500m", memory="1Mi"), container(cpu="1")), {"cpu": 1500, "memory": MI}),
    "limit stands in": (pod(container(limits=amounts(cpu="2", gpu="1"), cpu="1")), {"cpu": 1000, GPU: 1}),
    "an explicit 0 stays": (pod(container(limits=amounts(cpu="2"), cpu="0")), {"cpu": 0}),
    # max(300 + 200, 400): containers run together, the init container alone.
    "init container smaller": (
        pod(container(cpu="300m"), container(cpu="200m"), init=[container(cpu="400m")]),
        {"cpu": 500},
    ),
    "init container larger": (
        pod(container(cpu="300m"), init=[container(cpu="400m"), container(cpu="100m")]),
        {"cpu": 400},
    ),
    # Running: 300 + 100 sidecar = 400; while starting: 350 with the sidecar before it = 450.
    "sidecar before init": (
        pod(container(cpu="300m"), init=[container(True, cpu="100m"), container(cpu="350m")]),
        {"cpu": 450},
    ),
    # Running: 400; while starting: 350 alone, the sidecar comes later.
    "sidecar after init": (
        pod(container(cpu="300m"), init=[container(cpu="350m"), container(True, cpu="100m")]),
        {"cpu": 400},
    ),
    # 100 + 100 sidecars + 50 = 250 running; starting never needs more than the 200 of both sidecars.
    "two sidecars": (pod(container(cpu="50m"), init=[container(True, cpu="100m")] * 2), {"cpu": 250}),
    "overhead is added": (
        pod(container(cpu="1"), overhead=amounts(cpu="250m", memory="1Mi")),
        {"cpu": 1250, "memory": MI},
    ),
    "pod level replaces": (
        pod(container(cpu="1", memory="1Mi"), resources=needs(cpu="3")),
        {"cpu": 3000, "memory": MI},
    ),
    "pod level may be smaller": (pod(container(cpu="4"), resources=needs(cpu="3")), {"cpu": 3000}),
    "pod level plus overhead": (
        pod(container(cpu="1"), resources=needs(cpu="3"), overhead=amounts(cpu="1")),
        {"cpu": 4000},
    ),
    "pod level knows no devices": (pod(container(gpu="1"), resources=needs(gpu="5")), {GPU: 1}),
    # The limit stands in only for what no container requests.
    "pod level limit": (
        pod(container(cpu="1"), resources=ResourceRequirements(limits=amounts(cpu="8", memory="2Mi"))),
        {"cpu": 1000, "memory": 2 * MI},
    ),
    # Huge pages cannot be overcommitted, so here the limit at pod level wins over the containers.
    "pod level huge pages": (
        pod(container(huge="2Mi"), resources=ResourceRequirements(limits=amounts(huge="8Mi"))),
        {"hugepages-2Mi": 8 * MI},
    ),
    # 0.0001 cores are read as 1 milli core; 3 x 1.5 bytes = 4.5 are 5, not 3 x 2.
    "rounding": (pod(*[container(cpu="100u", memory="1500m")] * 3), {"cpu": 3, "memory": 5}),
    "names nobody counts": (pod(container(**{"pods": "1", "widgets": "1", "requests.example.com/x": "1"})), {}),
}


@pytest.mark.parametrize(("asking", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_requests(asking: Pod, expected: dict[str, int]) -> None:
    """A pod's requests are what the stock scheduler counts."""
    assert pod_requests(asking) == expected


NONZERO = {
    # Per container: 100 m and 200 Mi where it asks for nothing.
    "two silent containers": (pod(container(), container()), (200, 400 * MI)),
    "an explicit 0 counts 0": (pod(container(cpu="0", memory="0")), (0, 0)),
    "a limit is a request": (pod(container(limits=amounts(cpu="2"))), (2000, 200 * MI)),
    "other container": (pod(container(cpu="1"), container(memory="1Mi")), (1100, 201 * MI)),
    # 100 m running; starting: 100 m as well.
    "silent init container": (pod(container(), init=[container()]), (100, 200 * MI)),
    "overhead on top": (pod(container(), overhead=amounts(cpu="50m")), (150, 200 * MI)),
    # CPU stands at pod level; memory is requested nowhere, so each container counts with its default.
    "pod level cpu": (pod(container(), container(), resources=needs(cpu="3")), (3000, 400 * MI)),
    # Memory is requested by one container: at pod level that is the default, nothing is filled in.
    "pod level cpu, memory asked": (pod(container(memory="1Mi"), container(), resources=needs(cpu="3")), (3000, MI)),
}


@pytest.mark.parametrize(("asking", "expected"), NONZERO.values(), ids=NONZERO)
def test_nonzero(asking: Pod, expected: tuple[int, int]) -> None:
    """A pod on a node counts with defaults for what its containers leave out."""
    assert pod_ask(asking).nonzero == expected


def test_pending_pod_is_scored_without_its_pod_level_requests() -> None:
    """LeastAllocated of 1.37.2 ignores requests at pod level of the pod being placed, not of pods on the node."""
    ask = pod_ask(pod(container(cpu="1"), resources=needs(cpu="3", memory="1Gi")))
    assert ask.nonzero == (3000, 1024 * MI)
    assert ask.scored == (1000, 200 * MI)


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        (GPU, True),
        ("hugepages-1Gi", True),
        ("attachable-volumes-csi", True),
        ("x.kubernetes.io/y", True),
        ("cpu", False),
        ("gpu", False),
        ("requests.example.com/gpu", False),
    ],
)
def test_scalar_resources(name: str, counted: bool) -> None:
    """The scheduler counts extended, huge page, prefixed and volume resources besides the basic ones."""
    assert is_scalar_resource(name) is counted


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
