"""A synthetic twin of openb: pods and nodes with the trace's frequencies and columns, and none of its rows.

What is taken from the published lists (alibaba/clusterdata, cluster-trace-gpu-v2023) are counts: nodes by model and
size; pods by number and share of GPUs; within these the parts with so much CPU and memory, rounded to half cores and
4 GiB; classes of service; quantiles of life times; how arrivals spread over day and week. Everything else is drawn.
What rounding and drawing leave unlike: rare sizes are missing, pods of one class have equal CPU and memory more often,
and who came after whom is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from drapolicy.errors import InputError
from drapolicy.workload.quotas import quotas
from drapolicy.workload.rhythm import Rhythm

PODS: Final = 8_152
NODES: Final = 1_213
_DAYS = 34
_WHOLE = 1_000
_MOST = 1_000_000


class NodeKind(NamedTuple):
    """Nodes that are alike, and how many there are."""

    model: str
    gpus: int
    cpu_milli: int
    memory_mib: int
    number: int


class PodKind(NamedTuple):
    """Pods that ask alike for GPUs: how many of 10,000, and of these CPU in milli, memory in GiB, percent."""

    gpus: int
    gpu_milli: int
    weight: int
    rooms: tuple[tuple[int, int, int], ...]


NODE_KINDS: Final = (
    NodeKind("G2", 8, 96_000, 393_216, 549),
    NodeKind("T4", 2, 104_000, 524_288, 387),
    NodeKind("P100", 2, 16_000, 122_880, 107),
    NodeKind("G3", 8, 128_000, 786_432, 39),
    NodeKind("V100M16", 4, 32_000, 131_072, 28),
    NodeKind("P100", 2, 64_000, 262_144, 22),
    NodeKind("V100M32", 8, 96_000, 786_432, 21),
    NodeKind("V100M16", 1, 8_000, 32_768, 19),
    NodeKind("T4", 4, 96_000, 393_216, 17),
    NodeKind("V100M32", 4, 48_000, 376_832, 9),
    NodeKind("V100M16", 8, 64_000, 262_144, 7),
    NodeKind("P100", 1, 8_000, 61_440, 3),
    NodeKind("P100", 2, 8_000, 61_440, 2),
    NodeKind("A10", 1, 128_000, 1_048_576, 2),
    NodeKind("V100M16", 8, 82_000, 344_064, 1),
)

_WHOLE_GPU_ROOMS = (
    (11_500, 48, 39),
    (3_000, 4, 13),
    (18_500, 64, 7),
    (10_000, 40, 6),
    (12_000, 48, 5),
    (12_000, 24, 5),
    (15_500, 56, 4),
    (12_000, 16, 4),
    (16_000, 32, 4),
    (8_000, 16, 3),
    (4_000, 24, 3),
    (8_000, 32, 3),
    (14_000, 56, 2),
    (24_000, 92, 2),
)
POD_KINDS: Final = (
    PodKind(0, 0, 1_335, ((12_500, 56, 35), (32_000, 48, 28), (8_000, 28, 16), (15_500, 48, 12), (16_500, 48, 9))),
    PodKind(1, 50, 9, ((6_000, 24, 100),)),
    PodKind(1, 110, 29, ((4_000, 24, 53), (4_000, 16, 47))),
    PodKind(1, 160, 92, ((4_000, 16, 73), (6_000, 24, 27))),
    PodKind(1, 220, 76, ((4_000, 16, 39), (8_000, 28, 31), (4_000, 24, 17), (4_000, 28, 13))),
    PodKind(1, 230, 172, ((4_000, 28, 59), (4_000, 24, 19), (8_000, 28, 13), (4_000, 16, 9))),
    PodKind(1, 320, 404, ((4_000, 24, 34), (4_000, 16, 24), (8_000, 28, 22), (4_000, 28, 13), (1_000, 4, 7))),
    PodKind(1, 330, 9, ((4_000, 24, 100),)),
    PodKind(1, 350, 12, ((4_000, 24, 100),)),
    PodKind(1, 370, 58, ((4_000, 12, 100),)),
    PodKind(1, 460, 160, ((6_000, 8, 48), (6_000, 12, 23), (6_000, 16, 19), (12_000, 16, 5), (6_000, 24, 5))),
    PodKind(1, 470, 920, ((12_000, 48, 52), (8_000, 28, 48))),
    PodKind(1, 480, 23, ((4_000, 24, 100),)),
    PodKind(1, 550, 88, ((4_000, 12, 100),)),
    PodKind(1, 590, 92, ((3_000, 4, 100),)),
    PodKind(1, 650, 310, ((12_000, 48, 95), (8_000, 28, 5))),
    PodKind(1, 810, 1_322, ((3_000, 4, 97), (4_000, 12, 3))),
    PodKind(1, _WHOLE, 4_797, _WHOLE_GPU_ROOMS),
    PodKind(2, _WHOLE, 20, ((16_000, 64, 100),)),
    PodKind(4, _WHOLE, 18, ((32_000, 128, 100),)),
    PodKind(8, _WHOLE, 54, ((64_000, 256, 54), (88_000, 320, 46))),
)
WISHES: Final = (("T4", 60), ("G2", 15), ("P100", 13), ("V100M16|V100M32", 7), ("G3", 5))
_QOS = (("LS", 570), ("BE", 416), ("Burstable", 13), ("Guaranteed", 1))
_PHASES = (("Running", 637), ("Failed", 229), ("Pending", 110), ("Succeeded", 24))
_LIFE_MEDIAN_S, _LIFE_SIGMA = 540, 1.95
_WAIT_MEDIAN_S, _WAIT_SIGMA = 2, 2.6

POD_COLUMNS: Final = (
    *("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec"),
    *("qos", "pod_phase", "creation_time", "deletion_time", "scheduled_time"),
)
NODE_COLUMNS: Final = ("sn", "cpu_milli", "memory_mib", "gpu", "model")


def twin_nodes(nodes: int = NODES) -> str:
    """Return a list of nodes as CSV: the kinds in their proportions.

    Parameters
    ----------
    nodes
        How many; openb has 1,213 with GPUs.

    Examples
    --------
    >>> print(twin_nodes(3), end="")
    sn,cpu_milli,memory_mib,gpu,model
    twin-node-0000,96000,393216,8,G2
    twin-node-0001,96000,393216,8,G2
    twin-node-0002,104000,524288,2,T4
    """
    _check("nodes", nodes)
    kinds = np.repeat(np.arange(len(NODE_KINDS)), quotas([kind.number for kind in NODE_KINDS], nodes))
    rows = [",".join(NODE_COLUMNS)]
    for place, kind in enumerate(NODE_KINDS[k] for k in kinds.tolist()):
        rows.append(f"twin-node-{place:04d},{kind.cpu_milli},{kind.memory_mib},{kind.gpus},{kind.model}")
    return "\n".join(rows) + "\n"


def twin_pods(seed: int, pods: int = PODS, *, wishes: int = 0) -> str:
    """Return a list of pods as CSV: classes in their proportions, in an order and at times that the seed draws.

    Parameters
    ----------
    seed
        Of everything that is drawn; the same seed gives the same bytes.
    pods
        How many; openb has 8,152.
    wishes
        Percent of pods with GPUs that name models; 0 in openb's list "default", 33 in "gpuspec33".

    Raises
    ------
    InputError
        For numbers that make no list.
    """
    _check("pods", pods)
    if not 0 <= wishes <= 100:
        raise InputError(f"twin: wishes of {wishes} %; give 0 to 100")
    rng = np.random.default_rng([seed, pods, wishes])
    asked = [(kind, room) for kind in POD_KINDS for room in kind.rooms]
    counts = quotas([kind.weight * room[2] for kind, room in asked], pods)
    order = rng.permutation(np.repeat(np.arange(len(asked)), counts))
    created = Rhythm().times_s(rng, pods, _DAYS * 86_400)
    lives = np.maximum(rng.lognormal(np.log(_LIFE_MEDIAN_S), _LIFE_SIGMA, pods), 1)
    waits = rng.lognormal(np.log(_WAIT_MEDIAN_S), _WAIT_SIGMA, pods)
    qos, phases = _drawn(rng, _QOS, pods), _drawn(rng, _PHASES, pods)
    wish = _drawn(rng, WISHES, pods)
    wishing = rng.random(pods) * 100 < wishes
    rows = [",".join(POD_COLUMNS)]
    for number in range(pods):
        kind, (cpu, gib, _) = asked[order[number]]
        begin = int(created[number])
        wait = int(waits[number])
        end = begin + wait + int(lives[number])
        scheduled = "" if phases[number] == "Pending" else begin + wait
        spec = wish[number] if kind.gpus and wishing[number] else ""
        rows.append(
            f"twin-pod-{number:04d},{cpu},{gib * 1024},{kind.gpus},{kind.gpu_milli},{spec},"
            f"{qos[number]},{phases[number]},{begin},{end},{scheduled}"
        )
    return "\n".join(rows) + "\n"


def _check(name: str, number: int) -> None:
    if not 1 <= number <= _MOST:
        raise InputError(f"twin: {number} {name}; give 1 to {_MOST:,}")


def _drawn(rng: np.random.Generator, parts: Sequence[tuple[str, int]], number: int) -> list[str]:
    names = [name for name, _ in parts]
    weights = np.array([weight for _, weight in parts], float)
    return [names[at] for at in rng.choice(len(names), number, p=weights / weights.sum()).tolist()]
