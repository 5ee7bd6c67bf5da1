"""Topology quality: two figures that are never one, and what was delivered."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.topology.measures import Quality, quality, rejected, summary

# Pairs (0, 1) and (2, 3) are bridged, the rest is slow.
LINKS = np.full((4, 4), 10) - np.diag([10] * 4)
LINKS[[0, 1, 2, 3], [1, 0, 3, 2]] = 50


def test_what_the_user_gets_and_what_the_policy_could_have_done_differ() -> None:
    """With one device of each bridge taken, a slow pair is the best there is: 20 % of the machine, all of the fleet."""
    got = quality(LINKS, [(LINKS, [0, 2])], LINKS, [0, 2])
    assert (got.mb_s, got.machine_mb_s, got.fleet_mb_s) == (10, 50, 10)
    assert (got.of_machine, got.of_fleet, got.delivered) == (0.2, 1.0, 0.2)


def test_a_better_set_on_another_node_counts_for_the_fleet() -> None:
    """What was free elsewhere could have been chosen."""
    got = quality(LINKS, [(LINKS, [0, 2]), (LINKS, [1, 2, 3])], LINKS, [0, 2])
    assert (got.of_machine, got.of_fleet) == (0.2, 0.2)


def test_single_devices_are_left_out_and_rejected_asks_deliver_nothing() -> None:
    """Means are over placed asks for several devices; delivered is over all."""
    asks = [
        quality(LINKS, [(LINKS, [0, 1, 2, 3])], LINKS, [0, 1]),
        quality(LINKS, [(LINKS, [0, 2, 3])], LINKS, [0, 2]),
        quality(LINKS, [(LINKS, [3])], LINKS, [3]),
        rejected(LINKS, [(LINKS, [1])], 2),
        rejected(LINKS, [(LINKS, [])], 1),
    ]
    found = summary(asks)
    assert (found.of_machine, found.of_fleet, found.compared) == (0.6, 0.6, 2)
    assert (found.delivered, found.asks) == pytest.approx((2.2 / 5, 5))  # 1 + 0.2 + 1 + 0 + 0
    assert isnan(asks[2].of_machine)
    assert isnan(asks[3].of_fleet)


def test_nothing_asked_has_no_figures() -> None:
    """No number is made up for no asks."""
    found = summary([])
    assert isnan(found.of_machine)
    assert isnan(found.delivered)
    assert summary([Quality(2, 0, 0, 0)]).compared == 0  # a machine without links


@pytest.mark.parametrize(("machine", "free"), [(LINKS // 10, [0, 1]), (LINKS, [0, 2])])
def test_a_set_better_than_the_best_is_refused(machine: np.ndarray, free: list[int]) -> None:
    """The wrong class of machine, or what was free after the placement, gives no figure above 1."""
    with pytest.raises(InputError, match="the best 2 devices have"):
        quality(machine, [(LINKS, free)], LINKS, [0, 1])
