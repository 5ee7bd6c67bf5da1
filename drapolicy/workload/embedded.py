"""The datasets that come with drapolicy, written by :func:`write_all` from seeds.

Two scenarios that `drapolicy evaluate` plays by itself, a day after each published trace, and openb's twin.

The mixes follow what published traces of GPU clusters have in common: most pods ask for one device, few for many, run
times are spread over orders of magnitude (log-normal), and arrivals are a Poisson process at a load near capacity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.api.resource import DeviceRequest
from drapolicy.errors import UnknownReferenceError
from drapolicy.workload.arrivals import COLUMNS
from drapolicy.workload.days import DAYS, day_files
from drapolicy.workload.fleets import fleet_objects, topology_text
from drapolicy.workload.folder import lines, packed
from drapolicy.workload.machine import GPU_DRIVER
from drapolicy.workload.models import MODELS
from drapolicy.workload.pods import pod_and_template
from drapolicy.workload.twin import twin_nodes, twin_pods
from drapolicy.workload.wishes import request_for
from drapolicy.workload.workload import COMMUNICATION

TWIN = "openb-twin"
"""Folder of openb's twin: lists of pods and nodes in the columns of the trace."""

TWIN_SEED = 20263

_HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """A kind of pod in a workload.

    Attributes
    ----------
    name
        Of pod and template.
    part
        Its part of the arrivals, in percent.
    requests, constraint
        What its claim asks for, and an attribute that all devices must share.
    cpu, memory_gi
        What it takes of the node.
    mean_s
        Mean run time on ideal devices.
    communication
        Percent of the run time that waits for links.
    whole
        Whole devices that it takes, for the load.
    """

    name: str
    part: int
    requests: tuple[DeviceRequest, ...]
    constraint: str
    cpu: int
    memory_gi: int
    mean_s: int
    communication: int
    whole: float


@dataclass(frozen=True)
class Dataset:
    """A fleet with a workload.

    Attributes
    ----------
    what
        One line about it.
    model, nodes
        The fleet, see :data:`drapolicy.workload.models.MODELS`.
    jobs
        The mix.
    arrivals
        How many.
    load
        Whole devices asked for at a time, on average, as a part of the fleet.
    seed
        Of everything.
    """

    what: str
    model: str
    nodes: int
    jobs: tuple[Job, ...]
    arrivals: int
    load: float
    seed: int


def _mig(profile: str) -> tuple[DeviceRequest, ...]:
    return (request_for("mig", 1, "mig.nvidia.com", f"device.attributes['{GPU_DRIVER}'].profile == '{profile}'"),)


_GPU, _NIC = "gpu.nvidia.com", "rdma.dra.net"
_ROOT = "resource.kubernetes.io/pcieRoot"

DATASETS: dict[str, Dataset] = {
    # Cards in bridged pairs: which two cards a pod gets decides how fast it runs.
    "bridged-a100": Dataset(
        what="pods of one, two and four cards, which are bridged in pairs; the mix is ours",
        model="a100-pcie-bridged",
        nodes=12,
        jobs=(
            Job("notebook", 45, (request_for("gpu", 1, _GPU),), "", 6, 32, 2 * _HOUR_S, 0, 1),
            Job("pair", 35, (request_for("gpu", 2, _GPU),), "", 12, 96, 3 * _HOUR_S, 12, 2),
            Job("quad", 12, (request_for("gpu", 4, _GPU),), "", 32, 256, 4 * _HOUR_S, 5, 4),
            Job("rdma", 8, (request_for("gpu", 1, _GPU), request_for("nic", 1, _NIC)), _ROOT, 8, 64, 3 * _HOUR_S, 0, 1),
        ),
        arrivals=420,
        load=0.80,
        seed=20261,
    ),
    # Cards cut into partitions: where the small ones go decides whether the large ones still fit.
    "mig-a100": Dataset(
        what="whole GPUs and partitions of them; the mix is ours",
        model="a100-mig",
        nodes=6,
        jobs=(
            Job("infer-1g", 40, _mig("1g.5gb"), "", 2, 8, 12 * _HOUR_S, 0, 1 / 7),
            Job("tune-2g", 20, _mig("2g.10gb"), "", 4, 16, 6 * _HOUR_S, 0, 2 / 7),
            Job("train-full", 40, (request_for("gpu", 1, _GPU),), "", 12, 64, 2 * _HOUR_S, 0, 1),
        ),
        arrivals=420,
        load=1.1,
        seed=20262,
    ),
}


