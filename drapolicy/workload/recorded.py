"""Openb's lists with the times that they record: pods that come and leave, on the nodes of the list.

What rows mean as DRA, and the paper's experiment, which knows no time, are in :mod:`drapolicy.workload.openb`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.faults import Faults
from drapolicy.workload.jobs import Wanted
from drapolicy.workload.openb import Order, Trace, fleet_of
from drapolicy.workload.openb import workload_of as pods_of
from drapolicy.workload.openb.tables import PodRow, name_of, read_nodes, read_pods
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS, Row, Tick
from drapolicy.workload.workload import Workload

OPENB: Final = Source(
    name="openb",
    what="pods and nodes of Alibaba's cluster with shared GPUs, 2023",
    files="a list of pods and a list of nodes: openb_pod_list_*.csv openb_node_list_*.csv",
    where="https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023",
    meaning=(
        "a line is a pod; num_gpu devices with gpu_milli thousandths of each, whose model is one of gpu_spec; it comes"
        " at creation_time and runs from scheduled_time, or from creation_time if it never was, to deletion_time"
    ),
    tried=True,
)
TIMES: Final = ("creation_time", "scheduled_time", "deletion_time")


@dataclass(frozen=True)
class _Life:
    begin_ns: int
    duration_ns: int | None


def read_openb(
    pods: str | Path,
    nodes: str | Path,
    wanted: Wanted = Wanted(),  # noqa: B008 - it is frozen
    tick: Tick | None = None,
) -> Imported:
    """Read a list of pods with its times, and a list of nodes; plain or gzipped.

    A list without times, as openb's multi-GPU ones, gives pods that come a second apart and stay. A pod that accepts
    only models that no node has is a fault of its line.

    Raises
    ------
    InputError
        With every faulty line of both.
    """
    faults = Faults()
    found_nodes = read_nodes(nodes, faults)
    models = set() if faults.number else {node.model for node in found_nodes if node.gpus}
    lives: dict[str, _Life] = {}

    def look(row: Row, pod: PodRow) -> None:
        if models and pod.models and models.isdisjoint(pod.models):
            known = ", ".join(sorted(models))
            row.fault("gpu_spec", f"{row.text('gpu_spec')!r} is on no node of the list; known are {known}")
        life = _life(row) if row.has(TIMES[0]) else None
        if life is not None and row.ok:
            lives[pod.name] = life

    trace = Trace(name_of(pods), read_pods(pods, faults, look, together=TIMES, tick=tick), found_nodes)
    notes = list(faults.settle(lenient=wanted.lenient))
    if trace.pods and not lives:
        notes.append("the list of pods has no times: they come a second apart and stay")
        lives = {pod.name: _Life(at * NS, None) for at, pod in enumerate(trace.pods)}
    return _imported(trace, lives, wanted, notes)


def _imported(trace: Trace, lives: dict[str, _Life], wanted: Wanted, notes: list[str]) -> Imported:
    found = [(lives[pod.name], pod) for pod in trace.pods if pod.name in lives and (pod.gpus or wanted.cpu_jobs)]
    found.sort(key=lambda item: item[0].begin_ns)
    begin = found[0][0].begin_ns if found else 0
    if wanted.days is not None:
        end = begin + round(min(wanted.days * 86_400, LIMIT_S) * NS)
        found = [item for item in found if item[0].begin_ns < end]
    found = found[: wanted.jobs]
    if len(found) < len(trace.pods):
        notes.append(f"{len(found):,} of {len(trace.pods):,} pods were taken")
    arrivals = tuple(Arrival(life.begin_ns - begin, life.duration_ns, pod.name) for life, pod in found)
    part = Trace(trace.name, tuple(pod for _, pod in found), trace.nodes)
    objects = pods_of(part, Order((), ())).objects
    return Imported(Workload(objects, arrivals, "openb"), OPENB, tuple(notes), fleet_of(trace.nodes).objects)


def _life(row: Row) -> _Life | None:
    created, scheduled, deleted = (row.seconds(column) if row.text(column) else None for column in TIMES)
    if not row.text("creation_time"):
        row.name("creation_time", "say when the pod came")
    if created is None:
        return None
    begin = created if scheduled is None else scheduled
    if begin < created:
        row.fault("scheduled_time", f"{row.text('scheduled_time')} is before creation_time {row.text('creation_time')}")
        return None
    if deleted is not None and deleted < begin:
        row.fault("deletion_time", f"{row.text('deletion_time')} is before the pod begins")
        return None
    # Less than a second is a second; without an end the pod stays.
    return _Life(created, None if deleted is None else max(deleted - begin, NS))
