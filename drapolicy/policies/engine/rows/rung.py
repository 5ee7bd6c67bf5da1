"""Decisions by rows: which rules and asks they are for, and the placement that the loop over the nodes would write."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.resource import AllocationResult, DeviceAllocationResult, ExactDeviceRequest, ResourceClaim
from drapolicy.errors import SolverError
from drapolicy.inventory import Fleet
from drapolicy.policies.cycle import NO_DEVICES
from drapolicy.policies.decide import share_id_of
from drapolicy.policies.engine.choosing import Chosen
from drapolicy.policies.engine.closed import Closed
from drapolicy.policies.engine.faces import Refusals
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.rooms import asked, lacking
from drapolicy.policies.engine.rows.columns import Columns
from drapolicy.policies.engine.rows.kind import RowKind
from drapolicy.policies.engine.rows.products import products_of
from drapolicy.policies.engine.rows.wish import Wish, wish_of
from drapolicy.policies.engine.template import selector_of
from drapolicy.policies.engine.views import Sight, UnseenError
from drapolicy.policies.held import Held
from drapolicy.policies.nodes import Best, First, RandomNode
from drapolicy.policies.objective import Objective, Term, as_objective
from drapolicy.policies.rows import Scoring
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact, FirstFit, RandomOrder
from drapolicy.problem.ask import Ask
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.placement import Placement, Status
from drapolicy.problem.problem import Problem
from drapolicy.problem.resources import CPU, MEMORY
from drapolicy.problem.state import State

_MOST_BLIND = 10_000


@dataclass
class Access:
    """What an engine lends.

    Attributes
    ----------
    layout, sight
        Where devices stand, and what asks see of them.
    refusals
        Returns the nodes that are none for an ask's pod.
    beyond
        Returns what of an ask's pod is not modelled.
    """

    layout: Layout
    sight: Sight
    refusals: Callable[[Ask], Refusals]
    beyond: Callable[[Ask], tuple[str, ...]]


def suits(rule: Rule) -> bool:
    """Tell whether a rule's decisions can be had by rows on some fleets."""
    objective = as_objective(rule.objective)
    if type(rule.nodes) not in {Best, First, RandomNode}:
        return False
    if objective.levels:
        return type(rule.solver) is Exact and all(term.rows is not None for term in objective.terms)
    seeded = type(rule.solver) is RandomOrder and not isinstance(rule.nodes, Best)
    return seeded or type(rule.solver) is FirstFit


