"""The experiment of the FGD paper: pods of the openb trace fill its nodes, and what is allocated and wasted is drawn.

Weng et al., Beware of Fragmentation, USENIX ATC'23; artefact: hkust-adsl/kubernetes-scheduler-simulator.
"""

from __future__ import annotations

from drapolicy.evaluate.fgd.bound import BOUNDED_AT, Bounds, Ceiling
from drapolicy.evaluate.fgd.curves import ARRIVALS, Curves, Run, curves_of
from drapolicy.evaluate.fgd.experiment import PUBLISHED, Experiment, named, run_all
from drapolicy.evaluate.fgd.files import write_bounds, write_tables
from drapolicy.evaluate.fgd.play import Setting, play
from drapolicy.evaluate.fgd.refusals import Refusals, refusals_of

__all__ = [
    "ARRIVALS",
    "BOUNDED_AT",
    "PUBLISHED",
    "Bounds",
    "Ceiling",
    "Curves",
    "Experiment",
    "Refusals",
    "Run",
    "Setting",
    "curves_of",
    "named",
    "play",
    "refusals_of",
    "run_all",
    "write_bounds",
    "write_tables",
]
