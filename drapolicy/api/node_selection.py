"""Which nodes a node selector matches, and what is wrong with one that cannot be read.

Source: Kubernetes ``component-helpers/scheduling/corev1/nodeaffinity`` (K8s S23).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.errors import InputError

_Test: TypeAlias = Callable[[Mapping[str, str]], bool]

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_FIELD_OPERATORS = ("In", "NotIn")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = range(-(2**63), 2**63)

_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_KEY_HINT = f"{_NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
_VALUE_HINT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
    " and must start and end with an alphanumeric character"
    f" (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_NAME})?')"
)
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DOMAIN_HINT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character"
    f" (e.g. 'example.com', regex used for validation is '{_DOMAIN}')"
)


class SelectorError(InputError):
    """A node selector that Kubernetes cannot read; the message is upstream's."""


@dataclass(frozen=True)
class _Term:
    labels: tuple[_Test, ...]
    fields: tuple[_Test, ...]


class Selector:
    """A node selector, read once.

    Parameters
    ----------
    selector
        Terms of which one must hold.

    Raises
    ------
    SelectorError
        When a term has an unknown operator, a bad key or bad values, even if another term would match.

    Notes
    -----
    An empty term matches nothing, and so does a selector without terms. ``Gt`` and ``Lt`` compare integers; a label
    that is none does not match. Fields know ``metadata.name`` alone; every other field is empty.
    """

    __slots__ = ("_terms",)

    def __init__(self, selector: NodeSelector) -> None:
        problems: list[str] = []
        terms: list[_Term] = []
        for position, term in enumerate(selector.node_selector_terms):
            if not term.match_expressions and not term.match_fields:
                continue
            terms.append(_read(term, f"nodeSelectorTerms[{position}]", problems))
        if problems:
            raise SelectorError(_join(problems))
        self._terms = tuple(terms)

    def matches(self, node: Node) -> bool:
        """Return whether one term holds for the node."""
        labels = node.metadata.labels
        fields = {"metadata.name": node.metadata.name} if node.metadata.name else {}
        return any(
            all(test(labels) for test in term.labels) and (not fields or all(test(fields) for test in term.fields))
            for term in self._terms
        )


def _read(term: NodeSelectorTerm, path: str, problems: list[str]) -> _Term:
    labels = [
        _label_test(requirement, f"{path}.matchExpressions[{i}]", problems)
        for i, requirement in enumerate(term.match_expressions)
    ]
    fields = [
        _field_test(requirement, f"{path}.matchFields[{i}]", problems)
        for i, requirement in enumerate(term.match_fields)
    ]
    return _Term(tuple(labels), tuple(fields))


def _label_test(requirement: NodeSelectorRequirement, path: str, problems: list[str]) -> _Test:
    key, operator, values = requirement.key, requirement.operator, requirement.values
    if operator not in _OPERATORS:
        problems.append(_unsupported(path, operator, _OPERATORS))
        return lambda _: False
    found = _key_problems(key, f"{path}.key")
    if operator in {"In", "NotIn"}:
        if not values:
            found.append(_invalid(f"{path}.values", None, "for 'in', 'notin' operators, values set can't be empty"))
    elif operator in {"Exists", "DoesNotExist"}:
        if values:
            found.append(
                _invalid(f"{path}.values", values, "values set must be empty for exists and does not exist"),
            )
    else:
        if len(values) != 1:
            found.append(
                _invalid(f"{path}.values", values or None, "for 'Gt', 'Lt' operators, exactly one value is required"),
            )
        found += [
            _invalid(f"{path}.values[{i}]", value, "for 'Gt', 'Lt' operators, the value must be an integer")
            for i, value in enumerate(values)
            if _integer(value) is None
        ]
    for i, value in enumerate(values):
        found += _value_problems(value, f"{path}.values[{i}][{key}]")
    if found:
        problems += found
        return lambda _: False
    return _make(key, operator, values)


def _make(key: str, operator: str, values: Sequence[str]) -> _Test:
    wanted = frozenset(values)
    match operator:
        case "In":
            return lambda labels: key in labels and labels[key] in wanted
        case "NotIn":
            return lambda labels: key not in labels or labels[key] not in wanted
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
    bound = _integer(values[0])
    assert bound is not None

    def compare(labels: Mapping[str, str]) -> bool:
        value = _integer(labels.get(key, ""))
        return value is not None and (value > bound if operator == "Gt" else value < bound)

    return compare


def _field_test(requirement: NodeSelectorRequirement, path: str, problems: list[str]) -> _Test:
    key, operator, values = requirement.key, requirement.operator, requirement.values
    if operator not in _FIELD_OPERATORS:
        problems.append(_unsupported(path, operator, _FIELD_OPERATORS))
        return lambda _: False
    if len(values) != 1:
        problems.append(_invalid(f"{path}.values", values or None, "must have one element"))
        return lambda _: False
    wanted = values[0]
    if operator == "In":
        return lambda fields: fields.get(key, "") == wanted
    return lambda fields: fields.get(key, "") != wanted


def _integer(text: str) -> int | None:
    """Return a 64-bit integer as Go's ``ParseInt`` reads it; None for anything else."""
    if not _INTEGER.fullmatch(text) or len(text) > 30:
        return None
    value = int(text)
    return value if value in _INT64 else None


def _key_problems(key: str, path: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        hint = (
            f"a valid label key {_KEY_HINT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )
        return [_invalid(path, key, hint)]
    found = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        if len(prefix) > 253:
            found.append("prefix part must be no more than 253 bytes")
        if not re.fullmatch(_DOMAIN, prefix):
            found.append(f"prefix part {_DOMAIN_HINT}")
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_NAME, name):
        found.append(f"name part {_KEY_HINT}")
    return [_invalid(path, key, "; ".join(found))] if found else []


def _value_problems(value: str, path: str) -> list[str]:
    found = []
    if len(value) > 63:
        found.append("must be no more than 63 bytes")
    if value and not re.fullmatch(_NAME, value):
        found.append(_VALUE_HINT)
    return [_invalid(path, value, "; ".join(found))] if found else []


def _invalid(path: str, value: str | Sequence[str] | None, detail: str) -> str:
    return f"{path}: Invalid value: {json.dumps(value, separators=(',', ':'))}: {detail}"


def _unsupported(path: str, operator: str, supported: Sequence[str]) -> str:
    known = ", ".join(json.dumps(name) for name in supported)
    return f"{path}.operator: Unsupported value: {json.dumps(operator)}: supported values: {known}"


def _join(problems: Sequence[str]) -> str:
    """Write errors as Kubernetes aggregates them: one bare, several in brackets, each once."""
    once = list(dict.fromkeys(problems))
    return once[0] if len(once) == 1 else f"[{', '.join(once)}]"


def dump(selector: NodeSelector) -> str:
    """Write a node selector as Go prints the API type; upstream puts it into its error texts."""

    def requirements(found: Sequence[NodeSelectorRequirement]) -> str:
        return "".join(
            f"NodeSelectorRequirement{{Key:{r.key},Operator:{r.operator},Values:[{' '.join(r.values)}],}},"
            for r in found
        )

    terms = "".join(
        f"NodeSelectorTerm{{MatchExpressions:[]NodeSelectorRequirement{{{requirements(term.match_expressions)}}},"
        f"MatchFields:[]NodeSelectorRequirement{{{requirements(term.match_fields)}}},}},"
        for term in selector.node_selector_terms
    )
    return f"&NodeSelector{{NodeSelectorTerms:[]NodeSelectorTerm{{{terms}}},}}"
