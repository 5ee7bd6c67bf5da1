"""What came of cases: one row each, and how many agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drapolicy.policies.cases.machine import Machine
from drapolicy.policies.engine import Engine
from drapolicy.policies.objective import as_objective
from drapolicy.policies.rule import Rule
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State


@dataclass(frozen=True)
class Row:
    """One case.

    Attributes
    ----------
    name, policy
        Which case, and which policy with its parameters answered it.
    expected, got
        What the case states and what the policy gave, as texts.
    agrees
        Whether they are the same, or of the same weight where the case leaves ties free.
    note
        What else is to be said; empty for most.
    """

    name: str
    policy: str
    expected: str
    got: str
    agrees: bool
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All cases of a file.

    Attributes
    ----------
    format, source
        What kind of file it is, and where its cases are from, in the file's own words.
    rows
        One a case, in the order of the file.
    wrong
        Statements of the source that are not the cases' answer because they are wrong, one sentence each.
    """

    format: str
    source: str
    rows: tuple[Row, ...]
    wrong: tuple[str, ...] = ()

    @property
    def agree(self) -> int:
        """How many cases agree."""
        return sum(row.agrees for row in self.rows)

    @property
    def disagree(self) -> int:
        """How many do not."""
        return len(self.rows) - self.agree

    def as_data(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "format": self.format,
            "source": self.source,
            "cases": len(self.rows),
            "agree": self.agree,
            "disagree": self.disagree,
            "wrong_in_source": list(self.wrong),
            "disagreements": [
                {"case": row.name, "policy": row.policy, "expected": row.expected, "got": row.got, "note": row.note}
                for row in self.rows
                if not row.agrees
            ],
        }


def listed(ids: Iterable[object] | None) -> str:
    """Return ids as a text; ``none`` for no devices.

    Examples
    --------
    >>> listed([3, 1]), listed([])
    ('3 1', 'none')
    """
    return " ".join(map(str, ids or ())) or "none"


class Player:
    """Asks a policy for devices of one machine, one ask after the other, as the package does it anywhere.

    Attributes
    ----------
    completed
        Devices of the last ask if the reference completed it, because the policy had none, or too few.
    """

    def __init__(self, machine: Machine, state: State, policy: Rule) -> None:
        self.machine = machine
        self.state = state
        self.policy = policy
        self._engine = Engine(state.fleet, policy)
        self.completed: tuple[str, ...] = ()
        self._asked = 0

    def ask(self, size: int, required: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the devices that the policy gives, in the machine's words; none where it gives none.

        What it gives is held from then on. What the reference completed because the policy itself had no answer is not
        the policy's answer; it stands in :attr:`completed`.
        """
        self.completed = ()
        # No claim can say so: upstream refuses the same.
        if size <= 0 or size > len(self.machine.slots) or len(set(required)) > size:
            return ()
        self._asked += 1
        claims = self.machine.claims(size, tuple(dict.fromkeys(required)), name=f"ask-{self._asked}")
        asked = Ask(f"case/ask-{self._asked}", claims, None, kind_of(claims, None))
        problem = Problem(self.state, (asked,))
        placement = self._engine.place(problem, np.random.default_rng(0))
        if placement.node is None:
            return ()
        wanted = as_objective(self.policy.objective)
        answer = self.policy.solver.solve(problem.local(0, asked), wanted, np.random.default_rng(0))
        if answer.completed:
            self.completed = self.machine.ids(placement.results)
            return ()
        self.state.apply(Start(asked, placement.node, placement.results))
        return self.machine.ids(placement.results)
