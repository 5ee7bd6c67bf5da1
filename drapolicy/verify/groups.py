"""Which devices may draw from one set of counters together (K8s S46)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from drapolicy.api.resource import Device


class Groups:
    """Compatibility groups of the devices that draw from each set of counters of one pool.

    Parameters
    ----------
    holds
        Devices of the pool that other claims hold, as whole devices or by shares, in the order of the pool.
    """

    def __init__(self, holds: Iterable[Device]) -> None:
        self._members: dict[str, list[frozenset[str]]] = defaultdict(list)
        for device in holds:
            self._join(device)

    def add(self, device: Device) -> str:
        """Let a device draw from its counters; return why it must not, empty when it may."""
        reason = ""
        for drawn in device.consumes_counters:
            others = self._members[drawn.counter_set]
            if not _admits(others, frozenset(drawn.compatibility_groups)):
                has = ", ".join(sorted(drawn.compatibility_groups)) or "none"
                reason = f"its compatibility groups ({has}) do not go with those that draw from {drawn.counter_set}"
                break
        self._join(device)
        return reason

    def _join(self, device: Device) -> None:
        for drawn in device.consumes_counters:
            self._members[drawn.counter_set].append(frozenset(drawn.compatibility_groups))


def _admits(others: list[frozenset[str]], groups: frozenset[str]) -> bool:
    # The first device decides whether any of the set may have groups.
    if not others:
        return True
    if not others[0] or not groups:
        return not others[0] and not groups
    return bool(groups.intersection(*filter(None, others)))
