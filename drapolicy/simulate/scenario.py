"""What a policy is tried on: a fleet, what is taken of it from the start, and a workload."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.inventory import Fleet
from drapolicy.problem.state import State
from drapolicy.workload.workload import Workload


@dataclass(frozen=True)
class Scenario:
    """A fleet and a workload.

    Attributes
    ----------
    name
        For tables.
    fleet
        The fleet, links included.
    workload
        Pods and their arrivals.
    standing
        Claims that are allocated and pods that are bound from the start.
    """

    name: str
    fleet: Fleet
    workload: Workload
    standing: Objects = Objects()  # noqa: RUF009 - Objects is immutable

    def state(self) -> State:
        """Return the state at the start."""
        return State(self.fleet, self.standing.claims, self.standing.pods)

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """Digests of what the results depend on; the order of the nodes too, because "the first node" does."""
        return {
            "fleet": self.fleet.digest,
            "nodes": _digest("\n".join(self.fleet.nodes.names)),
            "links": self.fleet.links_digest,
            "workload": self.workload.digest,
            "standing": _digest(api.dump(self.standing, "json")),
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
