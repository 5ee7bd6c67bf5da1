"""Play a scenario with a policy: pods arrive, wait, run and leave, and things befall the fleet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from drapolicy.errors import InputError
from drapolicy.policies import Policy
from drapolicy.problem.ask import Ask, claim_key, devices_of, unmet
from drapolicy.problem.events import Fail, Finish, Join, Leave, Repair, Start, Taint, Uncordon, Untaint
from drapolicy.problem.state import State
from drapolicy.simulate import log as log_of
from drapolicy.simulate.agenda import Agenda
from drapolicy.simulate.checking import Checking
from drapolicy.simulate.deciding import Begin, Decider, Verdict
from drapolicy.simulate.displacing import End, Together, preemption, puts_off, start_ns
from drapolicy.simulate.eviction import Tolerance
from drapolicy.simulate.figures import Figures, Measuring, own, whole_devices
from drapolicy.simulate.hints import Hints
from drapolicy.simulate.incidents import Befalls, Drain, change_of, said
from drapolicy.simulate.queue import Queue, Unit
from drapolicy.simulate.record import Play, Series, Sheet
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import stretched_ns
from drapolicy.simulate.streams import Streams
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.workload import communication_percent

if TYPE_CHECKING:
    from drapolicy.policies.groups import GroupPolicy

MOST_EVICTIONS: Final = 100
"""After so many evictions an ask does not start again: what keeps it off a node may do so for ever."""

_FINISH, _INCIDENT, _EVICT, _ARRIVE = range(4)
_NEVER: Final = -1
_HELPING = (Join, Uncordon, Repair, Untaint)


class Moment(NamedTuple):
    """What who watches a play is shown, after all that happened at a time.

    Attributes
    ----------
    now_ns
        The time.
    arrived, running, waiting
        Asks so far, and now.
    state
        The state, which goes on changing.
    """

    now_ns: int
    arrived: int
    running: int
    waiting: int
    state: State


def play(
    scenario: Scenario,
    policy: Policy,
    seed: int,
    *,
    groups: GroupPolicy | None = None,
    quality: bool = True,
    check: bool = False,
    log: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    watch: Callable[[Moment], None] | None = None,
) -> Play:
    """Play a scenario to its end.

    Pods that do not fit wait, and the scenario's discipline says who is tried next. Who was refused is tried again
    once something was freed. What was taken off its node waits in its old place and begins from the start.

    Parameters
    ----------
    scenario
        Fleet and workload.
    policy
        Decides.
    seed
        Of the arrivals (0: as recorded), of failures, and of the policy's own draws.
    groups
        Decides asks of a group together; None for one after the other by ``policy``.
    quality
        Whether to compare each set with the best that there was; most of a play's time where the fleet is large.
    check
        Verify each placement by the independent checker, and keep the books twice.
    log
        File to write the play to, as JSON lines. A log of the same play that was broken off is continued, and a whole
        one is read; the result is the same.
    progress
        Called with the number of arrivals seen and in all.
    watch
        Called after each time at which something happened.

    Raises
    ------
    InputError
        For a negative seed, incidents that cannot happen to the fleet, or a log of something else.
    VerificationError
        When ``check`` finds a placement that breaks a rule, or a device that is given twice or lost.
    """
    return _Run(scenario, policy, seed, groups, quality=quality, check=check, log=log).play(progress, watch)


@dataclass(slots=True)
class _Job:
    """Asks that started together; who of them is left alone is taken off its node too."""

    running: set[int]
    at_least: int
    priority: int


_Stay: TypeAlias = tuple[int, int]
"""The number of an arrival, and how often it had started: what is planned for a former stay is void."""


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        seed: int,
        groups: GroupPolicy | None,
        *,
        quality: bool,
        check: bool,
        log: str | os.PathLike[str] | None,
    ) -> None:
        self.scenario = scenario
        streams = Streams(seed)
        self.state = scenario.state()
        self.rng = streams.policy
        self.decider = Decider(self.state, policy, groups, self.rng)
        self.joint = groups is not None
        self.arrivals, self.incidents, self.end_ns = scenario.world(seed, streams)
        self.agenda: Agenda[int | _Stay] = Agenda(
            [(incident.time_ns, _INCIDENT, number) for number, incident in enumerate(self.incidents)]
            + [(arrival.time_ns, _ARRIVE, number) for number, arrival in enumerate(self.arrivals)]
        )
        self.measuring = Measuring(scenario.fleet, quality=quality)
        self.tolerance = Tolerance(self.state)
        self.checking = Checking(self.state) if check else None
        self.sheet = Sheet(len(self.arrivals))
        self.sheet.columns["arrived_ns"] = [arrival.time_ns for arrival in self.arrivals]
        patterns = scenario.workload.patterns.items()
        self.waits_for_links = {name: communication_percent(pattern.pod) for name, pattern in patterns}
        self.asks: dict[int, Ask] = {}
        self.number_of: dict[str, int] = {}
        self.jobs: dict[int, _Job] = {}
        self.stays = [0] * len(self.arrivals)
        self.on_node: dict[int, set[int]] = {}
        self.gathering: dict[str, list[int]] = {}
        self.expected = Counter(arrival.group for arrival in self.arrivals)
        self.drawn_of: dict[str, tuple[int, int]] = {}
        self.held_by: dict[str, int] = {}
        self.shared = _shared(scenario, self.arrivals)
        self.hints = Hints(self.state, self.shared)
        self.queue = Queue(scenario.queue, self.held_by)
        self.promised: tuple[Unit, int | None] | None = None
        self.rows: list[tuple[int, ...]] = []
        self.seen = self.waiting = self.drawn = self.away = self.evicted = 0
        self.log = None
        if log is not None:
            name = "" if groups is None else groups.name
            head = log_of.Head(log_of.FORMAT, scenario.name, dict(scenario.inputs), policy.name, seed, name)
            self.log = log_of.Log(log, head)

    # --- the loop --------------------------------------------------------------------------------------------

    def play(self, progress: Callable[[int, int], None] | None, watch: Callable[[Moment], None] | None) -> Play:
        try:
            last = 0
            for now, things in self.agenda:
                came: list[int] = []
                happened = [self._happen(cls, thing, now, came) for cls, thing in things]
                if not any(happened):
                    continue
                last = now
                self._schedule(now)
                self._note_refusals(came, now)
                running = len(self.jobs)
                self.rows.append((now, running, self.waiting, self.drawn, self.away, self.evicted))
                if self.checking is not None:
                    self.checking.books()
                if watch is not None:
                    watch(Moment(now, self.seen, running, self.waiting, self.state))
                if progress is not None:
                    progress(self.seen, len(self.arrivals))
            if self.log is not None:
                self._mark(self.log, last=True)
                self.log.write(log_of.End(last))
        finally:
            if self.log is not None:
                self.log.close()
        for unit, reason, unmodelled in self.queue.refused():
            for number in unit.numbers:
                self.sheet["reason"][number], self.sheet["unmodelled"][number] = reason, unmodelled
        stats = self.decider.engine.stats
        return Play(
            self.sheet.records(),
            self.end_ns,
            self.decider.decisions,
            stats.known,
            stats.asked,
            self.decider.seconds,
            Series.of(self.rows),
        )

    def _happen(self, cls: int, thing: int | _Stay, now: int, came: list[int]) -> bool:
        """Let something happen that was planned; return whether it still could."""
        if isinstance(thing, tuple):
            number, stay = thing
            if number not in self.jobs or self.stays[number] != stay:
                return False
            if cls == _FINISH:
                self._finish(number, now)
            else:
                self._evict_in_time(number, now)
        elif cls == _INCIDENT:
            self._befall(thing, now)
        else:
            self._arrive(thing, came)
        return True

    # --- arriving --------------------------------------------------------------------------------------------

    def _arrive(self, number: int, came: list[int]) -> None:
        arrival = self.arrivals[number]
        ask = self.scenario.workload.ask(arrival, number)
        self.asks[number] = ask
        self.number_of[ask.name] = number
        self.seen += 1
        self.waiting += 1
        sheet = self.sheet.columns
        sheet["name"][number], sheet["pattern"][number] = ask.name, arrival.pod
        sheet["ideal_ns"][number] = _NEVER if arrival.duration_ns is None else arrival.duration_ns
        sheet["tenant"][number] = ask.name.partition("/")[0]
        sheet["priority"][number] = 0 if ask.pod is None else ask.pod.spec.priority or 0
        sheet["wanted"][number] = devices_of(ask)
        if not arrival.group or (not arrival.at_least and not self.joint):
            self._wait((number,), 1)
            came.append(number)
            return
        members = self.gathering.setdefault(arrival.group, [])
        members.append(number)
        if len(members) == self.expected[arrival.group]:
            del self.gathering[arrival.group]
            self._wait(tuple(members), arrival.at_least)
            came += members
        else:
            sheet["reason"][number] = f"waiting for {arrival.at_least} pods of group {arrival.group}"

    def _wait(self, numbers: tuple[int, ...], at_least: int) -> None:
        asks = tuple(self.asks[number] for number in numbers)
        if len(asks) == 1:
            at_least = 1
        key: Hashable = (at_least, *map(self._kind, asks))
        self.queue.add(Unit(numbers, asks, at_least, key))

    def _kind(self, ask: Ask) -> Hashable:
        """Return what tells an ask from those that are refused where it is: claims are alike that nobody shares."""
        shared = tuple(key for key in ask.keys if key in self.shared) if self.shared else ()
        return ask.kind, ask.name.partition("/")[0], shared

    def _note_refusals(self, came: Sequence[int], now: int) -> None:
        refused = self.sheet["refused_ns"]
        for number in came:
            if number not in self.jobs:
                refused[number] = now

    # --- scheduling ------------------------------------------------------------------------------------------

    def _schedule(self, now: int) -> None:
        """Try all that may start, in the discipline's order, until none is left."""
        queue = self.queue
        while (unit := queue.next()) is not None:
            verdict = self._decide(unit, now)
            if not verdict.starts:
                if verdict.alike:
                    queue.refuse(unit, verdict.reason, verdict.unmodelled)
                else:
                    queue.refuse_apart(unit, verdict.reason, verdict.unmodelled)
                continue
            queue.remove(unit)
            for name in verdict.victims:
                self._evict(self.number_of[name], now, f"preempted by {unit.asks[0].name}", preempted=True)
            job = _Job(set(), unit.at_least, unit.priority)
            for begin in verdict.begins:
                self._start(unit, begin, job, now)
            begun = {begin.position for begin in verdict.begins}
            left = tuple(number for at, number in enumerate(unit.numbers) if at not in begun)
            if left:
                self._wait(left, max(1, unit.at_least - len(begun)) if self.joint else 1)

    def _decide(self, unit: Unit, now: int) -> Verdict:
        log = self.log
        if log is None:
            return self._judge(unit, now)
        self._mark(log)
        if log.recalling:
            verdict = log.verdict(unit)
            self._check_recalled(verdict, unit)
            return verdict
        verdict = self._judge(unit, now)
        log.write(log_of.Decided.of(now, unit, verdict))
        return verdict

    def _check_recalled(self, verdict: Verdict, unit: Unit) -> None:
        """Raise where a log tells what cannot be: it may come from anywhere."""
        nodes = self.scenario.fleet.nodes.index
        places = [begin.position for begin in verdict.begins]
        if len(set(places)) < len(places) or any(begin.node not in nodes for begin in verdict.begins):
            message = f"log: {unit.asks[0].name} starts twice or on a node that is not there; play anew"
            raise InputError(message)
        strangers = [name for name in verdict.victims if self.number_of.get(name) not in self.jobs]
        if strangers:
            message = f"log: {strangers[0]} is displaced and does not run; play anew"
            raise InputError(message)

    def _mark(self, log: log_of.Log, *, last: bool = False) -> None:
        mark = log.recalled_mark()
        if mark is not None:
            self.decider.decisions, self.state.cursor = mark.decisions, mark.cursor
            log_of.set_draws(self.rng, mark.draws)
        elif (log.due or last) and not log.recalling:
            log.mark(log_of.Mark(self.decider.decisions, self.state.cursor, log_of.draws_of(self.rng)))

    def _judge(self, unit: Unit, now: int) -> Verdict:
        """Return what becomes of a unit: what the policy says, and then what the discipline says."""
        discipline = self.scenario.queue
        if any(self.sheet["evictions"][number] >= MOST_EVICTIONS for number in unit.numbers):
            return Verdict((), f"given up after {MOST_EVICTIONS} evictions", alike=False)
        verdict = self.decider.decide(unit, now)
        if verdict.starts:
            return verdict if discipline.passes != "backfill" else self._backfilled(unit, verdict, now)
        if discipline.preempts:
            return preemption(self.state, self.decider, unit, self._lower(unit.priority), now) or verdict
        return verdict

    def _backfilled(self, unit: Unit, verdict: Verdict, now: int) -> Verdict:
        """Hold a unit back that would put off the first one."""
        head = self.queue.head
        assert head is not None
        if head is unit:
            self.promised = None
            return verdict
        ends = self._ends()
        if self.promised is None or self.promised[0] is not head:
            self.promised = head, start_ns(self.state, self.decider, head, ends, now)
        at = self.promised[1]
        if at is None:
            return verdict
        others = []
        for begin in verdict.begins:
            ask, number = unit.asks[begin.position], unit.numbers[begin.position]
            new = unmet(ask.claims, self.state.held)
            figures = self.measuring.of(self.state, ask, new, begin, now, linked=True)
            others.append((Start(ask, begin.node, begin.results), self._end(number, figures, now)))
        if puts_off(self.state, self.decider, head, at, others, ends):
            return Verdict((), f"would put off {head.asks[0].name}", verdict.unmodelled, alike=False)
        return verdict

    def _ends(self) -> list[End]:
        finished = self.sheet["finished_ns"]
        return sorted((finished[n], self.asks[n].name) for n in self.jobs if finished[n] != _NEVER)

    def _lower(self, priority: int) -> list[Together]:
        """Return jobs of a lower priority, the most important first: higher priority, then started earlier."""
        started, found = self.sheet["started_ns"], {}
        for job in self.jobs.values():
            if job.priority < priority:
                found[id(job)] = job
        ordered = sorted(found.values(), key=lambda job: (-job.priority, min((started[n], n) for n in job.running)))
        return [tuple(self.asks[n].name for n in sorted(job.running)) for job in ordered]

    # --- starting and leaving --------------------------------------------------------------------------------

    def _end(self, number: int, figures: Figures, now: int) -> int | None:
        ideal_ns = self.arrivals[number].duration_ns
        if ideal_ns is None:
            return None
        percent = self.waits_for_links[self.arrivals[number].pod]
        return now + stretched_ns(ideal_ns, percent, figures.ideal_mb_s, figures.real_mb_s)

    def _start(self, unit: Unit, begin: Begin, job: _Job, now: int) -> None:
        number, ask = unit.numbers[begin.position], unit.asks[begin.position]
        state, sheet = self.state, self.sheet.columns
        if self.checking is not None:
            self.checking.placement(ask, begin.node, begin.results)
        new = unmet(ask.claims, state.held)
        linked = self.waits_for_links[self.arrivals[number].pod] > 0
        figures = self.measuring.of(state, ask, new, begin, now, linked=linked)
        state.apply(Start(ask, begin.node, begin.results))
        n = self.scenario.fleet.nodes.index[begin.node]
        for claim, taken, result in zip(new, figures.taken, begin.results, strict=True):
            self._draw(claim_key(claim), n, taken, len(own(result)))
        if self.shared.intersection(ask.keys):
            self.queue.freed()  # others may use the claim now (K8s S75)
        self.waiting -= 1
        self.stays[number] += 1
        self.jobs[number] = job
        job.running.add(number)
        self.on_node.setdefault(n, set()).add(number)
        end = self._end(number, figures, now)
        stay = number, self.stays[number]
        if end is not None:
            self.agenda.add(end, _FINISH, stay)
        due = self.tolerance.due_ns(ask, n, now)
        if due is not None:
            self.agenda.add(due, _EVICT, stay)
        sheet["started_ns"][number] = now
        sheet["finished_ns"][number] = _NEVER if end is None else end
        sheet["node"][number], sheet["devices"][number] = begin.node, figures.devices
        sheet["drawn"][number], sheet["joined"][number] = figures.drawn, figures.joined
        sheet["ideal_mb_s"][number], sheet["real_mb_s"][number] = figures.ideal_mb_s, figures.real_mb_s
        sheet["machine_mb_s"][number] = _NEVER if figures.machine_mb_s is None else figures.machine_mb_s
        sheet["fleet_mb_s"][number] = _NEVER if figures.fleet_mb_s is None else figures.fleet_mb_s
        sheet["aligned"][number] = _NEVER if figures.aligned is None else int(figures.aligned)
        sheet["reason"][number], sheet["unmodelled"][number] = "", begin.unmodelled

    def _draw(self, key: str, n: int, taken: int, devices: int) -> None:
        """Note how much of the fleet a claim holds, and how many devices of a node; 0 of both to give them back."""
        before, held = self.drawn_of.pop(key, (0, 0))
        if taken or devices:
            self.drawn_of[key] = taken, devices
        self.hints.take(n, devices - held)
        tenant = key.partition("/")[0]
        self.held_by[tenant] = self.held_by.get(tenant, 0) + taken - before
        self.drawn += taken - before

    def _freed(self, n: int) -> None:
        """Let those be tried again that what was given back of a node may help."""
        discipline = self.scenario.queue
        # Who may displace others, or was held back, can be helped by less than it needs.
        if discipline.preempts or discipline.passes == "backfill" or not self.decider.is_rule:
            self.queue.freed()
        else:
            self.queue.freed(lambda unit: self.hints.helps(n, unit))

    def _leave(self, number: int) -> None:
        ask, state = self.asks[number], self.state
        n = state.running[ask.name].node
        self.on_node[n].remove(number)
        state.apply(Finish(ask.name))
        for key in ask.keys:
            if key not in state.held:
                self._draw(key, n, 0, 0)
        self.jobs.pop(number).running.remove(number)
        self._freed(n)

    def _finish(self, number: int, now: int) -> None:
        self._leave(number)
        ask = self.asks.pop(number)
        del self.number_of[ask.name]
        if self.log is not None:
            self.log.write(log_of.Finished(now, ask.name))

    def _evict(self, number: int, now: int, why: str, *, preempted: bool = False) -> None:
        """Take an ask off its node, and with it the others of its job if too few are left; all of them wait again."""
        job = self.jobs.get(number)
        if job is None:
            return
        gone = [number, *(job.running - {number} if len(job.running) <= job.at_least else ())]
        sheet = self.sheet
        for each in sorted(gone):
            self._leave(each)
            sheet["evictions"][each] += 1
            sheet["preemptions"][each] += preempted
            sheet["lost_ns"][each] += now - sheet["started_ns"][each]
            sheet["started_ns"][each] = sheet["finished_ns"][each] = _NEVER
            sheet["node"][each], sheet["devices"][each], sheet["drawn"][each] = "", (), 0
            sheet["machine_mb_s"][each] = sheet["fleet_mb_s"][each] = sheet["aligned"][each] = _NEVER
            sheet["ideal_mb_s"][each] = sheet["real_mb_s"][each] = 0
            sheet["joined"][each], sheet["reason"][each] = False, why
            if self.log is not None:
                self.log.write(log_of.Evicted(now, self.asks[each].name, why))
        self.evicted += len(gone)
        self.waiting += len(gone)
        self.promised = None
        self._wait(tuple(sorted(gone)), min(job.at_least, len(gone)))

    # --- incidents -------------------------------------------------------------------------------------------

    def _befall(self, number: int, now: int) -> None:
        what = self.incidents[number].what
        if self.log is not None:
            self.log.write(log_of.Befell(now, number))
        self.state.apply(change_of(what))
        self.tolerance.note(what, now)
        self.promised = None
        self.away = self.measuring.away(self.state.conditions)
        for each in self._thrown_off(what):
            self._evict(each, now, said(what))
        if isinstance(what, Taint):
            for each in (
                sorted(self.jobs) if self.state.conditions.everywhere else self._on(self.state.conditions.altered)
            ):
                self._evict_in_time(each, now)
        if isinstance(what, _HELPING):
            self.queue.freed()

    def _on(self, nodes: Iterable[int]) -> list[int]:
        return sorted(number for n in nodes for number in self.on_node.get(n, ()))

    def _thrown_off(self, what: Befalls) -> list[int]:
        if isinstance(what, Leave | Drain):
            return self._on([self.scenario.fleet.nodes.index[what.node]])
        if not isinstance(what, Fail):
            return []
        return [n for n in sorted(self.jobs) if what.device in self.tolerance.devices(self.asks[n])]

    def _evict_in_time(self, number: int, now: int) -> None:
        """Evict an ask whose time on tainted devices is over, and plan it where it is not."""
        if number not in self.jobs:
            return
        ask = self.asks[number]
        due = self.tolerance.due_ns(ask, self.state.running[ask.name].node, self.sheet["started_ns"][number])
        if due is not None and due <= now:
            self._evict(number, now, "tainted devices")
        elif due is not None:
            self.agenda.add(due, _EVICT, (number, self.stays[number]))


def _shared(scenario: Scenario, arrivals: Sequence[Arrival]) -> frozenset[str]:
    """Return the claims that several arrivals use."""
    copies = Counter(arrival.pod for arrival in arrivals)
    users: Counter[str] = Counter()
    for pod, count in copies.items():
        pattern, copy = (scenario.workload.patterns[pod], scenario.workload.ask(Arrival(0, None, pod), 0))
        for key in set(pattern.keys) & set(copy.keys):
            users[key] += count
    return frozenset(key for key, count in users.items() if count > 1)


def capacity(scenario: Scenario) -> int:
    """Return how many whole devices a fleet has; the partitions of one counter set are one."""
    return whole_devices(scenario.fleet)
