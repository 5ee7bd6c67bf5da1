"""Play `shadow-price` and FGD on lists drawn from openb's twin, with the weights as they are and with others.

    python tools/weigh_shadow_price.py lists                # each list: what is gained over FGD
    python tools/weigh_shadow_price.py weights              # each set of weights: the same, over some lists
    python tools/weigh_shadow_price.py weights --original DIR   # and what they allocate on the default trace itself

The lists have other parts of pods without GPUs, shares, pods of several GPUs and wishes than the twin, as the twelve
traces of the FGD artefact that no parameter was chosen on. docs/shadow-price.md has the tables that this prints.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from unittest.mock import patch

import numpy as np

from drapolicy.evaluate.fgd import BOUNDED_AT, Ceiling, Setting, curves_of, play, refusals_of
from drapolicy.evaluate.fgd.experiment import made
from drapolicy.policies.objectives import balance_rows
from drapolicy.policies.objectives.balance_rows import Part
from drapolicy.policies.ready import priced
from drapolicy.workload.openb import Order, PodRow, Trace, drawn, read_stream, read_trace
from drapolicy.workload.twin import WISHES

TWIN = Path(__file__).resolve().parents[1] / "datasets" / "openb-twin"
LISTS = (
    "twin",
    *(f"cpu{part:03d}" for part in (50, 100, 200, 250)),
    *(f"gpushare{part}" for part in (40, 60, 80, 100)),
    *(f"gpuspec{part}" for part in (10, 20, 25, 33)),
    *(f"multigpu{part}" for part in (20, 30, 40, 50)),
)
"""The twin, and lists with so much in thousandths of pods without GPUs, in percent of the demand in shares, in percent
of pods with wishes, in percent of the demand in pods of several GPUs."""
WEIGHED = ("twin", "cpu250", "gpuspec10", "gpuspec33", "multigpu20")
ORIGINAL = "original"
ORIGINAL_SEEDS = (42, 43, 44)

Change: TypeAlias = Mapping[str, Any]
Task: TypeAlias = tuple[str, str, Change, tuple[int, ...], Path | None]
"""A list, a policy, constants that are changed, seeds of orders, and where the original is."""
CHANGES: Mapping[str, Change] = {
    "as they are": {},
    **{
        f"{words} x {times}": {name: int(getattr(priced, name) * times)}
        for words, name in (
            ("earnings", "_EARNINGS"),
            ("fragmentation", "_FRAGMENTATION"),
            ("left", "_LEFTOVER"),
            ("out of step", "_STRANDED"),
            ("kept", "_COVETED"),
        )
        for times in (0, 0.5, 2)
    },
    **{
        f"left: {name} x {times}": {name: Part(int(part.weight * times), part.of)}
        for name in ("GPU", "CPU", "MEMORY")
        for part in (getattr(balance_rows, name),)
        for times in (0.5, 2)
    },
    **{
        f"out of step: {name} x {times}": {name: int(getattr(balance_rows, name) * times)}
        for name in ("CPU_SHORT", "MEMORY_SHORT", "CPU_SPARE")
        for times in (0.5, 2)
    },
}


class Played(NamedTuple):
    """Mean over orders: allocated at 100 and 130 %, first refusal, refused pods of 8 GPUs at 100 %."""

    at_100: float
    at_130: float
    first: float
    large: float


def main() -> None:
    """Print one of the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("lists", "weights"))
    parser.add_argument("--orders", type=int, default=3, help="of each list")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--original", type=Path, help="folder of the trace `default`, of which seeds 42-44 are played")
    given = parser.parse_args()
    seeds = tuple(range(given.orders))
    if given.what == "lists":
        tasks: list[Task] = [
            (name, policy, {}, seeds, None) for name, policy in product(LISTS, ("fgd", "shadow-price"))
        ]
        found = dict(zip([task[:2] for task in tasks], _all(tasks, given.jobs), strict=True))
        _print_lists(found)
        return
    names = WEIGHED + ((ORIGINAL,) if given.original else ())
    ours: list[Task] = [
        (name, "shadow-price", change, seeds, given.original) for change, name in product(CHANGES.values(), names)
    ]
    theirs: list[Task] = [(name, "fgd", {}, seeds, given.original) for name in names]
    played = list(_all([*theirs, *ours], given.jobs))
    _print_weights(names, played)


def _all(tasks: Sequence[Task], jobs: int) -> Iterable[Played]:
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_played, *zip(*tasks, strict=True))


def _played(name: str, policy: str, change: Change, seeds: Sequence[int], original: Path | None) -> Played:
    rows = []
    with _changed(change):
        for seed, setting, order in _cases(name, seeds, original):
            run = play(setting, order, made(policy, setting), seed)
            everyone, *_, largest = refusals_of(run)
            large = largest.counts[0][1] if largest.name == "8 GPUs" else 0
            rows.append([*(curves_of(run).allocation[at] for at in BOUNDED_AT), everyone.first or 130, large])
    return Played(*np.mean(np.array(rows, float), axis=0).tolist())


@contextmanager
def _changed(change: Change) -> Iterator[None]:
    with ExitStack() as stack:
        for name, value in change.items():
            stack.enter_context(patch.object(priced if hasattr(priced, name) else balance_rows, name, value))
        yield


