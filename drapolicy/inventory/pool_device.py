"""One device of a pool on one node, with everything about it that never changes, computed once."""

from __future__ import annotations

from typing import Any, NamedTuple

from drapolicy import cel
from drapolicy.api.resource import Device, DeviceTaint, ResourceSlice
from drapolicy.cel.errors import EvaluationError


class PoolId(NamedTuple):
    """Driver and name of a pool; sorts as Kubernetes sorts pools (K8s S26)."""

    driver: str
    pool: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}"


class DeviceId(NamedTuple):
    """What names a device in the cluster (K8s S3)."""

    driver: str
    pool: str
    device: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}/{self.device}"


class AttributeValue(NamedTuple):
    """An attribute as constraints compare it: type and value; lists have no value to compare (K8s S50)."""

    type: str
    value: str | int | bool | None


class PoolDevice:
    """A device that one node may use.

    Attributes
    ----------
    id, pool
        Names.
    index
        Position among all devices of the node, in the order in which they are tried.
    slice, api
        The slice that publishes it, and the device as published.
    on_node, node_problem
        Whether the node is among those that the device itself selects (True without per-device selection), and what
        is wrong with that selection.
    shareable
        Several claims may hold shares of it (K8s S44).
    counters
        What it draws from shared counters: ``((counter set, counter), nano units)``.
    capacity
        Amount of each capacity: ``(name, nano units)``.
    harmful
        Taints that keep it from being allocated unless tolerated (K8s S47).
    memo
        Answers about this device that never change, kept by whoever computes them, under keys of their own.
    """

    __slots__ = (
        "_attributes",
        "_verdicts",
        "_view",
        "api",
        "capacity",
        "counters",
        "harmful",
        "id",
        "index",
        "memo",
        "node_problem",
        "on_node",
        "pool",
        "shareable",
        "slice",
    )

    def __init__(
        self,
        pool: PoolId,
        index: int,
        owner: ResourceSlice,
        device: Device,
        *,
        on_node: bool = True,
        node_problem: str = "",
    ) -> None:
        self.pool = pool
        self.id = DeviceId(pool.driver, pool.pool, device.name)
        self.index = index
        self.slice = owner
        self.api = device
        self.on_node = on_node
        self.node_problem = node_problem
        self.shareable = bool(device.allow_multiple_allocations)
        self.counters = consumption(device)
        self.capacity = tuple((name, capacity.value.nano) for name, capacity in device.capacity.items())
        self.harmful: tuple[DeviceTaint, ...] = tuple(
            taint for taint in device.taints if taint.effect in {"NoSchedule", "NoExecute"}
        )
        self.memo: dict[object, Any] = {}
        self._view: cel.DeviceView | None = None
        self._verdicts: dict[str, bool | str] = {}
        self._attributes: dict[str, AttributeValue | None] = {}

    def __repr__(self) -> str:
        return f"PoolDevice({self.id}, index={self.index})"

    def verdict(self, expression: str, program: cel.Program) -> bool | str:
        """Return what a CEL expression says of the device, or the text of its runtime error."""
        known = self._verdicts.get(expression)
        if known is None:
            known = self._evaluate(program)
            self._verdicts[expression] = known
        return known

    def _evaluate(self, program: cel.Program) -> bool | str:
        try:
            if self._view is None:
                self._view = cel.device_view(self.pool.driver, self.api)
            return program.evaluate(self._view)
        except EvaluationError as error:
            return error.message

    def attribute(self, name: str) -> AttributeValue | None:
        """Return the attribute of a fully qualified name as constraints see it; None when the device lacks it."""
        if name not in self._attributes:
            self._attributes[name] = self._look_up(name)
        return self._attributes[name]

    def _look_up(self, name: str) -> AttributeValue | None:
        found = self.api.attributes.get(name)
        if found is None:
            domain, slash, identifier = name.partition("/")
            if slash and domain == self.pool.driver:
                found = self.api.attributes.get(identifier)
        if found is None:
            return None
        if found.string_value is not None:
            return AttributeValue("string", found.string_value)
        if found.int_value is not None:
            return AttributeValue("int", found.int_value)
        if found.bool_value is not None:
            return AttributeValue("bool", found.bool_value)
        if found.version_value is not None:
            return AttributeValue("version", found.version_value)
        return AttributeValue("list", None)


def consumption(device: Device) -> tuple[tuple[tuple[str, str], int], ...]:
    """Return what a device draws from shared counters: ``((counter set, counter), nano units)``."""
    return tuple(
        ((drawn.counter_set, name), counter.value.nano)
        for drawn in device.consumes_counters
        for name, counter in drawn.counters.items()
    )
