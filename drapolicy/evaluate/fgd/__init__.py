"""The experiment of the FGD paper: pods of the openb trace fill its nodes, and what is allocated and wasted is drawn.

Weng et al., Beware of Fragmentation, USENIX ATC'23; artefact: hkust-adsl/kubernetes-scheduler-simulator.
"""

from __future__ import annotations

from drapolicy.evaluate.fgd.curves import ARRIVALS, Curves, Run, curves_of
from drapolicy.evaluate.fgd.experiment import PUBLISHED, Experiment, named, run_all
from drapolicy.evaluate.fgd.files import write_tables
from drapolicy.evaluate.fgd.play import Setting, play

__all__ = [
    "ARRIVALS",
    "PUBLISHED",
    "Curves",
    "Experiment",
    "Run",
    "Setting",
    "curves_of",
    "named",
    "play",
    "run_all",
    "write_tables",
]
