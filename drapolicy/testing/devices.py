"""Random devices of a pool: attributes, capacities, counters, taints and conditions, valid by the rules of the API."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from drapolicy.api.core import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    DeviceTaint,
)
from drapolicy.release import Release

PCIE_ROOT = "resource.kubernetes.io/pcieRoot"
TAINT_KEYS = ("example.com/unhealthy", "example.com/reserved")
ZONE = "topology.kubernetes.io/zone"
GROUPS = ("one", "two", "three")

# Values of attributes in all their forms; lists overlap so that what matches in pairs need not match in common.
_LISTS = {
    "model": [
        DeviceAttribute(string_values=values)
        for values in (["a100"], ["h100"], ["h100", "a100"], ["h100", "b200"], ["a100", "b200"])
    ],
    "numa": [DeviceAttribute(int_values=values) for values in ([0], [1], [0, 1], [1, 2], [0, 2], [0, 1, 2])],
    "healthy": [DeviceAttribute(bool_values=values) for values in ([True], [False], [True, False])],
    "version": [
        DeviceAttribute(version_values=values) for values in (["1.0.0"], ["1.0.0", "1.2.0"], ["1.2.0", "2.0.0-rc.1+b7"])
    ],
    PCIE_ROOT: [
        DeviceAttribute(string_values=values)
        for values in (["pci0000:00"], ["pci0000:00", "pci0000:01"], ["pci0000:01", "pci0000:02"])
    ],
    "links": [DeviceAttribute(string_values=values) for values in (["x0", "x1"], ["x1", "x2"], ["x0", "x2"], ["x3"])],
}


_MEMORY = [DeviceCapacity(value=Quantity(text)) for text in ("80Gi", "80Gi", "40Gi")]
_CORES = DeviceCapacity(value=Quantity("4"))
_SHARED_MEMORY = [
    DeviceCapacity(value=Quantity("80Gi"), request_policy=policy)
    for policy in (
        None,
        CapacityRequestPolicy(
            default=Quantity("20Gi"), valid_values=[Quantity(text) for text in ("10Gi", "20Gi", "40Gi", "80Gi")]
        ),
        CapacityRequestPolicy(
            default=Quantity("10Gi"),
            valid_range=CapacityRequestPolicyRange(min=Quantity("5Gi"), max=Quantity("60Gi"), step=Quantity("5Gi")),
        ),
        CapacityRequestPolicy(default=Quantity("10Gi")),
    )
]
_SHARED_CORES = [
    DeviceCapacity(value=Quantity("4"), request_policy=policy)
    for policy in (
        None,
        CapacityRequestPolicy(
            default=Quantity("500m"),
            valid_range=CapacityRequestPolicyRange(min=Quantity("250m"), max=Quantity("3"), step=Quantity("250m")),
        ),
        CapacityRequestPolicy(default=Quantity("1"), valid_range=CapacityRequestPolicyRange(min=Quantity("1"))),
    )
]


@dataclass(frozen=True)
class Pool:
    """One random pool: who publishes it, which nodes reach it, what kind of devices it has, for which release."""

    driver: str
    name: str
    reach: str
    kind: str
    release: Release

    def has(self, feature: str) -> bool:
        """Return whether an allocator feature is on."""
        return feature in self.release.features


def device(rng: Random, pool: Pool, number: int) -> Device:
    """Return the device of a pool with a number; its counters are those of :func:`counter_sets`."""
    kind = rng.choice(("plain", "counters", "shared", "both")) if pool.kind == "mixed" else pool.kind
    shared = kind in {"shared", "both"} and pool.has("ConsumableCapacity")
    counting = kind in {"counters", "both"} and pool.has("PartitionableDevices")
    reach = rng.choice(("name", "name", "other", "all", "selector")) if pool.reach == "device" else ""
    binding = rng.random() < 0.08 and pool.release.binds
    return Device(
        name=f"dev-{number}",
        attributes=_attributes(rng, pool, number),
        capacity=_capacity(rng, shared=shared),
        consumes_counters=_consumption(rng, pool) if counting else [],
        node_name={"name": "node-0", "other": "node-2"}.get(reach),
        all_nodes=True if reach == "all" else None,
        node_selector=node_selector(rng) if reach == "selector" else None,
        taints=[taint(rng, pool.release)] if rng.random() < 0.1 and pool.has("DeviceTaints") else [],
        binds_to_node=True if rng.random() < 0.05 and pool.release.binds else None,
        binding_conditions=["example.com/attached"] if binding else [],
        binding_failure_conditions=["example.com/broken"] if binding else [],
        allow_multiple_allocations=True if shared else None,
    )


def counter_sets(rng: Random) -> list[CounterSet]:
    """Return the counters that the devices of a pool share."""
    counters = {"memory": Counter(value=Quantity("80Gi")), "slices": Counter(value=Quantity(rng.choice((4, 7))))}
    card = CounterSet(name="card", counters=counters)
    return [card, CounterSet(name="links", counters={"lanes": Counter(value=Quantity(rng.choice(("2", "3500m"))))})]


def node_selector(rng: Random) -> NodeSelector:
    """Return a selector by label that fits the first of the nodes, or not."""
    need = rng.choice(
        (
            NodeSelectorRequirement(key=ZONE, operator="In", values=["a", "c"]),
            NodeSelectorRequirement(key=ZONE, operator="NotIn", values=["b"]),
            NodeSelectorRequirement(key="example.com/rack", operator="Exists"),
            NodeSelectorRequirement(key="example.com/rack", operator="Lt", values=["2"]),
            NodeSelectorRequirement(key=ZONE, operator="In", values=["b"]),
        )
    )
    return NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[need])])


def taint(rng: Random, release: Release) -> DeviceTaint:
    """Return a taint with an effect that the release knows."""
    effects = ("NoSchedule", "NoExecute", "None") if release.at_least("1.35") else ("NoSchedule", "NoExecute")
    return DeviceTaint(
        key=rng.choice(TAINT_KEYS),
        value=rng.choice(("", "x")),
        effect=rng.choice(effects),
        time_added="2026-01-01T00:00:00Z",
    )


def _attributes(rng: Random, pool: Pool, number: int) -> dict[str, DeviceAttribute]:
    numa = rng.choice(("numa", "numa", f"{pool.driver}/numa"))
    every = {
        "model": DeviceAttribute(string_value=rng.choice(("a100", "h100", "h100"))),
        "index": DeviceAttribute(int_value=number),
        numa: DeviceAttribute(int_value=rng.randint(0, 1)),
        "healthy": DeviceAttribute(bool_value=rng.random() < 0.9),
        "version": DeviceAttribute(version_value=rng.choice(("1.0.0", "1.2.0", "2.0.0-rc.1+b7"))),
        PCIE_ROOT: DeviceAttribute(string_value=f"pci0000:0{rng.randint(0, 2)}"),
    }
    if pool.has("ListTypeAttributes"):
        every |= _lists(rng, numa)
    return {name: value for name, value in every.items() if rng.random() < 0.93}


def _lists(rng: Random, numa: str) -> dict[str, DeviceAttribute]:
    """Return some attributes as lists; the index stays a number."""
    names = rng.sample(("model", numa, "healthy", "version", PCIE_ROOT, "links", "links"), rng.choice((1, 2, 2, 3)))
    return {name: rng.choice(_LISTS["numa" if name == numa else name]) for name in names}


def _capacity(rng: Random, *, shared: bool) -> dict[str, DeviceCapacity]:
    made = {"memory": rng.choice(_SHARED_MEMORY if shared else _MEMORY)}
    if rng.random() < 0.4:
        made["cores"] = rng.choice(_SHARED_CORES) if shared else _CORES
    return made if rng.random() < 0.95 else {}


def _consumption(rng: Random, pool: Pool) -> list[DeviceCounterConsumption]:
    part = rng.choice((1, 1, 1, 2, 3))
    of_card = {"memory": Counter(value=Quantity(f"{10 * part}Gi")), "slices": Counter(value=Quantity(part))}
    amounts = {"card": of_card, "links": {"lanes": Counter(value=Quantity(rng.choice(("1", "500m"))))}}
    names = rng.choice((("card",), ("card",), ("card",), ("links",), ("card", "links")))
    return [
        DeviceCounterConsumption(counter_set=name, counters=amounts[name], compatibility_groups=_groups(rng, pool))
        for name in names
    ]


def _groups(rng: Random, pool: Pool) -> list[str]:
    if not pool.has("CompatibilityGroups") or rng.random() < 0.3:
        return []
    return rng.sample(GROUPS, rng.choice((1, 1, 2)))
