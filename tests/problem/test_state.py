"""State: events change it, trials leave no trace, stamps tell what may have changed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import msgspec.structs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimStatus,
)
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import Fleet, build
from drapolicy.policies import POLICIES
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask, ask_with, claim, request, row

FIRST_FIT = POLICIES["first-fit"]
SHARED = claim("shared", request(1))


def fleet(nodes: int = 3, devices: int = 4) -> Fleet:
    made = row(nodes=nodes, devices=devices)
    room = {"cpu": Quantity("8"), "memory": Quantity("16Gi"), "pods": Quantity("10")}
    bare = (Node(metadata=node.metadata, status=NodeStatus(allocatable=room)) for node in made.nodes)
    return build(replace(made, nodes=tuple(bare)))


def holding(name: str, node: str, *devices: str, users: tuple[str, ...] = ()) -> ResourceClaim:
    """Return a claim that holds devices from the start."""
    results = [DeviceRequestAllocationResult(request="devices", driver=DRIVER, pool=node, device=d) for d in devices]
    allocation = AllocationResult(devices=DeviceAllocationResult(results=results))
    reserved = [ResourceClaimConsumerReference(resource="pods", name=user, uid=user) for user in users]
    status = ResourceClaimStatus(allocation=allocation, reserved_for=reserved)
    return msgspec.structs.replace(claim(name, request(len(devices))), status=status)


def pod(cpu: int = 1, name: str = "pod") -> Pod:
    resources = ResourceRequirements(requests={"cpu": Quantity(cpu)})
    return Pod(
        metadata=ObjectMeta(name=name, namespace="test"), spec=PodSpec(containers=[Container(resources=resources)])
    )


def seen(state: State) -> tuple[object, ...]:
    rooms = [(room.pods, dict(room.requested), list(room.nonzero)) for room in state.rooms]
    return deepcopy(state.allocated), dict(state.held), dict(state.running), rooms, state.cursor


def start(state: State, wanted: Ask) -> bool:
    """Start an ask where first fit puts it; tell whether it fits."""
    placement = FIRST_FIT.place(Problem(state, (wanted,)), np.random.default_rng(0))
    if placement.node is not None:
        state.apply(Start(wanted, placement.node, placement.results))
    return placement.placed


def wanted(number: int, kind: int) -> Ask:
    """Return the ask of a kind: devices only, a pod with devices, a pod alone, a pod with a shared claim."""
    name = f"test/ask-{number}"
    own = claim(f"own-{number}", request(1 + number % 3))
    if kind == 0:
        return ask_with(None, own, name=name)
    return ask_with(pod(1 + kind), *((), (own,), (), (SHARED,), (SHARED, own))[kind], name=name)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 4)),
        st.tuples(st.just("finish"), st.integers(0, 9)),
        st.tuples(st.just("trial"), st.integers(1, 4)),
    ),
    max_size=25,
)


def run(state: State, steps: list[tuple[str, int]], number: int = 0) -> int:
    """Do the steps; a trial runs the next steps and takes them back."""
    for position, (what, value) in enumerate(steps):
        if what == "start":
            start(state, wanted(number, value))
            number += 1
        elif what == "finish" and state.running:
            state.apply(Finish(sorted(state.running)[value % len(state.running)]))
        elif what == "trial":
            before = seen(state)
            with state.trial():
                number = run(state, steps[position + 1 : position + 1 + value], number)
                state.cursor += 1
            assert seen(state) == before
    return number


@given(STEPS)
def test_a_trial_leaves_no_trace(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in a trial, nested ones included, all that was taken, held and running is as before."""
    state = State(fleet(), [holding("shared", "node-1", "device-0"), holding("kept", "node-0", "device-3")])
    before = seen(state)
    with state.trial():
        run(state, steps)
    assert seen(state) == before


@given(STEPS)
def test_when_all_have_finished_nothing_is_taken(steps: list[tuple[str, int]]) -> None:
    """After the last user of every claim is gone the state is the empty one."""
    state = State(fleet())
    run(state, steps)
    for name in list(state.running):
        state.apply(Finish(name))
    assert seen(state)[:-1] == seen(State(fleet()))[:-1]


@given(STEPS)
def test_no_device_has_two_holders(steps: list[tuple[str, int]]) -> None:
    """Devices are conserved: each is held by one claim at most, and what is held is what is taken."""
    state = State(fleet())
    run(state, steps)
    held = [(r.pool, r.device) for allocation in state.held.values() for r in allocation.devices.results]
    assert len(held) == len(set(held))
    again = State(state.fleet)
    for allocation in state.held.values():
        again.allocated.add(allocation)
    assert again.allocated == state.allocated


def test_a_shared_claim_goes_with_its_last_user() -> None:
    """Two pods use one claim: it is deallocated when both are done (K8s S76)."""
    state = State(fleet())
    one, two = ask_with(pod(), SHARED, name="test/one"), ask_with(pod(), SHARED, name="test/two")
    assert start(state, one)
    assert start(state, two)
    state.apply(Finish("test/one"))
    assert list(state.held) == ["test/shared"]
    state.apply(Finish("test/two"))
    assert not state.held


