"""Local search and portfolios: never worse than what they start from, and honest about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.policies import Answer, Exact, FirstFit, Grow, Objective, RandomOrder, inside, objective
from drapolicy.policies.solvers import LocalSearch, Portfolio
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import NoFit, TimedOut
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.testing.contract import RELEASES
from drapolicy.testing.generate import problem
from drapolicy.testing.simple import DRIVER, ask_with, claim, device, objects, request

RNG = np.random.default_rng
AIM = Objective().then(inside)


def linked(links: np.ndarray, *claims: Any, groups: int = 1) -> LocalProblem:
    made = [device(f"d{d:03}", group=d // groups) for d in range(len(links))]
    fleet = build(objects({"node-0": made}))
    fleet = fleet.with_links({"node-0": NodeLinks(tuple((DRIVER, "node-0", d.name) for d in made), links)})
    ask = ask_with(None, *claims)
    return Problem(State(fleet), (ask,)).local(0, ask)


def drawn(size: int, seed: int, *claims: Any, groups: int = 1) -> LocalProblem:
    upper = np.triu(RNG(seed).integers(1, 1000, (size, size)), 1)
    return linked(upper + upper.T, *claims, groups=groups)


@objective(sense="max", unit="", bounds=(0, 10**6))
def late(node: LocalProblem, chosen: Any) -> int:
    """Later devices are better."""
    return int((chosen**2).sum())


@pytest.mark.parametrize("seed", range(10))
def test_changes_improve_on_the_start(seed: int) -> None:
    """From the first fit, changes of one or two devices come close to the best, and never beyond it."""
    local = drawn(14, seed, claim("c", request(5)))
    best = Exact(max_steps=None).solve(local, AIM, RNG(0))
    first = FirstFit().solve(local, AIM, RNG(0))
    found = LocalSearch(FirstFit()).solve(local, AIM, RNG(0))
    assert first.score < found.score <= best.score
    assert 10 * found.score[0] >= 9 * best.score[0]
    assert found.status == "feasible"


def test_requests_trade_devices() -> None:
    """No change of one device alone helps: the two requests have all devices between them."""
    links = np.array([[0, 1, 1, 9], [1, 0, 9, 1], [1, 9, 0, 1], [9, 1, 1, 0]])
    of = f"device.attributes['{DRIVER}']"
    wanted = claim("c", request(1, f"{of}.group < 2", name="a"), request(1, f"{of}.group > 0", name="b"))
    local = linked(links, wanted)

    @objective(sense="max", unit="", bounds=(0, 100))
    def sum_of_links(node: LocalProblem, chosen: Any) -> int:
        return int(node.links[np.ix_(chosen, chosen)].max())

    answer = LocalSearch(FirstFit()).solve(local, Objective().then(sum_of_links), RNG(0))
    assert answer.score == (9,)


def test_a_search_starts_in_each_group_that_agrees() -> None:
    """No change of two devices leads out of a group of four; starts in the others do."""
    links = np.zeros((16, 16), np.int64)
    for group, mb_s in enumerate((10, 5, 90, 20)):
        links[4 * group : 4 * group + 4, 4 * group : 4 * group + 4] = mb_s
    np.fill_diagonal(links, 0)
    local = linked(links, claim("c", request(4), match=f"{DRIVER}/group"), groups=4)
    answer = LocalSearch(FirstFit()).solve(local, Objective().then(inside), RNG(0))
    assert answer.score == (6 * 90,)


@pytest.mark.parametrize("solver", [LocalSearch(), LocalSearch(RandomOrder(), restarts=2), Portfolio()], ids=str)
@pytest.mark.parametrize("seed", range(0, 240, 40))
def test_all_agree_with_the_reference_on_generated_problems(solver: Any, seed: int) -> None:
    """One verdict, the same alternatives, no worse than the first fit, with all features of all releases."""
    for number in range(seed, seed + 40):
        release = RELEASES[number % len(RELEASES)]
        case = problem(number, size="tiny", release=release)
        fleet = build(case.objects, release)
        ask = ask_with(None, *case.claims)
        state = State(fleet, case.existing)
        local = Problem(state, (ask,)).local(fleet.nodes.index[case.node.metadata.name], ask)
        first = FirstFit().solve(local, Objective().then(late), RNG(0))
        found = solver.solve(local, Objective().then(late), RNG(number))
        assert type(found.outcome) is type(first.outcome)
        assert (found.rank, found.score >= first.score) == (first.rank, True)


def test_only_restarts_depend_on_the_generator() -> None:
    """Without them answers may be kept."""
    assert not LocalSearch().seeded
    assert LocalSearch(restarts=1).seeded
    assert LocalSearch(RandomOrder()).seeded
    assert Portfolio((FirstFit(), RandomOrder())).seeded
    assert not Portfolio().seeded


@dataclass(frozen=True)
class Fixed:
    """Says what it was told to say."""

    answer: Answer
    name: str = "fixed"
    seeded: bool = False

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:
        return self.answer


@pytest.mark.parametrize(
    ("others", "status"),
    [
        ((Grow(), Exact()), "optimal"),
        ((Fixed(Answer(TimedOut(""), status="timed_out")), Exact()), "optimal"),
        ((Exact(max_steps=1), Grow()), "feasible"),
        ((Fixed(Answer(NoFit(), status="infeasible")), Exact()), "infeasible"),
    ],
)
def test_a_portfolio_keeps_the_best_and_any_proof(others: tuple[Any, ...], status: str) -> None:
    """A proof ends the run; a solver at its limit leaves the word to the next."""
    local = drawn(18, 4, claim("c", request(6)))
    assert Portfolio(others).solve(local, AIM, RNG(0)).status == status


def test_a_portfolio_is_no_worse_than_its_parts() -> None:
    """Whatever the order of the solvers."""
    local = drawn(30, 5, claim("c", request(9)))
    parts = (Exact(max_steps=200), Grow(), LocalSearch())
    scores = [part.solve(local, AIM, RNG(0)).score for part in parts]
    for order in (parts, parts[::-1]):
        assert Portfolio(order).solve(local, AIM, RNG(0)).score == max(scores)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalSearch(restarts=-1), "restarts -1 is negative"),
        (lambda: Portfolio(()), "no solvers are given"),
        (lambda: Portfolio((Exact,)), "is no solver"),  # type: ignore[arg-type]
    ],
)
def test_wrong_parts_are_refused(make: Any, message: str) -> None:
    """With the value and the fix."""
    with pytest.raises(InputError, match=message):
        make()
