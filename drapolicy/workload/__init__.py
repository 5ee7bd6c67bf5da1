"""Workloads and fleets: read from files, or generated."""

from __future__ import annotations

from drapolicy.workload.arrivals import Arrival, read_arrivals, redrawn, write_arrivals
from drapolicy.workload.embedded import dataset_folder
from drapolicy.workload.fleets import fleet, fleet_objects, topology_text
from drapolicy.workload.generate import GENERATED, Size, generate, read_run_times
from drapolicy.workload.history import read_history
from drapolicy.workload.jobs import Wanted
from drapolicy.workload.models import MODELS
from drapolicy.workload.philly import read_philly
from drapolicy.workload.presets import PRESETS
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.recorded import read_openb
from drapolicy.workload.slurm import read_acme, read_helios
from drapolicy.workload.wishes import claims
from drapolicy.workload.workload import COMMUNICATION, Workload, communication_percent, read

__all__ = [
    "COMMUNICATION",
    "GENERATED",
    "MODELS",
    "PRESETS",
    "Arrival",
    "Imported",
    "Size",
    "Source",
    "Wanted",
    "Workload",
    "claims",
    "communication_percent",
    "dataset_folder",
    "fleet",
    "fleet_objects",
    "generate",
    "read",
    "read_acme",
    "read_arrivals",
    "read_helios",
    "read_history",
    "read_openb",
    "read_philly",
    "read_run_times",
    "redrawn",
    "topology_text",
    "write_arrivals",
]
