"""What becomes of a unit: what the policy says, and then what the discipline says."""

from __future__ import annotations

from drapolicy.problem.events import Start
from drapolicy.simulate.deciding import Decider, Verdict
from drapolicy.simulate.discipline import Discipline
from drapolicy.simulate.displacing import preemption, puts_off, start_ns
from drapolicy.simulate.queue import Queue, Unit
from drapolicy.simulate.stays import Stays


class Judge:
    """Judges units that wait.

    Parameters
    ----------
    discipline
        How the queue is served.
    decider
        Asks the policy.
    stays
        Who runs.
    queue
        Who waits.
    """

    def __init__(self, discipline: Discipline, decider: Decider, stays: Stays, queue: Queue) -> None:
        self._discipline = discipline
        self._decider = decider
        self._stays = stays
        self._queue = queue
        self._promised: tuple[Unit, int | None] | None = None

    def judge(self, unit: Unit, now: int) -> Verdict:
        """Return what becomes of the unit that is tried now."""
        verdict = self._decider.decide(unit, now)
        if verdict.starts:
            return verdict if self._discipline.passes != "backfill" else self._backfilled(unit, verdict, now)
        if self._discipline.preempts:
            lower = self._stays.lower(unit.priority)
            return preemption(self._stays.state, self._decider, unit, lower, now) or verdict
        return verdict

    def forget(self) -> None:
        """Forget, as each pass begins, when the first unit can start: a play that goes on from there knows no more."""
        self._promised = None

    def _backfilled(self, unit: Unit, verdict: Verdict, now: int) -> Verdict:
        """Hold a unit back that would put off the first one."""
        head, state = self._queue.head, self._stays.state
        assert head is not None
        if head is unit:
            self._promised = None
            return verdict
        ends = self._stays.ends()
        if self._promised is None or self._promised[0] is not head:
            self._promised = head, start_ns(state, self._decider, head, ends, now)
        at = self._promised[1]
        if at is None:
            return verdict
        others = [
            (
                Start(unit.asks[begin.position], begin.node, begin.results),
                self._stays.end_ns(unit.numbers[begin.position], begin, now),
            )
            for begin in verdict.begins
        ]
        if puts_off(state, self._decider, head, at, others, ends):
            return Verdict((), f"would put off {head.asks[0].name}", verdict.unmodelled, alike=False)
        return verdict
