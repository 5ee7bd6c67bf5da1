"""A cluster's own history: what ``kubectl get`` printed at several times becomes pods that come, run and leave.

    kubectl get pods,resourceclaims,resourceclaimtemplates -A -o json > pods-2026-11-24T14:00:00Z.json

A pod comes when it was created and runs from its start until its last container ended. Where it was there at one time
and gone at the next, it is taken to have ended in the middle of the two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.core import Pod
from drapolicy.api.sources import texts
from drapolicy.api.values import ReadFault
from drapolicy.errors import Fault, InputError
from drapolicy.release import Release
from drapolicy.workload.arrivals import Arrival
from drapolicy.workload.faults import Faults
from drapolicy.workload.patterns import Patterns
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.table import LIMIT_S, NS, stamp_ns
from drapolicy.workload.workload import Workload

HISTORY: Final = Source(
    name="history",
    what="a cluster's own pods and claims, as kubectl printed them at several times",
    files="what kubectl get pods,resourceclaims,resourceclaimtemplates -A -o json printed; slices and nodes too",
    where="your cluster",
    meaning="a pod is a pod; it comes at its creation, and pods of one scheduling group are a gang",
    tried=False,
)

_STAMP: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T_-](\d\d)[:.-]?(\d\d)[:.-]?(\d\d)", re.ASCII)
_DONE: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True)
class _Snapshot:
    file: str
    objects: Objects
    time_ns: int

    @property
    def series(self) -> str:
        """Return what files of the same query have in common: their name up to the time."""
        name = Path(self.file).name
        named = _STAMP.search(name)
        return name[: named.start()] if named else ""


@dataclass
class _Life:
    """What is known of one pod: how it was last seen, where, and when it must have been gone."""

    pod: Pod
    file: str
    series: str
    seen_ns: int
    gone_ns: int | None = None
    ok: bool = True


def read_history(*sources: str | Path, lenient: bool = False, release: Release | None = None) -> Imported:
    """Read what ``kubectl get`` printed at several times.

    Parameters
    ----------
    sources
        Files of YAML or JSON, plain or gzipped, in any order, and folders of them. When one was taken is told by its
        name (``pods-2026-11-24T14:00:00Z.json``, UTC), or else is the latest time that it holds. Files whose names are
        the same up to the time are of one query: a pod of one that is not in the next is gone. Files of queries without
        pods hold the rest: claims, templates, slices, classes, nodes.
    lenient
        Leave pods out of which something is missing, and let unknown fields pass; say how many.
    release
        Kubernetes release whose API is read; 1.37 with its default gates if left out.

    Returns
    -------
    Imported
        With a fleet if there were slices: those of the latest file that has any, and so with classes and nodes.

    Raises
    ------
    InputError
        With everything that is wrong in any file.
    """
    faults = Faults()
    snapshots = _snapshots(sources, faults, lenient=lenient, release=release)
    faults.settle()
    lives = _lives(snapshots)
    patterns = Patterns(snapshot.objects for snapshot in snapshots)
    left: Counter[str] = Counter()
    found: list[tuple[int, int | None, str, str]] = []
    for life in lives:
        one = _times(life, faults, left)
        for path, message in patterns.missing(life.pod):
            _fault(faults, life, path, message)
        if one is not None and life.ok:
            found.append((*one, patterns.name_of(life.pod), _group(life.pod)))
    unused = patterns.unused()
    if unused:
        left["claims were no pod's: they were left out"] += unused
    notes = [*faults.settle(lenient=lenient), *(f"{n:,} {what}" for what, n in left.items())]
    workload = Workload(patterns.objects(), _arrivals(found), "history")
    return Imported(workload, HISTORY, (HISTORY.caveat, *notes), _fleet(snapshots))


def _snapshots(
    sources: Sequence[str | Path], faults: Faults, *, lenient: bool, release: Release | None
) -> list[_Snapshot]:
    found = []
    if not sources:
        faults.of_all.append(Fault("", -1, "history", "", "no files; give what kubectl printed"))
    for name, content in texts(*sources):
        if isinstance(content, ReadFault):
            faults.of_all.append(Fault(name, -1, "", "", content.message))
            continue
        try:
            objects = api.loads(content, name, strict=not lenient, expand=False, release=release)
        except InputError as error:
            faults.of_all += error.faults
            continue
        found.append(_Snapshot(name, objects, _time(name, objects)))
    if found and not any(snapshot.objects.pods for snapshot in found):
        faults.of_all.append(Fault("", -1, "history", "", "no file holds pods; give kubectl get pods -A -o json"))
    return sorted(found, key=lambda snapshot: snapshot.time_ns)


def _time(file: str, objects: Objects) -> int:
    """Return when a file was written: as its name says, or the latest time that it tells."""
    named = _STAMP.search(Path(file).name)
    if named:
        year, month, day, hour, minute, second = named.groups()
        told = stamp_ns(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
        if told is not None:
            return told
    things = (*objects.pods, *objects.nodes)
    texts = [text for thing in things for text in _texts(thing.source)]
    texts += [item.metadata.creation_timestamp for item in objects.claims if item.metadata.creation_timestamp]
    return max((told for told in map(stamp_ns, texts) if told is not None), default=0)


def _texts(source: Any) -> Iterator[str]:
    """Yield the times of a pod or node that are never in the future."""
    meta, status = _inside(source, "metadata"), _inside(source, "status")
    yield from _strings(meta, "creationTimestamp")
    yield from _strings(status, "startTime")
    for condition in _listed(status, "conditions"):
        yield from _strings(condition, "lastTransitionTime", "lastHeartbeatTime")
    for container in _listed(status, "containerStatuses"):
        for state in (_inside(container, "state"), _inside(container, "lastState")):
            yield from _strings(_inside(state, "running"), "startedAt")
            yield from _strings(_inside(state, "terminated"), "startedAt", "finishedAt")


def _inside(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _listed(value: Any, key: str) -> list[Any]:
    found = _inside(value, key)
    return found if isinstance(found, list) else []


def _strings(value: Any, *keys: str) -> Iterator[str]:
    return (found for key in keys if isinstance(found := _inside(value, key), str))


def _lives(snapshots: Sequence[_Snapshot]) -> list[_Life]:
    """Return every pod once, in the order in which they were first seen."""
    found: dict[tuple[str, ...], _Life] = {}
    here: dict[str, set[tuple[str, ...]]] = {s.series: set() for s in snapshots if s.objects.pods}
    for snapshot in snapshots:
        series = snapshot.series
        # A file of one query that holds nothing tells that all pods are gone.
        if series not in here or not (snapshot.objects.pods or series):
            continue
        now: set[tuple[str, ...]] = set()
        for pod in snapshot.objects.pods:
            meta = pod.metadata
            key: tuple[str, ...] = (
                (meta.uid,) if meta.uid else (meta.namespace, meta.name, meta.creation_timestamp or "")
            )
            now.add(key)
            found[key] = _Life(pod, snapshot.file, series, snapshot.time_ns)
        for key in here[series] - now:
            if found[key].series == series:
                found[key].gone_ns = snapshot.time_ns
        here[series] = now
    return list(found.values())


def _fault(faults: Faults, life: _Life, path: str, message: str) -> None:
    faults.rows += life.ok
    life.ok = False
    name = f"Pod {life.pod.metadata.namespace or 'default'}/{life.pod.metadata.name}"
    faults.of_row(Fault(life.file, -1, name, path, message))


def _times(life: _Life, faults: Faults, left: Counter[str]) -> tuple[int, int | None] | None:
    """Return when a pod came and how long it ran, in nanoseconds; None if it counts for nothing."""
    status = _inside(life.pod.source, "status")
    created = _read(life, faults, "metadata.creationTimestamp", life.pod.metadata.creation_timestamp)
    started = _read(life, faults, "status.startTime", next(_strings(status, "startTime"), None))
    deleted = _read(
        life,
        faults,
        "metadata.deletionTimestamp",
        next(_strings(_inside(life.pod.source, "metadata"), "deletionTimestamp"), None),
    )
    ended = _end(life, faults, status)
    if created is None:
        if not life.pod.metadata.creation_timestamp:
            _fault(faults, life, "metadata.creationTimestamp", "is missing; give what the cluster says, not a manifest")
        return None
    if started is not None and started < created:
        _fault(faults, life, "status.startTime", "is before metadata.creationTimestamp")
    if not life.ok:
        return None
    if started is None:
        if life.gone_ns is not None or life.pod.status.phase in _DONE:
            left["pods that never started were left out"] += 1
            return None
        left["pods were waiting at the end: they come, and stay once they start"] += 1
        return created, None
    if ended is None and life.gone_ns is not None:
        if deleted is None:
            left["pods were gone from one file to the next: they end in the middle of the two"] += 1
            deleted = (life.seen_ns + life.gone_ns) // 2
        # What is being deleted ends by the time that was given for it, if not before.
        ended = max(min(max(deleted, life.seen_ns), life.gone_ns), started)
    if ended is None:
        left["pods were running at the end: they stay"] += 1
        return created, None
    if not 0 <= ended - started <= LIMIT_S * NS:
        _fault(faults, life, "status.containerStatuses", "end before status.startTime, or ten years after it")
        return None
    return created, max(ended - started, NS)


def _read(life: _Life, faults: Faults, path: str, text: str | None) -> int | None:
    if not text:
        return None
    told = stamp_ns(text)
    if told is None:
        _fault(faults, life, path, f"{text[:60]!r} is not a time like 2026-11-24T14:00:00Z")
    return told


def _end(life: _Life, faults: Faults, status: Any) -> int | None:
    """Return when the last container of a pod that is done ended."""
    if life.pod.status.phase not in _DONE:
        return None
    path = "status.containerStatuses[].state.terminated.finishedAt"
    texts = [
        text
        for container in _listed(status, "containerStatuses")
        for text in _strings(_inside(_inside(container, "state"), "terminated"), "finishedAt")
    ]
    ends = [told for text in texts if (told := _read(life, faults, path, text)) is not None]
    # A pod that was evicted has no containers: it had ended when it was seen.
    return max(ends, default=life.seen_ns)


def _group(pod: Pod) -> str:
    named = pod.spec.scheduling_group.pod_group_name if pod.spec.scheduling_group is not None else None
    return f"{pod.metadata.namespace}/{named}" if named else ""


def _arrivals(found: Iterable[tuple[int, int | None, str, str]]) -> tuple[Arrival, ...]:
    """Return arrivals from time 0 on; a group wants all the pods that were seen of it."""
    given = sorted(found, key=lambda item: item[0])
    sizes = Counter(group for *_, group in given if group)
    begin = given[0][0] if given else 0
    if given and given[-1][0] - begin > LIMIT_S * NS:
        message = f"was created more than ten years before {given[-1][2]}; check the clock, or leave its file out"
        raise InputError(faults=[Fault("", -1, f"Pod {given[0][2]}", "metadata.creationTimestamp", message)])
    return tuple(Arrival(time - begin, duration, name, group, sizes[group]) for time, duration, name, group in given)


def _fleet(snapshots: Sequence[_Snapshot]) -> Objects | None:
    """Return the latest slices, classes, taint rules and nodes; None without slices."""
    latest: dict[str, tuple[Any, ...]] = {}
    for snapshot in snapshots:
        # What is not modelled of a node is dropped: images and addresses are nobody's business.
        nodes = tuple(structs.replace(node, source=None) for node in snapshot.objects.nodes)
        kinds = {"slices": snapshot.objects.slices, "classes": snapshot.objects.classes, "nodes": nodes}
        kinds["taint_rules"] = snapshot.objects.taint_rules
        latest |= {kind: things for kind, things in kinds.items() if things}
    return Objects.of(item for things in latest.values() for item in things) if "slices" in latest else None