def test_users_written_in_the_claim_keep_it() -> None:
    """A pod in status.reservedFor that is not played keeps the claim; the pod that starts is counted once."""
    state = State(fleet(), [holding("shared", "node-1", "device-0", users=("ask", "other"))])
    assert start(state, ask_with(None, SHARED, name="test/ask"))
    state.apply(Finish("test/ask"))
    assert list(state.held) == ["test/shared"]
    alone = State(fleet(), [holding("shared", "node-1", "device-0", users=("ask",))])
    assert start(alone, ask_with(None, SHARED, name="test/ask"))
    alone.apply(Finish("test/ask"))
    assert not alone.held


def test_taking_back_a_start_keeps_a_claim_that_nobody_used() -> None:
    """A claim that was allocated before the trial stays allocated after it."""
    state = State(fleet(), [holding("shared", "node-1", "device-0")])
    with state.trial():
        assert start(state, ask_with(None, SHARED, name="test/ask"))
    assert list(state.held) == ["test/shared"]


def test_a_trial_that_fails_is_taken_back() -> None:
    """An error inside a trial passes on, and the state is as before."""
    state = State(fleet())
    before = seen(state)

    def fail() -> None:
        with state.trial():
            start(state, ask("a", 2))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen(state) == before


@pytest.mark.parametrize(
    ("event", "error", "message"),
    [
        (Start(ask("a", 1), "nowhere", ()), UnknownReferenceError, "start of test/a: node nowhere is not in the fleet"),
        (
            Start(ask("a", 1), "node-0", ()),
            InputError,
            "start of test/a: 0 results for 1 claims without allocation",
        ),
        (Finish("test/a"), UnknownReferenceError, "finish of test/a: it does not run"),
    ],
)
def test_impossible_events_change_nothing(event: Start | Finish, error: type[Exception], message: str) -> None:
    """An event that cannot happen is an error that names it, and the state stays."""
    state = State(fleet())
    before, version = seen(state), state.version
    with pytest.raises(error) as caught:
        state.apply(event)
    assert str(caught.value) == message
    assert (seen(state), state.version) == (before, version)


def test_an_ask_starts_once() -> None:
    """An ask that runs cannot start again."""
    state = State(fleet())
    lonely = ask("a", 0)
    state.apply(Start(lonely, "node-2", ()))
    with pytest.raises(InputError, match="start of test/a: it runs already on node-2"):
        state.apply(Start(lonely, "node-1", ()))


def test_bound_pods_take_room_and_done_ones_do_not() -> None:
    """Pods that are there from the start count on their node unless they are done or their node is unknown."""

    def bound(node: str, phase: str = "Running") -> Pod:
        made = pod(2)
        return msgspec.structs.replace(
            made,
            spec=msgspec.structs.replace(made.spec, node_name=node),
            status=msgspec.structs.replace(made.status, phase=phase),
        )

    state = State(fleet(), pods=[bound("node-1"), bound("node-1", "Succeeded"), bound("gone"), pod(3)])
    assert [room.requested for room in state.rooms] == [{}, {"cpu": 2000}, {}]


def test_stamps_change_where_answers_may() -> None:
    """A start stamps its node alone, and no two states have a stamp in common."""
    one, other = State(fleet()), State(fleet())
    before = [one.stamp(n) for n in range(3)]
    assert not {*before} & {other.stamp(n) for n in range(3)}
    start(one, ask("a", 1))
    assert [one.stamp(n) == before[n] for n in range(3)] == [False, True, True]


def test_a_problem_is_stale_once_the_state_moved() -> None:
    """A problem reads the state that it was made of, or refuses."""
    state = State(fleet())
    problem = Problem(state, (ask("a", 1),))
    assert problem.local(0, problem.ask).free.all()
    start(state, ask("b", 1))
    with pytest.raises(InputError, match="the state has changed since it was made"):
        problem.local(0, problem.ask)


def test_a_problem_of_several_asks_has_no_one_ask() -> None:
    """Several asks are not decided together yet, which is said."""
    with pytest.raises(InputError, match="problem: 2 asks; decide one at a time"):
        _ = Problem(State(fleet()), (ask("a", 1), ask("b", 1))).ask


def test_trials_leave_the_version_and_use_its_numbers_up() -> None:
    """A problem is still about the state after a trial, and one made inside is about no later state."""
    state = State(fleet(nodes=1))
    before = Problem(state, (ask("later", 1),))
    with state.trial():
        assert start(state, ask("first", 1))
        inside = Problem(state, (ask("later", 1),))
    assert before.local(0, before.ask).size == 4
    assert start(state, ask("first", 1))
    for stale in (before, inside):
        with pytest.raises(InputError, match="the state has changed"):
            stale.local(0, stale.ask)