class Rung:
    """Decides by rows what a rule decides, where rows tell all that matters.

    Parameters
    ----------
    fleet, rule
        The fleet, and a rule that :func:`suits`.
    access
        Lends the engine's columns; called once.
    most
        How many kinds of asks are remembered.
    """

    def __init__(self, fleet: Fleet, rule: Rule, access: Callable[[State], Access], most: int) -> None:
        self._fleet = fleet
        self._rule = rule
        self._lend = access
        self._most = most
        self._objective = as_objective(rule.objective)
        self._state: object = None
        self._seen = self._tick = 0
        self._wishes: OrderedDict[bytes, Wish] = OrderedDict()
        self._kinds: OrderedDict[tuple[object, ...], RowKind] = OrderedDict()
        self._blind: dict[bytes, str] = {}
        self._setting: _Setting | None = None
        self._useless = ""
        self._closed: dict[bytes, Closed] = {}
        self._conditions = 0

    def place(self, problem: Problem, held: Held, rng: np.random.Generator) -> Placement | None:
        """Return the placement of the problem's ask; None where each node's answer must be had otherwise."""
        ask, state = problem.ask, problem.state
        altered = state.conditions.altered or state.conditions.everywhere
        if self._useless or held.claims or ask.blocked or altered or ask.wishes in self._blind:
            return None
        try:
            setting = self._followed(state)
            kind = self._kind(setting, ask, state)
            return self._decided(setting, kind, problem, rng)
        except UnseenError as unseen:
            if self._setting is None:
                self._useless = str(unseen)
            elif len(self._blind) < _MOST_BLIND:
                self._blind[ask.wishes] = str(unseen)
            return None

    # --- keeping up ------------------------------------------------------------------------------------------

    def _followed(self, state: State) -> _Setting:
        changed = state.changed_since(self._seen) if self._state is state.identity else None
        if self._setting is None:
            self._setting = _Setting(self._lend(state), self._fleet, self._objective)
        setting = self._setting
        if changed is None or self._conditions != state.conditions.version:
            # Nodes that came, went or were cordoned are others for each kind; that is seldom.
            self._kinds.clear()
            self._closed.clear()
            self._conditions = state.conditions.version
        if changed is None:
            nodes: NDArray[np.intp] = np.arange(len(self._fleet.nodes))
            self._state = state.identity
        else:
            nodes = np.array(sorted(set(changed)), np.intp)
        self._tick += 1
        if len(nodes):
            # An unread change would be lost; who cannot read one starts anew.
            self._state = None
            setting.columns.read(state, nodes)
            setting.touched[nodes] = self._tick
            self._state = state.identity
        self._seen = state.changes
        return setting

    def _kind(self, setting: _Setting, ask: Ask, state: State) -> RowKind:
        requests = () if ask.room is None else tuple(ask.room.requests.items())
        key = (ask.wishes, ask.place, ask.room is None, requests)
        kind = self._kinds.get(key)
        if kind is None:
            wish = self._wish(setting, ask, state)
            room = (0, 0) if ask.room is None else tuple(ask.room.requests.get(name, 0) for name in (CPU, MEMORY))
            needs = [] if ask.room is None else asked(state.rooms, ask).pairs
            refused = setting.access.refusals(ask).refused.copy()
            refused[list(self._closed_to(ask, state).reasons)] = True
            levels = setting.levels if wish.count else setting.room_levels
            kind = self._kinds[key] = RowKind(
                setting.columns,
                setting.products,
                wish,
                refused,
                levels=levels,
                room=(room[0], room[1]),
                needs=needs,
            )
            if len(self._kinds) > self._most:
                self._kinds.popitem(last=False)
        else:
            self._kinds.move_to_end(key)
        changed = np.flatnonzero(setting.touched > kind.tick)
        if len(changed):
            kind.catch_up(state.rooms, changed)
        kind.tick = self._tick
        return kind

    def _closed_to(self, ask: Ask, state: State) -> Closed:
        known = self._closed.get(ask.place)
        if known is None:
            known = self._closed[ask.place] = Closed(self._fleet, state.conditions, ask.pod)
        return known

    def _wish(self, setting: _Setting, ask: Ask, state: State) -> Wish:
        wish = self._wishes.get(ask.wishes)
        if wish is None:
            columns, access = setting.columns, setting.access
            if not ask.claims:
                wish = Wish.of_none(columns)
            elif len(ask.claims) != 1 or any(c.device_class_name not in self._fleet.classes for c in _wanted(ask)):
                message = "several claims, or unknown classes"
                raise UnseenError(message)
            else:
                views = access.sight.views(ask.claims, frozenset())
                wish = wish_of(columns, access.layout, views, ask.claims, state=state, solver=self._rule.solver)
            shared = any(model.shareable for model in columns.models)
            if not (self._objective.levels or wish.shareable or (shared and not wish.count)):
                message = "whole devices, however good they are"
                raise UnseenError(message)
            self._wishes[ask.wishes] = wish
            if len(self._wishes) > self._most:
                self._wishes.popitem(last=False)
        return wish

    # --- deciding --------------------------------------------------------------------------------------------

    def _decided(self, setting: _Setting, kind: RowKind, problem: Problem, rng: np.random.Generator) -> Placement:
        closed = self._closed_to(problem.ask, problem.state)
        n, considered = self._node(kind, closed, rng)
        if n is None:
            return self._pending(setting, problem, closed, considered)
        if not kind.wish.count:
            return self._placement(setting, problem, n, considered, Fits(()))
        chosen = self._devices(setting, kind, n, rng)
        pattern = self._pattern(setting, kind, problem, n, chosen)
        results = (setting.written(pattern, n, chosen, problem.ask.claims[0]),)
        score = kind.terms(problem.state.rooms, n, self._objective) if self._objective.levels else {}
        return self._placement(setting, problem, n, considered, Fits(results), score=score)

    def _node(self, kind: RowKind, closed: Closed, rng: np.random.Generator) -> tuple[int | None, int]:
        """Return the node that takes the ask, and how many nodes the loop would have looked at."""
        candidates = self._fleet.nodes.candidates
        if isinstance(self._rule.nodes, Best):
            best = Chosen(kind.best(self._rule.nodes.levels), candidates, 0)
            return best.node, closed.skipped(best).considered
        drawn = isinstance(self._rule.nodes, RandomNode)
        order = closed.there(rng.permutation(candidates) if drawn else np.arange(candidates))
        takes = kind.takes(order)
        at = int(takes.argmax()) if len(order) else 0
        return (int(order[at]), at + 1) if len(order) and takes[at] else (None, len(order))

    def _devices(self, setting: _Setting, kind: RowKind, n: int, rng: np.random.Generator) -> tuple[int, ...]:
        if not self._rule.solver.seeded:
            return kind.chosen(n)
        order = rng.permutation(len(setting.access.layout.of(n)))
        fits = kind.fits(np.array([n]))[0][order]
        return tuple(sorted(order[fits][: kind.wish.count].tolist()))

    def _pattern(
        self, setting: _Setting, kind: RowKind, problem: Problem, n: int, chosen: tuple[int, ...]
    ) -> AllocationResult:
        """Return what the reference wrote for devices like some of a node."""
        layout, wish = setting.access.layout, kind.wish
        key = int(wish.view[n]), *setting.rest[layout.of(n)[list(chosen)]].tolist()
        known = wish.patterns.get(key)
        if known is None:
            local = problem.local(n, problem.ask)
            solution = local.taking([[(0, chosen)]])
            outcome = None if solution is None else local.written(solution)
            if not isinstance(outcome, Fits) or tuple(local.indices(outcome.results).tolist()) != chosen:
                message = f"engine: {problem.ask.name} on {self._fleet.nodes.names[n]}: the reference refuses {chosen}"
                raise SolverError(message)
            (known,) = outcome.results
            wish.patterns[key] = known
        return known

    def _pending(self, setting: _Setting, problem: Problem, closed: Closed, considered: int) -> Placement:
        ask, state = problem.ask, problem.state
        counts, nodes = closed.besides(setting.access.refusals(ask))
        lack = Counter[str]() if ask.room is None else lacking(state.rooms, ask, nodes)
        counts += lack
        counts[NO_DEVICES] += len(nodes) - lack.total()
        told = {text: count for text, count in counts.items() if count}
        return self._placement(setting, problem, None, considered, NoFit(), reasons=told)

    def _placement(
        self,
        setting: _Setting,
        problem: Problem,
        n: int | None,
        considered: int,
        outcome: Fits | NoFit,
        *,
        score: Mapping[str, int] | None = None,
        reasons: Mapping[str, int] | None = None,
    ) -> Placement:
        results = outcome.results if isinstance(outcome, Fits) else ()
        alone = isinstance(self._rule.nodes, Best) or self._fleet.nodes.candidates == 1
        proved = alone and results and self._objective.levels
        status: Status = "infeasible" if n is None else "optimal" if proved else "feasible"
        return Placement(
            problem.ask.name,
            self._rule.name,
            None if n is None else self._fleet.nodes.names[n],
            results,
            status,
            outcome,
            score or {},
            reasons or {},
            considered=considered,
            cursor=problem.state.cursor,
            path="ranked",
            unmodelled=setting.access.beyond(problem.ask),
        )


