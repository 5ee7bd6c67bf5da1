"""Plays scenarios: pods arrive, wait, run and leave, and a policy decides where."""

from __future__ import annotations

from drapolicy.simulate.run import Play, Record, capacity, play
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.speed import Ideal, stretched_ns

__all__ = ["Ideal", "Play", "Record", "Scenario", "capacity", "play", "stretched_ns"]
