"""Rules of upstream's environment that the library's type checker does not know (K8s S56, S57)."""

from __future__ import annotations

from collections.abc import Iterator

from drapolicy.cel import formatting
from drapolicy.cel.environment import Environment
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.library import regex_fault
from drapolicy.cel.older import functions_of
from drapolicy.cel.syntax import Call, Checked, Const, ListLiteral, MapLiteral, Node, Type, children
from drapolicy.cel.unification import full_text, written
from drapolicy.cel.wording import Fault, shown


def validate(checked: Checked, expression: str, environment: Environment, *, derived: bool) -> None:
    """Refuse what upstream's validators refuse.

    Raises
    ------
    CompileError
        For literals of mixed types, patterns that are no regular expressions, and results that are not bool.
    """
    faults = [
        Fault.at(checked.positions.get(node.id, 0), reason, expression)
        for node, reason in _faults(checked, environment)
    ]
    if faults:
        raise CompileError(f"compilation failed: {shown(faults, expression)}", expression)
    result = checked.type_of(checked.root)
    if derived:
        lists = environment.list_results
        if not (_scalar(result) or (lists and result[0] == "list" and _scalar(result[1][0]))):
            wanted = _DERIVED + (" or a list of these scalars" if lists else "")
            raise CompileError(f"{wanted}, not {full_text(result)}", expression)
    elif result[0] not in environment.results:
        raise CompileError(f"must evaluate to bool or the unknown type, not {full_text(result)}", expression)


_DERIVED = "must evaluate to a primitive scalar (string, integer, boolean, semver)"


def _scalar(kind: Type) -> bool:
    return kind[0] in {"bool", "int", "string", "any", "dyn", "kubernetes.Semver"}


def _faults(checked: Checked, environment: Environment) -> Iterator[tuple[Node, str]]:
    nodes: list[tuple[Node, bool]] = [(checked.root, False)]
    lists: list[tuple[Node, str]] = []
    while nodes:
        node, exempt = nodes.pop()
        if isinstance(node, Call) and node.function == "matches":
            # Upstream looks at the first argument, which in matches(text, pattern) is the text.
            pattern = node.args[0]
            if isinstance(pattern, Const) and isinstance(pattern.value, str) and regex_fault(pattern.value):
                yield pattern, "invalid matches argument"
        if isinstance(node, Call) and node.function in {"duration", "timestamp"} and _fails(node, environment):
            yield node.args[0], f"invalid {node.function} argument"
        if isinstance(node, Call) and node.function == "format":
            yield from _misformatted(checked, node)
        if not exempt:
            lists += _mixed(checked, node)
        # Arguments of format() may be of any type.
        exempt = exempt or (isinstance(node, Call) and node.function == "format")
        nodes += [(child, exempt) for child in reversed(children(node))]
    yield from lists


def _misformatted(checked: Checked, node: Call) -> Iterator[tuple[Node, str]]:
    match node:
        case Call(target=Const(value=str(pattern)), args=(ListLiteral(elements=parts),)):
            found = formatting.fault(pattern, [_name(checked, part) for part in parts])
            if found is None:
                # Only %s takes lists and maps; what they hold must be fit for it too.
                parts = tuple(_written(checked, part) for part in parts)
                found = formatting.fault(pattern, [_name(checked, part) for part in parts])
            if found is not None:
                yield node if found[0] is None else parts[found[0]], found[1]


def _name(checked: Checked, node: Node) -> str:
    return full_text((checked.type_of(node)[0], ()))


def _fails(node: Call, environment: Environment) -> bool:
    """Return whether a literal is no duration or point in time."""
    literal = node.args[0]
    if not isinstance(literal, Const):
        return False
    try:
        functions_of(environment)[node.function](literal.value)
    except EvaluationError:
        return True
    return False


def _written(checked: Checked, node: Node) -> Node:
    """Return the part of a literal list or map that cannot be written, the whole if all can."""
    if isinstance(node, ListLiteral | MapLiteral):
        for part in children(node):
            inner = _written(checked, part)
            if checked.type_of(inner)[0] not in formatting.WRITTEN:
                return inner
    return node


def _mixed(checked: Checked, node: Node) -> Iterator[tuple[Node, str]]:
    if isinstance(node, ListLiteral):
        first: Type | None = None
        for index, element in enumerate(node.elements):
            kind = _inner(checked.type_of(element), index in node.optional)
            first = first or kind
            if kind != first:
                yield element, _mismatch(first, kind)
                return
    elif isinstance(node, MapLiteral) and node.entries:
        _, key, value, optional = node.entries[0]
        key_type, value_type = checked.type_of(key), _inner(checked.type_of(value), optional)
        for _, key, value, optional in node.entries[1:]:
            if (kind := checked.type_of(key)) != key_type:
                yield key, _mismatch(key_type, kind)
            if (kind := _inner(checked.type_of(value), optional)) != value_type:
                yield value, _mismatch(value_type, kind)


def _inner(kind: Type, optional: bool) -> Type:
    return kind[1][0] if optional and kind[1] else kind


def _mismatch(expected: Type, found: Type) -> str:
    return f"expected type '{written(expected)}' but found '{written(found)}'"
