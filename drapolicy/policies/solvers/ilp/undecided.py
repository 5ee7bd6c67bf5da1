"""Whether there are devices at all, where the reference's search is too long: by an integer programme."""

from __future__ import annotations

from drapolicy.policies.solvers.ilp.budget import Budget
from drapolicy.policies.solvers.ilp.rules import Rules
from drapolicy.problem.decided import seated
from drapolicy.problem.formulation import Formulation, infeasible
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Outcome
from drapolicy.problem.solution import Solution


def by_programme(local: LocalProblem, budget: Budget) -> tuple[Outcome, Solution | None] | None:
    """Return what the reference would decide: the first assignment in its order, or that there is none.

    Returns
    -------
    tuple or None
        None where only the reference can tell (:class:`Formulation`), or where a limit was reached.

    Notes
    -----
    The programme has all alternatives. One request after the other gets its earliest alternative with which there is
    an assignment, and the first devices: that is the order of a search in depth (K8s S33, S40).
    """
    f = local.formulation
    if not isinstance(f, Formulation) or f.may_abort or f.gaps or not f.orderly:
        return None
    if infeasible(f) is not None:
        return f.refusal, None
    rules = Rules(f)
    found = budget.solve(rules, 0, {})
    if found.status == "infeasible":
        return f.refusal, None
    known = found.values
    if found.status != "optimal":
        return None
    for choices in f.requests:
        if len(choices) > 1:
            known, complete = budget.earliest(rules, [rules.choice[r] for r in choices], known)
            if not complete:
                return None
        r = rules.chosen(choices, known)
        known, complete = budget.earliest(rules, [x for (row, _), x in rules.given.items() if row == r], known)
        if not complete:
            return None
    return seated(local, rules.assignment(known))
