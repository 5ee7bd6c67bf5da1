"""The solver by integer programmes: as good as Exact, whatever the rules and the form of the terms."""

from __future__ import annotations

import time
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec.structs
import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drapolicy.errors import InputError, SolverError, UnsupportedFeatureError
from drapolicy.inventory import build
from drapolicy.policies import Answer, Exact, FirstFit, Grow, Objective, Rule, Term, objective
from drapolicy.policies.objectives import bottleneck, cost, inside, links_lost, still_placeable
from drapolicy.policies.solvers.ilp import Ilp
from drapolicy.policies.solvers.ilp.backend import solve
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, first_of, objects, request
from drapolicy.topology.measures import bottleneck_mb_s

RNG = np.random.default_rng
OF = f"device.attributes['{DRIVER}']"


def generated(seed: int, size: str = "small") -> LocalProblem:
    """Return the node of a generated problem; the release goes with the seed."""
    release = RELEASES[seed % len(RELEASES)]
    case = problem(seed, release=release, size=size)
    ask = ask_with(None, *case.claims)
    return Problem(State(build(case.objects, release), case.existing), (ask,)).local(0, ask)


def plain(devices: int, count: int) -> LocalProblem:
    """Return a node of like devices of which one request wants some."""
    node = objects({"node-0": [device(f"d{i:02d}") for i in range(devices)]})
    ask = ask_with(None, claim("c", request(count)))
    return Problem(State(build(node)), (ask,)).local(0, ask)


def symmetric(rng: np.random.Generator, size: int, low: int, high: int, *, alone: bool = False) -> NDArray[np.int64]:
    """Return random weights of pairs, with weights of devices if told so."""
    upper = np.triu(rng.integers(low, high, (size, size)), 1)
    made: NDArray[np.int64] = upper + upper.T
    if alone:
        made += np.diag(rng.integers(low, high, size))
    return made


