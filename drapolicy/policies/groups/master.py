"""Which patterns go to how many nodes of each state: a linear programme over columns, and its bound in integers.

The bound is that of Lagrange: whatever price each kind of ask has, no placement is worth more than what the groups pay
for the asks that they get and what the nodes gain over these prices. Prices come from the linear programme; the bound
is computed from them in integers, so it holds whatever a solver's rounding did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pulp
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from drapolicy.policies.groups.joint import Play
from drapolicy.policies.groups.kinds import Kinds
from drapolicy.policies.solvers.ilp.backend import Limits, Solved, solve


class Column(NamedTuple):
    """A pattern on a node of a state.

    Attributes
    ----------
    stand
        Position of the state.
    play
        The asks and what they get.
    """

    stand: int
    play: Play


class Share(NamedTuple):
    """Asks of one kind in one group: at most so many are placed."""

    group: int
    kind: int
    most: int


class Duals(NamedTuple):
    """Prices of a linear programme.

    Attributes
    ----------
    kinds
        Of an ask of each kind; ndarray of shape (K,).
    stands
        Of a node of each state; ndarray of shape (S,).
    floors
        Of a unit of each earlier level; ndarray of shape (levels before,).
    """

    kinds: NDArray[np.float64]
    stands: NDArray[np.float64]
    floors: NDArray[np.float64]


@dataclass
class Master:
    """Columns, and what they must satisfy.

    Attributes
    ----------
    kinds
        The asks.
    counts
        Nodes of each state, no more than there are asks.
    columns
        Patterns that are known, each once.
    floors
        What earlier levels must reach.
    """

    kinds: Kinds
    counts: Sequence[int]
    columns: list[Column] = field(default_factory=list)
    floors: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        possible = self.kinds.possible
        self.shares = [
            Share(g, k, n)
            for g, row in enumerate(self.kinds.wanted.tolist())
            for k, n in enumerate(row)
            if n and possible[k]
        ]
        self.least = {g: group.at_least for g, group in enumerate(self.kinds.groups) if group.at_least}
        self._known: set[Column] = set()

    def add(self, columns: Iterable[Column]) -> int:
        """Add columns that are not known, and return how many there were."""
        before = len(self.columns)
        for column in columns:
            if column not in self._known:
                self._known.add(column)
                self.columns.append(column)
        return len(self.columns) - before

    # --- the linear programme --------------------------------------------------------------------------------

    def free(self) -> Duals:
        """Return prices of nothing: they too prove a bound."""
        return Duals(*(np.zeros(n) for n in (len(self.kinds.samples), len(self.counts), len(self.floors))))

    def relaxed(self, level: int) -> tuple[float, Duals] | None:
        """Return the optimum of one level over the known columns, in fractions, and its prices.

        None where the solver gave up.
        """
        columns, shares, groups = len(self.columns), len(self.shares), list(self.least)
        width = columns + shares + len(groups)
        if not width:
            return 0.0, self.free()
        worth = np.zeros(width)
        worth[:columns] = [column.play.values[level] for column in self.columns]
        linked = _Rows(len(self.kinds.samples))
        limits = _Rows(len(self.counts) + len(self.floors))
        for c, (stand, play) in enumerate(self.columns):
            limits.put(stand, c, 1)
            for i in range(len(self.floors)):
                limits.put(len(self.counts) + i, c, -play.values[i])
            for step in play.steps:
                linked.put(step.kind, c, 1)
        for s, share in enumerate(self.shares):
            linked.put(share.kind, columns + s, -1)
        bounds = [*self.counts, *(-floor for floor in self.floors)]
        for y, g in enumerate(groups):
            at_least = limits.more()
            limits.put(at_least, columns + shares + y, self.least[g])
            bounds.append(0)
            for s, share in enumerate(self.shares):
                if share.group == g:
                    limits.put(at_least, columns + s, -1)
                    row = limits.more()
                    limits.put(row, columns + s, 1)
                    limits.put(row, columns + shares + y, -share.most)
                    bounds.append(0)
        uppers = [np.inf] * columns + [float(share.most) for share in self.shares] + [1.0] * len(groups)
        found = linprog(  # type: ignore[call-overload]  # its stubs know no sparse matrices
            -worth,
            A_ub=limits.matrix(width),
            b_ub=np.array(bounds, np.float64),
            A_eq=linked.matrix(width),
            b_eq=np.zeros(linked.count),
            bounds=list(zip([0.0] * width, uppers, strict=True)),
            method="highs",
        )
        if found.status:
            return None
        states = len(self.counts)
        of_rows = -found.ineqlin.marginals
        return -found.fun, Duals(-found.eqlin.marginals, of_rows[:states], of_rows[states : states + len(self.floors)])

    # --- in integers -----------------------------------------------------------------------------------------

    def paid(self, prices: Sequence[int]) -> int:
        """Return the most that all groups pay for their asks at some prices."""
        total = 0
        for g in range(len(self.kinds.groups)):
            own = sorted(((prices[s.kind], s.most) for s in self.shares if s.group == g), reverse=True)
            pays, placed, least = 0, 0, self.least.get(g, 0)
            for price, most in own:
                # Asks that lower the sum are placed only where the group would not be placed without them.
                number = most if price > 0 else min(most, max(0, least - placed))
                pays += price * number
                placed += number
            total += max(0, pays) if placed >= least else 0
        return total

    def gained(self, worth: NDArray[np.int64]) -> int:
        """Return the most that nodes gain; at most one node an ask gets any.

        Parameters
        ----------
        worth
            Of the best pattern on each state; ndarray of shape (S,), int64.
        """
        total, left = 0, sum(share.most for share in self.shares)
        for s in np.argsort(-worth, kind="stable").tolist():
            if worth[s] <= 0 or not left:
                break
            number = min(self.counts[s], left)
            total += int(worth[s]) * number
            left -= number
        return total

    def chosen(self, level: int, limits: Limits, start: Sequence[int] | None = None) -> Solved:
        """Return the best choice of known columns for one level, values as in :meth:`programme`.

        Parameters
        ----------
        level
            The level.
        limits
            When to stop.
        start
            Nodes of each column in a choice that is known.
        """
        known = None if start is None else {f"w{c}": float(n) for c, n in enumerate(start)}
        return solve(self.programme(level), limits=limits, start=known)

    def programme(self, level: int) -> pulp.LpProblem:
        """Return the programme of one level over the known columns.

        ``w0`` and on are the nodes of each column, ``x0`` and on the asks that are placed of each share, ``y0`` and on
        whether a group is.
        """
        model = pulp.LpProblem("batch", pulp.LpMaximize)
        nodes = [
            model.add_variable(f"w{c}", 0, self.counts[column.stand], pulp.LpInteger)
            for c, column in enumerate(self.columns)
        ]
        placed = [model.add_variable(f"x{s}", 0, share.most, pulp.LpInteger) for s, share in enumerate(self.shares)]
        whole = {g: model.add_variable(f"y{g}", cat=pulp.LpBinary) for g in self.least}
        model += _sum((w, column.play.values[level]) for column, w in zip(self.columns, nodes, strict=True))
        of_stand: dict[int, list[tuple[pulp.LpVariable, int]]] = {}
        of_kind: dict[int, list[tuple[pulp.LpVariable, int]]] = {kind: [] for kind in range(len(self.kinds.samples))}
        for column, w in zip(self.columns, nodes, strict=True):
            of_stand.setdefault(column.stand, []).append((w, 1))
            for kind, count in Counter(column.play.pattern).items():
                of_kind[kind].append((w, count))
        for stand, own in of_stand.items():
            model += _sum(own) <= self.counts[stand], f"state_{stand}"
        for share, x in zip(self.shares, placed, strict=True):
            of_kind[share.kind].append((x, -1))
        for kind, terms in of_kind.items():
            if terms:
                model += _sum(terms) == 0, f"kind_{kind}"
        for g, y in whole.items():
            members = [(share, x) for share, x in zip(self.shares, placed, strict=True) if share.group == g]
            model += _sum((x, 1) for _, x in members) >= self.least[g] * y, f"least_{g}"
            for share, x in members:
                model += x <= share.most * y, f"group_{g}_kind_{share.kind}"
        for i, floor in enumerate(self.floors):
            reached = _sum((w, column.play.values[i]) for column, w in zip(self.columns, nodes, strict=True))
            model += reached >= floor, f"level_{i}"
        return model


def _sum(terms: Iterable[tuple[pulp.LpVariable, int]]) -> pulp.LpAffineExpression:
    return pulp.LpAffineExpression(list(terms))


class _Rows:
    """Rows of a sparse matrix."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._values: list[int] = []

    def more(self) -> int:
        """Add a row and return its position."""
        self.count += 1
        return self.count - 1

    def put(self, row: int, column: int, value: int) -> None:
        """Add to an entry."""
        self._rows.append(row)
        self._columns.append(column)
        self._values.append(value)

    def matrix(self, width: int) -> csr_array[np.float64]:
        """Return the matrix; entries that were put several times are added up."""
        entries = np.array(self._values, np.float64)
        return coo_array((entries, (self._rows, self._columns)), shape=(self.count, width)).tocsr()
