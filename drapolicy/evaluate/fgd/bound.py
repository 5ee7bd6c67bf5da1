"""How much of a fleet any policy could allocate at all, by linear programmes: what is left to be gained.

Nodes of one kind are one fluid of GPUs, CPU and memory, and pods are divisible (:mod:`drapolicy.policies.fluid`). Every
placement is a solution of it, so no policy, even one that knows all arrivals and refuses pods at will, allocates more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drapolicy.policies.fluid import Fluid, Stock, Want, maximum
from drapolicy.workload.openb import Order, Trace

BOUNDED_AT = (100, 130)
"""Percent of arrival at which bounds are told."""

_MOST_PAIRS = 100_000


@dataclass(frozen=True)
class Bounds:
    """Bounds of one order of arrivals, in percent of all GPUs.

    Attributes
    ----------
    selection
        What can be allocated at most at each percent of arrival that is asked for; None where nothing arrives so late.
    """

    selection: tuple[float | None, ...]


class Ceiling:
    """The bounds of a trace.

    Parameters
    ----------
    trace
        The lists of pods and nodes.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._wants = [Want(pod.cpu_milli, pod.memory_mib, pod.gpu_milli, pod.gpus, pod.models) for pod in trace.pods]
        self._kinds = list(dict.fromkeys(self._wants))
        self._stocks = [
            Stock(model, nodes, gpus, cpu, memory)
            for (model, gpus, cpu, memory), nodes in Counter(
                (node.model, node.gpus, node.cpu_milli, node.memory_mib) for node in trace.nodes
            ).items()
        ]

    @property
    def known(self) -> bool:
        """Whether kinds of pods and of nodes are few enough for bounds to be computed."""
        return len(self._kinds) * len(self._stocks) <= _MOST_PAIRS

    @cached_property
    def _fluid(self) -> Fluid:
        return Fluid.of(self._stocks, self._kinds)

    def _counts(self, pods: Iterable[int]) -> NDArray[np.float64]:
        counts = Counter(self._wants[at] for at in pods)
        return np.array([counts[kind] for kind in self._kinds], np.float64)

    @cached_property
    def _millis(self) -> NDArray[np.float64]:
        return np.array([kind.milli * kind.gpus for kind in self._kinds], np.float64)

    def selection(self, order: Order, arrivals: Sequence[int] = BOUNDED_AT) -> Bounds:
        """Return what can be allocated of what has arrived, whatever is refused.

        Curves tell the mean over arrivals that round to a percent, so all pods count that come until the last of them.

        Parameters
        ----------
        order
            Of arrivals.
        arrivals
            Percent of arrival.
        """
        asked = np.array([self._trace.pods[at].asked_milli for at in order.arrivals], np.int64)
        percent = np.rint(100 * np.cumsum(asked) / self._trace.gpu_milli)
        found: list[float | None] = []
        for at in arrivals:
            until = int(np.searchsorted(percent, at, "right"))
            known = bool(len(percent)) and percent[-1] >= at
            found.append(self._selected(self._counts(order.arrivals[:until])) if known else None)
        return Bounds(tuple(found))

    def _selected(self, counts: NDArray[np.float64]) -> float:
        fluid = self._fluid
        gains = np.asarray(self._millis @ fluid.placed) / self._trace.gpu_milli
        limits = sparse.csr_array(sparse.vstack([fluid.limits, fluid.placed]))
        return 100 * maximum(gains, limits, np.concatenate([fluid.most, counts]), fluid.ties).value

    def everything(self) -> float:
        """Return up to how much of the fleet the trace's pods could all be placed if they came in even shares.

        A policy that refuses no pod that fits comes near it, and may end a little above: once large pods are refused,
        small ones go on filling gaps. Pods that fit on no empty node are left out.
        """
        fluid = self._fluid
        counts = np.where(fluid.fits, self._counts(range(len(self._wants))), 0.0)
        share = sparse.csr_array(-counts[:, None])
        ties = sparse.vstack(
            [
                sparse.hstack([fluid.ties, sparse.csr_array((fluid.ties.shape[0], 1))]),
                sparse.hstack([fluid.placed, share]),
            ]
        )
        limits = sparse.hstack([fluid.limits, sparse.csr_array((fluid.limits.shape[0], 1))])
        gains = np.zeros(fluid.columns + 1)
        gains[-1] = float(self._millis @ counts) / self._trace.gpu_milli
        if not gains[-1]:
            return 0.0
        return 100 * maximum(gains, sparse.csr_array(limits), fluid.most, sparse.csr_array(ties)).value
