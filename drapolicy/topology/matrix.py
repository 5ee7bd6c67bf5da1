"""A matrix of ``nvidia-smi topo -m`` as a record; its facts, and nvidia-smi's way of writing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from drapolicy.topology.links import LinkKind
from drapolicy.topology.listing import GPU

MAX_LISTED = 16
"""Longest list of NVLink pairs in `facts`: that of a DGX-1."""


@dataclass(frozen=True)
class Matrix:
    """One machine as ``nvidia-smi topo -m`` shows it; all tuples are in the order of its columns.

    Attributes
    ----------
    names
        GPUs and NICs as the columns name them; D in all.
    kinds
        D × D path kinds, symmetric; ``X`` on the diagonal only.
    counts
        D × D numbers of parallel NVLinks; 1 for every other kind, 0 on the diagonal.
    cpu_affinity, numa_affinity, gpu_numa_id
        Per device the text of that column; empty where it is absent, empty, ``N/A`` or in doubt.
    rdma
        Per device the RDMA name of a NIC; empty for GPUs and for NICs that nothing names.
    soc
        Whether ``SYS`` is written ``SOC``, as drivers of the K80's era do.
    notes
        What was left out because it is in doubt, one sentence each.
    """

    names: tuple[str, ...]
    kinds: tuple[tuple[LinkKind, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    cpu_affinity: tuple[str, ...]
    numa_affinity: tuple[str, ...]
    gpu_numa_id: tuple[str, ...]
    rdma: tuple[str, ...]
    soc: bool = False
    notes: tuple[str, ...] = ()

    @property
    def gpus(self) -> tuple[int, ...]:
        """Positions of the GPUs."""
        return tuple(d for d, name in enumerate(self.names) if GPU.fullmatch(name))

    @property
    def nics(self) -> tuple[int, ...]:
        """Positions of the NICs."""
        return tuple(d for d, name in enumerate(self.names) if not GPU.fullmatch(name))

    def letters(self, d: int, e: int) -> str:
        """Return the path between two devices in nvidia-smi's letters, e.g. ``NV4``."""
        kind = self.kinds[d][e]
        if kind is LinkKind.NVLINK:
            return f"NV{self.counts[d][e]}"
        return "SOC" if self.soc and kind is LinkKind.SYS else kind.value


def text(matrix: Matrix) -> str:
    """Write a matrix as nvidia-smi does: tabs, the affinities that are known, the legend of the NICs."""
    titled = (
        ("CPU Affinity", matrix.cpu_affinity),
        ("NUMA Affinity", matrix.numa_affinity),
        ("GPU NUMA ID", matrix.gpu_numa_id),
    )
    shown = [(title, texts) for title, texts in titled if any(texts)]
    lines = ["\t".join(["", *matrix.names, *(title for title, _ in shown)])]
    for d, name in enumerate(matrix.names):
        letters = (matrix.letters(d, e).center(3) for e in range(len(matrix.names)))
        lines.append("\t".join([name, *letters, *(texts[d] or "N/A" for _, texts in shown)]))
    legend = [f"  {matrix.names[d]}: {matrix.rdma[d]}" for d in matrix.nics if matrix.rdma[d] != matrix.names[d]]
    if any(matrix.rdma):
        lines += ["", "NIC Legend:", "", *legend] if legend else []
    return "\n".join(lines) + "\n"


def facts(matrix: Matrix) -> dict[str, Any]:
    """Count the paths of a matrix.

    Returns
    -------
    dict
        ``gpu_pairs`` and ``gpu_nic`` count pairs by their letters; ``nearest_nic`` lists for each GPU the NICs on the
        nearest kind of path; ``nvlink_list`` is None with more than `MAX_LISTED` pairs.
    """
    nearest_first = list(LinkKind)
    gpus, nics, names = matrix.gpus, matrix.nics, matrix.names
    pairs = list(combinations(gpus, 2))
    linked = [(d, e) for d, e in pairs if matrix.kinds[d][e] is LinkKind.NVLINK]
    nearest = {}
    for d in gpus if nics else ():
        ranks = {e: nearest_first.index(matrix.kinds[d][e]) for e in nics}
        nearest[names[d]] = [names[e] for e in nics if ranks[e] == min(ranks.values())]
    return {
        "kind": "nvidia-smi",
        "columns": list(names),
        "gpus": len(gpus),
        "nics": len(nics),
        "gpu_pairs": dict(Counter(matrix.letters(d, e) for d, e in pairs)),
        "gpu_nic": dict(Counter(matrix.letters(d, e) for d in gpus for e in nics)),
        "nearest_nic": nearest,
        "nvlink_pairs": len(linked),
        "nvlink_list": [[names[d], names[e], matrix.letters(d, e)] for d, e in linked]
        if len(linked) <= MAX_LISTED
        else None,
        "symmetric": True,
        "asymmetric": [],
    }
