"""Upstream's allocator over the nodes of a stream as they stand: what it takes for each node."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from engine_stream import Stream
from numpy.typing import NDArray

from drapolicy.api.encode import to_builtins
from drapolicy.policies.kube.sampling import nodes_to_find
from drapolicy.problem.ask import Ask
from drapolicy.testing.oracle import Oracle

WORKERS = 16
"""Goroutines of the scheduler's filters (``parallelism``)."""


class Scan(NamedTuple):
    """One ask on every node.

    Attributes
    ----------
    nodes
        ndarray of shape (N,), microseconds of ``Allocate``.
    fits
        ndarray of shape (N,), bool.
    state, allocator
        Microseconds for what comes before.
    ms
        Milliseconds of a processor for all nodes, one after the other; the sum of ``nodes`` would hold every pause that
        a busy machine makes.
    """

    nodes: NDArray[np.float64]
    fits: NDArray[np.bool_]
    state: float
    allocator: float
    ms: float

    @property
    def modelled_ms(self) -> float:
        """Milliseconds of the scheduler, modelled: it stops at enough nodes that fit, and 16 threads share the work.

        As if they never waited for each other, and with what comes before.
        """
        enough = nodes_to_find(len(self.nodes))
        seen = int(np.searchsorted(self.fits.cumsum(), enough)) + 1
        part = float(self.nodes[:seen].sum() / self.nodes.sum())
        return part * self.ms / WORKERS + (self.state + self.allocator) / 1e3


class Upstream:
    """Upstream's allocator of 1.37 on one thread, with the slices of a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._oracle = Oracle("1.37", "-timing", threads=1)
        fleet = stream.fleet
        self._line: dict[str, Any] = {"features": dict.fromkeys(sorted(fleet.release.features), True)}
        first = {
            "classes": [to_builtins(stream.world.device_class)],
            "slices": [to_builtins(each) for part in stream.world.parts(stream.nodes) for each in part.slices],
            "nodes": [{"metadata": {"name": name}} for name in fleet.nodes.names],
        }
        told = self._oracle.ask(self._line | first | {"claims": []})
        assert not told.get("error"), told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._oracle.close()

    def scans(self, asks: Iterable[Ask]) -> list[Scan]:
        """Return what upstream takes for some asks on the stream's nodes, as they stand now."""
        made = []
        known: dict[str, Any] = {"allocated": self._allocated()}
        for ask in asks:
            claims = [to_builtins(claim) for claim in ask.claims]
            told = self._oracle.ask(self._line | {"reuse": True, "claims": claims} | known)
            assert not told.get("error"), told
            known = {}
            timing = told["timing"]
            made.append(
                Scan(
                    np.array(timing["nodeNs"]) / 1e3,
                    np.array([node["fit"] for node in told["nodes"]], np.bool_),
                    timing["stateNs"] / 1e3,
                    timing["newAllocatorNs"] / 1e3,
                    timing["scanCPUNs"][0] / 1e6,
                )
            )
        return made

    def _allocated(self) -> dict[str, Any]:
        whole, shares, amounts = [], [], []
        for device, use in self._stream.state.allocated.taken:
            known = dict(zip(("driver", "pool", "device"), device, strict=True))
            if use.whole:
                whole.append(known)
            if use.shared:
                shares.append(known | {"shareID": "share"})
                amounts.append(known | {"capacity": {name: f"{nano}n" for name, nano in use.amounts}})
        return {"devices": whole, "sharedDevices": shares, "consumedCapacity": amounts}
