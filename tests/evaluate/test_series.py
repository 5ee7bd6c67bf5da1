"""What a cell keeps of a play besides its metrics."""

from __future__ import annotations

import numpy as np

from drapolicy.evaluate.series import QUANTILES, allocation, held, quantiles, queue, waits
from drapolicy.testing.watched import halves, scenario, seen
from drapolicy.workload import Arrival

S = 10**9


def test_courses_are_what_was_at_points_of_time() -> None:
    """Two of four devices until half of the time is over, then none; nobody waits until the last arrival."""
    found, occupancy = seen(scenario(Arrival(0, 60 * S, "two"), Arrival(120 * S, S, "one")))
    assert halves(held(found, 4)) == ({50.0}, {0.0})
    assert halves(queue(found)) == ({0}, {0})
    assert held(found, 4)[-1] == 25.0
    nodes, heat = occupancy.heat()
    assert nodes == ["node-0", "node-1"]
    first, second = np.array(heat).reshape(2, -1)
    assert (set(first[:29].tolist()), set(first[30:-1].tolist()), set(second.tolist())) == ({100}, {0}, {0})


def test_allocation_is_told_over_what_was_asked_for() -> None:
    """Four devices, pods that never leave: held is what was asked for, until a pod does not fit."""
    times = [("two", 0), ("one", 1), ("two", 2), ("one", 3)]
    found, _ = seen(scenario(*(Arrival(t * S, None, pod) for pod, t in times)))
    curve = allocation(found, 4)
    assert len(curve) == 151
    assert (curve[50], curve[75], curve[76], curve[126]) == (50.0, 75.0, 75.0, 100.0)


def test_pods_that_leave_have_no_curve_of_allocation() -> None:
    """Less is held then than was ever allocated."""
    found, _ = seen(scenario(Arrival(0, 1, "one"), Arrival(5 * S, None, "one")))
    assert allocation(found, 4) == []


def test_waits_and_quantiles() -> None:
    """Quantiles are numbers that occur, from the least to the greatest."""
    found, _ = seen(scenario(*[Arrival(0, 2 * S, "two")] * 2, nodes=1))
    assert waits(found).tolist() == [0.0, 2.0]
    told = quantiles(waits(found))
    assert (len(told), set(told), told[0], told[-1]) == (QUANTILES, {0.0, 2.0}, 0.0, 2.0)
    assert quantiles(np.zeros(0)) == []
