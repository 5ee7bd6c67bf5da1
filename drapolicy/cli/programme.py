"""``drapolicy allocate --write-lp``: the integer programme that a policy solves, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drapolicy.api import Objects
from drapolicy.cli.together import at_least
from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.inventory import Fleet
from drapolicy.policies import STOCK, Ilp, Rule
from drapolicy.policies import policy as policy_of
from drapolicy.policies.groups import Patterns, group_policy
from drapolicy.policies.groups.called import Called
from drapolicy.policies.objective import as_objective
from drapolicy.policies.place import problem_of
from drapolicy.policies.solvers.ilp.file import check_name
from drapolicy.problem.placement import Placement

if TYPE_CHECKING:
    from drapolicy.cli.allocate import How


def check(policy: str, path: Path, *, together: bool) -> None:
    """Refuse policies that solve no programme, and names of files that tell no kind.

    Raises
    ------
    InputError, UnsupportedFeatureError
        Say which do.
    """
    check_name(path)
    if (_patterns(policy) if together else _rule(policy)) is None:
        message = (
            f"--write-lp: policy {policy or STOCK} solves no integer programme{' for asks together' * together}; "
            "use ilp-bandwidth, ilp-packing or another policy whose solver is Ilp"
        )
        raise UnsupportedFeatureError(message)


def write(fleet: Fleet, objects: Objects, how: How, placements: Sequence[Placement]) -> None:
    """Write the programme of all asks together, or of the only one on the node where it was placed.

    Parameters
    ----------
    placements
        What was decided.

    Raises
    ------
    InputError
        For several asks one after the other, and for one that fits nowhere.
    UnsupportedFeatureError
        For asks, or an objective, that have no programme.
    """
    assert how.programme is not None
    if how.together:
        patterns = _patterns(how.policy)
        assert patterns is not None
        least = at_least(how.together, len(placements))
        patterns.write(problem_of(fleet, objects, at_least=least), how.programme)
        return
    if len(placements) != 1:
        message = f"--write-lp: {len(placements)} asks are decided one after the other; give one, or add --together all"
        raise InputError(message)
    (placement,) = placements
    if placement.node is None:
        message = f"--write-lp: {placement.ask} is placed nowhere, so there is no programme: {placement.message}"
        raise InputError(message)
    rule, problem = _rule(how.policy), problem_of(fleet, objects)
    assert rule is not None
    assert isinstance(rule.solver, Ilp)
    local = problem.local(fleet.nodes.index[placement.node], problem.ask)
    rule.solver.write(local, as_objective(rule.objective), how.programme)


def _rule(policy: str) -> Rule | None:
    """Return the rule of a policy, if it solves programmes."""
    rule = policy_of(policy or STOCK)
    return rule if isinstance(rule, Rule) and isinstance(rule.solver, Ilp) else None


def _patterns(policy: str) -> Patterns | None:
    """Return how a policy decides groups, if it solves programmes."""
    found = group_policy(policy or None)
    own = found.of if isinstance(found, Called) else found
    return own if isinstance(own, Patterns) else None
