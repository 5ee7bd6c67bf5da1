"""Decides as a policy does, and remembers: a decision costs what has changed, not the size of the fleet.

What is remembered lies in three layers, each of which may be dropped at any time: *views* are what a kind of ask sees
of a node, *contents* are what is taken there, and a node's answer depends on the two alone; a *ranking* is a column of
labels over the nodes for each kind of ask, brought up to date from the state's journal.
"""

from __future__ import annotations

from drapolicy.policies.engine.engine import Engine, Stats

__all__ = ["Engine", "Stats"]
