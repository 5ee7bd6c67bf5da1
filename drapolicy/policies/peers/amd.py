"""AMD's device plugin for Kubernetes: the set of least weight, partitions of few GPUs first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.links import Path
from drapolicy.policies.peers.question import Peer, Question

SAME_GPU, OTHER_GPU = 10, 20
XGMI, PCIE, OTHER_LINK = 10, 40, 50
SAME_NUMA, OTHER_NUMA = 10, 20

_MOST_NODES = 200_000


def pair_weights(asked: Question) -> NDArray[np.int64]:
    """Return the weight of each pair of a node's devices: less is nearer.

    10 within a GPU and 20 between two; 10 for xGMI, 40 for PCIe, 50 for any other link or none; 10 within a NUMA node
    and 20 between two. What is inside a GPU is as xGMI.

    Returns
    -------
    ndarray of shape (D, D), int64; symmetric, zero diagonal
    """
    local = asked.local
    parent, numa = np.array(asked.parents, np.int64), local.groups["numa"]
    straight = (local.lanes > 0) | (local.paths == Path.BOARD)
    weights = np.where(parent[:, None] == parent, SAME_GPU, OTHER_GPU)
    weights = weights + np.where(straight, XGMI, np.where(local.paths > Path.NONE, PCIE, OTHER_LINK))
    weights = weights + np.where(numa[:, None] == numa, SAME_NUMA, OTHER_NUMA)
    np.fill_diagonal(weights, 0)
    return weights.astype(np.int64)


@dataclass(frozen=True)
class AmdDevicePlugin(Peer):
    """The best-effort policy of AMD's device plugin: least sum of pair weights among the sets that it looks at.

    GPUs come in order of how few partitions they have left, then by the name of their first device. A set takes all
    that is left of some of them, and of one more the first devices that are still needed; required devices come on top.
    Of sets of equal weight the one of fewest GPUs, then of the earliest, is taken. A set that is asked for as a whole,
    available or required, is taken as it is. After 200,000 steps the best so far is taken.

    References
    ----------
    ROCm/k8s-device-plugin ed76468, internal/pkg/allocator/device.go and besteffort_policy.go; weights:
    :func:`pair_weights`.
    """

    name: ClassVar[str] = "amd-device-plugin"

    def propose(self, asked: Question) -> Sequence[int] | None:
        """Return the set of least weight."""
        if len(asked.available) == asked.size:
            return asked.available
        if len(asked.required) >= asked.size:
            return asked.required[: asked.size]
        return _Lightest(asked).find()


class _Lightest:
    """Looks for the set of least weight among those that take GPUs as wholes, but for the last."""

    def __init__(self, asked: Question) -> None:
        self._weights = pair_weights(asked)
        self._required = asked.required
        self._needed = asked.size - len(asked.required)
        groups: dict[int, list[int]] = {}
        for d in asked.available:
            if d not in asked.required:
                groups.setdefault(asked.parents[d], []).append(d)
        names = {parent: asked.local.devices[parent].id.device for parent in groups}
        self._groups = [groups[p] for p in sorted(groups, key=lambda p: (len(groups[p]), names[p]))]
        self._best: tuple[int, int, tuple[int, ...]] | None = None
        self._set: tuple[int, ...] = ()
        self._nodes = 0

    def find(self) -> tuple[int, ...]:
        self._extend((), tuple(self._required), self._weight(self._required))
        return self._set

    def _weight(self, devices: Sequence[int]) -> int:
        return int(self._weights[np.ix_(devices, devices)].sum()) // 2

    def _extend(self, used: tuple[int, ...], taken: tuple[int, ...], weight: int) -> None:
        lacking = self._needed - (len(taken) - len(self._required))
        for g, devices in enumerate(self._groups):
            if g in used or (g < max(used, default=0) and len(devices) < lacking):
                continue
            self._nodes += 1
            if self._nodes > _MOST_NODES and self._best is not None:
                return
            added = devices[:lacking]
            grown = weight + int(self._weights[np.ix_(added, list(taken))].sum()) + self._weight(added)
            if self._best is not None and grown > self._best[0]:
                continue
            if len(added) < lacking:
                self._extend((*used, g), (*taken, *added), grown)
                continue
            key = grown, len(used) + 1, (*used, g)
            if self._best is None or key < self._best:
                self._best, self._set = key, (*taken, *added)
