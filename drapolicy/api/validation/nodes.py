"""Rules of node selectors, and of the choice among node fields of slices and devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement
from drapolicy.api.names import dns_subdomain, label_key, label_value, shown
from drapolicy.api.validation.report import Report

_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")


def check_node_name(report: Report, path: str, name: str | None) -> None:
    """Check the name of a node, which may be unset but not empty."""
    if name == "":
        report.add(path, "'' is empty; name a node or leave it out")
    elif name is not None and (message := dns_subdomain(name)):
        report.add(path, message)


def check_exactly_one(report: Report, path: str, fields: Mapping[str, object]) -> None:
    """Check that one of several fields is set; ``fields`` tells for each whether it is."""
    present = [name for name, is_set in fields.items() if is_set]
    if not present:
        report.required(path, f"set exactly one of {', '.join(fields)}")
    elif len(present) > 1:
        report.add(path, f"sets {' and '.join(present)}; set exactly one of {', '.join(fields)}")


def check_node_selector(report: Report, path: str, selector: NodeSelector | None, *, one_term: bool) -> None:
    """Check a node selector; ``one_term`` for those that are merged on allocation (A.1)."""
    if selector is None:
        return
    terms = selector.node_selector_terms
    if not terms or (one_term and len(terms) != 1):
        wanted = "exactly one" if one_term else "at least one"
        report.add(f"{path}.nodeSelectorTerms", f"has {len(terms)} terms; use {wanted}")
    for index, term in enumerate(terms):
        place = f"{path}.nodeSelectorTerms[{index}]"
        for number, requirement in enumerate(term.match_expressions):
            _check_expression(report, f"{place}.matchExpressions[{number}]", requirement)
        for number, requirement in enumerate(term.match_fields):
            _check_field(report, f"{place}.matchFields[{number}]", requirement)


def _check_expression(report: Report, path: str, requirement: NodeSelectorRequirement) -> None:
    report.name(f"{path}.key", requirement.key, label_key)
    report.one_of(f"{path}.operator", requirement.operator, _OPERATORS)
    operator, count = requirement.operator, len(requirement.values)
    if operator in {"In", "NotIn"} and not count:
        report.required(f"{path}.values", f"operator {operator} needs at least one value")
    elif operator in {"Exists", "DoesNotExist"} and count:
        report.add(f"{path}.values", f"has {count} values; operator {operator} takes none")
    elif operator in {"Gt", "Lt"} and count != 1:
        report.add(f"{path}.values", f"has {count} values; operator {operator} takes exactly one")
    for index, value in enumerate(requirement.values):
        if message := label_value(value):
            report.add(f"{path}.values[{index}]", message)


def _check_field(report: Report, path: str, requirement: NodeSelectorRequirement) -> None:
    report.one_of(f"{path}.operator", requirement.operator, ("In", "NotIn"))
    if len(requirement.values) != 1:
        report.add(f"{path}.values", f"has {len(requirement.values)} values; a field is compared with exactly one")
    if requirement.key != "metadata.name":
        report.add(f"{path}.key", f"{shown(requirement.key)} cannot be selected; use metadata.name")
        return
    for index, value in enumerate(requirement.values):
        if message := dns_subdomain(value):
            report.add(f"{path}.values[{index}]", message)
