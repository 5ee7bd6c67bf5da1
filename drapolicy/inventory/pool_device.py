"""One device of a pool on one node, with everything about it that never changes, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceTaint, ResourceSlice
from drapolicy.cel.errors import EvaluationError

# What a device draws of shared counters, in nano units by counter set and counter; its groups by counter set.
Draws: TypeAlias = tuple[tuple[tuple[str, str], int], ...]
Groups: TypeAlias = tuple[tuple[str, frozenset[str]], ...]


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
    """An attribute as constraints compare it (K8s S50, S52).

    Attributes
    ----------
    scalar
        Type and value; None for a list.
    values
        Every value with its type: those of a list, or the only one.
    """

    scalar: tuple[str, str | int | bool] | None
    values: frozenset[tuple[str, str | int | bool]]


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
    unserved
        Its slice skips node operations, and node or release cannot do that (K8s S38).
    shareable
        Several claims may hold shares of it (K8s S44).
    counters
        What it draws from shared counters: ``((counter set, counter), nano units)``.
    groups
        Compatibility groups by counter set that it draws from (K8s S46).
    capacity
        Amount of each capacity: ``(name, nano units)``.
    harmful
        Taints that keep it from being allocated unless tolerated: those of ``any_effect``, or of the two that are
        known to (K8s S47).
    memo
        Answers about this device that never change, kept by whoever computes them, under keys of their own.
    """

    __slots__ = (
        "_attributes",
        "_derived",
        "_verdicts",
        "_view",
        "api",
        "capacity",
        "counters",
        "groups",
        "harmful",
        "id",
        "index",
        "memo",
        "node_problem",
        "on_node",
        "pool",
        "shareable",
        "slice",
        "unserved",
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
        unserved: bool = False,
        any_effect: bool = False,
        counters_of: str = "",
    ) -> None:
        self.pool = pool
        self.id = DeviceId(pool.driver, pool.pool, device.name)
        self.index = index
        self.slice = owner
        self.api = device
        self.on_node = on_node
        self.node_problem = node_problem
        self.unserved = unserved
        self.shareable = bool(device.allow_multiple_allocations)
        self.counters = consumption(device, counters_of)
        self.groups = groups(device)
        self.capacity = tuple((name, capacity.value.nano) for name, capacity in device.capacity.items())
        self.harmful: tuple[DeviceTaint, ...] = tuple(
            taint for taint in device.taints if any_effect or taint.effect in {"NoSchedule", "NoExecute"}
        )
        self.memo: dict[object, Any] = {}
        self._view: cel.DeviceView | None = None
        self._verdicts: dict[str, bool | str] = {}
        self._attributes: dict[str, AttributeValue | None] = {}
        self._derived: dict[str, AttributeValue | str] = {}

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
            return program.evaluate(self._as_seen())
        except EvaluationError as error:
            return error.message

    def _as_seen(self) -> cel.DeviceView:
        if self._view is None:
            self._view = cel.device_view(self.pool.driver, self.api)
        return self._view

    def part(self, consumed: Mapping[str, Quantity]) -> float:
        """Return what part of the device a share takes: the largest part of a capacity that it consumes.

        Parameters
        ----------
        consumed
            Amounts by capacity.

        Returns
        -------
        float
            From 0 to 1; 1 if no amount of a capacity is given: then the device is taken as a whole.
        """
        whole = dict(self.capacity)
        parts = [amount.nano / whole[name] for name, amount in consumed.items() if whole.get(name)]
        return min(max(parts, default=1.0), 1.0)

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
        return None if found is None else attribute_value(found)

    def derived(self, expression: str, program: cel.AttributeProgram) -> AttributeValue | str:
        """Return the attribute that an expression makes of the device, or the text of its runtime error."""
        known = self._derived.get(expression)
        if known is None:
            try:
                known = attribute_value(program.evaluate(self._as_seen()))
            except EvaluationError as error:
                known = error.message
            self._derived[expression] = known
        return known


def attribute_value(attribute: DeviceAttribute) -> AttributeValue:
    """Return an attribute as constraints compare it."""
    for kind, scalar in (
        ("string", attribute.string_value),
        ("int", attribute.int_value),
        ("bool", attribute.bool_value),
        ("version", attribute.version_value),
    ):
        if scalar is not None:
            return AttributeValue((kind, scalar), frozenset([(kind, scalar)]))
    lists: tuple[tuple[str, Sequence[str | int | bool]], ...] = (
        ("int", attribute.int_values),
        ("bool", attribute.bool_values),
        ("string", attribute.string_values),
        ("version", attribute.version_values),
    )
    return AttributeValue(None, frozenset((kind, value) for kind, values in lists for value in values))


def consumption(device: Device, owner: str = "") -> Draws:
    """Return what a device draws from shared counters: ``((counter set, counter), nano units)``.

    Parameters
    ----------
    owner
        The slice to which counters belong, where they belong to slices: a set is then named ``slice/set``.
    """
    prefix = f"{owner}/" if owner else ""
    return tuple(
        ((prefix + drawn.counter_set, name), counter.value.nano)
        for drawn in device.consumes_counters
        for name, counter in drawn.counters.items()
    )


def groups(device: Device) -> Groups:
    """Return the compatibility groups of a device: ``(counter set, groups)`` for each set it draws from."""
    return tuple((drawn.counter_set, frozenset(drawn.compatibility_groups)) for drawn in device.consumes_counters)
