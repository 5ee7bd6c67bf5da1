"""What shared counters have left, and what still fits them."""

from __future__ import annotations

from dataclasses import replace

import msgspec.structs
import numpy as np

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    Counter,
    CounterSet,
    Device,
    DeviceCapacity,
    DeviceCounterConsumption,
)
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.problem.counters_left import CountersLeft
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask, device, objects


def drawing(name: str, key: str) -> Device:
    drawn = DeviceCounterConsumption(counter_set="s", counters={key: Counter(value=Quantity(1))})
    return msgspec.structs.replace(device(name), consumes_counters=[drawn])


def state_of(devices: list[Device], others: list[Device], **counters: int) -> State:
    """A node with a pool of devices and a set of counters, and a pool of devices without counters."""
    base = objects({"node-0": devices})
    spec = base.slices[0].spec
    pool = msgspec.structs.replace(spec.pool, resource_slice_count=2)
    sets = [CounterSet(name="s", counters={key: Counter(value=Quantity(n)) for key, n in counters.items()})]
    specs = {
        "devices": msgspec.structs.replace(spec, pool=pool),
        "counters": msgspec.structs.replace(spec, pool=pool, devices=[], shared_counters=sets),
        "others": msgspec.structs.replace(spec, pool=msgspec.structs.replace(spec.pool, name="other"), devices=others),
    }
    slices = (
        msgspec.structs.replace(base.slices[0], metadata=ObjectMeta(name=name), spec=known)
        for name, known in specs.items()
    )
    return State(build(replace(base, slices=tuple(slices))))


def counters_of(state: State) -> CountersLeft:
    return CountersLeft(state.site(0), state.allocated, state.fleet.release.behaviour)


def placeable(state: State) -> set[str]:
    devices = state.site(0).devices
    mask = counters_of(state).placeable(np.arange(len(devices)))
    return {devices[d].id.device for d in np.flatnonzero(mask)}


def start(state: State, name: str) -> None:
    wanted = ask(name, 1)
    placement = POLICIES["first-fit"].place(Problem(state, (wanted,)), np.random.default_rng(0))
    assert placement.node is not None
    state.apply(Start(wanted, placement.node, placement.results))


def test_a_share_draws_its_counters_once() -> None:
    """A shared device that drew its counters with the first share stays placeable when none are left."""
    capacity = DeviceCapacity(value=Quantity(10), request_policy=CapacityRequestPolicy(default=Quantity(1)))
    shared = msgspec.structs.replace(drawing("a", "k"), allow_multiple_allocations=True, capacity={"m": capacity})
    state = state_of([shared, drawing("b", "k")], [], k=1)
    assert placeable(state) == {"a", "b"}
    start(state, "one")
    assert counters_of(state).left.tolist() == [0]
    assert placeable(state) == {"a"}
    start(state, "two")
    assert counters_of(state).left.tolist() == [0]


def test_a_counter_below_zero_blocks_the_devices_that_draw_from_its_pool() -> None:
    """Whatever they draw of it, but not devices that draw nothing, nor those of other pools (K8s S45, Q7)."""
    devices = [drawing("a", "short"), drawing("b", "short"), drawing("c", "other"), device("d")]
    state = state_of(devices, [device("e")], short=1, other=9)
    for known in state.site(0).devices:
        if known.id.device in {"a", "b"}:
            state.allocated.take(known.id)
    assert sorted(counters_of(state).left.tolist()) == [-1, 9]
    assert placeable(state) == {"d", "e"}


def test_devices_that_are_chosen_before_leave_less() -> None:
    """Two of a counter serve two devices; once one of them is chosen, one more and then none."""
    state = state_of([drawing(name, "k") for name in "abc"], [], k=2)
    counters, every = counters_of(state), np.arange(3)
    assert counters.placeable(every[1:], every[:1]).tolist() == [False, True, True]
    assert counters.placeable(every[2:], every[:2]).tolist() == [False, False, False]
