"""Checked expressions turned into Python functions, one closure a node (K8s S56, S59).

Errors are exceptions until something may absorb them; an accumulator that failed holds its error as its value,
because upstream's comprehensions go on and fail only where the accumulator is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drapolicy.cel import conversions, formatting, kubernetes, lists, network, standard, strings
from drapolicy.cel.access import QUALIFIERS, element, has_element, optional_element
from drapolicy.cel.dispatch import merge
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.library import regex_fault
from drapolicy.cel.steps import (
    UNSET,
    Frame,
    Run,
    addition,
    alternative,
    appending,
    attempt,
    binary,
    charged,
    conditional,
    conjunction,
    disjunction,
    domain_field,
    elements,
    in_literal,
    inserting,
    made,
    not_strictly_false,
    pairs,
    self_compared,
    spend,
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
from drapolicy.cel.values import DefaultMap, Optional, Sum, TypeName, go_name, key, no_overload, type_name

FUNCTIONS = merge(
    standard.LIBRARY,
    conversions.LIBRARY,
    kubernetes.LIBRARY,
    strings.LIBRARY,
    lists.LIBRARY,
    network.LIBRARY,
    formatting.LIBRARY,
)

_CONVERSIONS = frozenset({"int", "uint", "double", "string", "bool", "bytes", "dyn"})
# Functions that compare every element with every other.
_QUADRATIC = frozenset({"distinct", "sort", "@sortByAssociatedKeys"})
_SETS = frozenset({"sets.contains", "sets.equivalent", "sets.intersects"})


class Builder:
    """Builds the function of one expression.

    Attributes
    ----------
    slots
        Length of the frame that the function needs.
    """

    def __init__(self, checked: Checked, expression: str) -> None:
        self.slots = 2
        self._checked = checked
        self._expression = expression
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
        name = self._checked.names.get(node.id, node.name).removeprefix(".")
        if name == "device":
            return lambda frame: frame[0]
        if name.startswith("device."):
            field = name.removeprefix("device.")
            return lambda frame: frame[0][field]
        if self._checked.type_of(node)[0] == "type":
            value = TypeName(name)
            return lambda _: value
        raise self._unsupported(f"the name {name}")

    def _select(self, node: Select) -> Run:
        field = node.field
        if node.id in self._checked.names and self._checked.type_of(node)[0] == "type":
            value = TypeName(self._checked.names[node.id])
            return lambda _: value
        if node.test:
            operand = self.build(node.operand)
            return lambda frame: has_element(operand(frame), field)
        match node.operand:
            # By far the most frequent form, device.attributes["domain"].name, in one step.
            case Call(
                function="_[_]",
                args=(Ident(name="device.attributes" | "device.capacity" as name), Const(value=str(domain))),
            ):
                return domain_field(name.removeprefix("device."), domain, field)
        operand = self.build(node.operand)

        def select(frame: Frame) -> Any:
            value = operand(frame)
            return value[field] if type(value) is dict and field in value else element(value, field)

        return select

    def _call(self, node: Call) -> Run:
        function = node.function
        if node.target is not None and f".{function}" in FUNCTIONS:
            function = f".{function}"
        arguments = node.args if node.target is None else (node.target, *node.args)
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
                name = self._constants.get(runs[1], "")
                if type(name) not in QUALIFIERS:
                    message = f"program instantiation failed: invalid qualifier type: {go_name(name)}"
                    raise CompileError(message, self._expression)
                return binary(element, *runs)
            case "_[?_]" | "_?._":
                return binary(optional_element, *runs)
            case "or" | "orValue":
                return alternative(runs[0], runs[1], unwrap=function == "orValue")
        if function not in FUNCTIONS:
            raise self._unsupported(f"the function {function}")
        implementation = FUNCTIONS[function]
        if function in _CONVERSIONS and runs[0] in self._constants:
            return self._constant(implementation, self._constants[runs[0]])
        if function == "@in" and self._constants.get(runs[1]) == []:
            # Upstream does not even look at the value.
            return self._known(value=False)
        if function == "@in" and isinstance(arguments[1], ListLiteral):
            return in_literal(runs[0], runs[1], arguments[1])
        if function in {"find", "findAll"} and isinstance(arguments[1], Const):
            return self._find(implementation, runs, arguments[1].value)
        if function == "lists.range":
            return made(implementation, runs[0])
        if function in _QUADRATIC and self._checked.overloads.get(node.id) == 1:
            return self_compared(implementation, runs)
        if function in _QUADRATIC:
            return charged(implementation, runs, lambda values: len(values[0]) ** 2)
        if function in _SETS:
            return charged(implementation, runs, lambda values: len(values[0]) * len(values[1]))
        if function == "_+_":
            return addition(*runs)
        if len(runs) == 1:
            (only,) = runs
            return lambda frame: implementation(only(frame))
        if len(runs) == 2:
            return binary(implementation, *runs)
        return lambda frame: implementation(*[run(frame) for run in runs])

    def _find(self, implementation: Callable[..., Any], runs: list[Run], pattern: Any) -> Run:
        if fault := regex_fault(pattern):
            raise CompileError(f"program instantiation failed: {fault}", self._expression)

        def find(frame: Frame) -> Any:
            values = [run(frame) for run in runs]
            if type(values[0]) is not str:
                raise no_overload()
            return implementation(*values)

        return find

    def _constant(self, implementation: Callable[..., Any], argument: Any) -> Run:
        try:
            value = implementation(argument)
        except EvaluationError as error:
            raise CompileError(f"program instantiation failed: {error}", self._expression) from None
        return self._known(value)

    def _list(self, node: ListLiteral) -> Run:
        if all(isinstance(part, Const) for part in node.elements):
            return self._known([part.value for part in node.elements if isinstance(part, Const)])
        runs = [(self.build(part), index in node.optional) for index, part in enumerate(node.elements)]

        def make(frame: Frame) -> list[Any]:
            spend(frame, 10)
            values = []
            for run, optional in runs:
                value = run(frame)
                if optional:
                    if type(value) is not Optional:
                        raise EvaluationError(
                            f"cannot initialize optional list element from non-optional value {value}"
                        )
                    if not value.present:
                        continue
                    value = value.value
                values.append(value)
            return values

        return make

    def _map(self, node: MapLiteral) -> Run:
        entries = [(self.build(name), self.build(value), optional) for _, name, value, optional in node.entries]

        def make(frame: Frame) -> dict[Any, Any]:
            spend(frame, 30)
            values: dict[Any, Any] = {}
            for name, run, optional in entries:
                entry, value = name(frame), run(frame)
                if type(entry) in {list, dict, DefaultMap, Sum}:
                    raise EvaluationError(f"map keys of type {type_name(entry)} are not supported by drapolicy")
                entry = key(entry)
                if optional:
                    if type(value) is not Optional:
                        raise EvaluationError(
                            f"cannot initialize optional entry '{entry}' from non-optional value {value}"
                        )
                    if not value.present:
                        values.pop(entry, None)
                        continue
                    value = value.value
                values[entry] = value
            return values

        return make

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _fold(self, node: Fold) -> Run:
        over, start = self.build(node.over), self.build(node.start)
        outer = dict(self._scope)
        accumulator, first, second = self._slot(), self._slot(), self._slot()

        def read(frame: Frame) -> Any:
            value = frame[accumulator]
            if value is UNSET:
                value = attempt(start, frame)
                if type(value) is DefaultMap and not value:
                    # Upstream replaces an empty map here by a plain one, whose missing keys are errors.
                    value = {}
                frame[accumulator] = value
            if isinstance(value, EvaluationError):
                raise value
            return value

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
        charge = max(1, least_cost(node.condition) + least_cost(node.step))
        two = bool(node.variable2)

        def fold(frame: Frame) -> Any:
            values = over(frame)
            items = pairs(values) if two else elements(values)
            frame[accumulator] = fresh() if grown else UNSET
            for item in items:
                spend(frame, charge)
                if two:
                    frame[first], frame[second] = item
                else:
                    frame[first] = item
                if attempt(condition, frame) is False:
                    break
                frame[accumulator] = attempt(step, frame)
            return result(frame)

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
                # Upstream makes a list of the item, which costs unless it is a constant, and joins it to the others.
                return None if optional else appending(read, self.build(item), 1 if isinstance(item, Const) else 11)
            case Call(function="cel.@mapInsert", args=(Ident(name=node.accumulator), *added)):
                return inserting(read, [self.build(part) for part in added])
        return None


def _grows(node: Fold) -> bool:
    """Return whether a comprehension starts from nothing under a name that expressions cannot spell."""
    empty = isinstance(node.start, ListLiteral | MapLiteral) and not children(node.start)
    return empty and node.accumulator.startswith("@") and isinstance(node.result, Ident)


def least_cost(node: Node) -> int:
    """Return a lower bound of what upstream charges for a node, comprehensions inside left out."""
    match node:
        case Ident():
            return 1
        case Call(function="_&&_" | "_||_" | "_?_:_" | "or" | "orValue"):
            first = node.target if node.target is not None else node.args[0]
            return least_cost(first)
        case Call(function="@not_strictly_false" | "!_"):
            return 1 + least_cost(node.args[0])
        case ListLiteral():
            return sum(map(least_cost, node.elements))
        case Fold() | Select(test=True):
            return 0
    return sum(map(least_cost, children(node)))
