"""Pools of devices as one node sees them, in the order in which Kubernetes tries them.

Source: Kubernetes ``structured/internal/incubating/pools_incubating.go`` (K8s S23-S28).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drapolicy.api.core import Node
from drapolicy.api.resource import Device, ResourceSlice
from drapolicy.inventory.pool_device import DeviceId, Draws, Groups, PoolDevice, PoolId
from drapolicy.inventory.pool_draft import Draft, binding_conditions, compatibility_groups, keep_newest, own_counters
from drapolicy.inventory.pool_faults import collect_counters, duplicate_device, undefined_counter
from drapolicy.inventory.reach import NodeSelectionError, Reach
from drapolicy.release import Release

# What a node declares that can do without the operations that slices skip.
_OPERATIONS = "DRAOptionalNodeOperations"


@dataclass(frozen=True)
class Pool:
    """One pool as one node sees it.

    Attributes
    ----------
    id
        Driver and name.
    devices
        Devices that the node may use, slices by name, devices as published (K8s S27, S28). With
        per-device node selection some may belong to other nodes (``PoolDevice.on_node``). Empty when the pool is
        invalid, and when nothing may be allocated from it because it is incomplete.
    counters
        Amount of each shared counter in nano units, by counter set and counter. Where counters belong to slices, a
        counter set is named ``slice/set``.
    elsewhere
        Devices of the pool that only other nodes can use, with the counters they draw (nano units).
    groups_elsewhere
        The same devices with their compatibility groups by counter set (K8s S46).
    incomplete
        The driver is replacing the pool (K8s S25).
    invalid
        What makes the pool contradict itself, in upstream's words; empty when it is sound.
    """

    id: PoolId
    devices: tuple[PoolDevice, ...] = ()
    counters: Mapping[tuple[str, str], int] | None = None
    elsewhere: tuple[tuple[DeviceId, Draws], ...] = ()
    groups_elsewhere: tuple[tuple[DeviceId, Groups], ...] = ()
    incomplete: bool = False
    invalid: str = ""


class Gatherer:
    """Finds the pools of any node; slices are indexed once.

    Parameters
    ----------
    slices
        All slices of the cluster, with the taints of DeviceTaintRules (K8s S49).
    release
        Kubernetes release with its gates.
    """

    def __init__(self, slices: Iterable[ResourceSlice], release: Release) -> None:
        behaviour = release.behaviour
        self._partitionable = "PartitionableDevices" in release.features
        self._ignores_groups = behaviour.alpha_fields and "CompatibilityGroups" not in release.features
        self._any_effect = not behaviour.ignores_unknown_effects
        self._heeds_operations = behaviour.heeds_node_operations
        self._skips_operations = "OptionalNodeOperations" in release.features
        self._ordered = behaviour.ordered
        self._binding_last = behaviour.complete
        self._skips_unusable = behaviour.skips_unusable_pools
        self._per_slice = behaviour.counters == "slice"
        self._counters_everywhere = not behaviour.counters_follow_nodes and not self._per_slice
        self._of_node: dict[str, list[ResourceSlice]] = {}
        self._shared: list[ResourceSlice] = []
        self._of_pool: dict[PoolId, list[ResourceSlice]] = {}
        self._reaches = Reach()
        for published in slices:
            spec = published.spec
            # Where the order is upstream's, of two slices at odds the node's own comes first; elsewhere the older.
            if spec.node_name and self._ordered and not (self._counters_everywhere and spec.shared_counters):
                self._of_node.setdefault(spec.node_name, []).append(published)
            else:
                self._shared.append(published)
            self._of_pool.setdefault(PoolId(spec.driver, spec.pool.name), []).append(published)

    def __call__(self, node: Node) -> tuple[Pool, ...]:
        """Return the pools of a node.

        Returns
        -------
        tuple of Pool
            Pools without binding conditions first, each group by driver and name (K8s S26). Incomplete and invalid
            pools are in it; pools that are about to be replaced are not (K8s S24). ``PoolDevice.index`` counts the
            devices through.

        Raises
        ------
        NodeSelectionError
            When a node selector cannot be read.
        """
        seen: dict[PoolId, list[ResourceSlice]] = {}
        for published in [*self._of_node.get(node.metadata.name, ()), *self._shared]:
            if self._relevant(published, node):
                keep_newest(seen.setdefault(PoolId(published.spec.driver, published.spec.pool.name), []), published)
        plain: list[Draft] = []
        binding: list[Draft] = []
        for pool_id in sorted(seen):
            draft = self._draft(pool_id, seen[pool_id])
            if draft is not None:
                (binding if draft.binds and self._binding_last else plain).append(draft)
        pools: list[Pool] = []
        index = 0
        for draft in plain + binding:
            devices = []
            for owner, device in draft.devices():
                on_node, problem = self._selects(device, node) if owner.spec.per_device_node_selection else (True, "")
                devices.append(
                    PoolDevice(
                        draft.id,
                        index,
                        owner,
                        device,
                        on_node=on_node,
                        node_problem=problem,
                        unserved=self._unserved(owner, node),
                        any_effect=self._any_effect,
                        counters_of=owner.metadata.name if self._per_slice else "",
                    )
                )
                index += 1
            pools.append(
                Pool(
                    draft.id,
                    tuple(devices),
                    draft.counters,
                    draft.drawn_elsewhere(),
                    draft.groups_elsewhere(),
                    draft.incomplete,
                    draft.invalid,
                )
            )
        return tuple(pools)

    def _unserved(self, published: ResourceSlice, node: Node) -> bool:
        if not self._heeds_operations or not published.spec.skip_node_operations:
            return False
        return not self._skips_operations or _OPERATIONS not in node.status.declared_features

    def _relevant(self, published: ResourceSlice, node: Node) -> bool:
        spec = published.spec
        pool_counters = bool(spec.shared_counters) and not self._per_slice
        if not self._partitionable and (spec.per_device_node_selection is not None or pool_counters):
            return False
        if self._ignores_groups and compatibility_groups(published):
            return False
        if pool_counters and self._counters_everywhere:
            return True
        if spec.node_name or spec.all_nodes or spec.node_selector is not None:
            try:
                return self._reaches(spec, node)
            except NodeSelectionError as error:
                message = f"failed to perform node selection for slice {published.metadata.name}: {error}"
                raise NodeSelectionError(message) from error
        if not spec.per_device_node_selection:
            return False
        for device in spec.devices:
            found, problem = self._selects(device, node)
            if problem:
                name = published.metadata.name
                message = f"failed to perform node selection for device {device.name} in slice {name}: {problem}"
                raise NodeSelectionError(message)
            if found:
                return True
        return False

    def _selects(self, device: Device, node: Node) -> tuple[bool, str]:
        try:
            return self._reaches(device, node), ""
        except NodeSelectionError as error:
            return False, str(error)

    def _rank(self, published: ResourceSlice) -> tuple[bool, str]:
        return self._binding_last and binding_conditions(published), published.metadata.name

    def _draft(self, pool_id: PoolId, found: list[ResourceSlice]) -> Draft | None:
        """Return the pool made of the node's newest slices; None when a newer generation exists elsewhere."""
        if self._ordered:
            first, found = found[0], sorted(found, key=lambda known: known.metadata.name)
        else:
            # Upstream's order is random but for slices with binding conditions, which stand behind.
            if self._binding_last:
                found = sorted(found, key=binding_conditions)
            first, found = found[0], sorted(found, key=self._rank)
        declared = first.spec.pool.resource_slice_count
        incomplete = len(found) != declared
        hidden: list[ResourceSlice] = []
        if incomplete and self._skips_unusable:
            generation = first.spec.pool.generation
            everything = self._of_pool[pool_id]
            if any(other.spec.pool.generation > generation for other in everything):
                return None
            current = [
                other
                for other in everything
                if other.spec.pool.generation == generation
                and not (self._ignores_groups and compatibility_groups(other))
            ]
            if len(current) != declared:
                return Draft(pool_id, incomplete=True)
            incomplete = False
            names = {known.metadata.name for known in found}
            if len(found) < len(current):
                hidden = [other for other in current if other.metadata.name not in names]
        if self._per_slice:
            problem = duplicate_device(found)
            binds = any(map(binding_conditions, found))
            return Draft(
                pool_id, found, counters=own_counters(found), incomplete=incomplete, problem=problem, binds=binds
            )
        if not self._partitionable:
            return Draft(pool_id, found, problem=duplicate_device(found))
        with_devices = [known for known in found if not known.spec.shared_counters]
        counter_slices = [known for known in [*found, *hidden] if known.spec.shared_counters]
        not_here = [other for other in hidden if not other.spec.shared_counters]
        counters: dict[tuple[str, str], int] = {}
        problem = (
            duplicate_device(with_devices)
            or collect_counters(counter_slices, counters)
            or undefined_counter(counter_slices, [*with_devices, *not_here])
        )
        return Draft(pool_id, with_devices, not_here, counters, problem=problem)
