"""The engine: owner of all that is remembered for one fleet and one policy."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies.answer import Answer
from drapolicy.policies.cycle import NO_DEVICES, TIMED_OUT, missing_class
from drapolicy.policies.decide import decide, status_of, with_own_shares
from drapolicy.policies.engine.contents import Contents
from drapolicy.policies.engine.faces import Faces, Refusals
from drapolicy.policies.engine.kind import Kind, Maker, UnreadError
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.ranking import Amounts
from drapolicy.policies.engine.rooms import Rooms
from drapolicy.policies.engine.views import Sight, UnseenError
from drapolicy.policies.kube import unmodelled
from drapolicy.policies.memory import Memory
from drapolicy.policies.nodes import Best, First
from drapolicy.policies.objective import as_objective
from drapolicy.policies.rule import Policy, Rule
from drapolicy.problem.ask import Ask, claim_key
from drapolicy.problem.node_allocatable import GATE
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome, TimedOut
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

KEPT_ANSWERS = 200_000
KEPT_BYTES = 1 << 30


@dataclass
class Stats:
    """What an engine did.

    Attributes
    ----------
    ranked
        Decisions by ranking.
    asked
        Answers that had to be found.
    known
        Nodes that were considered without being asked.
    looked_up
        Decisions in which each node was looked at, by the reason for it.
    """

    ranked: int = 0
    asked: int = 0
    known: int = 0
    looked_up: Counter[str] = field(default_factory=Counter)


class Engine:
    """Decides as its policy does, and remembers what nodes answered until they change.

    One engine serves one fleet and one policy; it owns every cache (decision 2). Whatever it remembers, its
    placements are those of ``policy.place``, but for their ``path``.

    Parameters
    ----------
    fleet
        The fleet that all problems are about.
    policy
        A :class:`Rule`, or any object with ``place``: then nothing can be remembered.
    answers
        How many answers are kept.
    memory
        Bytes that rankings may take.

    Attributes
    ----------
    stats
        What it did.
    """

    def __init__(self, fleet: Fleet, policy: Policy, *, answers: int = KEPT_ANSWERS, memory: int = KEPT_BYTES) -> None:
        self.fleet = fleet
        self.policy = policy
        self.memory = Memory(answers)
        self.stats = Stats()
        self._answers = answers
        self._kinds: OrderedDict[tuple[bytes, bytes], Kind] = OrderedDict()
        self._most_kinds = max(1, memory // (8 * max(1, len(fleet.nodes))))
        self._blind: dict[bytes, str] = {}
        self._reads: frozenset[str] = frozenset()
        self._refused: OrderedDict[bytes, Refusals] = OrderedDict()
        self._state: object = None
        self._seen = 0
        self._journal = np.empty(1024, np.int32)
        self._written = 0

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask.

        Raises
        ------
        InputError
            When the problem is about another fleet.
        """
        if problem.fleet is not self.fleet:
            message = "engine: the problem is about another fleet; make an engine for it"
            raise InputError(message)
        if not isinstance(self.policy, Rule):
            self.stats.looked_up["a policy that is no rule"] += 1
            return self.policy.place(problem, rng)
        obstacle = self._obstacle(problem, self.policy)
        if not obstacle:
            try:
                before = self._maker.made
                placement = self._ranked(problem, self.policy)
            except UnseenError as unseen:
                obstacle = self._blind[problem.ask.wishes] = str(unseen)
            else:
                self._count(1, self._maker.made - before, placement.considered)
                self._forget()
                return placement
        self.stats.looked_up[obstacle] += 1
        before = self.memory.misses
        placement = decide(self.policy, problem, rng, self.memory)
        self._count(0, self.memory.misses - before, placement.considered)
        return placement

    def _count(self, ranked: int, asked: int, considered: int) -> None:
        stats = self.stats
        stats.ranked += ranked
        stats.asked += asked
        stats.known += max(0, considered - asked)

    # --- whether nodes can be ranked -------------------------------------------------------------------------

    def _obstacle(self, problem: Problem, rule: Rule) -> str:
        """Return why each node must be looked at; empty when they can be ranked."""
        if self._answers < 1:
            return "nothing may be kept"
        if rule.solver.seeded or not isinstance(rule.nodes, First | Best):
            return "chance decides, or the stock scheduler's rotation"
        ask, state = problem.ask, problem.state
        if not ask.claims or any(claim_key(claim) in state.held for claim in ask.claims):
            return "claims that hold devices already, or none"
        if GATE in self.fleet.release.gates:
            return "devices that cost room"
        return self._blind.get(ask.wishes, "") or self._layout(state).obstacle

    def _layout(self, state: State) -> Layout:
        if "_maker" not in self.__dict__:
            rule = self.policy
            assert isinstance(rule, Rule)
            layout = Layout(self.fleet, troubled=state.sites.troubled)
            key = None if isinstance(rule.nodes, First) else _goodness
            self._maker = Maker(layout, Contents(layout), rule.solver, as_objective(rule.objective), key)
            self._rooms = Rooms(self.fleet)
        return self._maker.layout

    @cached_property
    def _sight(self) -> Sight:
        return Sight(self._maker.layout)

    @cached_property
    def _faces(self) -> Faces:
        return Faces(self.fleet)

    # --- ranking ---------------------------------------------------------------------------------------------

    def _ranked(self, problem: Problem, rule: Rule) -> Placement:
        ask, state = problem.ask, problem.state
        if ask.blocked:
            return self._none(problem, rule, Abort(ask.blocked), {}, 0)
        missing = missing_class(ask.claims, self.fleet)
        if missing is not None:
            return self._none(problem, rule, missing, {}, 0)
        self._follow(state)
        kind = self._kind(ask, state)
        ranking = kind.ranking
        assert ranking is not None
        amounts = [] if ask.room is None else self._rooms.asked(state, ask.room)
        n = ranking.best_with(amounts) if amounts else ranking.best()
        if n is None or n >= self.fleet.nodes.candidates:
            return self._pending(problem, rule, kind, amounts)
        return self._placed(problem, rule, kind, n, amounts)

    def _follow(self, state: State) -> None:
        """Read what has changed since the last decision."""
        changed = state.changed_since(self._seen) if self._state is state.identity else None
        contents, rooms = self._maker.contents, self._rooms
        if changed is None:
            self._kinds.clear()
            contents.reset(state)
            rooms.reset()
            self._written = 0
            self._state = state.identity
        else:
            nodes = set(changed)
            for n in nodes:
                contents.read(state, n)
                rooms.read(state, n)
            self._write(list(nodes))
        self._seen = state.changes

    def _write(self, nodes: list[int]) -> None:
        end = self._written + len(nodes)
        if end > len(self._journal):
            # What no kind has left to read goes; kinds that lie too far behind are made anew.
            first = min((kind.mark for kind in self._kinds.values()), default=self._written)
            if self._written - first > 4 * len(self.fleet.nodes) + 1024:
                self._kinds.clear()
                first = self._written
            kept = self._journal[first : self._written].copy()
            self._journal = np.empty(max(1024, 2 * (len(kept) + len(nodes))), np.int32)
            self._journal[: len(kept)] = kept
            self._written = len(kept)
            for kind in self._kinds.values():
                kind.mark -= first
            end = self._written + len(nodes)
        self._journal[self._written : end] = nodes
        self._written = end

    def _kind(self, ask: Ask, state: State) -> Kind:
        key = ask.wishes, ask.place
        while True:
            kind = self._kinds.get(key)
            if kind is None:
                views = self._sight.views(ask.claims, self._reads)
                kind = Kind(self._maker, ask.claims, views, self._reads, self._refusals(ask).refused)
                self._kinds[key] = kind
                if len(self._kinds) > self._most_kinds:
                    self._kinds.popitem(last=False)
            self._kinds.move_to_end(key)
            changed = self._journal[kind.mark : self._written]
            try:
                kind.catch_up(state, changed)
            except UnreadError as unread:
                self._reads |= unread.reads
                del self._kinds[key]
                continue
            except UnseenError:
                del self._kinds[key]
                raise
            kind.mark = self._written
            return kind

    def _refusals(self, ask: Ask) -> Refusals:
        known = self._refused.get(ask.place)
        if known is None:
            known = self._refused[ask.place] = self._faces.refusals(ask.pod)
            if len(self._refused) > self._most_kinds:
                self._refused.popitem(last=False)
        return known

    def _forget(self) -> None:
        """Forget answers if more are kept than may be; kinds used last go last."""
        if self._maker.made <= self._answers:
            return
        total = sum(known.held for known in self._kinds.values())
        while total > self._answers and self._kinds:
            total -= self._kinds.popitem(last=False)[1].held
        self._maker.made = total

    # --- writing down ----------------------------------------------------------------------------------------

    def _placed(
        self, problem: Problem, rule: Rule, kind: Kind, n: int, amounts: list[tuple[Amounts, int]]
    ) -> Placement:
        ask, fleet = problem.ask, self.fleet
        considered = n + 1 if (self._maker.key is None) else fleet.nodes.candidates
        at = kind.cell(n)
        cell = kind.cells.get(at)
        answer = cell.answer if cell is not None else kind.odd[n]
        if not isinstance(answer.outcome, Fits):
            # The text of what ends an attempt names this node's devices and this ask's claims.
            local = problem.local(n, ask)
            ending = rule.solver.solve(local, self._maker.objective, np.random.default_rng(0)).outcome
            if isinstance(ending, TimedOut):
                ending = TimedOut(f"node {fleet.nodes.names[n]}: {TIMED_OUT}")
            return self._none(problem, rule, ending, {}, n + 1)
        if cell is None:
            results = answer.outcome.results
            local = problem.local(n, ask)
            score = self._maker.objective.by_term(local, local.indices(results)) if self._maker.objective.levels else {}
        else:
            assert cell.template is not None
            results = cell.template.written(fleet.nodes.names[n], self._maker.layout.ids(n))
            score = dict(cell.template.score)
        if any(entry.share_id is not None for result in results for entry in result.devices.results):
            results = with_own_shares(ask, results, problem.state.version)
        best = not (self._maker.key is None) or fleet.nodes.candidates == 1
        proved = best and answer.status == "optimal" and not self._unproved(kind, amounts)
        return Placement(
            ask.name,
            rule.name,
            fleet.nodes.names[n],
            results,
            "optimal" if proved else "feasible",
            Fits(results),
            score,
            {},
            considered=considered,
            cursor=problem.state.cursor,
            path="ranked",
            unmodelled=self._unmodelled(ask),
        )

    def _unproved(self, kind: Kind, amounts: list[tuple[Amounts, int]]) -> bool:
        """Tell whether some node that has devices and room is not known to have given its best."""
        ranking = kind.ranking
        assert ranking is not None
        odd = [n for n, answer in kind.odd.items() if answer.fits and answer.status != "optimal"]
        if not kind.unproved and not odd:
            return False
        found = kind.in_cells(kind.unproved) & (ranking.labels[: ranking.size] >= 0)
        found[odd] = True
        return bool((found & ranking.passing(amounts))[: self.fleet.nodes.candidates].any())

    def _pending(self, problem: Problem, rule: Rule, kind: Kind, amounts: list[tuple[Amounts, int]]) -> Placement:
        """Return why no node took the ask: what the loop over the nodes would say of each."""
        ask = problem.ask
        _, reasons, nodes = self._refusals(ask)
        counts = Counter(reasons)
        if ask.room is not None and len(nodes):
            counts += self._rooms.lacking(ask.room, nodes)
            ranking = kind.ranking
            assert ranking is not None
            nodes = nodes[ranking.passing(amounts)[nodes]]
        outcome: Outcome = NoFit()
        if kind.plain:
            counts[NO_DEVICES] += len(nodes)
            return self._none(problem, rule, outcome, _positive(counts), self.fleet.nodes.candidates)
        timed_out: Outcome | None = None
        for n, answer in kind.answers(nodes):
            text = NO_DEVICES
            if isinstance(answer.outcome, NodeError):
                text, outcome = answer.outcome.text, answer.outcome
            elif isinstance(answer.outcome, TimedOut):
                text, timed_out = TIMED_OUT, TimedOut(TIMED_OUT)
            counts[text] += n
        if isinstance(outcome, NoFit) and timed_out is not None:
            outcome = timed_out
        return self._none(problem, rule, outcome, _positive(counts), self.fleet.nodes.candidates)

    def _none(
        self, problem: Problem, rule: Rule, outcome: Outcome, reasons: dict[str, int], considered: int
    ) -> Placement:
        return Placement(
            problem.ask.name,
            rule.name,
            None,
            (),
            status_of(outcome),
            outcome,
            {},
            reasons,
            considered=considered,
            cursor=problem.state.cursor,
            path="ranked",
            unmodelled=self._unmodelled(problem.ask),
        )

    def _unmodelled(self, ask: Ask) -> tuple[str, ...]:
        return () if ask.pod is None else unmodelled(ask.pod, self.memory.surroundings(self.fleet))


def _goodness(answer: Answer) -> tuple[object, ...]:
    return answer.rank, answer.score


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {text: count for text, count in counts.items() if count}
