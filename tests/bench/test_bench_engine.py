from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drapolicy.testing.oracle import FOLDER

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE))

import engine_stream  # noqa: E402
import engine_worlds  # noqa: E402
from engine_upstream import Upstream  # noqa: E402

from drapolicy.policies import Engine, Objective, policy  # noqa: E402
from drapolicy.problem.problem import Problem  # noqa: E402


def stream(world: engine_worlds.World, nodes: int, seed: int = 3) -> engine_stream.Stream:
    entries = engine_stream.recorded(len(world.kinds), 200, seed)
    return engine_stream.Stream(world, nodes, entries, seed)


@pytest.mark.parametrize("name", engine_worlds.WORLDS)
def test_streams_repeat_and_keep_their_fill(name: str) -> None:
    """The same seed gives the same placements; the fleet stays between 60 and 90 % full; a rewound stream is as before."""
    world = engine_worlds.WORLDS[name]
    runs = []
    for _ in range(2):
        played = stream(world, 40)
        before = list(played.running), dict(played.state.held)
        made: list[engine_stream.Decision] = []
        with played.rewound():
            played.play(Engine(played.fleet, policy("first-fit")), 60, float("inf"), made)
            runs.append(([(d.kind, d.placed) for d in made], sorted(played.state.held)))
            assert 0.6 < played.fill < 0.9
        assert (played.running, dict(played.state.held)) == before
        assert played.at == 0
    assert runs[0] == runs[1]


def test_there_are_enough_kinds_of_ask() -> None:
    """Fifty kinds at least in the rows that are held to goals, all different, and every size of ask."""
    for world in (engine_worlds.GPUS, engine_worlds.MIXED, engine_worlds.GPUS.with_room()):
        played = stream(world, 1)
        asks = [played.ask(engine_stream.Entry(k, 1, 1, ()), k) for k in range(len(world.kinds))]
        assert len({(ask.wishes, ask.place) for ask in asks}) == len(asks) >= 50
    assert len({zone for kind in engine_worlds.GPUS.with_room().kinds if (zone := kind.zone)}) == engine_worlds.ZONES


def test_no_two_nodes_have_the_same_room() -> None:
    """Memory differs on every node, CPU on most."""
    nodes = [engine_worlds.node(n) for n in range(2_000)]
    for resource, distinct in (("memory", 2_000), ("cpu", 1_900)):
        assert len({node.status.allocatable[resource].nano for node in nodes}) >= distinct


@pytest.mark.go
@pytest.mark.parametrize("name", engine_worlds.WORLDS)
def test_upstream_is_asked_about_the_same_nodes(name: str) -> None:
    """Of each kind of ask, upstream finds devices on the nodes where the reference does, as they stand."""
    if not (FOLDER / "oracle-1.37").is_file():
        pytest.skip("the oracle is not built: make oracle")
    world = engine_worlds.WORLDS[name]
    played = stream(world, 4 if name == "mig" else 9)
    engine = Engine(played.fleet, policy("first-fit"))
    with Upstream(played) as upstream:
        for count in (0, 25):
            played.play(engine, count, float("inf"), [])
            asks = [played.ask(engine_stream.Entry(k, 1, 1, ()), 1_000 + k) for k in range(len(world.kinds))]
            for ask, scan in zip(asks, upstream.scans(asks), strict=True):
                problem, solver = Problem(played.state, (ask,)), policy("first-fit").solver
                for n in range(played.nodes):
                    answer = solver.solve(problem.local(n, ask), Objective(), np.random.default_rng(0))
                    assert bool(scan.fits[n]) == answer.fits
                assert (scan.nodes > 0).all()
                assert scan.state > 0 < scan.allocator
                assert scan.modelled_ms < scan.ms + (scan.state + scan.allocator) / 1e3


@pytest.mark.go
@pytest.mark.slow
def test_the_engine_bench_runs(tmp_path: Path) -> None:
    """The bench writes every figure and the chart, at a small size; how fast is for a quiet machine to say."""
    if not (FOLDER / "oracle-1.37").is_file():
        pytest.skip("the oracle is not built: make oracle")
    command = [sys.executable, str(HERE / "bench_engine.py"), "--nodes", "4", "--quick", "--out", str(tmp_path)]
    ran = subprocess.run(
        [*command, "--decisions", "30", "--case", "with_room"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    row = summary["with_room"]
    for figure in ("p50_over_upstream_node", "growth", "scan_ratio", "first_decision_ratio", "peak_rss_mb"):
        assert row[figure] > 0
    assert row["rules"]["bandwidth"]["sizes"]["4"]["kinds_asked"] == row["kinds"] >= 50
    assert (tmp_path / "chart.html").stat().st_size > 1_000
    assert "with CPU, memory and zone" in ran.stdout
