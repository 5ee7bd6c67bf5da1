"""Faults of the library's parser and type checker in upstream's words and places (K8s S56).

Both implement one language and agree on most texts; this module holds what they write differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from drapolicy.cel.declarations import split_types
from drapolicy.cel.syntax import Call, Checked, Node, children

DEVICE_FIELDS = ("driver", "attributes", "capacity", "allowMultipleAllocations")
_DEVICE_OPERAND = "expression of type 'kubernetes.DRADevice' cannot be the operand of a select operation"
_TYPE_PARAMETER = re.compile(r"T%\d+")


class Fault(NamedTuple):
    """One fault at a place in the expression; faults sort by place.

    Attributes
    ----------
    line, column
        Place, both counted from 1, columns in characters.
    reason
        What is wrong.
    """

    line: int
    column: int
    reason: str


def located(fault: Fault, expression: str) -> str:
    """Return a fault with its source line below it, as CEL prints faults."""
    source = _source(fault, expression)
    return f"ERROR: <input>:{fault.line}:{fault.column}: {fault.reason}\n | {source}\n | {'.' * (fault.column - 1)}^"


def place_of(offset: int, expression: str) -> tuple[int, int]:
    """Return line and column of an offset, both counted from 1."""
    before = expression[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _source(fault: Fault, expression: str) -> str:
    lines = expression.split("\n")
    return lines[fault.line - 1] if fault.line <= len(lines) else ""


def device_field(fault: Fault, expression: str) -> str:
    """Return the field where a fault comes from ``device`` being more than a prefix, which the checker cannot type."""
    if fault.reason != _DEVICE_OPERAND:
        return ""
    field = _selected(fault, expression)
    return field if field in DEVICE_FIELDS else ""


def _selected(fault: Fault, expression: str) -> str:
    rest = _source(fault, expression)[fault.column - 1 :]
    found = re.match(r"(?:\(\s*\w+\s*)?\s*\.\s*\??\s*(\w+)", rest)
    return found[1] if found else ""


def upstream(fault: Fault, expression: str, parse: Callable[[str], Checked]) -> Fault:
    """Return a fault as upstream reports it.

    Parameters
    ----------
    fault
        The library's fault.
    expression
        The whole expression.
    parse
        Parses without checking types.
    """
    line, column, reason = fault
    reason = _TYPE_PARAMETER.sub("dyn", reason)
    if not reason.startswith("Syntax"):
        reason = re.sub(r"\bnull_type\b", "null", reason)
    source = _source(fault, expression)
    if reason == _DEVICE_OPERAND:
        return Fault(line, column, f"undefined field '{_selected(fault, expression)}'")
    if found := re.fullmatch(r"expression of type '([\w.]+)' cannot be the operand of a select operation", reason):
        if found[1].startswith(("kubernetes.", "net.")):
            return Fault(line, column, f"unexpected failed resolution of '{found[1]}'")
        return Fault(line, column, f"type '{found[1]}' does not support field selection")
    if found := re.fullmatch(r"undeclared reference to '(\w+(?:\.\w+)*)' (\(in container ''\))", reason):
        return _undeclared(fault, found[1], found[2], source)
    if found := re.fullmatch(r"found no matching overload for '(_&&_|_\|\|_)' applied to '\((.*)\)'", reason):
        for node in _calls(parse(expression), found[1], line, column, expression):
            for kind, (row, place) in zip(split_types(found[2]), node, strict=False):
                if kind not in {"bool", "dyn"}:
                    return Fault(row, place, f"expected type 'bool' but found '{kind}'")
    if found := re.fullmatch(r"found no matching overload for '(\w+)' applied to '\((.*)\)'", reason):
        target, *rest = split_types(found[2])
        if re.search(rf"\.\s*{found[1]}\s*$", source[: column - 1]):
            return Fault(
                line, column, f"found no matching overload for '{found[1]}' applied to '{target}.({', '.join(rest)})'"
            )
    reason = reason.replace("cannot be the range of a", "cannot be range of a")
    reason = reason.replace("has() argument must be a field selection", "invalid argument to has() macro")
    reason = reason.replace(
        "cel.bind() variable name must be a simple identifier", "cel.bind() variable names must be simple identifiers"
    )
    reason = re.sub(r"^\w+\(\) variable name must be a simple identifier", "argument must be a simple name", reason)
    reason = re.sub(r"^Invalid string literal: .*Unicode value.*", "invalid unicode code point", reason)
    return Fault(line, column, reason)


def _undeclared(fault: Fault, name: str, place: str, source: str) -> Fault:
    root, *rest = name.split(".")
    literal = re.match(r"[\w.\s]*\{", source[fault.column - 1 :])
    if literal and re.match(rf"\.?{re.escape(name)}\s*\{{", source[fault.column - 1 :]):
        return Fault(fault.line, fault.column + literal.end() - 1, fault.reason)
    if not rest:
        return fault
    inner = r"\s*\.\s*".join([root, *rest[:-1]])
    start = re.search(rf"\b{inner}\s*$", source[: fault.column - 1])
    column = start.start() + 1 if start else fault.column
    return Fault(fault.line, column, f"undeclared reference to '{root}' {place}")


def _calls(checked: Checked, function: str, line: int, column: int, expression: str) -> Iterator[list[tuple[int, int]]]:
    """Yield the places of the arguments of the calls of a function at a place."""

    def where(node: Node) -> tuple[int, int]:
        return place_of(checked.positions.get(node.id, 0), expression)

    nodes: list[Node] = [checked.root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Call) and node.function == function and where(node) == (line, column):
            yield [where(argument) for argument in node.args]
        nodes += children(node)
