"""Every rule of one node's problem as rows of an integer programme."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drapolicy.policies.solvers.ilp.amounts import Amounts
from drapolicy.policies.solvers.ilp.choices import Choices
from drapolicy.policies.solvers.ilp.common import add_distinct, add_joint, add_match
from drapolicy.problem.formulation import Formulation


class Rules(Choices):
    """A programme whose solutions are the assignments that a formulation admits.

    Parameters
    ----------
    formulation, name
        As of :class:`~drapolicy.policies.solvers.ilp.choices.Choices`.

    Attributes
    ----------
    cuts
        What :meth:`cut` asks: each adds rows that refuse a solution, if it has to, and returns whether it did.
    """

    def __init__(self, formulation: Formulation, name: str = "node") -> None:
        super().__init__(formulation, name)
        for d in self.holders:
            if not formulation.shared[d]:
                self._whole(d)
        self.cuts: list[Callable[[Mapping[str, float]], bool]] = [Amounts(self).cut]
        for j, joint in enumerate(formulation.joints):
            add_joint(self, j, joint)
        for m, match in enumerate(formulation.matches):
            add_match(self, m, match)
        for m, distinct in enumerate(formulation.distincts):
            add_distinct(self, m, distinct)

    def _whole(self, d: int) -> None:
        """Add the rows of a device that is taken as a whole."""
        f = self.formulation
        rows = self.holders[d]
        whole = [r for r in rows if not f.rows[r].admin]
        self.at_most_one(f"whole_{d}", [(r, d) for r in whole])
        for claim in dict.fromkeys(f.rows[r].claim for r in rows):
            own = [r for r in rows if f.rows[r].claim == claim]
            if not set(own) <= set(whole):
                self.at_most_one(f"whole_{d}_claim_{claim}", [(r, d) for r in own])
        for r in whole:
            for other in set(rows) - set(whole):
                # With admin access a device is taken after the others only.
                if self.number[other] < self.number[r] and f.rows[other].claim != f.rows[r].claim:
                    self.at_most_one(f"before_{d}_{r}_{other}", [(r, d), (other, d)])

    def cut(self, values: Mapping[str, float]) -> bool:
        """Add rows that refuse a solution which only they tell from others; return whether there were any."""
        found = [cut(values) for cut in self.cuts]
        return any(found)
