"""One node's problem as arrays, with every rule of the reference in it once."""

from __future__ import annotations

from drapolicy.problem.formulation.build import formulate
from drapolicy.problem.formulation.first import Found, first
from drapolicy.problem.formulation.model import Assignment, Distinct, Formulation, Joint, Match, Row
from drapolicy.problem.formulation.proofs import infeasible

__all__ = [
    "Assignment",
    "Distinct",
    "Formulation",
    "Found",
    "Joint",
    "Match",
    "Row",
    "first",
    "formulate",
    "infeasible",
]
