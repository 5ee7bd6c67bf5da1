"""Which devices a request may use as far as nothing else taken matters: CEL, node, capacity policy, taints."""

from __future__ import annotations

from collections.abc import Mapping

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceTaint, DeviceToleration
from drapolicy.cel.errors import CompileError, with_hint
from drapolicy.inventory.pool_device import AttributeValue, PoolDevice
from drapolicy.problem.reference.capacity import Charge, charge
from drapolicy.problem.reference.plan import AbortError, Plan
from drapolicy.release import Release


class Eligibility:
    """Answers about pairs of request and device; every answer is computed when it is first needed, then kept.

    Parameters
    ----------
    release
        Kubernetes release with its gates.
    """

    def __init__(self, release: Release) -> None:
        self._release = release
        self._binding = release.binds
        self._fractional = "FractionalCapacityRange" in release.features
        self._checked = release.behaviour.capacity_errors_abort
        self._programs: dict[str, cel.Program | str] = {}
        self._derivations: dict[str, cel.AttributeProgram | str] = {}

    def selectable(self, plan: Plan, device: PoolDevice) -> bool:
        """Return whether selectors and the device's own node selection let the request have it (K8s S39).

        Raises
        ------
        AbortError
            When an expression does not compile, or fails on this device.
        """
        known = plan.matches.get(device.index)
        if known is None:
            known = plan.matches[device.index] = self._select(plan, device)
        return known

    def _select(self, plan: Plan, device: PoolDevice) -> bool:
        if not self._binding and device.api.binding_conditions:
            return False
        for label, expression in plan.selectors:
            program = self._programs.get(expression)
            if program is None:
                program = self._programs[expression] = self._compile(expression)
            if isinstance(program, str):
                message = f"{label}: CEL compile error: {program}"
                raise AbortError(message)
            verdict = device.verdict(expression, program)
            if isinstance(verdict, str):
                if self._release.behaviour.names_failing_device:
                    label, verdict = f"{label} on device {device.id}", with_hint(verdict)
                message = f"{label}: CEL runtime error: {verdict}"
                raise AbortError(message)
            if not verdict:
                return False
        # After CEL on purpose: a device of another node can end the attempt through an expression (Q19).
        if device.node_problem:
            raise AbortError(device.node_problem)
        return device.on_node

    def _compile(self, expression: str) -> cel.Program | str:
        try:
            return cel.compile(expression, self._release)
        except CompileError as error:
            return str(error)

    def attribute(self, plan: Plan, device: PoolDevice, name: str) -> AttributeValue | None:
        """Return a device's attribute of a fully qualified name as the request's constraints see it.

        Raises
        ------
        AbortError
            When the request derives the attribute, and its expression does not compile or fails on this device.
        """
        expression = plan.derived.get(name)
        if expression is None:
            return device.attribute(name)
        program = self._derivations.get(expression)
        if program is None:
            try:
                program = cel.compile_attribute(expression, self._release)
            except CompileError as error:
                program = str(error)
            self._derivations[expression] = program
        if isinstance(program, str):
            message = f"compile derived attribute {name} failed: {program}"
            raise AbortError(message)
        value = device.derived(expression, program)
        if isinstance(value, str):
            message = f"evaluate derived attribute {name} on device {device.id} failed: {value}"
            raise AbortError(message)
        return value

    def charge(self, plan: Plan, device: PoolDevice) -> Charge:
        """Return what the request takes of the device's capacities (K8s S41-S43)."""
        known = plan.charges.get(device.index)
        if known is None:
            kept = device.memo.get(plan.charge_key)
            if kept is None or not _same_amounts(kept[0], plan.amounts):
                made = charge(device, plan.amounts, fractional=self._fractional, checked=self._checked)
                kept = device.memo[plan.charge_key] = (plan.amounts, made)
            known = plan.charges[device.index] = kept[1]
        return known


def _same_amounts(kept: Mapping[str, Quantity], asked: Mapping[str, Quantity]) -> bool:
    """Return whether amounts that are known to be equal are also of one form, on which S43 depends."""
    return all(amount is kept[name] or amount.same_form(kept[name]) for name, amount in asked.items())


def tolerated(plan: Plan, device: PoolDevice) -> bool:
    """Return whether the request puts up with every taint that keeps others off the device (K8s S48)."""
    known = plan.tolerated.get(device.index)
    if known is None:
        known = plan.tolerated[device.index] = all(
            any(_tolerates(toleration, taint) for toleration in plan.tolerations) for taint in device.harmful
        )
    return known


def _tolerates(toleration: DeviceToleration, taint: DeviceTaint) -> bool:
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    if toleration.operator in {"", "Equal"}:
        return toleration.value == taint.value
    return toleration.operator == "Exists"
