"""Constraints of a claim, as they grow and shrink with the devices taken for it (K8s S50-S52, S54)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Protocol, TypeAlias

from drapolicy.inventory.pool_device import AttributeValue

_Scalar = tuple[str, str | int | bool]

# What a value comes to where it is compared: the values that count, and whether it fits only in a certain place.
Compared: TypeAlias = tuple[frozenset[Hashable], bool]


class Constraint(Protocol):
    """A condition on an attribute of the devices of some requests; a refusal stays one when devices are added."""

    name: str

    def add(self, value: AttributeValue | None, request: int) -> bool:
        """Take in a device with this value, None for one without, or return False and stay as it was.

        Parameters
        ----------
        request
            Position of the request that the device is for.
        """
        ...

    def remove(self, request: int) -> None:
        """Give up the device that was added last, which was for this request."""
        ...

    def compared(self, value: AttributeValue) -> Compared:
        """Return what a value comes to, for those who compare without adding."""
        ...


class MatchAttribute:
    """All devices have the same type and value; the first sets it, and a list equals nothing (K8s S50)."""

    __slots__ = ("_count", "_scalar", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = 0
        self._scalar: _Scalar | None = None

    def add(self, value: AttributeValue | None, request: int) -> bool:
        """Take in a device that has the common value."""
        del request
        if value is None:
            return False
        if self._count == 0:
            self._scalar = value.scalar
        elif value.scalar is None or value.scalar != self._scalar:
            return False
        self._count += 1
        return True

    def remove(self, request: int) -> None:
        """Forget the device that was added last."""
        del request
        self._count -= 1

    def compared(self, value: AttributeValue) -> Compared:
        """Return the scalar; a list, which equals nothing, is a value of its own that fits only alone."""
        return (value.values, True) if value.scalar is None else (frozenset([value.scalar]), False)


class MatchLists:
    """All devices have a value in common, where lists are attributes too (K8s S52).

    Parameters
    ----------
    restores
        Removing a device gives back the values that only it ruled out; otherwise they stay out while any device is
        in.
    """

    __slots__ = ("_common", "name", "restores")

    def __init__(self, name: str, *, restores: bool) -> None:
        self.name = name
        self.restores = restores
        self._common: list[frozenset[_Scalar]] = []

    def add(self, value: AttributeValue | None, request: int) -> bool:
        """Take in a device that has some of the common values."""
        del request
        common = frozenset() if value is None else value.values
        if self._common:
            common &= self._common[-1]
        if not common:
            return False
        self._common.append(common)
        return True

    def remove(self, request: int) -> None:
        """Forget the device that was added last."""
        del request
        common = self._common.pop()
        if self._common and not self.restores:
            self._common[-1] = common

    def compared(self, value: AttributeValue) -> Compared:
        """Return all values."""
        return value.values, False


class DistinctAttribute:
    """No two devices have the same type and value, nor lists with a value in common (K8s S51, S52).

    Parameters
    ----------
    lists
        Lists are attributes too; otherwise only the first device may have one.
    compares
        Values are compared; otherwise a device only differs not from itself.
    remembers_all
        Otherwise only the last device of each request is compared with, and none of a request once one was removed.
    """

    __slots__ = ("_compares", "_count", "_lists", "_seen", "name", "remembers_all")

    def __init__(self, name: str, *, lists: bool, compares: bool, remembers_all: bool) -> None:
        self.name = name
        self._lists = lists
        self._compares = compares
        self.remembers_all = remembers_all
        self._count = 0
        self._seen: dict[int, AttributeValue] = {}

    def add(self, value: AttributeValue | None, request: int) -> bool:
        """Take in a device whose value is new."""
        if value is None:
            return False
        if (self._count or self.remembers_all) and not self._is_new(value, self._seen.values()):
            return False
        self._seen[self._count if self.remembers_all else request] = value
        self._count += 1
        return True

    def remove(self, request: int) -> None:
        """Forget the device that was added last."""
        self._count -= 1
        self._seen.pop(self._count if self.remembers_all else request, None)

    def compared(self, value: AttributeValue) -> Compared:
        """Return the values that no other device may have; a value without any fits only as the first."""
        if self._lists:
            return value.values, not value.values
        if value.scalar is None:
            return frozenset(), True
        return frozenset([value.scalar if self._compares else ("device", id(value))]), False

    def _is_new(self, value: AttributeValue, seen: Iterable[AttributeValue]) -> bool:
        if self._lists:
            return bool(value.values) and all(value.values.isdisjoint(other.values) for other in seen)
        if not self._compares:
            return not any(value.scalar is None or value is other for other in seen)
        return not any(value.scalar is None or value.scalar == other.scalar for other in seen)
