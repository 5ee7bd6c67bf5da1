"""Fragmentation by counters: what is free of shared counters and no partition that a workload asks for can use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate.eligible import Eligible, choices
from drapolicy.evaluate.occupancy import Occupancy, Stage
from drapolicy.evaluate.parts import Parts
from drapolicy.simulate import Scenario

_PARTS = 10**9


def course(scenario: Scenario, occupancy: Occupancy) -> list[float]:
    """Return in percent what is free of counters and of no use, at each point of time.

    A free counter is of use while some partition that a request of the workload accepts is free, finds all that it
    draws, and draws on this counter. Each counter counts by what is free of it / all of it. 0 where nothing is free;
    empty where the workload asks for no partitions.

    Notes
    -----
    Counters of pools that several nodes can use are left out; those of nodes that are away are not free.
    """
    parts = occupancy.parts
    accepted = _accepted(scenario) if len(parts.row) else np.zeros(0, np.bool_)
    if not accepted[parts.row].any():
        return []
    nodes = len(scenario.fleet.nodes)
    of_row, of_node = _begins(parts.row, len(parts.node)), _begins(parts.home, nodes)
    free, wasted = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    found = []
    for stage in occupancy.stages():
        if len(stage.nodes):
            here = _Here(parts, _ranges(of_node, stage.nodes), _ranges(of_row, stage.rows))
            free[stage.nodes], wasted[stage.nodes] = here.free_and_wasted(stage, accepted)
        whole = int(free.sum())
        found.append(100 * int(wasted.sum()) / whole if whole else 0.0)
    return found


def _accepted(scenario: Scenario) -> NDArray[np.bool_]:
    """Return which devices some request of the workload accepts; ndarray of shape (D,), bool."""
    eligible = Eligible(scenario.fleet)
    patterns = (scenario.workload.patterns[pod] for pod in {arrival.pod for arrival in scenario.workload.arrivals})
    found = np.zeros(len(scenario.fleet.devices), np.bool_)
    for ask in {pattern.wishes: pattern for pattern in patterns}.values():
        for claim in ask.claims:
            for request in claim.spec.devices.requests:
                for wanted in choices(request):
                    found |= eligible(wanted)
    return found


def _begins(of: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Return where in an ascending column each number from 0 to `count` begins; ndarray of shape (count + 1,)."""
    return np.searchsorted(of, np.arange(count + 1))


def _ranges(begins: NDArray[np.intp], which: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the places of some numbers, one after the other."""
    sizes = begins[which + 1] - begins[which]
    shift = np.repeat(begins[which] - (np.cumsum(sizes) - sizes), sizes)
    found: NDArray[np.intp] = np.arange(len(shift)) + shift
    return found


class _Here(NamedTuple):
    """Counters and draws of some nodes: their places in the columns of parts, the former ascending."""

    parts: Parts
    counters: NDArray[np.intp]
    draws: NDArray[np.intp]

    def free_and_wasted(self, stage: Stage, accepted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what is free of the counters of each node, and what of it is of no use, in billionths of counters."""
        parts, totals = self.parts, self.parts.totals[self.counters]
        row, amount = parts.row[self.draws], parts.amount[self.draws]
        counter = np.searchsorted(self.counters, parts.counter[self.draws])
        left = totals.copy()
        held = stage.held[row]
        np.subtract.at(left, counter[held], amount[held])
        home = np.searchsorted(stage.nodes, parts.home[self.counters])
        left[np.isin(stage.nodes, list(stage.away))[home]] = 0
        left = np.maximum(left, 0)
        fits = accepted & stage.there & ~stage.held
        fits[row[amount > left[counter]]] = False
        of_use = np.zeros(len(left), np.bool_)
        of_use[counter[fits[row]]] = True
        part = np.rint(_PARTS * (left / np.maximum(totals, 1))).astype(np.int64)
        free, wasted = np.zeros(len(stage.nodes), np.int64), np.zeros(len(stage.nodes), np.int64)
        np.add.at(free, home, part)
        np.add.at(wasted, home, np.where(of_use, 0, part))
        return free, wasted
