"""Tiny fleets whose devices are partitions of cards that draw from shared counters, with batches of asks."""

from __future__ import annotations

import random

from msgspec.structs import replace

from drapolicy.api import Objects
from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    Counter,
    CounterSet,
    Device,
    DeviceAllocationResult,
    DeviceCounterConsumption,
    DeviceRequestAllocationResult,
    ResourceSlice,
)
from drapolicy.inventory import build
from drapolicy.problem.ask import Ask, ask_for_claim
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing import simple

PROFILES = {"1g": 1, "2g": 2, "4g": 4}
SLICES = 4


def partitioned(seed: int) -> Problem:
    """Return a problem of one to three nodes with a card of four slices each, whole or in seven partitions.

    Partitions draw the slices that they lie on, as MIG's memory slices, and engines, of which a card has three or four:
    with three, no whole card can be had, and not everything that fits by slices. Some partitions are taken.
    """
    rng = random.Random(seed)
    names = [f"node-{n}" for n in range(rng.randint(1, 3))]
    engines = [rng.choice([3, 4]) for _ in range(2)]
    objects = Objects(
        nodes=tuple(Node(metadata=ObjectMeta(name=name)) for name in names),
        slices=tuple(made for name in names for made in card_slices(name, rng.choice(engines))),
        classes=simple.row(nodes=0, devices=0).classes,
    )
    state = State(build(objects))
    for n, name in enumerate(names):
        if rng.random() < 0.4:
            taken = rng.choice([d for d in state.sites[n].devices if not d.id.device.startswith("4g")]).id
            entry = DeviceRequestAllocationResult(
                request="devices", driver=taken.driver, pool=taken.pool, device=taken.device
            )
            held = simple.ask_with(None, simple.claim("held", simple.request(), namespace=name), name=name)
            result = AllocationResult(devices=DeviceAllocationResult(results=[entry]))
            state.apply(Start(held, name, (result,)))
    asks = [_ask(rng, number) for number in range(rng.randint(2, 5))]
    first = rng.randint(1, len(asks))
    parts = [own for own in (asks[:first], asks[first:]) if own]
    return Problem.of_groups(
        state, [Group(tuple(own), rng.choice([0, len(own), rng.randint(0, len(own))])) for own in parts]
    )


def _ask(rng: random.Random, number: int) -> Ask:
    profile = rng.choice([*PROFILES, ""])
    expression = f"device.attributes['{simple.DRIVER}'].profile == '{profile}'" if profile else ""
    wanted = simple.request(rng.choice([1, 1, 1, 2]) if profile != "4g" else 1, expression)
    if rng.random() < 0.2:
        wanted = simple.first_of((1, f"device.attributes['{simple.DRIVER}'].profile == '4g'"), (1, expression))
    return ask_for_claim(simple.claim(f"c{number}", wanted))


def card_slices(node: str, engines: int) -> tuple[ResourceSlice, ResourceSlice]:
    """Return the two slices of a pool: its counters, and its devices."""
    counters = {f"slice-{i}": Counter(value=Quantity("1")) for i in range(SLICES)}
    card = CounterSet(name="card", counters={**counters, "engines": Counter(value=Quantity(str(engines)))})
    (plain,) = simple.objects({node: _partitions()}).slices
    pool = replace(plain.spec.pool, resource_slice_count=2)
    of_counters = replace(plain.spec, pool=pool, devices=[], shared_counters=[card])
    return (
        replace(plain, metadata=ObjectMeta(name=f"{node}-counters"), spec=of_counters),
        replace(plain, spec=replace(plain.spec, pool=pool)),
    )


def _partitions() -> list[Device]:
    found = []
    for profile, size in PROFILES.items():
        for begin in range(0, SLICES, size):
            amounts = {f"slice-{i}": 1 for i in range(begin, begin + size)} | {"engines": size}
            drawn = DeviceCounterConsumption(
                counter_set="card", counters={name: Counter(value=Quantity(str(n))) for name, n in amounts.items()}
            )
            plain = simple.device(f"{profile}-{begin}", profile=profile, root=begin // 2)
            found.append(replace(plain, consumes_counters=[drawn]))
    return found
