"""What one node sees of the pools: slices, generations, completeness, validity (K8s S23-S25)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement
from drapolicy.api.resource import CounterSet, Device, ResourceSlice
from drapolicy.release import Release

PoolID = tuple[str, str]
DeviceID = tuple[str, str, str]


@dataclass(frozen=True)
class Missing:
    """Why a device cannot be used on a node: the number of the rule and the reason in words."""

    rule: str
    reason: str


@dataclass(frozen=True)
class Seen:
    """One device that a node sees, with the slice it comes from."""

    id: DeviceID
    device: Device
    slice: ResourceSlice

    def reaches(self, node: Node) -> bool:
        """Say whether the device itself can be used on the node; its slice already can (S39, last step)."""
        if not self.slice.spec.per_device_node_selection:
            return True
        return matches_node(node, self.device.node_name, self.device.all_nodes, self.device.node_selector)


@dataclass
class SeenPool:
    """One pool as a node sees it.

    Attributes
    ----------
    trouble
        Why mode All is refused (S25); empty for a good pool.
    devices
        Devices that may be taken, by name: those of the slices that matter for the node. None of a pool in trouble,
        save that up to 1.34 an incomplete one serves requests for a number of devices.
    elsewhere
        Devices of the other slices of the same generation: they draw from the same counters (S45).
    counter_sets
        Sets of counters by name.
    """

    id: PoolID
    generation: int
    trouble: str = ""
    devices: dict[str, Seen] = field(default_factory=dict)
    elsewhere: list[Device] = field(default_factory=list)
    counter_sets: dict[str, CounterSet] = field(default_factory=dict)


class Published:
    """All slices of a cluster, by pool; made once for many placements."""

    def __init__(self, slices: Iterable[ResourceSlice]) -> None:
        self._of: dict[PoolID, list[ResourceSlice]] = defaultdict(list)
        self._local: dict[str, set[PoolID]] = defaultdict(set)
        self._roaming: set[PoolID] = set()
        self._counting: set[PoolID] = set()
        for item in slices:
            pool = (item.spec.driver, item.spec.pool.name)
            self._of[pool].append(item)
            if item.spec.node_name:
                self._local[item.spec.node_name].add(pool)
            else:
                self._roaming.add(pool)
            if item.spec.shared_counters:
                self._counting.add(pool)

    def of(self, pool: PoolID) -> list[ResourceSlice]:
        """Return the slices of a pool, in the order of the input; none for an unknown pool."""
        return self._of.get(pool, [])

    def near(self, node: Node, *, counters: bool) -> list[PoolID]:
        """Return the pools that the node may see, in order; with ``counters`` all that have a slice of counters."""
        found = self._local.get(node.metadata.name, set()) | self._roaming
        return sorted(found | self._counting if counters else found)


class Sight:
    """The pools that one node sees.

    Parameters
    ----------
    published
        All slices of the cluster.
    node
        The node that looks.
    release
        Kubernetes release with its gates.
    wanted
        Pools to look at; None for all of them.
    """

    def __init__(self, published: Published, node: Node, release: Release, wanted: Iterable[PoolID] | None) -> None:
        self.node = node
        self._partitionable = "PartitionableDevices" in release.features
        self._behaviour = release.behaviour
        # Slices with compatibility groups count for nothing while their gate is off (S46).
        self._grouping = "CompatibilityGroups" in release.features or not self._behaviour.alpha_fields
        self._published = published
        self.pools: dict[PoolID, SeenPool] = {}
        self._obsolete: dict[PoolID, str] = {}
        everywhere = not self._behaviour.counters_follow_nodes
        for pool in published.near(node, counters=everywhere) if wanted is None else wanted:
            self._look(pool, published.of(pool))

    def find(self, device: DeviceID) -> Seen | Missing:
        """Return the device, or why the node cannot use it."""
        pool_id, name = device[:2], device[2]
        pool = self.pools.get(pool_id)
        if pool is not None and name in pool.devices:
            return pool.devices[name]
        of_device = [
            item for item in self._published.of(pool_id) if any(other.name == name for other in item.spec.devices)
        ]
        if of_device and all(map(self._ignored, of_device)):
            return Missing("S46", "its slice has compatibility groups, but gate DRADeviceCompatibilityGroups is off")
        if pool is not None and pool.trouble and not pool.devices:
            return Missing("S25", f"pool {'/'.join(pool_id)} is {pool.trouble}")
        if pool_id in self._obsolete:
            return Missing("S24", self._obsolete[pool_id])
        published = [item.spec.pool.generation for item in of_device]
        if not published:
            return Missing("S23", "no slice publishes it")
        if pool is not None and pool.generation not in published:
            newest = max(published)
            return Missing("S24", f"it belongs to generation {newest}, the pool is at generation {pool.generation}")
        return Missing("S23", f"no slice that publishes it can be used on node {self.node.metadata.name}")

    def _look(self, pool_id: PoolID, published: list[ResourceSlice]) -> None:
        ordered = sorted(published, key=self._late)
        relevant = [item for item in ordered if self._relevant(item)]
        if not relevant:
            return
        generation = max(item.spec.pool.generation for item in relevant)
        kept = [item for item in relevant if item.spec.pool.generation == generation]
        expected = kept[0].spec.pool.resource_slice_count
        rest: list[ResourceSlice] = []
        trouble = ""
        if len(kept) != expected:
            trouble = "currently being updated"
            if self._behaviour.skips_unusable_pools:
                newest = max(item.spec.pool.generation for item in published)
                if newest > generation:
                    self._obsolete[pool_id] = (
                        f"the node sees generation {generation} of pool {'/'.join(pool_id)}, which is at {newest}"
                    )
                    return
                everywhere = [
                    item for item in published if item.spec.pool.generation == generation and not self._ignored(item)
                ]
                if len(everywhere) != expected:
                    self.pools[pool_id] = SeenPool(pool_id, generation, trouble)
                    return
                names = {item.metadata.name for item in kept}
                rest = [item for item in everywhere if item.metadata.name not in names]
                trouble = ""
        if self._behaviour.ordered:
            kept.sort(key=lambda item: item.metadata.name)
        self.pools[pool_id] = self._build(SeenPool(pool_id, generation, trouble), kept, rest)

    def _late(self, item: ResourceSlice) -> bool:
        """Say whether upstream looks at a slice after the others: the count of the first one is believed."""
        if self._behaviour.ordered:
            counters = bool(item.spec.shared_counters) and not self._behaviour.counters_follow_nodes
            return counters or not item.spec.node_name
        return self._behaviour.complete and any(device.binding_conditions for device in item.spec.devices)

    def _ignored(self, item: ResourceSlice) -> bool:
        return not self._grouping and any(
            drawn.compatibility_groups for device in item.spec.devices for drawn in device.consumes_counters
        )

    def _relevant(self, item: ResourceSlice) -> bool:
        spec = item.spec
        strict = self._behaviour.skips_unusable_pools
        if not self._partitionable and (
            spec.per_device_node_selection is not None or (strict and spec.shared_counters)
        ):
            return False
        if self._ignored(item):
            return False
        if strict and spec.shared_counters and not self._behaviour.counters_follow_nodes:
            return True
        if spec.node_name or spec.all_nodes or spec.node_selector is not None:
            return matches_node(self.node, spec.node_name, spec.all_nodes, spec.node_selector)
        return bool(spec.per_device_node_selection) and any(
            matches_node(self.node, device.node_name, device.all_nodes, device.node_selector) for device in spec.devices
        )

    def _build(self, pool: SeenPool, kept: list[ResourceSlice], rest: list[ResourceSlice]) -> SeenPool:
        def invalid(reason: str) -> SeenPool:
            return SeenPool(pool.id, pool.generation, trouble=f"invalid: {reason}")

        for item in kept:
            for device in self._lends(item):
                if device.name in pool.devices:
                    return invalid(f"duplicate device name {device.name}")
                pool.devices[device.name] = Seen((*pool.id, device.name), device, item)
        if not self._partitionable or not self._behaviour.skips_unusable_pools:
            return pool
        pool.elsewhere = [device for item in rest for device in self._lends(item)]
        for item in [*kept, *rest]:
            for counters in item.spec.shared_counters:
                if counters.name in pool.counter_sets:
                    return invalid(f"duplicate counter set {counters.name}")
                pool.counter_sets[counters.name] = counters
        for device in [*(seen.device for seen in pool.devices.values()), *pool.elsewhere]:
            for drawn in device.consumes_counters:
                known = pool.counter_sets[drawn.counter_set].counters if drawn.counter_set in pool.counter_sets else {}
                unknown = drawn.counters.keys() - known.keys()
                if drawn.counter_set not in pool.counter_sets or unknown:
                    what = "/".join([drawn.counter_set, *sorted(unknown)[:1]])
                    return invalid(f"device {device.name} draws from counter {what}, which is not defined")
        return pool

    def _lends(self, item: ResourceSlice) -> list[Device]:
        # A slice has counters or devices since 1.35; before, counters are those of its own devices.
        apart = self._partitionable and self._behaviour.skips_unusable_pools
        return [] if apart and item.spec.shared_counters else item.spec.devices


def matches_node(node: Node, name: str | None, everywhere: bool | None, selector: NodeSelector | None) -> bool:
    """Say whether one of the ways to choose nodes, tried in this order, chooses the node."""
    if name:
        return node.metadata.name == name
    if everywhere:
        return True
    if selector is None:
        return False
    fields = {"metadata.name": node.metadata.name}
    return any(
        (term.match_expressions or term.match_fields)
        and all(_holds(need, node.metadata.labels) for need in term.match_expressions)
        and all(_holds(need, fields) for need in term.match_fields)
        for term in selector.node_selector_terms
    )


def _holds(need: NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    has = labels.get(need.key)
    match need.operator:
        case "In":
            return has in need.values
        case "NotIn":
            return has not in need.values
        case "Exists":
            return has is not None
        case "DoesNotExist":
            return has is None
        case "Gt" | "Lt":
            left, right = _int64(has), _int64(need.values[0] if len(need.values) == 1 else None)
            if left is None or right is None:
                return False
            return left > right if need.operator == "Gt" else left < right
        case _:
            return False


def _int64(text: str | None) -> int | None:
    if text is None or not text.isascii():
        return None
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if not digits.isdigit() or len(digits) > 40:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
