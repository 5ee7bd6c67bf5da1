"""Random supply: nodes, slices, device classes and taint rules, all valid by the rules of the API."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from drapolicy.api.core import Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    CELDeviceSelector,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceClass,
    DeviceClassConfiguration,
    DeviceClassSpec,
    DeviceCounterConsumption,
    DeviceSelector,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
    OpaqueDeviceConfiguration,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)

DRIVERS = ("gpu.example.com", "nic.example.com", "fpga.example.org")
PCIE_ROOT = "resource.kubernetes.io/pcieRoot"
TAINT_KEYS = ("example.com/unhealthy", "example.com/reserved")
_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Pool:
    """One random pool: who publishes it, which nodes reach it and what kind of devices it has."""

    driver: str
    name: str
    reach: str
    kind: str


def nodes() -> tuple[Node, ...]:
    """Return three nodes in two zones; the first is the one that cases are about."""
    return tuple(
        Node(metadata=ObjectMeta(name=f"node-{n}", labels={_ZONE: "ab"[n % 2], "example.com/rack": str(n)}))
        for n in range(3)
    )


def pools(rng: Random, most: int) -> list[Pool]:
    """Return random pools of one to three drivers, at most ``most`` of each driver."""
    found = []
    for driver in sorted(rng.sample(DRIVERS, rng.choice((1, 2, 2, 3)))):
        for number in range(rng.randint(1, most)):
            reach = rng.choice(("node",) * 7 + ("all", "all", "selector", "device", "device", "elsewhere"))
            kind = rng.choice(("plain", "plain", "plain", "counters", "counters", "shared", "shared", "mixed"))
            name = rng.choice((f"pool-{number}", f"node-0/{number}"))
            found.append(Pool(driver, name, reach, kind))
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


def taint_rules(rng: Random, devices: list[tuple[str, str, str]]) -> tuple[DeviceTaintRule, ...]:
    """Return up to two rules, for a driver, a pool, a device or nothing."""
    made = []
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        driver, pool, device = rng.choice(devices)
        selector = rng.choice(
            (
                None,
                DeviceTaintSelector(driver=driver, pool=pool, device=device),
                DeviceTaintSelector(device=device),
                DeviceTaintSelector(driver=driver, pool=pool),
            )
        )
        spec = DeviceTaintRuleSpec(device_selector=selector, taint=_taint(rng))
        made.append(DeviceTaintRule(metadata=ObjectMeta(name=f"rule-{number}"), spec=spec))
    return tuple(made)


def slices(rng: Random, pool: Pool, most: int) -> list[ResourceSlice]:
    """Return the slices of one pool, sometimes with an older, a newer, a missing or a contradicting one."""
    devices = [_device(rng, pool, number) for number in range(rng.randint(1 + most // 3, most))]
    generation = rng.randint(1, 3)
    cut = rng.choice((len(devices), len(devices) // 2))
    parts = [part for part in (devices[:cut], devices[cut:]) if part]
    mishap = rng.choice(("",) * 36 + ("stale", "stale", "stale", "newer", "missing", "twice", "undefined"))
    if mishap == "twice" and len(parts) > 1:
        parts[1] = [parts[0][0], *parts[1]]
    counting = any(device.consumes_counters for device in devices) and mishap != "undefined"
    total = len(parts) + counting + (mishap == "missing")
    prefix = f"{pool.driver.split('.', maxsplit=1)[0]}-{pool.name.replace('/', '-')}"
    made = [
        _slice(rng, pool, f"{prefix}-{number}", generation, total, devices=part) for number, part in enumerate(parts)
    ]
    if counting:
        made.append(_slice(rng, pool, f"{prefix}-counters", generation, total, counters=[_counter_set(rng)]))
    if mishap == "stale":
        made.append(_slice(rng, pool, f"{prefix}-stale", generation - 1, 1, devices=devices[:1]))
    if mishap == "newer":
        away = Pool(pool.driver, pool.name, "elsewhere", pool.kind)
        made.append(_slice(rng, away, f"{prefix}-newer", generation + 1, 2, devices=[Device(name="dev-new")]))
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
    generation: int,
    total: int,
    *,
    devices: list[Device] | None = None,
    counters: list[CounterSet] | None = None,
) -> ResourceSlice:
    spec = ResourceSliceSpec(
        driver=pool.driver,
        pool=ResourcePool(name=pool.name, generation=generation, resource_slice_count=total),
        node_name={"node": "node-0", "elsewhere": "node-1"}.get(pool.reach),
        all_nodes=True if pool.reach == "all" else None,
        node_selector=_node_selector(rng) if pool.reach == "selector" else None,
        per_device_node_selection=True if pool.reach == "device" else None,
        devices=devices or [],
        shared_counters=counters or [],
    )
    return ResourceSlice(metadata=ObjectMeta(name=name), spec=spec)


def _node_selector(rng: Random) -> NodeSelector:
    need = rng.choice(
        (
            NodeSelectorRequirement(key=_ZONE, operator="In", values=["a", "c"]),
            NodeSelectorRequirement(key=_ZONE, operator="NotIn", values=["b"]),
            NodeSelectorRequirement(key="example.com/rack", operator="Exists"),
            NodeSelectorRequirement(key="example.com/rack", operator="Lt", values=["2"]),
            NodeSelectorRequirement(key=_ZONE, operator="In", values=["b"]),
        )
    )
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[need])])


def _device(rng: Random, pool: Pool, number: int) -> Device:
    kind = rng.choice(("plain", "counters", "shared", "both")) if pool.kind == "mixed" else pool.kind
    shared = kind in {"shared", "both"}
    reach = rng.choice(("name", "name", "other", "all", "selector")) if pool.reach == "device" else ""
    binding = rng.random() < 0.08
    return Device(
        name=f"dev-{number}",
        attributes=_attributes(rng, pool.driver, number),
        capacity=_capacity(rng, shared=shared),
        consumes_counters=[_consumption(rng)] if kind in {"counters", "both"} else [],
        node_name={"name": "node-0", "other": "node-2"}.get(reach),
        all_nodes=True if reach == "all" else None,
        node_selector=_node_selector(rng) if reach == "selector" else None,
        taints=[_taint(rng)] if rng.random() < 0.1 else [],
        binds_to_node=True if rng.random() < 0.05 else None,
        binding_conditions=["example.com/attached"] if binding else [],
        binding_failure_conditions=["example.com/broken"] if binding else [],
        allow_multiple_allocations=True if shared else None,
    )


def _attributes(rng: Random, driver: str, number: int) -> dict[str, DeviceAttribute]:
    numa = rng.choice(("numa", "numa", f"{driver}/numa"))
    every = {
        "model": DeviceAttribute(string_value=rng.choice(("a100", "h100", "h100"))),
        "index": DeviceAttribute(int_value=number),
        numa: DeviceAttribute(int_value=rng.randint(0, 1)),
        "healthy": DeviceAttribute(bool_value=rng.random() < 0.9),
        "version": DeviceAttribute(version_value=rng.choice(("1.0.0", "1.2.0", "2.0.0-rc.1+b7"))),
        PCIE_ROOT: DeviceAttribute(string_value=f"pci0000:0{rng.randint(0, 2)}"),
    }
    return {name: value for name, value in every.items() if rng.random() < 0.93}


def _capacity(rng: Random, *, shared: bool) -> dict[str, DeviceCapacity]:
    policies = (_memory_policy(rng), _cores_policy(rng)) if shared else (None, None)
    made = {"memory": DeviceCapacity(value=Quantity("80Gi"), request_policy=policies[0])}
    if rng.random() < 0.4:
        made["cores"] = DeviceCapacity(value=Quantity("4"), request_policy=policies[1])
    if not shared and rng.random() < 0.3:
        made["memory"] = DeviceCapacity(value=Quantity("40Gi"))
    return made if rng.random() < 0.95 else {}


def _memory_policy(rng: Random) -> CapacityRequestPolicy | None:
    values = [Quantity("10Gi"), Quantity("20Gi"), Quantity("40Gi"), Quantity("80Gi")]
    limits = CapacityRequestPolicyRange(min=Quantity("5Gi"), max=Quantity("60Gi"), step=Quantity("5Gi"))
    return rng.choice(
        (
            None,
            CapacityRequestPolicy(default=Quantity("20Gi"), valid_values=values),
            CapacityRequestPolicy(default=Quantity("10Gi"), valid_range=limits),
            CapacityRequestPolicy(default=Quantity("10Gi")),
        )
    )


def _cores_policy(rng: Random) -> CapacityRequestPolicy | None:
    fine = CapacityRequestPolicyRange(min=Quantity("250m"), max=Quantity("3"), step=Quantity("250m"))
    open_ = CapacityRequestPolicyRange(min=Quantity("1"))
    return rng.choice(
        (
            None,
            CapacityRequestPolicy(default=Quantity("500m"), valid_range=fine),
            CapacityRequestPolicy(default=Quantity("1"), valid_range=open_),
        )
    )


def _counter_set(rng: Random) -> CounterSet:
    counters = {"memory": Counter(value=Quantity("80Gi")), "slices": Counter(value=Quantity(rng.choice((4, 7))))}
    return CounterSet(name="card", counters=counters)


def _consumption(rng: Random) -> DeviceCounterConsumption:
    part = rng.choice((1, 1, 1, 2, 3))
    counters = {"memory": Counter(value=Quantity(f"{10 * part}Gi")), "slices": Counter(value=Quantity(part))}
    return DeviceCounterConsumption(counter_set="card", counters=counters)


def _taint(rng: Random) -> DeviceTaint:
    effect = rng.choice(("NoSchedule", "NoExecute", "None"))
    return DeviceTaint(
        key=rng.choice(TAINT_KEYS), value=rng.choice(("", "x")), effect=effect, time_added="2026-01-01T00:00:00Z"
    )
