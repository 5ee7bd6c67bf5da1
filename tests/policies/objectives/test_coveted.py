"""Of a product that some pods accept alone, a part of each node is kept for these, dearer the more of it is taken."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.evaluate.fgd import Run, Setting, play
from drapolicy.policies import Best, Exact, Rule
from drapolicy.policies.objective import Term
from drapolicy.policies.objectives import coveted, leftover, read_mix, read_supply
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, arrivals_of, fleet_of, workload_of

HALF = coveted(read_mix("1000x1@T4*25+1000x1*75"), read_supply("T4*50+G2*50"))
"""Half of the T4s is asked for by pods that accept nothing else."""

T4 = NodeRow("node-a", 64_000, 65_536, 4, "T4")
G2 = NodeRow("node-b", 64_000, 65_536, 4, "G2")


def played(term: Term, nodes: tuple[NodeRow, ...], pods: list[PodRow]) -> Run:
    trace = Trace("made", tuple(pods), nodes)
    order = Order(tuple(range(len(pods))), tuple(range(len(nodes))))
    return play(Setting(trace), order, Rule(-10 * term - leftover, solver=Exact(), nodes=Best()), 0)


def pods(*models: str) -> list[PodRow]:
    return [PodRow(f"p{n}", 1_000, 1_024, 1, 1_000, (model,) if model else ()) for n, model in enumerate(models)]


@pytest.mark.parametrize(("gpus", "value"), [(0, 0), (2, 0), (3, 250), (4, 1_000)])
def test_it_grows_with_the_square_of_what_is_missing(gpus: int, value: int) -> None:
    """Of 4,000 milli 2,000 are kept: taking 3,000 leaves 1,000 too few, 1,000² / 4,000."""
    trace = Trace("made", (PodRow("p", 1_000, 1_024, 4, 1_000, ()),), (T4,))
    order = Order((0,), (0,))
    (arrival,) = arrivals_of(trace, order)
    ask = workload_of(trace, order).ask(arrival, 0)
    node = Problem(State(fleet_of(trace.nodes)), (ask,)).local(0, ask)
    assert HALF.function(node, np.arange(gpus)) == value


def test_pods_that_accept_all_leave_what_is_kept() -> None:
    """Four of them fill what is not kept of the first node's T4s, then go elsewhere, and two that wish find room."""
    run = played(HALF, (T4, G2), pods("", "", "", "", "", "", "T4", "T4"))
    assert run.placed.all()


def test_without_it_they_fill_the_first_node() -> None:
    """Where the rest of the node counts alone, pods that wish come too late."""
    run = played(coveted(read_mix("1000x1")), (T4, G2), pods("", "", "", "", "", "", "T4", "T4"))
    assert run.placed.tolist() == [True] * 6 + [False] * 2


def test_nothing_is_refused_for_it() -> None:
    """What is kept is given when there is nothing else."""
    assert played(HALF, (T4,), pods("", "", "", "")).placed.all()
