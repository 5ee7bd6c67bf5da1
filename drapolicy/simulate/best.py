"""The best linked devices that an ask could have had: of all that are free at a moment, or of an empty fleet.

A set counts if Kubernetes could have allocated it: on one node that takes the ask's pod, of devices that its requests
can use together, constraints, counters and shares included, with the alternatives that the node would choose. Sets are
compared by the slowest link that a collective has to cross.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies import Answer, Objective
from drapolicy.policies.cycle import Cycle, CycleEndError
from drapolicy.policies.memory import Memory
from drapolicy.policies.solvers import answer_of
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, Fits, TimedOut
from drapolicy.problem.problem import Problem
from drapolicy.problem.solution import Solution
from drapolicy.problem.state import Stamp
from drapolicy.simulate.bound import Wants, bound_mb_s
from drapolicy.topology.measures import bottleneck_mb_s

MAX_STEPS = 50_000
"""Steps of a node's search; enough to see every set of one request among 16 free devices (39,203 steps)."""

_KINDS = 256
_STATES = 100_000


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

    Nodes are looked into from the highest bound down (:func:`~drapolicy.simulate.bound.bound_mb_s`), until none is left
    that could be better. A bound is found once for each free set and table of links, an answer once for each state of
    a node, and its search ends at the bound.

    Parameters
    ----------
    max_steps
        Limit of the search on each node.
    """

    def __init__(self, max_steps: int | None = MAX_STEPS) -> None:
        self._max_steps = max_steps
        self._memory = Memory(_STATES)
        self._bounds: OrderedDict[tuple[bytes, int], _Bounds] = OrderedDict()
        self._of_state: dict[tuple[int, bytes, bytes, int], tuple[int, tuple[int, ...]]] = {}
        self._tables: dict[bytes, int] = {}
        self._table_of: dict[int, int] = {}

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
        bounds = self._current(problem, count)
        best, open_mb_s = at_least, 0
        ahead = np.flatnonzero(bounds.mb_s > at_least)
        for n in ahead[np.argsort(-bounds.mb_s[ahead], kind="stable")].tolist():
            bound = int(bounds.mb_s[n])
            if bound <= best:
                break
            if n not in bounds.exact:
                widest = _Widest(count, bound, bounds.sets[n], self._max_steps)
                bounds.exact[n] = _on_node(problem, n, widest, self._memory)
            exact = bounds.exact[n]
            if exact is None:
                open_mb_s = max(open_mb_s, bound)
            else:
                best = max(best, exact)
        return None if open_mb_s > best else best

    def _current(self, problem: Problem, count: int) -> _Bounds:
        """Return the bounds of the nodes for an ask, those of changed nodes found again."""
        ask, state = problem.ask, problem.state
        key = (ask.kind, count)
        bounds = self._bounds.pop(key, None) or _Bounds(problem.fleet.nodes.candidates)
        self._bounds[key] = bounds
        if len(self._bounds) > _KINDS:
            self._bounds.popitem(last=False)
        for n, stamp in enumerate(bounds.stamps):
            now = state.stamp(n)
            if stamp != now:
                local = problem.local(n, ask)
                if n not in bounds.wants:
                    bounds.wants[n] = Wants.of(local)
                bounds.set(n, now, *self._bound(local, bounds.wants[n], count))
        return bounds

    def _bound(self, local: LocalProblem, wants: Wants, count: int) -> tuple[int, tuple[int, ...]]:
        links, n = local.links, local.site.index
        if n not in self._table_of:
            self._table_of[n] = self._tables.setdefault(links.tobytes(), len(self._tables))
        free = Wants(wants.rows & local.free, wants.least)
        key = (self._table_of[n], free.rows.tobytes(), free.least.tobytes(), count)
        if key not in self._of_state:
            if len(self._of_state) >= _STATES:
                self._of_state.clear()
            self._of_state[key] = bound_mb_s(links, free, count)
        return self._of_state[key]


class _Bounds:
    """What the nodes can give one kind of ask at most, and what they are known to give."""

    def __init__(self, nodes: int) -> None:
        self.stamps: list[Stamp | None] = [None] * nodes
        self.mb_s: NDArray[np.int64] = np.zeros(nodes, np.int64)
        self.sets: list[tuple[int, ...]] = [()] * nodes
        self.exact: dict[int, int | None] = {}
        self.wants: dict[int, Wants] = {}

    def set(self, n: int, stamp: Stamp, mb_s: int, chosen: tuple[int, ...]) -> None:
        """Note the bound of a node, with a set that reaches it."""
        self.stamps[n] = stamp
        self.mb_s[n] = mb_s
        self.sets[n] = chosen
        self.exact.pop(n, None)


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
