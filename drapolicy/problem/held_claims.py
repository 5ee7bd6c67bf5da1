"""Allocations of claims: as objects, or packed where a state begins with very many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.resource import AllocationResult, DeviceAllocationResult, DeviceRequestAllocationResult

_MOST_SHARED = 10_000
_NOTHING = DeviceAllocationResult()

_T = TypeVar("_T")


class _Packed(NamedTuple):
    """An allocation whose devices are of one pool: that pool, its node, and what it shares with many others."""

    frame: AllocationResult
    results: tuple[DeviceRequestAllocationResult, ...]
    pool: str
    node: str | None


class HeldClaims(Mapping[str, AllocationResult]):
    """Allocation of each allocated claim, by ``namespace/name``.

    Objects for some devices of a node weigh a kilobyte, most of which is the same on other nodes. :meth:`pack` keeps
    pool and node and what is the same once; what is read is equal to what was packed.
    """

    def __init__(self) -> None:
        self._held: dict[str, AllocationResult | _Packed] = {}
        self._shared: dict[bytes, Any] = {}

    def __getitem__(self, key: str) -> AllocationResult:
        return _unpacked(self._held[key])

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def clear_of(self, keys: tuple[str, ...]) -> bool:
        """Return whether none of some claims is held."""
        return self._held.keys().isdisjoint(keys)

    def hold(self, key: str, allocation: AllocationResult) -> None:
        """Note what a claim holds."""
        self._held[key] = allocation

    def pack(self, key: str, allocation: AllocationResult) -> None:
        """Note what a claim holds, in less memory and more time."""
        self._held[key] = self._packed(allocation) or allocation

    def release(self, key: str) -> AllocationResult:
        """Forget what a claim holds, and return it."""
        return _unpacked(self._held.pop(key))

    def _packed(self, allocation: AllocationResult) -> _Packed | None:
        results = allocation.devices.results
        # Shares have names of their own, and configuration may be anything: nothing that many have alike.
        if not results or allocation.devices.config or any(map(_is_share, results)):
            return None
        if any(result.pool != results[0].pool for result in results):
            return None
        node = _only_node(allocation.node_selector)
        selector = _named("") if node is not None else allocation.node_selector
        frame = replace(allocation, devices=_NOTHING, node_selector=selector)
        shapes = tuple([self._once(replace(result, pool="")) for result in results])
        return _Packed(self._once(frame), shapes, results[0].pool, node)

    def _once(self, thing: _T) -> _T:
        """Return an equal object that is kept already, so that a million equal ones are one."""
        text = type(thing).__name__.encode() + msgspec.json.encode(thing)
        known: _T | None = self._shared.get(text)
        if known is None:
            known = thing
            if len(self._shared) < _MOST_SHARED:
                self._shared[text] = thing
        return known


def _unpacked(held: AllocationResult | _Packed) -> AllocationResult:
    if isinstance(held, AllocationResult):
        return held
    devices = DeviceAllocationResult(results=[replace(result, pool=held.pool) for result in held.results])
    selector = held.frame.node_selector if held.node is None else _named(held.node)
    return replace(held.frame, devices=devices, node_selector=selector)


def _is_share(result: DeviceRequestAllocationResult) -> bool:
    return result.share_id is not None or bool(result.consumed_capacity)


def _only_node(selector: NodeSelector | None) -> str | None:
    """Return the node of a selector that names one as allocations do (K8s S55); None for any other."""
    if selector is None or len(selector.node_selector_terms) != 1:
        return None
    fields = selector.node_selector_terms[0].match_fields
    name = fields[0].values[0] if len(fields) == 1 and fields[0].values else None
    return name if name is not None and selector == _named(name) else None


def _named(node: str) -> NodeSelector:
    here = NodeSelectorRequirement(key="metadata.name", operator="In", values=[node])
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_fields=[here])])
