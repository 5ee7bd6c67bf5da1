"""The machine of a case as a fleet of one node, and what is asked of it as claims."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api import Objects
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequirements,
    CELDeviceSelector,
    Device,
    DeviceAllocationResult,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClaim,
    DeviceClass,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import build
from drapolicy.inventory.links import NodeLinks
from drapolicy.problem.state import State

NODE, CLASS, MILLI = "node", "case", "milli"
_MOST_IN_SLICE = 128
_MOST_IN_CLAIM = 32
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Slot(NamedTuple):
    """A device of a machine.

    Attributes
    ----------
    id
        What the case calls it.
    attributes
        What its driver publishes.
    milli
        Thousandths of it that are left to be shared; None for a device that is given as a whole.
    """

    id: str
    attributes: Mapping[str, int | str] = {}
    milli: int | None = None


@dataclass(frozen=True)
class Machine:
    """A machine as a case describes it.

    Attributes
    ----------
    driver
        Driver of its devices.
    slots
        D devices in the order in which they are published.
    mb_s, paths, lanes
        Links, see :class:`~drapolicy.inventory.links.NodeLinks`; None where the case tells nothing of them.
    cpu
        Milli CPU that the node has left; None for a node that tells no room.
    """

    driver: str
    slots: tuple[Slot, ...]
    mb_s: NDArray[np.int64] | None = field(default=None, compare=False)
    paths: NDArray[np.int8] | None = field(default=None, compare=False)
    lanes: NDArray[np.int16] | None = field(default=None, compare=False)
    cpu: int | None = None

    def state(self, available: Collection[str] | None = None) -> State:
        """Return a state of the machine in which all devices but some are held.

        Parameters
        ----------
        available
            Ids of the devices that are free, as far as they are shared already; None for all.
        """
        held = [slot.id for slot in self.slots if available is not None and slot.id not in available]
        gone = [(slot.id, None) for slot in self.slots if slot.id in held or slot.milli == 0]
        used = [(s.id, 1_000 - s.milli) for s in self.slots if s.milli and s.milli < 1_000 and s.id not in held]
        allocated = AllocationResult(devices=DeviceAllocationResult(results=[self._held(*it) for it in gone + used]))
        claim = ResourceClaim(
            metadata=ObjectMeta(name="held", namespace="case"), status=ResourceClaimStatus(allocation=allocated)
        )
        fleet = build(Objects(nodes=(self._node(),), slices=tuple(self._slices()), classes=(_class(),)))
        names = self._names()
        devices = tuple((self.driver, NODE, names[slot.id]) for slot in self.slots)
        if self.paths is not None or self.mb_s is not None:
            mb_s = np.zeros((len(devices),) * 2, np.int64) if self.mb_s is None else self.mb_s
            fleet = fleet.with_links({NODE: NodeLinks(devices, mb_s, self.paths, self.lanes)})
        return State(fleet, [claim])

    def _node(self) -> Node:
        room = {} if self.cpu is None else {"cpu": Quantity(f"{self.cpu}m"), "pods": Quantity("1000")}
        return Node(metadata=ObjectMeta(name=NODE), status=NodeStatus(allocatable=room))

    def _slices(self) -> Iterator[ResourceSlice]:
        names = self._names()
        parts = [self.slots[i : i + _MOST_IN_SLICE] for i in range(0, len(self.slots), _MOST_IN_SLICE)]
        for number, part in enumerate(parts):
            spec = ResourceSliceSpec(
                driver=self.driver,
                node_name=NODE,
                pool=ResourcePool(name=NODE, generation=1, resource_slice_count=len(parts)),
                devices=[_device(names[slot.id], slot) for slot in part],
            )
            yield ResourceSlice(metadata=ObjectMeta(name=f"{NODE}-{number:04}"), spec=spec)

    def _names(self) -> dict[str, str]:
        """Return the name of each device: its id as far as Kubernetes can write it, for some peers go by names."""
        plain = [re.sub(r"[^a-z0-9-]", "-", slot.id.lower()) for slot in self.slots]
        if len(set(plain)) < len(plain) or not all(map(_NAME.fullmatch, plain)):
            plain = [f"device-{d:04}" for d in range(len(self.slots))]
        return {slot.id: name for slot, name in zip(self.slots, plain, strict=True)}

    def _held(self, identity: str, used: int | None) -> DeviceRequestAllocationResult:
        amount = {} if used is None else {MILLI: Quantity(str(used))}
        return DeviceRequestAllocationResult(
            request="held",
            driver=self.driver,
            pool=NODE,
            device=self._names()[identity],
            share_id=None if used is None else "00000000-0000-4000-8000-000000000000",
            consumed_capacity=amount,
        )

    def claims(
        self, size: int, required: Sequence[str] = (), *, milli: int | None = None, name: str = "case"
    ) -> tuple[ResourceClaim, ...]:
        """Return claims for some devices, each required one a request of its own; 32 devices a claim at most."""
        wanted = [(1, f'device.attributes["{self.driver}"].id == {json.dumps(one)}') for one in required]
        rest = size - len(required)
        wanted += [(min(_MOST_IN_CLAIM, rest - i), "") for i in range(0, rest, _MOST_IN_CLAIM)]
        made: list[list[DeviceRequest]] = []
        room = 0
        for count, expression in wanted:
            if count > room:
                made.append([])
                room = _MOST_IN_CLAIM
            room -= count
            made[-1].append(_request(f"r{len(made[-1])}", count, expression, milli))
        return tuple(
            ResourceClaim(
                metadata=ObjectMeta(name=f"{name}-{number}", namespace="case"),
                spec=ResourceClaimSpec(devices=DeviceClaim(requests=requests)),
            )
            for number, requests in enumerate(made)
        )

    def ids(self, results: Sequence[AllocationResult]) -> tuple[str, ...]:
        """Return the ids of allocated devices, in the order of the allocation."""
        called = {name: identity for identity, name in self._names().items()}
        return tuple(called[entry.device] for result in results for entry in result.devices.results)


def _class() -> DeviceClass:
    return DeviceClass(metadata=ObjectMeta(name=CLASS))


def _device(name: str, slot: Slot) -> Device:
    attributes = {"id": slot.id, **slot.attributes}
    return Device(
        name=name,
        attributes={
            key: DeviceAttribute(int_value=value) if isinstance(value, int) else DeviceAttribute(string_value=value)
            for key, value in attributes.items()
        },
        allow_multiple_allocations=None if slot.milli is None else True,
        capacity={} if slot.milli is None else {MILLI: DeviceCapacity(value=Quantity("1000"))},
    )


def _request(name: str, count: int, expression: str, milli: int | None) -> DeviceRequest:
    selectors = [DeviceSelector(cel=CELDeviceSelector(expression=expression))] if expression else []
    amounts = None if milli is None else CapacityRequirements(requests={MILLI: Quantity(str(milli))})
    exactly = ExactDeviceRequest(
        device_class_name=CLASS, allocation_mode="ExactCount", count=count, selectors=selectors, capacity=amounts
    )
    return DeviceRequest(name=name, exactly=exactly)
