"""One decision by columns, written down as the loop over the nodes would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from drapolicy.api.resource import AllocationResult
from drapolicy.errors import InputError
from drapolicy.policies.answer import Answer
from drapolicy.policies.cycle import NO_DEVICES, NOT_AVAILABLE, TIMED_OUT
from drapolicy.policies.decide import status_of, with_own_shares
from drapolicy.policies.engine import choosing
from drapolicy.policies.engine.choosing import Chosen
from drapolicy.policies.engine.closed import Closed
from drapolicy.policies.engine.faces import Refusals
from drapolicy.policies.engine.field import Field, Nodes
from drapolicy.policies.engine.kind import Maker
from drapolicy.policies.engine.rooms import lacking
from drapolicy.policies.engine.scoring import Scorer
from drapolicy.policies.held import Held
from drapolicy.policies.kube import nodes_to_find, pinned_nodes, select, static_filters
from drapolicy.policies.nodes import Best, First, Kube, RandomNode, unscorable
from drapolicy.problem.ask import Ask
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome, TimedOut
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem

if TYPE_CHECKING:
    from drapolicy.policies.rule import Rule


class StoppedError(Exception):
    """The attempt ends after the search over the nodes."""

    def __init__(self, outcome: Abort, chosen: Chosen) -> None:
        self.outcome = outcome
        self.chosen = chosen
        super().__init__(outcome.text)


@dataclass
class Decision:
    """A decision that is being made.

    Attributes
    ----------
    problem, rule, held
        What is decided, by what, and what the ask's claims hold already.
    maker, scorer
        Columns of the fleet.
    refusals
        Tells which nodes are none for the pod of an ask.
    field
        What columns say of the nodes.
    closed
        Nodes that are away or cordoned.
    order
        ndarray, intp; the nodes that are there, in the order of the scheduler's snapshot; empty for rules that need
        none.
    unmodelled
        What of the pod is not modelled.
    """

    problem: Problem
    rule: Rule
    held: Held
    maker: Maker
    scorer: Scorer
    refusals: Callable[[Ask], Refusals]
    field: Field
    closed: Closed
    order: Nodes
    unmodelled: tuple[str, ...]

    def placement(self, rng: np.random.Generator) -> Placement:
        """Return what is decided."""
        try:
            chosen = self._chosen(rng)
        except StoppedError as stopped:
            return self._none(stopped.outcome, {}, stopped.chosen)
        return self._pending(chosen) if chosen.node is None else self._placed(chosen.node, chosen, rng)

    # --- choosing --------------------------------------------------------------------------------------------

    def _chosen(self, rng: np.random.Generator) -> Chosen:
        candidates, cursor = self.problem.fleet.nodes.candidates, self.problem.state.cursor
        match self.rule.nodes:
            case First():
                return self.closed.skipped(choosing.first(self.field, candidates, cursor))
            case Best():
                return self.closed.skipped(choosing.best(self.field, candidates, cursor))
            case RandomNode():
                return choosing.random(self.field, self.closed.there(rng.permutation(candidates)), cursor)
            case Kube() as kube:
                return self._by_scheduler(kube, rng)
        message = f"engine: node rule {self.rule.nodes!r} has no columns"
        raise TypeError(message)

    @cached_property
    def _looked_at(self) -> Nodes:
        """Nodes that the stock scheduler looks at, in the order of its snapshot."""
        ask, nodes = self.problem.ask, self.problem.fleet.nodes
        pinned = None if ask.pod is None else pinned_nodes(ask.pod)
        if pinned is None:
            return self.order
        places = [nodes.index[name] for name in pinned if name in nodes.index]
        return self.order[np.isin(self.order, places)]

    def _by_scheduler(self, kube: Kube, rng: np.random.Generator) -> Chosen:
        order, total = self._looked_at, len(self.order)
        cursor = self.problem.state.cursor
        want = nodes_to_find(len(order), kube.profile.percentage_of_nodes_to_score)
        found = choosing.rotated(self.field, order, cursor, want)
        chosen = Chosen(None, found.considered, (cursor + found.looked) % total if total else cursor)
        if found.ends or not len(found.kept):
            return chosen._replace(node=found.end)
        if len(found.kept) == 1:
            return chosen._replace(node=int(found.kept[0]))
        state, ask = self.problem.state, self.problem.ask
        profile = kube.profile.of(state.fleet.release)
        stopped = unscorable(self.held, profile)
        if stopped is not None:
            raise StoppedError(stopped, chosen)
        ranks = self.field.kind.ranks(self.field.ranking.labels[found.kept]) + self.held.rank
        try:
            parts = self.scorer.scores(state, ask, found.kept, ranks, profile)
        except InputError as error:
            raise StoppedError(Abort(str(error)), chosen) from error
        totals = sum(parts.values(), np.zeros(len(ranks), np.int64))
        at = select(totals.tolist(), rng, kube.profile.ties)
        scores = {name: int(points[at]) for name, points in parts.items()}
        return chosen._replace(node=int(found.kept[at]), scores=scores)

    # --- writing down ----------------------------------------------------------------------------------------

    def _placed(self, n: int, chosen: Chosen, rng: np.random.Generator) -> Placement:
        cell = self.field.kind.settled(n)
        answer, template = (self.field.kind.odd[n], None) if cell is None else cell
        if template is None or (self.rule.solver.seeded and self.held.needed):
            return self._searched(n, answer, chosen, rng)
        node = self.problem.fleet.nodes.names[n]
        results = template.written(node, self.maker.layout.names(n))
        if template.shares:
            results = with_own_shares(self.held.needed, results)
        return self._taken(node, results, answer, {**chosen.scores, **template.score}, chosen)

    def _searched(self, n: int, answer: Answer, chosen: Chosen, rng: np.random.Generator) -> Placement:
        """Return what a node answers whose devices no template tells."""
        ask, fleet, objective = self.problem.ask, self.problem.fleet, self.maker.objective
        if not answer.fits:
            # The text of what ends an attempt names this node's devices and this ask's claims.
            ending = self.rule.solver.solve(self.problem.local(n, ask), objective, rng).outcome
            if isinstance(ending, TimedOut):
                ending = TimedOut(f"node {fleet.nodes.names[n]}: {TIMED_OUT}")
            return self._none(ending, {}, chosen)
        if self.rule.solver.seeded and self.held.needed:
            answer = self.rule.solver.solve(self.problem.local(n, ask), objective, rng)
        assert isinstance(answer.outcome, Fits)
        results, score = answer.outcome.results, dict(chosen.scores)
        if objective.levels and results:
            local = self.problem.local(n, ask)
            score |= objective.by_term(local, local.indices(results))
        if any(entry.share_id is not None for result in results for entry in result.devices.results):
            results = with_own_shares(self.held.needed, results)
        return self._taken(fleet.nodes.names[n], results, answer, score, chosen)

    def _taken(
        self, node: str, results: tuple[AllocationResult, ...], answer: Answer, score: dict[str, int], chosen: Chosen
    ) -> Placement:
        best, alone = isinstance(self.rule.nodes, Best), self.problem.fleet.nodes.candidates == 1
        proved = answer.status == "optimal" and (not self.field.unproved() if best else alone)
        return Placement(
            self.problem.ask.name,
            self.rule.name,
            node,
            results,
            "optimal" if proved else "feasible",
            Fits(results),
            score,
            {},
            chosen.considered,
            chosen.cursor,
            "ranked",
            self.unmodelled,
        )

    def _pending(self, chosen: Chosen) -> Placement:
        """Return why no node took the ask: what the loop over the nodes would say of each."""
        counts, nodes = self._refused()
        ask, kind, usable = self.problem.ask, self.field.kind, self.field.usable
        if ask.room is not None and len(nodes):
            counts += lacking(self.problem.state.rooms, ask, nodes)
            nodes = nodes[self.field.roomy(nodes)]
        away = nodes[:0] if usable is None else nodes[~usable[nodes]]
        here = nodes if usable is None else nodes[usable[nodes]]
        # Upstream looks for devices where a claim is not available too, so it may run out of time there (K8s S67).
        fits = self.field.ranking.labels[away] >= 0
        counts[NOT_AVAILABLE] += int(fits.sum())
        away = away[~fits]
        if kind.plain:
            counts[NOT_AVAILABLE] += len(away)
            counts[NO_DEVICES] += len(here)
            return self._none(NoFit(), _positive(counts), chosen)
        failed: Outcome | None = None
        timed_out: Outcome | None = None
        for some, words in ((away, NOT_AVAILABLE), (here, NO_DEVICES)):
            for count, answer in kind.answers(some):
                text = words
                if isinstance(answer.outcome, TimedOut):
                    text, timed_out = TIMED_OUT, TimedOut(TIMED_OUT)
                elif isinstance(answer.outcome, NodeError) and some is here:
                    text, failed = answer.outcome.text, answer.outcome
                counts[text] += count
        return self._none(failed or timed_out or NoFit(), _positive(counts), chosen)

    def _refused(self) -> tuple[Counter[str], Nodes]:
        """Return why nodes are none for the pod, with the number of nodes, and the others that are looked at."""
        if not isinstance(self.rule.nodes, Kube) or len(self._looked_at) == len(self.order):
            return self.closed.besides(self.refusals(self.problem.ask))
        ask, nodes = self.problem.ask, self._looked_at
        pod, refused = ask.pod, self.refusals(ask).refused
        assert pod is not None
        shut, table = self.closed.reasons, self.problem.fleet.nodes
        found = [
            shut[n] if n in shut else static_filters(pod, table[n]) if refused[n] else None for n in nodes.tolist()
        ]
        open_ = np.array([reason is None for reason in found], np.bool_)
        return Counter(reason for reason in found if reason is not None), nodes[open_]

    def _none(self, outcome: Outcome, reasons: Mapping[str, int], chosen: Chosen) -> Placement:
        return nothing(self.problem, self.rule, outcome, reasons, chosen, self.unmodelled)


def nothing(  # noqa: PLR0917 - what a placement says
    problem: Problem,
    rule: Rule,
    outcome: Outcome,
    reasons: Mapping[str, int],
    chosen: Chosen,
    unmodelled: tuple[str, ...],
) -> Placement:
    """Return the placement of an ask that no node takes."""
    return Placement(
        problem.ask.name,
        rule.name,
        None,
        (),
        status_of(outcome),
        outcome,
        {},
        reasons,
        considered=chosen.considered,
        cursor=chosen.cursor,
        path="ranked",
        unmodelled=unmodelled,
    )


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {text: count for text, count in counts.items() if count}
