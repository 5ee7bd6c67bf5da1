"""Plays scenarios: pods arrive, wait, run and leave, things befall the fleet, and a policy decides where."""

from __future__ import annotations

from drapolicy.simulate.best import Best, best_free_mb_s
from drapolicy.simulate.churn import Step, churn
from drapolicy.simulate.discipline import DISCIPLINES, Discipline, discipline
from drapolicy.simulate.incidents import Drain, Failures, Incident, read_incidents
from drapolicy.simulate.record import Play, Record, Records, Series
from drapolicy.simulate.replay import Happened, replay, state_at
from drapolicy.simulate.run import Moment, capacity, play
from drapolicy.simulate.saving import saved
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import Ideal, stretched_ns

__all__ = [
    "DISCIPLINES",
    "Best",
    "Discipline",
    "Drain",
    "Failures",
    "Happened",
    "Ideal",
    "Incident",
    "Moment",
    "Play",
    "Record",
    "Records",
    "Scenario",
    "Series",
    "Step",
    "best_free_mb_s",
    "capacity",
    "churn",
    "discipline",
    "play",
    "read_incidents",
    "replay",
    "saved",
    "state_at",
    "stretched_ns",
]
