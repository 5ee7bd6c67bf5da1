"""One node's problem as arrays, with every rule of the reference in it once."""

from __future__ import annotations

from drapolicy.problem.formulation.build import formulate
from drapolicy.problem.formulation.model import Assignment, Distinct, Formulation, Joint, Match, Row
from drapolicy.problem.formulation.proofs import infeasible
from drapolicy.problem.formulation.search import Found, first
from drapolicy.problem.formulation.views import fixed, narrowed, permuted, restored

__all__ = [
    "Assignment",
    "Distinct",
    "Formulation",
    "Found",
    "Joint",
    "Match",
    "Row",
    "first",
    "fixed",
    "formulate",
    "infeasible",
    "narrowed",
    "permuted",
    "restored",
]
