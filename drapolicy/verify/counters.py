"""What devices draw from shared counters, and whether enough is left (K8s S45)."""

from __future__ import annotations

from collections import Counter as Amounts
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from drapolicy.api.resource import CounterSet, Device
from drapolicy.release import Release
from drapolicy.verify.pools import DeviceID, PoolID, Seen, SeenPool

Key = tuple[str, ...]
Counter = tuple[str, str]


class Counters:
    """Counters of the pools that a node sees, with what is left of them.

    Parameters
    ----------
    pools
        The pools.
    holds
        Says of a device whether what it draws is gone already.
    release
        Kubernetes release with its gates; it decides what a counter belongs to.

    Notes
    -----
    Up to 1.35 counters belong to the name of a pool: of pools that share a name, upstream keeps what is left of the
    one that it meets first. A placement passes if it does for any of them.
    """

    def __init__(self, pools: Mapping[PoolID, SeenPool], holds: Callable[[DeviceID], bool], release: Release) -> None:
        self._pools = pools
        self._holds = holds
        self._owner = release.behaviour.counters
        self._drawn: dict[Key, Amounts[Counter]] = defaultdict(Amounts)
        self._left: dict[Key, list[Amounts[Counter]]] = {}

    def draw(self, seen: Seen) -> str:
        """Charge the counters of a device.

        Returns
        -------
        str
            The first counter, by name, that is overdrawn then; empty if none is.
        """
        key = self._key(seen)
        if key not in self._left:
            self._left[key] = list(self._openings(seen))
        drawn = self._drawn[key]
        for each in seen.device.consumes_counters:
            for name, counter in each.counters.items():
                drawn[each.counter_set, name] += counter.value.nano
        enough = [left for left in self._left[key] if _overdrawn(left, drawn) is None]
        if enough:
            self._left[key] = enough
            return ""
        counters, name = next(filter(None, (_overdrawn(left, drawn) for left in self._left[key])))
        return f"counter {counters}/{name} is exceeded"

    def _key(self, seen: Seen) -> Key:
        match self._owner:
            case "slice":
                return (seen.slice.metadata.name,)
            case "pool name":
                return (seen.id[1],)
            case _:
                return seen.id[:2]

    def _openings(self, seen: Seen) -> Iterable[Amounts[Counter]]:
        pool_id = seen.id[:2]
        if self._owner == "slice":
            yield self._opening(pool_id, seen.slice.spec.shared_counters, seen.slice.spec.devices)
            return
        for pool in self._pools.values():
            if pool.id == pool_id or (self._owner == "pool name" and pool.id[1] == pool_id[1]):
                devices = [*(each.device for each in pool.devices.values()), *pool.elsewhere]
                yield self._opening(pool.id, pool.counter_sets.values(), devices)

    def _opening(self, pool: PoolID, counter_sets: Iterable[CounterSet], devices: Iterable[Device]) -> Amounts[Counter]:
        left = Amounts(
            {(each.name, name): counter.value.nano for each in counter_sets for name, counter in each.counters.items()}
        )
        for device in devices:
            if self._holds((*pool, device.name)):
                for drawn in device.consumes_counters:
                    for name, counter in drawn.counters.items():
                        if (drawn.counter_set, name) in left:
                            left[drawn.counter_set, name] -= counter.value.nano
        return left


def _overdrawn(left: Amounts[Counter], drawn: Amounts[Counter]) -> Counter | None:
    return next((name for name in sorted(left) if left[name] < drawn[name]), None)
