"""Outputs of real machines: the facts that are known of each are found."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology import nvidia_smi
from drapolicy.topology.links import LinkKind
from drapolicy.topology.measures import best_sets
from drapolicy.topology.nvidia_smi import Matrix

NEAREST_FIRST = list(LinkKind)


def letters(matrix: Matrix, d: int, e: int) -> str:
    kind = matrix.kinds[d][e]
    return f"NV{matrix.counts[d][e]}" if kind is LinkKind.NVLINK else kind.value


def facts(matrix: Matrix) -> dict[str, Any]:
    """What facts.json tells of a matrix."""
    pairs = list(combinations(matrix.gpus, 2))
    nearest = {}
    for d in matrix.gpus if matrix.nics else ():
        best = min(NEAREST_FIRST.index(matrix.kinds[d][e]) for e in matrix.nics)
        names = [matrix.names[e] for e in matrix.nics if NEAREST_FIRST.index(matrix.kinds[d][e]) == best]
        nearest[matrix.names[d]] = names
    linked = [(d, e) for d, e in pairs if matrix.kinds[d][e] is LinkKind.NVLINK]
    return {
        "columns": list(matrix.names),
        "gpus": len(matrix.gpus),
        "nics": len(matrix.nics),
        "gpu_pairs": dict(Counter(letters(matrix, d, e) for d, e in pairs)),
        "gpu_nic": dict(Counter(letters(matrix, d, e) for d in matrix.gpus for e in matrix.nics)),
        "nearest_nic": nearest,
        "nvlink_pairs": len(linked),
        "nvlink_list": [[matrix.names[d], matrix.names[e], letters(matrix, d, e)] for d, e in linked],
    }


def test_every_matrix_has_its_facts_and_every_other_file_is_refused(shared: Path) -> None:
    """Matrices of real machines, in whatever form they were copied, are read; p2p, ROCm, XML, JSON, YAML are not."""
    read = 0
    for name, known in json.loads((shared / "topology/facts.json").read_text()).items():
        file = shared / "topology" / name
        if known["kind"] != "nvidia-smi":
            with pytest.raises(ParseError):
                nvidia_smi.read(file)
            continue
        found = facts(nvidia_smi.read(file))
        for key in found:
            if known[key] is not None:
                assert found[key] == known[key], (name, key)
        assert known["symmetric"]
        read += 1
    assert read >= 20


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NVIDIA_nccl/docs__userguide__source__troubleshooting__gpu_troubleshooting__L29.txt", "topo -p2p"),
        ("stas00_ml-engineering/network__debug__README__L209.txt", "topo -p2p"),
        ("excerpts/mi300x_8gpu_showtopo.txt", "rocm-smi"),
        ("ROCm_rccl/topo_4p1h.xml", "XML"),
        ("NVIDIA_topograph/test-tree.json", "JSON"),
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
