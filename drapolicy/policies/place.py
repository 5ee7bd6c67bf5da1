"""One call from a fleet and claims to placements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drapolicy.api import Objects
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies import policy as policy_of
from drapolicy.policies.engine import Engine
from drapolicy.policies.rule import Policy
from drapolicy.problem.ask import asks
from drapolicy.problem.events import Start
from drapolicy.problem.group import Group
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State

if TYPE_CHECKING:
    from drapolicy.policies.groups import GroupPolicy, Together


def place_all(
    fleet: Fleet, wanted: Objects, policy: str | Policy = "kube-scheduler", *, seed: int = 0
) -> tuple[Placement, ...]:
    """Decide every ask of an input, one after the other; what one gets, the next ones do without.

    Parameters
    ----------
    fleet
        The fleet.
    wanted
        Pods and claims. Claims that hold an allocation, and pods that are bound to a node, are taken as they are.
    policy
        Name or policy.
    seed
        Of the policy's draws.

    Returns
    -------
    tuple of Placement
        One for each pod that is not bound and each claim that no pod uses, in the order of the input.

    Raises
    ------
    InputError
        When an argument is something else.
    """
    _check(fleet, wanted)
    chosen = policy_of(policy)
    bound = [pod for pod in wanted.pods if pod.spec.node_name]
    state = State(fleet, wanted.claims, bound)
    engine = Engine(fleet, chosen)
    rng = np.random.default_rng(seed)
    found = []
    for ask in asks(wanted):
        placement = engine.place(Problem(state, (ask,)), rng)
        if placement.node is not None:
            state.apply(Start(ask, placement.node, placement.results))
        state.cursor = placement.cursor
        found.append(placement)
    return tuple(found)


def _check(fleet: object, wanted: object) -> None:
    if not isinstance(fleet, Fleet):
        message = f"place: the fleet is a {type(fleet).__name__}; give what drapolicy.load returns"
        raise InputError(message)
    if not isinstance(wanted, Objects):
        message = (
            f"place: what is wanted is a {type(wanted).__name__}; give what drapolicy.load_claims returns, "
            "or drapolicy.Objects(claims=..., pods=...)"
        )
        raise InputError(message)


def place(fleet: Fleet, wanted: Objects, policy: str | Policy = "kube-scheduler", *, seed: int = 0) -> Placement:
    """Decide the one ask of an input; see :func:`place_all`.

    Raises
    ------
    InputError
        When the input holds no ask, or several.
    """
    found = place_all(fleet, wanted, policy, seed=seed)
    if len(found) != 1:
        asked = f"{len(found)} asks; use place_all" if found else "no claim and no pod that waits"
        message = f"place: the input holds {asked}"
        raise InputError(message)
    return found[0]


def place_groups(
    fleet: Fleet, wanted: Objects, policy: str | Policy | GroupPolicy | None = None, *, at_least: int = 0, seed: int = 0
) -> Together:
    """Decide all asks of an input together, as one group.

    Parameters
    ----------
    fleet, wanted
        As in :func:`place_all`.
    policy
        Name, policy or group policy: named policies decide groups as their pages say, rules as their ``together``
        says, else one ask after the other. By default as many as can be, by patterns.
    at_least
        How many asks must be placed for any to be placed; 0 for as many as fit.
    seed
        Of the policy's draws.

    Raises
    ------
    InputError
        When an argument is something else.

    Examples
    --------
    >>> import drapolicy as dp
    >>> fleet = dp.workload.fleet("a100-bridged-4", nodes=2)
    >>> wanted = dp.workload.claims({"gpu": (3, "gpu.nvidia.com")}, 3)
    >>> place_groups(fleet, wanted).placed, place_groups(fleet, wanted, at_least=3).placed
    (2, 0)
    """
    from drapolicy.policies.groups import group_policy  # its solvers take longer to import than all else

    _check(fleet, wanted)
    chosen = group_policy(policy)
    return chosen.decide(problem_of(fleet, wanted, at_least=at_least), np.random.default_rng(seed))


def problem_of(fleet: Fleet, wanted: Objects, *, at_least: int = 0) -> Problem:
    """Return the problem of all asks of an input, as one group.

    Parameters
    ----------
    fleet, wanted, at_least
        As in :func:`place_groups`.
    """
    bound = [pod for pod in wanted.pods if pod.spec.node_name]
    return Problem.of_groups(State(fleet, wanted.claims, bound), [Group(asks(wanted), at_least)])
