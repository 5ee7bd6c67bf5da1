"""go-gpuallocator against a plain enumeration of its definition, on thousands of machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.policies import Rule, policy
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.report import Player
from drapolicy.policies.peers import GpuAllocator, Question
from drapolicy.policies.peers.gpuallocator import _fixed_sets, _grown, _Partition, set_score
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.simple import ask_with, claim, request
from drapolicy.topology import nvidia_smi
from drapolicy.topology.fleet import bind_fleet
from drapolicy.workload import MODELS, fleet_objects, topology_text


def partitions(devices: list[int | None], size: int, padding: int) -> Iterator[list[list[int | None]]]:
    """Every parting as the library walks them: the first device leads, all of the padding or none is in a set."""
    if len(devices) == size:
        yield [devices]
        return
    first, rest = devices[0], list(range(1, len(devices)))
    for places in combinations(rest, size - 1):
        chosen = [first, *(devices[p] for p in places)]
        if chosen.count(None) not in {0, padding}:
            continue
        left = [devices[p] for p in rest if p not in places]
        for others in partitions(left, size, padding):
            yield [chosen, *others]


def best_effort(
    scores: np.ndarray, available: Sequence[int], required: Sequence[int], size: int
) -> list[int | None] | None:
    """The definition: the best parting with a full set of all required, then the best set of it that has them."""
    if len(available) < size or len(required) > size:
        return None
    if size == 1:
        return next(([d] for d in available if set(required) <= {d}), None)
    padding = -len(available) % size
    padded: list[int | None] = [*available, *[None] * padding]

    def score(chosen: Sequence[int | None]) -> int:
        return set_score(scores, [d for d in chosen if d is not None])

    best: list[list[int | None]] | None = None
    for parting in partitions(padded, size, padding):
        if not any(set(required) <= set(one) and None not in one for one in parting):
            continue
        if best is None or sum(map(score, parting)) > sum(map(score, best)):
            best = parting
    if best is None:
        return None
    return max((one for one in best if set(required) <= set(one)), key=score)


def machine(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Paths and lanes; half of the machines have few kinds of links, so that ties abound."""
    few = rng.random() < 0.5
    paths = rng.integers(1, 3 if few else 7, (size, size))
    lanes = rng.integers(0, 2 if few else 13, (size, size)) * (rng.random((size, size)) < 0.5)
    return tuple(np.triu(table, 1) + np.triu(table, 1).T for table in (paths, lanes))  # type: ignore[return-value]


def test_partitions_are_those_of_the_definition() -> None:
    """The dynamic programme takes the first best parting's first best set, in 8,000 random questions."""
    rng = np.random.default_rng(5)
    short = 0
    for _ in range(8_000):
        total = int(rng.integers(2, 9))
        paths, lanes = machine(rng, total)
        scores = 10 * paths + 100 * lanes
        available = np.flatnonzero(rng.random(total) < 0.8).tolist()
        size = int(rng.integers(2, total + 1))
        required = [d for d in available if rng.random() < 0.15]
        if len(available) < size or len(required) > size:
            continue
        expected = best_effort(scores, available, required, size)
        assert expected is not None
        question = Question(None, tuple(available), tuple(required), size)  # type: ignore[arg-type]
        assert _Partition(question, scores).best() == [d for d in expected if d is not None]
        short += None in expected
    assert short > 1


def played(paths: np.ndarray, lanes: np.ndarray, rule: Rule, available: Sequence[int]) -> Player:
    slots = tuple(Slot(str(d), {"index": d}) for d in range(len(paths)))
    made = Machine("gpu.nvidia.com", slots, None, paths.astype(np.int8), lanes.astype(np.int16))
    return Player(made, made.state({str(d) for d in available}), rule)


def test_the_pipeline_gives_what_the_definition_says() -> None:
    """Fleet, links, held devices, claims with required devices: the placement is the library's set."""
    rng = np.random.default_rng(6)
    rule = policy("go-gpuallocator")
    assert isinstance(rule, Rule)
    seen = 0
    for _ in range(250):
        total = int(rng.integers(1, 8))
        paths, lanes = machine(rng, total)
        available = np.flatnonzero(rng.random(total) < 0.8).tolist()
        size = int(rng.integers(1, total + 2))
        required = [int(d) for d in rng.permutation(total) if rng.random() < 0.15]
        expected = best_effort(10 * paths + 100 * lanes, available, required, size)
        if expected is not None and not set(required) <= set(available):
            expected = None
        player = played(paths, lanes, rule, available)
        got = player.ask(size, [str(d) for d in required])
        if expected is not None and None in expected:
            assert {str(d) for d in expected if d is not None} <= set(player.completed)
        else:
            assert sorted(map(int, got)) == sorted(d for d in expected or [] if d is not None)
        seen += len(got) > 1
    assert seen > 60


