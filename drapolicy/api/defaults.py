"""Defaults that the API server fills in (S16), and the namespace that kubectl does."""

from __future__ import annotations

from typing import Final, TypeVar

from msgspec.structs import replace

from drapolicy.api.kinds import DEFAULT_NAMESPACE
from drapolicy.api.pool_status import ResourcePoolStatusRequest
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceRequest,
    DeviceSubRequest,
    DeviceToleration,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceSlice,
)

POOL_LIMIT: Final = 100
ONE: Final = Quantity(1)

T = TypeVar("T")
_Request = TypeVar("_Request", ExactDeviceRequest, DeviceSubRequest)


def apply_defaults(obj: T) -> T:
    """Return an object with its defaults; the same object when there is nothing to fill in.

    Claims and templates get ``allocationMode: ExactCount``, ``count: 1`` in that mode, ``operator: Equal`` in
    tolerations, and the namespace ``default`` when they name none. ``timeAdded`` of taints stays unset: the API
    server would set the present time, and nothing here depends on a clock. Questions about pools are limited to 100,
    and mappings of devices to node resources multiply by 1.

    Examples
    --------
    >>> apply_defaults(ResourceClaim()).metadata.namespace
    'default'
    """
    if isinstance(obj, ResourceClaim):
        return _with_namespace(_put(obj, spec=_claim_spec(obj.spec), status=_status(obj)))
    if isinstance(obj, ResourceSlice) and any(device.node_allocatable_resource_mappings for device in obj.spec.devices):
        return _put(obj, spec=_put(obj.spec, devices=[*map(_device, obj.spec.devices)]))
    if isinstance(obj, ResourcePoolStatusRequest) and obj.spec.limit is None:
        return _put(obj, spec=replace(obj.spec, limit=POOL_LIMIT))
    if isinstance(obj, ResourceClaimTemplate):
        return _with_namespace(_put(obj, spec=_put(obj.spec, spec=_claim_spec(obj.spec.spec))))
    return obj


def _put(struct: T, **fields: object) -> T:
    """Return the struct with these fields; itself when it has them already."""
    if all(getattr(struct, name) is value for name, value in fields.items()):
        return struct
    return replace(struct, **fields)  # type: ignore[type-var]  # every caller passes a struct


def _put_list(old: list[T], new: list[T]) -> list[T]:
    """Return the old list when the new one holds the same objects."""
    return old if all(map(lambda a, b: a is b, old, new)) else new


def _device(device: Device) -> Device:
    """Return the device with a multiplier of 1 in each of its mappings to node resources."""
    mappings = {
        name: mapping if mapping.allocation_multiplier is not None else _put(mapping, allocation_multiplier=ONE)
        for name, mapping in device.node_allocatable_resource_mappings.items()
    }
    return _put(device, node_allocatable_resource_mappings=mappings) if mappings else device


def _with_namespace(obj: T) -> T:
    meta = obj.metadata  # type: ignore[attr-defined]  # claims and templates
    return obj if meta.namespace else _put(obj, metadata=replace(meta, namespace=DEFAULT_NAMESPACE))


def _claim_spec(spec: ResourceClaimSpec) -> ResourceClaimSpec:
    requests = spec.devices.requests
    return _put(spec, devices=_put(spec.devices, requests=_put_list(requests, [*map(_request, requests)])))


def _request(request: DeviceRequest) -> DeviceRequest:
    exactly = None if request.exactly is None else _mode_and_count(request.exactly)
    alternatives = request.first_available
    first_available = _put_list(alternatives, [*map(_mode_and_count, alternatives)])
    return _put(request, exactly=exactly, first_available=first_available)


def _mode_and_count(request: _Request) -> _Request:
    mode = request.allocation_mode or "ExactCount"
    count = 1 if mode == "ExactCount" and request.count == 0 else request.count
    request = request if request.count == count else replace(request, count=count)
    request = request if request.allocation_mode == mode else replace(request, allocation_mode=mode)
    return _put(request, tolerations=_tolerations(request.tolerations))


def _tolerations(tolerations: list[DeviceToleration]) -> list[DeviceToleration]:
    return _put_list(
        tolerations,
        [toleration if toleration.operator else replace(toleration, operator="Equal") for toleration in tolerations],
    )


def _status(claim: ResourceClaim) -> object:
    """Return the status with the tolerations of its results complete."""
    allocation = claim.status.allocation
    if allocation is None:
        return claim.status
    results = allocation.devices.results
    complete = [_put(result, tolerations=_tolerations(result.tolerations)) for result in results]
    devices = _put(allocation.devices, results=_put_list(results, complete))
    return _put(claim.status, allocation=_put(allocation, devices=devices))
