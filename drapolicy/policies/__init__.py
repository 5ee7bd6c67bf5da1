"""Interchangeable policies, and the parts to make one's own of."""

from __future__ import annotations

from types import MappingProxyType

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.policies.answer import Answer
from drapolicy.policies.engine import Engine
from drapolicy.policies.nodes import Best, First, Kube, NodeRule, RandomNode
from drapolicy.policies.objective import Objective, Term, objective
from drapolicy.policies.rule import Policy, Rule
from drapolicy.policies.solvers import Exact, FirstFit, Grow, RandomOrder, Solver
from drapolicy.policies.terms import chances_lost, inside, links_lost, still_placeable

# One line a policy. The first is what every comparison is against.
POLICIES = MappingProxyType(
    {
        "kube-scheduler": Rule(solver=FirstFit(), nodes=Kube(), name="kube-scheduler"),
        "first-fit": Rule(solver=FirstFit(), nodes=First(), name="first-fit"),
        "random": Rule(solver=RandomOrder(), nodes=RandomNode(), name="random"),
        "packing": Rule(
            Objective().then(chances_lost, still_placeable), solver=Exact(max_steps=5_000), nodes=Best(), name="packing"
        ),
        "bandwidth": Rule(
            Objective().then(inside, links_lost, still_placeable), solver=Grow(), nodes=Best(), name="bandwidth"
        ),
    }
)

STOCK = "kube-scheduler"


def policy(name: str | Policy) -> Policy:
    """Return a policy by name; a policy is returned as it is.

    Raises
    ------
    UnknownReferenceError
        For a name that is not in the table.
    InputError
        For what is neither a name nor a policy.
    """
    if not isinstance(name, str):
        if isinstance(name, type) or not isinstance(name, Policy):
            message = f"policy: {name!r} is neither a name nor a policy; a policy has a name and place(problem, rng)"
            raise InputError(message)
        return name
    if name not in POLICIES:
        message = f"policy {name!r}: unknown; use one of {', '.join(POLICIES)}"
        raise UnknownReferenceError(message)
    return POLICIES[name]


__all__ = [
    "POLICIES",
    "STOCK",
    "Answer",
    "Best",
    "Engine",
    "Exact",
    "First",
    "FirstFit",
    "Grow",
    "Kube",
    "NodeRule",
    "Objective",
    "Policy",
    "RandomNode",
    "RandomOrder",
    "Rule",
    "Solver",
    "Term",
    "chances_lost",
    "inside",
    "links_lost",
    "objective",
    "policy",
    "still_placeable",
]
