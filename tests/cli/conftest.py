"""Running commands in this process and in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from drapolicy.cli import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process."""

    def go(*words: str | Path) -> Ran:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return go


@pytest.fixture
def spawn() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a process of its own."""

    def go(*words: str | Path, given: str | bytes = "", **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "drapolicy", *map(str, words)],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            timeout=120,
            cwd=ROOT,
            env={**os.environ, **more},
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return go


FLEET = """\
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: n1-gpus}
spec:
  driver: gpu.example.com
  nodeName: n1
  pool: {name: n1, generation: 1, resourceSliceCount: 1}
  devices: [{name: gpu-0}, {name: gpu-1}, {name: gpu-2}]
"""


def claim(name: str, count: int) -> str:
    """Return a claim for some GPUs."""
    return f"""\
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: gpus, exactly: {{deviceClassName: gpu, count: {count}}}}}]}}}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A file with one node of three GPUs."""
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    return path


@pytest.fixture
def claims(tmp_path: Path) -> Callable[..., Path]:
    """Write a file with claims of the counts given: ``a`` for the first, ``b`` for the second ..."""

    def write(*counts: int) -> Path:
        path = tmp_path / "claims.yaml"
        path.write_text("---\n".join(claim("abcdef"[i], count) for i, count in enumerate(counts)))
        return path

    return write


NEVER_ALIGNED = """\
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
spec: {selectors: [{cel: {expression: device.driver == "gpu.nvidia.com"}}]}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: nic}
spec: {selectors: [{cel: {expression: device.driver == "dra.net"}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: tray-gpu}
spec:
  driver: gpu.nvidia.com
  nodeName: tray
  pool: {name: tray, generation: 1, resourceSliceCount: 1}
  devices:
  - {name: gpu-0, attributes: {resource.kubernetes.io/pcieRoot: {string: "pci0008:00"}, type: {string: gpu}}}
  - {name: gpu-1, attributes: {resource.kubernetes.io/pcieRoot: {string: "pci0009:00"}, type: {string: gpu}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: tray-nic}
spec:
  driver: dra.net
  nodeName: tray
  pool: {name: tray, generation: 1, resourceSliceCount: 1}
  devices:
  - {name: nic-0, attributes: {resource.kubernetes.io/pcieRoot: {string: "pci0000:00"}, dra.net/numaNode: {int: 0}}}
  - {name: nic-1, attributes: {resource.kubernetes.io/pcieRoot: {string: "pci0002:00"}, dra.net/numaNode: {int: 0}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: aligned, namespace: default}
spec:
  devices:
    requests:
    - {name: gpu, exactly: {deviceClassName: gpu}}
    - {name: nic, exactly: {deviceClassName: nic}}
    constraints: [{matchAttribute: resource.kubernetes.io/pcieRoot, requests: [gpu, nic]}]
"""


@pytest.fixture
def never_aligned(tmp_path: Path) -> Path:
    """A node whose GPUs and cards have no PCIe root in common, as trays of GB200 in one cloud, and a claim for both."""
    path = tmp_path / "never.yaml"
    path.write_text(NEVER_ALIGNED, encoding="utf-8")
    return path
