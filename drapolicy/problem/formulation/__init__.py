"""One node's problem as arrays, with every rule of the reference in it once."""

from __future__ import annotations

from drapolicy.problem.formulation.build import formulate
from drapolicy.problem.formulation.model import Assignment, Distinct, Formulation, Joint, Match, Row

__all__ = ["Assignment", "Distinct", "Formulation", "Joint", "Match", "Row", "formulate"]
