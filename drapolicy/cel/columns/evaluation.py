"""One expression on all devices of a table, part by part.

Every part becomes a :class:`Column`: a name of the device is looked up in the table; any other part is the evaluator's
own function, applied once to each distinct combination of what its operands are. Operands that failed are handed over
as errors, so that who absorbs what is decided in one place, the evaluator. Maps of the device are kept as symbols as
long as only single names are asked of them, because a whole map tells most devices apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from drapolicy.cel.columns.bulk import in_bulk
from drapolicy.cel.columns.column import Codes, Column, joint
from drapolicy.cel.columns.parts import Names, is_binding, rebuilt, runs
from drapolicy.cel.columns.step import Step, slot
from drapolicy.cel.columns.table import Kind, Table
from drapolicy.cel.cost import LIMIT
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.program import Program
from drapolicy.cel.syntax import Call, Const, Fold, Ident, Node, Select
from drapolicy.cel.values import NONE, DefaultMap, Optional


class Whole(NamedTuple):
    """``device.attributes`` or ``device.capacity``."""

    kind: Kind


class Domain(NamedTuple):
    """The map of one domain, or that map as an optional that always holds it."""

    kind: Kind
    domain: str
    optional: bool = False


class Chosen(NamedTuple):
    """The map of a domain that differs between devices, as in ``device.attributes[device.driver]``."""

    kind: Kind
    domains: Column
    optional: bool
    node: Node


Map = Whole | Domain | Chosen
Part = Column | Map
How = Literal["get", "optional", "test", "in"]

_KINDS: dict[str, Kind] = {"device.attributes": "attributes", "device.capacity": "capacity"}

# Parts are charged apart and without what reading the device costs; this factor is more than that can come to.
_MARGIN = 16
# Below this many distinct values the evaluator is quick enough.
_MANY = 1000
# A choice between more domains is left to whole maps.
_DOMAINS = 64


class Evaluation:
    """Evaluates one expression on one table; made for one call of :meth:`column`.

    Attributes
    ----------
    read
        Columns of the table that the expression mentions.
    whole
        Whether it needs a whole map of the device.
    too_dear
        Whether some device may come near the limit of cost; the outcomes mean nothing then.
    """

    def __init__(self, program: Program, table: Table) -> None:
        self._tracked = table.scale > program.free_to
        self.read: list[Column] = []
        self.whole = False
        self.too_dear = False
        self._budget = LIMIT // _MARGIN
        self._program = program
        self._checked = program.checked
        self._table = table
        self._names = Names(program.checked)
        self._scope: dict[str, Part] = {}
        self._parts: dict[int, Part] = {}

    def column(self, node: Node) -> Column:
        """Return the outcomes of a part that mentions no variable of a comprehension around it."""
        part = self._part(node)
        return part if isinstance(part, Column) else self._map(part)

    def _part(self, node: Node) -> Part:
        known = self._parts.get(id(node))
        if known is None:
            known = self._parts[id(node)] = self._find(node)
        return known

    def _find(self, node: Node) -> Part:
        match node:
            case Const():
                return Column(None, (node.value,))
            case Ident():
                return self._ident(node)
            case Fold() if is_binding(node):
                return self._bound(node)
            case Select() | Call():
                found = self._found(node)
                return self._applied(node) if found is None else found
            case _:
                return self._applied(node)

    def _ident(self, node: Ident) -> Part:
        if node.name in self._scope:
            return self._scope[node.name]
        full = self._checked.full_name(node)
        if full == "device":
            self.whole = True
            return self._reading(self._table.device())
        if full in _KINDS:
            return Whole(_KINDS[full])
        if full in {"device.driver", "device.allowMultipleAllocations"}:
            return self._reading(self._table.field(full.removeprefix("device.")))
        return self._applied(node)

    def _bound(self, node: Fold) -> Part:
        """Return the result of a comprehension over nothing, where only the accumulator has a value."""
        start = self._part(node.start)
        if isinstance(start, Column | Whole):
            start = self._map(start) if isinstance(start, Whole) else start
            # Upstream replaces an empty map here by a plain one, whose missing keys are errors.
            values = [{} if type(value) is DefaultMap and not value else value for value in start.values]
            start = Column(start.codes, values, start.kind)
        before = self._scope
        self._scope = {**before, node.accumulator: start}
        result = self._part(node.result)
        self._scope = before
        return result

    def _found(self, node: Select | Call) -> Part | None:
        """Return a map of the device or a single name of one, None for anything else."""
        how: How
        key: Column | None
        match node:
            case Select(operand=operand, field=name, test=test) if not self._names.is_type(node):
                how = "test" if test else "get"
                key = Column(None, (name,))
            case Call(function="_[_]" | "_[?_]" | "_?._" as function, args=(operand, index)):
                how = "get" if function == "_[_]" else "optional"
                key = self._key(operand, index)
            case Call(function="@in", args=(index, operand)):
                how = "in"
                key = self._key(operand, index)
            case Call(function="orValue", target=operand, args=(default,)) if operand is not None:
                return self._or_value(node, operand, default)
            case Call(function="hasValue", target=operand) if operand is not None:
                found = self._optional_name(operand)
                return None if found is None else self._single(found[0].kind, found[0].domain, found[1], "test")
            case _:
                return None
        holder = self._map_of(operand)
        if holder is None or key is None:
            return None
        if isinstance(holder, Whole):
            return self._inner(holder.kind, key, how, node)
        if key.codes is not None or type(key.values[0]) is not str or (holder.optional and how == "in"):
            return None
        if holder.optional and how == "get":
            how = "optional"
        if isinstance(holder, Domain):
            return self._single(holder.kind, holder.domain, key.values[0], how)
        return self._switched(holder, key.values[0], how)

    def _key(self, operand: Node, index: Node) -> Column | None:
        return None if self._map_of(operand) is None else self.column(index)

    def _map_of(self, node: Node) -> Map | None:
        """Return a part if it is a map of the device, without evaluating it otherwise."""
        if isinstance(node, Const) or not self._names.of(node):
            return None
        part = self._part(node)
        return None if isinstance(part, Column) else part

    def _inner(self, kind: Kind, key: Column, how: How, node: Node) -> Part | None:
        """Return what the outer map says of a key."""
        if how == "test":
            return Column(None, (True,))
        if not all(type(domain) is str or isinstance(domain, EvaluationError) for domain in key.values):
            return None
        if key.codes is None and type(key.values[0]) is str:
            domain = key.values[0]
            if how == "in":
                return self._reading(self._table.has_domain(kind, domain))
            return Domain(kind, domain, optional=how == "optional")
        return None if how == "in" or len(key.values) > _DOMAINS else Chosen(kind, key, how == "optional", node)

    def _or_value(self, node: Node, operand: Node, default: Node) -> Part | None:
        """Return what an optional holds, or else a default."""
        found = self._optional_name(operand)
        if found is not None:
            other = self.column(default)
            column = self._reading(self._table.name(found[0].kind, found[0].domain, found[1]))
            return (
                Column(column.codes, [*column.values[:-1], other.values[0]], column.kind)
                if other.codes is None
                else None
            )
        match self._map_of(operand):
            case Domain(kind, domain, optional=True):
                return Domain(kind, domain)
            case Chosen(kind, domains, optional=True):
                return Chosen(kind, domains, optional=False, node=node)
        return None

    def _optional_name(self, node: Node) -> tuple[Domain, str] | None:
        """Return the map and name that a part asks for as optional, so that many need not be made."""
        match node:
            case Call(function="_?._" | "_[?_]", args=(operand, Const(value=str(name)))):
                holder = self._map_of(operand)
                return (holder, name) if isinstance(holder, Domain) else None
        return None

    def _single(self, kind: Kind, domain: str, name: str, how: How) -> Column:
        column = self._reading(self._table.name(kind, domain, name))
        values = column.values[:-1]
        if how == "get":
            return Column(column.codes, [*values, EvaluationError(f"no such key: {name}")], column.kind)
        if how == "optional":
            return Column(column.codes, [*(Optional(present=True, value=value) for value in values), NONE])
        assert column.codes is not None
        return Column((column.codes >= 0).view(np.uint8), (False, True))

    def _switched(self, holder: Chosen, name: str, how: How) -> Column:
        """Return a name of the domain that each device chooses."""
        chosen = holder.domains
        size = len(chosen.values)
        picks = np.zeros(len(self._table), np.int64) if chosen.codes is None else chosen.codes.astype(np.int64) % size
        codes = np.zeros(len(self._table), np.int64)
        values: list[Any] = []
        for pick, domain in enumerate(chosen.values):
            column = Column(None, (domain,))
            if type(domain) is str:
                column = self._single(holder.kind, domain, name, how)
            lanes = picks == pick
            codes[lanes] = len(values)
            if column.codes is not None:
                codes[lanes] += column.codes[lanes].astype(np.int64) % len(column.values)
            values += column.values
        return Column(codes, values)

    def _map(self, part: Map) -> Column:
        """Return a map of the device by value."""
        self.whole = True
        match part:
            case Whole(kind):
                return self._reading(self._table.whole(kind))
            case Chosen(node=node):
                return self._applied(node)
        column = self._reading(self._table.domain(part.kind, part.domain))
        if not part.optional:
            return column
        return Column(column.codes, [Optional(present=True, value=value) for value in column.values])

    def _reading(self, column: Column) -> Column:
        self.read.append(column)
        return column

    def _applied(self, node: Node) -> Column:
        """Return a part as function of its operands."""
        operands: dict[int, tuple[Ident, Column]] = {}

        def operand(part: Node, bound: frozenset[str]) -> Node:
            names = self._names.of(part)
            if names & bound:
                return rebuilt(part, lambda inner, own: operand(inner, bound | own))
            if not (runs(part) or any(name in self._scope or name.partition(".")[0] == "device" for name in names)):
                # The evaluator looks at constants when it builds a step, so they stay what they are.
                return part
            if id(part) not in operands:
                place = len(operands)
                operands[id(part)] = slot(place), self.column(part)
            return operands[id(part)][0]

        body = rebuilt(node, operand)
        columns = [column for _, column in operands.values()]
        step = Step(body, self._program, limit=self._budget if self._tracked else None)
        if len(columns) == 1 and len(columns[0].values) > _MANY and not self._tracked:
            many = columns[0]
            assert many.codes is not None
            truths = in_bulk(body, many.kind, many.values[:-1])
            if truths is not None:
                return Column(np.array([*truths, 2], np.uint8)[many.codes], (False, True, step(many.values[-1:])))
        codes, rows = joint(columns)
        return Column(codes, [step(row) for row in rows]) if not self._tracked else self._charged(step, codes, rows)

    def _charged(self, step: Step, codes: Codes | None, rows: Sequence[Sequence[Any]]) -> Column:
        """Return the outcomes of a step while they can be paid for."""
        outcomes = []
        for row in rows if not self.too_dear else ():
            outcomes.append(step(row))
            self.too_dear = step.dearest > self._budget
            if self.too_dear:
                break
        self._budget -= step.dearest
        return Column(None, (None,)) if self.too_dear else Column(codes, outcomes)
