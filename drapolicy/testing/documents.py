"""Plain documents of ``resource.k8s.io/v1``, small, valid and easy to change, and releases with most gates on."""

from __future__ import annotations

from typing import Any, Final

from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import GATES, NEEDS

ONE: Final = {"value": "1"}
TAINT: Final = {"key": "a", "effect": "NoSchedule"}
MATCH: Final = {"matchAttribute": "gpu.x/numa"}


def full(minor: str) -> Release:
    """Return a release with every gate on that it lets change."""
    column = MINORS.index(minor)
    known = {name: gate for name, row in GATES.items() if (gate := row[column]) is not None}
    return release(minor, gates={name: True for name, gate in known.items() if not gate.locked})


def without(minor: str, gate: str) -> Release:
    """Return a release with every gate on but one, and those that need it."""
    off = {gate} | {name for name, needed in NEEDS.items() if gate in needed}
    return Release(minor, full(minor).gates - off)


def a_slice(*devices: Any, **spec: Any) -> Any:
    """Return a slice of one node."""
    pool = {"name": "n1", "generation": 1, "resourceSliceCount": 1}
    body = {"driver": "gpu.x", "pool": pool, "nodeName": "n1", "devices": list(devices)} | spec
    return {"kind": "ResourceSlice", "metadata": {"name": "s"}, "spec": body}


def a_device(number: int = 0, **fields: Any) -> Any:
    """Return a device ``gpu-<number>``."""
    return {"name": f"gpu-{number}"} | fields


def shareable(policy: Any) -> Any:
    """Return a slice with one shareable device of 80Gi memory under a request policy."""
    capacity = {"memory": {"value": "80Gi", "requestPolicy": policy}}
    return a_slice(a_device(allowMultipleAllocations=True, capacity=capacity))


def counter_sets(number: int, size: int = 1) -> list[Any]:
    """Return counter sets ``c0``, ``c1``, ... with so many counters ``m0``, ``m1``, ... of 1 each."""
    return [{"name": f"c{i}", "counters": {f"m{j}": ONE for j in range(size)}} for i in range(number)]


def consumed(number: int, size: int = 1) -> list[Any]:
    """Return what consumes all of `counter_sets`."""
    return [{"counterSet": f"c{i}", "counters": {f"m{j}": ONE for j in range(size)}} for i in range(number)]


def a_claim(*requests: Any, **devices: Any) -> Any:
    """Return a claim; for one device of the class ``gpu.x`` by default."""
    body = {"devices": {"requests": list(requests) or [a_request()]} | devices}
    return {"kind": "ResourceClaim", "metadata": {"name": "c", "namespace": "default"}, "spec": body}


def a_request(number: int = 0, **fields: Any) -> Any:
    """Return a request ``r<number>`` for a device of the class ``gpu.x``."""
    return {"name": f"r{number}", "exactly": {"deviceClassName": "gpu.x"} | fields}


def alternatives(number: int, **fields: Any) -> Any:
    """Return a request ``r0`` with so many alternatives ``a0``, ``a1``, ..."""
    options = [{"name": f"a{i}", "deviceClassName": "gpu.x"} | fields for i in range(number)]
    return {"name": "r0", "firstAvailable": options}


def allocated(*results: Any, **fields: Any) -> Any:
    """Return a claim with results for its request ``r0``, each as `a_result` with other fields."""
    status = {"allocation": {"devices": {"results": [a_result() | result for result in results or ({},)]}}} | fields
    return a_claim() | {"status": status}


def a_result(number: int = 0) -> Any:
    """Return a result: the device ``gpu-<number>``."""
    return {"request": "r0", "driver": "gpu.x", "pool": "n1", "device": f"gpu-{number}"}


def reported(**fields: Any) -> Any:
    """Return an allocated claim with a report on its device."""
    return allocated(devices=[{"driver": "gpu.x", "pool": "n1", "device": "gpu-0"} | fields])


def a_class(**spec: Any) -> Any:
    """Return a class ``gpu.x``."""
    return {"kind": "DeviceClass", "metadata": {"name": "gpu.x"}, "spec": spec}


def a_rule(**fields: Any) -> Any:
    """Return a taint rule that taints nothing."""
    return {"kind": "DeviceTaintRule", "metadata": {"name": "r"}, "spec": {"taint": TAINT}} | fields


def a_question(pool: Any = None, *, spec: Any = None, **status: Any) -> Any:
    """Return a ResourcePoolStatusRequest; with a pool or fields of the status it is answered."""
    made = {
        "kind": "ResourcePoolStatusRequest",
        "apiVersion": "resource.k8s.io/v1alpha3",
        "metadata": {"name": "q"},
        "spec": {"driver": "gpu.x"} | (spec or {}),
    }
    if pool is not None:
        status["pools"] = [a_pool() | pool]
    return made | ({"status": {"poolCount": 1} | status} if status else {})


def a_pool() -> Any:
    """Return the answer for one pool."""
    return {"driver": "gpu.x", "poolName": "n1", "generation": 1}


def a_part(number: int = 0, **fields: Any) -> Any:
    """Return the count of one type of partitions."""
    return {"attribute": "gpu.x/model", "type": f"t{number}", "total": 1, "allocatable": 0} | fields
