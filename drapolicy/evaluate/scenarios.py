"""Scenarios from files: the embedded ones, and a user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from drapolicy import api, inventory
from drapolicy.errors import Fault, InputError
from drapolicy.problem.ask import claim_key
from drapolicy.release import Release
from drapolicy.simulate import Scenario, read_incidents
from drapolicy.simulate.incidents import checked
from drapolicy.topology.fleet import FleetReport, with_topology
from drapolicy.workload import read as read_workload
from drapolicy.workload import read_openb
from drapolicy.workload.embedded import DATASETS, TWIN, dataset_folder, parts_of
from drapolicy.workload.summary import class_faults

T = TypeVar("T")


def embedded(release: Release | None = None) -> tuple[Scenario, ...]:
    """Return the scenarios that come with drapolicy, by name, as a Kubernetes release plays them (1.37 by default).

    Those that the release's API server would refuse are left out: 1.34 wants counters in the slices that draw on them.

    Examples
    --------
    >>> [scenario.name for scenario in embedded()]
    ['bridged-a100', 'mig-a100']
    """
    found = []
    for name in sorted(DATASETS):
        folder = dataset_folder() / name
        try:
            found.append(of_folder(folder, release))
        except InputError:
            of_folder(folder)  # files that are broken in the newest release too are an error
    return tuple(found)


def of_dataset(name: str, release: Release | None = None) -> Scenario:
    """Return the scenario of a dataset that comes along, by its name in :data:`drapolicy.workload.embedded.ABOUT`.

    Raises
    ------
    UnknownReferenceError
        For another name.
    InputError
        When the release would refuse its files.
    """
    parts = parts_of(name)
    if name != TWIN:
        return of_folder(dataset_folder() / name, release)
    made = read_openb(parts["workload"], parts["fleet"])
    return Scenario(name, inventory.build(made.fleet or api.Objects(), release), made.workload)


def of_folder(folder: str | Path, release: Release | None = None) -> Scenario:
    """Return the scenario of a folder with ``fleet.*``, ``workload/`` and perhaps ``topology.txt``, ``incidents.csv``.

    Raises
    ------
    InputError
        With every fault of its files.
    """
    root = Path(folder)
    if not root.is_dir():
        message = f"{root}: no such folder; check the path"
        raise InputError(message)
    fleet = sorted(map(str, root.glob("fleet*")))
    if not fleet:
        message = f"{root}: has no fleet.yaml or other fleet.*; put one there, and the workload into workload/"
        raise InputError(message)
    links, incidents = root / "topology.txt", root / "incidents.csv"
    scenario, _ = of_files(
        fleet,
        [str(root / "workload")],
        topology=links if links.is_file() else None,
        incidents=incidents if incidents.is_file() else None,
        name=root.name,
        release=release,
    )
    return scenario


def of_files(
    fleet: Sequence[str | Path],
    workload: Sequence[str | Path],
    *,
    topology: str | Path | None = None,
    incidents: str | Path | None = None,
    name: str = "",
    release: Release | None = None,
    strict: bool = True,
) -> tuple[Scenario, FleetReport | None]:
    """Return the scenario of a user's files.

    Parameters
    ----------
    fleet
        Files and folders with slices, classes, taint rules and nodes (classes may stand with the workload too).
    workload
        Files and folders with pods, claims and templates, and one CSV file of arrivals (see
        :func:`drapolicy.workload.read`). Allocated claims and bound pods of all files are there from the start.
    topology
        Output of ``nvidia-smi topo -m`` of the fleet's machines.
    incidents
        What befalls the fleet, a CSV file (see :func:`drapolicy.simulate.read_incidents`).
    name
        For tables; the first workload's name by default.
    release
        Kubernetes release; 1.37 with its default gates if left out.
    strict
        Whether unknown fields are errors, and asking for a class that neither side has; Kubernetes lets such a claim
        wait.

    Returns
    -------
    scenario : Scenario
        The scenario.
    report : FleetReport or None
        How the topology was joined to the fleet.

    Raises
    ------
    InputError
        With every fault of the files.
    """
    faults: list[Fault] = []
    objects = _read(faults, lambda: api.load(*fleet, strict=strict, release=release))
    pods = _read(faults, lambda: read_workload(*workload, name=name, release=release, strict=strict))
    befalls = _read(faults, lambda: () if incidents is None else read_incidents(incidents))
    if objects is None or pods is None or befalls is None:
        raise InputError(faults=faults)
    # People keep classes beside the claims that name them; those of the fleet win.
    known = {item.metadata.name for item in objects.classes}
    classes = [item for item in pods.objects.classes if item.metadata.name not in known]
    if strict and (unknown := class_faults(pods, objects)):
        raise InputError(faults=unknown)
    built = inventory.build(replace(objects, classes=(*objects.classes, *classes)), release)
    report = None
    if topology is not None:
        built, report = with_topology(built, topology)
    standing = _standing(objects, pods.objects)
    return Scenario(name or pods.name, built, pods, standing, incidents=checked(built, befalls)), report


def _read(faults: list[Fault], read: Callable[[], T]) -> T | None:
    """Return what is read; None where that fails, and the faults are kept: other files are looked at too."""
    try:
        return read()
    except InputError as error:
        found = error.faults or (Fault("", -1, "", "", str(error)),)
        faults += [fault for fault in found if fault not in faults]
        return None


def _standing(*inputs: api.Objects) -> api.Objects:
    """Return what is allocated or bound, once each: one file may be fleet and workload."""
    claims = {claim_key(c): c for objects in inputs for c in objects.claims if c.status.allocation is not None}
    bound = (pod for objects in inputs for pod in objects.pods if pod.spec.node_name)
    pods = {(pod.metadata.namespace, pod.metadata.name): pod for pod in bound}
    return api.Objects(claims=tuple(claims.values()), pods=tuple(pods.values()))
