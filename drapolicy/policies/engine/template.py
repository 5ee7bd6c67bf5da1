"""One node's answer, ready to be written for every node that is in the same state and seen alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from msgspec.structs import replace

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.resource import AllocationResult, DeviceAllocationResult, DeviceRequestAllocationResult
from drapolicy.inventory.pool_device import DeviceId

_KEPT_SELECTORS = 50_000


@dataclass(frozen=True)
class Template:
    """Devices by their position on the node.

    Attributes
    ----------
    results
        One allocation for each claim, as written for the node that was asked.
    positions
        For each allocation, the position of each of its devices.
    score
        The objective's terms by name.
    shares
        Whether some device is taken as a share.
    """

    results: tuple[AllocationResult, ...]
    positions: tuple[tuple[int, ...], ...]
    score: Mapping[str, int]
    shares: bool

    @classmethod
    def of(
        cls, results: tuple[AllocationResult, ...], at: Mapping[DeviceId, int], score: Mapping[str, int]
    ) -> Template:
        """Make the template of what was written for a node.

        Parameters
        ----------
        results
            One allocation for each claim.
        at
            Position of each of the node's devices.
        score
            The objective's terms by name.
        """
        positions = tuple(
            tuple(at[DeviceId(entry.driver, entry.pool, entry.device)] for entry in result.devices.results)
            for result in results
        )
        shares = any(entry.share_id is not None for result in results for entry in result.devices.results)
        return cls(results, positions, score, shares)

    @cached_property
    def _parts(self) -> list[tuple[AllocationResult, list[tuple[DeviceRequestAllocationResult, int]]]]:
        return [
            (result, list(zip(result.devices.results, positions, strict=True)))
            for result, positions in zip(self.results, self.positions, strict=True)
        ]

    def written(self, node: str, device: Callable[[int], DeviceId]) -> tuple[AllocationResult, ...]:
        """Return the allocations for a node.

        Parameters
        ----------
        node
            Its name.
        device
            Returns the name of its device at a position.
        """
        made = []
        for result, entries_at in self._parts:
            entries = []
            for entry, position in entries_at:
                driver, pool, name = device(position)
                entries.append(replace(entry, driver=driver, pool=pool, device=name))
            # All devices of regular nodes belong to the node alone: its name is the whole selector (K8s S55).
            selector = result.node_selector and selector_of(node)
            allocated = DeviceAllocationResult(results=entries, config=result.devices.config)
            made.append(replace(result, devices=allocated, node_selector=selector))
        return tuple(made)


@lru_cache(_KEPT_SELECTORS)
def selector_of(node: str) -> NodeSelector:
    """Return the selector of a node by its name."""
    here = NodeSelectorRequirement(key="metadata.name", operator="In", values=[node])
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_fields=[here])])
