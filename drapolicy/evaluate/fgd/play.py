"""One run of the experiment: pods arrive one after the other, and those that do not fit are dropped."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drapolicy.evaluate.fgd.curves import Run
from drapolicy.evaluate.fgd.refusals import class_of
from drapolicy.inventory import Fleet
from drapolicy.policies import Engine, Policy
from drapolicy.policies.objectives.mix import Mix
from drapolicy.policies.objectives.prices import write_supply
from drapolicy.problem.events import Start
from drapolicy.problem.problem import Problem
from drapolicy.problem.state import State
from drapolicy.workload.openb import (
    CAPACITY,
    NodeRow,
    Order,
    Trace,
    arrivals_of,
    fleet_of,
    typical_pods,
    workload_of,
)
from drapolicy.workload.workload import Workload

_NANO = 10**9
_POLICY_STREAM = 1


@dataclass(frozen=True)
class Setting:
    """What all runs of a trace have in common.

    Attributes
    ----------
    trace
        The lists of pods and nodes.
    """

    trace: Trace

    @cached_property
    def mix(self) -> Mix:
        """Typical pods, by which waste is measured and FGD decides."""
        return typical_pods(self.trace.pods)

    @cached_property
    def told(self) -> Mapping[str, object]:
        """What policies may know of the trace, by the parameter that they have for it.

        ``mix``: the typical pods; ``counted``: of how many; ``workload``: all kinds of pods; ``supply``: GPUs by
        product.
        """
        gpus: Counter[str] = Counter()
        for node in self.trace.nodes:
            gpus[node.model] += node.gpus
        supply = tuple((product, count) for product, count in sorted(gpus.items()) if count)
        return {
            "mix": self.mix,
            "counted": len(self.trace.pods),
            "workload": typical_pods(self.trace.pods, 100),
            "supply": write_supply(supply),
        }

    @cached_property
    def workload(self) -> Workload:
        """The pods as DRA asks, without arrivals."""
        return workload_of(self.trace, Order((), ()))


def play(
    setting: Setting, order: Order, policy: Policy, seed: int, *, fleet: Fleet | None = None, name: str = ""
) -> Run:
    """Play one run.

    Parameters
    ----------
    setting
        The trace.
    order
        Of pods and nodes.
    policy
        Decides, by an :class:`~drapolicy.policies.Engine` of its own.
    seed
        Of the policy's draws.
    fleet
        The fleet of the order's nodes, if it is made already.
    name
        What the run calls the policy; its own name by default.
    """
    trace = setting.trace
    nodes = order.nodes(trace)
    state = State(fleet or fleet_of(nodes))
    engine = Engine(state.fleet, policy)
    rng = np.random.default_rng([seed, _POLICY_STREAM])
    books = _Books(nodes, setting.mix)
    seconds = 0.0
    with _uncollected():
        for number, (at, arrival) in enumerate(zip(order.arrivals, arrivals_of(trace, order), strict=True)):
            pod = trace.pods[at]
            ask = setting.workload.ask(arrival, number)
            before = time.perf_counter()
            placement = engine.place(Problem(state, (ask,), arrival.time_ns), rng)
            seconds += time.perf_counter() - before
            state.cursor = placement.cursor
            if placement.node is not None:
                state.apply(Start(ask, placement.node, placement.results))
                taken = [
                    (result.device, result.consumed_capacity[CAPACITY].nano // _NANO)
                    for allocation in placement.results
                    for result in allocation.devices.results
                ]
                books.take(state.fleet.nodes.index[placement.node], pod.cpu_milli, taken)
            books.close(pod.asked_milli, placed=placement.node is not None)
    return Run(
        policy=name or policy.name,
        seed=seed,
        arrived=np.array(books.arrived, np.int64),
        allocated=np.array(books.allocated, np.int64),
        wasted=np.array(books.wasted, np.float64),
        gpus=books.gpus,
        classes=np.array([class_of(trace.pods[at]) for at in order.arrivals], np.int64),
        placed=np.array(books.placed, np.bool_),
        seconds=seconds,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cyclic garbage meanwhile: a run makes next to none, and looking takes a quarter of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Books:
    """What is free and wasted, kept node by node beside the state."""

    def __init__(self, nodes: tuple[NodeRow, ...], mix: Mix) -> None:
        useful = [pod for pod in mix if pod.milli > 0]
        table = np.array([(pod.milli, max(pod.gpus, 1), pod.cpu, pod.weight) for pod in useful], np.int64)
        self._milli, self._count, self._asked_cpu, weights = table.reshape(-1, 4).T
        self._weight = sum(pod.weight for pod in mix)
        # By model, what of each pod counts: its weight, or nothing where it does not want the model.
        self._counts = {
            model: weights * np.array([not pod.models or model in pod.models for pod in useful], np.int64)
            for model in {node.model for node in nodes}
        }
        self._model = [node.model for node in nodes]
        self._left = [np.full((node.gpus, 1), 1_000, np.int64) for node in nodes]
        self._cpu = [node.cpu_milli for node in nodes]
        self._waste = [self._wasted(n) for n in range(len(nodes))]
        self._total = sum(self._waste)
        self.gpus = sum(node.gpus for node in nodes)
        self._free = 1_000 * self.gpus
        self._asked = 0
        self.arrived: list[int] = []
        self.allocated: list[int] = []
        self.wasted: list[float] = []
        self.placed: list[bool] = []

    def _wasted(self, n: int) -> int:
        """Return the free milli of a node that pods of the mix cannot use, times their weights."""
        left = self._left[n]
        enough = left >= self._milli
        fits = (enough.sum(axis=0) >= self._count) & (self._cpu[n] >= self._asked_cpu)
        used = (enough * left).sum(axis=0) * fits
        return self._weight * int(left.sum()) - int(self._counts[self._model[n]] @ used)

    def take(self, n: int, cpu: int, taken: list[tuple[str, int]]) -> None:
        """Note that a pod takes CPU and GPUs of a node."""
        for device, milli in taken:
            self._left[n][int(device.rpartition("-")[2]), 0] -= milli
            self._free -= milli
        self._cpu[n] -= cpu
        now = self._wasted(n)
        self._total += now - self._waste[n]
        self._waste[n] = now

    def close(self, asked: int, *, placed: bool) -> None:
        """Note that a pod has been decided."""
        self.placed.append(placed)
        self._asked += asked
        self.arrived.append(self._asked)
        self.allocated.append(1_000 * self.gpus - self._free)
        whole = self._weight * self._free
        self.wasted.append(round(100 * self._total / whole, 2) if whole else 0.0)
