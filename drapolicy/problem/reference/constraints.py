"""Constraints of a claim, as they grow and shrink with the devices taken for it (K8s S50, S51, S54)."""

from __future__ import annotations

from typing import Protocol

from drapolicy.inventory.pool_device import AttributeValue, PoolDevice

# A list attribute compares equal to nothing while the gate DRAListTypeAttributes is off.
_LIST = "list"


class Constraint(Protocol):
    """A condition on the devices of some requests of a claim; a refusal stays one when devices are added."""

    def add(self, device: PoolDevice) -> bool:
        """Take the device in, or return False and stay as it was."""
        ...

    def remove(self) -> None:
        """Give up the device that was added last."""
        ...


class MatchAttribute:
    """All devices have the same type and value of an attribute; the first sets it, whatever it is."""

    __slots__ = ("_count", "_name", "_value")

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._value: AttributeValue | None = None

    def add(self, device: PoolDevice) -> bool:
        """Take the device in if it has the common value."""
        value = device.attribute(self._name)
        if value is None:
            return False
        if self._count == 0:
            self._value = value
        elif value.type == _LIST or value != self._value:
            return False
        self._count += 1
        return True

    def remove(self) -> None:
        """Forget the device that was added last."""
        self._count -= 1


class DistinctAttribute:
    """No two devices have the same type and value of an attribute."""

    __slots__ = ("_name", "_seen")

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: list[AttributeValue] = []

    def add(self, device: PoolDevice) -> bool:
        """Take the device in if its value is new."""
        value = device.attribute(self._name)
        if value is None or (self._seen and (value.type == _LIST or value in self._seen)):
            return False
        self._seen.append(value)
        return True

    def remove(self) -> None:
        """Forget the device that was added last."""
        self._seen.pop()
