"""In which order pods of the openb trace arrive, and which of equally good nodes comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drapolicy.api.json_reader import read_json
from drapolicy.api.names import shown
from drapolicy.api.values import TWICE, ReadFault
from drapolicy.errors import Fault, InputError
from drapolicy.workload.content import text_of
from drapolicy.workload.faults import Faults
from drapolicy.workload.openb.tables import NodeRow, Trace

MOST_ARRIVALS = 10_000_000
_MOST_LISTED = 20


@dataclass(frozen=True)
class Order:
    """One run's order.

    Attributes
    ----------
    arrivals
        Positions in the list of pods; a pod that comes again is another one like it.
    ranks
        Rank of each node; of equally good nodes the one of the lowest rank is taken.
    """

    arrivals: tuple[int, ...]
    ranks: tuple[int, ...]

    def nodes(self, trace: Trace) -> tuple[NodeRow, ...]:
        """Return the nodes in order of rank."""
        return tuple(node for _, node in sorted(zip(self.ranks, trace.nodes, strict=True)))


@dataclass(frozen=True)
class Stream:
    """Orders by seed.

    Attributes
    ----------
    ratio
        What arrives asks for so many times the GPUs that there are.
    orders
        By seed.
    """

    ratio: float
    orders: Mapping[int, Order]


def drawn(trace: Trace, seed: int, ratio: float = 1.3) -> Order:
    """Draw an order of our own: all pods shuffled, then others like them until their GPUs are asked for.

    It has the law of the published orders and not their numbers, which come from Go's generator.

    Parameters
    ----------
    trace
        The lists.
    seed
        The same seed gives the same order.
    ratio
        Pods are added as long as all of them ask for at most so many times the fleet's GPUs; the pods of the list come
        whatever they ask for.
    """
    asked = np.array([pod.asked_milli for pod in trace.pods], np.int64)
    if not asked.any():
        raise InputError("openb: no pod asks for a GPU, so no number of them fills the nodes; give a list with some")
    rng = np.random.default_rng([seed, len(trace.pods)])
    arrivals = rng.permutation(len(trace.pods)).tolist()
    most, total = ratio * trace.gpu_milli, int(asked.sum())
    while len(arrivals) < MOST_ARRIVALS:
        pod = int(rng.integers(len(trace.pods)))
        total += int(asked[pod])
        if total > most:
            break
        arrivals.append(pod)
    return Order(tuple(arrivals), tuple(rng.permutation(len(trace.nodes)).tolist()))


def read_stream(path: str | Path, trace: Trace) -> Stream:
    """Read orders from JSON.

    Parameters
    ----------
    path
        ``{"nodes_sorted": [names], "pods_sorted": [names], "ratio": 1.3, "total_gpu_milli": n, "seeds": {"42":
        {"arrivals": [positions in pods_sorted], "node_rank": [rank of each of nodes_sorted], "requested_gpu_milli":
        n}}}``, plain or gzip.
    trace
        The lists that it is about; names and sums must be theirs.

    Raises
    ------
    InputError
        With all faults.
    """
    faults = Faults()
    text = text_of(path, faults)
    faults.settle()
    assert text is not None
    found = list(read_json(text.encode()))
    reader = _Reader(str(path), trace)
    if len(found) != 1 or isinstance(found[0], ReadFault):
        message = found[0].message if found and isinstance(found[0], ReadFault) else f"{len(found)} values; give one"
        raise InputError(faults=[Fault(str(path), -1, "", "", message)])
    stream = reader.stream(found[0])
    if reader.faults:
        raise InputError(faults=reader.faults)
    return stream


class _Reader:
    def __init__(self, file: str, trace: Trace) -> None:
        self._file = file
        self._trace = trace
        self.faults: list[Fault] = []

    def _fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(self._file, -1, "", path, message))

    def stream(self, value: Any) -> Stream:
        if not isinstance(value, dict):
            self._fault("", f"{shown(value)} is no object; give nodes_sorted, pods_sorted, ratio and seeds")
            return Stream(0, {})
        for path, part in (("", value), ("seeds.", value.get("seeds"))):
            for key in getattr(part, "keys_twice", ()):
                self._fault(f"{path}{key}", TWICE)
        trace = self._trace
        self._names("nodes_sorted", value.get("nodes_sorted"), [node.name for node in trace.nodes])
        self._names("pods_sorted", value.get("pods_sorted"), [pod.name for pod in trace.pods])
        self._equals("total_gpu_milli", value.get("total_gpu_milli"), trace.gpu_milli)
        ratio = value.get("ratio")
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio <= 100:
            self._fault("ratio", f"{shown(ratio)} is no number from 0 to 100")
            ratio = 0
        seeds = value.get("seeds")
        if not isinstance(seeds, dict) or not seeds:
            self._fault("seeds", f"{shown(seeds)} is no object of orders by seed; give at least one")
            return Stream(0, {})
        orders = {}
        for seed, order in seeds.items():
            if not (seed.isascii() and seed.isdecimal() and len(seed) <= 18 and seed == str(int(seed))):
                self._fault(f"seeds.{seed}", f"{shown(seed)} is no seed; use whole numbers")
            else:
                orders[int(seed)] = self._order(f"seeds.{seed}", order)
        return Stream(float(ratio), orders)

    def _names(self, path: str, value: Any, names: Sequence[str]) -> None:
        if value == list(names):
            return
        if not isinstance(value, list):
            self._fault(path, f"{shown(value)} is no list of names")
        elif len(value) != len(names):
            self._fault(
                path, f"{len(value)} names, the list has {len(names)}; give the lists that the stream was made of"
            )
        else:
            at = next(i for i, name in enumerate(names) if value[i] != name)
            self._fault(f"{path}[{at}]", f"{shown(value[at])}, the list has {shown(names[at])}; sort by name")

    def _equals(self, path: str, value: Any, wanted: int) -> None:
        if value is not None and value != wanted:
            self._fault(path, f"{shown(value)}, the lists make it {wanted}; give the lists that the stream was made of")

    def _order(self, path: str, value: Any) -> Order:
        if not isinstance(value, dict):
            self._fault(path, f"{shown(value)} is no object; give arrivals and node_rank")
            return Order((), ())
        pods, nodes = self._trace.pods, self._trace.nodes
        arrivals = self._positions(f"{path}.arrivals", value.get("arrivals"), len(pods))
        ranks = self._positions(f"{path}.node_rank", value.get("node_rank"), len(nodes))
        if ranks and sorted(ranks) != list(range(len(nodes))):
            self._fault(f"{path}.node_rank", f"does not give each of {len(nodes)} nodes a rank of its own, from 0 up")
        if not self.faults:
            asked = sum(pods[at].asked_milli for at in arrivals)
            self._equals(f"{path}.requested_gpu_milli", value.get("requested_gpu_milli"), asked)
        return Order(tuple(arrivals), tuple(ranks))

    def _positions(self, path: str, value: Any, count: int) -> list[int]:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_ARRIVALS:
            self._fault(path, f"{shown(value)} is no list of positions from 0 to {count - 1}")
            return []
        wrong = [at for at, n in enumerate(value) if type(n) is not int or not 0 <= n < count]
        for at in wrong[:_MOST_LISTED]:
            self._fault(f"{path}[{at}]", f"{shown(value[at])} is no position; use 0 to {count - 1}")
        if len(wrong) > _MOST_LISTED:
            self._fault(path, f"{len(wrong) - _MOST_LISTED} more are no positions")
        return [] if wrong else value
