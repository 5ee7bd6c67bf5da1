"""Which group policy is meant by a name, a policy or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drapolicy.policies.groups.greedy import Greedy
from drapolicy.policies.groups.patterns import Patterns
from drapolicy.policies.groups.together import GroupPolicy, Together
from drapolicy.policies.named import policy as policy_of
from drapolicy.policies.rule import Policy, Rule
from drapolicy.problem.problem import Problem


@dataclass(frozen=True)
class Called:
    """A group policy under the name of the policy that it belongs to.

    Attributes
    ----------
    name
        Name for tables.
    of
        What decides.
    """

    name: str
    of: GroupPolicy

    def decide(self, problem: Problem, rng: np.random.Generator) -> Together:
        """Return what is decided of all asks."""
        found = self.of.decide(problem, rng)
        placements = tuple(replace(placement, policy=self.name) for placement in found.placements)
        return replace(found, policy=self.name, placements=placements)


def group_policy(policy: str | Policy | GroupPolicy | None = None) -> GroupPolicy:
    """Return how a policy decides groups: as its ``together`` says, else one ask after the other.

    Parameters
    ----------
    policy
        A name with parameters, a policy, or a group policy, which is returned as it is; None for as many asks as can
        be, by patterns.

    Raises
    ------
    UnknownReferenceError, InputError
        As :func:`drapolicy.policies.policy`.

    Examples
    --------
    >>> group_policy("kueue-tas").of.rule, group_policy("ilp-packing").of.name, group_policy("first-fit").of.name
    ('kueue-tas', 'patterns', 'greedy-given/first-fit')
    """
    if policy is None:
        return Patterns()
    if not isinstance(policy, str | type) and isinstance(policy, GroupPolicy):
        return policy
    found = policy_of(policy)
    own = found.together if isinstance(found, Rule) else None
    return Called(found.name, Greedy(found) if own is None else own)
