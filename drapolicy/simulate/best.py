"""The best linked devices that an ask could have had: of all that are free at a moment, or of an empty fleet.

A set counts if Kubernetes could have allocated it: on one node that takes the ask's pod, of devices that its requests
can use together, constraints, counters and shares included, with the alternatives that the node would choose. Sets are
compared by the slowest link that a collective has to cross.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.policies import Answer, Objective
from drapolicy.policies.cycle import Cycle, CycleEndError
from drapolicy.policies.memory import Memory
from drapolicy.policies.solvers import answer_of
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, Fits, TimedOut
from drapolicy.problem.problem import Problem
from drapolicy.problem.site import Site
from drapolicy.problem.solution import Solution
from drapolicy.problem.state import Stamp, State
from drapolicy.simulate.bound import Wants, bound_mb_s
from drapolicy.topology.measures import bottleneck_mb_s

MAX_STEPS = 50_000
"""Steps of a node's search; enough to see every set of one request among 16 free devices (39,203 steps)."""

_KINDS = 256
_STATES = 100_000
_NONE = np.zeros(0, np.bool_)


def best_free_mb_s(problem: Problem, count: int, max_steps: int | None = None) -> int | None:
    """Return the greatest bottleneck of so many devices that an ask can be allocated now, by looking at every set.

    Parameters
    ----------
    problem
        With one ask, none of whose claims is allocated.
    count
        How many devices; those of admin access do not count.
    max_steps
        Limit of the search on each node; None for none.

    Returns
    -------
    int or None
        MB/s; 0 where no node has so many devices for the ask, or none that are joined. None where a limit was reached.

    Notes
    -----
    The reference of :class:`Best`. Time: every node, and on it every assignment of devices to requests.
    """
    nodes = range(problem.fleet.nodes.candidates)
    found = [_on_node(problem, n, _Widest(count, max_steps=max_steps), Memory(0)) for n in nodes]
    known = [mb_s for mb_s in found if mb_s is not None]
    return max(known, default=0) if len(known) == len(found) else None


class Best:
    """What :func:`best_free_mb_s` says of one fleet, found fast; remembers until nodes change.

    What the free devices of a node have at most, whoever asks, is found once for each free set and table of links.
    Nodes are looked into from the highest such bound down, until none is left that could be better: the ask's own
    bound (:func:`~drapolicy.simulate.bound.bound_mb_s`), and where that is better, a search that ends at it. Both are
    found once for each kind of ask and state of a node.

    Parameters
    ----------
    fleet
        The fleet that all problems are about.
    max_steps
        Limit of the search on each node.
    """

    def __init__(self, fleet: Fleet, max_steps: int | None = MAX_STEPS) -> None:
        nodes = fleet.nodes.candidates
        self._max_steps = max_steps
        self._memory = Memory(_STATES)
        self._seen: tuple[State, int, int] | None = None
        self._sites: list[Site | None] = [None] * nodes
        self._stamps: list[Stamp | None] = [None] * nodes
        self._free: list[NDArray[np.bool_]] = [_NONE] * nodes
        self._table_of = [-1] * nodes
        self._tables: dict[bytes, int] = {}
        self._bounds: dict[tuple[int, bytes, bytes, int], tuple[int, tuple[int, ...]]] = {}
        self._log: list[int] = []
        self._loose: dict[int, tuple[NDArray[np.int64], int]] = {}
        self._known: OrderedDict[tuple[bytes, int], dict[int, _Known]] = OrderedDict()

    def mb_s(self, problem: Problem, count: int, at_least: int = 0) -> int | None:
        """Return the greatest bottleneck of so many devices that the ask can be allocated now.

        Parameters
        ----------
        problem, count
            As for :func:`best_free_mb_s`.
        at_least
            MB/s of a set that it can be allocated; nothing worse is looked for.

        Returns
        -------
        int or None
            MB/s; None where a search reached its limit and could have found better.
        """
        if count < 2:
            return 0
        self._follow(problem.state)
        loose = self._loose_bounds(problem.state, count)
        known = self._known_of(problem.ask.kind, count)
        best, open_mb_s = at_least, 0
        ahead = np.flatnonzero(loose > at_least)
        for n in ahead[np.argsort(-loose[ahead], kind="stable")].tolist():
            if loose[n] <= best:
                break
            if n not in known or known[n].stamp != self._stamps[n]:
                known[n] = _Known(self._stamps[n], *self._tight_bound(problem, n, count))
            node = known[n]
            if node.mb_s <= best:
                continue
            if not node.searched:
                widest = _Widest(count, node.mb_s, node.first, self._max_steps)
                node.exact, node.searched = _on_node(problem, n, widest, self._memory), True
            if node.exact is None:
                open_mb_s = max(open_mb_s, node.mb_s)
            else:
                best = max(best, node.exact)
        return None if open_mb_s > best else best

    def _follow(self, state: State) -> None:
        """Look at what is free of the nodes that have changed."""
        shared = state.shared_changes
        known = self._seen is not None and self._seen[0] is state and self._seen[2] == shared
        changed = state.changed_since(self._seen[1]) if known and self._seen is not None else None
        self._seen = state, state.changes, shared
        for n in range(len(self._stamps)) if changed is None else sorted(set(changed)):
            now = state.stamp(n)
            if n < len(self._stamps) and self._stamps[n] != now:
                site, holds = state.site(n), state.allocated.holds
                self._stamps[n] = now
                self._free[n] = np.array([d.on_node and not holds(d.id) for d in site.devices], np.bool_)
                if site is not self._sites[n]:
                    self._sites[n] = site
                    self._table_of[n] = self._tables.setdefault(site.links.tobytes(), len(self._tables))
                self._log.append(n)

    def _loose_bounds(self, state: State, count: int) -> NDArray[np.int64]:
        """Return what the free devices of each node have at most; those of changed nodes are found again."""
        loose, seen = self._loose.get(count) or (np.zeros(len(self._stamps), np.int64), 0)
        for n in set(self._log[seen:]):
            anything = Wants(self._free[n][None, :], np.zeros(1, np.int64))
            loose[n] = self._bound(state.site(n).links, n, anything, count)[0]
        self._loose[count] = loose, len(self._log)
        return loose

    def _known_of(self, kind: bytes, count: int) -> dict[int, _Known]:
        known = self._known.pop((kind, count), {})
        self._known[kind, count] = known
        if len(self._known) > _KINDS:
            self._known.popitem(last=False)
        return known

    def _tight_bound(self, problem: Problem, n: int, count: int) -> tuple[int, tuple[int, ...]]:
        local = problem.local(n, problem.ask)
        wants = Wants.of(local)
        return self._bound(local.links, n, Wants(wants.rows & self._free[n], wants.least), count)

    def _bound(self, links: NDArray[np.int64], n: int, free: Wants, count: int) -> tuple[int, tuple[int, ...]]:
        key = (self._table_of[n], free.rows.tobytes(), free.least.tobytes(), count)
        if key not in self._bounds:
            if len(self._bounds) >= _STATES:
                self._bounds.clear()
            self._bounds[key] = bound_mb_s(links, free, count)
        return self._bounds[key]


