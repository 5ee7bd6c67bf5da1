"""Tiny fleets with batches of asks, and all of their joint placements by brute force."""

from __future__ import annotations

import random
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec.structs import replace

from drapolicy.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult, DeviceAllocationResult, DeviceRequestAllocationResult
from drapolicy.inventory import build
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import Objective, objective
from drapolicy.policies.groups.kinds import Kinds
from drapolicy.policies.objective import Indices
from drapolicy.policies.objectives.distance import Domain, distance_between
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.solution import Solution
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, device, first_of, objects, request

_T = TypeVar("_T")

WORTH = np.random.default_rng(5).integers(0, 9, (8, 8))


@objective(sense="max", unit="points", bounds=(0, 10_000))
def pairs(node: LocalProblem, chosen: Indices) -> int:
    """Worth of pairs, arbitrary, with what devices of one root add."""
    root = node.groups["gpu.example/root"]
    same = sum(root[a] == root[b] for a in chosen for b in chosen if a < b)
    return 10 * int(same) + int(sum(WORTH[a, b] for a in chosen for b in chosen if a < b))


@objective(sense="min", unit="devices", bounds=(0, 100))
def scattered(node: LocalProblem, left: Indices) -> int:
    """Roots that free devices lie on, and whether their number is odd."""
    root = node.groups["gpu.example/root"]
    return 2 * len(set(root[left].tolist())) + left.size % 2


LEXICOGRAPHIC: Objective = Objective((((1, pairs),), ((-1, scattered),)))


