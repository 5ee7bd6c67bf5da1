"""The best set that an ask could have had: fast and by looking at every set, and what counts as could have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec.structs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.api import Objects
from drapolicy.api.core import Pod, PodSpec
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.links import NodeLinks
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import POLICIES
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.simulate import Best, best_free_mb_s
from drapolicy.simulate.best import MAX_STEPS
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem as random_problem
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, first_of, objects, request, row
from drapolicy.topology.measures import bottleneck_mb_s

OF = f"device.attributes['{DRIVER}']"
BRIDGED = {(0, 1): 50, (2, 3): 40}


def table(size: int, links: dict[tuple[int, int], int], others: int = 10) -> Any:
    """Return a link table in which the pairs that are not named have the speed of the others."""
    made = np.full((size, size), others, np.int64)
    for (a, b), speed in links.items():
        made[a, b] = made[b, a] = speed
    np.fill_diagonal(made, 0)
    return made


def linked(made: Objects, links: dict[str, Any]) -> Fleet:
    """Return a fleet whose nodes have these tables over the devices of their one pool."""
    fleet = build(made)
    names = {item.spec.node_name: [d.name for d in item.spec.devices] for item in made.slices}
    tables = {
        node: NodeLinks(tuple(DeviceId(DRIVER, node, name) for name in names[node] or ()), made)
        for node, made in links.items()
    }
    return fleet.with_links(tables)


def four(nodes: int = 1) -> State:
    """Return nodes of four devices, two of them bridged faster than the other two."""
    names = [f"node-{n}" for n in range(nodes)]
    return State(linked(row(nodes=nodes, devices=4), dict.fromkeys(names, table(4, BRIDGED))))


def take(state: State, node: str, *names: str) -> None:
    """Let an ask start on exactly these devices."""
    for name in names:
        label = f"{node}-{name}"
        chooser = ask_with(Pod(spec=PodSpec(node_name=node)), claim(label, request()), name=label)
        placed = POLICIES["first-fit"].place(Problem(state, (chooser,)), np.random.default_rng(0))
        results = msgspec.structs.replace(placed.results[0].devices.results[0], device=name)
        devices = msgspec.structs.replace(placed.results[0].devices, results=[results])
        state.apply(Start(chooser, node, (msgspec.structs.replace(placed.results[0], devices=devices),)))


def both(state: State, wanted: Ask, count: int) -> int | None:
    """Return the best set, after a check that both ways find it."""
    problem = Problem(state, (wanted,))
    found = Best(problem.fleet).mb_s(problem, count)
    assert found == best_free_mb_s(problem, count, MAX_STEPS)
    return found


def test_devices_that_are_taken_do_not_count() -> None:
    """With a device of each bridge taken a slow pair is left; a bridge on another node is better."""
    state = four()
    pair = ask_with(None, claim("pair", request(2)))
    assert both(state, pair, 2) == 50
    take(state, "node-0", "device-0")
    assert both(state, pair, 2) == 40
    take(state, "node-0", "device-2")
    assert both(state, pair, 2) == 10
    state = four(nodes=2)
    take(state, "node-0", "device-0", "device-2")
    assert both(state, pair, 2) == 50


def test_too_few_devices_are_nothing() -> None:
    """Where no node has as many devices there is nothing to be had."""
    assert both(four(nodes=2), ask_with(None, claim("five", request(5))), 5) == 0


def test_only_devices_that_the_requests_accept_count() -> None:
    """A selector leaves the fast bridge out."""
    made = objects({"node-0": [device(f"d{i}", id=i) for i in range(4)]})
    state = State(linked(made, {"node-0": table(4, BRIDGED)}))
    assert both(state, ask_with(None, claim("c", request(2, f"{OF}.id > 0"))), 2) == 40
    assert both(state, ask_with(None, claim("c", request(1, f"{OF}.id > 1", name="a"), request(name="b"))), 2) == 40


def test_constraints_hold_for_the_whole_set() -> None:
    """Devices of the bridges lie in different groups: what must match gets a slow pair."""
    made = objects({"node-0": [device(f"d{i}", group=i % 2) for i in range(4)]})
    state = State(linked(made, {"node-0": table(4, BRIDGED)}))
    assert both(state, ask_with(None, claim("c", request(2))), 2) == 50
    assert both(state, ask_with(None, claim("c", request(2), match=f"{DRIVER}/group")), 2) == 10


def test_a_node_on_which_the_pod_cannot_run_does_not_count() -> None:
    """The faster node is left out where the pod is bound to go elsewhere."""
    made = row(nodes=2, devices=2)
    state = State(linked(made, {"node-0": table(2, {}, 90), "node-1": table(2, {}, 20)}))
    assert both(state, ask_with(Pod(), claim("c", request(2))), 2) == 90
    assert both(state, ask_with(Pod(spec=PodSpec(node_name="node-1")), claim("c", request(2))), 2) == 20


def test_a_node_whose_selector_fails_does_not_count() -> None:
    """An attempt that comes to a broken device ends: no policy gets devices there."""
    made = objects({"node-0": [device("a"), device("b", ok=1)], "node-1": [device("a", ok=1), device("b", ok=1)]})
    state = State(linked(made, {"node-0": table(2, {}, 90), "node-1": table(2, {}, 20)}))
    assert both(state, ask_with(None, claim("c", request(2, f"{OF}.ok == 1"))), 2) == 20


def test_alternatives_are_those_that_the_node_chooses() -> None:
    """A node that can give the first wish gives no devices for the second, of whatever number."""
    made = objects({"node-0": [device(f"d{i}", id=i) for i in range(4)]})
    state = State(linked(made, {"node-0": table(4, BRIDGED)}))
    listed = ask_with(None, claim("c", first_of((2, f"{OF}.id > 1"), (2, f"{OF}.id < 2"))))
    assert both(state, listed, 2) == 40
    assert both(state, ask_with(None, claim("c", first_of((2, "true"), (3, "true")))), 3) == 0


def test_a_limit_is_no_answer() -> None:
    """A search that stops before it has seen every set says so, unless what it has is the most there can be."""
    made = objects({"node-0": [device(f"d{i}", group=i % 2) for i in range(8)]})
    state = State(linked(made, {"node-0": table(8, {(0, 1): 50})}))
    matching = Problem(state, (ask_with(None, claim("c", request(2), match=f"{DRIVER}/group")),))
    assert Best(matching.fleet, max_steps=12).mb_s(matching, 2) is None
    assert best_free_mb_s(matching, 2, max_steps=12) is None
    assert Best(matching.fleet, max_steps=12).mb_s(matching, 2, at_least=50) == 50
    assert Best(matching.fleet).mb_s(matching, 2) == 10
    anything = Problem(state, (ask_with(None, claim("c", request(2))),))
    assert Best(anything.fleet, max_steps=12).mb_s(anything, 2) == 50


def test_sixteen_free_devices_are_within_the_limit() -> None:
    """Every set of eight of sixteen is seen even where the bound cannot be reached."""
    made = objects({"node-0": [device(f"d{i:02}", group=i // 15) for i in range(16)]})
    pairs = dict.fromkeys(combinations(range(8, 16), 2), 50)
    state = State(linked(made, {"node-0": table(16, pairs)}))
    matching = Problem(state, (ask_with(None, claim("c", request(8), match=f"{DRIVER}/group")),))
    assert Best(matching.fleet).mb_s(matching, 8) == 10


def by_hand(state: State, links: Sequence[Any], count: int) -> int:
    """Return the best of all sets of free devices of a row of nodes, from the definition alone."""
    held = {(r.pool, r.device) for each in state.held.values() for r in each.devices.results}
    found = [0]
    for n, own in enumerate(links):
        free = [d for d in range(len(own)) if (f"node-{n}", f"device-{d}") not in held]
        found += [bottleneck_mb_s(own, chosen) for chosen in combinations(free, count)]
    return max(found)


def random_links(state: State, rng: np.random.Generator) -> Fleet:
    """Return the fleet with random links between the devices of each node."""
    tables = {}
    for n in range(state.fleet.nodes.candidates):
        site = state.sites[n]
        upper = np.triu(rng.choice([0, 10, 25, 50], size=(len(site.devices),) * 2), 1)
        tables[site.name] = NodeLinks(tuple(d.id for d in site.devices), (upper + upper.T).astype(np.int64))
    return state.fleet.with_links(tables)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_a_history_is_answered_as_by_every_set(seed: int) -> None:
    """While pods come and go, one memory says what every set of free devices says."""
    rng = np.random.default_rng(seed)
    nodes, size = int(rng.integers(1, 4)), int(rng.integers(2, 7))
    bare = State(build(row(nodes=nodes, devices=size)))
    state = State(random_links(bare, rng))
    links = [state.sites[n].links for n in range(nodes)]
    best, running = Best(state.fleet), []
    for step in range(12):
        count = int(rng.integers(1, size + 1))
        problem = Problem(state, (ask_with(None, claim(f"c{step}", request(count)), name=f"ask-{step}"),))
        expected = by_hand(state, links, count) if count > 1 else 0
        assert best.mb_s(problem, count) == expected == best_free_mb_s(problem, count)
        placed = POLICIES["random"].place(problem, rng)
        if placed.node is not None:
            state.apply(Start(problem.ask, placed.node, placed.results))
            running.append(f"ask-{step}")
        if running and rng.random() < 0.5:
            state.apply(Finish(running.pop(int(rng.integers(len(running))))))


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_fast_and_every_set_agree_whatever_is_asked(seed: int) -> None:
    """Counters, shares, taints, constraints, alternatives, all devices, admin access, several claims: both agree."""
    case = random_problem(seed, size="small" if seed % 8 == 0 else "tiny", release=RELEASES[seed % len(RELEASES)])
    bare = State(build(case.objects, case.release), case.existing)
    state = State(random_links(bare, np.random.default_rng(seed)), case.existing)
    problem = Problem(state, (ask_with(None, *case.claims),))
    for count in (2, 3):
        expected = best_free_mb_s(problem, count, 1_000)
        assert expected in (None, Best(problem.fleet, 1_000).mb_s(problem, count))
    for name in ("first-fit", "bandwidth", "random"):
        placed = POLICIES[name].place(problem, np.random.default_rng(seed))
        if placed.node is None:
            continue
        site = state.sites[state.fleet.nodes.index[placed.node]]
        at = {each.id: each.index for each in site.devices}
        taken = [r for result in placed.results for r in result.devices.results if not r.admin_access]
        chosen = sorted({at[DeviceId(r.driver, r.pool, r.device)] for r in taken})
        best = Best(problem.fleet, 1_000).mb_s(problem, len(chosen))
        assert best is None or best >= bottleneck_mb_s(site.links, chosen)


@pytest.mark.parametrize("at_least", [0, 10, 50])
def test_nothing_worse_than_what_is_known_is_looked_for(at_least: int) -> None:
    """What an ask got bounds the answer from below and never changes it."""
    problem = Problem(four(), (ask_with(None, claim("pair", request(2))),))
    assert Best(problem.fleet).mb_s(problem, 2, at_least=at_least) == 50
