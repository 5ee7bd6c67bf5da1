"""FGD's fragmentation: what of the free devices the pods of a workload cannot use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.evaluate.eligible import Eligible, choices
from drapolicy.evaluate.occupancy import Occupancy, Stage
from drapolicy.evaluate.parts import Parts
from drapolicy.problem.ask import Ask
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.simulate import Scenario
from drapolicy.simulate.record import NANO

MOST_KINDS: Final = 48
"""Kinds of pods, by what they want of devices, that fragmentation is told of; the commonest, where there are more."""

MOST_LEVELS: Final = 128
"""Amounts of CPU, and of memory, that are told apart; where there are more, needs are rounded up to these."""

_SLACK: Final = 1_000


class Want(NamedTuple):
    """What one request wants of a node: so many whole devices of these, of each a part.

    Attributes
    ----------
    rows
        Whole devices that will do, or have parts that will; ndarray of shape (D,), bool.
    part
        In billionths of a device, less a thousand of them, which rounding may have added to what is taken.
    devices
        How many.
    """

    rows: NDArray[np.bool_]
    part: int
    devices: int


class Kind(NamedTuple):
    """Pods that want the same of devices, and how many of them fit by CPU and memory.

    Attributes
    ----------
    wants
        Of devices.
    cpu, memory
        Needs that are told apart, ascending; milli CPU and bytes, ndarrays of shape (C,) and (M,), int64.
    fitting
        How many of the pods need no more than the first so many of each; ndarray of shape (C + 1, M + 1), int64.
    """

    wants: tuple[Want, ...]
    cpu: NDArray[np.int64]
    memory: NDArray[np.int64]
    fitting: NDArray[np.int64]

    @classmethod
    def of(cls, wants: tuple[Want, ...], needs: Counter[tuple[int, int]]) -> Kind:
        """Return the kind of pods that need so much CPU and memory each."""
        each = np.array(sorted(needs), np.int64).reshape(-1, 2)
        counts = np.array([needs[cpu, memory] for cpu, memory in each.tolist()], np.int64)
        cpu, memory = _levels(each[:, 0]), _levels(each[:, 1])
        fitting = np.zeros((len(cpu) + 1, len(memory) + 1), np.int64)
        np.add.at(fitting, (np.searchsorted(cpu, each[:, 0]) + 1, np.searchsorted(memory, each[:, 1]) + 1), counts)
        return cls(wants, cpu, memory, fitting.cumsum(axis=0).cumsum(axis=1))

    def fit(self, room: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the pods have enough CPU and memory on nodes with such room; shapes (2, n) and (n,)."""
        cpu, memory = (
            np.searchsorted(levels, left, side="right") for levels, left in zip(self[1:3], room, strict=True)
        )
        found: NDArray[np.int64] = self.fitting[cpu, memory]
        return found


def _levels(needs: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.unique(needs)
    if len(found) > MOST_LEVELS:
        found = found[np.linspace(0, len(found) - 1, MOST_LEVELS).astype(np.intp)]
    return found


def course(scenario: Scenario, occupancy: Occupancy) -> list[float]:
    """Return FGD's fragmentation in percent at each point of time.

    Of the free devices that some pod of the workload may use, the part that a pod drawn from the workload cannot: on
    nodes with too few devices, or too little CPU or memory, for it, all; elsewhere those that may not serve it or have
    too little left. Pods without devices, and those that nothing in the fleet suits, can use none. 0 where nothing is
    free; empty where no kind of pods is known to use any.

    Notes
    -----
    Alternatives count by the first, requests of one pod are looked at one by one, pods that want all devices of a node
    are left out. Labels, taints and whether free parts of one device lie together are not looked at.

    References
    ----------
    Q. Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent",
    USENIX ATC 2023, section 3.
    """
    parts = occupancy.parts
    kinds = _kinds(scenario, occupancy)
    useful = [want.rows for kind in kinds for want in kind.wants]
    weight = sum(int(kind.fitting[-1, -1]) for kind in kinds)
    if not useful:
        return []
    some = np.logical_or.reduce(useful)
    nodes = len(scenario.fleet.nodes)
    free, used = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    found = []
    for stage in occupancy.stages():
        if len(stage.nodes):
            free[stage.nodes], used[stage.nodes] = _usable(stage, kinds, some, parts)
        # Sums of Python's ints are exact however many pods there are.
        whole = weight * int(free.sum())
        found.append(100 * (whole - sum(used.tolist())) / whole if whole else 0.0)
    return found


def _usable(
    stage: Stage, kinds: Sequence[Kind], some: NDArray[np.bool_], parts: Parts
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what is free on each node that changed, and what all pods can use of it, added up; in billionths."""
    count, rows = len(stage.nodes), stage.rows[some[stage.rows]]
    node = np.searchsorted(stage.nodes, parts.node[rows])
    left = np.where(stage.there[rows], NANO - stage.taken[rows], 0)
    room = stage.room[:, stage.nodes]
    free, used = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.add.at(free, node, left)
    for kind in kinds:
        fits, usable = np.ones(count, np.bool_), np.zeros(len(rows), np.bool_)
        for want in kind.wants:
            enough = want.rows[rows] & (left >= want.part)
            usable |= enough
            fits &= np.bincount(node[enough], minlength=count) >= want.devices
        mine = np.zeros(count, np.int64)
        np.add.at(mine, node[usable], left[usable])
        used += np.where(fits, mine * kind.fit(room), 0)
    return free, used


def _kinds(scenario: Scenario, occupancy: Occupancy) -> list[Kind]:
    """Return the commonest kinds of pods, as far as their wishes can be told."""
    workload, eligible = scenario.workload, Eligible(scenario.fleet)
    needs: dict[bytes, Counter[tuple[int, int]]] = {}
    asks: dict[bytes, Ask] = {}
    for pod, count in Counter(arrival.pod for arrival in workload.arrivals).items():
        ask = workload.patterns[pod]
        asks.setdefault(ask.wishes, ask)
        room = {} if ask.room is None else ask.room.requests
        needs.setdefault(ask.wishes, Counter())[room.get(CPU, 0), room.get(MEMORY, 0)] += count
    found = []
    for wishes, of_kind in sorted(needs.items(), key=lambda item: -item[1].total())[:MOST_KINDS]:
        wants = _wants(asks[wishes], occupancy, eligible)
        if wants is not None:
            found.append(Kind.of(wants, of_kind))
    return found


def _wants(ask: Ask, occupancy: Occupancy, eligible: Eligible) -> tuple[Want, ...] | None:
    """Return what an ask wants, nothing where it can use no device; None where that cannot be told by amounts."""
    parts = occupancy.parts
    found: dict[tuple[bytes, int], Want] = {}
    for claim in ask.claims:
        for request in claim.spec.devices.requests:
            for wanted in choices(request)[:1]:
                if wanted.allocation_mode == "All":
                    return None
                rows = np.flatnonzero(eligible(wanted))
                if not len(rows):
                    return ()
                amounts = {} if wanted.capacity is None else {n: q.nano for n, q in wanted.capacity.requests.items()}
                part = int(np.rint((parts.share[rows] * occupancy.part(rows, amounts)).min()))
                mask = np.zeros(len(parts.whole), np.bool_)
                mask[parts.whole[rows]] = True
                mask &= parts.is_whole
                known = found.get(key := (mask.tobytes(), part))
                found[key] = Want(mask, max(part - _SLACK, 1), max(wanted.count, 1) + (known.devices if known else 0))
    return tuple(found.values())
