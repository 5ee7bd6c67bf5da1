"""Devices of a fleet in parts: whole fleets at once are what nodes one by one are."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.evaluate.parts import parts_of
from drapolicy.inventory import Fleet, build
from drapolicy.problem.sites import Sites
from drapolicy.simulate.figures import whole_devices
from drapolicy.simulate.record import NANO
from drapolicy.testing.partitions import partitioned
from drapolicy.testing.simple import row
from drapolicy.workload import fleet


@pytest.mark.parametrize("made", [fleet("a100-mig", 3), fleet({"a100-mig": 2, "philly-2": 1}), partitioned(3).fleet])
def test_each_node_has_the_counters_that_it_publishes(made: Fleet) -> None:
    """Totals, draws, shares and what is whole, node by node."""
    parts, sites = parts_of(made), Sites(made)
    assert parts.is_whole.sum() == whole_devices(made)
    for n in range(len(sites)):
        ledger = sites[n].ledger
        rows = [sites.directory.rows_of(device.id)[0] for device in sites[n].devices]
        own = np.flatnonzero(parts.home == n)
        drawn = np.zeros((len(rows), len(own)), np.int64)
        for d, row_ in enumerate(rows):
            at = np.flatnonzero(parts.row == row_)
            drawn[d, parts.counter[at] - own[0] if len(own) else at] = parts.amount[at]
        assert drawn.tolist() == ledger.draws.tolist()
        used = ledger.draws.any(axis=0)
        assert parts.totals[own].tolist() == np.where(used, ledger.totals, 0).tolist()
        assert parts.share[rows].tolist() == [round(NANO * sites[n].share(d)) for d in range(len(rows))]


def test_whole_devices_are_parts_of_nothing() -> None:
    """Every device is its own, all of it, and draws on nothing."""
    parts = parts_of(build(row(nodes=2, devices=2)))
    assert parts.whole.tolist() == [0, 1, 2, 3]
    assert set(parts.share.tolist()) == {NANO}
    assert (parts.is_whole.all(), len(parts.totals), len(parts.row)) == (True, 0, 0)
