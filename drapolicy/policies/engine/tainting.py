"""Which devices each DeviceTaintRule taints, as columns (K8s S49)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceTaintRule, DeviceTaintSelector
from drapolicy.cel.columns import Table
from drapolicy.inventory import Fleet
from drapolicy.inventory.columns import Codes
from drapolicy.inventory.selecting import select

Flags = NDArray[np.bool_]


def tainted(fleet: Fleet, table: Table) -> list[Flags]:
    """Return the devices that each rule taints, as :func:`~drapolicy.inventory.taint_rules.with_taint_rules` does.

    Parameters
    ----------
    fleet
        The fleet.
    table
        Its devices as selectors see them.

    Returns
    -------
    list of ndarray
        For each rule that the release heeds, shape (devices,), bool.

    Raises
    ------
    CompileError
        For a rule with a selector that does not compile.
    """
    if not fleet.release.heeds_taint_rules:
        return []
    return [_chosen(rule, fleet, table) for rule in fleet.taint_rules]


def _chosen(rule: DeviceTaintRule, fleet: Fleet, table: Table) -> Flags:
    selector = rule.spec.device_selector
    everything, nothing = np.ones(len(fleet.devices), np.bool_), np.zeros(len(fleet.devices), np.bool_)
    if selector is None:
        return nothing if fleet.release.behaviour.bare_rules_taint_nothing else everything
    selectors = selector.selectors
    if selector.device_class_name is not None:
        named = fleet.classes.get(selector.device_class_name)
        if named is None:
            return nothing
        selectors = [*named.spec.selectors, *selectors]
    found = _named(selector, fleet)
    for text in [item.cel.expression for item in selectors if item.cel is not None]:
        said = select(table, text)
        found &= said.matches & ~said.errors
    return found


def _named(selector: DeviceTaintSelector, fleet: Fleet) -> Flags:
    slices, devices = fleet.slices, fleet.devices
    rows = _equal(slices.driver, selector.driver) & _equal(slices.pool, selector.pool)
    return rows[devices.slice] & _equal(devices.name, selector.device)


def _equal(column: Codes[str], value: str | None) -> Flags:
    """Tell which cells hold a value; all where none is asked for."""
    if value is None:
        return np.ones(len(column.codes), np.bool_)
    codes = [code for code, known in enumerate(column.values) if known == value]
    return np.isin(column.codes, codes)