@dataclass
class _Known:
    """What one kind of ask can get of a node in a state: a bound, a set to try first, and what a search has found."""

    stamp: Stamp | None
    mb_s: int
    first: tuple[int, ...]
    searched: bool = False
    exact: int | None = None


class _Widest:
    """A solver: the assignment of so many devices with the greatest bottleneck, which is the score of its answer.

    Parameters
    ----------
    count
        How many devices.
    enough_mb_s
        The search stops at a set that is as good.
    first
        Devices to begin with.
    max_steps
        Limit of the search.
    """

    name = "widest"
    seeded = True  # its answers depend on the count, which no memory of nodes' answers knows

    def __init__(
        self, count: int, enough_mb_s: int | None = None, first: Sequence[int] = (), max_steps: int | None = None
    ) -> None:
        self.fits = False
        self._count = count
        self._enough_mb_s = enough_mb_s
        self._first = first
        self._max_steps = max_steps

    def solve(self, local: LocalProblem, objective: Objective, rng: np.random.Generator) -> Answer:  # noqa: ARG002
        """Return the best assignment of the node."""
        outcome, solution = local.first(self._max_steps)
        answer = answer_of(local, objective, outcome, solution)
        if solution is None:
            return answer
        best = -1
        known: dict[tuple[int, ...], int] = {}

        def visit(candidate: Solution) -> bool:
            nonlocal best, answer
            chosen = counted(local, candidate)
            if candidate.alternatives != solution.alternatives or len(chosen) != self._count:
                return False
            if chosen not in known:
                known[chosen] = bottleneck_mb_s(local.links, chosen)
            if known[chosen] > best:
                written = local.written(candidate)
                if isinstance(written, Fits):
                    best = known[chosen]
                    answer = Answer(written, (best,), "optimal")
            return best == self._enough_mb_s

        ended = local.search(self._order(local), visit, self._max_steps)
        if isinstance(ended, Abort):  # by a device that upstream never reaches: its own order comes past it
            ended = local.search(visit=visit, max_steps=self._max_steps)
        if isinstance(ended, TimedOut):
            return Answer(ended, status="timed_out")
        self.fits = best >= 0
        return answer if self.fits else Answer(outcome, (0,), "optimal")

    def _order(self, local: LocalProblem) -> list[int] | None:
        """Return the order in which devices are tried; None for upstream's."""
        # What distinctAttribute allows depends on the order in some releases (Q23): only upstream's own counts.
        if not self._first or any(claim.spec.devices.constraints for claim in local.claims):
            return None
        return [*self._first, *sorted(set(range(len(local.devices))) - set(self._first))]


def counted(local: LocalProblem, solution: Solution) -> tuple[int, ...]:
    """Return the distinct devices of a solution but for those of admin access; ascending indices."""
    found = set()
    for claim, taken in zip(local.claims, solution.taken, strict=True):
        for entry in taken:
            exactly = claim.spec.devices.requests[entry.request].exactly
            if exactly is None or not exactly.admin_access:
                found.add(entry.device.index)
    return tuple(sorted(found))


def _on_node(problem: Problem, n: int, widest: _Widest, memory: Memory) -> int | None:
    cycle = Cycle(problem, widest, Objective(), np.random.default_rng(0), memory)
    try:
        answer = cycle.answer(n)
    except CycleEndError as end:
        return None if isinstance(end.outcome, TimedOut) else 0
    if answer is not None:
        return answer.score[0]
    # What devices cost their node in room may refuse the best set and not the next (K8s S74): that is not looked into.
    return None if widest.fits or cycle.timed_out is not None else 0
