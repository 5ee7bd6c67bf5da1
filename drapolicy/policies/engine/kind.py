"""One kind of ask on all nodes: what each node answers, by what it sees of it and what is taken there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import ResourceClaim
from drapolicy.policies.answer import Answer
from drapolicy.policies.engine.contents import Contents
from drapolicy.policies.engine.kernels.labels import NONE, ODD, REFUSED, UNKNOWN
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.node_rows import NodeRows
from drapolicy.policies.engine.parts import Parts
from drapolicy.policies.engine.ranking import ENDS, Labels, Order, Ranking, relabelled
from drapolicy.policies.engine.table import StateReadError, Table
from drapolicy.policies.engine.template import Template
from drapolicy.policies.engine.views import UnseenError, Views
from drapolicy.policies.objective import Objective
from drapolicy.policies.solvers import Solver
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.outcome import Abort, Fits, NoFit, TimedOut
from drapolicy.problem.site import Site
from drapolicy.problem.state import State

Nodes = NDArray[np.intp]


# What a node's answer may depend on beside its devices and what is taken of them: not kept for any node.
_BEYOND_DEVICES = frozenset({"room", "sizes"})


class UnreadError(Exception):
    """A solver or an objective read what the views do not tell apart."""

    def __init__(self, reads: frozenset[str]) -> None:
        self.reads = reads
        super().__init__(", ".join(sorted(reads)))


@dataclass
class Maker:
    """How a node is asked.

    Attributes
    ----------
    layout, contents, parts
        Where devices stand, and what is taken of nodes and of their parts.
    solver, objective
        How a node finds its devices.
    key
        What ranks an answer with devices; None where the rule takes nodes however good their devices are.
    made
        Answers that were found since answers were last forgotten.
    """

    layout: Layout
    contents: Contents
    parts: Parts
    solver: Solver
    objective: Objective
    key: Callable[[Answer], tuple[object, ...]] | None
    made: int = 0

    def ends(self, answer: Answer) -> bool:
        """Tell whether the attempt ends at a node with this answer."""
        outcome = answer.outcome
        return isinstance(outcome, Abort) or (
            isinstance(outcome, TimedOut) and self.layout.fleet.release.behaviour.timeouts_end_attempt
        )


class Numbers(Protocol):
    """What matters of the nodes as numbers: contents, or facets of these."""

    of_node: NDArray[np.int32]

    def __len__(self) -> int: ...

    def follow(self, state: State, nodes: Nodes, rows: NDArray[np.signedinteger[Any]]) -> None:
        """Bring the numbers of some nodes up to date."""


class Cell(NamedTuple):
    """What nodes say that see an ask alike and of which the same is taken."""

    answer: Answer
    template: Template | None


class Kind:
    """Answers of all nodes to one kind of ask, ranked; brought up to date by the nodes that have changed.

    Parameters
    ----------
    maker
        How nodes are asked.
    claims
        Claims of one ask of the kind.
    views
        What the kind sees of each node.
    reads
        What the views tell apart beyond what is free and eligible.
    refused
        ndarray of shape (N,), bool; nodes that are none for the pod, whatever is taken there.

    Attributes
    ----------
    cells
        Answers by row (view) and content.
    odd
        Answers of nodes that are asked on their own.
    plain
        Every answer so far was devices, or none.
    unproved
        Cells whose devices are not known to be the best.
    """

    def __init__(
        self,
        maker: Maker,
        claims: Sequence[ResourceClaim],
        views: Views,
        reads: frozenset[str],
        refused: NDArray[np.bool_],
    ) -> None:
        self._maker = maker
        self._claims = tuple(claims)
        self._samples = views.sample
        self._reads = reads
        self._rows = NodeRows(views, refused)
        self._order = Order()
        self._numbers: Numbers = maker.contents
        self.cells: dict[tuple[int, int], Cell] = {}
        self.odd: dict[int, Answer] = {}
        self._written = 0
        self._tables: dict[int, Table | None] = {}
        self._state: State | None = None
        self.plain = True
        self.unproved: set[tuple[int, int]] = set()
        self._labels = np.empty((self._rows.refused + 1, 0), np.int32)
        self._make_room()
        self.ranking: Ranking | None = None
        self.mark = 0
        self.shared = -1

    # --- keeping up ------------------------------------------------------------------------------------------

    def catch_up(self, state: State, changed: Nodes, closed: Collection[int] = ()) -> Ranking:
        """Bring the ranking up to date and return it.

        Parameters
        ----------
        state
            The state.
        changed
            Nodes that may have changed since the last time; anything before the first.
        closed
            Nodes that are away, or cordoned for the kind's pods.

        Raises
        ------
        UnreadError, UnseenError
            When the answer of some node cannot be known by what the views tell.
        """
        self._state = state
        rows = self._rows
        if rows.version != state.conditions.version:
            moved = rows.follow(state.conditions.version, self._alters(state), closed)
            for n in moved[rows.of_node[moved] != rows.odd].tolist():
                self.odd.pop(n, None)
            changed = np.union1d(changed, moved)
        numbers, ranking = self._numbers, self.ranking
        every = np.arange(len(rows.of_node)) if ranking is None else changed
        numbers.follow(state, every, rows.of_node)
        if len(numbers) > self._labels.shape[1]:
            self._make_room()
        if ranking is None:
            ranking = Ranking(self._answers(state, every))
            self.ranking = ranking
        elif len(changed):
            unknown = ranking.refresh(changed, rows.of_node, numbers.of_node, self._labels)
            if unknown is not None:
                ranking.write(unknown, self._answers(state, unknown))
        if self.shared != state.shared_changes:
            self.shared = state.shared_changes
            if len(rows.odd_nodes):
                ranking.write(rows.odd_nodes, self._answers(state, rows.odd_nodes))
        return ranking

    def _alters(self, state: State) -> Collection[int]:
        """Return the nodes whose devices are not as the views tell."""
        return state.conditions.altered

    def _make_room(self) -> None:
        width, rows = max(64, 2 * len(self._numbers)), self._rows
        grown = np.full((rows.refused + 1, width), UNKNOWN, np.int32)
        grown[rows.odd], grown[rows.refused] = ODD, REFUSED
        grown[:, : self._labels.shape[1]] = self._labels
        self._labels = grown

    def _answers(self, state: State, nodes: Nodes) -> Labels:
        rows, contents = self._rows.of_node[nodes], self._numbers.of_node[nodes]
        labels: Labels = self._labels[rows, contents]
        if (labels > ODD).all():
            return labels
        unknown = labels == UNKNOWN
        self._ask(state, set(zip(rows[unknown].tolist(), contents[unknown].tolist(), strict=True)))
        alone = [(k, self._ask_odd(state, int(nodes[k]))) for k in np.flatnonzero(labels == ODD).tolist()]
        # Read only now: a new label may have moved the others.
        labels = self._labels[rows, contents]
        for place, answer in alone:
            labels[place] = self._label(answer)
        return labels

    # --- asking ----------------------------------------------------------------------------------------------

    def _ask(self, state: State, cells: set[tuple[int, int]]) -> None:
        by_row: dict[int, list[int]] = {}
        for row, content in sorted(cells):
            by_row.setdefault(row, []).append(content)
        for row, contents in by_row.items():
            for content in self._by_table(state, row, contents):
                self._keep(row, content, *self._solve(state, row, content))

    def _by_table(self, state: State, row: int, contents: list[int]) -> list[int]:
        """Look answers up that a table knows; return the contents that it does not know."""
        if row not in self._tables:
            local = self._local(state, row, 0)
            self._tables[row] = Table.of(local, self._maker.contents, self._maker.objective, self._maker.solver)
        table = self._tables[row]
        if table is None:
            return contents
        held = [self._maker.contents[content] for content in contents]
        known = table.knows(held)
        asked = np.flatnonzero(known).tolist()
        try:
            answers = table.answers([held[at] for at in asked])
        except StateReadError:
            self._tables[row] = None
            return contents
        self._read(table.local)
        for at, answer in zip(asked, answers, strict=True):
            if answer.fits:
                self._write(row, contents[at], answer)
            else:
                self._keep(row, contents[at], answer, None)
        return [content for content, well in zip(contents, known.tolist(), strict=True) if not well]

    def _keep(self, row: int, content: int, answer: Answer, template: Template | None) -> None:
        self._write(row, content, answer)
        self.cells[row, content] = Cell(answer, template)
        self.plain = self.plain and isinstance(answer.outcome, Fits | NoFit)
        if answer.fits and answer.status != "optimal":
            self.unproved.add((row, content))

    def _write(self, row: int, content: int, answer: Answer) -> None:
        label = self._label(answer)
        if self._labels[row, content] == UNKNOWN:
            self._written += 1
            self._maker.made += 1
        self._labels[row, content] = label

    def _label(self, answer: Answer) -> int:
        maker = self._maker
        ends = maker.ends(answer)
        if not answer.fits and not ends:
            return NONE
        if ends and maker.key is not None:
            return ENDS
        key = () if maker.key is None else maker.key(answer)
        label = self._order.label(key)
        while label is None:
            old, new = self._order.spread()
            relabelled(self._labels, old, new)
            if self.ranking is not None:
                self.ranking.relabel(old, new)
            label = self._order.label(key)
        return label

    def _local(self, state: State, row: int, content: int) -> LocalProblem:
        """Return a node of a view of which just a content is taken."""
        maker = self._maker
        n = int(self._samples[row])
        if not maker.layout.describes(state.sites[n]):
            message = "devices that a node does not see as its slices publish them"
            raise UnseenError(message)
        consumable = "ConsumableCapacity" in maker.layout.fleet.release.features
        return self._problem(
            state, state.sites[n], maker.contents.allocated(content, maker.layout.ids(n), consumable=consumable)
        )

    def _problem(self, state: State, site: Site, allocated: AllocatedState) -> LocalProblem:
        fleet, n = self._maker.layout.fleet, site.index
        return LocalProblem(site, self._claims, allocated, state.rooms[n], classes=fleet.classes, release=fleet.release)

    def _solve(self, state: State, row: int, content: int) -> tuple[Answer, Template | None]:
        maker = self._maker
        local = self._local(state, row, content)
        return self._with_template(local, maker.solver.solve(local, maker.objective, np.random.default_rng(0)))

    def _seated(self, row: int, content: int) -> tuple[Answer, Template | None]:
        """Return the answer of a cell that is known by a table alone: its devices, as the reference takes them."""
        table, state = self._tables[row], self._state
        assert table is not None
        assert state is not None
        held = self._maker.contents[content]
        chosen = table.chosen(held)
        local = self._local(state, row, content)
        solution = (
            None
            if chosen is None
            else local.taking([[chosen] if claim.spec.devices.requests else [] for claim in self._claims])
        )
        if solution is None:
            return self._solve(state, row, content)
        (answer,) = table.answers([held])
        outcome = local.written(solution)
        return self._with_template(local, replace(answer, outcome=outcome))

    def _with_template(self, local: LocalProblem, answer: Answer) -> tuple[Answer, Template | None]:
        maker = self._maker
        template = None
        if isinstance(answer.outcome, Fits):
            results = answer.outcome.results
            score = maker.objective.by_term(local, local.indices(results)) if maker.objective.levels else {}
            template = Template.of(results, maker.layout.positions(local.index), score)
        self._read(local)
        return answer, template

    def _read(self, local: LocalProblem) -> None:
        unread = frozenset(local.reads) - self._reads
        if unread:
            raise UnreadError(unread)

    def _ask_odd(self, state: State, n: int) -> Answer:
        local = self._problem(state, state.site(n), state.allocated)
        answer = self._maker.solver.solve(local, self._maker.objective, np.random.default_rng(0))
        beyond = _BEYOND_DEVICES & local.reads
        if beyond:
            message = f"the policy reads {min(beyond)}"
            raise UnseenError(message)
        self._label(answer)
        self._maker.made += 1
        self.plain = self.plain and isinstance(answer.outcome, Fits | NoFit)
        self.odd[n] = answer
        return answer

    def settled(self, n: int) -> Cell | None:
        """Return the cell of a node that is to be taken, with its devices; None for a node that is asked on its own.

        Raises
        ------
        UnseenError
            When the reference says something else than the table foresaw.
        """
        at = self.cell(n)
        known = self.cells.get(at)
        if known is None and at[0] < self._rows.odd:
            foreseen = int(self._labels[at])
            self._keep(*at, *self._seated(*at))
            if self._labels[at] != foreseen:
                message = "a table that foresees other answers than the reference gives"
                raise UnseenError(message)
            known = self.cells[at]
        return known

    # --- telling ---------------------------------------------------------------------------------------------

    def cell(self, n: int) -> tuple[int, int]:
        """Return where the answer of a node stands in :attr:`cells`."""
        return int(self._rows.of_node[n]), int(self._numbers.of_node[n])

    def answers(self, nodes: NDArray[np.intp]) -> Iterator[tuple[int, Answer]]:
        """Yield the answers of some nodes with the number of nodes that gave each; the last node's comes last."""
        at = self._rows.of_node[nodes].astype(np.int64) * self._labels.shape[1] + self._numbers.of_node[nodes]
        distinct, last, counts = np.unique(at[::-1], return_index=True, return_counts=True)
        for k in np.argsort(-last, kind="stable").tolist():
            row, content = divmod(int(distinct[k]), self._labels.shape[1])
            if row < self._rows.odd:
                yield int(counts[k]), self.cells[row, content].answer
        for n in nodes[self._rows.of_node[nodes] == self._rows.odd].tolist():
            yield 1, self.odd[n]

    def in_cells(self, cells: set[tuple[int, int]]) -> NDArray[np.bool_]:
        """Return which nodes are in some of the cells; ndarray of shape (N,), bool."""
        marked = np.zeros(self._labels.shape, np.bool_)
        for row, content in cells:
            marked[row, content] = True
        found: NDArray[np.bool_] = marked[self._rows.of_node, self._numbers.of_node]
        return found

    def ranks(self, labels: Labels) -> NDArray[np.int64]:
        """Return the rank of each of some labels of devices, where nodes are ranked by it alone."""
        distinct, of = np.unique(labels, return_inverse=True)
        known = [rank for (rank,) in map(self._order.key, distinct.tolist())]
        return np.array(known, np.int64)[of]

    def ends(self, nodes: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell at which of some nodes the attempt ends."""
        ranking = self.ranking
        assert ranking is not None
        if self.plain:
            return np.zeros(len(nodes), np.bool_)
        if self._maker.key is not None:
            known: NDArray[np.bool_] = ranking.labels[nodes] == ENDS
            return known
        found = self.in_cells({at for at, cell in self.cells.items() if self._maker.ends(cell.answer)})
        found[[n for n, answer in self.odd.items() if self._maker.ends(answer)]] = True
        ends: NDArray[np.bool_] = found[nodes]
        return ends

    def doubtful(self) -> NDArray[np.intp] | None:
        """Return the nodes whose devices are not known to be their best; None where there are none."""
        if not self.unproved and not self.odd:
            return None
        found = self.in_cells(self.unproved)
        found[[n for n, answer in self.odd.items() if answer.fits and answer.status != "optimal"]] = True
        return np.flatnonzero(found)

    @property
    def held(self) -> int:
        """Number of answers that are kept."""
        return self._written + len(self.odd)