def world(seed: int, *, room: bool = False) -> Problem:
    """Return a problem of one to three nodes with up to four devices each, some of which are taken."""
    rng = random.Random(seed)
    nodes = rng.randint(1, 3)
    shape = [rng.randint(2, 4) for _ in range(rng.randint(1, 2))]
    plans = [[(f"d{i}", i // rng.randint(1, 2), rng.choice("ab")) for i in range(size)] for size in shape]
    made = {
        f"node-{n}": [device(name, root=root, model=model) for name, root, model in rng.choice(plans)]
        for n in range(nodes)
    }
    given = objects(made)
    if room:
        statuses = [
            NodeStatus(allocatable={"cpu": Quantity(str(rng.randint(1, 4))), "pods": Quantity("3")}) for _ in made
        ]
        given = type(given)(
            nodes=tuple(Node(metadata=ObjectMeta(name=name), status=s) for name, s in zip(made, statuses, strict=True)),
            slices=given.slices,
            classes=given.classes,
        )
    state = State(build(given))
    for n, name in enumerate(made):
        held = [d.id for d in state.sites[n].devices if rng.random() < 0.2]
        if held:
            state.apply(
                Start(ask_with(None, claim("held", request(), namespace=name), name=name), name, (_result(held),))
            )
    asks = [_ask(rng, number, room=room) for number in range(rng.randint(2, 5))]
    groups = []
    while asks:
        size = rng.randint(1, len(asks))
        groups.append(Group(tuple(asks[:size]), rng.choice([0, 0, size, rng.randint(0, size)])))
        asks = asks[size:]
    return Problem.of_groups(state, groups)


def gang(seed: int, *, room: bool = False) -> tuple[Problem, Domain]:
    """Return a problem of one group of equal asks on the nodes of :func:`world`, the first two of which are near."""
    rng = random.Random(seed)
    given = world(seed, room=room)
    sample = given.asks[0]
    asks = []
    for number in range(rng.randint(1, 5)):
        claims = tuple(replace(c, metadata=replace(c.metadata, name=f"g{number}")) for c in sample.claims)
        asks.append(Ask(f"test/g{number}", claims, sample.pod, sample.kind))
    nodes = [Domain(name, 0, node=n) for n, name in enumerate(given.fleet.nodes.names)]
    parts = [Domain("near", 2, tuple(nodes[:2]))]
    if nodes[2:]:
        parts.append(Domain("far", 1, tuple(nodes[2:])))
    group = Group(tuple(asks), rng.randint(0, len(asks)))
    return Problem.of_groups(given.state, [group]), Domain("all", 5, tuple(parts))


def _result(held: list[DeviceId]) -> AllocationResult:
    entries = [
        DeviceRequestAllocationResult(request="devices", driver=d.driver, pool=d.pool, device=d.device) for d in held
    ]
    return AllocationResult(devices=DeviceAllocationResult(results=entries))


def _ask(rng: random.Random, number: int, *, room: bool) -> Ask:
    match = rng.choice(["", "", "gpu.example/root"])
    expression = rng.choice(["", "", "device.attributes['gpu.example'].model == 'a'"])
    wanted = request(rng.randint(1, 3), expression)
    if rng.random() < 0.15:
        wanted = first_of((rng.randint(2, 3), expression), (1, ""))
    requests = [wanted] if rng.random() < 0.8 else [wanted, request(1, name="more")]
    own = claim(f"c{number}", *requests, match=match)
    if not room:
        return Ask(f"test/c{number}", (own,), None, kind_of((own,), None))
    cpu = Container(resources=ResourceRequirements(requests={"cpu": Quantity(str(rng.randint(1, 2)))}))
    pod = Pod(metadata=ObjectMeta(name=f"p{number}", namespace="test"), spec=PodSpec(containers=[cpu]))
    return Ask(f"test/p{number}", (own,), pod, kind_of((own,), pod))


def brute_force(problem: Problem, wanted: Objective, domain: Domain | None = None) -> tuple[int, ...]:
    """Return the best values of all joint placements: every choice of nodes and devices is looked at.

    Parameters
    ----------
    problem, wanted
        What is decided.
    domain
        Where nodes are, for gangs: the negative distance comes behind the number of asks.
    """
    kinds, state = Kinds.of(problem), problem.state
    where = [
        (g, kind, ask)
        for g, (own, group) in enumerate(zip(kinds.of_ask, kinds.groups, strict=True))
        for kind, ask in zip(own, group.asks, strict=True)
    ]
    where.sort(key=lambda entry: entry[1])
    nothing = (0,) * (1 + (domain is not None) + len(wanted.levels))

    @cache
    def options(n: int, taken: frozenset[int], kind: int) -> tuple[tuple[frozenset[int], tuple[int, ...]], ...]:
        site = state.sites[n]
        allocated = AllocatedState()
        for d in site.devices:
            if state.allocated.holds(d.id) or d.index in taken:
                allocated.take(d.id)
        ask = kinds.samples[kind]
        local = LocalProblem(
            site, ask.claims, allocated, state.rooms[n], classes=state.fleet.classes, release=state.fleet.release
        )
        found: dict[frozenset[int], tuple[int, ...]] = {}
        _, first = local.first()
        if first is None:
            return ()

        def visit(solution: Solution) -> bool:
            if solution.alternatives == first.alternatives:
                chosen = frozenset(entry.device.index for own in solution.taken for entry in own)
                found[chosen] = wanted.of(local, np.array(sorted(chosen), np.intp))
            return False

        local.search(visit=visit)
        return tuple(found.items())

    @cache
    def best(i: int, at: Standing) -> tuple[int, ...] | None:
        if i == len(where):
            fine = all(not c or c >= group.at_least for c, group in zip(at.counts, kinds.groups, strict=True))
            return nothing if fine else None
        g, kind, ask = where[i]
        found = best(i + 1, at)
        for n in range(len(at.taken)):
            cpu, slots = (ask.room.requests.get("cpu", 0), 1) if ask.room else (0, 0)
            if cpu > at.cpu[n] or slots > at.slots[n]:
                continue
            for chosen, score in options(n, at.taken[n], kind):
                rest = best(i + 1, at.after(g, n, chosen, cpu, slots))
                if rest is None:
                    continue
                near = () if domain is None else (-sum(distance_between(domain, [n, m]) for m in at.nodes),)
                own = tuple(a + b for a, b in zip((1, *near, *score), rest, strict=True))
                found = own if found is None or own > found else found
        return found

    rooms = [state.rooms[n] for n in range(len(state.fleet.nodes))]
    start = Standing(
        (frozenset(),) * len(rooms),
        (0,) * len(kinds.groups),
        tuple(_PLENTY if r.unbounded else r.allocatable.get("cpu", 0) for r in rooms),
        tuple(_PLENTY if r.unbounded else r.max_pods - r.pods for r in rooms),
        (),
    )
    found = best(0, start)
    assert found is not None
    return found


_PLENTY = 10**9


class Standing(NamedTuple):
    """What brute force has given away so far: devices, asks of each group, room, and the node of each ask."""

    taken: tuple[frozenset[int], ...]
    counts: tuple[int, ...]
    cpu: tuple[int, ...]
    slots: tuple[int, ...]
    nodes: tuple[int, ...]

    def after(self, group: int, n: int, chosen: frozenset[int], cpu: int, slots: int) -> Standing:
        """Return the same after one more ask."""
        return Standing(
            _with(self.taken, n, self.taken[n] | chosen),
            _with(self.counts, group, self.counts[group] + 1),
            _with(self.cpu, n, self.cpu[n] - cpu),
            _with(self.slots, n, self.slots[n] - slots),
            tuple(sorted((*self.nodes, n))),
        )


def _with(old: tuple[_T, ...], at: int, new: _T) -> tuple[_T, ...]:
    return (*old[:at], new, *old[at + 1 :])
