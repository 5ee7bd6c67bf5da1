"""Small problems in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Fits, Outcome
from drapolicy.problem.reference import Allocator
from drapolicy.release import Release, release
from drapolicy.release.gates import FEATURES


def convert(value: Any, kind: type) -> Any:
    """Return a typed object of plain data."""
    return msgspec.convert(value, kind, dec_hook=lambda _, text: Quantity(text))


class Kit:
    """Builders for the tests of the reference."""

    features = release("1.37").features
    node = Node(metadata=ObjectMeta(name="n1", labels={"zone": "a"}))

    @staticmethod
    def everything(minor: str = "1.37") -> Release:
        """Return a release with all its allocator features on."""
        return release(minor).with_features(FEATURES[minor])

    @staticmethod
    def slice(
        devices: Sequence[Any] = (), *, name: str = "s", pool: str = "p", driver: str = "gpu.x", **spec: Any
    ) -> ResourceSlice:
        """Return a slice of node n1 unless told otherwise; a device may be given by its name."""
        where = (
            {"nodeName": "n1"}
            if not spec.keys() & {"nodeSelector", "allNodes", "perDeviceNodeSelection", "nodeName"}
            else {}
        )
        count = spec.pop("count", 1)
        generation = spec.pop("generation", 1)
        listed = [{"name": entry} if isinstance(entry, str) else entry for entry in devices]
        body = {"driver": driver, "pool": {"name": pool, "generation": generation, "resourceSliceCount": count}}
        return convert(
            {"metadata": {"name": name}, "spec": {**body, **where, "devices": listed, **spec}}, ResourceSlice
        )

    @staticmethod
    def request(name: str = "r", count: int | str = 1, **spec: Any) -> dict[str, Any]:
        """Return a request for some devices of class any, or for "All"."""
        mode = {"allocationMode": "All"} if count == "All" else {"allocationMode": "ExactCount", "count": count}
        return {"name": name, "exactly": {"deviceClassName": "any", **mode, **spec}}

    @classmethod
    def first(cls, name: str, *entries: dict[str, Any]) -> dict[str, Any]:
        """Return a request for the first entry that can be had; entries are made by :meth:`request`."""
        return {"name": name, "firstAvailable": [{"name": entry["name"], **entry["exactly"]} for entry in entries]}

    @staticmethod
    def claim(*requests: Mapping[str, Any], name: str = "c", **devices: Any) -> ResourceClaim:
        """Return a claim of namespace ns."""
        return convert(
            {
                "metadata": {"name": name, "namespace": "ns"},
                "spec": {"devices": {"requests": list(requests), **devices}},
            },
            ResourceClaim,
        )

    @staticmethod
    def device_class(name: str = "any", **spec: Any) -> DeviceClass:
        """Return a class."""
        return convert({"metadata": {"name": name}, "spec": spec}, DeviceClass)

    def allocator(
        self,
        slices: Sequence[ResourceSlice],
        *,
        classes: Sequence[DeviceClass] = (),
        allocated: AllocatedState | None = None,
        features: frozenset[str] | None = None,
        kubernetes: Release | None = None,
        **options: Any,
    ) -> Allocator:
        """Return an allocator that knows class any and those given; 1.37 with its defaults unless told otherwise."""
        known = {entry.metadata.name: entry for entry in [self.device_class(), *classes]}
        return Allocator(
            kubernetes or release().with_features(self.features if features is None else features),
            AllocatedState() if allocated is None else allocated,
            known,
            slices,
            **options,
        )

    def allocate(self, slices: Sequence[ResourceSlice], *claims: ResourceClaim, **options: Any) -> Outcome:
        """Return the outcome on node n1."""
        return self.allocator(slices, **options).allocate(self.node, claims)

    @staticmethod
    def names(outcome: Outcome) -> list[list[str]]:
        """Return the devices of each claim."""
        assert isinstance(outcome, Fits), outcome
        return [[device.device for device in result.devices.results] for result in outcome.results]


@pytest.fixture
def kit() -> Kit:
    """Builders for small problems."""
    return Kit()
