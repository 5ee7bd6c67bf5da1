"""What pods request of nodes; arithmetic beside each row."""

from __future__ import annotations

import pytest

from drapolicy.api.core import Pod, ResourceRequirements
from drapolicy.problem.pod_requests import pod_ask, pod_requests
from drapolicy.testing.pods import GPU, amounts, container, needs, pod

MI = 1024**2

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
