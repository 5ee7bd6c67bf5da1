"""Several asks decided together: batches, gangs, and anything between."""

from __future__ import annotations

from drapolicy.policies.groups.called import group_policy
from drapolicy.policies.groups.gang import Gang
from drapolicy.policies.groups.greedy import Greedy
from drapolicy.policies.groups.patterns import Patterns
from drapolicy.policies.groups.together import GroupPolicy, Together

__all__ = ["Gang", "Greedy", "GroupPolicy", "Patterns", "Together", "group_policy"]
