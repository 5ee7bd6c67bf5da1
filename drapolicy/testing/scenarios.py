"""Small random scenarios in which everything happens."""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import Any

import numpy as np
from msgspec.structs import replace

from drapolicy import api
from drapolicy.api.core import Node, NodeStatus
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceCapacity,
    DeviceTaint,
    DeviceTaintRule,
    DeviceTaintRuleSpec,
    DeviceTaintSelector,
)
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.events import Cordon, Fail, Join, Leave, Repair, Taint, Uncordon, Untaint
from drapolicy.simulate import DISCIPLINES, Drain, Incident, Scenario
from drapolicy.testing.simple import DRIVER, objects
from drapolicy.workload import Arrival, Workload
from drapolicy.workload import fleet as made_fleet

S = 10**9
PARTITIONED = "a100-mig"

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  priority: {priority}
  containers: [{{name: main, image: x, resources: {{requests: {{cpu: "{cpu}"}}}}}}]
  resourceClaims: [{claims}]
---
"""
TEMPLATE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: {cls}, count: {count}{more}}}}}]}}}}
---
"""
SHARED = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: shared, namespace: {namespace}}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: {cls}, count: 1}}}}]}}}}
---
"""
TOLERATIONS = (
    ", tolerations: [{key: example.com/k, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]",
    ", tolerations: [{operator: Exists}]",
)


def a_fleet(kind: str, rng: np.random.Generator) -> Fleet:
    """Return a fleet of whole devices, shareable ones or partitions, with little room."""
    if kind == "partitions":
        return made_fleet(PARTITIONED, 2)
    count, nodes = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    memory = {"memory": DeviceCapacity(value=Quantity("80Gi"))}
    devices = [
        Device(name=f"device-{d}", allow_multiple_allocations=True, capacity=memory)
        if kind == "shares"
        else Device(name=f"device-{d}")
        for d in range(count)
    ]
    base = objects({f"node-{n}": devices for n in range(nodes)})
    room = {"cpu": Quantity(int(rng.integers(2, 9))), "memory": Quantity("1Ti"), "pods": Quantity(100)}
    return build(
        with_fields(
            base, nodes=tuple(Node(metadata=n.metadata, status=NodeStatus(allocatable=room)) for n in base.nodes)
        )
    )


def a_workload(kind: str, fleet: Fleet, rng: np.random.Generator, arrivals: int) -> Workload:
    """Return pods of two tenants and priorities: of one claim and of two, sharing a claim, without any, and gangs."""
    classes = sorted(fleet.classes)
    cls = next((name for name in classes if "mig" in name), classes[0])
    text, names = "", []
    for tenant in ("a", "b"):
        text += SHARED.format(namespace=tenant, cls=cls)
        for count in (1, 2):
            more = ", capacity: {requests: {memory: 20Gi}}" if kind == "shares" else ""
            for t, toleration in enumerate(("", *TOLERATIONS)):
                text += TEMPLATE.format(
                    name=f"t{count}{t}", namespace=tenant, cls=cls, count=count, more=more + toleration
                )
                names.append(f"{tenant}/p{count}{t}")
                own = f"{{name: own, resourceClaimTemplateName: t{count}{t}}}"
                text += POD.format(name=f"p{count}{t}", namespace=tenant, priority=t, cpu=1, claims=own)
        two = "{name: one, resourceClaimTemplateName: t10}, {name: two, resourceClaimTemplateName: t20}"
        text += POD.format(name="two", namespace=tenant, priority=1, cpu=1, claims=two)
        joins = "{name: ours, resourceClaimName: shared}"
        text += POD.format(name="joins", namespace=tenant, priority=0, cpu=1, claims=joins)
        text += POD.format(name="bare", namespace=tenant, priority=0, cpu=2, claims="")
        names += [f"{tenant}/two", f"{tenant}/joins", f"{tenant}/bare"]
    made: list[Arrival] = []
    now = 0
    for number in range(arrivals):
        now += int(rng.integers(0, 3)) * S
        pod = names[int(rng.integers(len(names)))]
        duration = None if rng.random() < 0.05 else int(rng.integers(1, 12)) * S
        if rng.random() < 0.2:
            size = int(rng.integers(2, 4))
            made += [Arrival(now, duration, pod, f"gang-{number}", int(rng.integers(0, size + 1)))] * size
            made[-size:] = [with_fields(one, at_least=made[-size].at_least) for one in made[-size:]]
        else:
            made.append(Arrival(now, duration, pod))
    return Workload(api.loads(text), tuple(made))


def some_incidents(fleet: Fleet, rng: np.random.Generator, count: int, until_s: int) -> tuple[Incident, ...]:
    """Return incidents that can all happen."""
    away: set[str] = set()
    closed: set[str] = set()
    failed: set[DeviceId] = set()
    taints: set[str] = set()
    found: list[Incident] = []
    for number, time_s in enumerate(sorted(rng.integers(0, until_s + 1, size=count).tolist())):
        name = fleet.nodes.names[int(rng.integers(len(fleet.nodes)))]
        what: Any
        match int(rng.integers(4)):
            case 0:
                what = Join(name) if name in away else Leave(name)
                away ^= {name}
            case 1:
                what = Uncordon(name) if name in closed else (Drain if rng.random() < 0.5 else Cordon)(name)
                closed ^= {name}
            case 2:
                row = int(rng.integers(len(fleet.devices)))
                of = int(fleet.devices.slice[row])
                device = DeviceId(
                    fleet.slices.driver[of] or "", fleet.slices.pool[of] or "", fleet.devices.name[row] or ""
                )
                what = Repair(device) if device in failed else Fail(device)
                failed ^= {device}
            case _:
                if taints and rng.random() < 0.5:
                    what = Untaint(min(taints))
                    taints -= {what.name}
                else:
                    what = taint(f"taint-{number}", name, ("NoSchedule", "NoExecute")[int(rng.integers(2))], fleet)
                    taints |= {f"taint-{number}"}
        found.append(Incident(time_s * S, what))
    return tuple(found)


def taint(name: str, node: str, effect: str, fleet: Fleet) -> Taint:
    """Return a taint of all devices of one pool."""
    driver = fleet.slices.driver[0] or DRIVER
    pools = {pool for pool in map(fleet.slices.pool.__getitem__, range(len(fleet.slices))) if pool and node in pool}
    selector = DeviceTaintSelector(driver=driver, pool=min(pools, default=node))
    spec = DeviceTaintRuleSpec(device_selector=selector, taint=DeviceTaint(key="example.com/k", effect=effect))
    return Taint(replace(DeviceTaintRule(metadata=ObjectMeta(name=name)), spec=spec))


def a_scenario(seed: int, *, arrivals: int = 16, incidents: int = 7, queue: str = "") -> Scenario:
    """Return a scenario of a seed: another kind of fleet, and another discipline, with each."""
    rng = np.random.default_rng(seed)
    kind = ("whole", "shares", "partitions")[seed % 3]
    fleet = a_fleet(kind, rng)
    workload = a_workload(kind, fleet, rng, arrivals)
    until = max(arrival.time_ns for arrival in workload.arrivals) // S
    discipline = DISCIPLINES[queue or sorted(DISCIPLINES)[seed // 3 % len(DISCIPLINES)]]
    befalls = some_incidents(fleet, rng, incidents, until)
    return Scenario(f"world-{seed}", fleet, workload, queue=discipline, incidents=befalls)
