"""Compatibility groups: which devices may draw from one counter set at a time (K8s S46)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from drapolicy.inventory.pool_device import PoolDevice, PoolId
from drapolicy.inventory.pools import Pool
from drapolicy.problem.allocated import AllocatedState

# What the devices of a counter set have in common; devices without groups have only this group.
Common: TypeAlias = frozenset[str | None]
UNGROUPED: Common = frozenset([None])


def common_groups(pool: Pool, allocated: AllocatedState) -> dict[str, Common]:
    """Return what the allocated devices of a pool have in common, by counter set; devices of other nodes count too."""
    common: dict[str, Common] = {}
    of_node = [(device.id, device.groups) for device in pool.devices]
    for device, groups in [*of_node, *pool.groups_elsewhere]:
        if not allocated.allocated(device):
            continue
        for counter_set, names in groups:
            known = common.get(counter_set)
            own: Common = names or UNGROUPED
            if known is None:
                common[counter_set] = own
            # Devices that were allocated in spite of each other leave things as they were.
            elif UNGROUPED not in (known, own):
                common[counter_set] = known & own
    return common


class GroupOpenings:
    """What allocated devices have in common, computed when a pool is first asked for, then kept.

    Nodes that see different slices of a pool, because its slices contradict each other about their number, get what
    the first of them saw.

    Parameters
    ----------
    allocated
        What is taken; what is kept is forgotten when it changes.
    """

    __slots__ = ("_allocated", "_known", "_version")

    def __init__(self, allocated: AllocatedState) -> None:
        self._allocated = allocated
        self._version = allocated.version
        self._known: dict[PoolId, dict[str, Common]] = {}

    def of(self, pool: Pool) -> Mapping[str, Common]:
        """Return what the allocated devices of a pool have in common, by counter set; not to be changed."""
        if self._version != self._allocated.version:
            self._known.clear()
            self._version = self._allocated.version
        known = self._known.get(pool.id)
        if known is None:
            known = self._known[pool.id] = common_groups(pool, self._allocated)
        return known


class GroupLedger:
    """What the devices of each counter set have in common during one search.

    Parameters
    ----------
    openings
        What they have in common before the search.
    pools
        Pools of the node.
    """

    __slots__ = ("_common", "_openings", "_pools")

    def __init__(self, openings: GroupOpenings, pools: Mapping[PoolId, Pool]) -> None:
        self._openings = openings
        self._pools = pools
        self._common: dict[PoolId, dict[str, list[Common]]] = {}

    def join(self, device: PoolDevice) -> bool:
        """Let a device in, or return False and change nothing."""
        stacks = self._of(device)
        for joined, (counter_set, names) in enumerate(device.groups):
            stack = stacks.setdefault(counter_set, [])
            own: Common = names or UNGROUPED
            common = own & stack[-1] if stack else own
            if not common:
                self._leave(stacks, device, joined)
                return False
            stack.append(common)
        return True

    def leave(self, device: PoolDevice) -> None:
        """Take back the device that joined last."""
        self._leave(self._of(device), device, len(device.groups))

    @staticmethod
    def _leave(stacks: dict[str, list[Common]], device: PoolDevice, count: int) -> None:
        for counter_set, _ in device.groups[:count]:
            stacks[counter_set].pop()

    def _of(self, device: PoolDevice) -> dict[str, list[Common]]:
        stacks = self._common.get(device.pool)
        if stacks is None:
            opening = self._openings.of(self._pools[device.pool])
            stacks = self._common[device.pool] = {name: [common] for name, common in opening.items()}
        return stacks
