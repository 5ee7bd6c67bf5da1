"""A recorded stream of asks and frees over one fleet, played to an engine a block at a time."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from engine_worlds import Results, World, wish

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceClaim,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
)
from drapolicy.inventory import build_from
from drapolicy.policies import Engine
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

CHURNED = 5_000
"""Nodes of which every pod can be freed; all others keep what was taken at the beginning."""


BLOCK = 50
"""Asks that are made at once."""

GRACE_S = 60.0
"""Seconds that a decision may take beyond the time that there is."""


class Entry(NamedTuple):
    """One ask of a recorded stream: its kind, its room, and which running pods go for it (a part of 1)."""

    kind: int
    cpu: int
    memory_gi: int
    frees: tuple[float, ...]


def recorded(kinds: int, count: int, seed: int) -> list[Entry]:
    """Return a stream: every kind once, in random order, then kinds at random."""
    rng = random.Random(seed)
    first = rng.sample(range(kinds), kinds)
    return [
        Entry(
            first[i] if i < kinds else rng.randrange(kinds),
            rng.randint(1, 16),
            rng.randint(1, 64),
            tuple(rng.random() for _ in range(16)),
        )
        for i in range(count)
    ]


class Decision(NamedTuple):
    """One decision.

    Attributes
    ----------
    kind
        Position of its kind.
    seconds
        What ``Engine.place`` took.
    cpu
        Seconds of a processor in that; too coarse for a short one.
    reading
        What it took to digest the ask, once in its life, before it is first decided.
    applying
        What it took to apply the start and the frees that followed.
    asked
        Answers that had to be found: misses.
    placed, ranked
        Whether it has a node, and whether by ranking.
    """

    kind: int
    seconds: float
    cpu: float
    reading: float
    applying: float
    asked: int
    placed: bool
    ranked: bool


class Stream:
    """A fleet, filled, and what runs on it.

    Attributes
    ----------
    running
        Name and size of what can be freed.
    taken, target
        Size of all that, and what it is kept at.
    at
        Entries that have been played.
    """

    def __init__(self, world: World, nodes: int, entries: Sequence[Entry], seed: int) -> None:
        self.world = world
        self.nodes = nodes
        self.fleet = build_from(world.parts(nodes))
        self.entries = entries
        rng = random.Random(seed)
        step = max(1, nodes // CHURNED)
        churned: list[tuple[int, Results]] = []
        self.state = State(self.fleet, self._held(rng, step, churned))
        self.running: list[tuple[str, float]] = []
        self.taken = 0.0
        for number, (n, results) in enumerate(churned):
            name = f"bench/pre-{n}-{number}"
            claim = ResourceClaim(metadata=ObjectMeta(name=name[6:], namespace="bench"), spec=ResourceClaimSpec())
            self._start(Ask(name, (claim,), None, b""), self.fleet.nodes.names[n], (allocation(results),))
        self.target = self.taken
        self.at = 0

    def _held(self, rng: random.Random, step: int, churned: list[tuple[int, Results]]) -> Iterator[ResourceClaim]:
        """Yield one allocated claim for each node whose pods stay, and note the others."""
        for n in range(self.nodes):
            taken = self.world.taken(n, rng)
            if n % step == 0:
                churned += [(n, results) for results in taken]
            elif taken:
                results = allocation([result for results in taken for result in results])
                status = ResourceClaimStatus(allocation=results)
                yield ResourceClaim(metadata=ObjectMeta(name=f"held-{n}", namespace="bench"), status=status)

    @property
    def fill(self) -> float:
        """Part of the fleet's devices that is taken."""
        size = self.world.size
        taken = sum(size(result) for held in self.state.held.values() for result in held.devices.results)
        return taken / (self.world.devices * self.nodes)

    @contextmanager
    def rewound(self) -> Iterator[None]:
        """Play from where it stands, and be there again afterwards: another rule meets the same stream."""
        before = list(self.running), self.taken, self.at
        with self.state.trial():
            yield
        self.running, self.taken, self.at = before

    def ask(self, entry: Entry, number: int) -> Ask:
        """Return an ask of the stream."""
        kind = self.world.kinds[entry.kind]
        name = f"ask-{number}"
        claims = (ResourceClaim(metadata=ObjectMeta(name=name, namespace="bench"), spec=kind.spec),)
        pod = kind.pod(name, entry.cpu, entry.memory_gi)
        return Ask(f"bench/{name}", claims, pod, kind_of(claims, pod))

    def start(self, engine: Engine, until: float) -> float:
        """Return the seconds of an engine's very first decision, of a kind that the stream does not have.

        Raises
        ------
        TimeoutError
            As :meth:`play`.
        """
        spec = DeviceClaim(requests=[wish(3)])
        claim = ResourceClaim(
            metadata=ObjectMeta(name="start", namespace="bench"), spec=ResourceClaimSpec(devices=spec)
        )
        ask = Ask("bench/start", (claim,), None, kind_of((claim,), None))
        with no_later_than(until + GRACE_S):
            begun = time.perf_counter()
            engine.place(Problem(self.state, (ask,)), np.random.default_rng(0))
            return time.perf_counter() - begun

    def play(self, engine: Engine, count: int, until: float, made: list[Decision]) -> None:
        """Decide the next asks of the stream; what is placed drives out as much, so that the fill stays.

        Parameters
        ----------
        until
            No decision begins later (``time.perf_counter``).
        made
            Where decisions go.

        Raises
        ------
        TimeoutError
            When one decision goes on for :data:`GRACE_S` after that; the engine must not be asked again then.
        """
        rng = np.random.default_rng(0)
        with no_later_than(until + GRACE_S):
            while count > 0 and time.perf_counter() < until:
                # Pods are made some at a time, as they come to a scheduler's queue, and not between two decisions.
                block = [self._arrival(number) for number in range(self.at, self.at + min(count, BLOCK))]
                count -= len(block)
                for entry, ask, reading in block:
                    made.append(self._decided(engine, entry, ask, reading, rng))
                    self.at += 1

    def _arrival(self, number: int) -> tuple[Entry, Ask, float]:
        """Return an entry of the stream with its ask, and the seconds that it takes to read it."""
        entry = self.entries[number % len(self.entries)]
        ask = self.ask(entry, number)
        begun = time.perf_counter()
        _ = ask.wishes, ask.place, ask.needs, ask.keys
        return entry, ask, time.perf_counter() - begun

    def _decided(self, engine: Engine, entry: Entry, ask: Ask, reading: float, rng: np.random.Generator) -> Decision:
        stats = engine.stats
        asked, ranked = stats.asked, stats.ranked
        worked, begun = time.process_time(), time.perf_counter()
        placement = engine.place(Problem(self.state, (ask,)), rng)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        begun = time.perf_counter()
        if placement.node is not None:
            self._start(ask, placement.node, placement.results)
            self._free(entry.frees)
        applying = time.perf_counter() - begun
        missed, placed = stats.asked - asked, placement.placed
        return Decision(entry.kind, seconds, worked, reading, applying, missed, placed, stats.ranked > ranked)

    def _start(self, ask: Ask, node: str, results: tuple[AllocationResult, ...]) -> None:
        self.state.apply(Start(ask, node, results))
        size = sum(self.world.size(result) for each in results for result in each.devices.results)
        self.running.append((ask.name, size))
        self.taken += size

    def _free(self, chances: Sequence[float]) -> None:
        for chance in chances:
            if self.taken <= self.target or not self.running:
                return
            at = int(chance * len(self.running))
            self.running[at], self.running[-1] = self.running[-1], self.running[at]
            name, size = self.running.pop()
            self.taken -= size
            self.state.apply(Finish(name))


def allocation(results: Results) -> AllocationResult:
    """Return an allocation of some results."""
    return AllocationResult(devices=DeviceAllocationResult(results=results))


@contextmanager
def no_later_than(until: float) -> Iterator[None]:
    """End the block when the time is up (``time.perf_counter``), in the middle of a decision if need be."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, min(max(1e-6, until - time.perf_counter()), 1e6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
