"""Random demand: claims to place and claims that hold devices already, valid by the rules of the API."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from uuid import UUID

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    AllocationResult,
    CapacityRequirements,
    CELDeviceSelector,
    Device,
    DeviceAllocationResult,
    DeviceClaim,
    DeviceClaimConfiguration,
    DeviceConstraint,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSelector,
    DeviceSubRequest,
    DeviceToleration,
    ExactDeviceRequest,
    OpaqueDeviceConfiguration,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourceSlice,
)
from drapolicy.release import Release
from drapolicy.testing.derive import derive
from drapolicy.testing.devices import PCIE_ROOT, TAINT_KEYS
from drapolicy.testing.supply import DRIVERS

Features = frozenset[str]


def claims(
    rng: Random, namespace: str, drivers: Sequence[str], most: int, release: Release
) -> tuple[ResourceClaim, ...]:
    """Return one to ``most`` claims without allocation; only the namespace ``ops`` may ask for admin access."""
    admin = namespace == "ops"
    features = release.features
    return tuple(
        ResourceClaim(
            metadata=ObjectMeta(name=f"claim-{number}", namespace=namespace, uid=_uid(rng)),
            spec=ResourceClaimSpec(devices=_claim(rng, drivers, features, admin=admin)),
        )
        for number in range(min(most, rng.choice((1, 1, 1, 2, 2, 3, 4))))
    )


def allocated(rng: Random, slices: Sequence[ResourceSlice], most: int) -> tuple[ResourceClaim, ...]:
    """Return up to ``most`` claims that hold a device or a share of one each."""
    devices = [(item, device) for item in slices for device in item.spec.devices]
    used: set[tuple[str, str, str]] = set()
    made = []
    for number in range(rng.randint(0, most)):
        item, device = rng.choice(devices)
        identity = (item.spec.driver, item.spec.pool.name, device.name)
        if identity in used:
            continue
        if not device.allow_multiple_allocations:
            used.add(identity)
        made.append(_allocated(rng, f"held-{number}", item, device))
    return tuple(made)


def _allocated(rng: Random, name: str, item: ResourceSlice, device: Device) -> ResourceClaim:
    shared = bool(device.allow_multiple_allocations)
    amounts = {}
    for key, capacity in device.capacity.items() if shared else ():
        policy = capacity.request_policy
        amounts[key] = policy.default if policy is not None and policy.default is not None else Quantity("1")
    result = DeviceRequestAllocationResult(
        request="r0",
        driver=item.spec.driver,
        pool=item.spec.pool.name,
        device=device.name,
        share_id=_uid(rng) if shared else None,
        consumed_capacity=amounts,
    )
    request = DeviceRequest(
        name="r0", exactly=ExactDeviceRequest(device_class_name="any", allocation_mode="ExactCount", count=1)
    )
    user = ResourceClaimConsumerReference(resource="pods", name=f"pod-of-{name}", uid=_uid(rng))
    return ResourceClaim(
        metadata=ObjectMeta(name=name, namespace="default", uid=_uid(rng)),
        spec=ResourceClaimSpec(devices=DeviceClaim(requests=[request])),
        status=ResourceClaimStatus(
            allocation=AllocationResult(devices=DeviceAllocationResult(results=[result])), reserved_for=[user]
        ),
    )


def _claim(rng: Random, drivers: Sequence[str], features: Features, *, admin: bool) -> DeviceClaim:
    count = rng.choice((1, 1, 1, 2, 2, 3))
    requests = [_request(rng, f"r{number}", drivers, features, admin=admin) for number in range(count)]
    names = [request.name for request in requests]
    names += [f"{request.name}/{sub.name}" for request in requests for sub in request.first_available]
    constraints = [_constraint(rng, drivers, names, features) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2)))]
    if "DerivedAttributes" in features and rng.random() < 0.35:
        requests, constraints = derive(rng, requests, constraints, drivers)
    config = [
        DeviceClaimConfiguration(
            requests=_some(rng, names), opaque=OpaqueDeviceConfiguration(driver=drivers[0], parameters={"n": n})
        )
        for n in range(rng.choice((0, 0, 0, 1, 2)))
    ]
    return DeviceClaim(requests=requests, constraints=constraints, config=config)


def _request(rng: Random, name: str, drivers: Sequence[str], features: Features, *, admin: bool) -> DeviceRequest:
    if rng.random() < 0.25 and "PrioritizedList" in features:
        subs = [_alternative(rng, f"s{number}", drivers, features) for number in range(rng.randint(1, 3))]
        return DeviceRequest(name=name, first_available=subs)
    driver = rng.choice(drivers)
    mode, count = _mode(rng)
    exactly = ExactDeviceRequest(
        device_class_name=_class_of(rng, driver),
        selectors=_selectors(rng, driver, features),
        allocation_mode=mode,
        count=count,
        admin_access=True if admin and rng.random() < 0.5 else None,
        tolerations=_tolerations(rng, features),
        capacity=_capacity(rng, features),
    )
    return DeviceRequest(name=name, exactly=exactly)


def _alternative(rng: Random, name: str, drivers: Sequence[str], features: Features) -> DeviceSubRequest:
    driver = rng.choice(drivers)
    mode, count = _mode(rng)
    return DeviceSubRequest(
        name=name,
        device_class_name=_class_of(rng, driver),
        selectors=_selectors(rng, driver, features),
        allocation_mode=mode,
        count=count,
        tolerations=_tolerations(rng, features),
        capacity=_capacity(rng, features),
    )


def _class_of(rng: Random, driver: str) -> str:
    own = driver.split(".", maxsplit=1)[0]
    return rng.choice((own, own, own, own, "any", "large" if driver in DRIVERS[:2] else own))


def _mode(rng: Random) -> tuple[str, int]:
    return ("All", 0) if rng.random() < 0.07 else ("ExactCount", rng.choice((1, 1, 1, 1, 2, 2, 3)))


def _selectors(rng: Random, driver: str, features: Features) -> list[DeviceSelector]:
    own = f'device.attributes["{driver}"]'
    sharing = " || device.allowMultipleAllocations" if "ConsumableCapacity" in features else ""
    expressions = [
        f'{own}.?model.orValue("") == "h100"',
        f"{own}.?numa.orValue(-1) == 0",
        f'"numa" in {own}',
        f"has({own}.index) && {own}.index >= 1",
        f"{own}.?healthy.orValue(false)",
        f'"version" in {own} && {own}.version.isGreaterThan(semver("1.0.0"))',
        'device.attributes["resource.kubernetes.io"].?pcieRoot.orValue("").startsWith("pci0000:0")',
        f'device.driver == "{driver}"{sharing}',
        f'cel.bind(c, device.capacity["{driver}"], "memory" in c && c.memory.compareTo(quantity("20Gi")) >= 0)',
        f'device.driver in ["{driver}", "{DRIVERS[0]}"]',
    ]
    if "ListTypeAttributes" in features:
        # What expects a scalar would fail on most devices.
        scalar = ("healthy", "numa.orValue", "isGreaterThan(semver", "startsWith")
        expressions = [text for text in expressions if not any(part in text for part in scalar)]
        expressions += [
            f'{own}.?model.orValue("").includes("h100")',
            f'{own}.?links.orValue([]).exists(link, link == "x1")',
            f'"links" in {own} && "x1" in {own}.links',
            f"{own}.?numa.orValue(0).includes(0)",
            f"size({own}.?links.orValue([])) != 1",
        ]
    # Fails on devices that lack the attribute, which gives the pod up once such a device is looked at.
    careless = f"{own}.index < 4"
    chosen = rng.choices(expressions, k=rng.choice((0, 0, 0, 0, 1, 1, 2)))
    if rng.random() < 0.03:
        chosen.append(careless)
    return [DeviceSelector(cel=CELDeviceSelector(expression=text)) for text in chosen]


def _tolerations(rng: Random, features: Features) -> list[DeviceToleration]:
    if "DeviceTaints" not in features:
        return []
    choices = (
        DeviceToleration(operator="Exists"),
        DeviceToleration(key=TAINT_KEYS[0], operator="Exists", effect="NoSchedule"),
        DeviceToleration(key=TAINT_KEYS[1], operator="Equal", value="x"),
        DeviceToleration(key=TAINT_KEYS[0], operator="Exists", effect="NoExecute", toleration_seconds=30),
    )
    return rng.sample(choices, rng.choice((0, 0, 1, 1, 2)))


def _capacity(rng: Random, features: Features) -> CapacityRequirements | None:
    if rng.random() < 0.7 or "ConsumableCapacity" not in features:
        return None
    wanted = {"memory": Quantity(rng.choice(("1Gi", "7Gi", "20Gi", "33Gi", "40Gi")))}
    if rng.random() < 0.2:
        wanted["cores"] = Quantity(rng.choice(("100m", "1", "1300m")))
    return CapacityRequirements(requests=wanted)


def _constraint(rng: Random, drivers: Sequence[str], names: list[str], features: Features) -> DeviceConstraint:
    driver = rng.choice(drivers)
    lists = (f"{driver}/links", f"{driver}/links", f"{driver}/healthy") if "ListTypeAttributes" in features else ()
    attribute = rng.choice((f"{driver}/model", f"{driver}/numa", f"{driver}/version", PCIE_ROOT, *lists))
    # A distinct attribute belongs to the gate of shares.
    if rng.random() < 0.7 or "ConsumableCapacity" not in features:
        return DeviceConstraint(requests=_some(rng, names), match_attribute=attribute)
    distinct = rng.choice((f"{driver}/index", f"{driver}/index", attribute))
    return DeviceConstraint(requests=_some(rng, names), distinct_attribute=distinct)


def _some(rng: Random, names: list[str]) -> list[str]:
    # Naming a request and one of its alternatives is refused by nothing, but says the same twice.
    return [] if rng.random() < 0.3 else sorted(rng.sample(names, min(len(names), rng.choice((1, 1, 1, 2, 3)))))


def _uid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
