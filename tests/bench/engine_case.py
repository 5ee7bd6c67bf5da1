"""One case of the bench of the engine: some sizes of one world, some rules, and upstream, all taking turns."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench_load import rss
from engine_stream import Decision, Entry, Stream, recorded
from engine_upstream import Scan, Upstream
from engine_worlds import World

from drapolicy.policies import Engine, policy

BLOCK = 250


@dataclass(frozen=True)
class Case:
    """What is measured in one process.

    Attributes
    ----------
    world
        The fleet and what is asked.
    sizes
        Numbers of nodes.
    rules
        Policies by name; the first is the one that is held to the goals.
    upstream
        Nodes that upstream's allocator is asked about; one of ``sizes``. 0 for none.
    decisions
        That are measured for each size and rule.
    settle
        Decisions between the first of each kind and those that are measured.
    budget_s
        Seconds for what comes before the measurement, for each size and rule, and as many for it; what is not reached
        is left out.
    """

    world: World
    sizes: tuple[int, ...]
    rules: tuple[str, ...]
    upstream: int
    decisions: int = 3_000
    settle: int = 1_000
    budget_s: float = 900.0


def measure(case: Case, seed: int) -> dict[str, Any]:
    """Play the case and return all measurements."""
    kinds = case.world.kinds
    entries = recorded(len(kinds), len(kinds) + case.settle + case.decisions, seed)
    streams: dict[int, Stream] = {}
    built = {}
    for nodes in case.sizes:
        begun = time.perf_counter()
        streams[nodes] = Stream(case.world, nodes, entries, seed)
        built[nodes] = time.perf_counter() - begun
        progress(f"{case.world.name}: {nodes:,} nodes made and filled in {built[nodes]:.1f} s, {rss():,.0f} MB")
    # Objects of a large fleet live until the end; looking through them for cycles is none of a decision's work.
    gc.collect()
    gc.freeze()
    found: dict[str, Any] = {
        "kinds": len(kinds),
        "seed": seed,
        "fill": {nodes: round(stream.fill, 3) for nodes, stream in streams.items()},
        "built_s": built,
        "rules": {},
    }
    upstream = Upstream(streams[case.upstream]) if case.upstream else None
    for rule in case.rules:
        found["rules"][rule] = _rule(case, rule, streams, entries, upstream)
    if upstream is not None:
        upstream.__exit__(None, None, None)
    found["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    return found


def _rule(
    case: Case, rule: str, streams: Mapping[int, Stream], entries: Sequence[Entry], upstream: Upstream | None
) -> dict[str, Any]:
    players = {nodes: Player(case, rule, stream) for nodes, stream in streams.items()}
    for player in players.values():
        player.warm_up()
    blocks = max(1, case.decisions // BLOCK)
    a_block = max(1, case.decisions // blocks)
    kinds = np.array_split(np.arange(len(case.world.kinds)), blocks)
    scans: list[Scan] = []
    for block in range(blocks):
        for player in players.values():
            player.play(a_block, case.budget_s / blocks)
        if upstream is not None:
            stream = streams[case.upstream]
            asks = [stream.ask(entries[i]._replace(kind=int(i)), stream.at + int(i)) for i in kinds[block]]
            scans += upstream.scans(asks)
    told = {"sizes": {nodes: player.told() for nodes, player in players.items()}}
    for player in players.values():
        player.close()
    if scans:
        told["upstream"] = _upstream(scans)
    medians = ", ".join(f"{nodes:,} {each.get('p50_us')} µs" for nodes, each in told["sizes"].items())
    progress(f"{case.world.name}, {rule}: {medians}")
    return told


class Player:
    """Plays a stream to an engine of one rule; the stream is as before when it is closed."""

    def __init__(self, case: Case, rule: str, stream: Stream) -> None:
        self._case = case
        self._stream = stream
        self._back = stream.rewound()
        self._back.__enter__()
        self._engine = Engine(stream.fleet, policy(rule))
        self._start_s = 0.0
        self._first: list[Decision] = []
        self._warm: list[Decision] = []
        self._made: list[Decision] = []
        self._rss = 0.0
        self._over = False

    def warm_up(self) -> None:
        """Decide once before all others, then each kind once, then a while longer; as far as the time goes."""
        case, stream = self._case, self._stream
        begun = time.perf_counter()
        until = begun + case.budget_s
        try:
            self._start_s = stream.start(self._engine, until)
            stream.play(self._engine, len(case.world.kinds), until, self._first)
            stream.play(self._engine, case.settle, until, self._warm)
        except TimeoutError:
            self._over = True
        self._rss, spent = rss(), time.perf_counter() - begun
        told = f"{len(self._first)} of {len(case.world.kinds)} kinds and {len(self._warm)} more in {spent:.0f} s"
        progress(f"{case.world.name}: {stream.nodes:,} nodes: {told}, {self._rss:,.0f} MB")

    def play(self, count: int, seconds: float) -> None:
        """Decide so many asks, or as many as the time allows; none when it was up before."""
        if not self._over and len(self._first) == len(self._case.world.kinds):
            try:
                self._stream.play(self._engine, count, time.perf_counter() + seconds, self._made)
            except TimeoutError:
                self._over = True

    def told(self) -> dict[str, Any]:
        """Return what was measured; times in microseconds unless the name says otherwise."""
        steady = self._made
        first_ms = [1e3 * decision.seconds for decision in self._first]
        first_cpu = [1e3 * decision.cpu for decision in self._first]
        stats = self._engine.stats
        maker = getattr(self._engine, "_maker", None)
        told: dict[str, Any] = {
            "kinds_asked": len(self._first),
            "start_ms": round(1e3 * self._start_s, 2),
            "first_ms": round(float(np.median(first_ms)), 2) if first_ms else None,
            "first_cpu_ms": round(float(np.median(first_cpu)), 2) if first_cpu else None,
            "first_max_ms": round(max(first_ms), 2) if first_ms else None,
            "settled": len(self._warm),
            "contents": len(maker.contents) if maker is not None else None,
            "kinds_kept": len(self._engine._kinds),
            "looked_up": dict(stats.looked_up),
            "rss_mb": round(self._rss),
        }
        if not steady:
            return told
        return told | {
            **_percentiles("", [d.seconds for d in steady]),
            **_percentiles("placed_", [d.seconds for d in steady if d.placed]),
            **_percentiles("pending_", [d.seconds for d in steady if not d.placed]),
            **_percentiles("hit_", [d.seconds for d in steady if not d.asked]),
            **_percentiles("miss_", [d.seconds for d in steady if d.asked]),
            "mean_us": round(1e6 * float(np.mean([d.seconds for d in steady])), 1),
            "digest_us": round(1e6 * float(np.median([d.reading for d in steady])), 1),
            "apply_us": round(1e6 * float(np.median([d.applying for d in steady])), 1),
            "decisions": len(steady),
            "placed": round(float(np.mean([d.placed for d in steady])), 3),
            "ranked": round(float(np.mean([d.ranked for d in steady])), 3),
            "missing": round(float(np.mean([d.asked > 0 for d in steady])), 4),
            "answers_asked": sum(d.asked for d in steady),
        }

    def close(self) -> None:
        """Give the stream back as it was."""
        self._back.__exit__(None, None, None)


def _percentiles(name: str, seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    us = 1e6 * np.array(seconds)
    return {f"{name}p50_us": round(float(np.median(us)), 1), f"{name}p99_us": round(float(np.percentile(us, 99)), 1)}


def _upstream(scans: Sequence[Scan]) -> dict[str, Any]:
    every = np.concatenate([scan.nodes for scan in scans])
    by_kind = [float(np.median(scan.nodes)) for scan in scans]
    return {
        "nodes": len(scans[0].nodes),
        "kinds": len(scans),
        "node_us": round(float(np.median(every)), 1),
        "node_p99_us": round(float(np.percentile(every, 99)), 1),
        "node_us_by_kind": [round(min(by_kind), 1), round(max(by_kind), 1)],
        "scan_ms": round(float(np.median([scan.ms for scan in scans])), 2),
        "modelled_ms": round(float(np.median([scan.modelled_ms for scan in scans])), 2),
        "state_ms": round(float(np.median([scan.state for scan in scans])) / 1e3, 2),
        "new_allocator_ms": round(float(np.median([scan.allocator for scan in scans])) / 1e3, 2),
    }


def progress(text: str) -> None:
    """Tell how far it is; the result alone goes to the standard output."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
