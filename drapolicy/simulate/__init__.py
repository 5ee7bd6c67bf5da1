"""Plays scenarios: pods arrive, wait, run and leave, and a policy decides where."""

from __future__ import annotations

from drapolicy.simulate.best import Best, best_free_mb_s
from drapolicy.simulate.churn import Step, churn
from drapolicy.simulate.record import Play, Record
from drapolicy.simulate.run import capacity, play
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import Ideal, stretched_ns

__all__ = [
    "Best",
    "Ideal",
    "Play",
    "Record",
    "Scenario",
    "Step",
    "best_free_mb_s",
    "capacity",
    "churn",
    "play",
    "stretched_ns",
]
