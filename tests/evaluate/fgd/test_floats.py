"""Every placement is that of a plain play in floats, which follows the artefact's program step by step.

The reference keeps nodes as lists, scores each of them anew for each pod, and adds and cuts in the program's order;
nothing of it is drapolicy's. Source of what it follows: hkust-adsl/kubernetes-scheduler-simulator, pkg/utils/frag.go,
pkg/type/resource.go, pkg/simulator/plugin/{fgd,best_fit,dot_product,gpu_packing,gpu_clustering}_score.go,
open_gpu_share.go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from random import Random

import pytest

from drapolicy.evaluate.fgd import Setting, play
from drapolicy.evaluate.fgd.experiment import made
from drapolicy.policies import Engine
from drapolicy.workload.openb import NodeRow, Order, PodRow, Trace

SHAPES = [(96_000, 8, "G2"), (104_000, 2, "T4"), (16_000, 2, "P100"), (128_000, 8, "G3"), (8_000, 1, "V100M16")]
SHAPES += [(96_000, 4, "V100M32"), (64_000, 0, "")]
WISHES = ((), (), ("T4",), ("V100M16", "V100M32"), ("G2", "P100"), ("H100",))


class Node:
    """What is left of a node, and how many pods of each size it has."""

    def __init__(self, row: NodeRow) -> None:
        self.cpu, self.memory, self.model = row.cpu_milli, row.memory_mib, row.model
        self.gpus = [1_000] * row.gpus
        self.sizes: Counter[int] = Counter()


def typical(pods: tuple[PodRow, ...]) -> tuple[tuple[int, int, int, str, float], ...]:
    """Return kinds of pods and their shares, by count, until 95 % are covered."""
    counts = Counter((pod.cpu_milli, pod.gpu_milli, pod.gpus, "|".join(pod.models)) for pod in pods)
    ordered = sorted(((float(count), kind) for kind, count in counts.items()), reverse=True)
    total, covered, found = float(len(pods)), 0.0, []
    for count, kind in ordered:
        if covered >= 95 * total / 100:
            break
        covered += count
        found.append((*kind, count / total))
    if len(found) == len(ordered):
        return tuple(found)
    return tuple((*kind, share / (covered / total)) for *kind, share in found)


@cache
def wasted(cpu: int, gpus: tuple[int, ...], model: str, mix: tuple[tuple[int, int, int, str, float], ...]) -> float:
    """Return the fragmentation of a node: sums by reason, then the sum of the reasons."""
    by = [0.0] * 7
    for asked, milli, count, models, share in mix:
        runs, fits = cpu >= asked, sum(left >= milli for left in gpus) >= max(count, 1)
        if milli == 0:
            why = 4 if runs else 5
        elif models and model not in models.split("|"):
            why = 6
        else:
            why = (2 if runs else 3) if fits else (1 if runs else 0)
        if why == 2:
            by[1] += share * float(sum(left for left in gpus if left < milli))
        else:
            by[why] += share * float(sum(gpus))
    del by[2]
    total = 0.0
    for amount in by:
        total += amount
    return total


def choices(node: Node, pod: PodRow) -> list[tuple[int, ...]]:
    """Return the GPUs that could be taken: each with enough for a share, else the first that are whole."""
    if not pod.gpus:
        return [()]
    fitting = [g for g, left in enumerate(node.gpus) if left >= pod.gpu_milli]
    if pod.gpu_milli < 1_000:
        return [(g,) for g in fitting]
    return [tuple(fitting[: pod.gpus])]


def by_waste(node: Node, pod: PodRow, mix: tuple) -> tuple[int, tuple[int, ...]]:
    """Return FGD's points and GPUs."""
    before, best = wasted(node.cpu, tuple(node.gpus), node.model, mix), None
    for chosen in choices(node, pod):
        left = tuple(left - pod.gpu_milli * (g in chosen) for g, left in enumerate(node.gpus))
        less = (before - wasted(node.cpu - pod.cpu_milli, left, node.model, mix)) / 1_000
        points = int(1.0 / (1.0 + math.exp(-less)) * 100.0)
        if best is None or points > best[0]:
            best = points, chosen
    assert best is not None
    return best


def fullest(points: Callable[[Node, PodRow], int]) -> Callable[..., tuple[int, tuple[int, ...]]]:
    """Return a rule that takes the fullest GPUs whatever its points."""

    def rule(node: Node, pod: PodRow, mix: tuple) -> tuple[int, tuple[int, ...]]:
        return points(node, pod), min(choices(node, pod), key=lambda chosen: sum(node.gpus[g] for g in chosen))

    return rule


def best_fit(node: Node, pod: PodRow) -> int:
    score = 0.0
    for left, most in ((node.cpu - pod.cpu_milli, 128_000), (sum(node.gpus) - pod.asked_milli, 8_000)):
        score += float(left) / most * 0.5
    return int((1.0 - score) * 100)


def dot_product(node: Node, pod: PodRow) -> int:
    product = 0.0
    for left, asked, most in ((node.cpu, pod.cpu_milli, 128_000), (sum(node.gpus), pod.asked_milli, 8_000)):
        product += (float(left) / most) * (float(asked) / most)
    return int(100.0 * (1 - product / 2))


def size(pod: PodRow) -> int:
    return 0 if pod.gpu_milli < 1_000 else pod.gpus


def gpu_clustering(node: Node, pod: PodRow) -> int:
    if not pod.gpus:
        return 0
    alike = (75 if len(node.sizes) == 1 else 50) if size(pod) in node.sizes else 0 if node.sizes else 25
    return 25 * (8_000 - sum(node.gpus)) // 8_000 + alike


