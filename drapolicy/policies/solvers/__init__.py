"""How the best devices of one node are found: one solver a file. What they find is made valid by the reference."""

from __future__ import annotations

from drapolicy.policies.solvers.base import Solver, answer_of, devices_of, first_fit
from drapolicy.policies.solvers.exact import Exact
from drapolicy.policies.solvers.grow import Grow
from drapolicy.policies.solvers.ilp import Ilp
from drapolicy.policies.solvers.local_search import LocalSearch
from drapolicy.policies.solvers.portfolio import Portfolio
from drapolicy.policies.solvers.random_order import RandomOrder
from drapolicy.policies.solvers.stock import FirstFit
from drapolicy.problem.decided import MAX_STEPS

__all__ = [
    "MAX_STEPS",
    "Exact",
    "FirstFit",
    "Grow",
    "Ilp",
    "LocalSearch",
    "Portfolio",
    "RandomOrder",
    "Solver",
    "answer_of",
    "devices_of",
    "first_fit",
]
