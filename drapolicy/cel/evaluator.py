"""Checked expressions turned into Python functions, one closure a node (K8s S56, S59).

A closure takes the frame of one evaluation, a list: the device's map, the cost spent so far, then one slot for each
variable of a comprehension. Errors are exceptions until something may absorb them; an accumulator that failed holds
its error as its value, because upstream's comprehensions go on and fail only where the accumulator is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drapolicy.cel import kubernetes, lists, standard, strings
from drapolicy.cel.access import QUALIFIERS, element, has_element, optional_element
from drapolicy.cel.dispatch import merge
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.library import regex_fault
from drapolicy.cel.semver import Semver
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
from drapolicy.cel.values import DefaultMap, Optional, Sum, TypeName, go_name, key, no_overload, type_name, unkey

Frame = list[Any]
Run = Callable[[Frame], Any]

FUNCTIONS = merge(standard.LIBRARY, kubernetes.LIBRARY, strings.LIBRARY, lists.LIBRARY)

COST_LIMIT = 1_000_000
_CONVERSIONS = frozenset({"int", "uint", "double", "string", "bool", "bytes", "dyn"})
# Functions that compare every element with every other.
_QUADRATIC = frozenset({"distinct", "sort", "@sortByAssociatedKeys"})
_SETS = frozenset({"sets.contains", "sets.equivalent", "sets.intersects"})
_UNSET = object()


class FinalError(EvaluationError):
    """An error that ends the whole evaluation: nothing absorbs it."""


def spend(frame: Frame, cost: int) -> None:
    """Add to the cost of an evaluation.

    The costs here are lower bounds of upstream's, so that what fails here fails there too, and nothing runs on.
    """
    frame[1] += cost
    if frame[1] > COST_LIMIT:
        raise FinalError(strings.COST_EXCEEDED)


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
                return _domain_field(name.removeprefix("device."), domain, field)
        operand = self.build(node.operand)

        def select(frame: Frame) -> Any:
            value = operand(frame)
            return value[field] if type(value) is dict and field in value else element(value, field)

        return select

    def _call(self, node: Call) -> Run:
        function = node.function
        arguments = node.args if node.target is None else (node.target, *node.args)
        runs = [self.build(argument) for argument in arguments]
        match function:
            case "_&&_":
                return _and(*runs)
            case "_||_":
                return _or(*runs)
            case "_?_:_":
                return _conditional(*runs)
            case "@not_strictly_false":
                return _not_strictly_false(*runs)
            case "_[_]":
                name = self._constants.get(runs[1], "")
                if type(name) not in QUALIFIERS:
                    message = f"program instantiation failed: invalid qualifier type: {go_name(name)}"
                    raise CompileError(message, self._expression)
                return _binary(element, *runs)
            case "_[?_]" | "_?._":
                return _binary(optional_element, *runs)
            case "or" | "orValue":
                return _alternative(runs[0], runs[1], unwrap=function == "orValue")
        if function not in FUNCTIONS:
            raise self._unsupported(f"the function {function}")
        implementation = FUNCTIONS[function]
        if function in _CONVERSIONS and runs[0] in self._constants:
            return self._constant(implementation, self._constants[runs[0]])
        if function == "@in" and isinstance(arguments[1], ListLiteral):
            return _in_literal(runs[0], runs[1], arguments[1])
        if function in {"find", "findAll"} and isinstance(arguments[1], Const):
            return self._find(implementation, runs, arguments[1].value)
        if function == "lists.range":
            return _made(implementation, runs[0])
        if function in _QUADRATIC:
            return _charged(implementation, runs, lambda values: len(values[0]) ** 2)
        if function in _SETS:
            return _charged(implementation, runs, lambda values: len(values[0]) * len(values[1]))
        if function == "_+_":
            return _addition(*runs)
        if len(runs) == 1:
            (only,) = runs
            return lambda frame: implementation(only(frame))
        if len(runs) == 2:
            return _binary(implementation, *runs)
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
            if value is _UNSET:
                value = _attempt(start, frame)
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
        # The iteration variable hides an accumulator of the same name, as upstream resolves them the other way
        # round only where the checker has refused the program.
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
            pairs = _pairs(values) if two else _elements(values)
            frame[accumulator] = fresh() if grown else _UNSET
            for pair in pairs:
                spend(frame, charge)
                if two:
                    frame[first], frame[second] = pair
                else:
                    frame[first] = pair
                if _attempt(condition, frame) is False:
                    break
                frame[accumulator] = _attempt(step, frame)
            return result(frame)

        return fold

    def _grown(self, node: Fold, step: Node, read: Run) -> Run | None:
        """Return a step that adds to its list or map in place, None if the step does anything else.

        Only macros write such steps, and nothing else can see the collection before it is done.
        """
        match step:
            case Call(function="_?_:_", args=(test, then, Ident(name=node.accumulator))):
                grow = self._grown(node, then, read)
                return _conditional(self.build(test), grow, read) if grow else None
            case Call(function="_+_", args=(Ident(name=node.accumulator), ListLiteral(elements=(item,), optional=optional))):
                return None if optional else _appending(read, self.build(item))
            case Call(function="cel.@mapInsert", args=(Ident(name=node.accumulator), *added)):
                return _inserting(read, [self.build(part) for part in added])
        return None


def _grows(node: Fold) -> bool:
    """Return whether a comprehension starts from nothing under a name that expressions cannot spell."""
    empty = isinstance(node.start, ListLiteral | MapLiteral) and not children(node.start)
    return empty and node.accumulator.startswith("@") and isinstance(node.result, Ident)


def _appending(read: Run, item: Run) -> Run:
    def step(frame: Frame) -> Any:
        values = read(frame)
        values.append(item(frame))
        return values

    return step


def _inserting(read: Run, added: list[Run]) -> Run:
    def step(frame: Frame) -> Any:
        values = read(frame)
        lists.insert(values, *[run(frame) for run in added])
        return values

    return step


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


def _attempt(run: Run, frame: Frame) -> Any:
    """Return a value, or the error in its place."""
    try:
        return run(frame)
    except FinalError:
        raise
    except EvaluationError as error:
        return error


def _domain_field(variable: str, domain: str, field: str) -> Run:
    def get(frame: Frame) -> Any:
        try:
            return frame[0][variable][domain][field]
        except KeyError:
            raise EvaluationError(f"no such key: {field}") from None

    return get


def _binary(function: Callable[..., Any], left: Run, right: Run) -> Run:
    return lambda frame: function(left(frame), right(frame))


def _charged(function: Callable[..., Any], runs: list[Run], cost: Callable[[list[Any]], int]) -> Run:
    def call(frame: Frame) -> Any:
        values = [run(frame) for run in runs]
        if all(type(value) is list for value in values):
            spend(frame, cost(values))
        return function(*values)

    return call


def _in_literal(value: Run, container: Run, literal: ListLiteral) -> Run:
    """Return a membership test; upstream makes a hash set of a list of constants, which not every value can enter."""
    hashed = bool(literal.elements) and all(
        isinstance(part, Const) and type(part.value) is not bytes for part in literal.elements
    )

    def test(frame: Frame) -> bool:
        element_value = value(frame)
        if hashed and type(element_value) in _UNHASHABLE:
            raise FinalError(f"internal error: runtime error: hash of unhashable type {go_name(element_value)}")
        return standard.contained(element_value, container(frame))

    return test


_UNHASHABLE = frozenset({Semver, bytes})


def _made(function: Callable[..., Any], size: Run) -> Run:
    def call(frame: Frame) -> Any:
        values = function(size(frame))
        spend(frame, len(values) + 11)
        return values

    return call


def _addition(left: Run, right: Run) -> Run:
    def call(frame: Frame) -> Any:
        first, second = left(frame), right(frame)
        if type(first) is str and type(second) is str:
            spend(frame, (len(first) + len(second)) // 10)
        return standard.add(first, second)

    return call


def _and(left: Run, right: Run) -> Run:
    def both(frame: Frame) -> bool:
        first = _attempt(left, frame)
        if first is False:
            return False
        second = _attempt(right, frame)
        if second is False:
            return False
        if first is True and second is True:
            return True
        raise _failure(first, second)

    return both


def _or(left: Run, right: Run) -> Run:
    def either(frame: Frame) -> bool:
        first = _attempt(left, frame)
        if first is True:
            return True
        second = _attempt(right, frame)
        if second is True:
            return True
        if first is False and second is False:
            return False
        raise _failure(first, second)

    return either


def _failure(first: Any, second: Any) -> EvaluationError:
    """Return the error of the first operand that is not a bool."""
    wrong = second if type(first) is bool else first
    return wrong if isinstance(wrong, EvaluationError) else no_overload()


def _conditional(condition: Run, positive: Run, negative: Run) -> Run:
    def choose(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return positive(frame)
        if value is False:
            return negative(frame)
        raise no_overload()

    return choose


def _not_strictly_false(operand: Run) -> Run:
    return lambda frame: _attempt(operand, frame) is not False


def _alternative(first: Run, second: Run, *, unwrap: bool) -> Run:
    def choose(frame: Frame) -> Any:
        value = first(frame)
        if type(value) is not Optional:
            raise no_overload()
        if value.present:
            return value.value if unwrap else value
        return second(frame)

    return choose


def _elements(values: Any) -> list[Any]:
    if type(values) is list:
        return values
    if isinstance(values, dict):
        return [unkey(entry) for entry in values]
    raise EvaluationError(f"got '{go_name(values)}', expected iterable type")


def _pairs(values: Any) -> list[tuple[Any, Any]]:
    if type(values) is list:
        return list(enumerate(values))
    if type(values) is dict or type(values) is DefaultMap:
        return [(unkey(entry), value) for entry, value in values.items()]
    raise EvaluationError(f"unsupported comprehension range type: {go_name(values)}")
