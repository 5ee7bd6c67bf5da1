"""Devices that stand for CPU, memory or huge pages of their node, or cost some of them (S74)."""

from __future__ import annotations

from typing import Any

import pytest

from drapolicy.api import Objects
from drapolicy.api.convert import convert
from drapolicy.api.core import Node, Pod
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.inventory import build
from drapolicy.policies.place import place_all
from drapolicy.problem.ask import asks
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.placement import Placement
from drapolicy.problem.state import State
from drapolicy.release import Release, release

GATE = "DRANodeAllocatableResources"
ON = release("1.37", gates={GATE: True})
BEFORE = release("1.36", gates={GATE: True})
DRIVER = "cpu.example.com"


def objects(costs: dict[str, Any], *pods: Pod, cpu: str = "8", before: bool = False, **device: Any) -> Objects:
    """One node with two devices that cost it something, a claim for each pod."""
    field = "nodeAllocatableResourceMappings" if before else "nodeAllocatableResources"
    devices = [{"name": name, **device, field: costs} for name in ("a", "b")]
    room = {"cpu": cpu, "memory": "16Gi", "pods": "10", "hugepages-2Mi": "1Gi"}
    spec = {"driver": DRIVER, "nodeName": "n1", "pool": {"name": "n1", "resourceSliceCount": 1}, "devices": devices}
    names = sorted({entry.resource_claim_name or "" for pod in pods for entry in pod.spec.resource_claims})
    return Objects(
        nodes=(made(Node, {"metadata": {"name": "n1"}, "status": {"allocatable": room}}),),
        slices=(made(ResourceSlice, {"metadata": {"name": "s"}, "spec": spec}),),
        classes=(made(DeviceClass, {"metadata": {"name": "cores"}}),),
        claims=tuple(claim(name) for name in names),
        pods=pods,
    )


def made(kind: Any, value: dict[str, Any]) -> Any:
    return convert({"kind": kind.__name__, **value}, kind)


def claim(name: str, **exactly: Any) -> ResourceClaim:
    request = {"deviceClassName": "cores", "allocationMode": "ExactCount", "count": 1, **exactly}
    spec = {"devices": {"requests": [{"name": "r", "exactly": request}]}}
    made_claim: ResourceClaim = made(ResourceClaim, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})
    return made_claim


def pod(name: str, *, claim: str = "", cpu: str = "1", containers: int = 1, uses: bool = True, **spec: Any) -> Pod:
    """A pod whose containers all use its one claim."""
    resources: dict[str, Any] = {"requests": {"cpu": cpu}, "claims": [{"name": "c"}] if uses else []}
    made_pod: Pod = made(
        Pod,
        {
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "resourceClaims": [{"name": "c", "resourceClaimName": claim or name}],
                "containers": [{"name": f"c{i}", "resources": resources} for i in range(containers)],
                **spec,
            },
        },
    )
    return made_pod


def placed(given: Objects, kubernetes: Release = ON) -> tuple[Placement, ...]:
    return place_all(build(given, kubernetes), given)


def outcomes(given: Objects, kubernetes: Release = ON) -> list[str]:
    """Node of each pod, or why there is none."""
    return [found.node or "; ".join(found.reasons) or str(found.outcome) for found in placed(given, kubernetes)]


MAPPED = {"cpu": {"mapping": {"deviceMultiplier": "4"}}}
OVERHEAD = {"cpu": {"overhead": {"perPod": "1", "perContainer": "500m"}}}


def test_a_device_takes_what_it_stands_for() -> None:
    """4 cores each and 1 of the container: one pod fits on 8 cores, the second does not."""
    assert outcomes(objects(MAPPED, pod("p"), pod("q"))) == ["n1", "Insufficient cpu"]
    assert outcomes(objects(MAPPED, pod("p"), pod("q"), cpu="10")) == ["n1", "n1"]


def test_without_the_gate_devices_cost_nothing() -> None:
    """The field counts for nothing."""
    assert outcomes(objects(MAPPED, pod("p"), pod("q")), release()) == ["n1", "n1"]


@pytest.mark.parametrize(("containers", "cpu", "node"), [(2, "4", "n1"), (2, "3900m", ""), (3, "5500m", "n1")])
def test_overhead_is_per_pod_and_container(containers: int, cpu: str, node: str) -> None:
    """1 for the pod, and half a core besides its own for each container that uses the claim."""
    found = outcomes(objects(OVERHEAD, pod("p", containers=containers), cpu=cpu))
    assert found == [node or "Insufficient cpu"]


