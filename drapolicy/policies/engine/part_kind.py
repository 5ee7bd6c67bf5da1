"""A kind of ask that nodes answer by their parts: partitions on shared counters, and shares of devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import ResourceClaim
from drapolicy.policies.answer import Answer
from drapolicy.policies.engine.division import Division, Seat, divided
from drapolicy.policies.engine.facets import Facets
from drapolicy.policies.engine.kind import Kind, Maker
from drapolicy.policies.engine.table import Table
from drapolicy.policies.engine.template import Template
from drapolicy.policies.engine.views import UnseenError, Views
from drapolicy.policies.solvers import Exact, FirstFit
from drapolicy.problem.formulation import Formulation
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Fits
from drapolicy.problem.state import State


class PartKind(Kind):
    """A kind whose answers are kept by the devices that nodes give instead of all that is taken there.

    Which devices these are is told by what is taken of each part, found once for parts that are alike. Answers do not
    depend on anything else of the node: they are those of an empty one whose devices are given.

    Attributes
    ----------
    facets
        The devices that each node gives.
    """

    def __init__(
        self,
        maker: Maker,
        claims: Sequence[ResourceClaim],
        views: Views,
        reads: frozenset[str],
        refused: NDArray[np.bool_],
        *,
        state: State,
    ) -> None:
        super().__init__(maker, claims, views, reads, refused)
        self._state = state
        maker.parts.follow(state)
        self._numbers = self.facets = Facets(maker.parts, maker.contents, self._plan, len(views))
        self._counted = 0

    @classmethod
    def of(
        cls,
        maker: Maker,
        claims: Sequence[ResourceClaim],
        views: Views,
        reads: frozenset[str],
        refused: NDArray[np.bool_],
        *,
        state: State,
    ) -> PartKind | None:
        """Return the kind of some claims; None where no node answers by its parts.

        Raises
        ------
        UnreadError, UnseenError
            As :meth:`~drapolicy.policies.engine.kind.Kind.catch_up`.
        """
        suited = isinstance(maker.solver, Exact | FirstFit) and sum(len(c.spec.devices.requests) for c in claims) == 1
        sees = {name for term in maker.objective.terms for name in term.sees}
        if not suited or sees - {"chosen"} or not maker.parts.suit(state):
            return None
        kind = cls(maker, claims, views, reads, refused, state=state)
        rows = np.unique(kind._rows.of_node)
        return kind if kind.facets.plan(rows[rows < len(views)].tolist()) else None

    def _plan(self, row: int) -> Division | None:
        assert self._state is not None
        maker = self._maker
        local = self._local(self._state, row, 0)
        table = self._tables[row] = Table.of(local, maker.contents, maker.objective, maker.solver)
        parts = maker.parts.of(int(self._samples[row]))
        division = divided(local, table, parts, maker.solver, aimless=not maker.objective.levels)
        self._read(local)
        return division

    @property
    def held(self) -> int:
        """Number of answers that are kept, and of what is known of parts."""
        return super().held + len(self.facets) + self.facets.found

    # --- asking ----------------------------------------------------------------------------------------------

    def _ask(self, state: State, cells: set[tuple[int, int]]) -> None:
        whole = {(row, number) for row, number in cells if self.facets[number].content >= 0}
        super()._ask(state, whole)
        for row, number in sorted(cells - whole):
            seat = self.facets[number].seat
            if seat is None:
                self._keep(row, number, Answer(self._formulation(row).refusal, status="infeasible"), None)
            else:
                self._write(row, number, self._foreseen(row, seat))
        self._maker.made += self.facets.found - self._counted
        self._counted = self.facets.found

    def _by_table(self, state: State, row: int, contents: list[int]) -> list[int]:  # noqa: ARG002
        return contents

    def _formulation(self, row: int) -> Formulation:
        assert self._state is not None
        found = self._local(self._state, row, 0).formulation
        assert isinstance(found, Formulation)
        return found

    def _foreseen(self, row: int, seat: Seat) -> Answer:
        """Return the answer of nodes that give some devices, without these."""
        table = self._tables[row]
        return Answer(Fits(()), status="feasible") if table is None else table.answer_of(*seat)

    def _local(self, state: State, row: int, content: int) -> LocalProblem:
        return super()._local(state, row, max(0, self.facets[content].content))

    def _seated(self, row: int, content: int) -> tuple[Answer, Template | None]:
        seat = self.facets[content].seat
        assert seat is not None
        assert self._state is not None
        local = self._local(self._state, row, 0)
        solution = local.taking([[seat] if claim.spec.devices.requests else [] for claim in self._claims])
        if solution is None:
            message = "devices that the reference refuses on an empty node"
            raise UnseenError(message)
        answer = replace(self._foreseen(row, seat), outcome=local.written(solution))
        return self._with_template(local, answer)