class _Setting:
    """Columns of a fleet, and the terms' forms on it."""

    def __init__(self, access: Access, fleet: Fleet, objective: Objective) -> None:
        if access.layout.obstacle:
            raise UnseenError(access.layout.obstacle)
        self.access = access
        self.columns = Columns(access.layout)
        products, self.products = products_of(fleet, access.layout)
        self.rest = fleet.devices.rest.codes
        forms: dict[Term, Scoring] = {}
        for term in objective.terms:
            form = None if term.rows is None else term.rows(products)
            if form is None:
                message = f"a form of {term.name} by rows that would be too large"
                raise UnseenError(message)
            forms[term] = form
        self.levels = tuple(tuple((weight, forms[term]) for weight, term in level) for level in objective.levels)
        self.room_levels = tuple(
            tuple((weight, forms[term]) for weight, term in level if "room" in term.sees) for level in objective.levels
        )
        self.touched = np.zeros(len(fleet.nodes), np.int64)
        self._names = fleet.nodes.names

    def written(
        self, pattern: AllocationResult, n: int, chosen: tuple[int, ...], claim: ResourceClaim
    ) -> AllocationResult:
        """Return a result for some devices of a node, which are like those of a pattern."""
        ids = self.access.layout.ids(n)
        entries = []
        for number, (entry, d) in enumerate(zip(pattern.devices.results, chosen, strict=True)):
            driver, pool, device = ids[d]
            share = None if entry.share_id is None else share_id_of(claim, number)
            entries.append(replace(entry, driver=driver, pool=pool, device=device, share_id=share))
        devices = DeviceAllocationResult(results=entries, config=pattern.devices.config)
        # All devices of such nodes belong to the node alone: its name is the whole selector (K8s S55).
        return replace(pattern, devices=devices, node_selector=pattern.node_selector and selector_of(self._names[n]))


def _wanted(ask: Ask) -> list[ExactDeviceRequest]:
    """Return what the one request of an ask's claims wants.

    Raises
    ------
    UnseenError
        When there are several, or alternatives.
    """
    requests = [request for claim in ask.claims for request in claim.spec.devices.requests]
    if len(requests) != 1 or requests[0].exactly is None:
        message = "claims of several requests, or of none"
        raise UnseenError(message)
    return [requests[0].exactly]