ABOUT: Mapping[str, str] = MappingProxyType(
    {
        **{name: dataset.what for name, dataset in DATASETS.items()},
        **{name: day.what for name, day in DAYS.items()},
        TWIN: "openb's twin: pods and nodes in the columns and proportions of the trace, none of its rows",
    }
)
"""Every dataset, with one line about it."""


def write_all(folder: Path) -> None:
    """Write every dataset below a folder: fleets and workloads, and the lists of the twin."""
    for name in ABOUT:
        for path, content in files_of(name).items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def files_of(name: str) -> dict[str, bytes]:
    """Return the files of a dataset of :data:`ABOUT`, by path; the same bytes in any process."""
    if name == TWIN:
        return twin_files()
    return day_files(name) if name in DAYS else files(DATASETS[name])


def parts_of(name: str) -> dict[str, Path]:
    """Return where a dataset is: files and folders called ``fleet``, ``workload`` and perhaps ``topology``.

    Of the twin they are lists in the columns of openb.

    Raises
    ------
    UnknownReferenceError
        For a name that is none of :data:`ABOUT`.
    """
    if name not in ABOUT:
        raise UnknownReferenceError(f"dataset {name!r}: unknown; use one of {', '.join(ABOUT)}")
    folder = dataset_folder() / name
    if name == TWIN:
        return {"fleet": folder / "nodes.csv.gz", "workload": folder / "pods.csv.gz"}
    found = {"fleet": folder / "fleet.json.gz", "workload": folder / "workload"}
    links = folder / "topology.txt"
    return {**found, "topology": links} if links.is_file() else found


def is_dataset(word: str) -> bool:
    """Tell whether a word is the name of a dataset and of no file here."""
    return word in ABOUT and not Path(word).exists()


def twin_files() -> dict[str, bytes]:
    """Return the lists of openb's twin, by path: see :mod:`drapolicy.workload.twin`."""
    return {"pods.csv.gz": packed(twin_pods(TWIN_SEED)), "nodes.csv.gz": packed(twin_nodes())}


def files(dataset: Dataset) -> dict[str, bytes]:
    """Return the files of a dataset, by path; the same bytes in any process."""
    fleet = fleet_objects(dataset.model, dataset.nodes, seed=dataset.seed)
    made = {
        "fleet.json.gz": packed(lines(fleet)),
        "workload/pods.yaml": api.dump(_workload(dataset), "yaml").encode(),
        "workload/arrivals.csv": _arrivals(dataset).encode(),
    }
    if MODELS[dataset.model].nvlink_pairs:
        made["topology.txt"] = topology_text(dataset.model).encode()
    return made


def _workload(dataset: Dataset) -> Objects:
    made = [
        pod_and_template(
            job.name,
            job.requests,
            cpu=job.cpu,
            memory=f"{job.memory_gi}Gi",
            same=job.constraint,
            annotations={COMMUNICATION: str(job.communication)} if job.communication else {},
        )
        for job in dataset.jobs
    ]
    templates = (template for _, template in made if template is not None)
    return Objects(templates=tuple(templates), pods=tuple(pod for pod, _ in made))


def _arrivals(dataset: Dataset) -> str:
    rng = np.random.default_rng(dataset.seed)
    jobs = dataset.jobs
    parts = np.array([job.part for job in jobs]) / 100
    asked_s = sum(part * job.whole * job.mean_s for part, job in zip(parts, jobs, strict=True))
    machine = MODELS[dataset.model]
    gap_s = asked_s / (dataset.load * dataset.nodes * len(machine.roots))
    times = np.cumsum(rng.exponential(gap_s, dataset.arrivals))
    picked = rng.choice(len(jobs), size=dataset.arrivals, p=parts)
    sigma = 1.0
    spread = rng.lognormal(-sigma * sigma / 2, sigma, dataset.arrivals)
    rows = [
        f"{time:.0f},{max(jobs[kind].mean_s * factor, 60):.0f},{jobs[kind].name}"
        for time, kind, factor in zip(times, picked, spread, strict=True)
    ]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def dataset_folder() -> Path:
    """Return where the datasets are: beside the package in a checkout, inside it when installed.

    Raises
    ------
    FileNotFoundError
        When they are in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "datasets", package.parent / "datasets"):
        if folder.is_dir():
            return folder
    message = "drapolicy's datasets are not installed"
    raise FileNotFoundError(message)
