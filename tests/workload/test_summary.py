"""Numbers about a workload, against ones that were counted by hand."""

from __future__ import annotations

from pathlib import Path

from drapolicy import api
from drapolicy.workload import Arrival, Workload
from drapolicy.workload.summary import class_faults, summary

TEXT = """
{apiVersion: v1, kind: Pod, metadata: {name: plain, namespace: a}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: pair, namespace: b}
spec: {containers: [{name: c, image: x}], resourceClaims: [{name: r, resourceClaimTemplateName: t}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t, namespace: b}
spec:
  spec:
    devices:
      requests:
      - {name: gpu, exactly: {deviceClassName: gpu, count: 2}}
      - {name: nic, firstAvailable: [{name: fast, deviceClassName: rdma}, {name: slow, deviceClassName: eth, count: 4}]}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
"""
S = 10**9
TRACE = (
    Arrival(0, 10 * S, "a/plain"),
    Arrival(1 * S, 30 * S, "b/pair", "g", 2),
    Arrival(1 * S, 30 * S, "b/pair", "g", 2),
    Arrival(5 * S, None, "b/pair"),
)


def test_numbers_are_counted() -> None:
    """Of alternatives the first counts; pods that stay have no run time."""
    found = summary(Workload(api.loads(TEXT), TRACE))
    assert (found.pods, found.patterns, found.tenants, found.gangs, found.gang_pods) == (4, 2, 2, 1, 2)
    assert (found.span_s, found.stay) == (5, 1)
    assert found.devices == {0: 1, 3: 3}
    assert found.classes == {"gpu": 3, "rdma": 3}
    assert found.run_times_s[50] == 30
    assert round(found.mean_run_time_s, 3) == 23.333
    assert found.device_seconds == 2 * 3 * 30


def test_nothing_has_numbers_too() -> None:
    """An empty workload."""
    found = summary(Workload(api.loads(TEXT), ()))
    assert (found.pods, found.span_s, found.run_times_s, found.devices) == (0, 0, {}, {})


def test_unknown_classes_are_found(tmp_path: Path) -> None:
    """Those that neither the fleet nor the workload has, where they were read; other alternatives do not count."""
    path = tmp_path / "pods.yaml"
    path.write_text(TEXT)
    (fault,) = class_faults(Workload(api.load(path), TRACE), api.Objects())
    assert (fault.file, fault.document, fault.object) == (str(path), 1, "Pod b/pair")
    assert fault.message == "'rdma' is a class of neither fleet nor workload; known are gpu"
    assert class_faults(Workload(api.loads(TEXT), TRACE[:1]), api.Objects()) == []
    rdma = api.loads("{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: rdma}}")
    assert class_faults(Workload(api.loads(TEXT), TRACE), rdma) == []
