"""Order among nodes: which of those that have devices gets the ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.inventory.columns import row_numbers
from drapolicy.inventory.nodes import NodeTable
from drapolicy.policies.answer import Answer
from drapolicy.policies.cycle import Cycle, CycleEndError
from drapolicy.policies.held import Held
from drapolicy.policies.kube import Candidate, Profile, Rotation, nodes_to_find, pinned_nodes, scores, select
from drapolicy.policies.kube.profile import DYNAMIC_RESOURCES
from drapolicy.policies.kube.sampling import ZONE_LABELS, zone_key
from drapolicy.policies.objective import Score
from drapolicy.problem.outcome import Abort


class Choice(NamedTuple):
    """The node that a rule chose.

    Attributes
    ----------
    node
        Its position in the fleet.
    answer
        Its devices.
    scores
        Points by which the rule chose, for people to look at.
    """

    node: int
    answer: Answer
    scores: dict[str, int]


@runtime_checkable
class NodeRule(Protocol):
    """Chooses a node for an ask. Called once a decision; asks the cycle about as many nodes as it likes, in any order.

    None means that no node has devices. The cycle remembers why.
    """

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    def choose(self, cycle: Cycle, rng: np.random.Generator) -> Choice | None:
        """Return the node of the ask."""
        ...


@dataclass(frozen=True)
class First:
    """The first node in the order of the fleet that has devices."""

    name: ClassVar[str] = "first"

    def choose(self, cycle: Cycle, rng: np.random.Generator) -> Choice | None:  # noqa: ARG002
        """Return the first node with devices."""
        for n in range(len(cycle)):
            answer = cycle.answer(n)
            if answer is not None:
                return Choice(n, answer, {})
        return None


@dataclass(frozen=True)
class RandomNode:
    """Any node that has devices, each with the same chance."""

    name: ClassVar[str] = "random"

    def choose(self, cycle: Cycle, rng: np.random.Generator) -> Choice | None:
        """Return a random node with devices."""
        for n in rng.permutation(len(cycle)).tolist():
            answer = cycle.answer(n)
            if answer is not None:
                return Choice(n, answer, {})
        return None


@dataclass(frozen=True)
class Best:
    """The node whose devices score best; the first of equals.

    Better alternatives of prioritized lists come before any score (K8s S68), added up over the requests; unless the
    objective has a term for them (``objectives.alternatives``), which then says what they are worth.

    Attributes
    ----------
    levels
        By how many levels of the objective nodes are compared; all of them if None. Further levels choose among the
        devices of one node alone, as in schedulers that score nodes first and then look for devices.
    """

    levels: int | None = None
    name: ClassVar[str] = "best"

    def __post_init__(self) -> None:
        if self.levels is not None and self.levels < 1:
            message = f"node rule best: levels {self.levels} compares nothing; use 1 or more, or None for all"
            raise InputError(message)

    def goodness(self, answer: Answer, *, weighed: bool = False) -> tuple[int, Score]:
        """Return by what nodes are compared; more is better.

        Parameters
        ----------
        answer
            A node's answer with devices.
        weighed
            The objective says what alternatives are worth.
        """
        return 0 if weighed else answer.rank, answer.score[: self.levels]

    def choose(self, cycle: Cycle, rng: np.random.Generator) -> Choice | None:  # noqa: ARG002
        """Return the node with the best answer."""
        best: Choice | None = None
        weighed = cycle.objective.ranks
        goodness: tuple[int, Score] = (0, ())
        for n in range(len(cycle)):
            answer = cycle.answer(n)
            if answer is None:
                continue
            own = self.goodness(answer, weighed=weighed)
            if best is None or own > goodness:
                best, goodness = Choice(n, answer, {}), own
        return best


@dataclass(frozen=True)
class Kube:
    """The node that the stock kube-scheduler takes: its filters, scores, sampling and ties.

    Attributes
    ----------
    profile
        Weights, share of nodes to score, and ties.
    """

    profile: Profile = field(default_factory=Profile)
    name: ClassVar[str] = "kube"

    def choose(self, cycle: Cycle, rng: np.random.Generator) -> Choice | None:
        """Return the stock scheduler's node."""
        fleet, state = cycle.problem.fleet, cycle.problem.state
        order = snapshot_order(fleet, state.conditions.away).tolist()
        pinned = pinned_nodes(cycle.pod)
        looked_at = order if pinned is None else [n for n in order if fleet.nodes.names[n] in pinned]
        rotation = Rotation(state.cursor)
        answers: dict[int, Answer] = {}

        def passes(n: int) -> bool:
            answer = cycle.answer(n)
            if answer is None:
                return False
            answers[n] = answer
            return True

        want = nodes_to_find(len(looked_at), self.profile.percentage_of_nodes_to_score)
        try:
            kept = rotation.search(looked_at, passes, want, len(order))
        finally:
            cycle.cursor = rotation.start
        if not kept:
            return None
        candidates = [Candidate(fleet.nodes[n], state.rooms[n], answers[n].rank + cycle.held.rank) for n in kept]
        if len(candidates) == 1:
            return Choice(kept[0], answers[kept[0]], {})
        profile = self.profile.of(fleet.release)
        stopped = unscorable(cycle.held, profile)
        if stopped is not None:
            raise CycleEndError(stopped)
        try:
            parts, totals = scores(cycle.pod, candidates, profile, ask=cycle.pod_ask)
        except InputError as error:
            raise CycleEndError(Abort(str(error))) from error
        position = select(totals, rng, self.profile.ties)
        return Choice(kept[position], answers[kept[position]], parts[position])


def unscorable(held: Held, profile: Profile) -> Abort | None:
    """Return what ends the attempt when several nodes are to be scored, because of claims that hold devices already."""
    if not held.unscored or DYNAMIC_RESOURCES not in dict(profile.weights):
        return None
    return Abort(f'running Score plugins: plugin "{DYNAMIC_RESOURCES}" failed with: {held.unscored}')


def snapshot_order(fleet: Fleet, away: frozenset[int] = frozenset()) -> NDArray[np.intp]:
    """Return the nodes in the order of the scheduler's snapshot: one of each zone in turn.

    Parameters
    ----------
    away
        Nodes that are not there.
    """
    return _snapshot_order(fleet.nodes, away)


# Tables of nodes are told apart by identity, which costs nothing; comparing fleets would compare all their links.
@lru_cache(maxsize=8)
def _snapshot_order(nodes: NodeTable, away: frozenset[int]) -> NDArray[np.intp]:
    there = np.delete(np.arange(nodes.candidates), [n for n in away if n < nodes.candidates])
    alike = row_numbers(list(map(nodes.values, ZONE_LABELS)))
    first = np.unique(alike, return_index=True)[1].tolist()
    number: dict[tuple[str, str], int] = {}
    zones = [number.setdefault(zone_key(nodes.bare(n)), len(number)) for n in first]
    zone = row_numbers([np.array(zones, np.int32)[alike][there]])
    by_zone = np.argsort(zone, kind="stable")
    turn = np.empty(len(there), np.int64)
    turn[by_zone] = np.arange(len(there)) - np.searchsorted(zone[by_zone], zone[by_zone])
    order = there[np.lexsort((zone, turn))]
    order.flags.writeable = False
    return order
