"""One expression on all devices of a table, part by part.

Every part becomes a :class:`Column`: a name of the device is looked up in the table; any other part is the evaluator's
own function, applied once to each distinct combination of what its operands are. Operands that failed are handed over
as errors, so that who absorbs what is decided in one place, the evaluator. Maps of the device are kept as symbols as
long as only single names are asked of them, because a whole map tells most devices apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from drapolicy.cel.columns.column import Column, joint
from drapolicy.cel.columns.parts import Names, is_binding, rebuilt, runs
from drapolicy.cel.columns.table import Kind, Table
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.evaluator import Builder
from drapolicy.cel.steps import Run
from drapolicy.cel.syntax import Call, Checked, Const, Fold, Ident, Node, Select
from drapolicy.cel.values import NONE, DefaultMap, Optional


class Whole(NamedTuple):
    """``device.attributes`` or ``device.capacity``."""

    kind: Kind


class Domain(NamedTuple):
    """The map of one domain, or that map as an optional that always holds it."""

    kind: Kind
    domain: str
    optional: bool = False


Part = Column | Whole | Domain

_KINDS: dict[str, Kind] = {"device.attributes": "attributes", "device.capacity": "capacity"}


class Inputs(dict[str, Any]):
    """What a step reads in place of the device; an outcome that is an error fails when it is read."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, EvaluationError):
            raise value.with_traceback(None)
        return value


@dataclass(frozen=True, slots=True)
class Step:
    """A function of named inputs.

    Attributes
    ----------
    run
        The evaluator's function.
    slots
        Length of the frame that it needs.
    """

    run: Run
    slots: int

    @classmethod
    def of(cls, node: Node, checked: Checked, expression: str) -> Step:
        """Build the step of a part whose inputs are names of the device."""
        builder = Builder(replace(checked, root=node), expression)
        return cls(builder.build(node), builder.slots)

    def __call__(self, inputs: Inputs) -> tuple[Any, int]:
        """Return the outcome and what it cost."""
        frame: list[Any] = [inputs, 0, *[None] * (self.slots - 2)]
        try:
            outcome = self.run(frame)
        except EvaluationError as error:
            # An outcome may be kept for long; the frames it came through must not be.
            outcome = error.with_traceback(None)
            outcome.__context__ = None
        return outcome, frame[1]


class Evaluation:
    """Evaluates one expression on one table; made for one call of :meth:`column`.

    Attributes
    ----------
    read
        Columns of the table that the expression mentions.
    whole
        Whether it needs a whole map of the device.
    cost
        Upper bound of what any device spends in functions and comprehensions, reading the device left out.
    """

    def __init__(self, checked: Checked, expression: str, table: Table) -> None:
        self.read: list[Column] = []
        self.whole = False
        self.cost = 0
        self._checked = checked
        self._expression = expression
        self._table = table
        self._names = Names(checked)
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
        full = self._names.full(node)
        if full in _KINDS:
            return Whole(_KINDS[full])
        if full in {"device.driver", "device.allowMultipleAllocations"}:
            return self._reading(self._table.field(full.removeprefix("device.")))
        return self._applied(node)

    def _bound(self, node: Fold) -> Part:
        """Return the result of a comprehension over nothing, where only the accumulator has a value."""
        start = self._part(node.start)
        if not isinstance(start, Domain):
            start = self._map(start) if isinstance(start, Whole) else start
            # Upstream replaces an empty map here by a plain one, whose missing keys are errors.
            values = [{} if type(value) is DefaultMap and not value else value for value in start.values]
            start = Column(start.codes, values)
        before = self._scope
        self._scope = {**before, node.accumulator: start}
        result = self._part(node.result)
        self._scope = before
        return result

    def _found(self, node: Select | Call) -> Part | None:
        """Return what a single name of a map of the device is, None for anything else."""
        match node:
            case Select(operand=operand, field=name, test=test) if not self._names.is_type(node):
                how = "test" if test else "get"
            case Call(function="_[_]" | "_[?_]" | "_?._" as function, args=(operand, Const(value=str(name)))):
                how = "get" if function == "_[_]" else "optional"
            case Call(function="@in", args=(Const(value=str(name)), operand)):
                how = "in"
            case Call(function="orValue", target=operand) if operand is not None:
                part = self._map_of(operand)
                return part._replace(optional=False) if isinstance(part, Domain) and part.optional else None
            case _:
                return None
        match self._map_of(operand), how:
            case Whole(kind), "get" | "optional":
                return Domain(kind, name, optional=how == "optional")
            case Whole(kind), "in":
                return self._reading(self._table.has_domain(kind, name))
            case Whole(), "test":
                return Column(None, (True,))
            case Domain(kind, domain, optional), _ if not (optional and how == "in"):
                return self._single(kind, domain, name, "optional" if optional and how == "get" else how)
        return None

    def _map_of(self, node: Node) -> Whole | Domain | None:
        """Return a part if it is a map of the device, without evaluating it otherwise."""
        if not isinstance(node, Ident | Select | Call | Fold) or not self._names.of(node):
            return None
        part = self._part(node)
        return None if isinstance(part, Column) else part

    def _single(self, kind: Kind, domain: str, name: str, how: str) -> Column:
        column = self._reading(self._table.name(kind, domain, name))
        values = column.values[:-1]
        outcomes: Sequence[Any]
        if how == "get":
            outcomes = [*values, EvaluationError(f"no such key: {name}")]
        elif how == "optional":
            outcomes = [*(Optional(present=True, value=value) for value in values), NONE]
        else:
            outcomes = [*[True] * len(values), False]
        return Column(column.codes, outcomes)

    def _map(self, part: Whole | Domain) -> Column:
        """Return a map of the device by value."""
        self.whole = True
        if isinstance(part, Whole):
            return self._reading(self._table.whole(part.kind))
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
            if not (runs(part) or any(name in self._scope or name.startswith("device.") for name in names)):
                # The evaluator looks at constants when it builds a step, so they stay what they are.
                return part
            if id(part) not in operands:
                place = len(operands)
                operands[id(part)] = Ident(-1 - place, f"device.{place}"), self.column(part)
            return operands[id(part)][0]

        body = rebuilt(node, operand)
        names = [ident.name.removeprefix("device.") for ident, _ in operands.values()]
        step = Step.of(body, self._checked, self._expression)
        codes, rows = joint([column for _, column in operands.values()])
        outcomes, dearest = [], 0
        for row in rows:
            outcome, cost = step(Inputs(zip(names, row, strict=True)))
            outcomes.append(outcome)
            dearest = max(dearest, cost)
        self.cost += dearest
        return Column(codes, outcomes)