def _cases(name: str, seeds: Sequence[int], original: Path | None) -> Iterator[tuple[int, Setting, Order]]:
    if name != ORIGINAL:
        yield from ((seed, setting, drawn(setting.trace, seed)) for seed in seeds for setting in [_setting(name, seed)])
        return
    assert original is not None
    trace = read_trace(original / "openb_pod_list_default.csv", original / "openb_node_list_gpu_node.csv")
    orders = read_stream(original / "stream_default.json", trace).orders
    setting = Setting(trace)
    yield from ((seed, setting, orders[seed]) for seed in ORIGINAL_SEEDS)


@lru_cache(maxsize=64)
def _setting(name: str, seed: int) -> Setting:
    return Setting(drawn_list(read_trace(TWIN / "pods.csv.gz", TWIN / "nodes.csv.gz"), name, seed))


def drawn_list(twin: Trace, name: str, seed: int) -> Trace:
    """Return a list drawn from the twin's pods.

    Parameters
    ----------
    twin
        Its lists.
    name
        One of :data:`LISTS`.
    seed
        Of what is drawn.
    """
    rng = np.random.default_rng([seed, LISTS.index(name)])
    kind = name.rstrip("0123456789")
    part = int(name[len(kind) :] or 0) / (1_000 if kind == "cpu" else 100)
    idle = [pod for pod in twin.pods if not pod.gpus]
    shares = [pod for pod in twin.pods if pod.gpus and pod.gpu_milli < 1_000]
    singles = [pod for pod in twin.pods if pod.gpus == 1 and pod.gpu_milli == 1_000]
    several = [pod for pod in twin.pods if pod.gpus > 1]

    def some(pods: Sequence[PodRow], number: float) -> list[PodRow]:
        times, rest = divmod(round(number), len(pods))
        return [*pods] * times + [pods[at] for at in rng.choice(len(pods), rest, replace=False).tolist()]

    if kind == "cpu":
        idle = some(idle, len(shares + singles + several) * part / (1 - part))
    if kind == "gpushare":
        wholes = singles + several
        # So many of each that the number stays and shares ask for their part.
        odds = part * _mean(wholes) / (part * _mean(wholes) + (1 - part) * _mean(shares))
        number = len(shares + wholes)
        shares, singles, several = some(shares, number * odds), some(wholes, number * (1 - odds)), []
    if kind == "multigpu":
        rest = shares + singles
        several = some(several, part / (1 - part) * _mean(rest) * len(rest) / _mean(several))
    pods = [_large(pod) if pod.gpus == 8 and rng.random() < 1 / 9 else pod for pod in idle + shares + singles + several]
    if kind == "gpuspec":
        pods = _wishing(pods, twin, part, rng)
    order = rng.permutation(len(pods)).tolist()
    return Trace(name, tuple(pods[at]._replace(name=f"pod-{n:05d}") for n, at in enumerate(order)), twin.nodes)


def _mean(pods: Sequence[PodRow]) -> float:
    return sum(pod.asked_milli for pod in pods) / len(pods)


def _large(pod: PodRow) -> PodRow:
    """Return a pod that the largest nodes alone can take: the twin leaves rare sizes out, openb has some."""
    return pod._replace(cpu_milli=120_000, memory_mib=640 * 1_024)


def _wishing(pods: Sequence[PodRow], twin: Trace, part: float, rng: np.random.Generator) -> list[PodRow]:
    """Return the pods, of which a part wishes for models that can take them."""
    weights = np.array([weight for _, weight in WISHES], float)
    drawn_wishes = rng.choice(len(WISHES), len(pods), p=weights / weights.sum()).tolist()
    wishing = (rng.random(len(pods)) < part).tolist()

    @cache
    def fits(gpus: int, cpu: int, memory: int, models: tuple[str, ...]) -> bool:
        return any(
            node.model in models and node.gpus >= gpus and node.cpu_milli >= cpu and node.memory_mib >= memory
            for node in twin.nodes
        )

    found = []
    for pod, at, own in zip(pods, drawn_wishes, wishing, strict=True):
        models = tuple(WISHES[at][0].split("|"))
        wishes = own and pod.gpus and fits(pod.gpus, pod.cpu_milli, pod.memory_mib, models)
        found.append(pod._replace(models=models) if wishes else pod)
    return found


def _print_lists(found: Mapping[tuple[str, str], Played]) -> None:
    columns = ("list", "shadow-price", "FGD", "first refusal", "refused 8-GPU pods", "all pods fit up to")
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name in LISTS:
        ours, theirs = found[name, "shadow-price"], found[name, "fgd"]
        ceiling = Ceiling(_setting(name, 0).trace).everything()
        print(
            f"| {name} | {ours.at_100:.2f} / {ours.at_130:.2f} | {theirs.at_100:.2f} / {theirs.at_130:.2f} "
            f"| {ours.first:.1f} / {theirs.first:.1f} | {ours.large:.1f} / {theirs.large:.1f} | {ceiling:.1f} |"
        )


def _print_weights(names: Sequence[str], played: Sequence[Played]) -> None:
    theirs, ours = played[: len(names)], iter(played[len(names) :])
    print("| weights | " + " | ".join(names) + " | more 8-GPU pods refused |\n|---" + "|---" * (len(names) + 1) + "|")
    for words in CHANGES:
        row = [next(ours) for _ in names]
        gains = [f"{a.at_100 - b.at_100:+.2f} / {a.at_130 - b.at_130:+.2f}" for a, b in zip(row, theirs, strict=True)]
        worst = max(a.large - b.large for a, b in zip(row, theirs, strict=True))
        print(f"| {words} | " + " | ".join(gains) + f" | {worst:+.1f} |", flush=True)


if __name__ == "__main__":
    main()
