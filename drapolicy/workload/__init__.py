"""Workloads and fleets: read from files, or generated."""

from __future__ import annotations

from drapolicy.workload.arrivals import Arrival, read_arrivals, redrawn, write_arrivals
from drapolicy.workload.embedded import dataset_folder
from drapolicy.workload.fleets import fleet, fleet_objects, topology_text
from drapolicy.workload.models import MODELS
from drapolicy.workload.wishes import claims
from drapolicy.workload.workload import COMMUNICATION, Workload, communication_percent, read

__all__ = [
    "COMMUNICATION",
    "MODELS",
    "Arrival",
    "Workload",
    "claims",
    "communication_percent",
    "dataset_folder",
    "fleet",
    "fleet_objects",
    "read",
    "read_arrivals",
    "redrawn",
    "topology_text",
    "write_arrivals",
]