def gpu_packing(node: Node, pod: PodRow) -> int:
    if not pod.gpus:
        return 0
    whole = node.gpus.count(1_000)
    if whole == len(node.gpus):
        return max(33 - whole, whole)
    used = sorted(left for left in node.gpus if left >= pod.gpu_milli)[: pod.gpus]
    if fresh := used.count(1_000):
        return max(50 - fresh, 33)
    return max(100 - sum(left * 100 // 1_000 for left in used) // 10, 50)


def in_integers(scores: list[int]) -> list[int]:
    """Return points spread over 0 to 100, as best fit's are before nodes are compared."""
    low, span = min(scores), max(scores) - min(scores)
    return [0 if not span else (score - low) * 100 // span for score in scores]


RULES = {
    "fgd": by_waste,
    "best-fit": fullest(best_fit),
    "dot-product": fullest(dot_product),
    "gpu-packing": fullest(gpu_packing),
    "gpu-clustering": fullest(gpu_clustering),
}


def placed(trace: Trace, order: Order, name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the node and the GPUs of each pod; no node for one that does not fit."""
    rows, mix = order.nodes(trace), typical(trace.pods)
    nodes = [Node(row) for row in rows]
    for pod in (trace.pods[at] for at in order.arrivals):
        fits = [
            n
            for n, node in enumerate(nodes)
            if node.cpu >= pod.cpu_milli
            and node.memory >= pod.memory_mib
            and (not pod.gpus or not pod.models or node.model in pod.models)
            and sum(left >= pod.gpu_milli for left in node.gpus) >= pod.gpus
        ]
        if not fits:
            yield "", ()
            continue
        scores = [RULES[name](nodes[n], pod, mix)[0] for n in fits]
        if name == "best-fit":
            scores = in_integers(scores)
        at = fits[scores.index(max(scores))]
        chosen = RULES[name](nodes[at], pod, mix)[1]
        for g in chosen:
            nodes[at].gpus[g] -= pod.gpu_milli
        nodes[at].cpu -= pod.cpu_milli
        nodes[at].memory -= pod.memory_mib
        if pod.gpus:
            nodes[at].sizes[size(pod)] += 1
        yield rows[at].name, chosen


Draw = Callable[[Random], tuple[int, int, int, int, tuple[str, ...]]]
SHARES, ODD = (20, 220, 320, 460, 500, 550, 810), (1, 333, 334, 499, 667, 999, 1_000)
LISTS: dict[str, tuple[int, Draw]] = {
    "mixed": (60, lambda r: r.choice([share(r), share(r), whole(r), whole(r), none(r)])),
    "odd sizes": (60, lambda r: (r.choice([1, 333, 4_000]), 1, 1, r.choice(ODD), ())),
    "models": (80, lambda r: (*share(r)[:4], r.choice(WISHES))),
    "mostly without GPUs": (80, lambda r: r.choice([none(r), none(r), none(r), share(r)])),
    "eight GPUs only": (3, lambda r: (r.choice([8_000, 64_000]), 1_024, 8, 1_000, ())),
    "one kind": (20, lambda _: (4_000, 4_096, 1, 460, ())),
    "all kinds differ": (80, lambda r: (r.randrange(9_000), r.randrange(9_000), 1, r.randrange(1, 1_001), ())),
    "no CPU, no memory": (60, lambda r: (0, 0, *(whole(r) if r.random() < 0.5 else share(r))[2:])),
}


def share(r: Random) -> tuple[int, int, int, int, tuple[str, ...]]:
    return r.choice([1_000, 4_000, 11_900]), 4_096, 1, r.choice(SHARES), ()


def whole(r: Random) -> tuple[int, int, int, int, tuple[str, ...]]:
    return r.choice([2_000, 8_000, 16_000]), 8_192, r.choice([1, 1, 1, 2, 4, 8]), 1_000, r.choice(WISHES[:3])


def none(r: Random) -> tuple[int, int, int, int, tuple[str, ...]]:
    return r.choice([1_000, 8_000, 32_000]), 16_384, 0, 0, ()


def drawn(name: str, seed: int) -> tuple[Trace, Order]:
    """Return a list of pods and some nodes, and an order in which pods come again and again."""
    r = Random(f"{name} {seed}")
    number, draw = LISTS[name]
    pods = tuple(PodRow(f"p-{n:02d}", *draw(r)) for n in range(number))
    shapes = [SHAPES[0], *r.choices(SHAPES, k=9)]
    nodes = tuple(NodeRow(f"n-{n}", cpu, 262_144, gpus, model) for n, (cpu, gpus, model) in enumerate(shapes))
    arrivals = [*r.sample(range(number), number), *r.choices(range(number), k=60)]
    return Trace(name, pods, nodes), Order(tuple(arrivals), tuple(r.sample(range(10), 10)))


@pytest.mark.parametrize("policy", RULES)
@pytest.mark.parametrize("name", LISTS)
def test_nodes_and_gpus_are_the_plain_plays(name: str, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every pod, for lists of all sorts."""
    told = []

    class Told(Engine):
        def place(self, problem, rng):
            found = super().place(problem, rng)
            devices = [result.device for one in found.results for result in one.devices.results]
            told.append((found.node or "", tuple(sorted(int(device.removeprefix("gpu-")) for device in devices))))
            return found

    monkeypatch.setattr(import_module("drapolicy.evaluate.fgd.play"), "Engine", Told)
    for seed in range(2):
        trace, order = drawn(name, seed)
        setting = Setting(trace)
        told.clear()
        play(setting, order, made(policy, setting), seed)
        assert told == list(placed(trace, order, policy))
