"""Play a scenario with a policy: pods arrive, wait, run and leave, and things befall the fleet."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drapolicy.errors import InputError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.policies import Policy
from drapolicy.problem.ask import Ask, devices_of
from drapolicy.problem.events import Taint
from drapolicy.problem.state import State
from drapolicy.simulate import log as log_of
from drapolicy.simulate.agenda import Agenda
from drapolicy.simulate.deciding import Decider, Verdict
from drapolicy.simulate.figures import whole_devices
from drapolicy.simulate.garbage import Sweeper, seldom
from drapolicy.simulate.incidents import befall, said
from drapolicy.simulate.job import Job
from drapolicy.simulate.judging import Judge
from drapolicy.simulate.queue import Queue, Unit
from drapolicy.simulate.record import NEVER, Play, Series
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.stays import Stay, Stays
from drapolicy.simulate.streams import Streams
from drapolicy.workload.arrivals import Arrival

if TYPE_CHECKING:
    from drapolicy.policies.groups import GroupPolicy

_FINISH, _INCIDENT, _EVICT, _ARRIVE = range(4)


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
    draws: int = 0,
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
    draws
        Which of the policy's own draws: another number is the same world and another run of a policy that draws.
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
    with seldom():
        run = _Run(scenario, policy, seed, draws, groups, quality=quality, check=check, log=log)
        return run.play(progress, watch)


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        seed: int,
        draws: int,
        groups: GroupPolicy | None,
        *,
        quality: bool,
        check: bool,
        log: str | os.PathLike[str] | None,
    ) -> None:
        self.scenario = scenario
        streams = Streams(seed, draws)
        self.rng = streams.policy
        self.state = scenario.state()
        self.arrivals, self.incidents, self.end_ns = scenario.world(seed, streams)
        self.agenda: Agenda[int | Stay] = Agenda(
            [(incident.time_ns, _INCIDENT, number) for number, incident in enumerate(self.incidents)]
            + [(arrival.time_ns, _ARRIVE, number) for number, arrival in enumerate(self.arrivals)]
        )
        self.stays = Stays(scenario, self.arrivals, self.state, quality=quality, check=check)
        self.decider = Decider(self.state, policy, groups, self.rng)
        self.queue = Queue(scenario.queue, self.stays.held_by)
        self.judge = Judge(scenario.queue, self.decider, self.stays, self.queue)
        self.joint = groups is not None
        self.groups: dict[str, Job] = {}
        self.wanted = {name: devices_of(pattern) for name, pattern in scenario.workload.patterns.items()}
        self.rows = array("q")
        self.seen = self.waiting = self.away = self.evicted = 0
        self.log = None
        if log is not None:
            name = "" if groups is None else groups.name
            head = log_of.Head(log_of.FORMAT, scenario.name, dict(scenario.inputs), policy.name, seed, name, draws)
            self.log = log_of.Log(log, head)

    # --- the loop --------------------------------------------------------------------------------------------

    def play(self, progress: Callable[[int, int], None] | None, watch: Callable[[Moment], None] | None) -> Play:
        try:
            last, sweeper = 0, Sweeper()
            for now, things in self.agenda:
                came: list[int] = []
                happened = [self._happen(cls, thing, now, came) for cls, thing in things]
                if not any(happened):
                    continue
                last = now
                self._schedule(now)
                self._note_refusals(came, now)
                running = len(self.stays.jobs)
                self.rows.extend((now, running, self.waiting, self.stays.drawn, self.away, self.evicted))
                if self.stays.checking is not None:
                    self.stays.checking.books()
                if watch is not None:
                    watch(Moment(now, self.seen, running, self.waiting, self.state))
                sweeper.step()
                if progress is not None:
                    progress(self.seen, len(self.arrivals))
            if self.log is not None:
                self._mark(self.log, last=True)
                self.log.write(log_of.End(last))
        finally:
            if self.log is not None:
                self.log.close()
        sheet = self.stays.sheet
        for unit, reason, unmodelled in self.queue.refused():
            for number in unit.numbers:
                sheet["reason"][number], sheet["unmodelled"][number] = reason, unmodelled
        stats = self.decider.engine.stats
        return Play(
            sheet.records(),
            self.end_ns,
            self.decider.decisions,
            stats.known,
            stats.asked,
            self.decider.seconds,
            Series.of(self.rows),
            np.array(self.decider.times),
        )

    def _happen(self, cls: int, thing: int | Stay, now: int, came: list[int]) -> bool:
        """Let something happen that was planned; return whether it still could."""
        if isinstance(thing, Stay):
            if not self.stays.lasts(thing):
                return False
            if cls == _FINISH:
                self._finish(thing.number, now)
            else:
                self._evict_in_time(thing.number, now)
        elif cls == _INCIDENT:
            self._befall(thing, now)
        else:
            self._arrive(thing, came)
        return True

    # --- arriving --------------------------------------------------------------------------------------------

    def _arrive(self, number: int, came: list[int]) -> None:
        arrival = self.arrivals[number]
        ask = self.scenario.ask(arrival, number)
        self.stays.asks[number] = ask
        self.stays.number_of[ask.name] = number
        self.seen += 1
        self.waiting += 1
        sheet = self.stays.sheet.columns
        sheet["name"][number], sheet["pattern"][number] = ask.name, arrival.pod
        sheet["ideal_ns"][number] = NEVER if arrival.duration_ns is None else arrival.duration_ns
        sheet["tenant"][number] = ask.name.partition("/")[0]
        sheet["priority"][number] = 0 if ask.pod is None else ask.pod.spec.priority or 0
        sheet["wanted"][number] = self.wanted[arrival.pod]
        job = self._job(arrival, sheet["priority"][number])
        job.come += 1
        self._wait(job, (number,))
        if job.come >= job.at_least:
            came += job.waiting if job.come == job.at_least else (number,)
        else:
            sheet["reason"][number] = f"waiting for {job.at_least} pods of group {arrival.group}"

    def _job(self, arrival: Arrival, priority: int) -> Job:
        """Return the job of what arrives: its group's, or one of its own."""
        if not arrival.group or (not arrival.at_least and not self.joint):
            return Job(1, priority)
        if arrival.group not in self.groups:
            self.groups[arrival.group] = Job(arrival.at_least, priority)
        return self.groups[arrival.group]

    def _wait(self, job: Job, numbers: tuple[int, ...]) -> None:
        """Let asks of a job wait, as one unit with those of it that wait already."""
        if job.unit is not None:
            self.queue.withdraw(job.unit)
            job.unit = None
        job.waiting = tuple(sorted((*job.waiting, *numbers))) if job.waiting else numbers
        if job.come >= job.at_least and not self.stays.given_up(job):
            asks = tuple([self.stays.asks[number] for number in job.waiting])
            job.unit = Unit(asks, job, (job.needed, *map(self._kind, asks)))
            self.queue.add(job.unit)

    def _kind(self, ask: Ask) -> Hashable:
        """Return what tells an ask from those that are refused where it is: claims are alike that nobody shares."""
        shared = tuple(filter(self.stays.shared.__contains__, ask.keys)) if self.stays.shared else ()
        return ask.kind, ask.name.partition("/")[0], shared

    def _note_refusals(self, came: Sequence[int], now: int) -> None:
        refused = self.stays.sheet["refused_ns"]
        for number in came:
            if number not in self.stays.jobs:
                refused[number] = now

    # --- scheduling ------------------------------------------------------------------------------------------

    def _schedule(self, now: int) -> None:
        """Try all that may start, in the discipline's order, until none is left."""
        queue = self.queue
        self.judge.forget()
        if self.log is not None:
            self._mark(self.log)
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
                self._evict(self.stays.number_of[name], now, f"preempted by {unit.asks[0].name}", preempted=True)
            self._start(unit, verdict, now)
            if unit.job.waiting:
                self._wait(unit.job, ())

    def _decide(self, unit: Unit, now: int) -> Verdict:
        log = self.log
        if log is None:
            return self.judge.judge(unit, now)
        if log.recalling:
            verdict = log.verdict(unit)
            self._check_recalled(verdict, unit)
            return verdict
        verdict = self.judge.judge(unit, now)
        log.write(log_of.Decided.of(now, unit, verdict))
        return verdict

    def _check_recalled(self, verdict: Verdict, unit: Unit) -> None:
        """Raise where a log tells what cannot be: it may come from anywhere."""
        nodes = self.scenario.fleet.nodes.index
        places = [begin.position for begin in verdict.begins]
        if len(set(places)) < len(places) or any(begin.node not in nodes for begin in verdict.begins):
            message = f"log: {unit.asks[0].name} starts twice or on a node that is not there; play anew"
            raise InputError(message)
        for begin in verdict.begins:
            there = {device.id for device in self.state.site(nodes[begin.node]).devices}
            given = [item for result in begin.results for item in result.devices.results]
            if any(DeviceId(item.driver, item.pool, item.device) not in there for item in given):
                message = (
                    f"log: {unit.asks[begin.position].name} gets a device that {begin.node} does not have; play anew"
                )
                raise InputError(message)
        strangers = [name for name in verdict.victims if name not in self.state.running]
        if strangers:
            message = f"log: {strangers[0]} is displaced and does not run; play anew"
            raise InputError(message)

    def _mark(self, log: log_of.Log, *, last: bool = False) -> None:
        mark = log.recalled_mark()
        if mark is not None:
            self.decider.decisions, self.state.cursor = mark.decisions, mark.cursor
            log_of.set_draws(self.rng, mark.draws)
        elif log.due or (last and not log.marked and not log.recalling):
            log.mark(log_of.Mark(self.decider.decisions, self.state.cursor, log_of.draws_of(self.rng)))

    def _start(self, unit: Unit, verdict: Verdict, now: int) -> None:
        job = unit.job
        begun = {begin.position for begin in verdict.begins}
        job.unit, job.waiting = None, tuple(number for at, number in enumerate(unit.numbers) if at not in begun)
        for begin in verdict.begins:
            number = unit.numbers[begin.position]
            due = self.stays.start(number, begin, job, now)
            self.waiting -= 1
            for cls, time_ns in ((_FINISH, due.end_ns), (_EVICT, due.evicted_ns)):
                if time_ns is not None:
                    self.agenda.add(time_ns, cls, self.stays.stay(number))
            if self.stays.shared.intersection(unit.asks[begin.position].keys):
                self.queue.freed()  # others may use the claim now (K8s S75)

    # --- leaving ---------------------------------------------------------------------------------------------

    def _freed(self, n: int) -> None:
        """Let those be tried again that what was given back of a node may help."""
        discipline = self.scenario.queue
        # Who may displace others, or was held back, can be helped by less than it needs.
        if discipline.preempts or discipline.passes == "backfill" or not self.decider.is_rule:
            self.queue.freed()
        else:
            self.queue.freed(lambda unit: self.stays.hints.helps(n, unit))

    def _finish(self, number: int, now: int) -> None:
        name, n = self.stays.finish(number)
        if self.log is not None:
            self.log.write(log_of.Finished(now, name))
        self._freed(n)

    def _evict(self, number: int, now: int, why: str, *, preempted: bool = False) -> None:
        """Take an ask off its node, and with it the others of its job if too few are left; all of them wait again."""
        job = self.stays.jobs.get(number)
        if job is None:
            return
        gone = self.stays.evict(number, now, why, preempted=preempted)
        self.evicted += len(gone)
        self.waiting += len(gone)
        for each, n in gone:
            if self.log is not None:
                self.log.write(log_of.Evicted(now, self.stays.asks[each].name, why))
            self._freed(n)
        self._wait(job, tuple(each for each, _ in gone))

    def _evict_in_time(self, number: int, now: int) -> None:
        """Evict an ask whose time on tainted devices is over, and plan it where it is not."""
        if number not in self.stays.jobs:
            return
        due = self.stays.due_ns(number)
        if due is not None and due <= now:
            self._evict(number, now, "tainted devices")
        elif due is not None:
            self.agenda.add(due, _EVICT, self.stays.stay(number))

    def _befall(self, number: int, now: int) -> None:
        what = self.incidents[number].what
        if self.log is not None:
            self.log.write(log_of.Befell(now, number))
        befall(self.state, what)
        self.stays.tolerance.note(what, now)
        self.away = self.stays.measuring.away(self.state.conditions)
        for each in self.stays.thrown_off(what):
            self._evict(each, now, said(what))
        if isinstance(what, Taint):
            for each in self.stays.tainted():
                self._evict_in_time(each, now)
        self.queue.freed()  # even a device that is gone may have been what stopped others (K8s S75)


def capacity(scenario: Scenario) -> int:
    """Return how many whole devices a fleet has; the partitions of one counter set are one."""
    return whole_devices(scenario.fleet)
