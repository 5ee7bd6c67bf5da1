"""Who runs where: asks start, finish and are taken off their nodes, and it is noted what they hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from drapolicy.problem.ask import Ask, claim_key
from drapolicy.problem.events import Fail, Finish, Leave, Start
from drapolicy.problem.state import State
from drapolicy.simulate.checking import Checking
from drapolicy.simulate.deciding import Begin
from drapolicy.simulate.displacing import End, Together
from drapolicy.simulate.eviction import Tolerance
from drapolicy.simulate.figures import Figures, Measuring, own
from drapolicy.simulate.hints import Hints
from drapolicy.simulate.incidents import Befalls, Drain
from drapolicy.simulate.job import Job
from drapolicy.simulate.record import NEVER, Sheet
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import stretched_ns
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.workload import communication_percent

MOST_EVICTIONS: Final = 100
"""After so many evictions an ask does not start again: what keeps it off a node may do so for ever."""


LAST_NS: Final = 2**63 - 1
"""The last time that records can tell, after 292 years; what runs on runs for ever."""


class Stay(NamedTuple):
    """One stay of an ask on a node: the number of its arrival, and how often it had started; for things planned."""

    number: int
    time: int


class Due(NamedTuple):
    """When a stay ends, and when it must end because of tainted devices; None for never."""

    end_ns: int | None
    evicted_ns: int | None


class Stays:
    """The asks that run, and what they hold.

    Parameters
    ----------
    scenario
        What is played.
    arrivals
        Those of the play.
    state
        What they run in.
    quality
        Whether to compare each set of devices with the best.
    check
        Whether to check each placement.

    Attributes
    ----------
    sheet
        What is kept of each arrival.
    asks
        Those that have come and not finished, by number.
    number_of
        The numbers of these by name.
    jobs
        The job of each that runs.
    shared
        Claims that several arrivals use, or that one uses and that hold something from the start.
    held_by
        How much of the fleet each namespace holds, in billionths of a device.
    drawn
        How much all hold.
    """

    def __init__(
        self, scenario: Scenario, arrivals: Sequence[Arrival], state: State, *, quality: bool, check: bool
    ) -> None:
        self.state = state
        self.sheet = Sheet(len(arrivals))
        self.sheet.columns["arrived_ns"] = [arrival.time_ns for arrival in arrivals]
        self.asks: dict[int, Ask] = {}
        self.number_of: dict[str, int] = {}
        self.jobs: dict[int, Job] = {}
        self.shared = _shared(scenario, arrivals, state)
        self.held_by: dict[str, int] = {}
        self.drawn = 0
        self.measuring = Measuring(scenario.fleet, quality=quality)
        self.tolerance = Tolerance(state)
        self.hints = Hints(state, self.shared)
        self.checking = Checking(state) if check else None
        self._arrivals = arrivals
        self._index = scenario.fleet.nodes.index
        patterns = scenario.workload.patterns.items()
        self._waits_for_links = {name: communication_percent(pattern.pod) for name, pattern in patterns}
        self._times = [0] * len(arrivals)
        self._on_node: defaultdict[int, set[int]] = defaultdict(set)
        self._drawn_of: dict[str, tuple[int, int]] = {}

    def stay(self, number: int) -> Stay:
        """Return the present stay of an ask."""
        return Stay(number, self._times[number])

    def lasts(self, stay: Stay) -> bool:
        """Tell whether a stay has not ended."""
        return stay.number in self.jobs and self._times[stay.number] == stay.time

    # --- starting --------------------------------------------------------------------------------------------

    def end_ns(self, number: int, begin: Begin, now: int) -> int | None:
        """Return when an ask would be done that starts now; None for never."""
        ask, state = self.asks[number], self.state
        figures = self.measuring.of(state, ask, ask.unmet(state.held), begin, now, linked=True)
        return self._end_ns(number, figures, now)

    def _end_ns(self, number: int, figures: Figures, now: int) -> int | None:
        arrival = self._arrivals[number]
        if arrival.duration_ns is None:
            return None
        percent = self._waits_for_links[arrival.pod]
        end = now + stretched_ns(arrival.duration_ns, percent, figures.ideal_mb_s, figures.real_mb_s)
        return end if end <= LAST_NS else None

    def start(self, number: int, begin: Begin, job: Job, now: int) -> Due:
        """Let an ask start."""
        ask, state, sheet = self.asks[number], self.state, self.sheet.columns
        if self.checking is not None:
            self.checking.placement(ask, begin.node, begin.results)
        new = ask.unmet(state.held)
        linked = self._waits_for_links[self._arrivals[number].pod] > 0
        figures = self.measuring.of(state, ask, new, begin, now, linked=linked)
        state.apply(Start(ask, begin.node, begin.results))
        n = self._index[begin.node]
        for claim, taken, result in zip(new, figures.taken, begin.results, strict=True):
            self._draw(claim_key(claim), n, taken, len(own(result)))
        self._times[number] += 1
        self.jobs[number] = job
        job.running.add(number)
        self._on_node[n].add(number)
        end = self._end_ns(number, figures, now)
        sheet["started_ns"][number] = now
        sheet["finished_ns"][number] = NEVER if end is None else end
        sheet["node"][number], sheet["devices"][number] = begin.node, figures.devices
        sheet["drawn"][number], sheet["joined"][number] = figures.drawn, figures.joined
        sheet["ideal_mb_s"][number], sheet["real_mb_s"][number] = figures.ideal_mb_s, figures.real_mb_s
        sheet["machine_mb_s"][number] = NEVER if figures.machine_mb_s is None else figures.machine_mb_s
        sheet["fleet_mb_s"][number] = NEVER if figures.fleet_mb_s is None else figures.fleet_mb_s
        sheet["aligned"][number] = NEVER if figures.aligned is None else int(figures.aligned)
        sheet["reason"][number], sheet["unmodelled"][number] = "", begin.unmodelled
        return Due(end, self.tolerance.due_ns(ask, n, now))

    def _draw(self, key: str, n: int, taken: int, devices: int) -> None:
        """Note how much of the fleet a claim holds, and how many devices of a node; 0 of both to give them back."""
        before, held = self._drawn_of.pop(key, (0, 0))
        if taken or devices:
            self._drawn_of[key] = taken, devices
        self.hints.take(n, devices - held)
        tenant = key.partition("/")[0]
        self.held_by[tenant] = self.held_by.get(tenant, 0) + taken - before
        self.drawn += taken - before

    # --- leaving ---------------------------------------------------------------------------------------------

    def _leave(self, number: int) -> int:
        """Take an ask off its node and return the node."""
        ask, state = self.asks[number], self.state
        n = state.running[ask.name].node
        self._on_node[n].remove(number)
        state.apply(Finish(ask.name))
        for key in ask.keys:
            if key not in state.held:
                self._draw(key, n, 0, 0)
        self.jobs.pop(number).running.remove(number)
        return n

    def finish(self, number: int) -> tuple[str, int]:
        """Let an ask be done; return its name and its node."""
        n = self._leave(number)
        name = self.asks.pop(number).name
        del self.number_of[name]
        return name, n

    def evict(self, number: int, now: int, why: str, *, preempted: bool) -> list[tuple[int, int]]:
        """Take an ask off its node, and with it the others of its job if too few are left.

        Returns
        -------
        list of tuple
            Number and node of all that wait again, ascending; none if it does not run.
        """
        job = self.jobs.get(number)
        if job is None:
            return []
        sheet = self.sheet.columns
        gone = sorted({number, *(job.running if len(job.running) <= job.at_least else ())})
        nodes = [self._leave(each) for each in gone]
        for each in gone:
            sheet["evictions"][each] += 1
            sheet["preemptions"][each] += preempted
            sheet["lost_ns"][each] += now - sheet["started_ns"][each]
            sheet["started_ns"][each] = sheet["finished_ns"][each] = NEVER
            sheet["node"][each], sheet["devices"][each], sheet["drawn"][each] = "", (), 0
            sheet["machine_mb_s"][each] = sheet["fleet_mb_s"][each] = sheet["aligned"][each] = NEVER
            sheet["ideal_mb_s"][each] = sheet["real_mb_s"][each] = 0
            sheet["joined"][each], sheet["reason"][each] = False, why
        return list(zip(gone, nodes, strict=True))

    def given_up(self, job: Job) -> bool:
        """Tell whether some of a job that wait have been evicted too often; none of those starts then."""
        sheet = self.sheet.columns
        over = any(sheet["evictions"][number] >= MOST_EVICTIONS for number in job.waiting)
        for number in job.waiting if over else ():
            sheet["reason"][number] = f"given up after {MOST_EVICTIONS} evictions"
        return over

    # --- telling ---------------------------------------------------------------------------------------------

    def ends(self) -> list[End]:
        """Return when those that run are going to end, ascending; who never does is left out."""
        finished = self.sheet["finished_ns"]
        return sorted((finished[n], self.asks[n].name) for n in self.jobs if finished[n] != NEVER)

    def lower(self, priority: int) -> list[Together]:
        """Return who is of lower priority, gangs as one, the most important first: higher priority, started earlier."""
        started = self.sheet["started_ns"]
        jobs = dict.fromkeys(job for job in self.jobs.values() if job.priority < priority)
        found: list[tuple[int, int, list[int]]] = []
        for job in jobs:
            together = [sorted(job.running)] if job.at_least > 1 else [[number] for number in job.running]
            found += [(-job.priority, min(started[n] for n in numbers), numbers) for numbers in together]
        return [tuple(self.asks[n].name for n in numbers) for _, _, numbers in sorted(found)]

    def on(self, nodes: Iterable[int]) -> list[int]:
        """Return who runs on some nodes, ascending."""
        return sorted(number for n in nodes for number in self._on_node.get(n, ()))

    def thrown_off(self, what: Befalls) -> list[int]:
        """Return whom an incident takes off their nodes at once, ascending."""
        if isinstance(what, Leave | Drain):
            return self.on([self._index[what.node]])
        if not isinstance(what, Fail):
            return []
        return [n for n in sorted(self.jobs) if what.device in self.tolerance.devices(self.asks[n])]

    def tainted(self) -> list[int]:
        """Return who may run on devices that were tainted since, ascending."""
        conditions = self.state.conditions
        return sorted(self.jobs) if conditions.everywhere else self.on(conditions.altered)

    def due_ns(self, number: int) -> int | None:
        """Return when an ask must leave because its devices are tainted; None for as long as nothing changes."""
        ask = self.asks[number]
        return self.tolerance.due_ns(ask, self.state.running[ask.name].node, self.sheet["started_ns"][number])


def _shared(scenario: Scenario, arrivals: Sequence[Arrival], state: State) -> frozenset[str]:
    """Return the claims that several arrivals use, or that hold something from the start."""
    copies = Counter(arrival.pod for arrival in arrivals)
    users: Counter[str] = Counter()
    for pod, count in copies.items():
        pattern, copy = (scenario.workload.patterns[pod], scenario.workload.ask(Arrival(0, None, pod), 0))
        for key in set(pattern.keys) & set(copy.keys):
            users[key] += count
    return frozenset(key for key, count in users.items() if count > 1 or key in state.held)
