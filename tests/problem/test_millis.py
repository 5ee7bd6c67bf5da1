"""GPUs in thousandths: whole devices, shares of capacity, partitions of counters."""

from __future__ import annotations

import msgspec.structs
import numpy as np
import pytest

from drapolicy.api.core import Node, NodeStatus, Pod
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import CapacityRequirements, Device, DeviceCapacity, DeviceRequest, ResourceClaim
from drapolicy.inventory import build
from drapolicy.policies import policy
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Start
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.placement import Placement
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.problem import Problem
from drapolicy.problem.room import Outlook
from drapolicy.problem.rooms import room_of
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, objects, request
from drapolicy.testing.simple import device as named
from drapolicy.workload import fleet


def shared(name: str, **capacity: str) -> Device:
    amounts = {key: DeviceCapacity(value=Quantity(value)) for key, value in capacity.items()}
    return Device(name=name, allow_multiple_allocations=True, capacity=amounts)


def wish(count: int = 1, **amounts: str) -> ResourceClaim:
    exactly = request(count).exactly
    assert exactly is not None
    capacity = CapacityRequirements(requests={key: Quantity(value) for key, value in amounts.items()})
    return claim("c", DeviceRequest(name="devices", exactly=msgspec.structs.replace(exactly, capacity=capacity)))


def local(state: State, wanted: ResourceClaim) -> LocalProblem:
    again = msgspec.structs.replace(wanted, metadata=ObjectMeta(name="another", namespace="test"))
    asked = ask_with(None, again)
    return Problem(state, (asked,)).local(0, asked)


def start(state: State, asked: Ask) -> Placement:
    placed = policy("first-fit").place(Problem(state, (asked,)), np.random.default_rng(0))
    assert placed.node is not None
    state.apply(Start(asked, placed.node, placed.results))
    return placed


def test_whole_devices_are_a_thousand() -> None:
    """A free device has 1,000, a held one nothing; each takes all of itself."""
    state = State(build(objects({"n": [named("a"), named("b")]})))
    start(state, ask_with(None, claim("held", request(1))))
    found = local(state, claim("c", request(1))).millis
    assert (found.left.tolist(), found.takes.tolist()) == ([0, 1_000], [1_000, 1_000])
    assert found.after(np.array([1])).tolist() == [0, 0]


def test_the_scarcest_capacity_counts() -> None:
    """Of 8 cores and 80 of memory a share of 2 and 40 takes half, and leaves half to the next."""
    state = State(build(objects({"n": [shared("a", cores="8", memory="80")]})))
    asked = wish(cores="2", memory="40")
    assert local(state, asked).millis.takes.tolist() == [500]
    start(state, ask_with(None, asked, name="test/first"))
    found = local(state, wish(cores="1", memory="1"))
    assert (found.millis.left.tolist(), found.millis.takes.tolist()) == ([500], [125])
    assert found.millis.after(np.array([0])).tolist() == [375]


def test_amounts_round_against_the_ask() -> None:
    """A third taken is 334, and 666 are left of it."""
    state = State(build(objects({"n": [shared("a", memory="3")]})))
    asked = wish(memory="1")
    assert local(state, asked).millis.takes.tolist() == [334]
    start(state, ask_with(None, asked, name="test/first"))
    assert local(state, asked).millis.left.tolist() == [666]


def test_partitions_of_a_gpu_are_one() -> None:
    """All placements on one A100 are one GPU: a whole one takes 1,000, and then nothing is left."""
    state = State(fleet("a100-mig"))
    asked = claim("c", request(cls="mig.nvidia.com"))
    found = local(state, asked).millis
    assert found.left.tolist() == [1_000] * len(found.left)
    assert set(found.gpu.tolist()) == set(range(len(found.left)))
    eligible = local(state, asked).eligible[0]
    assert 0 < found.takes[eligible].min() < found.takes.max() <= 1_000
    assert not found.takes[~eligible].any()
    placed = start(state, ask_with(None, asked, name="test/first"))
    used = local(state, asked).millis
    chosen = local(state, asked).indices(placed.results)
    assert used.left.tolist() == found.after(chosen).tolist()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Outlook(2**50, 2**50, 0, 0)),
        ({"cpu": Quantity("2"), "memory": Quantity("1Ki")}, Outlook(2_000, 1_024, 0, 0)),
    ],
)
def test_the_outlook_of_a_room(given: dict[str, Quantity], expected: Outlook) -> None:
    """A node without allocatable resources is boundless; a claim on its own asks for nothing."""
    room = room_of(Node(metadata=ObjectMeta(name="n"), status=NodeStatus(allocatable=given)))
    assert room.outlook(pod_ask(Pod())) == expected
