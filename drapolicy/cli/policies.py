"""``drapolicy policies``: what there is to choose from, as the policies' parts describe themselves."""

from __future__ import annotations

import inspect
import re

from drapolicy.cli.output import Format, print_data, print_table
from drapolicy.policies import POLICIES, STOCK, Policy, Rule
from drapolicy.policies.objective import as_objective


def policies(output: Format) -> int:
    """Print all policies, each with a line about it."""
    rows = [(name, about(policy)) for name, policy in POLICIES.items()]
    if output is Format.TABLE:
        print_table(("POLICY", "WHAT IT DOES"), rows)
    else:
        print_data([{"name": name, "about": text, "stock": name == STOCK} for name, text in rows], output)
    return 0


def about(policy: Policy) -> str:
    """Return one line about a policy."""
    if not isinstance(policy, Rule):
        return _first_line(policy)
    text = f"{_first_line(policy.solver)} {_first_line(policy.nodes)}"
    terms = [term.name for term in as_objective(policy.objective).terms]
    return f"{text} Better means, in this order: {', '.join(terms)}." if terms else text


def _first_line(part: object) -> str:
    # Without docstrings (python -OO) the name has to do.
    paragraph = (inspect.getdoc(type(part)) or f"{type(part).__name__}.").partition("\n\n")[0]
    return re.sub(r"\s+", " ", paragraph)
