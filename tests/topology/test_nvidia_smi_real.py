"""Outputs of real machines: what is in them beside the facts of facts.json, and what the wrong output is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import nvidia_smi
from drapolicy.topology.measures import best_sets


def test_every_matrix_is_written_back(shared: Path) -> None:
    """What nvidia-smi's letters say of a machine is kept when they are written anew."""
    known = json.loads((shared / "topology/facts.json").read_text())
    names = [name for name, facts in known.items() if facts["kind"] == "nvidia-smi"]
    assert len(names) >= 20
    for name in names:
        matrix = nvidia_smi.read(shared / "topology" / name)
        assert nvidia_smi.parse(nvidia_smi.text(matrix)) == matrix, name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NVIDIA_nccl/docs__userguide__source__troubleshooting__gpu_troubleshooting__L29.txt", "topo -p2p"),
        ("stas00_ml-engineering/network__debug__README__L209.txt", "topo -p2p"),
        ("excerpts/mi300x_8gpu_showtopo.txt", "rocm-smi"),
        ("ROCm_rccl/topo_4p1h.xml", "XML"),
        ("NVIDIA_topograph/test-tree.json", "request to topograph"),
        ("SchedMD_slurm/python__check__topology__topology.conf", "no line that names GPUs"),
    ],
)
def test_refusal_says_what_the_file_is(shared: Path, name: str, reason: str) -> None:
    """Whoever gives the wrong output is told which one it is."""
    with pytest.raises(ParseError, match=reason) as caught:
        nvidia_smi.read(shared / "topology" / name)
    assert caught.value.faults[0].file.endswith(name)


def test_affinities_of_real_files(shared: Path) -> None:
    """Empty cells before N/A, lost tabs and titles inside the rows do not shift the affinities."""
    rows = [
        ("excerpts/l40s_4gpu_2nic.txt", 2, "96-191,288-383", "1"),
        ("excerpts/aws_p3_8xlarge_v100x4.txt", 0, "0-31", ""),
        ("excerpts/gb200_4gpu.txt", 3, "72-143", "1"),
        ("google_dranet/site__content__docs__user__gke-rdma__L411.txt", 4, "56-111,168-223", "1"),
        ("PrincetonUniversity_gpu_programming_intro/01_what_is_a_gpu__pli__L281.txt", 0, "", "0"),
        ("PrincetonUniversity_gpu_programming_intro/01_what_is_a_gpu__pli__L281.txt", 7, "1", "1"),
        ("local-inference-lab_rtx6kpro/hardware__asus-esc8000a-e13p-broadcom-switches__L96.txt", 4, "", "1"),
        ("local-inference-lab_rtx6kpro/nvidia_topo.log", 7, "64-127,192-238", "1"),
        ("stas00_ml-engineering/network__README__L385.txt", 7, "52-103", "1"),
    ]
    for name, d, cpus, numa in rows:
        matrix = nvidia_smi.read(shared / "topology" / name)
        assert (matrix.cpu_affinity[d], matrix.numa_affinity[d], matrix.notes) == (cpus, numa, ()), name


def test_rdma_names_of_real_files(shared: Path) -> None:
    """NICs get their RDMA name from the legend or, with old drivers, from the column itself."""
    old = nvidia_smi.read(shared / "topology/excerpts/dgx1_v100_4mlx5.txt")
    assert old.rdma[8:] == ("mlx5_0", "mlx5_2", "mlx5_1", "mlx5_3")
    new = nvidia_smi.read(shared / "topology/excerpts/h200_dgx_8gpu_12nic.txt")
    assert new.rdma[:8] == ("",) * 8
    assert new.rdma[8:] == tuple(f"mlx5_{n}" for n in range(12))
    unnamed = nvidia_smi.read(shared / "topology/excerpts/v100_sxm2_8gpu_nic0.txt")
    assert unnamed.rdma[8] == ""


def test_best_sets_of_real_machines(shared: Path) -> None:
    """DGX-1's quads and the A100 bridges are what the most bandwidth picks."""
    dgx1 = nvidia_smi.topology(nvidia_smi.read(shared / "topology/excerpts/dgx1_v100_4mlx5.txt"), "Tesla V100-SXM2")
    links = dgx1.direct_links([f"GPU{d}" for d in range(8)])
    assert best_sets(links, range(8), 4) == ((0, 1, 2, 3), (4, 5, 6, 7))
    bridged = nvidia_smi.topology(nvidia_smi.read(shared / "topology/excerpts/nvlink_pairs_a100_pcie_4gpu.txt"), "A100")
    links = bridged.direct_links([f"GPU{d}" for d in range(4)])
    assert best_sets(links, range(4), 2) == ((0, 1), (2, 3))
    assert best_sets(links, [1, 2, 3], 2) == ((2, 3),)