def test_consumed_capacity_is_multiplied() -> None:
    """A share of 3 units at 1500m each takes 4.5 cores, rounded up to nothing finer than a milli core."""
    costs = {"cpu": {"mapping": {"capacityKey": "units", "capacityMultiplier": "1500m"}}}
    shared = {"capacity": {"units": {"value": "8"}}, "allowMultipleAllocations": True}
    for cpu, want in (("5500m", "n1"), ("5499m", "Insufficient cpu")):
        given = objects(costs, pod("p"), cpu=cpu, **shared)
        wish = claim("p", capacity={"requests": {"units": "3"}})
        given = Objects(given.slices, given.classes, (wish,), nodes=given.nodes, pods=given.pods)
        assert outcomes(given) == [want]


def test_a_device_without_the_capacity_that_it_stands_for_ends_the_attempt() -> None:
    """A device that is not shared has no consumed capacity; upstream has an error for it."""
    costs = {"cpu": {"mapping": {"capacityKey": "units"}}}
    (found,) = placed(objects(costs, pod("p"), capacity={"units": {"value": "8"}}))
    assert found.outcome.text == (  # type: ignore[union-attr]
        "claim default/p, device a: ConsumedCapacity is nil, but Capacity key 'units' is set in "
        "NodeAllocatableResources for resource cpu"
    )


def test_a_mapped_claim_serves_one_pod() -> None:
    """The second pod that names the claim is refused; an overhead may be shared."""
    two = (pod("p", claim="c"), pod("q", claim="c"))
    text = "node allocatable resource claim c has a mapped device and cannot be shared across pods"
    assert outcomes(objects(MAPPED, *two, cpu="64")) == ["n1", text]
    assert outcomes(objects(OVERHEAD, *two, cpu="64")) == ["n1", "n1"]


def test_1_36_wrote_mappings_without_overhead() -> None:
    """One multiplier, other words, and the claim must be used by a container."""
    costs = {"cpu": {"allocationMultiplier": "4"}}
    assert outcomes(objects(costs, pod("p"), pod("q"), before=True), BEFORE) == ["n1", "Insufficient cpu"]
    two = (pod("p", claim="c"), pod("q", claim="c"))
    text = "node allocatable resource claim c is already used by another pod"
    assert outcomes(objects(costs, *two, before=True, cpu="64"), BEFORE) == ["n1", text]
    text = "claim p: node-allocatable resource claim not referenced by any container within the pod"
    assert outcomes(objects(costs, pod("p", uses=False), before=True), BEFORE) == [text]
    assert outcomes(objects(MAPPED, pod("p", uses=False))) == ["n1"]


@pytest.mark.parametrize(
    ("level", "want"),
    [
        ({"requests": {"cpu": "5"}}, "n1"),
        (
            {"requests": {"cpu": "4999m"}},
            (
                "pod level request for cpu is insufficient to cover the aggregated container and "
                "node-allocatable DRA requests"
            ),
        ),
    ],
)
def test_requests_at_pod_level_cover_devices(level: dict[str, Any], want: str) -> None:
    """They are the budget of containers and devices together."""
    assert outcomes(objects(MAPPED, pod("p", resources=level))) == [want]


def test_limits_at_pod_level_cover_devices() -> None:
    """Each container's limit and its devices' costs fit the limit of the pod."""
    given = pod("p", resources={"requests": {"cpu": "5"}, "limits": {"cpu": "5"}})
    given.spec.containers[0].resources.limits["cpu"] = given.spec.containers[0].resources.requests["cpu"]
    assert outcomes(objects(MAPPED, given)) == ["n1"]
    given = pod("p", cpu="2", resources={"requests": {"cpu": "6"}, "limits": {"cpu": "5"}})
    given.spec.containers[0].resources.limits["cpu"] = given.spec.containers[0].resources.requests["cpu"]
    text = "pod level limit for cpu is insufficient to cover the limit and DRA overhead for container c0"
    assert outcomes(objects(MAPPED, given)) == [text]


def test_room_is_given_back() -> None:
    """What a pod's devices cost returns with the pod."""
    given = objects(MAPPED, pod("p"))
    state = State(build(given, ON))
    (ask,) = asks(given)
    (found,) = placed(given)
    state.apply(Start(ask, "n1", found.results))
    assert state.rooms[0].requested["cpu"] == 5000
    state.apply(Finish(ask.name))
    assert "cpu" not in state.rooms[0].requested


def test_bound_pods_tell_what_their_devices_cost() -> None:
    """The scheduler writes it in the pod's status."""
    told = [{"resourceClaimName": "c", "containers": ["c0", "c1"], "mapping": [{"name": "cpu", "quantity": "2"}]}]
    told[0]["overhead"] = [{"name": "cpu", "perPod": "1", "perContainer": "500m"}]
    bound = made(
        Pod,
        {
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"nodeName": "n1"},
            "status": {"nodeAllocatableResourceClaimStatuses": told},
        },
    )
    given = objects(MAPPED)
    assert State(build(given, ON), pods=[bound]).rooms[0].requested["cpu"] == 4000
    assert "cpu" not in State(build(given, release()), pods=[bound]).rooms[0].requested
