"""Known answers on real files: aligned sets, MIG maxima, bridged pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

import drapolicy as dp
from drapolicy.api import DeviceClass, ObjectMeta, ResourceClaim
from drapolicy.api.resource import (
    AllocationResult,
    CELDeviceSelector,
    DeviceAllocationResult,
    DeviceClassSpec,
    DeviceRequestAllocationResult,
    DeviceSelector,
    ResourceClaimStatus,
)
from drapolicy.topology import nvidia_smi

ROOT = "resource.kubernetes.io/pcieRoot"
GPU = "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == '{}'"


def device_class(name: str, expression: str) -> DeviceClass:
    selector = DeviceSelector(cel=CELDeviceSelector(expression=expression))
    return DeviceClass(metadata=ObjectMeta(name=name), spec=DeviceClassSpec(selectors=[selector]))


CLASSES = (
    device_class("gpu", GPU.format("gpu")),
    device_class("mig", GPU.format("mig")),
    device_class("rdma", "device.driver == 'dra.net' && device.attributes['dra.net'].rdma"),
)


def devices(found: dp.Placement) -> list[str]:
    return [result.device for allocation in found.results for result in allocation.devices.results]


def roots(fleet: dp.Fleet, found: dp.Placement) -> list[str]:
    published = {device.name: device for s in fleet.objects.slices for device in s.spec.devices}
    return [published[name].attributes[ROOT].string_value or "" for name in devices(found)]


def count(placements: Sequence[dp.Placement]) -> int:
    return sum(found.placed for found in placements)


# --- the AWS p4d pair: 8 A100, 4 RDMA NICs and 3 other NICs below 4 roots ----------------------------------------


@pytest.fixture(scope="module")
def p4d(shared: Path) -> dp.Fleet:
    stem = shared / "real" / "kubernetes-sigs_dranet" / "examples__aws_eks_examples__gpu-efa__resourceslice"
    objects = dp.loads((Path(f"{stem}-gpu.yaml")).read_text(encoding="utf-8"))
    objects = objects.merged(dp.loads((Path(f"{stem}-dranet.yaml")).read_text(encoding="utf-8")))
    return dp.build(objects.merged(dp.Objects(classes=CLASSES)))


@pytest.mark.parametrize(
    ("gpus", "nics", "sets"),
    [
        (1, 1, 4),  # one NIC a root, four roots
        (2, 1, 4),  # all 8 GPUs with the NIC of their root
        (3, 1, 0),  # a root has two GPUs
        (1, 2, 0),  # a root has one RDMA NIC
    ],
)
def test_p4d_aligned_sets(p4d: dp.Fleet, gpus: int, nics: int, sets: int) -> None:
    """As many aligned sets as there are RDMA NICs, each of one root; never eight."""
    wanted = dp.workload.claims({"gpu": (gpus, "gpu"), "nic": (nics, "rdma")}, 8, same=ROOT)
    found = dp.place_all(p4d, wanted, "first-fit")
    assert count(found) == sets
    assert all(len(set(roots(p4d, one))) == 1 for one in found if one.placed)


def test_p4d_first_fit_wastes_three_of_four_nics(p4d: dp.Fleet) -> None:
    """Without a constraint first fit puts one of four pods beside its NIC; bandwidth all four."""
    wanted = dp.workload.claims({"gpu": (1, "gpu"), "nic": (1, "rdma")}, 4)

    def aligned(policy: str) -> int:
        found = dp.place_all(p4d, wanted, policy)
        assert count(found) == 4
        return sum(len(set(roots(p4d, one))) == 1 for one in found)

    assert aligned("first-fit") == 1
    assert aligned("bandwidth") == 4


# --- a DGX A100 with every MIG placement -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mig(shared: Path) -> dp.Objects:
    """The devices that draw from the first GPU's counters, as a pool of their own."""
    path = shared / "real" / "derived_dgxa100_mig" / "nvidia-00-dgxa100-mig.yaml"
    kept = []
    for one in dp.loads(path.read_text(encoding="utf-8")).slices:
        own = [d for d in one.spec.devices if {c.counter_set for c in d.consumes_counters} == {"gpu-0-counter-set"}]
        sets = [counters for counters in one.spec.shared_counters if counters.name == "gpu-0-counter-set"]
        if own or sets:
            kept.append((one, own, sets))
    slices = []
    for one, own, sets in kept:
        pool = msgspec.structs.replace(one.spec.pool, resource_slice_count=len(kept))
        spec = msgspec.structs.replace(one.spec, devices=own, shared_counters=sets, pool=pool)
        slices.append(msgspec.structs.replace(one, spec=spec))
    return dp.Objects(slices=tuple(slices), classes=CLASSES)