@pytest.mark.parametrize(
    ("name", "size", "sets"),
    [
        ("staticDGX1Pascal", 2, [(0, 2), (1, 3), (4, 6), (5, 7)]),
        ("staticDGX1Volta", 2, [(0, 3), (1, 2), (4, 7), (5, 6)]),
        ("staticDGX1Volta", 4, [(0, 1, 2, 3), (4, 5, 6, 7)]),
        ("staticDGX1Volta", 16, []),
        ("staticDGX2Volta", 8, [tuple(range(8)), tuple(range(8, 16))]),
        ("staticDGX2Volta", 2, [(d, d + 1) for d in range(0, 16, 2)]),
        ("staticDGX2Volta", 16, [tuple(range(16))]),
        ("staticDGX1Pascal", 3, []),
    ],
)
def test_fixed_sets(name: str, size: int, sets: list[tuple[int, ...]]) -> None:
    """The sets of each machine, in their order."""
    assert _fixed_sets(name, size) == sets


def test_static_policies_go_by_index_and_give_up() -> None:
    """A taken GPU rules its set out; for sizes without sets the policy has none, and the reference completes."""
    rule = policy("go-gpuallocator:policy=staticDGX1Volta")
    assert isinstance(rule, Rule)
    flat = np.ones((8, 8), np.int64) - np.eye(8, dtype=np.int64)
    player = played(flat, 0 * flat, rule, [1, 2, 3, 4, 5, 6, 7])
    assert player.ask(2) == ("1", "2")
    assert player.ask(3) == ()
    assert player.completed == ("3", "4", "5")
    assert player.ask(2, ["5"]) == ("5", "6")
    assert player.ask(2, ["3"]) == ()


def test_many_gpus_grow_sets() -> None:
    """Beyond 16 GPUs sets grow from each by the nearest: a clique among 20 is found."""
    scores = np.full((20, 20), 10)
    clique = [3, 7, 12, 18]
    scores[np.ix_(clique, clique)] = 200
    np.fill_diagonal(scores, 0)
    assert _grown(Question(None, tuple(range(20)), (), 4), scores) == clique  # type: ignore[arg-type]
    assert _grown(Question(None, tuple(range(20)), (1,), 2), scores) == [0, 1]  # type: ignore[arg-type]


def test_an_unknown_policy_is_refused() -> None:
    """The error lists those that there are."""
    with pytest.raises(InputError, match="go-gpuallocator: policy 'x' is unknown; use one of bestEffort, simple"):
        GpuAllocator(policy="x")  # type: ignore[arg-type]


def test_a_fleet_bound_from_a_matrix_gives_linked_pairs() -> None:
    """On a machine whose NVLink bridges join pairs, by nvidia-smi's print, two GPUs are a pair after any one is taken."""
    model = "a100-pcie-bridged"
    graph = nvidia_smi.topology(nvidia_smi.parse(topology_text(model)), MODELS[model].product)
    fleet = bind_fleet(build(fleet_objects(model, 1)), graph)[0]
    state = State(fleet)
    first = ask_with(None, claim("one", request(1, cls="gpu.nvidia.com")), name="test/one")
    taken = policy("first-fit").place(Problem(state, (first,)), np.random.default_rng(0))
    assert taken.node is not None
    state.apply(Start(first, taken.node, taken.results))
    wanted = ask_with(None, claim("two", request(2, cls="gpu.nvidia.com")))
    placed = policy("go-gpuallocator").place(Problem(state, (wanted,)), np.random.default_rng(0))
    site = state.sites[0]
    at = {device.id.device: device.index for device in site.devices}
    a, b = (at[entry.device] for entry in placed.results[0].devices.results)
    assert site.lanes[a, b] == site.lanes.max() > 0
