"""Evaluation that keeps account of its cost as cel-go does (K8s S56).

cel-go charges through observers: each step, once done, reports its value; a stack of reported values is how a call
finds its operands. Steps that fields are read through (*attributes*) report once as a whole and once for each field;
an attribute that is an index or the branch of a conditional does not report its own first name. The stack is kept as
upstream keeps it, because an operand that it does not find makes a call free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drapolicy.cel import lists
from drapolicy.cel.call_estimates import SELF_COMPARED, SETS
from drapolicy.cel.charges import charge
from drapolicy.cel.cost import IDENT, LIST_BASE, MAP_BASE
from drapolicy.cel.environment import Environment
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.evaluator import Builder
from drapolicy.cel.steps import Frame, Run, attempt, conjunction, disjunction, hashed_membership
from drapolicy.cel.syntax import Call, Checked, Fold, Ident, ListLiteral, MapLiteral, Node, Select
from drapolicy.cel.tracked_attributes import Attribute, Choice, Qualifier
from drapolicy.cel.tracker import Tracker

# Functions that upstream stops to evaluate operands of at the first error, whatever their number.
_STOPPING = frozenset({"format", "cel.@mapInsert", "findAll"})
# Functions of one implementation for all overloads; others, when it is open which, stop at the first error too.
_SINGLES = frozenset(
    {"_+_", "_-_", "_*_", "_/_", "_%_", "_<_", "_<=_", "_>_", "_>=_", "@in", "matches", "_==_", "_!=_"}
    | {"@sortByAssociatedKeys"}
)

_DEAR = SELF_COMPARED | frozenset(SETS)


class TrackedBuilder(Builder):
    """Builds the function of one expression with its account; the frame holds the :class:`Tracker`."""

    def __init__(self, checked: Checked, expression: str, environment: Environment) -> None:
        super().__init__(checked, expression, environment)
        self._attributes: dict[Run, Attribute | Choice] = {}
        self._ids: dict[Run, int] = {}
        self._drops: dict[Run, list[int]] = {}

    def build(self, node: Node) -> Run:
        """Return the function of a node, which reports to the tracker."""
        run = super().build(node)
        if run in self._ids or run in self._attributes:
            return run
        if run in self._constants:
            return self._reported_constant(node, run)
        drops = self._drops.pop(run, [])
        created = LIST_BASE if isinstance(node, ListLiteral) else MAP_BASE if isinstance(node, MapLiteral) else 0

        def report(tracker: Tracker, _: Any) -> None:
            if created:
                tracker.take(drops)
                tracker.cost += created
            else:
                for step in drops:
                    tracker.drop(step)

        return self._reported(node.id, run, report)

    def _reported(self, step: int, run: Run, account: Callable[[Tracker, Any], None]) -> Run:
        def reported(frame: Frame) -> Any:
            value = attempt(run, frame)
            tracker: Tracker = frame[1]
            account(tracker, value)
            tracker.report(step, value)
            if isinstance(value, EvaluationError):
                raise value
            return value

        self._ids[reported] = step
        return reported

    def _reported_constant(self, node: Node, run: Run) -> Run:
        value, step = self._constants[run], node.id

        def constant(frame: Frame) -> Any:
            frame[1].report(step, value)
            return value

        self._constants[constant] = value
        self._ids[constant] = step
        return constant

    def _id(self, run: Run) -> int:
        attribute = self._attributes.get(run)
        return self._ids[run] if attribute is None else attribute.id

    def _reported_attribute(self, attribute: Attribute | Choice, *, test: bool = False) -> Run:
        def read(frame: Frame) -> Any:
            value = attempt(attribute.resolve, frame)
            tracker: Tracker = frame[1]
            attribute.settle(tracker)
            if test:
                # Tests of presence are free.
                tracker.cost -= IDENT
            tracker.report(attribute.id, value)
            if isinstance(value, EvaluationError):
                raise value
            return value

        self._attributes[read] = attribute
        return read

    def _as_attribute(self, run: Run) -> Attribute | Choice:
        return self._attributes.get(run) or Attribute(self._id(run), run)

    def _ident(self, node: Ident) -> Run:
        run = super()._ident(node)
        if run in self._constants:
            return run
        name = self._checked.full_name(node)
        if node.name in self._scope or not name.startswith("device."):
            return self._reported_attribute(Attribute(node.id, run))
        # A field of the device counts as what it is, though it is declared as one name.
        field_name = name.removeprefix("device.")
        qualifier = Qualifier(node.id, lambda _: field_name)
        return self._reported_attribute(Attribute(-node.id, lambda frame: frame[0], [qualifier]))

    def _qualifier(self, node: Node, name: Run, **how: bool) -> Qualifier:
        return Qualifier(node.id, name, defaults=self._engine.keeps_defaults, **how)

    def _select(self, node: Select) -> Run:
        if self._is_type(node):
            return super()._select(node)
        attribute = self._as_attribute(self.build(node.operand))
        name = node.field
        attribute.add(self._qualifier(node, lambda _: name, test=node.test))
        return self._reported_attribute(attribute, test=node.test)

    def _call(self, node: Call) -> Run:
        function, arguments = self._called(node)
        runs = [self.build(argument) for argument in arguments]
        match function:
            case "_&&_" | "_||_":
                run = conjunction(*runs) if function == "_&&_" else disjunction(*runs)
                self._drops[run] = [self._id(part) for part in runs]
                return run
            case "_?_:_":
                then, otherwise = map(self._as_attribute, runs[1:])
                choice = Choice(node.id, runs[0], self._id(runs[0]), then, otherwise)
                return self._reported_attribute(choice)
            case "_[_]" | "_[?_]" | "_?._":
                return self._index(node, *runs)
            case "or" | "orValue":
                return self._alternative(function, runs)
        if function == "@not_strictly_false":
            return self._charged(node, function, ("not_strictly_false",), _not_false, runs, stops=False)
        if function == "@in" and (members := self._hashed(node, runs[1])):
            return hashed_membership(runs[0], members)
        implementation = self._implementation(node, function, arguments, runs)
        if isinstance(implementation, tuple):
            return self._known(implementation[0])
        overloads = self._checked.overloads.get(node.id, ())
        if _grows_list(function, arguments):
            implementation = _append
        elif function == "cel.@mapInsert":
            implementation = _insert
        stops = len(runs) > 2 or function in _STOPPING or (len(overloads) > 1 and function not in _SINGLES)
        # Upstream replaces a match with a constant pattern by a call that knows the pattern.
        stops = stops or (function in {"matches", "find"} and runs[1] in self._constants)
        return self._charged(node, function, overloads, implementation, runs, stops=stops)

    def _index(self, node: Call, operand: Run, index: Run) -> Run:
        attribute = self._as_attribute(operand)
        optional = node.function != "_[_]"
        if index in self._constants:
            name = self._constants[index]
            self._check_qualifier(name)
            attribute.add(self._qualifier(node, lambda _: name, optional=optional))
        elif index in self._attributes:
            attribute.add(self._qualifier(node, self._attributes[index].resolve, optional=optional))
        else:
            attribute.add(self._qualifier(node, index, optional=optional, computed=True))
        return self._reported_attribute(attribute)

    def _charged(
        self,
        node: Call,
        function: str,
        overloads: tuple[str, ...],
        implementation: Callable[..., Any],
        runs: list[Run],
        *,
        stops: bool,
    ) -> Run:
        step, steps = node.id, [self._id(run) for run in runs]
        overload = overloads[0] if len(overloads) == 1 else ""
        name = function.removeprefix(".")
        lazy = function == "@not_strictly_false"
        environment = self._environment
        dear = bool(overload) and function in _DEAR

        def call(frame: Frame) -> Any:
            values = []
            failure: EvaluationError | None = None
            for run in runs:
                value = attempt(run, frame)
                values.append(value)
                if isinstance(value, EvaluationError):
                    failure = failure or value
                    if stops:
                        break
            if dear and failure is None:
                frame[1].foresee(charge(name, overload, values, None, environment))
            result = implementation(*values) if lazy else failure or attempt(implementation, *values)
            tracker: Tracker = frame[1]
            operands = tracker.take(steps)
            if operands is not None:
                tracker.cost += charge(name, overload, operands, result, environment)
            tracker.report(step, result)
            if isinstance(result, EvaluationError):
                raise result
            return result

        self._ids[call] = step
        return call

    def _literal(self, runs: list[Run], make: Run, *, optional: bool) -> Run:
        if not optional and all(run in self._constants for run in runs):
            return self._once(make, [None, Tracker()])
        self._drops[make] = [self._id(run) for run in runs]
        return make

    def _folded(self, over: Run, fold: Run) -> Run:
        self._drops[fold] = [self._id(over)]
        return fold

    def _grown(self, node: Fold, step: Node, read: Run) -> Run | None:  # noqa: ARG002
        # Steps report one by one here; what they do to the list is the same.
        return None


def _not_false(value: Any) -> bool:
    return value is not False


def _grows_list(function: str, arguments: tuple[Node, ...]) -> bool:
    """Return whether a call joins one element to the list of a macro, which nothing else can see yet."""
    match arguments:
        case (Ident(name=name), ListLiteral(elements=(_,), optional=optional)) if function == "_+_":
            return name.startswith("@") and not optional
    return False


def _append(values: Any, added: list[Any]) -> Any:
    values += added
    return values


def _insert(values: Any, *added: Any) -> Any:
    lists.insert(values, *added)
    return values
