"""What a solver and an objective see of a node."""

from __future__ import annotations

from typing import Any

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
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Start
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import DRIVER, ask, ask_with, claim, device, first_of, objects, request
from drapolicy.workload import fleet

OF = f"device.attributes['{DRIVER}']"


def started(state: State, wanted: Ask) -> list[str]:
    placement = POLICIES["first-fit"].place(Problem(state, (wanted,)), np.random.default_rng(0))
    assert placement.node is not None
    state.apply(Start(wanted, placement.node, placement.results))
    return [r.device for result in placement.results for r in result.devices.results]


def local(state: State, *claims: Any) -> LocalProblem:
    wanted = ask_with(None, *claims)
    return Problem(state, (wanted,)).local(0, wanted)


def mixed() -> State:
    made = [device("a", size=1), device("b", size=2), device("c"), device("d", size=2)]
    return State(build(objects({"node-0": made})))


def test_masks_have_a_row_a_request_or_alternative() -> None:
    """Eligible are devices that class and selectors accept; where a selector fails is told apart."""
    state = mixed()
    node = local(state, claim("c", request(2, f"{OF}.size == 2"), first_of((1, ""), (3, "false"), name="list")))
    assert node.eligible.astype(int).tolist() == [[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert node.lazily_failing.astype(int).tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert node.count.tolist() == [2, 1, 3]
    assert [(w.claim, w.request, w.alternative) for w in node.wishes] == [(0, 0, 0), (0, 1, 0), (0, 1, 1)]
    for array in (node.eligible, node.lazily_failing, node.count, node.free):
        assert not array.flags.writeable


def test_free_and_left_follow_the_state() -> None:
    """What is held is neither free nor left, whatever is chosen."""
    state = mixed()
    assert started(state, ask("x", 1)) == ["a"]
    node = local(state, claim("c", request()))
    assert node.free.tolist() == [False, True, True, True]
    assert node.left(np.array([2])).tolist() == [1, 3]
    assert node.placeable().tolist() == [False, True, True, True]
    assert node.placeable(node.left(np.array([2]))).tolist() == [False, True, False, True]


def test_groups_number_the_values_of_an_attribute() -> None:
    """By first occurrence, -1 where it is missing; short names know drivers' own spellings."""
    groups = local(mixed(), claim("c", request())).groups
    assert groups[f"{DRIVER}/size"].tolist() == [0, 1, -1, 1]
    assert groups["numa"].tolist() == [-1] * 4
    assert sorted(groups) == ["numa", "pcieRoot"]


def test_counters_say_what_still_fits() -> None:
    """After one partition of a GPU its whole is no longer placeable, the other GPUs are."""
    state = State(fleet("a100-mig"))
    small = claim("m", request(1, "device.attributes['gpu.nvidia.com'].profile == '1g.5gb'", cls="mig.nvidia.com"))
    started(state, ask_with(None, small, name="test/m"))
    node = local(state, claim("c", request(cls="gpu.nvidia.com")))
    whole = [d.index for d in node.devices if "mig" not in d.id.device]
    assert node.placeable()[whole].tolist() == [False, True, True, True]
    left = node.left(np.array(whole[1:2]))
    assert node.placeable(left)[whole].tolist() == [False, False, True, True]
    assert (node.draws[whole[0]] > 0).any()
    assert (node.counters >= 0).all()


def test_a_share_draws_its_counters_once() -> None:
    """A shared device that drew its counters with the first share stays placeable when none are left."""
    drawn = [DeviceCounterConsumption(counter_set="s", counters={"k": Counter(value=Quantity(1))})]
    capacity = DeviceCapacity(value=Quantity(10), request_policy=CapacityRequestPolicy(default=Quantity(1)))
    shared = msgspec.structs.replace(
        device("a"), allow_multiple_allocations=True, capacity={"m": capacity}, consumes_counters=drawn
    )
    base = objects({"node-0": [shared]})
    spec = base.slices[0].spec
    pool = msgspec.structs.replace(spec.pool, resource_slice_count=2)
    sets = [CounterSet(name="s", counters={"k": Counter(value=Quantity(1))})]
    slices = (
        msgspec.structs.replace(base.slices[0], spec=msgspec.structs.replace(spec, pool=pool)),
        msgspec.structs.replace(
            base.slices[0],
            metadata=msgspec.structs.replace(base.slices[0].metadata, name="counters"),
            spec=msgspec.structs.replace(spec, pool=pool, devices=[], shared_counters=sets),
        ),
    )
    state = State(build(with_slices(base, slices)))
    started(state, ask("one", 1))
    node = local(state, claim("c", request()))
    assert (node.free.tolist(), node.counters.tolist()) == ([True], [0])
    assert node.placeable().tolist() == [True]
    started(state, ask("two", 1))


def test_a_counter_below_zero_blocks_the_devices_that_draw_from_its_pool() -> None:
    """Whatever they draw of it, but not devices that draw nothing, nor those of other pools (K8s S45, Q7)."""

    def drawing(name: str, key: str) -> Device:
        drawn = DeviceCounterConsumption(counter_set="s", counters={key: Counter(value=Quantity(1))})
        return msgspec.structs.replace(device(name), consumes_counters=[drawn])

    base = objects({"node-0": [drawing("a", "short"), drawing("b", "short"), drawing("c", "other"), device("d")]})
    spec = base.slices[0].spec
    counters = {"short": Counter(value=Quantity(1)), "other": Counter(value=Quantity(9))}
    pool = msgspec.structs.replace(spec.pool, resource_slice_count=2)
    other = msgspec.structs.replace(spec.pool, name="other")
    specs = {
        "devices": msgspec.structs.replace(spec, pool=pool),
        "counters": msgspec.structs.replace(
            spec, pool=pool, devices=[], shared_counters=[CounterSet(name="s", counters=counters)]
        ),
        "other": msgspec.structs.replace(spec, pool=other, devices=[device("e")]),
    }
    slices = [
        msgspec.structs.replace(base.slices[0], metadata=ObjectMeta(name=name), spec=known)
        for name, known in specs.items()
    ]
    state = State(build(with_slices(base, tuple(slices))))
    for name in "ab":
        state.allocated.take(DeviceId(spec.driver, pool.name, name))
    node = local(state, claim("z", request()))
    assert sorted(node.counters.tolist()) == [-1, 9]
    assert {node.devices[d].id.device for d in np.flatnonzero(node.placeable())} == {"d", "e"}


def with_slices(base: Any, slices: Any) -> Any:
    from dataclasses import replace

    return replace(base, slices=slices)
