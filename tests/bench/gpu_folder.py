"""Writes a folder of JSON List files with the slices of a large GPU cluster, as the driver gpu.nvidia.com shapes them.

One slice of eight devices per node; each device has the driver's 11 attributes and its memory capacity. Same seed and
size, same bytes.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

DEVICES_PER_SLICE = 8
SLICES_PER_FILE = 1000

# One row a model: product, architecture, compute capability, memory, bus of each device.
_MODELS = (
    ("NVIDIA A100-SXM4-40GB", "Ampere", "8.0.0", "40Gi", ("0f", "15", "50", "53", "8c", "91", "d6", "da")),
    ("NVIDIA A100-SXM4-80GB", "Ampere", "8.0.0", "80Gi", ("07", "0a", "44", "4a", "84", "8a", "c0", "c3")),
    ("NVIDIA H100 80GB HBM3", "Hopper", "9.0.0", "81559Mi", ("1b", "43", "52", "61", "9d", "c3", "d1", "df")),
    ("NVIDIA H200", "Hopper", "9.0.0", "143771Mi", ("18", "2a", "3a", "5d", "9a", "ab", "ba", "db")),
)
_DRIVERS = (("580.126.9", "13.0.0"), ("570.195.3", "12.8.0"), ("575.57.8", "12.9.0"))


def resource_slice(node: int, rng: random.Random) -> dict[str, object]:
    """Return the slice of one node, as the API server would print it."""
    name = f"node-{node:06d}.cluster.example.com"
    product, architecture, capability, memory, buses = rng.choice(_MODELS)
    driver, cuda = rng.choice(_DRIVERS)
    devices = [
        {
            "attributes": {
                "addressingMode": {"string": "HMM"},
                "architecture": {"string": architecture},
                "brand": {"string": "Nvidia"},
                "cudaComputeCapability": {"version": capability},
                "cudaDriverVersion": {"version": cuda},
                "driverVersion": {"version": driver},
                "productName": {"string": product},
                "resource.kubernetes.io/pciBusID": {"string": f"0000:{bus}:00.0"},
                "resource.kubernetes.io/pcieRoot": {"string": f"pci0000:{int(bus, 16) & 0xF0:02x}"},
                "type": {"string": "gpu"},
                "uuid": {"string": f"GPU-{_uuid(rng)}"},
            },
            "capacity": {"memory": {"value": memory}},
            "name": f"gpu-{index}",
        }
        for index, bus in enumerate(buses)
    ]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {
            "creationTimestamp": "2026-10-01T08:00:00Z",
            "generateName": f"{name}-gpu.nvidia.com-",
            "generation": 1,
            "name": f"{name}-gpu.nvidia.com-{rng.getrandbits(25):07x}",
            "ownerReferences": [
                {"apiVersion": "v1", "controller": True, "kind": "Node", "name": name, "uid": _uuid(rng)}
            ],
            "resourceVersion": str(1_000_000 + node),
            "uid": _uuid(rng),
        },
        "spec": {
            "devices": devices,
            "driver": "gpu.nvidia.com",
            "nodeName": name,
            "pool": {"generation": 1, "name": name, "resourceSliceCount": 1},
        },
    }


def write(folder: Path, devices: int, seed: int = 0) -> int:
    """Write the folder and return its size in bytes.

    Parameters
    ----------
    folder
        An existing empty folder.
    devices
        Number of devices; rounded up to whole slices of 8.
    seed
        Seed of models, driver versions and unique ids.
    """
    rng = random.Random(seed)
    slices = -(-devices // DEVICES_PER_SLICE)
    size = 0
    for number, first in enumerate(range(0, slices, SLICES_PER_FILE)):
        nodes = range(first, min(first + SLICES_PER_FILE, slices))
        items = [resource_slice(node, rng) for node in nodes]
        document = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
        size += (folder / f"slices-{number:04d}.json").write_text(json.dumps(document, separators=(",", ":")))
    return size


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
