"""A gang of equal pods over a tree of domains: near each other first, then the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.groups.counts import best_spread
from drapolicy.policies.groups.greedy import Greedy
from drapolicy.policies.groups.joint import Play, in_order, weights_of
from drapolicy.policies.groups.kinds import Kinds, UnsuitedError
from drapolicy.policies.groups.spreads import hived, kueue
from drapolicy.policies.groups.survey import Stand, Survey
from drapolicy.policies.groups.together import Seat, Together, levels_of, written
from drapolicy.policies.objective import Objective, Term, as_objective
from drapolicy.policies.objectives.distance import Domain, distance_between, of_nodes
from drapolicy.policies.rule import Rule
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

RULES = ("exact", "kueue-tas", "hived-buddy")


@dataclass(frozen=True)
class Gang:
    """As many pods of one gang as can be, spread over domains of nodes, then the best devices.

    Attributes
    ----------
    domain
        Where nodes are, every node of the fleet in it once; or labels that tell it, from the widest to the narrowest,
        those that are known by default (:func:`~drapolicy.policies.objectives.distance.of_nodes`).
    objective
        What is better on a node.
    rule
        ``exact``; or how another scheduler spreads pods, each node's devices being the best for its pods still:
        ``kueue-tas``, ``hived-buddy`` (then ``exact`` where no cell of the size is free).

    Notes
    -----
    Only gangs of equal pods are of this form: one group, all asks of one kind; others are decided greedily. ``values``
    of the answer are the number of pods, the negative distance, of each group its own, and then the levels of the
    objective.
    """

    domain: Domain | tuple[str, ...] = ()
    objective: Objective | Term | None = None
    rule: str = "exact"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            message = f"gang: rule {self.rule!r}; use one of {', '.join(RULES)}"
            raise InputError(message)

    @property
    def name(self) -> str:
        """Name for tables."""
        return "gang" if self.rule == "exact" else self.rule

    def decide(self, problem: Problem, rng: np.random.Generator) -> Together:
        """Return what is decided of the gang.

        Raises
        ------
        InputError
            When a node of the fleet is not in the domain just once, or no node has one of the labels.
        """
        objective = as_objective(self.objective)
        kinds, nodes = Kinds.of(problem), problem.fleet.nodes
        domain = self.domain if isinstance(self.domain, Domain) else of_nodes(list(nodes), self.domain)
        if sorted(domain.nodes) != list(range(len(nodes))):
            message = f"gang: the domain has {sum(1 for _ in domain.nodes)} nodes, the fleet {len(nodes)}; each once"
            raise InputError(message)
        levels = levels_of(objective, "distance")
        try:
            _check_alike(kinds)
            plays = _plays(problem, kinds, objective)
            counts, proved = self._spread(problem, domain, plays, kinds)
        except UnsuitedError as unsuited:
            found = Greedy(Rule(objective)).decide(problem, rng)
            values = (found.values[0], -_distance(problem, domain, kinds, found.placements), *found.values[1:])
            bounds: tuple[int | None, ...] = (None,) * len(values)
            return replace(found, policy=self.name, levels=levels, values=values, bounds=bounds, why=str(unsuited))
        seats: dict[int, Seat] = {}
        for n, count in counts.items():
            stand, own = plays[n]
            for step in own[count - 1].steps:
                seats[len(seats)] = Seat(n, stand.board.chosen(step.free & ~step.then))
        placements, got = written(problem, kinds, seats, objective, self.name, proved=proved)
        distance = distance_between(domain, [n for n, count in counts.items() for _ in range(count)])
        values = (got[0], -distance, *got[1:])
        if not seats:
            return Together(
                self.name, placements, levels, values, values, "infeasible" if proved else "timed_out", "counts"
            )
        # With several levels the spread is exact in their order; with none or one, in the one.
        bounds = values if proved else (None,) * len(values)
        return Together(self.name, placements, levels, values, bounds, "optimal" if proved else "feasible", "counts")

    def _spread(
        self, problem: Problem, domain: Domain, plays: Mapping[int, tuple[Stand, Sequence[Play]]], kinds: Kinds
    ) -> tuple[dict[int, int], bool]:
        """Return the pods of each node, and whether no other spread is better."""
        group = kinds.groups[0]
        free = {n: len(plays[n][1]) if n in plays else 0 for n in range(len(problem.fleet.nodes))}
        pods = min(len(group.asks), sum(free.values()))
        if pods < max(1, group.at_least):
            return {}, True
        if self.rule == "kueue-tas":
            return kueue(domain, pods, free) or {}, False
        if self.rule == "hived-buddy":
            empty = _plays(_emptied(problem), kinds, as_objective(None))
            whole = {n: len(empty[n][1]) if n in empty else 0 for n in free}
            counts = hived(domain, pods, free, whole)
            if counts is not None:
                return counts, False
        worth = _ordered(plays, pods)
        found = best_spread(domain, pods, lambda n: worth.get(n, (0,)))
        assert found is not None
        return found.counts, self.rule == "exact"


def _check_alike(kinds: Kinds) -> None:
    """Refuse what is no gang of equal pods."""
    groups, samples = len(kinds.groups), len(kinds.samples)
    if groups != 1 or samples != 1:
        message = f"{groups} group{'s' * (groups != 1)} with pods of {samples} kind{'s' * (samples != 1)}"
        raise UnsuitedError(message)


def _distance(problem: Problem, domain: Domain, kinds: Kinds, placements: Sequence[Placement]) -> int:
    """Return the distance of all groups, each of its own pods."""
    at, left = problem.fleet.nodes.index, iter(placements)
    nodes = [[at[p.node] for p in islice(left, len(group.asks)) if p.node is not None] for group in kinds.groups]
    return sum(distance_between(domain, own) for own in nodes)


def _plays(problem: Problem, kinds: Kinds, objective: Objective) -> dict[int, tuple[Stand, tuple[Play, ...]]]:
    """Return what 1, 2, 3 ... pods get at best on each node that takes any, level by level."""
    survey = Survey(problem, kinds, objective)
    found: dict[int, tuple[Stand, tuple[Play, ...]]] = {}
    weights = in_order({id(s.board): s.board.joint for s in survey.stands if s.board.joint}.values(), kinds.most)
    for stand in survey.stands:
        joint = stand.board.joint
        assert joint is not None
        own: list[Play] = []
        while len(own) < kinds.most[0]:
            pattern = (0,) * (len(own) + 1)
            play = joint.best(pattern, stand.free, weights) if survey.fits(stand, pattern) else None
            if play is None:
                break
            own.append(play)
        if own:
            found |= {n: (stand, tuple(own)) for n in stand.nodes.tolist()}
    return found


def _ordered(plays: Mapping[int, tuple[Stand, Sequence[Play]]], pods: int) -> dict[int, tuple[int, ...]]:
    """Return what 0, 1, 2 ... pods are worth on each node: one integer that is greater for what is better by level."""
    distinct = {id(own): own for _, own in plays.values()}
    values = np.array([play.values for own in distinct.values() for play in own], np.int64)
    units = np.maximum(1, np.gcd.reduce(values, axis=0))
    weights = weights_of(np.abs(values // units).max(axis=0).tolist(), pods)
    worth = {
        at: (0, *(int((np.array(play.values, np.int64) // units) @ weights) for play in own))
        for at, own in distinct.items()
    }
    return {n: worth[id(own)] for n, (_, own) in plays.items()}


def _emptied(problem: Problem) -> Problem:
    """Return the same problem in a state in which nothing is taken."""
    return Problem(State(problem.fleet), problem.asks, problem.now_ns, groups=problem.groups)
