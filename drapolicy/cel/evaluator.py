"""Checked expressions turned into Python functions, one closure a node (K8s S56, S59).

Errors are exceptions until something may absorb them; an accumulator that failed holds its error as its value,
because upstream's comprehensions go on and fail only where the accumulator is read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from drapolicy.cel.access import QUALIFIERS, element, has_element, optional_element
from drapolicy.cel.call_estimates import SELF_COMPARED
from drapolicy.cel.dispatch import Overloads
from drapolicy.cel.environment import Environment
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.folds import accumulated, appending, folding, inserting
from drapolicy.cel.functions import FUNCTIONS
from drapolicy.cel.library import regex_fault
from drapolicy.cel.older import functions_of
from drapolicy.cel.steps import (
    Frame,
    Run,
    alternative,
    binary,
    conditional,
    conjunction,
    disjunction,
    domain_field,
    hashed_membership,
    listed,
    mapped,
    not_strictly_false,
    self_compared,
)
from drapolicy.cel.syntax import (
    Call,
    Checked,
    Const,
    Fold,
    Ident,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    Struct,
    children,
)
from drapolicy.cel.values import TextMap, TypeName, go_name, no_overload

_CONVERSIONS = frozenset({"int", "uint", "double", "string", "bool", "bytes", "dyn", "type", "duration", "timestamp"})
_READS = frozenset({"_[_]", "_[?_]", "_?._"})


class Builder:
    """Builds the function of one expression.

    Attributes
    ----------
    slots
        Length of the frame that the function needs.
    """

    def __init__(self, checked: Checked, expression: str, environment: Environment) -> None:
        self.slots = 2
        self._checked = checked
        self._expression = expression
        self._environment, self._engine = environment, environment.engine
        self._functions = functions_of(environment)
        self._scope: dict[str, Run] = {}
        self._constants: dict[Run, Any] = {}

    def build(self, node: Node) -> Run:
        """Return the function of a node.

        Raises
        ------
        CompileError
            For functions that drapolicy lacks and constants that do not convert.
        """
        match node:
            case Const():
                return self._known(node.value)
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListLiteral():
                return self._list(node)
            case MapLiteral():
                return self._map(node)
            case Fold():
                return self._fold(node)
            case Struct():
                raise self._unsupported(f"a literal of type {node.name}")

    def _known(self, value: Any) -> Run:
        """Return the function of a value that is known already."""

        def known(_: Frame) -> Any:
            return value

        self._constants[known] = value
        return known

    def _unsupported(self, what: str) -> CompileError:
        return CompileError(f"{what} is not supported by drapolicy", self._expression, unsupported=True)

    def _ident(self, node: Ident) -> Run:
        if node.name in self._scope:
            return self._scope[node.name]
        name = self._checked.full_name(node)
        if name == "device":
            return lambda frame: frame[0]
        if name.startswith("device."):
            field = name.removeprefix("device.")
            return lambda frame: frame[0][field]
        if self._checked.type_of(node)[0] == "type":
            return self._known(TypeName(name))
        raise self._unsupported(f"the name {name}")

    def _is_type(self, node: Select) -> bool:
        return node.id in self._checked.names and self._checked.type_of(node)[0] == "type"

    def _select(self, node: Select) -> Run:
        field = node.field
        if self._is_type(node):
            return self._known(TypeName(self._checked.names[node.id]))
        if node.test:
            operand, has = self.build(node.operand), self._reader(has_element, node.operand)
            return lambda frame: has(operand(frame), field)
        match node.operand:
            # By far the most frequent form, device.attributes["domain"].name, in one step.
            case Call(
                function="_[_]",
                args=(Ident(name="device.attributes" | "device.capacity" as name), Const(value=str(domain))),
            ):
                return domain_field(name.removeprefix("device."), domain, field)
        operand, find = self.build(node.operand), self._reader(element, node.operand)

        def select(frame: Frame) -> Any:
            value = operand(frame)
            return value[field] if type(value) is TextMap and field in value else find(value, field)

        return select

    def _called(self, node: Call) -> tuple[str, tuple[Node, ...]]:
        """Return the name of a function in the table, and its operands."""
        function = node.function
        if node.target is None:
            return function, node.args
        return f".{function}" if f".{function}" in self._functions else function, (node.target, *node.args)

    def _call(self, node: Call) -> Run:
        function, arguments = self._called(node)
        runs = [self.build(argument) for argument in arguments]
        match function:
            case "_&&_":
                return conjunction(*runs)
            case "_||_":
                return disjunction(*runs)
            case "_?_:_":
                return conditional(*runs)
            case "@not_strictly_false":
                return not_strictly_false(*runs)
            case "_[_]":
                self._check_qualifier(self._constants.get(runs[1], ""))
                return binary(self._reader(element, node.args[0]), *runs)
            case "_[?_]" | "_?._":
                return binary(self._reader(optional_element, node.args[0]), *runs)
            case "or" | "orValue":
                return self._alternative(function, runs)
        if function == "@in" and (members := self._hashed(node, runs[1])):
            return hashed_membership(runs[0], members)
        implementation = self._implementation(node, function, arguments, runs)
        if isinstance(implementation, tuple):
            return self._known(implementation[0])
        if function in SELF_COMPARED and len(self._checked.overloads.get(node.id, ())) == 1:
            return self_compared(implementation, runs)
        if len(runs) == 1:
            (only,) = runs
            return lambda frame: implementation(only(frame))
        if len(runs) == 2:
            return binary(implementation, *runs)
        return lambda frame: implementation(*[run(frame) for run in runs])

    def _reader(self, read: Callable[..., Any], operand: Node) -> Callable[..., Any]:
        """Return how a field of an operand is read; cel-go 0.26 forgets a default where the operand is a value."""
        chained = isinstance(operand, Select) or (isinstance(operand, Call) and operand.function in _READS)
        return read if chained or self._engine.keeps_defaults else partial(read, defaults=False)

    def _alternative(self, function: str, runs: list[Run]) -> Run:
        return alternative(*runs, unwrap=function == "orValue", strict=self._engine.strict_alternatives)

    def _check_qualifier(self, name: Any) -> None:
        if type(name) not in QUALIFIERS:
            message = f"program instantiation failed: invalid qualifier type: {go_name(name)}"
            raise CompileError(message, self._expression)

    def _hashed(self, node: Call, members: Run) -> list[Any]:
        """Return the constants that upstream hashes for a membership test, none if it does not."""
        values = self._constants.get(members)
        if type(values) is not list or self._checked.overloads.get(node.id) != ("in_list",):
            return []
        return values if all(isinstance(value, bool | int | float | str) for value in values) else []

    def _implementation(
        self, node: Call, function: str, arguments: tuple[Node, ...], runs: list[Run]
    ) -> Callable[..., Any] | tuple[Any]:
        """Return what is done with the operands' values, or the result alone where it is known already."""
        implementation = self._functions[function]
        found = self._checked.overloads.get(node.id, ())
        if len(found) == 1 and isinstance(implementation, Overloads):
            kinds = [row.kinds for row in self._environment.functions[node.function] if row.id == found[0]]
            implementation = implementation.narrowed(*kinds)
        if function in _CONVERSIONS and runs[0] in self._constants:
            return (self._converted(implementation, self._constants[runs[0]]),)
        if function == "@in" and self._constants.get(runs[1]) == []:
            # Upstream does not even look at the value.
            return (False,)
        if function in {"find", "findAll", "matches"} and isinstance(arguments[1], Const):
            if fault := regex_fault(arguments[1].value):
                raise CompileError(f"program instantiation failed: {fault}", self._expression)
            return implementation if function == "matches" else _of_text(implementation)
        if function == "matches" and runs[1] not in self._constants:
            return matches_any
        return implementation

    def _converted(self, implementation: Callable[..., Any], argument: Any) -> Any:
        try:
            return implementation(argument)
        except EvaluationError as error:
            raise CompileError(f"program instantiation failed: {error}", self._expression) from None

    def _literal(self, runs: list[Run], make: Run, *, optional: bool) -> Run:
        """Return a literal, made once if all its parts are constants."""
        if not optional and all(run in self._constants for run in runs):
            return self._once(make, [])
        return make

    def _once(self, make: Run, frame: Frame) -> Run:
        try:
            return self._known(make(frame))
        except EvaluationError as error:
            raise CompileError(f"program instantiation failed: {error}", self._expression) from None

    def _list(self, node: ListLiteral) -> Run:
        runs = [self.build(part) for part in node.elements]
        return self._literal(runs, listed(runs, node.optional), optional=bool(node.optional))

    def _map(self, node: MapLiteral) -> Run:
        entries = [(self.build(name), self.build(value), optional) for _, name, value, optional in node.entries]
        runs = [run for name, value, _ in entries for run in (name, value)]
        return self._literal(runs, mapped(entries), optional=any(optional for *_, optional in entries))

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _fold(self, node: Fold) -> Run:
        over, start = self.build(node.over), self.build(node.start)
        outer = dict(self._scope)
        slots = accumulator, first, second = self._slot(), self._slot(), self._slot()
        read = accumulated(accumulator, start)
        self._scope[node.accumulator] = read
        result = self.build(node.result)
        self._scope[node.variable] = lambda frame: frame[first]
        if node.variable2:
            self._scope[node.variable2] = lambda frame: frame[second]
        # An accumulator wins over an iteration variable of its name.
        self._scope[node.accumulator] = read
        condition = self.build(node.condition)
        grown = self._grown(node, node.step, read) if _grows(node) else None
        step = grown or self.build(node.step)
        fresh: Callable[[], Any] = dict if isinstance(node.start, MapLiteral) else list
        self._scope = outer
        fold = folding(
            over,
            condition,
            step,
            result,
            slots=slots,
            fresh=fresh if grown else None,
            two=bool(node.variable2),
        )
        return self._folded(over, fold)

    def _folded(self, over: Run, fold: Run) -> Run:  # noqa: ARG002
        """Return the function of a comprehension over a range."""
        return fold

    def _grown(self, node: Fold, step: Node, read: Run) -> Run | None:
        """Return a step that adds to its list or map in place, None if the step does anything else.

        Only macros write such steps, and nothing else can see the collection before it is done.
        """
        match step:
            case Call(function="_?_:_", args=(test, then, Ident(name=node.accumulator))):
                grow = self._grown(node, then, read)
                return conditional(self.build(test), grow, read) if grow else None
            case Call(
                function="_+_", args=(Ident(name=node.accumulator), ListLiteral(elements=(item,), optional=optional))
            ):
                return None if optional else appending(read, self.build(item))
            case Call(function="cel.@mapInsert", args=(Ident(name=node.accumulator), *added)):
                return inserting(read, [self.build(part) for part in added])
        return None


def _of_text(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose pattern is known, for which upstream words its error otherwise."""

    def find(text: Any, *rest: Any) -> Any:
        if type(text) is not str:
            raise no_overload()
        return implementation(text, *rest)

    return find


def matches_any(text: Any, pattern: Any) -> Any:
    """Return whether a pattern known only now matches; upstream words its error for other values another way."""
    if type(text) is not str:
        raise EvaluationError("no such overload: matches")
    return FUNCTIONS["matches"](text, pattern)


def _grows(node: Fold) -> bool:
    """Return whether a comprehension starts from nothing under a name that expressions cannot spell."""
    empty = isinstance(node.start, ListLiteral | MapLiteral) and not children(node.start)
    return empty and node.accumulator.startswith("@") and isinstance(node.result, Ident)
