"""Nodes ranked by columns of amounts, for rules whose terms have a form by columns.

Policies that look at CPU, or at shares of devices, find few nodes in the same state: an answer for each state that was
met would be worth little. Here a node is a row: what is left of each of its devices, its CPU, its memory. For each kind
of ask there is a column of scores, made anew for the nodes that have changed since.
"""

from __future__ import annotations

from drapolicy.policies.engine.rows.rung import Access, Rung, suits

__all__ = ["Access", "Rung", "suits"]
