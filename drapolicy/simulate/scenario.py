"""What a policy is tried on: a fleet, what is taken of it from the start, a workload, and what befalls the fleet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.inventory import Fleet
from drapolicy.problem.ask import Ask
from drapolicy.problem.state import State
from drapolicy.simulate.discipline import KUBERNETES, Discipline
from drapolicy.simulate.incidents import Failures, Incident, besides, checked
from drapolicy.simulate.streams import Streams
from drapolicy.workload.arrivals import Arrival, redrawn
from drapolicy.workload.workload import Workload


class World(NamedTuple):
    """What happens in a play.

    Attributes
    ----------
    arrivals, incidents
        In order of time.
    end_ns
        When the last arrival comes.
    """

    arrivals: tuple[Arrival, ...]
    incidents: tuple[Incident, ...]
    end_ns: int


_MOST_DIGITS = 16


@dataclass(frozen=True)
class Scenario:
    """A fleet and a workload.

    Attributes
    ----------
    name
        For tables.
    fleet
        The fleet, links included: all nodes that are ever there.
    workload
        Pods and their arrivals.
    standing
        Claims that are allocated and pods that are bound from the start.
    queue
        How those that wait are served.
    incidents
        What befalls the fleet. A node that joins later leaves at time 0.
    failures
        Failures besides, drawn by the seed of the play.
    """

    name: str
    fleet: Fleet
    workload: Workload
    standing: Objects = Objects()  # noqa: RUF009 - Objects is immutable
    queue: Discipline = KUBERNETES
    incidents: tuple[Incident, ...] = ()
    failures: Failures = Failures()  # noqa: RUF009 - Failures are immutable

    def state(self) -> State:
        """Return the state at the start."""
        return State(self.fleet, self.standing.claims, self.standing.pods)

    def ask(self, arrival: Arrival, number: int) -> Ask:
        """Return the ask of an arrival: a copy with a number that nothing from the start has in its name."""
        return self.workload.ask(arrival, self._first + number)

    @cached_property
    def _first(self) -> int:
        """Number of the first copy: what stands may be the copies of a play before, which keep their names."""
        patterns = self.workload.patterns.values()
        bases = {pattern.name for pattern in patterns} | {key for pattern in patterns for key in pattern.keys}
        first = 0
        for meta in [claim.metadata for claim in self.standing.claims] + [pod.metadata for pod in self.standing.pods]:
            base, _, number = f"{meta.namespace}/{meta.name}".rpartition("-")
            if base in bases and number.isascii() and number.isdigit() and len(number) < _MOST_DIGITS:
                first = max(first, int(number) + 1)
        return first

    def world(self, seed: int, streams: Streams) -> World:
        """Return what happens in a play, whoever decides.

        Raises
        ------
        InputError
            With every incident that cannot happen to the fleet.
        """
        arrivals = redrawn(self.workload.arrivals, seed)
        end_ns = max((arrival.time_ns for arrival in arrivals), default=0)
        drawn = self.failures.drawn(self.fleet, end_ns, streams.faults) if self.failures.any else ()
        return World(arrivals, besides(checked(self.fleet, self.incidents), drawn), end_ns)

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """Digests of what the results depend on; the order of the nodes too, because "the first node" does."""
        return {
            "fleet": self.fleet.digest,
            "nodes": _digest("\n".join(self.fleet.nodes.names)),
            "links": self.fleet.links_digest,
            "workload": self.workload.digest,
            "standing": _digest(api.dump(self.standing, "json")),
            "queue": _digest(self.queue.said),
            "incidents": _digest(repr((self.incidents, self.failures))),
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
