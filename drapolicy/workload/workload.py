"""A workload: pods to copy, the claims they use, and when copies arrive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.core import Pod
from drapolicy.api.resource import ResourceClaim
from drapolicy.errors import Fault, InputError
from drapolicy.problem.ask import Ask, asks
from drapolicy.release import Release
from drapolicy.workload.arrivals import Arrival, faults_in, no_pattern, read_arrivals

COMMUNICATION = "drapolicy/communication-percent"
"""Annotation of a pod: the share of its run time that waits for its devices' links, on ideal devices."""

_Named = TypeVar("_Named", Pod, ResourceClaim)

_TABLES = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Workload:
    """Pods that arrive over time.

    Attributes
    ----------
    objects
        Pods, claims and templates as read.
    arrivals
        In order of time; each a copy of a pod of ``objects``.
    name
        For tables.
    """

    objects: Objects
    arrivals: tuple[Arrival, ...]
    name: str = "workload"

    def __post_init__(self) -> None:
        unknown = sorted({arrival.pod for arrival in self.arrivals} - self.patterns.keys())
        faults = [Fault("", -1, "arrivals", "pod", no_pattern(name, self.patterns)) for name in unknown]
        faults += faults_in(self.arrivals)
        if faults:
            raise InputError(faults=faults)
        for ask in self.patterns.values():
            communication_percent(ask.pod)

    @cached_property
    def patterns(self) -> Mapping[str, Ask]:
        """What copies are made of: an ask by the name of its pod (or lone claim), with and without its namespace."""
        return _patterns(self.objects)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content, in hex."""
        arrivals = [(a.time_ns, a.duration_ns, a.pod, a.group, a.at_least) for a in self.arrivals]
        content = (api.dump(self.objects, "json"), arrivals)
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()

    def ask(self, arrival: Arrival, number: int) -> Ask:
        """Return the ask of one arrival: the pattern with names of its own.

        Claims that were made for the pod are copied with it; a claim that pods name is the same for all copies.
        """
        pattern = self.patterns[arrival.pod]
        claims = [_renamed(c, number) if own else c for c, own in self._copied[arrival.pod]]
        pod = None if pattern.pod is None else _renamed(pattern.pod, number)
        return pattern.renamed(f"{pattern.name}-{number}", tuple(claims), pod)

    @cached_property
    def _copied(self) -> Mapping[str, Sequence[tuple[ResourceClaim, bool]]]:
        """The claims of each pattern, and whether copies have one of their own."""
        found = {}
        for name, pattern in self.patterns.items():
            statuses = () if pattern.pod is None else pattern.pod.status.resource_claim_statuses
            own = {status.resource_claim_name for status in statuses}
            found[name] = [(c, pattern.pod is None or c.metadata.name in own) for c in pattern.claims]
        return found


def _patterns(objects: Objects) -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    for ask in asks(objects):
        found[ask.name] = ask
        namespace, _, name = ask.name.partition("/")
        if namespace == "default":
            found.setdefault(name, ask)
    return found


def _renamed(thing: _Named, number: int) -> _Named:
    meta = msgspec.structs.replace(thing.metadata, name=f"{thing.metadata.name}-{number}")
    return msgspec.structs.replace(thing, metadata=meta)


def communication_percent(pod: Pod | None) -> int:
    """Return a pod's :data:`COMMUNICATION` annotation; 0 where it has none.

    Raises
    ------
    InputError
        When the annotation is not a whole number from 0 to 100.
    """
    if pod is None:
        return 0
    text = pod.metadata.annotations.get(COMMUNICATION, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        name = f"Pod {pod.metadata.namespace}/{pod.metadata.name}"
        message = f"{text!r} is not a whole number from 0 to 100"
        raise InputError(faults=[Fault("", -1, name, f"metadata.annotations[{COMMUNICATION!r}]", message)])
    return int(text)


def read(*sources: str | Path, name: str = "", release: Release | None = None, strict: bool = True) -> Workload:
    """Read a workload: Kubernetes objects, and one CSV file of arrivals.

    Without a CSV file every pod and every lone claim arrives at time 0, in the order of the input, and stays.

    Parameters
    ----------
    sources
        Files and folders; files that end in ``.csv`` or ``.csv.gz`` are arrivals (see :func:`read_arrivals`), all
        others objects.
    name
        For tables; the first source's name by default.
    release
        Kubernetes release whose API is read; 1.37 with its default gates if left out.
    strict
        Whether unknown fields are errors.

    Raises
    ------
    InputError
        With every fault of the input.
    """
    tables = [path for path in _files(sources) if path.name.endswith(_TABLES)]
    plain = [source for source in sources if not str(source).endswith(_TABLES)]
    if len(tables) > 1:
        message = f"workload: {len(tables)} files of arrivals ({', '.join(map(str, tables))}); give one"
        raise InputError(message)
    faults: list[Fault] = []
    objects, known = Objects(), None
    try:
        objects = api.load(*plain, strict=strict, release=release)
        known = _patterns(objects)
    except InputError as error:
        if not error.faults:
            raise
        faults += error.faults
    arrivals: tuple[Arrival, ...] = ()
    try:
        arrivals = read_arrivals(tables[0], known) if tables else tuple(_at_once(known or {}))
    except InputError as error:
        faults += error.faults
    if faults:
        raise InputError(faults=faults)
    return Workload(objects, arrivals, name or (Path(sources[0]).stem if sources else "workload"))


def _at_once(known: Mapping[str, Ask]) -> Iterable[Arrival]:
    return (Arrival(0, None, name) for name in dict.fromkeys(ask.name for ask in known.values()))


def _files(sources: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    for source in map(Path, sources):
        found += (
            sorted(path for path in source.rglob("*.csv*") if path.name.endswith(_TABLES))
            if source.is_dir()
            else [source]
        )
    return found
