"""Checked expressions turned into Python functions, one closure a node (K8s S56, S59).

A closure takes the frame of one evaluation, a list: the device's map, the cost spent so far, then one slot for each
variable of a comprehension. Errors are exceptions until something may absorb them; an accumulator that failed holds
its error as its value, because upstream's comprehensions go on and fail only where the accumulator is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drapolicy.cel import kubernetes, lists, standard, strings
from drapolicy.cel.access import element, has_element, optional_element
from drapolicy.cel.dispatch import merge
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.rules import children
from drapolicy.cel.syntax import Call, Checked, Const, Fold, Ident, ListLiteral, MapLiteral, Node, Select, Struct
from drapolicy.cel.values import DefaultMap, Optional, TypeName, key, no_overload, type_name, unkey

Frame = list[Any]
Run = Callable[[Frame], Any]

FUNCTIONS = merge(standard.LIBRARY, kubernetes.LIBRARY, strings.LIBRARY, lists.LIBRARY)

COST_LIMIT = 1_000_000
_CONVERSIONS = frozenset({"int", "uint", "double", "string", "bool", "bytes", "dyn"})
# Functions that compare every element with every other.
_QUADRATIC = frozenset({"distinct", "sort", "@sortByAssociatedKeys"})
_SETS = frozenset({"sets.contains", "sets.equivalent", "sets.intersects"})
_UNSET = object()


class CostError(EvaluationError):
    """The evaluation cost more than Kubernetes allows (K8s S60); nothing absorbs this error."""

    def __init__(self) -> None:
        super().__init__(strings.COST_EXCEEDED)


def spend(frame: Frame, cost: int) -> None:
    """Add to the cost of an evaluation.

    The costs here are lower bounds of upstream's, so that what fails here fails there too, and nothing runs on.
    """
    frame[1] += cost
    if frame[1] > COST_LIMIT:
        raise CostError


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

    def build(self, node: Node) -> Run:
        """Return the function of a node.

        Raises
        ------
        CompileError
            For functions that drapolicy lacks and constants that do not convert.
        """
        match node:
            case Const():
                value = node.value
                return lambda _: value
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
            if type(value) is dict:
                try:
                    return value[field]
                except KeyError:
                    raise EvaluationError(f"no such key: {field}") from None
            return element(value, field)

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
                return _binary(element, *runs)
            case "_[?_]" | "_?._":
                return _binary(optional_element, *runs)
            case "or" | "orValue":
                return _alternative(runs[0], runs[1], unwrap=function == "orValue")
        if function not in FUNCTIONS:
            raise self._unsupported(f"the function {function}")
        implementation = FUNCTIONS[function]
        if function in _CONVERSIONS and isinstance(arguments[0], Const):
            return self._constant(implementation, arguments[0].value)
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

    def _constant(self, implementation: Callable[..., Any], argument: Any) -> Run:
        try:
            value = implementation(argument)
        except EvaluationError as error:
            raise CompileError(f"program instantiation failed: {error}", self._expression) from None
        return lambda _: value

    def _list(self, node: ListLiteral) -> Run:
        if all(isinstance(part, Const) for part in node.elements):
            constant = [part.value for part in node.elements if isinstance(part, Const)]
            return lambda _: constant
        runs = [(self.build(part), index in node.optional) for index, part in enumerate(node.elements)]

        def make(frame: Frame) -> list[Any]:
            spend(frame, 10)
            values = []
            for run, optional in runs:
                value = run(frame)
                if optional:
                    if type(value) is not Optional:
                        raise EvaluationError(f"cannot initialize optional list element from non-optional value {value}")
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
                if type_name(entry) not in {"string", "int", "uint", "bool"}:
                    raise EvaluationError(f"unsupported key type: {type_name(entry)}")
                entry = key(entry)
                if optional:
                    if type(value) is not Optional:
                        raise EvaluationError(f"cannot initialize optional entry '{entry}' from non-optional value {value}")
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
                value = frame[accumulator] = _attempt(start, frame)
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
        condition, step = self.build(node.condition), self.build(node.step)
        appended = self._appended(node)
        append = self.build(appended) if appended else None
        self._scope = outer
        charge = max(1, least_cost(node.condition) + least_cost(node.step))
        two = bool(node.variable2)

        def fold(frame: Frame) -> Any:
            values = over(frame)
            pairs = _pairs(values) if two else _elements(values)
            frame[accumulator] = _UNSET
            if append:
                frame[accumulator] = []
            for pair in pairs:
                spend(frame, charge)
                if two:
                    frame[first], frame[second] = pair
                else:
                    frame[first] = pair
                if _attempt(condition, frame) is False:
                    break
                if append and type(frame[accumulator]) is list:
                    value = _attempt(append, frame)
                    if isinstance(value, EvaluationError):
                        frame[accumulator] = value
                    else:
                        frame[accumulator].append(value)
                    continue
                frame[accumulator] = _attempt(step, frame)
            return result(frame)

        return fold

    @staticmethod
    def _appended(node: Fold) -> Node | None:
        """Return the element that each step of a ``map`` macro appends, so that the list need not be copied."""
        match node:
            case Fold(
                accumulator=name,
                start=ListLiteral(elements=()),
                step=Call(function="_+_", args=(Ident(name=left), ListLiteral(elements=(element_node,), optional=optional))),
                result=Ident(name=result),
            ) if name == left == result and name.startswith("@") and not optional:
                return element_node
        return None


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
    except CostError:
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


_GO_NAMES = {
    "int": "types.Int",
    "uint": "types.Uint",
    "double": "types.Double",
    "string": "types.String",
    "bool": "types.Bool",
    "bytes": "types.Bytes",
    "null_type": "types.Null",
    "kubernetes.Quantity": "cel.Quantity",
    "kubernetes.Semver": "cel.Semver",
    "optional_type": "*types.Optional",
    "type": "*types.Type",
}


def _go_name(value: Any) -> str:
    name = type_name(value)
    return _GO_NAMES.get(name, name)


def _elements(values: Any) -> list[Any]:
    if type(values) is list:
        return values
    if isinstance(values, dict):
        return [unkey(entry) for entry in values]
    raise EvaluationError(f"got '{_go_name(values)}', expected iterable type")


def _pairs(values: Any) -> list[tuple[Any, Any]]:
    if type(values) is list:
        return list(enumerate(values))
    if type(values) is dict or type(values) is DefaultMap:
        return [(unkey(entry), value) for entry, value in values.items()]
    raise EvaluationError(f"unsupported comprehension range type: {_go_name(values)}")

