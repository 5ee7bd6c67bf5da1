"""What nodes answered, kept until they change."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from drapolicy.api.core import Pod
from drapolicy.inventory import Fleet
from drapolicy.policies.answer import Answer
from drapolicy.policies.kube import Surroundings, static_filters
from drapolicy.problem.outcome import Fits, NoFit
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import Stamp


class Key(NamedTuple):
    """What an answer depends on besides the node's state: kind of the ask, its claims without allocation, the node."""

    kind: bytes
    needed: tuple[bool, ...]
    node: int


class Memory:
    """Answers of nodes that are still true; bounded, the least used go first.

    Parameters
    ----------
    capacity
        How many answers are kept; 0 keeps none.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self._answers: OrderedDict[Key, tuple[Stamp, Answer]] = OrderedDict()
        self._refusals: dict[tuple[bytes, int], str | None] = {}
        self._surroundings: tuple[Fleet, Surroundings] | None = None

    def recall(self, key: Key, stamp: Stamp) -> Answer | None:
        """Return the answer for a key if the node has not changed since."""
        known = self._answers.get(key)
        if known is None or known[0] != stamp:
            self.misses += 1
            return None
        self.hits += 1
        self._answers.move_to_end(key)
        return known[1]

    def keep(self, key: Key, stamp: Stamp, answer: Answer) -> None:
        """Keep an answer; those with a text that names the claim are not."""
        if self.capacity and isinstance(answer.outcome, Fits | NoFit):
            self._answers[key] = (stamp, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > self.capacity:
                self._answers.popitem(last=False)

    def refusal(self, kind: bytes, pod: Pod, problem: Problem, n: int) -> str | None:
        """Return the static filters' refusal of a node; the same for all asks of a kind."""
        if not self.capacity:
            return static_filters(pod, problem.fleet.nodes[n])
        key = (kind, n)
        if key not in self._refusals:
            if len(self._refusals) > 4 * self.capacity:
                self._refusals.clear()
            self._refusals[key] = static_filters(pod, problem.fleet.nodes[n])
        return self._refusals[key]

    def surroundings(self, fleet: Fleet) -> Surroundings:
        """Return what pods of a fleet are compared with; gathered once."""
        if self._surroundings is None or self._surroundings[0] is not fleet:
            self._surroundings = fleet, Surroundings.of(fleet.nodes.documented, fleet.classes.values())
        return self._surroundings[1]
