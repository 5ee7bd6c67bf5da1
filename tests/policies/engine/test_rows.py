"""Decisions by rows are those of the loop over the nodes, on fleets of shared and of whole GPUs."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence

import numpy as np
import pytest

from drapolicy.inventory import build
from drapolicy.policies import Best, Engine, Exact, First, RandomNode, Rule, policy
from drapolicy.policies.objectives import fragmentation, read_mix, slack, worst_fit
from drapolicy.policies.solvers import RandomOrder
from drapolicy.problem.ask import Ask
from drapolicy.problem.events import Cordon, Finish, Join, Leave, Start, Uncordon
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with
from drapolicy.testing.worlds import mixed
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, fleet_of, workload_of

SAID = ("node", "results", "status", "outcome", "score", "reasons", "considered", "cursor", "unmodelled")

MIX = read_mix("4000/500x1*3+8000/1000x1*2+30000/1000x4@T4|A10*1+2000/200x1*2+1000/250x2*1+500/0x0*2")

RULES = (
    policy("best-fit"),
    policy("dot-product"),
    policy("gpu-clustering"),
    policy("gpu-packing"),
    policy("spread"),
    policy("random"),
    policy("first-fit"),
    policy("fgd", mix=MIX),
    policy("fgd", mix=MIX, counted=31),
    policy("fgd", mix=MIX, rounded=False),
    policy("shadow-price", workload=MIX, supply="T4*9+A10*12+G2*20"),
    Rule(-3 * fragmentation(MIX) - 1_000 * worst_fit, solver=Exact(), nodes=Best(), name="a sum of terms"),
    Rule(slack, solver=Exact(), nodes=First(), name="the first node, the fullest GPUs"),
    Rule(slack, solver=Exact(), nodes=RandomNode(), name="any node, the fullest GPUs"),
    Rule(solver=RandomOrder(), nodes=First(), name="the first node, any GPUs"),
)

MODELS = ("T4", "A10", "G2")


def trace(seed: int, nodes: int = 9, pods: int = 25) -> Trace:
    """Nodes and pods of all sizes, some with little CPU, some with models."""
    rng = random.Random(seed)
    made = [
        NodeRow(f"node-{n}", rng.choice([4_000, 16_000, 96_000]), rng.choice([2_000, 64_000]), gpus, rng.choice(MODELS))
        for n in range(nodes)
        for gpus in [rng.choice([0, 1, 2, 2, 4, 8])]
    ]
    wanted = []
    for p in range(pods):
        gpus = rng.choice([0, 1, 1, 1, 1, 1, 2, 4])
        milli = rng.choice([1, 120, 333, 500, 810, 1_000, 1_000]) if gpus == 1 else 1_000
        models = tuple(rng.sample(MODELS, 2)) if rng.random() < 0.3 and gpus else ()
        cpu, memory = rng.choice([0, 500, 2_000, 9_999]), rng.choice([0, 512, 4_000])
        wanted.append(PodRow(f"pod-{p:03}", cpu, memory, gpus, milli if gpus else 0, models))
    return Trace("made", tuple(sorted(wanted)), tuple(made))


def said(placement: Placement) -> list[object]:
    return [getattr(placement, field) for field in SAID]


def agree(engine: Engine, rule: Rule, state: State, ask: Ask, step: int) -> Placement:
    """Return the rule's placement, which must be the engine's, draws included."""
    ours, theirs = np.random.default_rng(step), np.random.default_rng(step)
    plain = rule.place(Problem(state, (ask,)), theirs)
    assert said(engine.place(Problem(state, (ask,)), ours)) == said(plain), (rule.name, step, ask.name)
    assert ours.bit_generator.state == theirs.bit_generator.state
    return plain


def live(rule: Rule, state: State, wanted: Sequence[Ask], seed: int, steps: int) -> Engine:
    """Play asks that come and go."""
    rng = random.Random(seed)
    engine = Engine(state.fleet, rule)
    for step in range(steps):
        ask = rng.choice(wanted)
        if ask.name in state.running:
            state.apply(Finish(ask.name))
            continue
        placement = agree(engine, rule, state, ask, step)
        if placement.node is not None:
            state.apply(Start(ask, placement.node, placement.results))
    return engine


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name[:30])
def test_rows_decide_as_the_loop_over_the_nodes_does(rule: Rule) -> None:
    """Shares, exclusive GPUs, models, pods without GPUs, nodes without room or GPUs: all that a placement says."""
    for seed in range(3):
        made = trace(seed)
        workload = workload_of(made, Order((), ()))
        wanted = [workload.ask(Arrival(0, None, pod.name), 0) for pod in made.pods]
        engine = live(rule, State(fleet_of(made.nodes)), wanted, seed, 60)
        assert engine.stats.by_rows == engine.stats.ranked > 20
        assert not engine.stats.looked_up


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name[:30])
def test_rows_decide_as_the_loop_does_on_mixed_clusters(rule: Rule) -> None:
    """What rows do not tell is left to others: several drivers, partitions, taints, alternatives, failing selectors."""
    for seed in range(3):
        world = mixed(seed)
        live(rule, State(build(world.objects)), world.asks, seed, 25)


@pytest.mark.parametrize("rule", [RULES[0], RULES[5], RULES[7]], ids=lambda rule: rule.name[:30])
def test_rows_decide_as_the_loop_does_with_every_feature(rule: Rule) -> None:
    """Problems of every release with every feature."""
    for seed in range(8):
        case = problem(seed, release=RELEASES[seed % len(RELEASES)])
        wanted = [ask_with(None, *case.claims, name=f"test/ask-{i}") for i in range(3)]
        live(rule, State(build(case.objects, case.release), case.existing), wanted, seed, 8)


def test_a_score_stays_what_it_was_and_travels_as_a_dict() -> None:
    """Terms are looked at after the node has changed, and in another process."""
    made = trace(1)
    workload = workload_of(made, Order((), ()))
    rule = policy("shadow-price", workload=MIX, supply="T4*9+A10*12+G2*20")
    state = State(fleet_of(made.nodes))
    engine = Engine(state.fleet, rule)
    rng = np.random.default_rng(0)
    kept = []
    for number, pod in enumerate(made.pods):
        ask = workload.ask(Arrival(0, None, pod.name), number)
        found, plain = engine.place(Problem(state, (ask,)), rng), rule.place(Problem(state, (ask,)), rng)
        kept.append((found, plain.score))
        if found.node is not None:
            state.apply(Start(ask, found.node, found.results))
    assert any(len(score) == 5 for _, score in kept)
    for found, score in kept:
        travelled = pickle.loads(pickle.dumps(found.score))
        assert travelled == score == found.score
        assert isinstance(travelled, dict)
        assert repr(found.score) == repr(score)


@pytest.mark.parametrize("rule", [RULES[0], RULES[5], RULES[6], RULES[7]], ids=lambda rule: rule.name[:30])
def test_rows_follow_nodes_that_leave_and_are_cordoned(rule: Rule) -> None:
    """Nodes that are away are not looked at, cordoned ones are refused, and both come back; so says the loop."""
    made = trace(1)
    workload = workload_of(made, Order((), ()))
    wanted = [workload.ask(Arrival(0, None, pod.name), 0) for pod in made.pods]
    state = State(fleet_of(made.nodes))
    engine = Engine(state.fleet, rule)
    changes = (Cordon("node-1"), Leave("node-4"), Leave("node-1"), Join("node-4"), Join("node-1"), Uncordon("node-1"))
    for step, event in enumerate(changes):
        for number, ask in enumerate(wanted[step::6]):
            placement = agree(engine, rule, state, ask, 10 * step + number)
            if placement.node is not None:
                state.apply(Start(ask, placement.node, placement.results))
        state.apply(event)
        for number, ask in enumerate(wanted[step + 1 :: 6]):
            if ask.name not in state.running:
                agree(engine, rule, state, ask, 100 + 10 * step + number)
    assert engine.stats.by_rows == engine.stats.ranked
