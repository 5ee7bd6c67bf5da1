"""Interchangeable policies, and the parts to make one's own of."""

from __future__ import annotations

from drapolicy.policies.answer import Answer
from drapolicy.policies.decorator import objective
from drapolicy.policies.engine import Engine
from drapolicy.policies.named import COMPARED, POLICIES, STOCK, policy
from drapolicy.policies.nodes import Best, First, Kube, NodeRule, RandomNode
from drapolicy.policies.objective import Objective, Term
from drapolicy.policies.objectives import chances_lost, inside, links_lost, still_placeable
from drapolicy.policies.rule import Policy, Rule
from drapolicy.policies.solvers import Exact, FirstFit, Grow, Ilp, LocalSearch, Portfolio, RandomOrder, Solver

__all__ = [
    "COMPARED",
    "POLICIES",
    "STOCK",
    "Answer",
    "Best",
    "Engine",
    "Exact",
    "First",
    "FirstFit",
    "Grow",
    "Ilp",
    "Kube",
    "LocalSearch",
    "NodeRule",
    "Objective",
    "Policy",
    "Portfolio",
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