def blocks(size: int) -> NDArray[np.int64]:
    """Return weights that fall into blocks of 4 within blocks of 8."""
    at = np.arange(size)
    same = at[:, None] // 4 == at // 4
    made = np.where(same, 50, np.where(at[:, None] // 8 == at // 8, 20, 3)).astype(np.int64)
    np.fill_diagonal(made, 0)
    return made


def of_pairs(weights: Any) -> Term:
    """Return the term of weights of pairs; ``weights`` is a matrix, or makes one of a number of devices."""

    def table(node: LocalProblem) -> NDArray[np.int64]:
        return weights(node.size) if callable(weights) else weights

    @objective(sense="max", unit="", bounds=(-(10**12), 10**12), pairs=table)
    def weighed(node: LocalProblem, chosen: Any) -> int:
        own = table(node)[np.ix_(chosen, chosen)]
        return int(own.sum() + np.trace(own)) // 2

    return weighed


def of_links(links: NDArray[np.int64]) -> Term:
    """Return the term of the slowest link that joins."""

    @objective(sense="max", unit="", bounds=(0, 10**12), joins=lambda _node: links)
    def slowest(node: LocalProblem, chosen: Any) -> int:
        return bottleneck_mb_s(links, chosen.tolist())

    return slowest


@objective(sense="max", unit="", bounds=(0, 10**6))
def late(node: LocalProblem, chosen: Any) -> int:
    """Later devices are better: a term without any other form."""
    return int((chosen**2).sum())


AIMS = {
    "table": Objective().then(late),
    "pairs": Objective().then(of_pairs(lambda size: symmetric(RNG(size), size, -20, 40, alone=True))),
    "blocks": Objective().then(of_pairs(blocks)),
    "levels": Objective().then(of_pairs(blocks), late),
    "links": Objective().then(bottleneck, inside),
    "policy": Objective().then(inside, links_lost, still_placeable),
}


def devices(answer: Answer) -> list[tuple[str | None, ...]] | None:
    if not isinstance(answer.outcome, Fits):
        return None
    return sorted({(r.driver, r.pool, r.device) for own in answer.outcome.results for r in own.devices.results})


def compared(seed: int, max_steps: int) -> tuple[str, str]:
    """Solve one generated problem both ways, hold the answers equal, and return what both say of them."""
    local, aim, known = generated(seed), list(AIMS.values())[seed // len(RELEASES) % len(AIMS)], Exact(max_steps)
    exact, programme = known.solve(local, aim, RNG(0)), Ilp(otherwise=known).solve(local, aim, RNG(0))
    if exact.status == programme.status:
        assert (programme.score, programme.rank, devices(programme)) == (exact.score, exact.rank, devices(exact))
    elif programme.status == "optimal":
        assert exact.status == "feasible"
        assert programme.score >= exact.score
    else:
        assert exact.status == "timed_out"
    if not exact.fits and exact.status != "timed_out":
        assert programme.outcome == exact.outcome
    return exact.status, programme.status


# --- as good as Exact ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", range(10))
def test_generated_problems(chunk: int) -> None:
    """Every feature and release: the same score, devices and alternatives, or the same refusal."""
    for seed in range(7 * chunk, 7 * chunk + 7):
        compared(seed, 5_000)


def test_what_no_rule_allows_is_left_to_exact() -> None:
    """What 1.34's search leaves behind lets an All take a part of its devices: no programme says so."""
    assert compared(3847, 5_000) == ("feasible", "feasible")


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(40))
def test_many_generated_problems(chunk: int) -> None:
    """The same for 2,000 problems."""
    for seed in range(50 * chunk, 50 * chunk + 50):
        compared(seed, 50_000)


FORMS = ("pairs", "blocks", "links", "cost")


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 9), data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_brute_force_agrees(size: int, data: st.DataObject, seed: int) -> None:
    """Up to nine devices every set is looked at: the best score, and of equal ones the first set."""
    rng, count = RNG(seed), data.draw(st.integers(1, size))
    made = {
        "pairs": of_pairs(symmetric(rng, size, -9, 9, alone=True)),
        "blocks": of_pairs(blocks(size)),
        "links": of_links(np.where(rng.random((size, size)) < 0.4, 0, symmetric(rng, size, 0, 5))),
        "cost": cost(f"{DRIVER}/size"),
    }
    links = of_links(symmetric(rng, size, 0, 3))
    forms = data.draw(st.lists(st.sampled_from(FORMS[:2]), min_size=1, max_size=2, unique=True))
    first = data.draw(st.sampled_from([None, links]))
    terms = [made[form] for form in forms]
    aim = Objective().then(*([first] if first else []), *terms)
    local = plain(size, count)
    scores = {chosen: aim.of(local, np.array(chosen)) for chosen in combinations(range(size), count)}
    best = max(scores.values())
    answer = Ilp().solve(local, aim, RNG(0))
    assert (answer.status, answer.score, answer.bound, answer.gap) == ("optimal", best, best, 0)
    assert devices(answer) == [(DRIVER, "node-0", f"d{d:02d}") for d in min(s for s in scores if scores[s] == best)]


@pytest.mark.parametrize(("solver", "size", "count"), [("HiGHS", 24, 6), ("CBC", 12, 5)])
def test_solvers_agree(solver: str, size: int, count: int) -> None:
    """CBC by name finds what HiGHS finds, in blocks and without."""
    local = plain(size, count)
    for weights in (blocks(size), symmetric(RNG(3), size, 0, 50)):
        aim = Objective().then(of_pairs(weights))
        answer, exact = Ilp(solver).solve(local, aim, RNG(0)), Exact().solve(local, aim, RNG(0))
        assert (answer.status, answer.score, devices(answer)) == (exact.status, exact.score, devices(exact))


def test_levels_and_weights_are_one_after_the_other() -> None:
    """A later level decides only between what is best for the earlier ones, however large it is."""
    small, large = of_pairs(np.diag([1, 1, 0, 0])), of_pairs(np.diag([0, 10**9, 10**9, 10**9]))
    local = plain(4, 1)
    assert devices(Ilp().solve(local, Objective().then(small, large), RNG(0))) == [(DRIVER, "node-0", "d01")]
    assert Ilp().solve(local, small * 3 + large, RNG(0)).score == (10**9 + 3,)


def test_of_equal_sets_that_differ_in_size_the_beginning_is_first() -> None:
    """Two shares of the first device are before one share of each of two: (0,) is before (0, 1)."""
    some = [msgspec.structs.replace(device(f"d{i}"), allow_multiple_allocations=True) for i in range(3)]
    ask = ask_with(None, claim("c", request(1, name="one"), request(1, name="other")))
    local = Problem(State(build(objects({"node-0": some}))), (ask,)).local(0, ask)
    for weights, best in ((np.zeros((3, 3), np.int64), ["d0"]), (1 - np.eye(3, dtype=np.int64), ["d0", "d1"])):
        aim = Objective().then(of_pairs(weights))
        answer, exact = Ilp().solve(local, aim, RNG(0)), Exact().solve(local, aim, RNG(0))
        assert [own[2] for own in devices(answer) or ()] == best
        assert (answer.status, devices(answer)) == (exact.status, devices(exact))


def test_a_missing_device_of_mode_all_refuses_the_row() -> None:
    """What the reference refuses is refused with a proof."""
    local = plain(2, 3)
    answer = Ilp().solve(local, AIMS["pairs"], RNG(0))
    assert (answer.outcome, answer.status) == (NoFit(), "infeasible")


def test_an_earlier_alternative_wins() -> None:
    """Whatever the objective says, a request gets its first alternative where it fits (K8s S40)."""
    node = objects({"node-0": [device("a", size=1), device("b", size=2), device("c", size=2)]})
    ask = ask_with(None, claim("c", first_of((1, f"{OF}.size == 1"), (2, f"{OF}.size == 2"))))
    local = Problem(State(build(node)), (ask,)).local(0, ask)
    answer = Ilp().solve(local, Objective().then(late), RNG(0))
    assert devices(answer) == [(DRIVER, "node-0", "a")]
    assert answer.rank == 8


# --- limits, and what is claimed -----------------------------------------------------------------------------


def hard() -> tuple[LocalProblem, Objective]:
    """Return a problem that takes a solver minutes to prove."""
    return plain(30, 10), Objective().then(of_pairs(symmetric(RNG(1), 30, 1, 100)))


@pytest.mark.parametrize("limits", [{"time_limit_s": 0.7}, {"max_nodes": 1}])
def test_at_a_limit_the_bound_says_how_far(limits: dict[str, Any]) -> None:
    """The best so far is feasible, at least as good as the first fit, and not above the bound."""
    local, aim = hard()
    answer = Ilp(**limits).solve(local, aim, RNG(0))
    assert answer.status == "feasible"
    assert answer.score >= FirstFit().solve(local, aim, RNG(0)).score
    assert answer.gap is not None
    assert answer.bound == (answer.score[0] + answer.gap,)
    assert answer.gap > 0
    assert answer.seconds > 0


def test_without_any_time_the_first_fit_is_the_answer() -> None:
    """Nothing is claimed of it."""
    local, aim = hard()
    answer = Ilp(time_limit_s=0.0).solve(local, aim, RNG(0))
    assert (answer.status, answer.bound, answer.gap) == ("feasible", (), None)
    assert devices(answer) == devices(FirstFit().solve(local, aim, RNG(0)))


def test_limits_of_nodes_do_not_depend_on_the_clock() -> None:
    """The same answer and bound each time."""
    local, aim = hard()
    first, second = (Ilp(max_nodes=1).solve(local, aim, RNG(0)) for _ in range(2))
    assert first == second


def test_a_term_without_another_form_is_left_to_exact() -> None:
    """With few choices it becomes a table; with many, the solver of another kind is asked."""
    few, many = plain(8, 4), plain(30, 8)
    aim = Objective().then(late)
    assert Ilp().solve(few, aim, RNG(0)).status == "optimal"
    answer = Ilp(otherwise=Grow()).solve(many, aim, RNG(0))
    assert answer == Grow().solve(many, aim, RNG(0))
    assert answer.bound == ()


def test_pairs_that_lie_are_found_out() -> None:
    """A term whose weights of pairs are not its function is a bug of the term."""

    @objective(sense="max", unit="", bounds=(0, 10**6), pairs=lambda node: np.eye(node.size, dtype=np.int64))
    def lying(node: LocalProblem, chosen: Any) -> int:
        return 0

    with pytest.raises(SolverError, match=r"objective lying: pairs say \(2,\), the function \(0,\) on node node-0"):
        Ilp().solve(plain(3, 2), Objective().then(lying), RNG(0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time_limit_s": -1.0}, "time_limit_s -1.0 is negative"),
        ({"max_nodes": -1}, "max_nodes -1 is negative"),
        ({"time_limit_s": float("nan")}, "time_limit_s nan is negative"),
    ],
)
def test_limits_are_checked(wrong: dict[str, Any], message: str) -> None:
    """The message names solver, parameter and the fix."""
    with pytest.raises(InputError, match=f"solver ilp: {message}; use 0 or more, or None"):
        Ilp(**wrong)


def test_a_missing_solver_is_refused_when_it_is_named() -> None:
    """Not only at the first node."""
    with pytest.raises(SolverError, match="solver Nothing: not installed"):
        Ilp("Nothing")


def test_it_is_a_solver_of_a_rule() -> None:
    """A rule with it proves its placement over all nodes."""
    node = objects({f"node-{n}": [device(f"d{i}") for i in range(4)] for n in range(2)})
    ask = ask_with(None, claim("c", request(2)))
    placement = Rule(late, solver=Ilp()).place(Problem(State(build(node)), (ask,)), RNG(0))
    assert placement.status == "optimal"
    assert Ilp().name == "ilp"
    assert Ilp("CBC").name == "ilp-cbc"


# --- what upstream's search takes hours for ------------------------------------------------------------------


def grouped(groups: list[int]) -> Any:
    """Return a node with so many devices of each value of an attribute."""
    values = [value for value, number in enumerate(groups) for _ in range(number)]
    return objects({"node-0": [device(f"d{i:02d}", group=value) for i, value in enumerate(values)]})


HARD = {
    "17 of 16": (grouped([16]), claim("c", request(17))),
    "11 requests, 10 devices": (grouped([10]), claim("c", *(request(1, name=f"r{i}") for i in range(11)))),
    "10 alike, 2 groups of 9": (grouped([9, 9]), claim("c", request(10), match=f"{DRIVER}/group")),
    "8 requests alike, groups of 7": (
        grouped([7, 7, 2]),
        claim("c", *(request(1, name=f"r{i}") for i in range(8)), match=f"{DRIVER}/group"),
    ),
    "20 requests, 19 devices": (grouped([19]), claim("c", *(request(1, name=f"r{i}") for i in range(20)))),
}


@pytest.mark.parametrize("name", HARD)
def test_what_cannot_be_is_proven_at_once(name: str) -> None:
    """Each takes upstream up to hours."""
    node, wanted = HARD[name]
    ask = ask_with(None, wanted)
    local = Problem(State(build(node)), (ask,)).local(0, ask)
    begin = time.perf_counter()
    answer = Ilp().solve(local, AIMS["pairs"], RNG(0))
    assert time.perf_counter() - begin < 2
    assert (answer.outcome, answer.status) == (NoFit(), "infeasible")


# --- files ---------------------------------------------------------------------------------------------------


def test_mps_files_are_read_by_others(tmp_path: Path) -> None:
    """HiGHS itself finds the same optimum in the file."""
    import highspy

    local = plain(9, 4)
    pairs = of_pairs(symmetric(RNG(7), 9, 1, 40))
    for aim in (Objective().then(pairs), 6 * pairs - still_placeable, Objective().then(pairs, still_placeable)):
        for name in ("node.mps", "node.lp"):
            Ilp().write(local, aim, tmp_path / name)
            model = highspy.Highs()
            model.setOptionValue("output_flag", False)
            model.readModel(str(tmp_path / name))
            model.run()
            assert round(model.getInfo().objective_function_value) == Ilp().solve(local, aim, RNG(0)).score[-1]


def test_a_file_holds_the_levels_before(tmp_path: Path) -> None:
    """The programme of the second level has a row for the first, so its optimum is that of the answer."""
    first, second = of_pairs(np.diag([1, 1, 1, 0])), of_pairs(np.diag([0, 5, 7, 9]))
    local, aim = plain(4, 2), Objective().then(first, second)
    for file, level, best in (("first.mps", 0, 2), ("second.mps", 1, 12), ("last.mps", None, 12)):
        Ilp().write(local, aim, tmp_path / file, level)
        _, read = pulp.LpProblem.fromMPS(str(tmp_path / file), sense=pulp.LpMaximize)
        assert solve(read).objective == best
    assert Ilp().solve(local, aim, RNG(0)).score == (2, 12)


def test_a_table_has_all_levels_in_one_file(tmp_path: Path) -> None:
    """Its objective numbers the choices in their order, so that the last is the best."""
    local, aim = plain(4, 2), Objective().then(late, of_pairs(np.diag([0, 5, 7, 9])))
    for file, level in (("first.mps", 0), ("last.mps", None)):
        Ilp().write(local, aim, tmp_path / file, level)
        _, read = pulp.LpProblem.fromMPS(str(tmp_path / file), sense=pulp.LpMaximize)
        assert solve(read).objective == 5  # of six pairs


@pytest.mark.parametrize(
    ("file", "level", "message"), [("node.txt", 0, "neither .lp nor .mps"), ("node.lp", 1, "level 1 is not there")]
)
def test_files_are_checked(tmp_path: Path, file: str, level: int, message: str) -> None:
    """The message names the file or the level."""
    with pytest.raises(InputError, match=message):
        Ilp().write(plain(3, 1), AIMS["pairs"], tmp_path / file, level)


def test_there_is_no_file_of_what_cannot_be_written(tmp_path: Path) -> None:
    """A claim that fits nowhere has no programme, nor has a term that no programme can have."""
    with pytest.raises(InputError, match="nothing fits on node node-0"):
        Ilp().write(plain(3, 4), AIMS["pairs"], tmp_path / "node.lp")
    with pytest.raises(UnsupportedFeatureError, match=r"objective late: no weights of pairs .* or use Exact\(\)"):
        Ilp().write(plain(30, 8), AIMS["table"], tmp_path / "node.lp")
    with pytest.raises(UnsupportedFeatureError, match="lets something pass that no rule allows"):
        Ilp().write(generated(3847), AIMS["table"], tmp_path / "node.lp")
    with pytest.raises(InputError, match="cannot be written"):
        Ilp().write(plain(3, 1), AIMS["table"], Path("/dev/null/node.lp"))
    assert not list(tmp_path.iterdir())


def test_generated_problems_have_every_feature() -> None:
    """Among those compared are shares, counters, groups, constraints of both kinds, admin access and mode All."""
    seen = {"shared": False, "counters": False, "joints": False, "matches": False, "distincts": False}
    admin = every = several = False
    for seed in range(150):
        f = generated(seed).formulation
        if not isinstance(f, Formulation):
            continue
        seen = {
            name: had or bool(np.size(getattr(f, name)) and np.any(f.shared if name == "shared" else True))
            for name, had in seen.items()
        }
        admin |= any(row.admin for row in f.rows)
        every |= any(row.every for row in f.rows)
        several |= any(len(choices) > 1 for choices in f.requests)
    assert seen == dict.fromkeys(seen, True)
    assert admin
    assert every
    assert several
