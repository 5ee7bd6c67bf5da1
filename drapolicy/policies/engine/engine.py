"""The engine: owner of all that is remembered for one fleet and one policy."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies.answer import Answer
from drapolicy.policies.cycle import missing_class
from drapolicy.policies.decide import decide
from drapolicy.policies.engine.choosing import Chosen
from drapolicy.policies.engine.closed import Closed
from drapolicy.policies.engine.contents import Contents
from drapolicy.policies.engine.decision import Decision, nothing
from drapolicy.policies.engine.faces import Faces, Refusals
from drapolicy.policies.engine.field import Field
from drapolicy.policies.engine.kept import Key, Kinds
from drapolicy.policies.engine.kind import Kind, Maker, UnreadError
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.part_kind import PartKind
from drapolicy.policies.engine.parts import Parts
from drapolicy.policies.engine.rooms import asked
from drapolicy.policies.engine.rows import Access, Rung, suits
from drapolicy.policies.engine.scoring import Scorer
from drapolicy.policies.engine.unasking import Unasking
from drapolicy.policies.engine.usable import Usable
from drapolicy.policies.engine.views import Sight, UnseenError
from drapolicy.policies.held import Held
from drapolicy.policies.kube import unmodelled
from drapolicy.policies.memory import Memory
from drapolicy.policies.nodes import Best, First, Kube, RandomNode, snapshot_order
from drapolicy.policies.objective import as_objective
from drapolicy.policies.roomy import reads_room
from drapolicy.policies.rule import Policy, Rule
from drapolicy.problem.ask import Ask
from drapolicy.problem.node_allocatable import GATE, has_costs
from drapolicy.problem.outcome import Abort
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

KEPT_ANSWERS = 200_000
KEPT_BYTES = 1 << 30
_KEPT_PODS = 16_384

_NO_ORDER = np.zeros(0, np.intp)


@dataclass
class Stats:
    """What an engine did.

    Attributes
    ----------
    ranked
        Decisions by ranking.
    by_rows
        Those of them that columns of amounts made.
    asked
        Answers that had to be found.
    known
        Nodes that were considered without being asked.
    looked_up
        Decisions in which each node was looked at, by the reason for it.
    """

    ranked: int = 0
    by_rows: int = 0
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
        self._rule = policy if isinstance(policy, Rule) else None
        # Reading the state of a generator takes longer than many a decision; who takes the best or first draws nothing.
        self._draws = self._rule is not None and (
            self._rule.solver.seeded or isinstance(self._rule.nodes, RandomNode | Kube)
        )
        self._answers = answers
        self._most_kinds = max(1, memory // (8 * max(1, len(fleet.nodes))))
        self._kinds = Kinds(self._most_kinds, len(fleet.nodes))
        self._blind: dict[tuple[bytes, tuple[bool, ...]], str] = {}
        self._reads: frozenset[str] = frozenset()
        self._refused: OrderedDict[bytes, Refusals] = OrderedDict()
        self._closed: dict[bytes, Closed] = {}
        self._said_beyond: dict[tuple[int, ...], tuple[object, tuple[str, ...]]] = {}
        self._ordered: tuple[int, NDArray[np.intp]] | None = None
        self._state: object = None
        self._seen = 0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is remembered of each kind of ask, the one used last at the end; for looking at only."""
        return self._kinds.each

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        """Return the placement of the problem's ask.

        Raises
        ------
        InputError
            When the problem is about another fleet.
        """
        if problem.state.fleet is not self.fleet:
            message = "engine: the problem is about another fleet; make an engine for it"
            raise InputError(message)
        rule = self._rule
        if rule is None:
            self.stats.looked_up["a policy that is no rule"] += 1
            return self.policy.place(problem, rng)
        held = Held(problem.ask, problem.state)
        by_rows = self._rung.place(problem, held, rng) if self._rung is not None else None
        if by_rows is not None:
            self.stats.by_rows += 1
            self._count(1, 0, by_rows.considered)
            return by_rows
        key = self._key(problem.ask, held)
        obstacle = self._obstacle(problem, rule, held, key)
        if not obstacle:
            before = self._maker.made
            try:
                placement = self._told_apart(problem, rule, held, key, rng)
            except UnseenError as unseen:
                obstacle = self._blind[problem.ask.wishes, held.missing] = str(unseen)
            else:
                self._count(1, self._maker.made - before, placement.considered)
                if self._maker.made > self._answers:
                    self._maker.made = self._kinds.forget(self._answers)
                return placement
        self.stats.looked_up[obstacle] += 1
        before = self.memory.misses
        placement = decide(rule, problem, rng, self.memory)
        self._count(0, self.memory.misses - before, placement.considered)
        return placement

    def _count(self, ranked: int, asked: int, considered: int) -> None:
        stats = self.stats
        stats.ranked += ranked
        stats.asked += asked
        stats.known += max(0, considered - asked)

    # --- whether nodes can be ranked -------------------------------------------------------------------------

    def _obstacle(self, problem: Problem, rule: Rule, held: Held, key: Key) -> str:
        """Return why each node must be looked at; empty when they can be ranked."""
        if held.needed and problem.state.conditions.everywhere:
            return "conditions of devices that several nodes can use"
        if key in self._kinds:
            return ""
        if self._answers < 1:
            return "nothing may be kept"
        # A rule of one's own may be made of one of these, and choose otherwise.
        if type(rule.nodes) not in {First, Best, RandomNode, Kube}:
            return "a node rule of one's own"
        # First and random nodes draw on the one node that they take.
        if rule.solver.seeded and held.needed and not isinstance(rule.nodes, First | RandomNode):
            return "chance decides on every node"
        if not held.needed and reads_room(as_objective(rule.objective)):
            return "the policy reads room"
        layout = self._layout(problem.state)
        if problem.ask.claims and self._costs_room:
            return "devices that cost room"
        return (held.needed and (self._blind.get((problem.ask.wishes, held.missing)) or layout.obstacle)) or ""

    @cached_property
    def _costs_room(self) -> bool:
        kinds = self.fleet.devices.rest.values
        return GATE in self.fleet.release.gates and any(map(has_costs, kinds))

    def _layout(self, state: State) -> Layout:
        if "_maker" not in self.__dict__:
            rule = self.policy
            assert isinstance(rule, Rule)
            layout = Layout(self.fleet, troubled=state.sites.troubled, usable=self._usable)
            nodes, objective = rule.nodes, as_objective(rule.objective)
            good = partial(nodes.goodness, weighed=objective.ranks) if isinstance(nodes, Best) else None
            key = _rank if isinstance(nodes, Kube) else good
            self._maker = Maker(layout, Contents(layout), Parts(layout), rule.solver, objective, key)
        return self._maker.layout

    @cached_property
    def _rung(self) -> Rung | None:
        rule = self.policy
        if self._answers < 1 or not isinstance(rule, Rule) or not suits(rule) or self._costs_room:
            return None

        def lend(state: State) -> Access:
            return Access(self._layout(state), self._sight, self._refusals, self._beyond)

        return Rung(self.fleet, rule, lend, self._most_kinds)

    @cached_property
    def _sight(self) -> Sight:
        return Sight(self._maker.layout)

    @cached_property
    def _faces(self) -> Faces:
        return Faces(self.fleet)

    @cached_property
    def _usable(self) -> Usable:
        return Usable(self.fleet, lambda: self._faces)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.fleet, self._faces)

    def _order(self, state: State) -> NDArray[np.intp]:
        """Return the nodes that are there in the order of the scheduler's snapshot."""
        version = state.conditions.version
        if self._ordered is None or self._ordered[0] != version:
            self._ordered = version, np.array(snapshot_order(self.fleet, state.conditions.away), np.intp)
        return self._ordered[1]

    def _closed_to(self, ask: Ask, state: State) -> Closed:
        known = self._closed.get(ask.place)
        if known is None or known.version != state.conditions.version:
            if len(self._closed) >= self._most_kinds:
                self._closed.clear()
            known = self._closed[ask.place] = Closed(self.fleet, state.conditions, ask.pod)
        return known

    def _beyond(self, ask: Ask) -> tuple[str, ...]:
        """Return what of the ask's pod is not modelled."""
        pod = ask.pod
        if pod is None or ask.room is None:
            return ()
        # Copies of a pod share all that counts; it is held on to, so that nothing else gets its identity.
        parts = pod.spec, pod.source, pod.metadata.owner_references
        key = tuple(map(id, parts))
        known = self._said_beyond.get(key)
        if known is None:
            if len(self._said_beyond) >= _KEPT_PODS:
                self._said_beyond.clear()
            said = unmodelled(pod, self.memory.surroundings(self.fleet), ask.room.requests)
            known = self._said_beyond[key] = parts, said
        return known[1]

    # --- ranking ---------------------------------------------------------------------------------------------

    def _told_apart(self, problem: Problem, rule: Rule, held: Held, key: Key, rng: np.random.Generator) -> Placement:
        """Return the placement by views that tell apart whatever turns out to be read."""
        drawn = rng.bit_generator.state if self._draws else None
        while True:
            try:
                return self._ranked(problem, rule, held, key, rng)
            except (UnreadError, UnseenError) as failed:
                if drawn is not None:
                    rng.bit_generator.state = drawn
                if isinstance(failed, UnseenError):
                    raise
                self._reads |= failed.reads

    def _ranked(self, problem: Problem, rule: Rule, held: Held, key: Key, rng: np.random.Generator) -> Placement:
        ask, state = problem.ask, problem.state
        beyond = self._beyond(ask)
        if ask.blocked or key not in self._kinds:
            stopped = Abort(ask.blocked) if ask.blocked else missing_class(held.needed, self.fleet)
            if stopped is not None:
                return nothing(problem, rule, stopped, {}, Chosen(None, 0, state.cursor), beyond)
        self._follow(state)
        closed = self._closed_to(ask, state)
        kind = self._kind(key, ask, held, state, closed)
        needs = None if ask.pod is None else asked(state.rooms, ask)
        decision = Decision(
            problem,
            rule,
            held,
            self._maker,
            self._scorer,
            self._refusals,
            Field(kind, needs, self._usable(held) if held.claims else None),
            closed,
            self._order(state) if self._draws and isinstance(rule.nodes, Kube) else _NO_ORDER,
            beyond,
        )
        try:
            return decision.placement(rng)
        except (UnreadError, UnseenError):
            self._kinds.drop(key)
            raise

    def _follow(self, state: State) -> None:
        """Read what has changed since the last decision."""
        known = self._state is state.identity
        if known and self._seen == state.changes:
            return
        contents, parts = self._maker.contents, self._maker.parts
        changed = state.changed_since(self._seen) if known and not (contents.full or parts.full) else None
        if changed is None:
            self._kinds.clear()
            contents.reset()
            parts.reset()
            self._closed.clear()
            self._ordered = None
            self._state = state.identity
        else:
            nodes = list(dict.fromkeys(changed))
            contents.touch(nodes)
            parts.touch(nodes)
            self._kinds.note(nodes)
        self._seen = state.changes

    @staticmethod
    def _key(ask: Ask, held: Held) -> Key:
        return (ask.wishes, held.missing, ask.place) if held.needed else (b"", (), ask.place)

    def _kind(self, key: Key, ask: Ask, held: Held, state: State, closed: Closed) -> Kind:
        kind = self._kinds.get(key)
        if kind is None:
            refused = self._refusals(ask).refused
            if held.needed:
                views = self._sight.views(held.needed, self._reads)
                kind = PartKind.of(self._maker, held.needed, views, self._reads, refused, state=state) or Kind(
                    self._maker, held.needed, views, self._reads, refused
                )
            else:
                kind = Unasking(self._maker, refused)
            self._kinds.add(key, kind)
        try:
            kind.catch_up(state, self._kinds.unread(kind), closed.reasons)
        except (UnreadError, UnseenError):
            self._kinds.drop(key)
            raise
        self._kinds.up_to_date(kind)
        return kind

    def _refusals(self, ask: Ask) -> Refusals:
        known = self._refused.get(ask.place)
        if known is None:
            known = self._refused[ask.place] = self._faces.refusals(ask.pod)
            if len(self._refused) > self._most_kinds:
                self._refused.popitem(last=False)
        return known


def _rank(answer: Answer) -> tuple[object, ...]:
    return (answer.rank,)
