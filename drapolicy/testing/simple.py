"""Small fleets and claims in one call, for tests whose point is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drapolicy.api import Objects
from drapolicy.api.core import Node, Pod
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    Device,
    DeviceAttribute,
    DeviceClaim,
    DeviceClass,
    DeviceConstraint,
    DeviceRequest,
    DeviceSelector,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.problem.ask import Ask, ask_for_claim, kind_of

DRIVER = "gpu.example"
CLASS = "any"


def row(*, nodes: int, devices: int, device: str = "device-{}") -> Objects:
    """Return nodes ``node-0`` and on, each with equal devices in a row, and a class that takes any device."""
    names = [f"node-{number}" for number in range(nodes)]
    return objects({name: [Device(name=device.format(number)) for number in range(devices)] for name in names})


def objects(devices: Mapping[str, Iterable[Device]]) -> Objects:
    """Return a node with one pool for each name, and a class that takes any device."""
    return Objects(
        nodes=tuple(Node(metadata=ObjectMeta(name=name)) for name in devices),
        slices=tuple(_slice(name, list(own)) for name, own in devices.items()),
        classes=(DeviceClass(metadata=ObjectMeta(name=CLASS)),),
    )


def _slice(node: str, devices: list[Device]) -> ResourceSlice:
    spec = ResourceSliceSpec(
        driver=DRIVER,
        node_name=node,
        pool=ResourcePool(name=node, generation=1, resource_slice_count=1),
        devices=devices,
    )
    return ResourceSlice(metadata=ObjectMeta(name=f"{node}-{DRIVER}"), spec=spec)


def device(name: str, **attributes: int | str) -> Device:
    """Return a device with attributes of its driver."""
    made = {
        key: DeviceAttribute(int_value=value) if isinstance(value, int) else DeviceAttribute(string_value=value)
        for key, value in attributes.items()
    }
    return Device(name=name, attributes=made)


def request(count: int = 1, expression: str = "", *, name: str = "devices", cls: str = CLASS) -> DeviceRequest:
    """Return a request for some devices that an expression accepts."""
    exactly = ExactDeviceRequest(
        device_class_name=cls, allocation_mode="ExactCount", count=count, selectors=_selectors(expression)
    )
    return DeviceRequest(name=name, exactly=exactly)


def first_of(*choices: tuple[int, str], name: str = "devices") -> DeviceRequest:
    """Return a request with alternatives ``(count, expression)``, named ``a0`` and on."""
    alternatives = [
        DeviceSubRequest(
            name=f"a{i}",
            device_class_name=CLASS,
            allocation_mode="ExactCount",
            count=count,
            selectors=_selectors(expression),
        )
        for i, (count, expression) in enumerate(choices)
    ]
    return DeviceRequest(name=name, first_available=alternatives)


def _selectors(expression: str) -> list[DeviceSelector]:
    return [DeviceSelector(cel=CELDeviceSelector(expression=expression))] if expression else []


def claim(name: str, *requests: DeviceRequest, match: str = "", namespace: str = "test") -> ResourceClaim:
    """Return a claim; ``match`` is an attribute that all its devices must share."""
    constraints = [DeviceConstraint(match_attribute=match)] if match else []
    spec = ResourceClaimSpec(devices=DeviceClaim(requests=list(requests), constraints=constraints))
    return ResourceClaim(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)


def ask(name: str, count: int) -> Ask:
    """Return the ask of one claim for some devices, or an ask without claims for 0."""
    if count:
        return ask_for_claim(claim(name, request(count)))
    return Ask(f"test/{name}", (), None, kind_of((), None))


def ask_with(pod: Pod | None, *claims: ResourceClaim, name: str = "test/ask") -> Ask:
    """Return the ask of a pod with claims."""
    return Ask(name, claims, pod, kind_of(claims, pod))
