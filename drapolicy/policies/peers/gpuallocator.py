"""NVIDIA's go-gpuallocator: the best partition of all free GPUs, the first that come, or the fixed sets of DGX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.policies.peers.question import Peer, Question
from drapolicy.problem.local import LocalProblem

POLICIES = ("bestEffort", "simple", "staticDGX1Pascal", "staticDGX1Volta", "staticDGX2Volta")

PATH_SCORE, LANE_SCORE = 10, 100

MOST_PARTITIONED = 16
"""GPUs up to which all partitions are looked at."""


def pair_scores(local: LocalProblem) -> NDArray[np.int64]:
    """Return the score of each pair of a node's devices: more is nearer.

    10 over two CPUs (SYS), 20 within one (NODE), 30 over a host bridge (PHB), 40 over several PCIe switches (PXB), 50
    over one (PIX), 60 on one board; and 100 for each NVLink.

    Returns
    -------
    ndarray of shape (D, D), int64; symmetric, zero diagonal
    """
    return PATH_SCORE * local.paths.astype(np.int64) + LANE_SCORE * local.lanes.astype(np.int64)


def set_score(scores: NDArray[np.int64], chosen: Sequence[int]) -> int:
    """Return the score of a set: the sum over its pairs, each once."""
    return int(scores[np.ix_(chosen, chosen)].sum()) // 2


@dataclass(frozen=True)
class GpuAllocator(Peer):
    """NVIDIA's go-gpuallocator, by one of its policies.

    * ``bestEffort``: all available GPUs are parted into sets of the size asked for, one set may stay short. The parting
      with the greatest sum of set scores counts, the first of equals, and in it the best set that has all required
      GPUs, the first of equals. That may be the short set, with which upstream gives fewer GPUs than asked for; here
      the reference completes it. A size of 1 gives the first GPU.
    * ``simple``: the required GPUs, then the first available.
    * ``staticDGX1Pascal``, ``staticDGX1Volta``, ``staticDGX2Volta``: the first of the machine's fixed sets that is
      available and has all required GPUs; sets of other sizes than 1, 2, 4, 8 (and 16) are none. GPUs are numbered by
      their place among all devices of their driver on the node.

    Set scores are sums of pair scores, see :func:`pair_scores`. Upstream's own enumeration grows beyond use, and in its
    Go code partitions of seven sets and more overwrite each other; here partings are solved by dynamic programming up
    to 16 GPUs, and for more the set grows from each GPU by the nearest.

    Attributes
    ----------
    policy
        One of the five.

    References
    ----------
    NVIDIA/go-gpuallocator 876e7b7, gpuallocator/besteffort_policy.go, simple_policy.go, staticdgx_policies.go.
    """

    policy: Literal["bestEffort", "simple", "staticDGX1Pascal", "staticDGX1Volta", "staticDGX2Volta"] = "bestEffort"
    name: ClassVar[str] = "go-gpuallocator"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            message = f"go-gpuallocator: policy {self.policy!r} is unknown; use one of {', '.join(POLICIES)}"
            raise InputError(message)

    def propose(self, asked: Question) -> Sequence[int] | None:
        """Return the devices in ascending order; None where a static policy has no set."""
        if self.policy == "simple":
            others = [d for d in asked.available if d not in asked.required]
            return sorted([*asked.required, *others][: asked.size])
        if self.policy != "bestEffort":
            return _static(asked, self.policy)
        if asked.size == 1:
            return (asked.required or asked.available)[:1]
        scores = pair_scores(asked.local)
        if MOST_PARTITIONED < len(asked.available) != asked.size:
            return _grown(asked, scores)
        return _Partition(asked, scores).best()


def _static(asked: Question, policy: str) -> Sequence[int] | None:
    driver = asked.local.devices[asked.available[0]].pool.driver
    machine = [device.index for device in asked.local.devices if device.pool.driver == driver]
    available, required = set(asked.available), set(asked.required)
    for numbers in _fixed_sets(policy, asked.size):
        chosen = {machine[number] for number in numbers if number < len(machine)} & available
        if len(chosen) == asked.size and required <= chosen:
            return sorted(chosen)
    return None


def _fixed_sets(policy: str, size: int) -> list[tuple[int, ...]]:
    total = 16 if policy == "staticDGX2Volta" else 8
    if size not in {1, 2, 4, 8, 16} or size > total:
        return []
    if size == 2 and total == 8:
        return [(0, 2), (1, 3), (4, 6), (5, 7)] if policy == "staticDGX1Pascal" else [(0, 3), (1, 2), (4, 7), (5, 6)]
    return [tuple(range(first, first + size)) for first in range(0, total, size)]


def _grown(asked: Question, scores: NDArray[np.int64]) -> list[int]:
    """Return the best of the sets that grow from each device, by the device nearest to the set so far."""
    best: list[int] = []
    for start in asked.available if not asked.required else asked.required[:1]:
        chosen = list(dict.fromkeys([*asked.required, start]))
        while len(chosen) < asked.size:
            near = scores[chosen].sum(axis=0)
            chosen.append(max((d for d in asked.available if d not in chosen), key=lambda d: (near[d], -d)))
        if not best or set_score(scores, chosen) > set_score(scores, best):
            best = chosen
    return sorted(best)


class _Partition:
    """The parting of up to 16 devices into sets with the greatest sum of scores, by what is left.

    A state is the set of devices that are in no set yet, as bits. The least of them begins the next set, as in
    upstream's enumeration, so that of equals the first there is the first here: in ascending order of the set's
    devices, the places that stay empty last.
    """

    def __init__(self, asked: Question, scores: NDArray[np.int64]) -> None:
        own = list(asked.available)
        self._asked = asked
        self._scores: list[list[int]] = scores[np.ix_(own, own)].tolist()
        self._short = -len(own) % asked.size
        self._required = sum(1 << i for i, d in enumerate(own) if d in asked.required)
        self._known: dict[int, int | None] = {0: 0}

    def best(self) -> list[int] | None:
        """Return the best set with all required devices in the best parting; None where there is no parting."""
        left = (1 << len(self._asked.available)) - 1
        if self._sum(left) is None:
            return None
        found: tuple[int, ...] = ()
        while left:
            chosen = next(s for s in self._sets(left) if self._with(s, left) == self._sum(left))
            usable = self._bits(chosen) & self._required == self._required
            if usable and (not found or self._score(chosen) > self._score(found)):
                found = chosen
            left &= ~self._bits(chosen)
        return [self._asked.available[i] for i in found]

    def _sum(self, left: int) -> int | None:
        """Return the greatest sum of scores of what is left; None where it cannot be parted."""
        if left not in self._known:
            sums = (self._with(chosen, left) for chosen in self._sets(left))
            self._known[left] = max((s for s in sums if s is not None), default=None)
        return self._known[left]

    def _with(self, chosen: tuple[int, ...], left: int) -> int | None:
        bits = self._bits(chosen)
        shared = bits & self._required
        if shared and (shared != self._required or len(chosen) < self._asked.size):
            return None
        rest = self._sum(left & ~bits)
        return None if rest is None else rest + self._score(chosen)

    def _sets(self, left: int) -> Iterator[tuple[int, ...]]:
        """Yield the next sets in upstream's order."""
        first, *others = (i for i in range(len(self._asked.available)) if left >> i & 1)
        size = self._asked.size
        # How many are left tells whether the short set is still to come.
        to_come = self._short if (len(others) + 1) % size else 0
        full = combinations(others, size - 1)
        if not to_come:
            yield from ((first, *rest) for rest in full)
            return
        end = len(self._asked.available)
        short = combinations(others, size - 1 - to_come)
        for rest in sorted([*full, *short], key=lambda rest: (*rest, *[end] * (size - 1 - len(rest)))):
            yield first, *rest

    @staticmethod
    def _bits(chosen: Sequence[int]) -> int:
        return sum(1 << i for i in chosen)

    def _score(self, chosen: Sequence[int]) -> int:
        return sum(self._scores[a][b] for a, b in combinations(chosen, 2))
