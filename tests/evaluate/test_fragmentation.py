"""FGD's fragmentation: machines worked by hand, and the same as in the experiment of FGD's paper."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy.evaluate import fragmentation
from drapolicy.evaluate.fgd import Setting
from drapolicy.evaluate.fgd import play as play_paper
from drapolicy.evaluate.fragmentation import Kind, course
from drapolicy.evaluate.occupancy import POINTS, Occupancy
from drapolicy.policies import policy
from drapolicy.problem.events import Fail, Join, Leave, Repair
from drapolicy.simulate import Incident, Scenario, play
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace, fleet_of, typical_pods, workload_of

S = 10**9
HALF = PodRow("half", 1_000, 1, 1, 500, ())
WHOLE = PodRow("whole", 1_000, 1, 1, 1_000, ())
PAIR = PodRow("pair", 1_000, 1, 2, 1_000, ())
CPU = PodRow("cpu", 7_000, 1, 0, 0, ())
LARGE = PodRow("large", 1, 8_000, 1, 1_000, ())
T4 = NodeRow("n-0", 8_000, 10_000, 1, "T4")


def scenario(*pods: PodRow, nodes: tuple[NodeRow, ...], incidents: tuple[Incident, ...] = ()) -> Scenario:
    """Pods that come a second apart and stay."""
    named = tuple(pod._replace(name=f"p-{n:03}") for n, pod in enumerate(pods))
    order = Order(tuple(range(len(pods))), tuple(range(len(nodes))))
    return Scenario("s", fleet_of(nodes), workload_of(Trace("made", named, nodes), order), incidents=incidents)


def courses(found: Scenario, name: str = "best-fit") -> list[float]:
    occupancy = Occupancy(found, found.workload.arrivals[-1].time_ns)
    play(found, policy(name), 0, watch=occupancy.watch, quality=False)
    return [round(value, 2) for value in course(found, occupancy)]


def after(found: list[float], arrivals: int) -> list[float]:
    """Return what a course is a moment after each arrival but the last, and after that."""
    return [found[POINTS * k // (arrivals - 1)] for k in range(arrivals - 1)] + found[-1:]


def test_one_node_is_measured_as_by_hand() -> None:
    """Two GPUs: after the first half wholes, half of the pods, cannot use 500 of 1,500 milli: 16.67 %."""
    found = courses(scenario(HALF, HALF, WHOLE, WHOLE, nodes=(T4._replace(gpus=2),)))
    assert after(found, 4) == [16.67, 0.0, 0.0, 0.0]


def test_pods_without_devices_and_nodes_without_cpu_count() -> None:
    """Two GPUs on two nodes; of three pods two want a whole one, and the third takes 7,000 milli CPU.

    It takes the node that has least: there 500 milli are left, where nobody fits any more. Of 2 free GPUs the pod
    without any can use none, a third of all; the others can use one: 1 - 2/3 * 1/2 is 66.67 %. A second such pod on
    the other node, of 8,000 milli, leaves enough.
    """
    nodes = (T4._replace(cpu_milli=7_500, name="n-1"), T4)
    found = courses(scenario(CPU, WHOLE, WHOLE, nodes=nodes))
    assert after(found, 3)[0] == 66.67
    roomy = courses(scenario(CPU, WHOLE, WHOLE, nodes=(T4._replace(name="n-1"), T4)))
    assert after(roomy, 3)[0] == 33.33


def test_memory_counts_as_cpu_does() -> None:
    """A node of 10,000 MiB with two GPUs: a pod of 8,000 takes one, for a second there is no memory: all is wasted."""
    node = T4._replace(gpus=2)
    assert after(courses(scenario(LARGE, LARGE, nodes=(node,))), 2)[0] == 100.0
    assert after(courses(scenario(LARGE, LARGE, nodes=(node._replace(memory_mib=16_000),))), 2)[0] == 0.0


def test_pods_that_nothing_suits_can_use_nothing() -> None:
    """A model that no node has: half of the pods."""
    assert courses(scenario(WHOLE._replace(models=("A10",)), HALF, nodes=(T4,)))[0] == 50.0


def test_devices_that_no_pod_accepts_are_not_free() -> None:
    """What is free is what somebody may use: pods that want one model leave the GPUs of another out."""
    picky = WHOLE._replace(models=("T4",))
    assert courses(scenario(picky, CPU, nodes=(T4, T4._replace(name="n-1", model="A10"))))[0] == 0.0


def test_too_few_devices_on_a_node_are_none() -> None:
    """A GPU on each of two nodes is no pair."""
    nodes = (T4, T4._replace(name="n-1"))
    assert set(courses(scenario(PAIR, PAIR, nodes=nodes))) == {100.0}
    assert set(courses(scenario(PAIR, PAIR, nodes=(T4._replace(gpus=2), T4._replace(name="n-1"))))) == {100.0}


def test_what_is_not_there_is_not_free() -> None:
    """A failed device is neither of use nor wasted, nor are those of a node that is away; repaired they count again.

    Of three GPUs a pair takes two; the third is of no use to pairs while it is there.
    """
    node = T4._replace(gpus=3)
    third = scenario(PAIR, nodes=(node,)).state().sites[0].devices[2].id
    broken = Incident(S // 4, Fail(third)), Incident(3 * S // 4, Repair(third))
    found = courses(scenario(PAIR, PAIR, nodes=(node,), incidents=broken))
    assert (found[10], found[60], found[110]) == (100.0, 0.0, 100.0)
    away = Incident(S // 4, Leave("n-1")), Incident(3 * S // 4, Join("n-1"))
    found = courses(scenario(PAIR, PAIR, nodes=(T4._replace(gpus=2), T4._replace(name="n-1")), incidents=away))
    assert (found[10], found[60], found[110]) == (100.0, 0.0, 100.0)


def test_nothing_is_told_where_nobody_wants_devices() -> None:
    """No kind of pods that is known to use devices, or no play: no course."""
    assert courses(scenario(CPU, CPU, nodes=(T4,))) == []
    found = scenario(WHOLE, nodes=(T4,))
    assert course(found, Occupancy(found, 0)) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_what_the_papers_experiment_measures(seed: int) -> None:
    """After each of 121 arrivals, with all kinds of pods in the mix; memory, which FGD leaves out, is plentiful."""
    rng = np.random.default_rng(seed)
    kinds = [HALF._replace(cpu_milli=int(rng.integers(0, 5)) * 1_000, gpu_milli=int(rng.integers(1, 11)) * 100)]
    kinds += [PAIR._replace(gpus=int(rng.integers(1, 4)), models=("T4",) * int(rng.integers(2))), CPU]
    pods = tuple(kinds[int(rng.integers(3))]._replace(name=f"p-{n:03}") for n in range(POINTS + 1))
    nodes = tuple(
        NodeRow(f"n-{n:02}", int(rng.integers(4, 40)) * 1_000, 1_000, int(rng.integers(1, 5)), ("T4", "A10")[n % 2])
        for n in range(12)
    )
    trace = Trace("made", pods, nodes)
    given = Setting(trace)
    given.__dict__["mix"] = typical_pods(pods, 100)
    wanted = play_paper(given, Order(tuple(range(len(pods))), tuple(range(12))), policy("best-fit"), 1).wasted
    assert courses(scenario(*pods, nodes=nodes)) == wanted.tolist()[1:]


def test_needs_beyond_what_is_told_apart_are_rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of needs 1 to 5 three levels are kept, 1, 3 and 5: who needs 2 counts as 3. Enough of both is needed."""
    needs = Counter({(n, 10 * n): 1 for n in range(1, 6)})
    room = np.array([[0, 1, 2, 3, 9, 2], [99, 99, 99, 99, 99, 10]])
    assert Kind.of((), needs).fit(room).tolist() == [0, 1, 2, 3, 5, 1]
    monkeypatch.setattr(fragmentation, "MOST_LEVELS", 3)
    assert Kind.of((), needs).fit(room).tolist() == [0, 1, 1, 3, 5, 1]
