"""Several asks decided together: batches, gangs, and anything between."""

from __future__ import annotations

from drapolicy.policies.groups.greedy import Greedy
from drapolicy.policies.groups.patterns import Patterns
from drapolicy.policies.groups.together import GroupPolicy, Together

__all__ = ["Greedy", "GroupPolicy", "Patterns", "Together"]
