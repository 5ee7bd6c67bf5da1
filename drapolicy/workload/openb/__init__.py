"""The openb trace of shared GPUs, as DRA: its lists of pods and nodes, orders of arrival, fleet and asks."""

from __future__ import annotations

from drapolicy.workload.openb.objects import CAPACITY, DRIVER, arrivals_of, fleet_of, typical_pods, workload_of
from drapolicy.workload.openb.orders import Order, Stream, drawn, read_stream
from drapolicy.workload.openb.tables import NodeRow, PodRow, Trace, read_trace

__all__ = [
    "CAPACITY",
    "DRIVER",
    "NodeRow",
    "Order",
    "PodRow",
    "Stream",
    "Trace",
    "arrivals_of",
    "drawn",
    "fleet_of",
    "read_stream",
    "read_trace",
    "typical_pods",
    "workload_of",
]
