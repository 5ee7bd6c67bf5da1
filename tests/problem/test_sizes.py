"""Sizes of the allocations on each node, through starts, finishes and trials."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from drapolicy.policies import policy
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, fleet_of, workload_of

PODS = (
    PodRow("cpu", 1, 1, 0, 0, ()),
    PodRow("pair", 1, 1, 2, 1_000, ()),
    PodRow("share", 1, 1, 1, 999, ()),
    PodRow("whole", 1, 1, 1, 1_000, ()),
)
NODES = (NodeRow("n-0", 8_000, 1_000, 8, "T4"),)


@pytest.fixture
def state() -> State:
    """A node of eight GPUs on which nothing runs."""
    return State(fleet_of(NODES))


def start(state: State, name: str, number: int = 0) -> str:
    """Place a pod and return what it is called."""
    workload = workload_of(Trace("made", PODS, NODES), Order((), ()))
    ask = workload.ask(Arrival(0, None, name), number)
    placement = policy("best-fit").place(Problem(state, (ask,)), None)
    state.apply(Start(ask, placement.node, placement.results))
    return ask.name


def test_sizes_count_devices_that_are_taken_whole(state: State) -> None:
    """Shares that leave something are of size 0, a share that takes all is a device; pods without claims count not."""
    for name, sizes in (("cpu", set()), ("share", {0}), ("whole", {0, 1}), ("pair", {0, 1, 2})):
        start(state, name)
        assert state.sizes.of(0) == sizes


def test_sizes_go_with_the_last_allocation_of_their_kind(state: State) -> None:
    """Two of one size count until both are gone; a trial takes back what it did."""
    first, second = start(state, "pair"), start(state, "pair", 1)
    state.apply(Finish(first))
    assert state.sizes.of(0) == {2}
    with state.trial():
        state.apply(Finish(second))
        start(state, "share")
        assert state.sizes.of(0) == {0}
    assert state.sizes.of(0) == {2}
    state.apply(Finish(second))
    assert state.sizes.of(0) == frozenset()


def test_sizes_of_claims_that_were_held_from_the_start(state: State) -> None:
    """A state that begins with allocations counts them."""
    workload = workload_of(Trace("made", PODS, NODES), Order((), ()))
    ask = workload.ask(Arrival(0, None, "pair"), 0)
    (result,) = policy("best-fit").place(Problem(state, (ask,)), None).results
    claim = replace(ask.claims[0], status=replace(ask.claims[0].status, allocation=result))
    assert State(state.fleet, [claim]).sizes.of(0) == {2}
