"""What a policy is tried on: a fleet, what is taken of it from the start, and a workload."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

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

    @property
    def inputs(self) -> Mapping[str, str]:
        """Digests of what the results depend on."""
        standing = msgspec.json.encode(api.dump(self.standing, "json")) if self.standing.claims else b""
        return {
            "fleet": self.fleet.digest,
            "links": self.fleet.links_digest,
            "workload": self.workload.digest,
            "standing": hashlib.sha256(standing).hexdigest(),
        }