def part(profile: str, number: int = 1) -> tuple[int, str, str]:
    return number, "mig", f"device.attributes['gpu.nvidia.com'].profile == '{profile}'"


@pytest.mark.parametrize(
    ("profile", "most"),
    [
        ("1g.5gb", 7),
        ("1g.5gb+me", 1),
        ("1g.10gb", 4),
        ("2g.10gb", 3),
        ("3g.20gb", 2),
        ("4g.20gb", 1),
        ("7g.40gb", 1),
    ],
)
def test_mig_maxima_of_one_gpu(mig: dp.Objects, profile: str, most: int) -> None:
    """A GPU holds as many partitions of a profile as NVIDIA's table says, and not one more."""
    fleet = dp.build(mig)
    assert dp.place(fleet, dp.workload.claims({"p": part(profile, most)}), "first-fit").placed
    assert not dp.place(fleet, dp.workload.claims({"p": part(profile, most + 1)}), "first-fit").placed


@pytest.mark.parametrize(
    ("requests", "fits"),
    [
        ({"a": part("4g.20gb"), "b": part("3g.20gb")}, True),
        ({"a": part("4g.20gb"), "b": part("3g.20gb"), "c": part("1g.5gb")}, False),  # 4 + 3 of 7 compute slices
        ({"a": (1, "gpu")}, True),
        *(({"a": (1, "gpu"), "b": part(p)}, False) for p in ("1g.5gb", "1g.5gb+me", "2g.10gb", "3g.20gb", "7g.40gb")),
    ],
)
def test_mig_together(mig: dp.Objects, requests: dict[str, tuple[int, str]], fits: bool) -> None:
    """4g and 3g fit side by side; a GPU that is used whole leaves room for no partition."""
    assert dp.place(dp.build(mig), dp.workload.claims(requests), "first-fit").placed is fits


# --- four A100 with bridges over two pairs -----------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "expected"), [("bandwidth", ["gpu-2", "gpu-3"]), ("first-fit", ["gpu-1", "gpu-2"])])
def test_bridged_pairs_with_the_first_gpu_taken(shared: Path, policy: str, expected: list[str]) -> None:
    """A claim for two gets the free bridged pair under bandwidth, and the next two under first fit."""
    matrix = nvidia_smi.read(shared / "topology" / "excerpts" / "nvlink_pairs_a100_pcie_4gpu.txt")
    plain = dp.build(dp.workload.fleet_objects("a100-bridged-4", 1))
    fleet, report = dp.bind(plain, nvidia_smi.topology(matrix, "NVIDIA A100 80GB PCIe"))
    assert len(report.nodes["node-00"].bound) == 4
    taken = DeviceRequestAllocationResult(request="gpu", driver="gpu.nvidia.com", pool="node-00", device="gpu-0")
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[taken]))
    meta = ObjectMeta(name="other", namespace="default")
    other = ResourceClaim(metadata=meta, status=ResourceClaimStatus(allocation=allocation))
    wanted = dp.workload.claims({"gpu": (2, "gpu.nvidia.com")}).merged(dp.Objects(claims=(other,)))
    assert devices(dp.place(fleet, wanted, policy)) == expected
