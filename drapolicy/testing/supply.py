"""Random supply: nodes, slices, device classes and taint rules, all valid by the rules of the API."""

from __future__ import annotations

from random import Random

from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    CELDeviceSelector,
    CounterSet,
    Device,
    DeviceClass,
    DeviceClassConfiguration,
    DeviceClassSpec,
    DeviceSelector,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    OpaqueDeviceConfiguration,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.release import Release
from drapolicy.testing.devices import PCIE_ROOT, TAINT_KEYS, ZONE, Pool, counter_sets, device, node_selector, taint

__all__ = ["DRIVERS", "PCIE_ROOT", "TAINT_KEYS", "Pool", "classes", "nodes", "pools", "slices", "taint_rules"]

DRIVERS = ("gpu.example.com", "nic.example.com", "fpga.example.org")
SKIPS = (
    ["*"],
    ["NodeUnprepareResources"],
    ["NodePrepareResources", "NodeUnprepareResources"],
    ["NodePrepareResources", "*"],
)


def nodes(rng: Random, release: Release) -> tuple[Node, ...]:
    """Return three nodes in two zones; the first is the one that cases are about."""
    skips = "OptionalNodeOperations" in release.features
    return tuple(
        Node(
            metadata=ObjectMeta(name=f"node-{n}", labels={ZONE: "ab"[n % 2], "example.com/rack": str(n)}),
            status=NodeStatus(
                declared_features=["DRAOptionalNodeOperations"] if skips and rng.random() < 0.6 else [],
            ),
        )
        for n in range(3)
    )


def pools(rng: Random, most: int, release: Release) -> list[Pool]:
    """Return random pools of one to three drivers, at most ``most`` of each driver; two drivers may share a name."""
    by_device = ("device", "device") if "PartitionableDevices" in release.features else ()
    reaches = (*("node",) * 7, "all", "all", "selector", *by_device, "elsewhere", "spread")
    found = []
    for driver in sorted(rng.sample(DRIVERS, rng.choice((1, 2, 2, 3)))):
        for number in range(rng.randint(1, most)):
            reach = rng.choice(reaches)
            kind = rng.choice(("plain", "plain", "plain", "counters", "counters", "shared", "shared", "mixed"))
            name = rng.choice((f"pool-{number}", f"node-0/{number}"))
            found.append(Pool(driver, name, reach, kind, release))
    return found


def classes(rng: Random) -> tuple[DeviceClass, ...]:
    """Return a class for each driver, one for every device, and one for large devices; some carry configuration."""
    made = [_class(rng, driver.split(".")[0], f'device.driver == "{driver}"') for driver in DRIVERS]
    made.append(_class(rng, "any", None))
    large = " || ".join(
        f'device.capacity["{driver}"].?memory.orValue(quantity("0")).isGreaterThan(quantity("40Gi"))'
        for driver in DRIVERS[:2]
    )
    made.append(_class(rng, "large", large))
    return tuple(made)


def taint_rules(rng: Random, devices: list[tuple[str, str, str]], release: Release) -> tuple[DeviceTaintRule, ...]:
    """Return up to two rules, for a driver, a pool, a device or nothing."""
    if "DRADeviceTaintRules" not in release.gates:
        return ()
    made = []
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        driver, pool, name = rng.choice(devices)
        selector = rng.choice(
            (
                None,
                DeviceTaintSelector(driver=driver, pool=pool, device=name),
                DeviceTaintSelector(device=name),
                DeviceTaintSelector(driver=driver, pool=pool),
            )
        )
        spec = DeviceTaintRuleSpec(device_selector=selector, taint=taint(rng, release))
        made.append(DeviceTaintRule(metadata=ObjectMeta(name=f"rule-{number}"), spec=spec))
    return tuple(made)


def slices(rng: Random, pool: Pool, most: int) -> list[ResourceSlice]:
    """Return the slices of one pool, sometimes with an older, a newer, a missing or a contradicting one."""
    devices = [device(rng, pool, number) for number in range(rng.randint(1 + most // 3, most))]
    generation = rng.randint(1, 3)
    cut = rng.choice((len(devices), len(devices) // 2))
    parts = [part for part in (devices[:cut], devices[cut:]) if part]
    mishap = rng.choice(("",) * 36 + ("stale", "stale", "stale", "newer", "missing", "twice", "undefined"))
    if mishap == "twice" and len(parts) > 1:
        parts[1] = [parts[0][0], *parts[1]]
    # Up to 1.34 counters are in the slice of the devices that consume them, from 1.35 on in a slice without devices.
    beside = pool.release.at_least("1.35")
    counting = any(each.consumes_counters for each in devices) and (mishap != "undefined" or not beside)
    total = len(parts) + (counting and beside) + (mishap == "missing")
    prefix = f"{pool.driver.split('.', maxsplit=1)[0]}-{pool.name.replace('/', '-')}"
    made = [
        _slice(
            rng,
            pool,
            f"{prefix}-{number}",
            (generation, total),
            devices=part,
            counters=counter_sets(rng) if counting and not beside else [],
            part=number,
        )
        for number, part in enumerate(parts)
    ]
    if counting and beside:
        made.append(_slice(rng, pool, f"{prefix}-counters", (generation, total), counters=counter_sets(rng)))
    if mishap == "stale":
        own = made[0].spec
        old = _slice(
            rng, pool, f"{prefix}-stale", (generation - 1, 1), devices=own.devices[:1], counters=own.shared_counters
        )
        made.append(old)
    if mishap == "newer":
        away = Pool(pool.driver, pool.name, "elsewhere", pool.kind, pool.release)
        made.append(_slice(rng, away, f"{prefix}-newer", (generation + 1, 2), devices=[Device(name="dev-new")]))
    return made


def _class(rng: Random, name: str, expression: str | None) -> DeviceClass:
    selectors = [DeviceSelector(cel=CELDeviceSelector(expression=expression))] if expression else []
    config = [
        DeviceClassConfiguration(opaque=OpaqueDeviceConfiguration(driver=DRIVERS[0], parameters={"of": name, "n": n}))
        for n in range(rng.choice((0, 0, 1, 2)))
    ]
    return DeviceClass(metadata=ObjectMeta(name=name), spec=DeviceClassSpec(selectors=selectors, config=config))


def _slice(
    rng: Random,
    pool: Pool,
    name: str,
    version: tuple[int, int],
    *,
    devices: list[Device] | None = None,
    counters: list[CounterSet] | None = None,
    part: int = 0,
) -> ResourceSlice:
    """Return a slice of the pool at a generation with a number of slices."""
    generation, total = version
    node = {"node": "node-0", "elsewhere": "node-1", "spread": f"node-{part}"}.get(pool.reach)
    skips = pool.has("OptionalNodeOperations") and devices is not None and rng.random() < 0.25
    spec = ResourceSliceSpec(
        driver=pool.driver,
        pool=ResourcePool(name=pool.name, generation=generation, resource_slice_count=total),
        node_name=node,
        all_nodes=True if pool.reach == "all" else None,
        node_selector=node_selector(rng) if pool.reach == "selector" else None,
        per_device_node_selection=True if pool.reach == "device" else None,
        devices=devices or [],
        shared_counters=counters or [],
        skip_node_operations=list(rng.choice(SKIPS)) if skips else [],
    )
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)
