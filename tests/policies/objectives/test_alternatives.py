"""Alternatives of prioritized lists as a term: what a better one is worth is up to the objective."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.inventory import build
from drapolicy.policies import Best, Engine, Exact, Grow, Ilp, Objective, Rule, objective
from drapolicy.policies.groups import Patterns
from drapolicy.policies.objective import Indices, Term
from drapolicy.policies.objectives import alternatives, still_placeable
from drapolicy.policies.solvers import Solver
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import ask_with, claim, device, first_of, objects, request

RNG = np.random.default_rng(0)
MODEL = "device.attributes['gpu.example'].model"


@objective(sense="max", unit="points", bounds=(0, 1_000))
def speed(node: LocalProblem, chosen: Indices) -> int:
    """Speed of the devices, as they tell it."""
    return int(node.groups["gpu.example/speed"][chosen].sum())


def wanted(name: str = "c") -> Problem:
    """One claim for two of model a or else one of model b; node-0 has only b, which are fast, node-1 has both."""
    slow, fast = ({"speed": value} for value in ("slow", "fast"))
    made = {
        "node-0": [device("s", model="c", **slow), device("b0", model="b", **fast)],
        "node-1": [device(f"a{i}", model="a", **slow) for i in range(2)] + [device("b1", model="b", **fast)],
    }
    ask = ask_with(None, claim(name, first_of((2, f"{MODEL} == 'a'"), (1, f"{MODEL} == 'b'"))), name=f"test/{name}")
    return Problem(State(build(objects(made))), (ask,))


@pytest.mark.parametrize(
    ("wish", "node", "score"),
    [
        (Objective().then(speed), "node-1", {"speed": 0}),
        (Objective().then(alternatives, speed), "node-1", {"alternatives": 8, "speed": 0}),
        (Objective().then(speed, alternatives), "node-0", {"speed": 1, "alternatives": 7}),
        (2 * alternatives + speed, "node-1", {"alternatives": 8, "speed": 0}),
        (alternatives + 2 * speed, "node-0", {"alternatives": 7, "speed": 1}),
        (0 * alternatives + speed, "node-0", {"alternatives": 7, "speed": 1}),
    ],
)
@pytest.mark.parametrize("solver", [Exact(), Ilp(), Grow()], ids=str)
def test_the_objective_says_what_a_better_alternative_is_worth(
    wish: Objective, node: str, score: dict[str, int], solver: Solver
) -> None:
    """Without a term for them alternatives come first; with one they weigh what they are given, be it nothing."""
    rule = Rule(wish, solver=solver, nodes=Best())
    asked = wanted()
    for found in (rule.place(asked, RNG), Engine(asked.fleet, rule).place(asked, RNG)):
        assert (found.node, found.score) == (node, score)


def test_on_a_node_the_first_alternative_that_fits_wins() -> None:
    """No weight changes which alternative a node gives (K8s S40)."""
    rule = Rule(alternatives + 900 * speed)
    local = wanted().local(1, wanted().ask)
    answer = rule.solver.solve(local, Objective().then(speed), RNG)
    assert (answer.rank, answer.score) == (8, (0,))


def test_points_are_those_of_the_answer_on_generated_problems() -> None:
    """Every feature and release: what the term says is the rank of the solver's answer."""
    seen = set()
    for seed in range(150):
        release = RELEASES[seed % len(RELEASES)]
        case = problem(seed, release=release, size="tiny")
        ask = ask_with(None, *case.claims)
        local = Problem(State(build(case.objects, release), case.existing), (ask,)).local(0, ask)
        answer = Exact().solve(local, Objective().then(alternatives), RNG)
        if answer.fits:
            assert answer.score == (answer.rank,)
            seen.add(answer.rank)
    assert len(seen) > 3


@pytest.mark.parametrize("wish", [3 * alternatives - still_placeable, Objective().then(alternatives, speed)])
def test_the_engine_decides_as_the_rule_while_the_state_changes(wish: Objective | Term) -> None:
    """Allocations in turn: the node, its devices and the score are the same."""
    asked = wanted()
    state, rule = asked.state, Rule(wish)
    engine = Engine(asked.fleet, rule)
    nodes = []
    for number in range(3):
        own = Problem(state, wanted(f"c{number}").asks)
        plain, fast = rule.place(own, RNG), engine.place(own, RNG)
        assert (plain.node, plain.results, plain.score) == (fast.node, fast.results, fast.score)
        assert plain.node is not None
        assert fast.path == "ranked"
        nodes.append(plain.node)
        state.apply(Start(own.ask, plain.node, plain.results))
    assert set(nodes) == {"node-0", "node-1"}


def test_asks_without_lists_keep_the_fast_path() -> None:
    """The term reads nothing where there are no alternatives."""
    asked = wanted()
    engine = Engine(asked.fleet, Rule(alternatives + speed))
    plain = Problem(asked.state, (ask_with(None, claim("plain", request(1))),))
    assert engine.place(plain, RNG).path == "ranked"


def test_joint_placements_weigh_alternatives_too() -> None:
    """Two claims share the node that has their second alternatives only, or take what gives both the first."""
    made = {
        "node-0": [device(f"b{i}", model="b") for i in range(2)],
        "node-1": [device(f"a{i}", model="a") for i in range(4)],
    }
    lists = first_of((2, f"{MODEL} == 'a'"), (1, f"{MODEL} == 'b'"))
    group = Group.gang([ask_with(None, claim(f"c{n}", lists), name=f"test/c{n}") for n in range(2)])
    asked = Problem.of_groups(State(build(objects(made))), [group])
    for wish, values in ((Objective().then(alternatives), (2, 16)), (alternatives - 3 * still_placeable, (2, 11))):
        found = Patterns(wish).decide(asked, RNG)
        assert (found.path, found.values, found.bounds) == ("patterns", values, values)
