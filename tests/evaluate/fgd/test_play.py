"""Runs on traces that are small enough to be played by hand."""

from __future__ import annotations

import pytest

from drapolicy.evaluate.fgd import Setting, curves_of, play
from drapolicy.policies import policy
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace

HALF = PodRow("half", 1_000, 1, 1, 500, ())
WHOLE = PodRow("whole", 1_000, 1, 1, 1_000, ())
CPU = PodRow("cpu", 7_000, 1, 0, 0, ())
POLICIES = ("dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd")


def setting(*pods: PodRow, nodes: tuple[NodeRow, ...]) -> tuple[Setting, Order]:
    """Return a trace whose pods arrive in the order given, its nodes ranked as they stand."""
    named = tuple(pod._replace(name=f"p-{n}") for n, pod in enumerate(pods))
    return Setting(Trace("made", named, nodes)), Order(tuple(range(len(pods))), tuple(range(len(nodes))))


@pytest.mark.parametrize("name", POLICIES)
def test_one_node_is_filled_as_by_hand(name: str) -> None:
    """Two halves share a GPU, a whole takes the other, and the second whole finds nothing.

    Typical pods are half and whole, two of four each. After the first half GPUs have 500 and 1,000 left: wholes, half
    of the pods, cannot use 500 of 1,500, which is 16.67 %.
    """
    given, order = setting(HALF, HALF, WHOLE, WHOLE, nodes=(NodeRow("n-0", 8_000, 100, 2, "T4"),))
    chosen = policy(name, mix=given.mix) if name == "fgd" else policy(name)
    ran = play(given, order, chosen, 1)
    assert ran.arrived.tolist() == [500, 1_000, 2_000, 3_000]
    assert ran.allocated.tolist() == [500, 1_000, 2_000, 2_000]
    assert ran.wasted.tolist() == [16.67, 0.0, 0.0, 0.0]
    curves = curves_of(ran)
    assert [curves.allocation[x] for x in (24, 25, 26, 50, 99, 100)] == [25.0, 25.0, 25.0, 50.0, 100.0, 100.0]


def test_pods_without_gpus_are_placed_by_what_they_leave() -> None:
    """A pod that takes CPU goes where FGD loses no GPU by it, first fit takes the first node.

    On n-0 it leaves 1,000 milli CPU of 8,000, where wholes still fit, on n-1 it leaves 500: then the GPU there is
    wasted. With n-1 first, best fit takes it, because little is left there; FGD does not.
    """
    nodes = (NodeRow("n-1", 7_500, 100, 1, "T4"), NodeRow("n-0", 8_000, 100, 1, "T4"))
    given, order = setting(CPU, WHOLE, WHOLE, nodes=nodes)
    wasteful = play(given, order, policy("best-fit"), 1)
    careful = play(given, order, policy("fgd", mix=given.mix), 1)
    assert wasteful.allocated.tolist() == [0, 1_000, 1_000]
    assert careful.allocated.tolist() == [0, 1_000, 2_000]
    # Of 2,000 free milli all pods but the CPU pod, 2 of 3, can use all; the CPU pod can use none: 1/3 is wasted.
    assert careful.wasted.tolist()[0] == 33.33
    # On n-1 nobody fits any more: the whole 1,000 is wasted there, 1/3 of the other.
    assert wasteful.wasted.tolist()[0] == 66.67


def test_models_are_heeded_and_what_does_not_fit_is_dropped() -> None:
    """A pod that wants another model is dropped, those after it are not held up."""
    picky = HALF._replace(models=("A10", "G2"))
    nodes = (NodeRow("n-0", 8_000, 100, 1, "T4"), NodeRow("n-1", 8_000, 100, 1, "G2"))
    given, order = setting(picky, WHOLE, picky, picky, HALF, nodes=nodes)
    ran = play(given, order, policy("best-fit"), 1)
    assert ran.allocated.tolist() == [500, 1_500, 2_000, 2_000, 2_000]


def test_exclusive_pods_need_empty_gpus() -> None:
    """Two GPUs with a half left each are none for a pod of two."""
    pair = PodRow("pair", 1, 1, 2, 1_000, ())
    most = HALF._replace(gpu_milli=600)
    given, order = setting(most, most, pair, HALF, nodes=(NodeRow("n-0", 8_000, 100, 2, "T4"),))
    ran = play(given, order, policy("gpu-packing"), 1)
    assert ran.allocated.tolist() == [600, 1_200, 1_200, 1_200]


def test_equal_nodes_by_rank() -> None:
    """Of equally good nodes the one of the lowest rank is taken, whatever its name."""
    nodes = tuple(NodeRow(f"n-{n}", 8_000, 100, 1, "T4") for n in range(3))
    given = Setting(Trace("made", (WHOLE,), nodes))
    order = Order((0,), (2, 0, 1))
    assert [node.name for node in order.nodes(given.trace)] == ["n-1", "n-2", "n-0"]
    assert play(given, order, policy("best-fit"), 1).allocated.tolist() == [1_000]


def test_lists_whose_pods_all_differ_are_played() -> None:
    """As many CPU amounts as pods, and nodes of eight models: too many for tables by both.

    Typical are the 2,850 pods that ask for 151 to 3,000 milli CPU. The first two that arrive share a GPU of a node and
    leave 2,001 there: 999 of the typical ones cannot use its other GPU, 1,000 of 15,000 free.
    """
    pods = tuple(HALF._replace(name=f"p-{n:04d}", cpu_milli=n) for n in range(1, 3_001))
    nodes = tuple(NodeRow(f"n-{n}", 8_000, 10_000, 2, f"M{n}") for n in range(8))
    ran = play(Setting(Trace("many", pods, nodes)), Order((2_999, 2_998), tuple(range(8))), policy("best-fit"), 1)
    assert ran.allocated.tolist() == [500, 1_000]
    assert ran.wasted.tolist() == [0.0, 2.34]
