"""One call from a fleet and claims to placements."""

from __future__ import annotations

import numpy as np

from drapolicy.api import Objects
from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.policies import policy as policy_of
from drapolicy.policies.engine import Engine
from drapolicy.policies.rule import Policy
from drapolicy.problem.ask import asks
from drapolicy.problem.events import Start
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State


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
